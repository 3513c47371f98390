"""What a photo shall be: its class, its edge case, and the way it comes about.

Noise, low light and low texture occur in every class, equally often: they must tell nothing about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from blur_train.classes import BlurClass, EdgeCase

WIDTH_PX = (1.3, 14.0)
"""Radius of a defocus, or half the length of a motion, at a long side of 1536 px; drawn evenly in its logarithm."""

MILD_PX = 2.5
"""Below this radius, or half length, a blur is mild."""

MILD_MIX_PX = (1.8, 3.2)
"""Range of the wider blur of a mild mix."""

CONDITION_SHARE = 0.14
"""How often each condition (noise, low light, low texture) is drawn, in every class."""


class Way(StrEnum):
    """How a photo came to look as it does; each way leads to one class."""

    STILL = "still"
    BOKEH = "bokeh"
    PANNING = "panning"
    WHOLE_DEFOCUS = "whole_defocus"
    WHOLE_DEFOCUS_MIX = "whole_defocus_mix"
    SUBJECT_DEFOCUS = "subject_defocus"
    SUBJECT_DEFOCUS_MIX = "subject_defocus_mix"
    CAMERA_SHAKE = "camera_shake"
    CAMERA_SHAKE_MIX = "camera_shake_mix"
    SUBJECT_MOTION = "subject_motion"
    MISSED_PAN = "missed_pan"
    SWING = "swing"


LABELS: dict[Way, BlurClass] = {
    Way.STILL: BlurClass.SHARP,
    Way.BOKEH: BlurClass.SHARP,
    Way.PANNING: BlurClass.SHARP,
    Way.WHOLE_DEFOCUS: BlurClass.DEFOCUSED_BLURRED,
    Way.WHOLE_DEFOCUS_MIX: BlurClass.DEFOCUSED_BLURRED,
    Way.SUBJECT_DEFOCUS: BlurClass.DEFOCUSED_OBJECT_PORTRAIT,
    Way.SUBJECT_DEFOCUS_MIX: BlurClass.DEFOCUSED_OBJECT_PORTRAIT,
    Way.CAMERA_SHAKE: BlurClass.MOTION_BLURRED,
    Way.CAMERA_SHAKE_MIX: BlurClass.MOTION_BLURRED,
    Way.SUBJECT_MOTION: BlurClass.MOTION_BLURRED,
    Way.MISSED_PAN: BlurClass.MOTION_BLURRED,
    Way.SWING: BlurClass.MOTION_BLURRED,
}
"""The class that each way leads to, by the label rules."""

_IF_ASKED_FOR = (Way.SWING,)
"""Ways that are not drawn where none is given: the sets that are measured on were drawn before there were these."""

_EDGE_CASES: dict[Way, EdgeCase] = {
    Way.BOKEH: EdgeCase.BOKEH,
    Way.PANNING: EdgeCase.PANNING,
    Way.WHOLE_DEFOCUS_MIX: EdgeCase.MILD_MIX,
    Way.SUBJECT_DEFOCUS_MIX: EdgeCase.MILD_MIX,
    Way.CAMERA_SHAKE_MIX: EdgeCase.MILD_MIX,
}

_CONDITIONS = (EdgeCase.NOISE, EdgeCase.LOW_LIGHT, EdgeCase.LOW_TEXTURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a photo shall be.

    Attributes:
        label: its class.
        edge_case: None for an ordinary photo. Bokeh and panning are sharp, a mild mix is blurred.
        width_px: radius of the subject's defocus or half the length of its motion, at a long side of 1536 px; None
            draws it.
        way: None draws one that the class and the edge case allow.
    """

    label: BlurClass
    edge_case: EdgeCase | None = None
    width_px: float | None = None
    way: Way | None = None

    def __post_init__(self) -> None:
        """Refuse what the label rules forbid.

        Raises:
            ValueError: label, edge case and way contradict each other, or the width is not above 0.
        """
        if not self.ways or (self.width_px is not None and not self.width_px > 0):
            raise ValueError(f"no photo is {self.label} by {self.way}, {self.edge_case}, {self.width_px} px wide")

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways that lead to such a photo."""
        shown = None if self.edge_case in _CONDITIONS else self.edge_case
        return tuple(
            way
            for way, label in LABELS.items()
            if label is self.label
            and _EDGE_CASES.get(way) is shown
            and (self.way is way or (self.way is None and way not in _IF_ASKED_FOR))
        )

    def drawn(self, rng: np.random.Generator) -> tuple[Way, float]:
        """A way and a width for what the case leaves open."""
        way = self.ways[rng.integers(len(self.ways))]
        limits = MILD_MIX_PX if self.edge_case is EdgeCase.MILD_MIX else WIDTH_PX
        return way, log_uniform(rng, limits) if self.width_px is None else self.width_px


def log_uniform(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """A length whose logarithm is drawn evenly between two limits."""
    return float(np.exp(rng.uniform(np.log(limits[0]), np.log(limits[1]))))


def draw_case(rng: np.random.Generator, label: BlurClass | None = None) -> Case:
    """A case of all those that there are.

    Args:
        rng: draws it.
        label: None draws one of the four evenly.
    """
    which = list(BlurClass)[rng.integers(4)] if label is None else label
    kind, special = rng.random(2)
    edge_case: EdgeCase | None = None
    if kind < CONDITION_SHARE * len(_CONDITIONS):
        edge_case = _CONDITIONS[int(kind / CONDITION_SHARE)]
    elif which is BlurClass.SHARP:
        edge_case = EdgeCase.BOKEH if special < 0.4 else EdgeCase.PANNING if special < 0.7 else None
    elif special < 0.15:
        edge_case = EdgeCase.MILD_MIX
    return Case(label=which, edge_case=edge_case)
