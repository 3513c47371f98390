"""How a photo comes to look as it does: what happened while the shutter was open, and the kernels of that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from blur_train.optics.kernels import Kernel, Path2D, aperture, bent_path, jerked, joined, motion, shaken_path
from blur_train.scenes.cases import WIDTH_PX, Way, log_uniform

BACKGROUND_PX = (1.3, 18.0)
"""Range of the radius of a background that is out of focus, at a long side of 1536 px."""

STREAK_PX = (6.0, 40.0)
"""Range of the length of a background's streaks behind a subject that the camera followed, likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blur:
    """What becomes of a point of the subject and of the background, and the lengths it was made with.

    Attributes:
        subject: None where the subject is sharp.
        background: None where the background is sharp; the subject's own kernel where both are blurred as one.
        radius_px: of the subject's defocus.
        motion_px: length of the subject's path.
        background_radius_px: of the background's defocus.
        background_motion_px: length of the background's path.
    """

    subject: Kernel | None = None
    background: Kernel | None = None
    radius_px: float | None = None
    motion_px: float | None = None
    background_radius_px: float | None = None
    background_motion_px: float | None = None


def draw_blur(rng: np.random.Generator, way: Way, width_px: float, scale: float) -> Blur:
    """Kernels for a way.

    Args:
        rng: draws shapes, directions, and the background's blur.
        way: what happened.
        width_px: radius of the subject's defocus or half the length of its path, in px of the photo; a mild mix takes
            it as the wider one of its two. Not used where the subject is sharp.
        scale: long side of the photo in units of 1536 px.
    """
    match way:
        case Way.STILL:
            return Blur()
        case Way.BOKEH | Way.PANNING:
            return _behind(rng, way, scale)
        case Way.WHOLE_DEFOCUS | Way.SUBJECT_DEFOCUS:
            return _defocus(rng, way, width_px, scale)
        case Way.WHOLE_DEFOCUS_MIX | Way.SUBJECT_DEFOCUS_MIX | Way.CAMERA_SHAKE_MIX:
            return _mix(rng, way, width_px)
        case Way.CAMERA_SHAKE | Way.SWING:
            streak = motion(_camera_path(rng, way, width_px, scale))
            return Blur(subject=streak, background=streak, motion_px=2 * width_px, background_motion_px=2 * width_px)
        case Way.SUBJECT_MOTION | Way.MISSED_PAN:
            return _moved(rng, way, width_px, scale)


def _lens(rng: np.random.Generator, radius_px: float) -> Kernel:
    """A defocus through a round or a bladed aperture, its rim brighter or dimmer."""
    blades = int(rng.integers(5, 10)) if rng.random() < 0.5 else None
    return aperture(radius_px, blades=blades, turn=float(rng.uniform(0, 1)), rim=float(rng.uniform(-0.4, 0.6)))


def _behind(rng: np.random.Generator, way: Way, scale: float) -> Blur:
    """A sharp subject before a background that is out of focus, or streaked as the camera follows the subject."""
    if way is Way.BOKEH:
        behind = log_uniform(rng, BACKGROUND_PX) * scale
        return Blur(background=_lens(rng, behind), background_radius_px=behind)
    length = log_uniform(rng, STREAK_PX) * scale
    streak = motion(bent_path(length, float(rng.normal(0, 0.15)), float(rng.normal(0, 0.15))))
    return Blur(background=streak, background_motion_px=length)


def _defocus(rng: np.random.Generator, way: Way, width_px: float, scale: float) -> Blur:
    lens = _lens(rng, width_px)
    if way is Way.SUBJECT_DEFOCUS:
        return Blur(subject=lens, radius_px=width_px)
    if rng.random() < 0.5:
        return Blur(subject=lens, background=lens, radius_px=width_px, background_radius_px=width_px)
    # Focused in front of everything: what is farther away is more out of focus.
    farther = max(width_px, min(width_px * float(rng.uniform(1.0, 2.5)), 25 * scale))
    return Blur(subject=lens, background=_lens(rng, farther), radius_px=width_px, background_radius_px=farther)


def _camera_path(rng: np.random.Generator, way: Way, width_px: float, scale: float) -> Path2D:
    """Of a hand that trembles, or of a swing: as for a pan, or out of a vehicle, with nothing followed."""
    if way is Way.SWING:
        path = bent_path(2 * width_px, float(rng.normal(0, 0.2)), float(rng.normal(0, 0.1)))
        cycles, strength = log_uniform(rng, (2.0, 15.0)), float(rng.uniform(0, 2.0))
        return jerked(path, cycles=cycles, strength=strength, phase=float(rng.uniform(0, 2 * np.pi)))
    unrest = float(rng.uniform(0.2, 1.2))
    if width_px > WIDTH_PX[1] * scale:  # so fast is a drive or a fall, and no hand trembles in its time
        unrest *= 0.2
    return shaken_path(2 * width_px, rng, unrest=unrest)


def _moved(rng: np.random.Generator, way: Way, width_px: float, scale: float) -> Blur:
    """A subject that moved: mostly sideways, nearly straight."""
    angle = float(rng.normal(0, 0.4)) + (np.pi / 2 if rng.random() < 0.15 else 0.0)
    subject = motion(bent_path(2 * width_px, angle, float(rng.normal(0, 0.5))))
    if way is Way.MISSED_PAN:  # the camera followed, but not as fast: both are streaked
        length = max(1.0, min(2 * width_px * float(rng.uniform(0.5, 3.0)), STREAK_PX[1] * scale))
        streak = motion(bent_path(length, angle, 0.0))
        return Blur(subject=subject, background=streak, motion_px=2 * width_px, background_motion_px=length)
    if rng.random() < 0.7:
        return Blur(subject=subject, motion_px=2 * width_px)
    behind = log_uniform(rng, BACKGROUND_PX) * scale
    return Blur(subject=subject, background=_lens(rng, behind), motion_px=2 * width_px, background_radius_px=behind)


def _mix(rng: np.random.Generator, way: Way, width_px: float) -> Blur:
    """A defocus and a motion, of which the one that gives the label is at least half as wide again."""
    narrow = width_px / float(rng.uniform(1.5, 2.5))
    radius, length = (narrow, 2 * width_px) if way is Way.CAMERA_SHAKE_MIX else (width_px, 2 * narrow)
    both = joined(_lens(rng, radius), motion(shaken_path(length, rng)))
    if way is Way.SUBJECT_DEFOCUS_MIX:
        return Blur(subject=both, radius_px=radius, motion_px=length)
    return Blur(
        subject=both,
        background=both,
        radius_px=radius,
        motion_px=length,
        background_radius_px=radius,
        background_motion_px=length,
    )
