"""Which clips a model is measured on, and which not: those that it learned from are told by their content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from footage.dataset.manifest import quick_fingerprint
from footage.errors import DatasetError, InputError
from highlight_train.labels import CLASSES, Labelled
from highlight_train.prepare.clips import KnownClip, identified, labelled_clips
from highlight_train.prepare.manifest import SkippedClip
from highlight_train.train.split_file import MIN_TEST_GROUPS, MIN_TEST_POSITIVES, Split

HELD_OUT = "test"


class Side(StrEnum):
    """On which clips to measure."""

    TEST = "test"
    """Those that training did not see: neither to learn from nor to choose by."""
    ALL = "all"
    """All, those that training saw among them: what is measured is then not held out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredClips:
    """What a model is measured on.

    Attributes:
        clips: on which it is measured.
        seen: how many of them training learned from or chose by; 0 where the figures are held out.
        left_out: how many clips training learned from or chose by, and were left out for that.
        validation: the clips by which training chose, where they can be read: baselines choose their thresholds there.
        skipped: clips that cannot be used, with the reason.
        kept_together: what the groups are, in the singular.
        doubts: what limits the figures, each a clause without a full stop.
    """

    clips: tuple[KnownClip, ...]
    seen: int
    left_out: int
    validation: tuple[KnownClip, ...]
    skipped: tuple[SkippedClip, ...]
    kept_together: str
    doubts: tuple[str, ...]

    @property
    def held_out(self) -> bool:
        """Whether the model never saw any of them."""
        return not self.seen


def measured_clips(split: Split, labels: Path | None, side: Side) -> MeasuredClips:
    """The clips to measure a model on.

    Args:
        split: the model's own.
        labels: a ``labels.json`` whose clips to take; None for those of the split, where they lay in training.
        side: which of them.

    Raises:
        DatasetError: the labels cannot be read, or either class has no clip.
    """
    recorded, skipped = _of_split(split)
    known = recorded
    if labels is not None:
        given, skipped = identified(labelled_clips(labels, None), "clip" if split.grouped_by == "clip" else "folder")
        groups = {clip.fingerprint: clip.group for clip in split.clips}
        # Where a clip was moved to does not make it a flight of its own.
        known = [replace(clip, group=groups.get(clip.fingerprint, clip.group)) for clip in given]
    side_of = {clip.fingerprint: clip.side for clip in split.clips}
    unseen = [clip for clip in known if side_of.get(clip.fingerprint, HELD_OUT) == HELD_OUT]
    chosen = known if side is Side.ALL else unseen
    if labels is None and side is Side.TEST:
        # What training saw is not wanted, so that it cannot be found any more does not matter.
        wanted = {str(clip.path) for clip in split.clips if clip.side == HELD_OUT}
        skipped = [one for one in skipped if one.path in wanted]
    left_out = len(known) - len(chosen)
    check_classes(chosen, labels, skipped, left_out)
    readable = {clip.fingerprint: clip for clip in (*recorded, *known)}
    every = MeasuredClips(
        clips=(),
        seen=0,
        left_out=left_out,
        validation=tuple(clip for clip in readable.values() if side_of.get(clip.fingerprint) == "val"),
        skipped=tuple(skipped),
        kept_together="clip" if split.grouped_by == "clip" else "folder",
        doubts=(),
    )
    return narrowed(every, chosen, split)


def narrowed(measured: MeasuredClips, clips: Sequence[KnownClip], split: Split) -> MeasuredClips:
    """The same on some clips only: how many of them were seen, and what limits figures on them.

    Args:
        measured: all else.
        clips: on which to measure.
        split: the model's own.
    """
    was_seen = {clip.fingerprint for clip in split.clips if clip.side != HELD_OUT}
    seen = sum(clip.fingerprint in was_seen for clip in clips)
    return replace(measured, clips=tuple(clips), seen=seen, doubts=tuple(_doubts(clips, seen, split)))


def check_classes(
    clips: Sequence[KnownClip], labels: Path | None, skipped: Sequence[SkippedClip], left_out: int
) -> None:
    """Refuse clips of one kind only.

    Raises:
        DatasetError: either class has no clip.
    """
    counts = Counter(clip.is_highlight for clip in clips)
    if counts[True] and counts[False]:
        return
    lacking = " and no ".join(CLASSES[kind] for kind in (True, False) if not counts[kind])
    because = []
    if left_out:
        because.append(f"{left_out} that training learned from or chose by were left out")
    if skipped:
        because.append(f"{len(skipped)} cannot be used, such as {skipped[0].path}: {skipped[0].reason}")
    source = "the clips that training held out" if labels is None else f"the clips of {labels.name} that are unseen"
    raise DatasetError(
        f"there is no {lacking} clip among {source}" + (f" ({'; '.join(because)})" if because else ""),
        where=labels,
        remedy="label further clips of both kinds, or where clips were moved, a labels file with their new places",
    )


def _of_split(split: Split) -> tuple[list[KnownClip], list[SkippedClip]]:
    """The clips of a split that lie where they lay, unchanged, and the others with the reason."""
    known, skipped = [], []
    for clip in split.clips:
        try:
            same = quick_fingerprint(clip.path) == clip.fingerprint
        except InputError as error:
            skipped.append(SkippedClip(path=str(clip.path), reason=error.what))
            continue
        if same:
            known.append(KnownClip(Labelled(clip.path), clip.is_highlight, clip.fingerprint, clip.group))
        else:
            skipped.append(SkippedClip(path=str(clip.path), reason="is another file than in training"))
    return known, skipped


def _doubts(clips: Sequence[KnownClip], seen: int, split: Split) -> Iterator[str]:
    if seen:
        yield (
            f"{seen} of the {len(clips)} clips were learned from or chosen by: these figures say nothing about clips "
            "the model never saw"
        )
    for kind in (True, False):
        count = sum(clip.is_highlight is kind for clip in clips)
        if count < MIN_TEST_POSITIVES:
            yield (
                f"there {'is' if count == 1 else 'are'} {count} {CLASSES[kind]} clip{'' if count == 1 else 's'}, and "
                f"at least {MIN_TEST_POSITIVES} are needed"
            )
    groups = len({clip.group for clip in clips})
    if groups < MIN_TEST_GROUPS:
        yield (
            f"the clips are of {groups} group{'' if groups == 1 else 's'} (kept together: {split.grouped_by}), and at "
            f"least {MIN_TEST_GROUPS} are needed for an interval to mean something"
        )
    recorded = {clip.fingerprint: clip for clip in split.clips}
    known_to_training = {clip.group for clip in split.clips if clip.side != HELD_OUT}
    beside = sum(clip.group in known_to_training for clip in clips if clip.fingerprint not in recorded)
    if beside:
        yield (
            f"{beside} clip{' lies' if beside == 1 else 's lie'} in folders that training learned from or chose by: "
            "clips of one flight are alike, which flatters the figures"
        )
    relabelled = sum(
        recorded[clip.fingerprint].is_highlight != clip.is_highlight for clip in clips if clip.fingerprint in recorded
    )
    if relabelled:
        yield f"{relabelled} clip{' is' if relabelled == 1 else 's are'} labelled otherwise than in training"
