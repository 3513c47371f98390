"""Places: what stands behind a subject. Each function draws one kind of place, never twice the same.

Every one takes the generator, the ``(width, height)`` in px and the unit (see :mod:`blur_train.scenes.drawing`), and
returns RGB uint8 ``(H, W, 3)`` that is sharp everywhere.
"""

from __future__ import annotations

import numpy as np

from blur_train.scenes.drawing import Image, Pen, Size, blob, colour, grain, ramp, shaded, turned, varied, word


def brick_wall(rng: np.random.Generator, size: Size, unit: float) -> Image:
    """A wall of bricks above a pavement, with posters."""
    width, height = size
    brick_h = rng.uniform(14, 30) * unit
    brick_w = brick_h * rng.uniform(1.8, 3.0)
    mortar = max(1.0, brick_h * rng.uniform(0.06, 0.14))
    y, x = np.arange(height)[:, None], np.arange(width)[None, :]
    row = (y // brick_h).astype(int)
    column = ((x + (row % 2) * brick_w / 2) // brick_w).astype(int)
    tones = rng.normal(0, 18, (row.max() + 1, int(column.max()) + 1, 1)) + colour(rng, value=(0.3, 0.8))
    image = np.clip(tones, 0, 255).astype(np.uint8)[row, column]
    gap = ((y % brick_h) < mortar) | (((x + (row % 2) * brick_w / 2) % brick_w) < mortar)
    image[gap] = colour(rng, saturation=(0, 0.15), value=(0.4, 0.9))
    pen = Pen(image)
    for _ in range(rng.integers(1, 5)):
        corner = (rng.uniform(0, 0.85) * width, rng.uniform(0, 0.5) * height)
        pen.box(corner, (rng.uniform(60, 220) * unit, rng.uniform(80, 260) * unit), colour(rng))
        for line in range(5):
            pen.text(word(rng, 9), (corner[0] + 6 * unit, corner[1] + (24 + 24 * line) * unit), 14 * unit, colour(rng))
    ground = rng.uniform(0.75, 0.95) * height
    pen.box((0, ground), (width, height), colour(rng, saturation=(0, 0.2), value=(0.25, 0.7)))
    return shaded(image, grain(rng, size, coarsest_px=60 * unit), rng.uniform(0.08, 0.16))


def meadow(rng: np.random.Generator, size: Size, unit: float) -> Image:
    """Sky, hills and grass."""
    width, height = size
    sky = colour(rng, hue=(0.5, 0.68), saturation=(0.1, 0.6), value=(0.6, 1.0))
    image = ramp(size, sky, varied(rng, sky, 40))
    pen = Pen(image)
    horizon = rng.uniform(0.2, 0.5) * height
    green = (0.17, 0.4)
    for hill in range(3):
        top = horizon + hill * 0.06 * height + np.cumsum(rng.normal(0, 6 * unit, 24))
        points = [*zip(np.linspace(0, width, 24), top, strict=True), (width, height), (0, height)]
        pen.polygon(points, colour(rng, hue=green, value=(0.2, 0.6)))
    blades = int(rng.integers(5000, 9000))
    y = horizon + (height - horizon) * np.sqrt(rng.random(blades))
    y.sort()
    near = (y - horizon) / (height - horizon)
    root = np.column_stack([rng.uniform(0, width, blades), y])
    lean = np.column_stack([rng.normal(0, 0.35, blades), -np.abs(rng.normal(1, 0.3, blades))])
    pen.strokes(root, root + lean * (6 + 34 * near)[:, None] * unit, [colour(rng, hue=green) for _ in range(9)])
    return shaded(image, grain(rng, size, coarsest_px=200 * unit, slope=0.9), rng.uniform(0.05, 0.12))


def stadium(rng: np.random.Generator, size: Size, unit: float) -> Image:
    """A crowd on its seats, a row of boards, and lanes on the ground."""
    width, height = size
    image = ramp(size, colour(rng, value=(0.1, 0.4)), colour(rng, value=(0.2, 0.5)))
    pen = Pen(image)
    ground = rng.uniform(0.5, 0.7) * height
    step = rng.uniform(14, 26) * unit
    tones = [colour(rng) for _ in range(14)]
    for row, y in enumerate(np.arange(step, ground, step * 1.5)):
        for x in np.arange((row % 2) * step / 2, width, step * 1.2):
            middle = (x + rng.normal(0, 2 * unit), y + rng.normal(0, 2 * unit))
            pen.ellipse((middle[0], middle[1] + 0.8 * step), (0.5 * step, 0.7 * step), tones[rng.integers(14)])
            pen.ellipse(middle, (0.25 * step, 0.32 * step), varied(rng, (190, 150, 120), 40))
    board = rng.uniform(30, 60) * unit
    for x in np.arange(0, width, 260 * unit):
        pen.box((x, ground - board), (255 * unit, board), colour(rng, value=(0.5, 1.0)))
        pen.text(word(rng, 7), (x + 10 * unit, ground - board * 0.25), board * 0.55, colour(rng, value=(0, 0.4)))
    pen.box((0, ground), (width, height), colour(rng, value=(0.35, 0.75)))
    vanish = rng.uniform(-1, 2) * width
    for x in np.linspace(-2 * width, 3 * width, 26):
        pen.line([(vanish + 0.5 * (x - vanish), ground), (x, height)], 3 * unit, (235, 235, 235))
    return shaded(image, grain(rng, size, coarsest_px=30 * unit), rng.uniform(0.06, 0.14))


def studio(rng: np.random.Generator, size: Size, unit: float) -> Image:
    """A paper backdrop behind a wooden table."""
    width, height = size
    tone = colour(rng, saturation=(0, 0.5), value=(0.3, 0.95))
    image = ramp(size, tone, varied(rng, tone, 45), rng.uniform(0, np.pi))
    image = shaded(image, grain(rng, size, coarsest_px=4), rng.uniform(0.02, 0.05))
    pen = Pen(image)
    edge = rng.uniform(0.6, 0.85) * height
    wood = colour(rng, hue=(0.03, 0.12), value=(0.25, 0.8))
    pen.box((0, edge), (width, height), wood)
    count = int(rng.integers(500, 1200))
    start = np.column_stack([rng.uniform(-0.2, 1, count) * width, rng.uniform(edge, height, count)])
    run = np.column_stack([rng.uniform(40, 400, count) * unit, rng.normal(0, 2 * unit, count)])
    pen.strokes(start, start + run, [varied(rng, wood, 22) for _ in range(7)])
    for _ in range(rng.integers(0, 4)):
        x = rng.uniform(0, width)
        pen.box((x, 0), (rng.uniform(2, 9) * unit, edge), varied(rng, tone, 40))
    return shaded(image, grain(rng, size, coarsest_px=2), 0.03)


def shelves(rng: np.random.Generator, size: Size, unit: float) -> Image:
    """Rows of books with titles on their backs."""
    width, height = size
    image = np.full((height, width, 3), colour(rng, value=(0.05, 0.3)), np.uint8)
    pen = Pen(image)
    row_h = rng.uniform(130, 230) * unit
    for top in np.arange(-rng.uniform(0, 1) * row_h, height, row_h):
        x = 0.0
        while x < width:
            wide, high = rng.uniform(14, 48) * unit, row_h * rng.uniform(0.6, 0.88)
            back = colour(rng)
            foot = top + row_h * 0.93
            pen.box((x, foot - high), (wide, high), back)
            pen.line([(x, foot - high), (x, foot)], 1, varied(rng, back, 60))
            for _ in range(rng.integers(1, 5)):
                y = foot - high * rng.uniform(0.1, 0.9)
                pen.box((x + 2 * unit, y), (wide - 4 * unit, rng.uniform(2, 12) * unit), colour(rng))
            if wide > 24 * unit:
                pen.text(word(rng, 2), (x + 3 * unit, foot - high * 0.3), 13 * unit, colour(rng, value=(0.6, 1)))
            x += wide + rng.uniform(0, 2) * unit
        pen.box((0, top + row_h * 0.93), (width, row_h * 0.07), colour(rng, hue=(0.02, 0.12), value=(0.2, 0.6)))
    return shaded(image, grain(rng, size, coarsest_px=8 * unit), rng.uniform(0.05, 0.1))


def city(rng: np.random.Generator, size: Size, unit: float) -> Image:
    """Houses with windows along a road."""
    width, height = size
    image = ramp(size, colour(rng, saturation=(0, 0.5), value=(0.6, 1)), colour(rng, saturation=(0, 0.3)))
    pen = Pen(image)
    road, x = rng.uniform(0.68, 0.85) * height, -rng.uniform(0, 100) * unit
    while x < width:
        wide, top = rng.uniform(120, 320) * unit, rng.uniform(0.0, 0.4) * height
        wall, pane = colour(rng, saturation=(0, 0.5)), colour(rng, hue=(0.5, 0.65), saturation=(0, 0.4))
        pen.box((x, top), (wide, road - top), wall)
        nx, ny = int(rng.integers(3, 8)), int(rng.integers(4, 11))
        cell_w, cell_h = wide / nx, (road - top) / ny
        for i in range(nx):
            for j in range(ny):
                corner = (x + (i + 0.2) * cell_w, top + (j + 0.25) * cell_h)
                pen.box(corner, (0.6 * cell_w, 0.55 * cell_h), varied(rng, pane, 30))
                middle = corner[0] + 0.3 * cell_w
                pen.line([(middle, corner[1]), (middle, corner[1] + 0.55 * cell_h)], 2 * unit, varied(rng, wall, 40))
        x += wide
    pen.box((0, road), (width, height), colour(rng, saturation=(0, 0.15), value=(0.2, 0.55)))
    for x in np.arange(0, width, 150 * unit):
        pen.box((x, (road + height) / 2), (80 * unit, 7 * unit), (230, 230, 225))
    return shaded(image, grain(rng, size, coarsest_px=20 * unit), rng.uniform(0.05, 0.14))


def garden(rng: np.random.Generator, size: Size, unit: float) -> Image:
    """Leaves upon leaves, some blossoms among them."""
    width, height = size
    image = np.full((height, width, 3), colour(rng, hue=(0.2, 0.4), value=(0.05, 0.25)), np.uint8)
    pen = Pen(image)
    for index in range(1500):
        centre = (rng.uniform(0, width), rng.uniform(0, height))
        long, angle = rng.uniform(10, 42) * unit, rng.uniform(0, np.pi)
        if index % 40 == 39:
            tone = colour(rng, value=(0.6, 1))
            for petal in np.linspace(0, 2 * np.pi, 6)[:5]:
                place = (centre[0] + 9 * unit * np.cos(petal), centre[1] + 9 * unit * np.sin(petal))
                pen.ellipse(place, (9 * unit, 5 * unit), tone, angle=petal)
            continue
        leaf = colour(rng, hue=(0.18, 0.42), saturation=(0.3, 0.8), value=(0.15 + 0.3 * index / 1500, 0.85))
        pen.ellipse(centre, (long, long * rng.uniform(0.3, 0.5)), leaf, angle=angle)
        vein = turned([(centre[0] - long, centre[1]), (centre[0] + long, centre[1])], angle, centre)
        pen.line(vein, 1, varied(rng, leaf, 35))
    return shaded(image, grain(rng, size, coarsest_px=10 * unit), rng.uniform(0.04, 0.1))


def snow_slope(rng: np.random.Generator, size: Size, unit: float) -> Image:
    """A bright slope with tracks, and firs along its upper edge."""
    width, height = size
    image = ramp(size, colour(rng, hue=(0.5, 0.65), value=(0.6, 1)), colour(rng, saturation=(0, 0.2), value=(0.7, 1)))
    pen = Pen(image)
    left, right = rng.uniform(0.2, 0.55, 2) * height
    white = colour(rng, hue=(0.55, 0.65), saturation=(0, 0.12), value=(0.75, 0.98))
    for _ in range(rng.integers(20, 45)):
        x = rng.uniform(0, width)
        foot, high = left + (right - left) * x / width + 10 * unit, rng.uniform(50, 190) * unit
        tone = colour(rng, hue=(0.28, 0.45), value=(0.08, 0.4))
        for tier in range(6):
            half, top = high * 0.25 * (tier + 2) / 7, foot - high * (1 - tier / 7)
            pen.polygon([(x, top), (x - half, top + high * 0.3), (x + half, top + high * 0.3)], varied(rng, tone, 14))
    pen.polygon([(0, left), (width, right), (width, height), (0, height)], white)
    for _ in range(rng.integers(8, 25)):
        start, way = np.array([rng.uniform(0, width), max(left, right)]), rng.normal(0, 1)
        steps = np.linspace(0, 1, 20)[:, None]
        bend = np.column_stack([steps * way * 500 + 30 * np.sin(9 * steps + way), steps * 900]) * unit
        for offset in (0, 9):
            pen.line(start + bend + [offset * unit, 0], 2 * unit, varied(rng, white, 25))
    return shaded(image, grain(rng, size, coarsest_px=30 * unit), rng.uniform(0.02, 0.06))


def harbour(rng: np.random.Generator, size: Size, unit: float) -> Image:
    """Waves below a quay with masts and containers."""
    width, height = size
    sky = colour(rng, hue=(0.5, 0.7), saturation=(0.05, 0.4), value=(0.5, 1))
    image = ramp(size, sky, varied(rng, sky, 25))
    horizon = rng.uniform(0.3, 0.5) * height
    pen = Pen(image)
    for x in np.arange(0, width, 55 * unit):
        high = rng.uniform(20, 60) * unit
        pen.box((x, horizon - high), (52 * unit, high), colour(rng))
        for rib in range(6):
            pen.line([(x + rib * 9 * unit, horizon - high), (x + rib * 9 * unit, horizon)], 1, (60, 60, 60))
        if rng.random() < 0.6:
            top = horizon - rng.uniform(100, 300) * unit
            pen.line([(x, horizon), (x, top)], 3 * unit, colour(rng, saturation=(0, 0.2)))
            pen.line([(x, top), (x + 80 * unit, horizon)], 1, (40, 40, 40))
    y = np.arange(height, dtype=np.float32)[:, None]
    x = np.arange(width, dtype=np.float32)[None, :]
    depth = np.maximum(y - np.float32(horizon), 1) / np.float32(height - horizon)
    swell = grain(rng, size, coarsest_px=120 * unit, finest_px=4)
    waves = np.sin(60 * np.sqrt(depth) * 2 * np.pi + swell * 1.5 + x / (40 * unit))
    sea = colour(rng, hue=(0.45, 0.65), value=(0.2, 0.6))
    water = shaded(np.full((height, width, 3), sea, np.uint8), waves + 0.5 * grain(rng, size, coarsest_px=4), 0.3)
    image[int(horizon) :] = water[int(horizon) :]
    return shaded(image, grain(rng, size, coarsest_px=3), 0.04)


def forest(rng: np.random.Generator, size: Size, unit: float) -> Image:
    """Trunks one behind another, twigs, and a floor of needles."""
    width, height = size
    image = ramp(size, colour(rng, hue=(0.15, 0.5), value=(0.4, 0.9)), colour(rng, hue=(0.1, 0.4), value=(0.1, 0.4)))
    pen = Pen(image)
    bark = colour(rng, hue=(0.03, 0.13), saturation=(0.1, 0.6), value=(0.1, 0.5))
    for x in rng.permutation(np.linspace(0, width, 26)):
        wide, lean = rng.uniform(8, 60) * unit, rng.normal(0, 30) * unit
        foot, tone = rng.uniform(0.75, 1.0) * height, varied(rng, bark, 25)
        pen.polygon([(x, 0), (x + wide * 0.7, 0), (x + wide + lean, foot), (x + lean, foot)], tone)
        count = int(wide * 1.2) + 8
        start = np.column_stack([x + rng.uniform(0, 0.9, count) * wide, rng.uniform(0, foot, count)])
        start[:, 0] += lean * start[:, 1] / foot
        pen.strokes(start, start + np.array([0, 45 * unit]), [varied(rng, tone, 30) for _ in range(3)])
    twigs = 900
    start = np.column_stack([rng.uniform(0, width, twigs), rng.uniform(0, height * 0.7, twigs)])
    pen.strokes(start, start + rng.normal(0, 28 * unit, (twigs, 2)), [colour(rng, value=(0.05, 0.5)) for _ in range(6)])
    needles = 5000
    start = np.column_stack([rng.uniform(0, width, needles), height - np.abs(rng.normal(0, 0.16, needles)) * height])
    run = rng.normal(0, 11 * unit, (needles, 2))
    pen.strokes(start, start + run, [colour(rng, hue=(0.04, 0.25), value=(0.1, 0.7)) for _ in range(9)])
    return shaded(image, grain(rng, size, coarsest_px=60 * unit), rng.uniform(0.05, 0.14))


def night_street(rng: np.random.Generator, size: Size, unit: float) -> Image:
    """Signs, lit windows and lamps in the dark."""
    width, height = size
    image = ramp(size, colour(rng, value=(0.04, 0.16)), colour(rng, value=(0.06, 0.24)))
    pen = Pen(image)
    for _ in range(rng.integers(60, 130)):
        corner = (rng.uniform(0, width), rng.uniform(0, 0.75) * height)
        pen.box(corner, (rng.uniform(8, 34) * unit, rng.uniform(10, 40) * unit), colour(rng, hue=(0.08, 0.16)))
    for _ in range(rng.integers(4, 11)):
        corner = (rng.uniform(0, 0.85) * width, rng.uniform(0.1, 0.6) * height)
        wide = rng.uniform(80, 240) * unit
        pen.box(corner, (wide, 50 * unit), colour(rng, value=(0.05, 0.4)))
        neon = colour(rng, saturation=(0.5, 1), value=(0.8, 1))
        pen.text(word(rng, 6), (corner[0] + 6 * unit, corner[1] + 38 * unit), 30 * unit, neon)
    for _ in range(rng.integers(30, 90)):
        centre = (rng.uniform(0, width), rng.uniform(0, 0.9) * height)
        pen.ellipse(centre, (rng.uniform(1, 5) * unit,) * 2, colour(rng, saturation=(0, 0.6), value=(0.9, 1)))
    for _ in range(rng.integers(20, 50)):
        centre = (rng.uniform(0, width), rng.uniform(0.75, 1) * height)
        pen.ellipse(centre, (rng.uniform(20, 90) * unit, 2 * unit), colour(rng, value=(0.2, 0.8)))
    return shaded(image, grain(rng, size, coarsest_px=40 * unit), rng.uniform(0.08, 0.2))


def pebbles(rng: np.random.Generator, size: Size, unit: float) -> Image:
    """A beach of stones with light from one side."""
    width, height = size
    base = colour(rng, saturation=(0, 0.35), value=(0.15, 0.4))
    image = np.full((height, width, 3), base, np.uint8)
    pen = Pen(image)
    light = rng.uniform(0, 2 * np.pi)
    shift = np.array([np.cos(light), np.sin(light)])
    for radius in np.sort(rng.lognormal(np.log(16), 0.5, 1400))[::-1] * unit:
        centre = (rng.uniform(0, width), rng.uniform(0, height))
        tone = colour(rng, saturation=(0, 0.4), value=(0.25, 0.95))
        radii = (radius, radius * rng.uniform(0.55, 1))
        outline = blob(rng, centre, radii, roughness=0.15)
        pen.polygon(outline - shift * 0.15 * radius, varied(rng, (35, 32, 30), 10))
        pen.polygon(outline, tone)
        pen.polygon((outline - centre) * 0.55 + centre + shift * 0.2 * radius, varied(rng, tone, 18))
    return shaded(image, grain(rng, size, coarsest_px=8 * unit, slope=0.3), rng.uniform(0.06, 0.16))
