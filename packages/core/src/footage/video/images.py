"""Reading and writing photos with Pillow: EXIF orientation applied, truncation refused."""

from __future__ import annotations

import re
import warnings
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from footage.errors import VideoError
from footage.runs.files import atomic_path


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sorts ``img2`` before ``img10``."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((0, int(part)) if part.isdecimal() else (1, part.casefold()) for part in parts)


def read_image(path: str | PathLike[str]) -> NDArray[np.uint8]:
    """Read a photo upright.

    Sixteen-bit pictures are scaled to eight bits, palettes and CMYK are converted, alpha is dropped.

    Returns:
        RGB uint8 (H, W, 3).

    Raises:
        VideoError: The file is missing, truncated, too large (over Pillow's limit of 179 megapixels) or no image.
    """
    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                upright = ImageOps.exif_transpose(image)
                if upright.mode.startswith("I"):
                    levels = np.asarray(upright, dtype=np.float64) / 257.0
                    gray = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
                    return np.repeat(gray[:, :, None], 3, axis=2)
                return np.array(upright.convert("RGB"), dtype=np.uint8)
    except FileNotFoundError:
        raise VideoError("there is no such file", where=path, remedy="check the path") from None
    except PermissionError:
        raise VideoError("may not be read", where=path, remedy="check the file's permissions") from None
    except UnidentifiedImageError:
        raise VideoError("not an image that can be read", where=path, remedy="check that it opens elsewhere") from None
    except Image.DecompressionBombError:
        raise VideoError("the image has too many pixels to read", where=path, remedy="scale it down") from None
    except (OSError, SyntaxError, ValueError) as error:
        reason = "truncated" if "truncated" in str(error).lower() else f"damaged ({error})"
        raise VideoError(f"the image is {reason}", where=path, remedy="copy it again from its source") from None


def write_image(path: str | PathLike[str], rgb: NDArray[np.uint8], *, quality: int = 95) -> None:
    """Write a photo; the suffix chooses the format. The name appears only when the file is complete.

    Args:
        path: the file; it is replaced if it exists.
        rgb: uint8 (H, W, 3).
        quality: 1 to 100 for lossy formats.

    Raises:
        ValueError: The array is not an RGB picture.
        VideoError: The folder cannot be written or the suffix is unknown.
    """
    path = Path(path)
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"a picture must be uint8 (H, W, 3), not {rgb.dtype} {rgb.shape}")
    try:
        with atomic_path(path) as partial:
            Image.fromarray(np.ascontiguousarray(rgb)).save(partial, quality=quality)
    except (OSError, ValueError) as error:
        raise VideoError(f"cannot write the image ({error})", where=path, remedy="check folder and suffix") from None
