"""All sequences of an evaluation, one after another: those that the journal holds are not compared again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flexpatch_train.detectors.protocol import Detector
from flexpatch_train.evaluation.recorded import SequenceKey, record, recorded, sequence_key
from flexpatch_train.evaluation.sequences import MotSequence
from flexpatch_train.evaluation.ways import Comparison, Way, compare
from flexpatch_train.run import MakeProgress, Tell
from footage.dataset.discover import Skipped
from footage.errors import DatasetError, FootageError, InputError, ModelError
from footage.runs.journal import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A sequence on which the ways were compared.

    Attributes:
        sequence: which.
        key: what tells it from others, hashes included.
        comparison: what was found.
        is_from_earlier_run: whether the journal held it.
    """

    sequence: MotSequence
    key: SequenceKey
    comparison: Comparison
    is_from_earlier_run: bool


def compare_all(
    sequences: Sequence[MotSequence],
    detector: Detector,
    ways: Sequence[Way],
    journal: Journal,
    *,
    model: Path,
    max_frames: int | None,
    tell: Tell,
    make_progress: MakeProgress,
) -> tuple[tuple[Compared, ...], tuple[Skipped, ...]]:
    """Compare the ways on every sequence; one bad sequence does not end the others.

    Args:
        sequences: where to compare.
        detector: asked for whole frames and canvases.
        ways: what to compare.
        journal: of this evaluation; every sequence is added as soon as it is finished.
        model: a ``flexpatch_model.joblib``.
        max_frames: frames of each sequence; None for all.
        tell: told what goes on from an earlier run and what is left out.
        make_progress: makes the progress display.

    Returns:
        The sequences that were compared, in their order, and those that could not be.

    Raises:
        ModelError: the model or the detector cannot be used.
        InputError: the journal holds something that is not ours.
    """
    left_out: list[Skipped] = []

    def leave_out(sequence: MotSequence, error: FootageError) -> None:
        tell(f"left out: {sequence.name}: {error}")
        left_out.append(Skipped(sequence.video, error.what))

    keyed: list[tuple[MotSequence, SequenceKey]] = []
    for sequence in sequences:
        try:
            keyed.append((sequence, sequence_key(sequence)))
        except InputError as error:
            leave_out(sequence, error)
    earlier = recorded(journal, [key for _, key in keyed], ways)
    finished = [one for one in earlier if one is not None]
    if finished:
        tell(f"going on: {len(finished)} of {len(keyed)} sequences are there from an earlier run")
    frames_done = sum(len(one.outcomes[0].costs) for one in finished)
    results: list[Compared] = []
    with make_progress(_frames(sequences, max_frames), frames_done) as progress:
        for (sequence, key), there in zip(keyed, earlier, strict=True):
            comparison = there
            if comparison is None:
                try:
                    comparison = compare(
                        sequence, detector, model, ways, max_frames=max_frames, on_frame=progress.advance
                    )
                except ModelError:
                    raise
                except (DatasetError, InputError) as error:
                    leave_out(sequence, error)
                    continue
                record(journal, key, comparison)
            results.append(
                Compared(sequence=sequence, key=key, comparison=comparison, is_from_earlier_run=there is not None)
            )
    return tuple(results), tuple(left_out)


def _frames(sequences: Sequence[MotSequence], max_frames: int | None) -> int | None:
    total = 0
    for sequence in sequences:
        frames = sequence.frame_count
        if frames is None:
            return None
        total += frames if max_frames is None else min(frames, max_frames)
    return total
