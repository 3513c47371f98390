"""People and animals as subjects. Each function draws one with a masked pen into a box around a centre.

Every one takes the generator, the pen, the centre ``(x, y)`` and the height in px, and the unit (see
:mod:`blur_train.scenes.drawing`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blur_train.scenes.drawing import Colour, Pen, blob, colour, turned, varied

Point = tuple[float, float]


def skin_tone(rng: np.random.Generator) -> Colour:
    """A colour of skin, light to dark."""
    return colour(rng, hue=(0.03, 0.09), saturation=(0.25, 0.6), value=(0.25, 0.95))


def runner(rng: np.random.Generator, pen: Pen, centre: Point, height: float, unit: float) -> None:
    """A runner with a number on the chest."""
    cx, cy = centre
    skin, shirt, shorts = skin_tone(rng), colour(rng), colour(rng)
    top, limb = cy - height / 2, height * rng.uniform(0.055, 0.08)
    hip, shoulder = (cx, cy + 0.04 * height), (cx + rng.normal(0, 0.03) * height, top + 0.2 * height)
    for side in (-1, 1):
        swing = side * rng.uniform(0.08, 0.22) * height
        knee = (hip[0] + swing, hip[1] + rng.uniform(0.16, 0.23) * height)
        foot = (knee[0] + rng.normal(0, 0.06) * height, cy + height * rng.uniform(0.4, 0.47))
        pen.line([hip, knee, foot], limb * 1.25, varied(rng, skin, 8))
        pen.line([hip, (0.4 * hip[0] + 0.6 * knee[0], 0.4 * hip[1] + 0.6 * knee[1])], limb * 1.9, shorts)
        pen.ellipse((foot[0] + 0.02 * height, foot[1] + 0.01 * height), (0.055 * height, 0.025 * height), colour(rng))
        elbow = (shoulder[0] - swing * 0.9, shoulder[1] + 0.15 * height)
        hand = (elbow[0] + rng.uniform(0.0, 0.14) * height, elbow[1] + rng.uniform(-0.08, 0.1) * height)
        pen.line([shoulder, elbow, hand], limb, varied(rng, skin, 8))
    wide = rng.uniform(0.09, 0.13) * height
    chest = [(shoulder[0] - wide, shoulder[1]), (shoulder[0] + wide, shoulder[1])]
    pen.polygon([*chest, (hip[0] + 0.8 * wide, hip[1]), (hip[0] - 0.8 * wide, hip[1])], shirt)
    for stripe in np.linspace(0.1, 0.9, int(rng.integers(2, 9))):
        y = shoulder[1] + stripe * (hip[1] - shoulder[1])
        pen.line([(cx - 0.7 * wide, y), (cx + 0.7 * wide, y)], 2 * unit, varied(rng, shirt, 50), detail=True)
    bib = 1.2 * wide
    corner = (shoulder[0] - bib / 2, shoulder[1] + 0.08 * height)
    pen.box(corner, (bib, 0.75 * bib), (240, 240, 238), detail=True)
    pen.text(str(rng.integers(100, 9999)), (corner[0] + 0.06 * bib, corner[1] + 0.52 * bib), bib * 0.3, (20, 20, 30))
    _head(rng, pen, (shoulder[0], top + 0.085 * height), 0.08 * height, skin)


def portrait(rng: np.random.Generator, pen: Pen, centre: Point, height: float, unit: float) -> None:
    """Head and shoulders."""
    cx, cy = centre
    skin, cloth = skin_tone(rng), colour(rng)
    foot, neck = cy + height / 2, cy + 0.1 * height
    wide = rng.uniform(0.32, 0.45) * height
    outline = [(cx - wide, foot), (cx - 0.85 * wide, neck + 0.2 * height), (cx - 0.1 * height, neck + 0.08 * height)]
    outline += [(2 * cx - x, y) for x, y in reversed(outline)]
    pen.polygon(outline, cloth)
    for _ in range(rng.integers(10, 40)):
        start = np.array([rng.uniform(cx - 0.7 * wide, cx + 0.7 * wide), rng.uniform(neck + 0.25 * height, foot)])
        run = [rng.uniform(5, 50) * unit, rng.normal(0, 8) * unit]
        pen.line([start, start + run], rng.uniform(1, 4) * unit, varied(rng, cloth, 45), detail=True)
    pen.box((cx - 0.09 * height, neck - 0.1 * height), (0.18 * height, 0.22 * height), varied(rng, skin, 10))
    _head(rng, pen, (cx, cy - 0.2 * height), rng.uniform(0.2, 0.25) * height, skin)


def _head(rng: np.random.Generator, pen: Pen, centre: Point, radius: float, skin: Colour) -> None:
    """A head with hair, eyes, nose and mouth; finer features appear where there is room for them."""
    x, y = centre
    unit = max(pen.image.shape) / 1000
    hair = colour(rng, hue=(0.02, 0.12), value=(0.05, 0.8))
    pen.ellipse((x, y - 0.15 * radius), (0.95 * radius, 1.05 * radius), hair)
    pen.ellipse((x, y + 0.12 * radius), (0.78 * radius, 0.98 * radius), skin)
    count = int(np.clip(radius * 6, 20, 900))
    around = rng.uniform(np.pi, 2 * np.pi, count)
    root = np.column_stack([np.cos(around), np.sin(around)]) * radius * rng.uniform(0.7, 1.05, (count, 1)) + centre
    tips = root + np.column_stack([np.cos(around) * 0.1, np.abs(rng.normal(0.25, 0.1, count))]) * radius
    pen.strokes(root, tips, [varied(rng, hair, 30) for _ in range(5)], width_px=max(1, unit))
    iris = colour(rng, value=(0.1, 0.5))
    for side in (-1, 1):
        eye = (x + side * 0.32 * radius, y + 0.02 * radius)
        pen.ellipse(eye, (0.17 * radius, 0.08 * radius), (240, 238, 235), detail=True)
        pen.ellipse(eye, (0.07 * radius, 0.075 * radius), iris, detail=True)
        pen.ellipse(
            (eye[0] + 0.02 * radius, eye[1] - 0.02 * radius), (0.02 * radius,) * 2, (255, 255, 255), detail=True
        )
        lashes = np.linspace(-0.18, 0.18, max(3, int(radius / (3 * unit))))
        start = np.column_stack([eye[0] + lashes * radius, np.full(len(lashes), eye[1] - 0.08 * radius)])
        pen.strokes(start, start + np.array([0, -0.05 * radius]), [(30, 22, 20)])
        brow = [(eye[0] - 0.2 * radius, eye[1] - 0.2 * radius), (eye[0] + 0.2 * radius, eye[1] - 0.24 * radius)]
        pen.line(brow, 0.06 * radius, hair, detail=True)
    nose = [(x, y), (x + 0.1 * radius, y + 0.35 * radius), (x - 0.06 * radius, y + 0.38 * radius)]
    pen.line(nose, 0.04 * radius, varied(rng, skin, 30), detail=True)
    mouth = (x, y + 0.62 * radius)
    pen.ellipse(mouth, (0.28 * radius, 0.08 * radius), colour(rng, hue=(0.97, 1.02), value=(0.35, 0.8)), detail=True)
    freckles = rng.normal(0, 0.35, (int(rng.integers(0, 60)), 2)) * radius + (x, y + 0.3 * radius)
    pen.strokes(freckles, freckles + 1, [varied(rng, skin, 30)], width_px=max(1, 1.5 * unit))


def grazing_animal(rng: np.random.Generator, pen: Pen, centre: Point, height: float, unit: float) -> None:
    """A furry animal on four legs."""
    cx, cy = centre
    coat, facing = colour(rng, hue=(0.02, 0.13), saturation=(0.0, 0.6)), rng.choice([-1.0, 1.0])
    long, deep = height * rng.uniform(0.55, 0.75), height * rng.uniform(0.22, 0.3)
    for leg in (-0.8, -0.6, 0.55, 0.75):
        x = cx + leg * long * 0.75
        foot = (x + rng.normal(0, 0.04) * height, cy + 0.48 * height)
        pen.line(
            [(x, cy), (x + rng.normal(0, 0.02) * height, cy + 0.28 * height), foot],
            0.07 * height,
            varied(rng, coat, 15),
        )
    pen.polygon(blob(rng, (cx, cy), (long * 0.8, deep), roughness=0.05), coat)
    head = (cx + facing * long * 0.95, cy - rng.uniform(-0.1, 0.3) * height)
    pen.line([(cx + facing * 0.6 * long, cy - 0.3 * deep), head], 0.2 * height, varied(rng, coat, 10))
    pen.ellipse(head, (0.19 * height, 0.11 * height), varied(rng, coat, 10), angle=facing * 0.4)
    for _ in range(rng.integers(0, 7)):
        spot = (cx + rng.normal(0, 0.3) * long, cy + rng.normal(0, 0.4) * deep)
        pen.polygon(blob(rng, spot, (rng.uniform(0.03, 0.1) * height,) * 2, roughness=0.2), colour(rng), detail=True)
    hairs = int(np.clip(height * 7, 100, 6000))
    root = np.column_stack([rng.normal(cx, 0.45 * long, hairs), rng.normal(cy, 0.55 * deep, hairs)])
    run = np.column_stack([rng.normal(-facing * 0.05, 0.015, hairs), rng.normal(0.03, 0.015, hairs)]) * height
    pen.strokes(root, root + run, [varied(rng, coat, 28) for _ in range(7)])
    pen.ellipse(
        (head[0] + facing * 0.03 * height, head[1] - 0.03 * height), (0.018 * height,) * 2, (15, 12, 10), detail=True
    )
    ear = [
        (head[0] - facing * 0.1 * height, head[1] - 0.06 * height),
        (head[0] - facing * 0.16 * height, head[1] - 0.22 * height),
    ]
    pen.polygon([*ear, (head[0], head[1] - 0.08 * height)], varied(rng, coat, 25))
    del unit


def bird(rng: np.random.Generator, pen: Pen, centre: Point, height: float, unit: float) -> None:
    """A bird with folded wings on a branch."""
    cx, cy = centre
    plumage, wing, lean = colour(rng), colour(rng), rng.uniform(-0.6, 0.6)
    branch = cy + 0.4 * height
    pen.line(
        [(cx - 0.9 * height, branch + rng.normal(0, 0.05) * height), (cx, branch), (cx + 0.8 * height, branch)],
        0.06 * height,
        (70, 50, 35),
    )
    for side in (-0.08, 0.08):
        pen.line(
            [(cx + side * height, cy + 0.2 * height), (cx + side * height, branch)], 0.025 * height, (160, 110, 60)
        )

    def at(points: list[Point]) -> NDArray[np.float64]:
        return turned([(cx + x * height, cy + y * height) for x, y in points], lean, centre)

    pen.polygon(at([(0.02, 0.15), (0.12, 0.6), (0.0, 0.62), (-0.1, 0.18)]), varied(rng, wing, 20))
    pen.polygon(turned(blob(rng, (cx, cy), (0.22 * height, 0.33 * height), roughness=0.03), lean, centre), plumage)
    pen.ellipse(tuple(at([(0.0, -0.33)])[0]), (0.15 * height, 0.14 * height), varied(rng, plumage, 30))
    pen.polygon(at([(0.12, -0.36), (0.27, -0.32), (0.12, -0.28)]), colour(rng, hue=(0.05, 0.15), value=(0.3, 0.9)))
    for row in range(9):
        for step in range(7):
            tip = (-0.16 + 0.045 * step, -0.05 + 0.055 * row)
            feather = at(
                [tip, (tip[0] + 0.05, tip[1] + 0.02), (tip[0] + 0.035, tip[1] + 0.09), (tip[0], tip[1] + 0.07)]
            )
            pen.polygon(feather, varied(rng, wing, 28), detail=True)
            pen.line(feather[[0, 2]], max(1, unit), varied(rng, wing, 55), detail=True)
    count = int(np.clip(height * 3, 60, 2500))
    root = rng.normal(0, 1, (count, 2)) * (0.1 * height, 0.16 * height) + centre
    pen.strokes(root, root + rng.normal(0, 0.02 * height, (count, 2)), [varied(rng, plumage, 25) for _ in range(5)])
    eye = tuple(at([(0.05, -0.37)])[0])
    pen.ellipse(eye, (0.028 * height,) * 2, (12, 10, 10), detail=True)
    pen.ellipse((eye[0] + 0.008 * height, eye[1] - 0.008 * height), (0.008 * height,) * 2, (250, 250, 250), detail=True)
