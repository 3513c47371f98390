"""Collections of small photos in folders by class, as users have them."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

SIDE_PX = 96
MakePhoto = Callable[..., NDArray[np.uint8]]
SavePhoto = Callable[..., Path]


def pixels(seed: int, *, side: int = SIDE_PX, soft: int = 0) -> NDArray[np.uint8]:
    """Random coarse colours with fine texture; ``soft`` mixes neighbours that many times, as a blur does."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 216, (6, 6, 3)).astype(np.uint8)
    image = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC), dtype=np.float64)
    image = image + rng.normal(0, 18, image.shape)
    for _ in range(soft):
        image = (image * 4 + sum(np.roll(image, by, axis) for by in (1, -1) for axis in (0, 1))) / 8
    return np.clip(image, 0, 255).astype(np.uint8)


def save(
    path: Path,
    image: NDArray[np.uint8],
    *,
    camera: str | None = None,
    taken: datetime | None = None,
    orientation: int | None = None,
    quality: int = 95,
) -> Path:
    """Write a photo, with what a camera would write beside its pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if camera is not None:
        exif[ExifTags.Base.Model] = camera
    if taken is not None:
        exif[ExifTags.Base.DateTime] = taken.strftime("%Y:%m:%d %H:%M:%S")
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    data = io.BytesIO()
    kind = {".png": "PNG", ".heic": "HEIF", ".tif": "TIFF"}.get(path.suffix, "JPEG")
    if kind == "HEIF":
        from pillow_heif import register_heif_opener

        register_heif_opener()
    Image.fromarray(image).save(data, kind, quality=quality, exif=exif)
    path.write_bytes(data.getvalue())
    return path


@pytest.fixture(scope="session")
def make_pixels() -> MakePhoto:
    """``make_pixels(seed, side=..., soft=...)`` draws a picture."""
    return pixels


@pytest.fixture(scope="session")
def save_photo() -> SavePhoto:
    """``save_photo(path, pixels, camera=..., taken=..., orientation=...)`` writes a photo."""
    return save


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """Folders as the program before this one had them: 16 sharp, 12 of two blurs each, 5 moved."""
    folder = tmp_path / "photos"
    names = {
        "Portrait Photos Running event and bib numbers": (16, 0),
        "Defocused object in portrait": (12, 2),
        "defocused_blurred": (12, 3),
        "motion_blurred": (5, 1),
    }
    seed = 0
    for name, (count, soft) in names.items():
        for index in range(count):
            seed += 1
            save(folder / name / f"IMG_{index:04}.jpg", pixels(seed, soft=soft))
    return folder
