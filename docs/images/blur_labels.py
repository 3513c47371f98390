"""Draw the examples of the label rules anew: `uv run python docs/images/blur_labels.py`.

Each picture shows a drawn photo whole, and beside it a part of it, its pixels as they are. The photos are drawn by
`blur_train.scenes`, so the pictures are free of rights.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from blur_train.classes import BlurClass, EdgeCase
from blur_train.optics.camera import encode_jpeg
from blur_train.scenes.cases import Case, Way
from blur_train.scenes.photo import SyntheticPhoto, draw_photo

FOLDER = Path(__file__).with_name("blur")
HEIGHT_PX = 250
PART_PX = 330
QUALITY = 82
LARGEST_BYTES = 60_000
SHARP, MOVED = BlurClass.SHARP, BlurClass.MOTION_BLURRED
# What each shows, its family, its seed, and how far down the subject the part beside it lies.
EXAMPLES: dict[str, tuple[Case, str, int, float]] = {
    "sharp": (Case(label=SHARP), "street_runner", 3, 0),
    "bokeh": (Case(label=SHARP, edge_case=EdgeCase.BOKEH), "garden_flower", 21, 0.12),
    "panning": (Case(label=SHARP, edge_case=EdgeCase.PANNING), "city_car", 4, 0.6),
    "low_light": (Case(label=SHARP, edge_case=EdgeCase.LOW_LIGHT), "library_portrait", 2, 0.25),
    "defocused_blurred": (Case(label=BlurClass.DEFOCUSED_BLURRED, width_px=6), "street_runner", 3, 0),
    "defocused_object_portrait": (
        Case(label=BlurClass.DEFOCUSED_OBJECT_PORTRAIT, width_px=7),
        "library_portrait",
        2,
        0.25,
    ),
    "camera_shake": (Case(label=MOVED, way=Way.CAMERA_SHAKE, width_px=8), "street_runner", 3, 0),
    "subject_motion": (Case(label=MOVED, way=Way.SUBJECT_MOTION, width_px=9), "stadium_runner", 7, 0),
    "missed_pan": (Case(label=MOVED, way=Way.MISSED_PAN, width_px=6), "city_car", 4, 0.6),
    "mild_mix": (Case(label=MOVED, edge_case=EdgeCase.MILD_MIX), "meadow_animal", 5, 0.1),
}


def side_by_side(photo: SyntheticPhoto, down: float) -> NDArray[np.uint8]:
    """The whole photo at a small size, and a part of it as it is, so far down its subject."""
    height, width = photo.image.shape[:2]
    whole = cv2.resize(photo.image, (round(width * HEIGHT_PX / height), HEIGHT_PX), interpolation=cv2.INTER_AREA)
    x0, y0, x1, y1 = photo.subject_box
    left = min(max(0, (x0 + x1) // 2 - PART_PX * 2 // 3), width - PART_PX)
    top = min(max(0, round(y0 - 20 + down * (y1 - y0))), height - HEIGHT_PX)
    part = photo.image[top : top + HEIGHT_PX, left : left + PART_PX]
    gap = np.full((HEIGHT_PX, 8, 3), 255, np.uint8)
    return np.asarray(np.hstack([whole, gap, part]), dtype=np.uint8)


def main() -> None:
    """Draw all examples into `docs/images/blur`."""
    FOLDER.mkdir(exist_ok=True)
    for name, (case, family, seed, down) in EXAMPLES.items():
        photo = draw_photo(np.random.default_rng(seed), case, families=[family])
        data = encode_jpeg(side_by_side(photo, down), QUALITY)
        if len(data) > LARGEST_BYTES:
            raise SystemExit(f"{name} has {len(data)} bytes, more than {LARGEST_BYTES}: lower the quality")
        (FOLDER / f"{name}.jpg").write_bytes(data)


if __name__ == "__main__":
    main()
