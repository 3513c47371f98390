"""Whether a prepared data set can teach blur and nothing else, and whether its sides are apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from blur_train.classes import CLASSES, EDGE_CASES
from blur_train.prepare.looking import Seen
from blur_train.prepare.manifest import SIDES, Prepared, PreparedPhoto
from blur_train.prepare.probe import Probe, probe_origin, probe_thumbnails
from footage.dataset.audit import Audit, audit_split
from footage.report.figures import bars_with_intervals
from footage.report.page import Page
from footage.report.sheets import contact_sheet
from footage.runs.files import atomic_write_json

AUDIT_FILE = "audit.json"
REPORT_FILE = "audit.html"
SHOWN_OF_CLASS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the audit found.

    Attributes:
        counts: photos by side and class, drawn ones among them.
        drawn: of these, the drawn ones by class.
        edge_cases: photos by edge case.
        groups: independent groups by class, over all sides.
        probes: whether the classes can be told apart by what is not blur.
        split: whether the sides are apart.
    """

    counts: dict[str, dict[str, int]]
    drawn: dict[str, int]
    edge_cases: dict[str, int]
    groups: dict[str, int]
    probes: tuple[Probe, ...]
    split: Audit

    @property
    def ready(self) -> bool:
        """Whether a model that learns from the data set may be believed."""
        return self.split.ready and all(probe.passes for probe in self.probes)

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        if self.ready:
            return "Nothing but blur tells the classes apart, and the sides of the split are apart."
        wrong = [probe.text() for probe in self.probes if not probe.passes]
        wrong += [finding.text for finding in self.split.findings]
        return f"Not ready to learn from: {wrong[0]}" + (f", and {len(wrong) - 1} more." if len(wrong) > 1 else ".")


def audit(prepared: Prepared, seen: dict[str, Seen], rng: np.random.Generator) -> Findings:
    """Look at the originals of a data set; drawn photos have no part in it, since they share their originals' places.

    Args:
        prepared: the data set.
        seen: what was seen in each original, by its SHA-256.
        rng: deals folds and draws intervals.
    """
    photos = [photo for photo in prepared.photos if not photo.drawn]
    looks = [seen[photo.source_sha256] for photo in photos]
    labels, groups = [photo.label.value for photo in photos], [photo.group for photo in photos]
    thumbnails = np.stack([look.pixels() for look in looks])
    origins = [_origin(photo, look) for photo, look in zip(photos, looks, strict=True)]
    sides = {side: [row for row, photo in enumerate(photos) if photo.side == side] for side in SIDES}
    hashes = np.array([look.hashes for look in looks], dtype=np.uint64)
    return Findings(
        counts=prepared.counts(),
        drawn={name: sum(photo.drawn and photo.label == name for photo in prepared.photos) for name in CLASSES},
        edge_cases={name: sum(photo.edge_case == name for photo in photos) for name in EDGE_CASES},
        groups={
            name: len({group for group, label in zip(groups, labels, strict=True) if label == name}) for name in CLASSES
        },
        probes=(probe_thumbnails(thumbnails, labels, groups, rng), probe_origin(origins, labels, groups, rng)),
        split=audit_split(sides, groups, hashes),
    )


def write_findings(findings: Findings, prepared: Prepared, folder: Path) -> Path:
    """Write ``audit.json`` and the page about it; gives the page's path.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.
    """
    document = {"ready": findings.ready, "lead": findings.lead, "findings": findings}
    atomic_write_json(folder / AUDIT_FILE, document)
    page = folder / REPORT_FILE
    lay_out(findings, prepared, folder).write(page)
    return page


def lay_out(findings: Findings, prepared: Prepared, folder: Path) -> Page:
    """The page: the result, the probes as a picture where there are any, some photos of each class, then tables."""
    page = Page("What a set of photos can teach", findings.lead)
    measured = [probe for probe in findings.probes if probe.accuracy is not None]
    if measured:
        page.figure(
            _probe_picture(measured),
            f"How well what is not blur tells the classes apart: {'; '.join(probe.text() for probe in measured)}",
            _PROBE_CAPTION,
        )
    else:
        _classes(page, prepared, folder)
    for probe in findings.probes:
        page.note(_sentence(probe.text()), "good" if probe.passes else "warning")
    for finding in findings.split.findings:
        page.note(_sentence(finding.text), "warning")
    if measured:
        page.section("Some of each class")
        _classes(page, prepared, folder)
    page.section("Photos by side and class")
    page.table(("side", *CLASSES), [(side, *findings.counts[side].values()) for side in SIDES], "With drawn ones.")
    rows = [(name, findings.groups[name], findings.drawn[name]) for name in CLASSES]
    page.table(("class", "independent groups", "drawn from sharp photos"), rows)
    page.table(("edge case", "photos"), list(findings.edge_cases.items()))
    page.section("The split")
    if findings.split.ready:
        page.text("No group and no near copy is on two sides.")
    else:
        page.table(("finding",), [(finding.text,) for finding in findings.split.findings])
    return page


def _classes(page: Page, prepared: Prepared, folder: Path) -> None:
    for name in CLASSES:
        photos = [photo for photo in prepared.photos if photo.label == name and not photo.drawn]
        if photos:
            page.figure(_sheet(photos, folder), f"Photos of the class {name}", f"{name}, {len(photos)} photos")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


_PROBE_CAPTION = (
    "Balanced accuracy of a classifier that cannot see blur, with its 95 % interval. Chance is one in the number of "
    "classes: what is above it, a model would learn instead of blur."
)


def _origin(photo: PreparedPhoto, look: Seen) -> dict[str, str | float]:
    wide = max(photo.width, photo.height) / min(photo.width, photo.height)
    megapixels = look.width * look.height / 1e6
    return {"camera": look.camera or "unknown", "format": look.format, "shape": wide, "megapixels": megapixels}


def _probe_picture(probes: Sequence[Probe]) -> str:
    intervals = [probe.accuracy for probe in probes if probe.accuracy is not None]
    return bars_with_intervals(
        [*(probe.name for probe in probes), "chance"],
        [*((one.estimate if one.estimate is not None else np.nan) for one in intervals), probes[0].chance],
        [*((one.low if one.low is not None else np.nan) for one in intervals), np.nan],
        [*((one.high if one.high is not None else np.nan) for one in intervals), np.nan],
        value_label="balanced accuracy",
        limits=(0.0, 1.0),
    )


def _sheet(photos: Sequence[PreparedPhoto], folder: Path) -> bytes:
    from footage.video.images import read_image

    chosen = [photos[index] for index in np.linspace(0, len(photos) - 1, min(SHOWN_OF_CLASS, len(photos))).astype(int)]
    return contact_sheet([read_image(folder / photo.file) for photo in chosen], columns=SHOWN_OF_CLASS, height=150)
