"""The four classes, the rules by which a photo gets its label, and the folder names that mean them.

The rules, which people and the drawn photos follow alike:

- The sharpness of the *subject* decides; the background alone never makes a photo blurred.
- Bokeh (subject sharp, background out of focus) is ``sharp``. So is panning (subject sharp, background streaked).
- Noise, low light, low texture and JPEG blocks are not blur.
- The subject is out of focus while something else in the picture is sharp: ``defocused_object_portrait``.
- Nothing in the picture is in focus: ``defocused_blurred``.
- The camera shook, or the subject moved before a sharp background: ``motion_blurred``.
- Two blurs at once: the wider one on the subject decides.
"""

from __future__ import annotations

import re
from enum import StrEnum

from footage.errors import DatasetError


class BlurClass(StrEnum):
    """The classes in the order of their indices, which is the alphabet's."""

    DEFOCUSED_BLURRED = "defocused_blurred"
    DEFOCUSED_OBJECT_PORTRAIT = "defocused_object_portrait"
    MOTION_BLURRED = "motion_blurred"
    SHARP = "sharp"


class EdgeCase(StrEnum):
    """Photos that are easily misjudged; each kind gets figures of its own."""

    BOKEH = "bokeh"
    PANNING = "panning"
    LOW_LIGHT = "low_light"
    NOISE = "noise"
    LOW_TEXTURE = "low_texture"
    MILD_MIX = "mild_mix"


CLASSES: tuple[str, ...] = tuple(one.value for one in BlurClass)
"""Names of the classes in index order, as written to ``class_names.json``."""

BLUR_TYPES: tuple[str, ...] = tuple(name for name in CLASSES if name != BlurClass.SHARP)
"""The three answers that can be "detected"."""

EDGE_CASES: tuple[str, ...] = tuple(one.value for one in EdgeCase)
"""Names of the edge cases."""

SHARP_EDGE_CASES: tuple[EdgeCase, ...] = tuple(one for one in EdgeCase if one is not EdgeCase.MILD_MIX)
"""Edge cases that are sharp unless a class folder says otherwise; a mild mix is blurred, of a class to be named."""

FOLDER_NAMES: dict[str, BlurClass] = {
    "portrait photos running event and bib numbers": BlurClass.SHARP,
    "defocused object in portrait": BlurClass.DEFOCUSED_OBJECT_PORTRAIT,
    **{one.value.replace("_", " "): one for one in BlurClass},
}
"""Folders of a collection by their plain names (:func:`plain_name`), and the class that each one holds."""


def plain_name(folder: str) -> str:
    """A folder's name as it is compared: lower case, every run of blanks, underscores and hyphens one blank."""
    return re.sub(r"[\s_-]+", " ", folder).strip().lower()


def class_of_folder(folder: str, mapping: dict[str, BlurClass] | None = None) -> BlurClass | None:
    """The class that a folder's name stands for.

    Args:
        folder: the name of one folder, not a path.
        mapping: further names and their classes; they come before the known ones.

    Returns:
        None where the name stands for no class.
    """
    name = plain_name(folder)
    more = {plain_name(key): value for key, value in (mapping or {}).items()}
    return more.get(name, FOLDER_NAMES.get(name))


def edge_case_of_folder(folder: str) -> EdgeCase | None:
    """The edge case that a folder's name stands for; None where it is none."""
    name = plain_name(folder)
    return next((one for one in EdgeCase if plain_name(one.value) == name), None)


def parse_class(name: str) -> BlurClass:
    """The class of a name as a user writes it.

    Raises:
        DatasetError: there is no such class.
    """
    found = next((one for one in BlurClass if plain_name(one.value) == plain_name(name)), None)
    if found is None:
        raise DatasetError(f"{name!r} is not a class", remedy=f"use one of {', '.join(CLASSES)}")
    return found
