"""What models say of every part of every video, kept in a journal as it comes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from footage.cli.progress import Progress
from footage.dataset.discover import Skipped
from footage.parallel import Outcome, parallel_map
from footage.runs.journal import Journal
from footage.training.randomness import generator_at
from video_train.evaluation.models import Asked
from video_train.evaluation.quality import Quality
from video_train.evaluation.reading import Look, Order, look
from video_train.evaluation.unseen import Part
from video_train.train.rows import Wanted

FEWEST_FOR_CONSISTENCY = 2
_ORDER = 41
"""What randomness is drawn for: part of its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found about a part of a video.

    Attributes:
        clips: logits of its clips ``(K, classes)``.
        more: logits of two clips for consistency, where it has one clip only; else those of its clips.
        shuffled: logits of its clips with their frames in another order; None with one frame a clip.
        teacher: the other model's logits of its own clips, classes in the same order; None without.
        moments: when the frames of each clip are shown ``(K, T)``.
        quality: of the part as a recording.
        decode_ms: time to read a clip.
    """

    clips: NDArray[np.float64]
    more: NDArray[np.float64]
    shuffled: NDArray[np.float64] | None
    teacher: NDArray[np.float64] | None
    moments: NDArray[np.float64]
    quality: Quality
    decode_ms: float

    def document(self) -> dict[str, Any]:
        """As plain values."""
        lists = {name: getattr(self, name) for name in ("clips", "more", "shuffled", "teacher", "moments")}
        plain = {name: None if values is None else values.tolist() for name, values in lists.items()}
        return {**plain, "quality": self.quality.document(), "decode_ms": self.decode_ms}

    @classmethod
    def of(cls, document: dict[str, Any]) -> Answer:
        """From plain values."""

        def array(name: str) -> NDArray[np.float64]:
            return np.array(document[name], np.float64)

        return cls(
            clips=array("clips"),
            more=array("more"),
            shuffled=None if document["shuffled"] is None else array("shuffled"),
            teacher=None if document["teacher"] is None else array("teacher"),
            moments=array("moments"),
            quality=Quality(**document["quality"]),
            decode_ms=document["decode_ms"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """Who is asked, and how.

    Attributes:
        student: the model that is measured.
        teacher: another; None without.
        windows: clips of every part.
        seed: of the other order of frames.
        jobs: worker processes that decode.
    """

    student: Asked
    teacher: Asked | None
    windows: int
    seed: int
    jobs: int | None

    def key(self) -> dict[str, object]:
        """What the answers depend on."""
        return {
            "model": self.student.sha256,
            "teacher": None if self.teacher is None else self.teacher.sha256,
            "windows": self.windows,
            "seed": self.seed,
        }

    def order(self, number: int, part: Part) -> Order:
        """What a worker is to read of a part."""
        own = self.moments(part)
        readings = [(own, self.student.model.sampling.size_px)]
        if len(own) < FEWEST_FOR_CONSISTENCY:
            more = _moments(part, self.student, FEWEST_FOR_CONSISTENCY)
            readings[0] = (np.concatenate([own, more]), readings[0][1])
        if self.teacher is not None:
            readings.append((_moments(part, self.teacher, self.windows), self.teacher.model.sampling.size_px))
        return Order(
            number=number,
            path=part.video.path,
            start_seconds=part.video.start_seconds,
            end_seconds=part.video.end_seconds,
            readings=tuple(readings),
        )

    def moments(self, part: Part) -> NDArray[np.float64]:
        """When the frames of a part's clips are shown ``(windows, T)``."""
        return _moments(part, self.student, self.windows)

    def answer(self, part: Part, found: Look) -> Answer:
        """Ask the models about the clips of a part."""
        clips, model = found.clips[0], self.student.model
        logits = model.logits(list(clips))
        own, more = logits[: self.windows], logits[self.windows :]
        taught = None
        if self.teacher is not None:
            taught = self.teacher.model.logits(list(found.clips[1]))[:, self.teacher.order]
        shuffled = None
        if clips.shape[1] > 1:
            shuffled = model.logits([_shuffled(clip, self.seed, part, at) for at, clip in enumerate(clips[: len(own)])])
        return Answer(
            clips=own,
            more=more if len(more) else own,
            shuffled=shuffled,
            teacher=taught,
            moments=self.moments(part),
            quality=found.quality,
            decode_ms=found.decode_ms,
        )


def answers_to(
    questions: Questions, parts: Sequence[Part], journal: Journal, progress: Progress
) -> tuple[dict[int, Answer], list[Skipped]]:
    """Ask about every part that the journal has no answer for.

    Returns:
        By the part's place its answer; and the videos that could not be read.
    """
    known = recorded(journal, parts)
    orders = [questions.order(number, part) for number, part in enumerate(parts) if number not in known]
    failed = []
    for outcome in _looks(orders, questions.jobs):
        number, found = outcome.item.number, outcome.value
        if found is None:
            reason = "could not be read" if outcome.error is None else outcome.error.message
            failed.append(Skipped(outcome.item.path, reason))
            progress.fail()
            continue
        answer = questions.answer(parts[number], found)
        journal.append({"part": parts[number].key, **answer.document()})
        known[number] = answer
        progress.advance()
    return known, failed


def recorded(journal: Journal, parts: Sequence[Part]) -> dict[int, Answer]:
    """The answers that a journal holds, by the part's place."""
    by_key = {str(record["part"]): Answer.of(record) for record in journal}
    return {number: by_key[part.key] for number, part in enumerate(parts) if part.key in by_key}


def _looks(orders: Sequence[Order], jobs: int | None) -> Iterable[Outcome[Order, Look]]:
    return parallel_map(look, orders, jobs=jobs if len(orders) > 1 else 1, ordered=True)


def _moments(part: Part, asked: Asked, windows: int) -> NDArray[np.float64]:
    return Wanted(sampling=asked.model.sampling, windows=windows, views=0, seed=0).moments(part.video, 0)


def _shuffled(clip: NDArray[np.uint8], seed: int, part: Part, at: int) -> NDArray[np.uint8]:
    """A clip's frames in another order, the same whenever it is asked for."""
    rng = generator_at(seed, _ORDER, int(hashlib.sha256(part.key.encode()).hexdigest()[:12], 16), at)
    order = np.arange(len(clip))
    while (order == np.arange(len(clip))).all():
        order = rng.permutation(len(clip))
    return np.ascontiguousarray(clip[order])
