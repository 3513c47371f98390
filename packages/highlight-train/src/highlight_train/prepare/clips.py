"""Labelled clips: which of them can be read, and taking frames out of each, whatever happens to the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from footage.cli.progress import Progress
from footage.dataset.manifest import quick_fingerprint
from footage.errors import DatasetError, InputError
from footage.parallel import parallel_map
from footage.runs.journal import Journal
from highlight_train.labels import Labelled, read_labels
from highlight_train.prepare.manifest import ClipEntry, FrameEntry, SkippedClip, frame_entries

GroupBy = Literal["folder", "clip"]
"""What must stay on one side of a split: all clips of a folder (a flight or a day), or each clip by itself."""
Tell = Callable[[str], None]
MakeProgress = Callable[[int | None, int], Progress]
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KnownClip:
    """A labelled clip that can be read.

    Attributes:
        labelled: the clip and its spans.
        is_highlight: its label.
        fingerprint: of its content.
        group: what it must stay on one side of a split with.
    """

    labelled: Labelled
    is_highlight: bool
    fingerprint: str
    group: str

    def record(
        self, frames: Sequence[FrameEntry], *, duration_seconds: float | None, sampled: str, note: str | None
    ) -> Record:
        """What a journal keeps of the clip once its frames are taken."""
        return {
            "path": str(self.labelled.path),
            "fingerprint": self.fingerprint,
            "duration_seconds": duration_seconds,
            "sampled": sampled,
            "note": note,
            "frames": [asdict(frame) for frame in frames],
        }

    def entry(self, record: Record) -> ClipEntry:
        """The clip with the frames of its record, and with the labels of now."""
        return ClipEntry(
            path=str(self.labelled.path),
            fingerprint=self.fingerprint,
            group=self.group,
            is_highlight=self.is_highlight,
            spans=self.labelled.spans,
            duration_seconds=record["duration_seconds"],
            sampled=record["sampled"],
            note=record["note"],
            frames=frame_entries(record["frames"]),
        )


def labelled_clips(file: Path, max_clips: int | None) -> list[tuple[Labelled, bool]]:
    """The labelled clips, each with whether it is a highlight.

    Args:
        file: the ``labels.json``.
        max_clips: take only the first so many of each class; None for all.

    Raises:
        DatasetError: the labels cannot be read, or there are none.
    """
    labels = read_labels(file)
    lists = [[(one, True) for one in labels.highlights], [(one, False) for one in labels.normal]]
    clips = list(chain.from_iterable(some[:max_clips] for some in lists))
    if not clips:
        raise DatasetError("no clip is labelled", where=file, remedy="label some clips first")
    return clips


def identified(clips: Sequence[tuple[Labelled, bool]], group_by: GroupBy) -> tuple[list[KnownClip], list[SkippedClip]]:
    """The clips that can be read, each content once, and the others with the reason."""
    first: dict[str, KnownClip] = {}
    skipped = []
    for labelled, is_highlight in clips:
        path = labelled.path
        try:
            fingerprint = quick_fingerprint(path)
        except InputError as error:
            skipped.append(SkippedClip(path=str(path), reason=error.what))
            continue
        same = first.get(fingerprint)
        if same is None:
            group = str(path.parent if group_by == "folder" else path)
            first[fingerprint] = KnownClip(labelled, is_highlight, fingerprint, group)
        else:
            other = "" if same.is_highlight == is_highlight else ", which is labelled the other way"
            skipped.append(SkippedClip(path=str(path), reason=f"the same content as {same.labelled.path}{other}"))
    return list(first.values()), skipped


def take_all(
    known: Sequence[KnownClip],
    take: Callable[[KnownClip], Record],
    journal: Journal,
    *,
    is_there: Callable[[Record], bool],
    jobs: int | None,
    tell: Tell,
    make_progress: MakeProgress,
) -> tuple[list[ClipEntry], list[SkippedClip]]:
    """Take the frames of every clip that the journal does not have yet.

    Args:
        known: the clips.
        take: takes the frames of one, in a worker process, and gives its record.
        journal: of the records; what it holds is not done again.
        is_there: whether what a record describes still lies on the disk.
        jobs: worker processes; None for one a core.
        tell: told what is there already.
        make_progress: makes the progress display from the number of clips and how many are already done.

    Returns:
        The clips with their frames, in the order given, and the clips that failed, with the reason.
    """
    done: dict[str, Record] = {str(record["fingerprint"]): record for record in journal}
    done = {fingerprint: record for fingerprint, record in done.items() if is_there(record)}
    todo = [clip for clip in known if clip.fingerprint not in done]
    if len(todo) < len(known):
        tell(f"going on: the frames of {len(known) - len(todo)} of {len(known)} clips are there already")
    failed = []
    with make_progress(len(known), len(known) - len(todo)) as progress:
        for outcome in parallel_map(take, todo, jobs=jobs, ordered=False):
            if outcome.value is None:
                reason = "failed" if outcome.error is None else outcome.error.message
                failed.append(SkippedClip(path=str(outcome.item.labelled.path), reason=reason))
                progress.fail()
                continue
            journal.append(outcome.value)
            done[outcome.item.fingerprint] = outcome.value
            progress.advance()
    return [clip.entry(done[clip.fingerprint]) for clip in known if clip.fingerprint in done], failed
