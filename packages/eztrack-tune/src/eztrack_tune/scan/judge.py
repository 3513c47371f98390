"""From measures to words: how hard a clip is, and how its camera moves.

The limits are rules, set on real clips of known kind so that clear cases fall where a person would put them; they
describe a library, and no table of settings depends on them.
"""

from __future__ import annotations

from eztrack_tune.classes import Difficulty, MotionType
from eztrack_tune.scan.measure import Measures

HARD = {
    "blur": 0.50,
    "motion_blur": 0.13,
    "displacement_high": 0.03,
}
"""Above any of them a clip is hard."""
EASY = {
    "blur": 0.36,
    "motion_blur": 0.06,
    "displacement_high": 0.012,
}
"""At most all of them, and a clip is easy."""
LEAST_TEXTURE_HARD = 0.3
LEAST_TEXTURE_EASY = 0.6

STILL = 0.0005
FAST = 0.015
ZOOM_SHARE = 0.18
"""A zoom moves the mean point by about this much of its rate: a third of the half picture."""
JERKY = 0.6
PARALLAX = 0.12


def difficulty(measures: Measures) -> tuple[Difficulty, tuple[str, ...]]:
    """How hard a clip is to track, and why it is not easy."""
    hard = [
        f"{_words(name)} {getattr(measures, name):.3f}" for name, most in HARD.items() if getattr(measures, name) > most
    ]
    if measures.texture < LEAST_TEXTURE_HARD:
        hard.append(f"texture in {measures.texture:.0%} of the picture")
    if measures.cuts:
        hard.append(f"{len(measures.cuts)} cut{'s' if len(measures.cuts) > 1 else ''}")
    if hard:
        return Difficulty.HARD, tuple(hard)
    medium = [
        f"{_words(name)} {getattr(measures, name):.3f}" for name, most in EASY.items() if getattr(measures, name) > most
    ]
    if measures.texture < LEAST_TEXTURE_EASY:
        medium.append(f"texture in {measures.texture:.0%} of the picture")
    return (Difficulty.MEDIUM if medium else Difficulty.EASY), tuple(medium)


def motion_type(measures: Measures) -> MotionType:
    """How the camera moves: the first of these that holds."""
    if measures.displacement < STILL and abs(measures.zoom) * ZOOM_SHARE < STILL:
        return MotionType.STATIC
    if measures.displacement > FAST:
        return MotionType.FAST
    if abs(measures.zoom) * ZOOM_SHARE > measures.displacement / 2:
        return MotionType.ZOOM
    if measures.jerk > JERKY:
        return MotionType.HANDHELD
    return MotionType.TRAVEL if measures.parallax > PARALLAX else MotionType.PAN


def _words(name: str) -> str:
    return name.replace("_high", "").replace("_", " ")
