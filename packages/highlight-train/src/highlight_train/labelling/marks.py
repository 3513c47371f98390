"""What a person says about a clip, and what each key makes of what was said before: arithmetic of spans, no files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from footage.errors import DatasetError
from highlight_train.labels import Labelled

Span = tuple[float, float]
_SHORTEST_SECONDS = 0.001


class Verdict(StrEnum):
    """What a clip as a whole is."""

    HIGHLIGHT = "highlight"
    NORMAL = "normal"
    SKIP = "skip"
    """Looked at and left out of the labels."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What was said about a clip.

    Attributes:
        verdict: None where nothing was said yet.
        spans: (start, end) of each highlight in seconds from the first frame, ascending and apart; empty: the whole
            clip. Only highlights have any.
    """

    verdict: Verdict | None = None
    spans: tuple[Span, ...] = ()


UNMARKED = Mark()


def mark_span(before: Mark, span: Span, verdict: Verdict, duration_seconds: Callable[[], float]) -> Mark:
    """A clip's mark after a span of it was called a highlight or normal.

    A highlight's span joins those that are there; the first one narrows a clip that was a highlight as a whole to it,
    and makes a highlight of a normal one. A normal span is cut out of the highlights, and a clip of which nothing is
    left is normal.

    Args:
        before: the mark so far.
        span: (start, end) in seconds from the first frame.
        verdict: highlight or normal.
        duration_seconds: gives the clip's length; called only where a part is cut out of a whole clip.

    Raises:
        DatasetError: the span is none, or it is normal in a clip of which no highlight is known: labels have no way to
            say that.
        VideoError: the clip's length is needed and cannot be found.
    """
    if span[0] >= span[1]:
        raise DatasetError(f"{span[0]:g} to {span[1]:g} s is no span", remedy="mark the start before the end")
    if verdict is Verdict.HIGHLIGHT:
        known = before.spans if before.verdict is Verdict.HIGHLIGHT else ()
        return Mark(Verdict.HIGHLIGHT, _tidy((*known, span)))
    if before.verdict is Verdict.NORMAL:
        return before
    if before.verdict is not Verdict.HIGHLIGHT:
        raise DatasetError(
            "no moment of this clip is a highlight yet",
            remedy="mark its highlights: what lies outside them counts as normal; or label the whole clip normal",
        )
    left = _without(before.spans or ((0.0, duration_seconds()),), span)
    return Mark(Verdict.HIGHLIGHT, left) if left else Mark(Verdict.NORMAL)


def _without(spans: tuple[Span, ...], cut: Span) -> tuple[Span, ...]:
    parts = [part for start, end in spans for part in ((start, min(end, cut[0])), (max(start, cut[1]), end))]
    return _tidy(tuple((start, end) for start, end in parts if end - start >= _SHORTEST_SECONDS))


def _tidy(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Sorted, and joined where they touch, as labels keep them."""
    return Labelled(Path(), spans).spans
