"""The mistakes a classifier is most sure of, as pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from blur_train.classes import CLASSES
from blur_train.photos import PhotoError, read_photo
from blur_train.prepare.manifest import PreparedPhoto
from footage.errors import printable
from footage.report.page import Page
from footage.report.sheets import contact_sheet

MOST = 12
_PICTURE_PX = 640


def show_mistakes(
    page: Page,
    photos: tuple[PreparedPhoto, ...],
    probabilities: NDArray[np.float64],
    said: NDArray[np.intp],
    dataset: Path,
) -> None:
    """Add the wrong answers with the highest confidence to a report.

    Args:
        page: the report.
        photos: that were measured.
        probabilities: calibrated, ``(N, 4)``.
        said: index of each answer, ``(N,)``.
        dataset: the folder of the data set.
    """
    page.section("Where it is most sure and wrong")
    labels = np.array([CLASSES.index(photo.label) for photo in photos], np.intp)
    wrong = np.flatnonzero(said != labels)
    confidence = probabilities[np.arange(len(said)), said]
    images, captions, rows = [], [], []
    for number in wrong[np.argsort(-confidence[wrong], kind="stable")][:MOST].tolist():
        photo = photos[number]
        rows.append((printable(photo.file), photo.label.value, CLASSES[said[number]], f"{confidence[number]:.2f}"))
        try:
            images.append(_small(read_photo(dataset / photo.file).image))
        except PhotoError:
            continue
        captions.append(f"{CLASSES[said[number]]} {confidence[number]:.2f}")
    if not rows:
        page.text("No answer is wrong.")
        return
    if images:
        page.figure(
            contact_sheet(images, captions, columns=3, height=220),
            f"{len(images)} photos with a wrong answer: {'; '.join(row[0] for row in rows)}",
            f"The wrong answers with the highest confidence, of {len(wrong)} wrong ones, and what was said.",
        )
    page.table(("photo", "truth", "said", "confidence"), rows)


def _small(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = min(1.0, _PICTURE_PX / max(image.shape[:2]))
    size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
