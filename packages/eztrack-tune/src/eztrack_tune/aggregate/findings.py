"""All that an aggregation found, before any of it is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from eztrack_tune.aggregate.paired import Comparison, Verdict
from eztrack_tune.sessions.record import Session
from footage.dataset.discover import Skipped

PROXY = (
    "These settings were tried on the embedded tracker, a stand-in for Blender's: it shows how settings trade drift "
    "for survival, and its numbers are not Blender's. Validate on Blender before anything ships."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregation:
    """All that was found.

    Attributes:
        comparisons: by class.
        sessions: those that were compared.
        backend: the tracker of all of them.
        left_out: sessions that were not compared, counted by reason.
        skipped: files that could not be read.
        others: JSON files that were no sessions.
        duplicates: sessions that were there already.
    """

    comparisons: dict[str, Comparison]
    sessions: tuple[Session, ...]
    backend: str
    left_out: dict[str, int]
    skipped: tuple[Skipped, ...]
    others: int
    duplicates: int

    @property
    def better(self) -> list[Comparison]:
        """The classes for which something better than today's default was found."""
        return [one for one in self.comparisons.values() if one.verdict is Verdict.BETTER]

    @property
    def contradicting(self) -> list[Session]:
        """Sessions that contradict themselves."""
        return [session for session in self.sessions if session.contradictions]

    @property
    def versions(self) -> tuple[str, ...]:
        """Versions of the tracker, where the sessions tell."""
        return _distinct(session.backend_version for session in self.sessions)

    @property
    def platforms(self) -> tuple[str, ...]:
        """Operating systems, where the sessions tell."""
        return _distinct(session.platform for session in self.sessions)

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        clips = len({session.clip for session in self.sessions})
        rest = len(self.comparisons) - len(self.better)
        found = (
            f"settings better than today's default in {', '.join(one.class_name for one in self.better)}"
            if self.better
            else "no settings that are shown to be better than today's default"
        )
        kept = f", and today's stay in {_counted(rest, 'class', 'classes')}" if self.better and rest else ""
        return (
            f"{_counted(len(self.sessions), 'trial', 'trials')} on {_counted(clips, 'clip', 'clips')} of "
            f"{_counted(len(self.comparisons), 'class', 'classes')}, tracked by {self.backend}: {found}{kept}."
        )

    def contradiction_counts(self) -> list[tuple[str, int]]:
        """Kinds of contradictions with the number of sessions, the most frequent first; figures are made alike."""
        kinds = Counter(
            kind
            for session in self.contradicting
            for kind in {"".join("#" if c.isdigit() else c for c in one) for one in session.contradictions}
        )
        return [(_plain(kind), count) for kind, count in kinds.most_common()]


def _plain(kind: str) -> str:
    """``###.## px`` as ``N px``."""
    words = [("N" if set(word.strip(",.")) <= {"#", "."} and "#" in word else word) for word in kind.split()]
    return " ".join(words)


def _distinct(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))


def _counted(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"
