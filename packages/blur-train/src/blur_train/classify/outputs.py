"""The files that answers are written to: a table, a document, and sidecars."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import quoteattr

from blur_train.classes import BLUR_TYPES, CLASSES
from blur_train.classify.options import Sidecars
from blur_train.classify.work import Row
from footage.runs.files import atomic_text, atomic_write_json, atomic_write_text

TABLE_FILE: Final = "answers.csv"
DOCUMENT_FILE: Final = "answers.json"
SIDECAR_FOLDER: Final = "sidecars"
TOOLKIT: Final = "blur-train"
KEYWORD: Final = "blur-train"
COLUMNS: Final = (
    "path", "predicted_class", "confidence", *(f"p_{name}" for name in CLASSES),
    *(f"detected_{name}" for name in BLUR_TYPES), "crop_x0", "crop_y0", "crop_x1", "crop_y1", "width", "height",
    "camera", "taken", "problem", "error",
)  # fmt: skip


def write_tables(rows: Sequence[Row], folder: Path) -> tuple[Path, ...]:
    """Write every answer as ``answers.csv`` and ``answers.json``.

    Raises:
        OSError: the folder cannot be written.
    """
    with atomic_text(folder / TABLE_FILE) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(_cells(row) for row in rows)
    atomic_write_json(folder / DOCUMENT_FILE, {"classes": CLASSES, "photos": rows})
    return folder / TABLE_FILE, folder / DOCUMENT_FILE


def write_sidecars(rows: Iterable[Row], kind: Sidecars, folder: Path | None) -> list[tuple[Path, str]]:
    """Write a file of its own for every photo that has an answer: ``NAME.jpg.json`` or ``NAME.jpg.xmp``.

    A sidecar that another program wrote stays as it is.

    Args:
        rows: the answers.
        kind: of sidecar.
        folder: where to, by the photos' own folders; None lays them beside the photos.

    Returns:
        The photos whose sidecar was not written, with the reason.

    Raises:
        OSError: the folder cannot be written.
    """
    answered = [row for row in rows if row.predicted_class is not None]
    refused: list[tuple[Path, str]] = []
    root = _common(answered)
    for row in answered:
        beside = row.path.with_name(f"{row.path.name}.{kind.value}")
        path = beside if folder is None else folder / beside.absolute().relative_to(root)
        if path.exists() and not _is_ours(path):
            refused.append((row.path, f"{path.name} was written by another program, and stays as it is"))
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind is Sidecars.XMP:
                atomic_write_text(path, xmp(row))
            else:
                atomic_write_json(path, {"written_by": TOOLKIT, "answer": row})
        except OSError as error:
            if folder is not None:
                raise
            refused.append((row.path, f"no file can be written beside it ({error.strerror})"))
    return refused


def xmp(row: Row) -> str:
    """An answer as XMP (ISO 16684-1): a keyword that photo managers show, and the figures in our namespace."""
    figures = {
        "PredictedClass": str(row.predicted_class),
        "Confidence": f"{row.confidence:.6f}",
        **{f"P_{name}": f"{value:.6f}" for name, value in (row.probabilities or {}).items()},
    }
    if row.deciding_crop is not None:
        figures["DecidingCrop"] = " ".join(map(str, row.deciding_crop))
    attributes = "".join(f"\n    blur:{name}={quoteattr(value)}" for name, value in figures.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="{TOOLKIT}">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"\n'
        f'    xmlns:blur="urn:blur-train:answer:1"{attributes}>\n'
        f"   <dc:subject><rdf:Bag><rdf:li>{KEYWORD}:{row.predicted_class}</rdf:li></rdf:Bag></dc:subject>\n"
        "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n"
        '<?xpacket end="w"?>\n'
    )


def _cells(row: Row) -> list[object]:
    probabilities, detected = row.probabilities or {}, row.detected or {}
    return [
        os.fspath(row.path),
        row.predicted_class,
        None if row.confidence is None else f"{row.confidence:.6f}",
        *(f"{probabilities[name]:.6f}" if name in probabilities else None for name in CLASSES),
        *(str(detected[name]).lower() if name in detected else None for name in BLUR_TYPES),
        *(row.deciding_crop or (None,) * 4),
        row.width,
        row.height,
        row.camera,
        row.taken,
        row.problem,
        row.error,
    ]


def _common(rows: Sequence[Row]) -> Path:
    """The folder that holds all of the photos."""
    folders = {row.path.absolute().parent for row in rows}
    return Path(os.path.commonpath(folders)) if folders else Path()


def _is_ours(path: Path) -> bool:
    """Whether an earlier run wrote a sidecar: its name alone is no reason to replace a file."""
    with path.open("rb") as file:
        start = file.read(400)
    return f'x:xmptk="{TOOLKIT}"'.encode() in start or f'"written_by": "{TOOLKIT}"'.encode() in start
