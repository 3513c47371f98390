"""Photos with a known blur: a scene, a case, a camera.

What a photo shows, and the camera that took it, are drawn before and apart from its blur: the same generator with
another case gives the same scene and the same camera, blurred in another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blur_train.classes import BlurClass, EdgeCase
from blur_train.optics.blur import compose, convolve
from blur_train.optics.camera import Camera, decode_jpeg, develop, draw_camera
from blur_train.scenes.cases import Case, Way, draw_case
from blur_train.scenes.scene import LONG_SIDE_PX, Scene, draw_scene
from blur_train.scenes.ways import draw_blur


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticPhoto:
    """A drawn photo and the truth about it. Lengths are in px of this photo.

    Attributes:
        image: RGB uint8 ``(H, W, 3)``, as decoded from ``jpeg``.
        jpeg: the photo as a file.
        label: its class.
        edge_case: None for an ordinary photo.
        way: how it came about.
        radius_px: of the subject's defocus; None where the subject is in focus.
        motion_px: length of the subject's path while the shutter was open; None where it stood still.
        background_radius_px: likewise of the background's defocus.
        background_motion_px: likewise of the background's path.
        subject_mask: bool ``(H, W)``, the subject as it would be without blur.
        subject_box: ``(x0, y0, x1, y1)`` of the mask.
        family: of the scene.
        group: of the scene; photos of one scene share it.
        camera: its settings.
    """

    image: NDArray[np.uint8]
    jpeg: bytes
    label: BlurClass
    edge_case: EdgeCase | None
    way: Way
    radius_px: float | None
    motion_px: float | None
    background_radius_px: float | None
    background_motion_px: float | None
    subject_mask: NDArray[np.bool_]
    subject_box: tuple[int, int, int, int]
    family: str
    group: str
    camera: Camera

    @property
    def width_px(self) -> float | None:
        """Radius of the subject's blur, or half its path, at a long side of 1536 px; None where it is sharp."""
        widest = max(self.radius_px or 0.0, (self.motion_px or 0.0) / 2)
        return widest * LONG_SIDE_PX / max(self.subject_mask.shape) if widest else None


def draw_photo(
    rng: np.random.Generator,
    case: Case | None = None,
    scene: Scene | None = None,
    *,
    camera: Camera | None = None,
    families: Sequence[str] | None = None,
    long_side_px: int = LONG_SIDE_PX,
) -> SyntheticPhoto:
    """Draw a photo.

    Args:
        rng: draws everything that is not given.
        case: what the photo shall be; None draws it.
        scene: what it shows; None draws one, with little texture where the case asks for it.
        camera: what takes it; None draws one, noisy or in low light where the case asks for it.
        families: to draw the scene from; None for the open ones.
        long_side_px: of a scene that is drawn.

    Returns:
        The photo with its truth.
    """
    scene_rng, blur_rng, camera_rng, case_rng = rng.spawn(4)
    case = draw_case(case_rng) if case is None else case
    if scene is None:
        family = None if families is None else str(scene_rng.choice(np.array(families)))
        low_texture = case.edge_case is EdgeCase.LOW_TEXTURE
        scene = draw_scene(scene_rng, family, long_side_px=long_side_px, low_texture=low_texture)
    way, width_px = case.drawn(blur_rng)
    blur = draw_blur(blur_rng, way, width_px * scene.scale, scene.scale)
    drawn_camera = draw_camera(camera_rng, case.edge_case)
    camera = drawn_camera if camera is None else camera
    rim = scene.margin_px
    inside = (slice(rim, -rim or None), slice(rim, -rim or None))
    if blur.subject is not None and blur.subject is blur.background:
        light = convolve(compose(scene.layers), blur.subject)
    else:
        light = compose(scene.layers, subject=blur.subject, background=blur.background)
    jpeg = develop(np.ascontiguousarray(light[inside]), camera, camera_rng)
    mask = scene.layers.coverage[inside] > 0.5
    return SyntheticPhoto(
        image=decode_jpeg(jpeg),
        jpeg=jpeg,
        label=case.label,
        edge_case=case.edge_case,
        way=way,
        radius_px=blur.radius_px,
        motion_px=blur.motion_px,
        background_radius_px=blur.background_radius_px,
        background_motion_px=blur.background_motion_px,
        subject_mask=mask,
        subject_box=_box_of(mask),
        family=scene.family,
        group=scene.group,
        camera=camera,
    )


def _box_of(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
