"""Scenes from real sharp photos: blur and camera are drawn on them as on drawn ones."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from blur_train.classes import EdgeCase
from blur_train.optics.blur import layers_of_photo
from blur_train.optics.camera import Camera, draw_camera
from blur_train.scenes.scene import LONG_SIDE_PX, MARGIN_PX, Scene

Mask = NDArray[np.bool_]


def middle_ellipse(shape: tuple[int, int]) -> Mask:
    """Where a subject most likely is, if nobody said: an upright ellipse in the middle.

    Args:
        shape: ``(height, width)`` of the picture.

    Returns:
        bool of that shape.
    """
    height, width = shape
    y = (np.arange(height)[:, None] / height - 0.52) / 0.4
    x = (np.arange(width)[None, :] - width / 2) / (0.24 * min(shape))
    return np.asarray(x * x + y * y <= 1.0)


def scene_of_photo(
    image: NDArray[np.uint8], mask: Mask | None = None, *, group: str, long_side_px: int = LONG_SIDE_PX
) -> Scene:
    """A scene from a sharp photo. Its rim is given up, so that blur brings in what the camera saw there.

    Args:
        image: RGB uint8 ``(H, W, 3)``.
        mask: bool ``(H, W)``, where the subject is; None takes an ellipse in the middle.
        group: what must stay on one side of a split.
        long_side_px: larger photos are scaled down to it by area averaging, which makes them sharper still.

    Raises:
        ValueError: the mask does not fit the photo, or shows no subject or nothing else.
    """
    subject = middle_ellipse((image.shape[0], image.shape[1])) if mask is None else mask
    if subject.shape != image.shape[:2]:
        raise ValueError(f"the mask is {subject.shape[::-1]} px, and the photo is {image.shape[1::-1]} px")
    share = min(1.0, long_side_px / max(subject.shape))
    size = (max(1, round(subject.shape[1] * share)), max(1, round(subject.shape[0] * share)))
    if share < 1:
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        subject = cv2.resize(subject.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
    # With the rim gone, the long side is what the blur's width is stated for.
    margin = int(np.ceil(MARGIN_PX * max(size) / (LONG_SIDE_PX + 2 * MARGIN_PX)))
    inner = subject[margin:-margin, margin:-margin]
    if not inner.any() or inner.all():
        raise ValueError("the mask shows no subject, or nothing but it")
    return Scene(layers=layers_of_photo(image, subject), margin_px=margin, family="photo", group=group)


def camera_for_photo(rng: np.random.Generator, edge_case: EdgeCase | None = None) -> Camera:
    """A camera for a scene that was photographed before: it adds noise and JPEG, and keeps the exposure.

    Args:
        rng: draws everything.
        edge_case: noise and low light change the settings.
    """
    camera = draw_camera(rng, edge_case)
    exposure = camera.exposure if edge_case is EdgeCase.LOW_LIGHT else 1.0
    return replace(camera, exposure=exposure, vignetting=0.0, lens_sigma_px=0.3, sharpening=camera.sharpening / 2)
