"""Every trial as a row of CSV and of a spreadsheet, with the columns of the add-on's own guide first."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped] # it ships no types

from eztrack_tune.aggregate.objective import score, shared_components
from eztrack_tune.aggregate.paired import Comparison
from eztrack_tune.aggregate.trials import by_class
from eztrack_tune.sessions.record import Session
from footage.errors import printable
from footage.runs.files import atomic_write_bytes, atomic_write_text

SEED_COLUMNS = ("Clip", "Class", "Pattern", "Search", "Corr", "Success Rate", "Solve Error", "Notes")
MORE_COLUMNS = (
    "Threshold",
    "Model",
    "Solved",
    "Cleaned Error",
    "Frames Solved",
    "Bundles",
    "Score",
    "Difficulty",
    "Backend",
    "Version",
)
CANDIDATE_COLUMNS = (
    "Class",
    "Pattern",
    "Search",
    "Corr",
    "Threshold",
    "Model",
    "Clips",
    "Solved",
    "Success Rate",
    "Solve Error",
    "Cleaned Error",
    "Score",
    "Gain",
    "Gain Low",
    "Gain High",
    "Verdict",
)
_WIDTHS = {"Clip": 34, "Notes": 60, "Verdict": 24}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t")
Cell = str | int | float | None


def trial_rows(sessions: Sequence[Session]) -> list[tuple[Cell, ...]]:
    """A row a session, for ``SEED_COLUMNS`` and ``MORE_COLUMNS``, by class, clip and settings."""
    rows: list[tuple[Cell, ...]] = []
    for several in by_class(sessions).values():
        names = shared_components(several)
        ordered = sorted(
            several, key=lambda s: (s.clip_name, s.clip, s.settings.search_size, str(s.settings), s.source)
        )
        rows.extend(_row(one, score(one, names)) for one in ordered)
    return rows


def candidate_rows(comparisons: Mapping[str, Comparison]) -> list[tuple[Cell, ...]]:
    """A row for each class and choice of settings, for ``CANDIDATE_COLUMNS``."""
    rows: list[tuple[Cell, ...]] = []
    for name, found in comparisons.items():
        for one in found.candidates:
            mark = "today's default" if one.is_default else ""
            if one is found.best:
                mark = found.verdict.value
            s = one.settings
            rows.append(
                (
                    *(name, s.pattern_size, s.search_size, s.correlation, s.threshold, s.motion_model.value),
                    *(one.clips, _digits(one.solved), _digits(one.success_rate), _digits(one.raw_error_px)),
                    *(_digits(one.cleaned_error_px), _digits(one.score), _digits(one.gain.estimate)),
                    *(_digits(one.gain.low), _digits(one.gain.high), mark),
                )
            )
    return rows


def write_csv(sessions: Sequence[Session], path: Path) -> None:
    """Write every trial as CSV.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*SEED_COLUMNS, *MORE_COLUMNS])
    for row in trial_rows(sessions):
        writer.writerow([_harmless(cell) for cell in row])
    atomic_write_text(path, text.getvalue())


def write_xlsx(
    sessions: Sequence[Session], comparisons: Mapping[str, Comparison], path: Path, *, made_at: datetime
) -> None:
    """Write a spreadsheet: the trials on one sheet, what was compared on another.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.
    """
    book = openpyxl.Workbook(write_only=True)
    # Without this the file would differ from one writing to the next.
    book.properties.created = book.properties.modified = made_at.replace(tzinfo=None)
    _sheet(book, "Results", [*SEED_COLUMNS, *MORE_COLUMNS], trial_rows(sessions))
    _sheet(book, "Settings compared", CANDIDATE_COLUMNS, candidate_rows(comparisons))
    # By way of memory: a ZIP file that the disk had no room for complains once more when it is forgotten.
    whole = io.BytesIO()
    book.save(whole)
    atomic_write_bytes(path, whole.getvalue())


def _sheet(book: Any, title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number, column in enumerate(columns, start=1):
        sheet.column_dimensions[openpyxl.utils.get_column_letter(number)].width = _WIDTHS.get(column, 13)
    heads = []
    for column in columns:
        head = openpyxl.cell.WriteOnlyCell(sheet, value=column)
        head.font = openpyxl.styles.Font(bold=True)
        heads.append(head)
    sheet.append(heads)
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])


def _cell(sheet: object, value: Cell) -> object:
    if not isinstance(value, str):
        return value
    cell = openpyxl.cell.WriteOnlyCell(sheet, value=value)
    cell.data_type = "s"  # a clip may be called "=1+1": text, not a formula
    return cell


def _harmless(cell: Cell) -> Cell:
    """A text that a spreadsheet would take for a formula gets the mark that says text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


def _row(session: Session, value: float) -> tuple[Cell, ...]:
    measured, settings = session.measured, session.settings
    return (
        printable(session.clip_name or session.clip),
        session.footage.name,
        settings.pattern_size,
        settings.search_size,
        settings.correlation,
        _digits(session.success_rate),
        _digits(session.raw_error_px),
        printable("; ".join(_notes(session))),
        settings.threshold,
        settings.motion_model.value,
        "yes" if session.solved else "no",
        _digits(measured.cleaned_error_px),
        _digits(measured.frames_solved),
        measured.bundles,
        _digits(value),
        session.difficulty,
        session.backend,
        session.backend_version,
    )


def _notes(session: Session) -> list[str]:
    notes = [] if session.not_solved_because is None else [f"not solved: {session.not_solved_because}"]
    if session.assumed:
        notes.append(f"without {' and '.join(session.assumed)}: the add-on's fallback is assumed")
    return [*notes, *session.contradictions]


def _digits(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
