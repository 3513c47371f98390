"""Things as subjects; as in :mod:`blur_train.scenes.people` each function draws one around a centre."""

from __future__ import annotations

import numpy as np

from blur_train.scenes.drawing import Pen, blob, colour, turned, varied, word

Point = tuple[float, float]


def bottle(rng: np.random.Generator, pen: Pen, centre: Point, height: float, unit: float) -> None:
    """A bottle or jar with a printed label."""
    cx, cy = centre
    glass, half = colour(rng), height * rng.uniform(0.14, 0.3)
    neck, shoulder = half * rng.uniform(0.25, 0.8), cy - height * rng.uniform(0.1, 0.3)
    top, foot = cy - height / 2, cy + height / 2
    side = [
        (cx - half, foot),
        (cx - half, shoulder + 0.06 * height),
        (cx - 0.8 * half, shoulder),
        (cx - neck, shoulder - 0.06 * height),
    ]
    side.append((cx - neck, top))
    pen.polygon([*side, *((2 * cx - x, y) for x, y in reversed(side))], glass)
    pen.box((cx - neck * 1.1, top), (neck * 2.2, 0.08 * height), colour(rng))
    for ridge in np.arange(cx - neck, cx + neck, 5 * unit):
        pen.line([(ridge, top), (ridge, top + 0.08 * height)], unit, varied(rng, (90, 90, 90), 50), detail=True)
    paper = colour(rng, saturation=(0, 0.4), value=(0.6, 1.0))
    label = (cx - half, shoulder + 0.14 * height)
    pen.box(label, (2 * half, foot - label[1] - 0.06 * height), paper, detail=True)
    pen.text(word(rng, 5), (label[0] + 0.1 * half, label[1] + 0.45 * half), 0.36 * half, colour(rng, value=(0, 0.5)))
    ink = colour(rng, value=(0.0, 0.4))
    for y in np.arange(label[1] + 0.65 * half, foot - 0.12 * height, max(9 * unit, 5)):
        pen.text(word(rng, 16), (label[0] + 0.1 * half, y), max(6 * unit, 5), ink)
    for edge in (-0.75, 0.7):
        glint = [(cx + edge * half, shoulder + 0.05 * height), (cx + edge * half, foot - 0.03 * height)]
        pen.line(glint, rng.uniform(1, 5) * unit, varied(rng, (235, 235, 235), 12), detail=True)


def car(rng: np.random.Generator, pen: Pen, centre: Point, height: float, unit: float) -> None:
    """A car from the side."""
    cx, cy = centre
    paint, long = colour(rng), height * rng.uniform(1.0, 1.3)
    low, belt, roof = cy + 0.3 * height, cy - 0.05 * height, cy - height * rng.uniform(0.32, 0.45)
    pen.polygon(
        [
            (cx - long, low),
            (cx - long, belt),
            (cx - 0.7 * long, belt - 0.05 * height),
            (cx - 0.4 * long, roof),
            (cx + 0.3 * long, roof),
            (cx + 0.62 * long, belt),
            (cx + long, belt + 0.06 * height),
            (cx + long, low),
        ],
        paint,
    )
    glass = colour(rng, hue=(0.5, 0.65), saturation=(0, 0.3), value=(0.15, 0.8))
    pen.polygon(
        [
            (cx - 0.62 * long, belt),
            (cx - 0.37 * long, roof + 0.05 * height),
            (cx - 0.05 * long, roof + 0.05 * height),
            (cx - 0.05 * long, belt),
        ],
        glass,
        detail=True,
    )
    pen.polygon(
        [
            (cx + 0.0 * long, belt),
            (cx, roof + 0.05 * height),
            (cx + 0.27 * long, roof + 0.05 * height),
            (cx + 0.52 * long, belt),
        ],
        varied(rng, glass, 10),
        detail=True,
    )
    for seam in (-0.05, 0.5, -0.6):
        pen.line(
            [(cx + seam * long, belt), (cx + seam * long, low)], max(1, 1.5 * unit), varied(rng, paint, 60), detail=True
        )
        pen.box(
            (cx + (seam - 0.14) * long, belt + 0.07 * height), (0.09 * long, 0.02 * height), (30, 30, 32), detail=True
        )
    for side in (-0.62, 0.62):
        wheel, radius = (cx + side * long, low), 0.17 * height
        pen.ellipse(wheel, (radius, radius), (22, 22, 24))
        pen.ellipse(
            wheel, (0.65 * radius, 0.65 * radius), colour(rng, saturation=(0, 0.1), value=(0.5, 0.95)), detail=True
        )
        turn = rng.uniform(0, 1)
        for spoke in np.linspace(0, 2 * np.pi, int(rng.integers(5, 13)), endpoint=False) + turn:
            tip = (wheel[0] + 0.6 * radius * np.cos(spoke), wheel[1] + 0.6 * radius * np.sin(spoke))
            pen.line([wheel, tip], 2.5 * unit, (40, 40, 42), detail=True)
    pen.text(word(rng, 6), (cx - 0.3 * long, low - 0.06 * height), 0.13 * height, varied(rng, paint, 80))
    pen.ellipse((cx + 0.95 * long, belt + 0.12 * height), (0.05 * height, 0.04 * height), (250, 245, 220), detail=True)


def flower(rng: np.random.Generator, pen: Pen, centre: Point, height: float, unit: float) -> None:
    """A large blossom on its stem, with leaves."""
    cx, cy = centre
    head, radius = (cx, cy - 0.18 * height), height * rng.uniform(0.24, 0.32)
    green, petal = colour(rng, hue=(0.2, 0.4), value=(0.2, 0.7)), colour(rng, value=(0.5, 1))
    bend = rng.normal(0, 0.06) * height
    pen.line([head, (cx + bend, cy + 0.2 * height), (cx, cy + 0.5 * height)], 0.035 * height, green)
    for side in (-1, 1):
        place, angle = (cx + side * 0.14 * height, cy + rng.uniform(0.2, 0.4) * height), side * rng.uniform(-0.9, -0.3)
        pen.ellipse(place, (0.16 * height, 0.05 * height), varied(rng, green, 20), angle=angle)
        for rib in np.linspace(-0.8, 0.8, 13):
            base = (place[0] + rib * 0.14 * height, place[1])
            ribs = [base, (base[0] + 0.03 * height, base[1] - 0.03 * height)]
            pen.line(turned(ribs, angle, place), max(1, unit), varied(rng, green, 40), detail=True)
    for ring in (1.0, 0.7):
        count = int(rng.integers(7, 17))
        for turn in np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.uniform(0, 1):
            middle = (head[0] + 0.6 * ring * radius * np.cos(turn), head[1] + 0.6 * ring * radius * np.sin(turn))
            tone = varied(rng, petal, 16)
            pen.ellipse(middle, (0.42 * ring * radius, 1.9 * ring * radius / count), tone, angle=turn)
            for vein in np.linspace(-0.6, 0.6, 5):
                a = (middle[0] - 0.35 * ring * radius, middle[1] + vein * 1.5 * ring * radius / count)
                b = (middle[0] + 0.35 * ring * radius, middle[1] + 0.5 * (a[1] - middle[1]))
                pen.line(turned([a, b], turn, middle), 1, varied(rng, tone, 35), detail=True)
    disc = colour(rng, hue=(0.06, 0.16), value=(0.3, 0.9))
    pen.ellipse(head, (0.3 * radius, 0.3 * radius), disc)
    for index in range(160):
        far, turn = 0.28 * radius * np.sqrt(index / 160), index * 2.39996
        seed = (head[0] + far * np.cos(turn), head[1] + far * np.sin(turn))
        pen.ellipse(seed, (max(0.8, 0.014 * radius),) * 2, varied(rng, disc, 45), detail=True)


def sail_boat(rng: np.random.Generator, pen: Pen, centre: Point, height: float, unit: float) -> None:
    """A boat under sail."""
    cx, cy = centre
    hull, sail, long = colour(rng), colour(rng, saturation=(0, 0.7), value=(0.5, 1)), height * rng.uniform(0.35, 0.55)
    deck, keel, mast = cy + 0.3 * height, cy + 0.48 * height, cx + rng.normal(0, 0.04) * height
    pen.polygon(
        [(cx - long, deck), (cx + 1.1 * long, deck - 0.03 * height), (cx + 0.7 * long, keel), (cx - 0.8 * long, keel)],
        hull,
    )
    pen.line(
        [(cx - 0.95 * long, deck + 0.05 * height), (cx + long, deck + 0.03 * height)],
        3 * unit,
        varied(rng, hull, 70),
        detail=True,
    )
    pen.line([(mast, deck), (mast, cy - 0.5 * height)], 0.014 * height, (120, 95, 70))
    main = [
        (mast - 0.015 * height, cy - 0.48 * height),
        (mast - 0.015 * height, deck - 0.06 * height),
        (cx - 0.85 * long, deck - 0.06 * height),
    ]
    jib = [
        (mast + 0.015 * height, cy - 0.42 * height),
        (mast + 0.015 * height, deck - 0.05 * height),
        (cx + 0.95 * long, deck - 0.04 * height),
    ]
    for cloth in (main, jib):
        pen.polygon(cloth, varied(rng, sail, 12))
        peak, tack, clew = (np.array(point) for point in cloth)
        for share in np.linspace(0.1, 0.95, int(rng.integers(7, 15))):
            pen.line(
                [peak + share * (tack - peak), peak + share * (clew - peak)], 1, varied(rng, sail, 35), detail=True
            )
    pen.text(word(rng, 4), (mast - 0.4 * long, cy + 0.02 * height), 0.09 * height, colour(rng, value=(0, 0.5)))
    pen.text(word(rng, 7), (cx - 0.5 * long, keel - 0.04 * height), 0.07 * height, varied(rng, hull, 90))
    for window in np.linspace(-0.5, 0.6, int(rng.integers(3, 8))):
        pen.ellipse((cx + window * long, deck + 0.09 * height), (0.014 * height,) * 2, (25, 28, 35), detail=True)


def machine(rng: np.random.Generator, pen: Pen, centre: Point, height: float, unit: float) -> None:
    """Gear wheels on a plate with bolts and cables."""
    cx, cy = centre
    metal = colour(rng, saturation=(0, 0.3), value=(0.3, 0.85))
    wide = height * rng.uniform(0.35, 0.5)
    pen.polygon(
        turned(
            [
                (cx - wide, cy - 0.45 * height),
                (cx + wide, cy - 0.45 * height),
                (cx + wide, cy + 0.45 * height),
                (cx - wide, cy + 0.45 * height),
            ],
            rng.normal(0, 0.15),
            centre,
        ),
        metal,
    )
    for _ in range(rng.integers(3, 7)):
        cable = np.column_stack(
            [np.linspace(-1, 1, 30) * wide * 0.9, np.sin(np.linspace(0, rng.uniform(2, 8), 30)) * 0.08 * height]
        )
        offset = (cx, cy + rng.uniform(-0.38, 0.38) * height)
        pen.line(cable + offset, rng.uniform(3, 9) * unit, colour(rng), detail=True)
        pen.line(cable + offset - [0, unit], 1, (235, 235, 235), detail=True)
    for _ in range(rng.integers(2, 5)):
        hub = (cx + rng.uniform(-0.6, 0.6) * wide, cy + rng.uniform(-0.3, 0.3) * height)
        radius, teeth, tone = rng.uniform(0.1, 0.24) * height, int(rng.integers(12, 30)), varied(rng, metal, 40)
        around = np.linspace(0, 2 * np.pi, teeth * 4, endpoint=False)
        far = np.where(np.arange(teeth * 4) % 4 < 2, 1.0, 0.86) * radius
        pen.polygon(np.column_stack([np.cos(around) * far, np.sin(around) * far]) + hub, tone)
        pen.ellipse(hub, (0.6 * radius, 0.6 * radius), varied(rng, tone, 25), detail=True)
        pen.ellipse(hub, (0.18 * radius, 0.18 * radius), (30, 30, 32), detail=True)
    for _ in range(rng.integers(8, 30)):
        bolt = (cx + rng.uniform(-0.85, 0.85) * wide, cy + rng.uniform(-0.4, 0.4) * height)
        size = rng.uniform(4, 9) * unit
        pen.ellipse(bolt, (size, size), varied(rng, metal, 50), detail=True)
        pen.line([(bolt[0] - size, bolt[1]), (bolt[0] + size, bolt[1])], max(1, 1.5 * unit), (35, 35, 38), detail=True)
    pen.text(word(rng, 8), (cx - 0.7 * wide, cy + 0.42 * height), 0.05 * height, (20, 20, 22))


def stall_sign(rng: np.random.Generator, pen: Pen, centre: Point, height: float, unit: float) -> None:
    """A painted sign with lines of text on two posts, and a lantern."""
    cx, cy = centre
    board, ink, wide = colour(rng), colour(rng), height * rng.uniform(0.4, 0.6)
    for side in (-0.8, 0.8):
        pen.line(
            [(cx + side * wide, cy - 0.3 * height), (cx + side * wide, cy + 0.5 * height)], 0.05 * height, (95, 70, 45)
        )
    pen.box((cx - wide, cy - 0.38 * height), (2 * wide, 0.58 * height), board)
    y = cy - 0.38 * height
    for size in rng.uniform(0.05, 0.13, 4) * height:
        y += size * 1.15
        pen.text(word(rng, max(3, int(1.9 * wide / size))), (cx - 0.93 * wide, y), size, varied(rng, ink, 30))
    for nail in np.linspace(-0.95, 0.95, 14):
        pen.ellipse((cx + nail * wide, cy - 0.36 * height), (max(1, 2.5 * unit),) * 2, (45, 45, 45), detail=True)
    lantern = (cx + rng.uniform(-0.5, 0.5) * wide, cy + 0.32 * height)
    pen.line([(lantern[0], cy + 0.18 * height), lantern], 2 * unit, (40, 40, 40))
    pen.polygon(blob(rng, lantern, (0.09 * height, 0.11 * height), roughness=0.02), colour(rng, value=(0.6, 1)))
    for rib in np.linspace(-0.08, 0.08, 7):
        ribs = [
            (lantern[0] + rib * height, lantern[1] - 0.08 * height),
            (lantern[0] + rib * height, lantern[1] + 0.08 * height),
        ]
        pen.line(ribs, 1, (60, 40, 30), detail=True)
