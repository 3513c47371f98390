"""All that an evaluation found, and the files it goes into."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from footage.dataset.discover import Skipped
from video_train.evaluation.answers import Answer
from video_train.evaluation.figures import Figures
from video_train.evaluation.latency import Latency
from video_train.evaluation.models import Asked
from video_train.evaluation.quality import Quality
from video_train.evaluation.unseen import Chosen
from video_train.prediction.windows import probabilities
from video_train.train.findings import short

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long things take.

    Attributes:
        decode_ms: to read one clip from its file, the median over videos, one process a file.
        student: a clip through the measured model.
        teacher: a clip through the other model; None without.
        paired: the measured model in the runtime of the teacher; None where both run alike, or without a teacher.
    """

    decode_ms: float
    student: Latency
    teacher: Latency | None
    paired: Latency | None

    @property
    def speedup(self) -> float | None:
        """How many times as long the teacher takes, both in one runtime; None where that was not timed."""
        other = self.paired or self.student
        if self.teacher is None or self.teacher.runtime != other.runtime:
            return None
        return self.teacher.median_ms / other.median_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One event in ``results``.

    Attributes:
        video_id: its identity.
        group: what it is kept together with.
        videos: files that were measured.
        action_label: its class.
        predicted: what the model says.
        correct: whether that is its class.
        probabilities: by class.
        teacher_predicted: what the teacher says; None without.
        quality: of each video.
    """

    video_id: str
    group: str
    videos: tuple[str, ...]
    action_label: str
    predicted: str
    correct: bool
    probabilities: dict[str, float]
    teacher_predicted: str | None
    quality: tuple[Quality, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All that an evaluation found.

    Attributes:
        student: the model that was measured.
        teacher: the other; None without.
        source: where labels come from, in words.
        windows: clips of every video.
        chosen: what was measured, and what was not.
        answers: by the part's place.
        figures: what they amount to.
        times: how long things take.
        skipped: videos and labels that were not used though they might have been.
        failed: videos that could not be read.
    """

    student: Asked
    teacher: Asked | None
    source: str
    windows: int
    chosen: Chosen
    answers: Mapping[int, Answer]
    figures: Figures
    times: Times
    skipped: tuple[Skipped, ...]
    failed: tuple[Skipped, ...]

    @property
    def doubts(self) -> tuple[str, ...]:
        """What limits the figures."""
        return self.chosen.doubts

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        student, seen = self.figures.student, self.chosen.seen
        unseen = self.student.split is not None and not seen
        which = "videos it never saw" if unseen else f"videos, {seen} of which it has seen," if seen else "videos"
        order = ""
        if self.figures.ordered is not None:
            order = f", with their frames in another order {short(self.figures.ordered.shuffled)}"
        against = f"always naming the most frequent class gets {student.chance:.2f}"
        doubtful = " These figures are not to be relied on: see the reservations." if self.doubts else ""
        return (
            f"On {which} the model names the class with an accuracy of {student.accuracy.text()}{order}; "
            f"{against}.{doubtful}"
        )

    def document(self) -> dict[str, object]:
        """The content of ``video_evaluation.json``: the keys of old, then every figure with its interval."""
        figures, times, chosen = self.figures, self.times, self.chosen
        compared = figures.teacher
        return {
            "num_videos": len(chosen.parts),
            "teacher_accuracy": None if compared is None else compared.measured.accuracy.estimate,
            "student_accuracy": figures.student.accuracy.estimate,
            "teacher_latency_ms": None if times.teacher is None else times.teacher.median_ms,
            "student_latency_ms": times.student.median_ms,
            "speedup": times.speedup,
            "results": list(self.results()),
            "format_version": FORMAT_VERSION,
            "lead": self.lead,
            "doubts": self.doubts,
            "model": {"path": str(self.student.model.path), "sha256": self.student.sha256},
            "teacher": None
            if self.teacher is None
            else {"path": str(self.teacher.model.path), "sha256": self.teacher.sha256},
            "classes": chosen.classes,
            "labels_from": self.source,
            "windows": self.windows,
            "events": {
                "measured": len(chosen.events),
                "groups": len({one.group for one in chosen.events}),
                "seen_in_training": chosen.seen,
                "left_out_as_seen": chosen.left_out,
            },
            "accuracy": figures.student.accuracy,
            "chance": {"class": chosen.classes[figures.frequent], "accuracy": figures.student.chance},
            "gain_over_chance": figures.student.gain,
            "by_class": [
                {
                    "class": chosen.classes[int(one.label)],
                    "precision": one.precision,
                    "recall": one.recall,
                    "f1": one.f1,
                    "n": one.support,
                }
                for one in figures.student.by_class
            ],
            "confusion_rows_true_columns_predicted": figures.student.confusion,
            "single_views_accuracy": figures.single_views,
            "temporal_consistency": figures.consistency,
            "order_of_frames": figures.ordered,
            "compared_with_teacher": None
            if compared is None
            else {
                "accuracy": compared.measured.accuracy,
                "agreement": compared.agreement,
                "student_minus_teacher": compared.difference,
            },
            "latency": times,
            "quality_medians": figures.quality,
            "skipped": self.skipped,
            "failed": self.failed,
        }

    def results(self) -> Iterator[Result]:
        """A record an event."""
        chosen, classes = self.chosen, self.chosen.classes
        chances = probabilities(self.figures.logits)
        taught = self.figures.teacher_logits
        for number, one in enumerate(chosen.events):
            places = [place for place, part in enumerate(chosen.parts) if part.event == number]
            said = classes[int(chances[number].argmax())]
            yield Result(
                video_id=one.event.identity,
                group=one.group,
                videos=tuple(str(chosen.parts[place].view.path) for place in places),
                action_label=one.event.label,
                predicted=said,
                correct=said == one.event.label,
                probabilities=dict(zip(classes, chances[number].tolist(), strict=True)),
                teacher_predicted=None if taught is None else classes[int(taught[number].argmax())],
                quality=tuple(self.answers[place].quality for place in places),
            )

    def predictions_csv(self) -> str:
        """A line an event."""
        columns = ["event", "group", "videos", "label", "predicted", "probability", "teacher"]
        rows: list[list[object]] = [
            [
                one.video_id,
                one.group,
                " | ".join(one.videos),
                one.action_label,
                one.predicted,
                f"{one.probabilities[one.predicted]:.6f}",
                one.teacher_predicted or "",
            ]
            for one in self.results()
        ]
        return _csv(columns, rows)

    def clips_csv(self) -> str:
        """A line a clip, with the probability of every class to the last digit."""
        classes = self.chosen.classes
        columns = ["video", "clip", "first_seconds", "last_seconds", "label", "predicted", *classes]
        rows: list[list[object]] = []
        for place, part in enumerate(self.chosen.parts):
            answer = self.answers[place]
            for number, (chances, times) in enumerate(
                zip(probabilities(answer.clips), answer.moments, strict=True), start=1
            ):
                span = [f"{times[0]:.6f}", f"{times[-1]:.6f}"]
                said = classes[int(chances.argmax())]
                values = [classes[part.video.label], said, *(repr(float(one)) for one in chances)]
                rows.append([str(part.view.path), number, *span, *values])
        return _csv(columns, rows)


def _csv(columns: list[str], rows: list[list[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
