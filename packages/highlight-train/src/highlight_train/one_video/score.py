"""``highlight-train test-video``: one video's score, its band and its best moments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from footage.errors import printable
from footage.persistence.bundle import read_manifest
from footage.video.keyframes import KeyframeReader
from highlight_train.batch.options import OUTPUT_FOLDER, find_models
from highlight_train.one_video.report import lay_out
from highlight_train.scoring.decision import Decision, decide
from highlight_train.scoring.devices import devices_of
from highlight_train.scoring.model import Ensemble, HighlightModels, check_models, open_models
from highlight_train.scoring.pooling import Pooling
from highlight_train.scoring.sampler import SAMPLES, sample_video
from highlight_train.scoring.video import FrameScores, ScoredVideo, frame_scores, scored_video, window_text

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoTestOptions:
    """What to score, and how.

    Attributes:
        video: the video file.
        models: model files, or folders that a training wrote; empty takes those of the last run.
        report: where the report goes; None writes none.
        ensemble: how several models' answers become one.
        pooling: how the scores of frames become one; None as the model's training chose.
        samples: pictures of the video.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    """

    video: Path
    models: tuple[Path, ...] = ()
    report: Path | None = None
    ensemble: Ensemble = Ensemble.MEAN
    pooling: Pooling | None = None
    samples: int = SAMPLES
    device: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What scoring the video would take.

    Attributes:
        models: what it would score with.
        duration_seconds: the video's length; None where the file does not say.
        keyframes: how many the file's index lists; None where it has no index.
    """

    models: tuple[Path, ...]
    duration_seconds: float | None
    keyframes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoTest:
    """A video's score and what it rests on.

    Attributes:
        video: the score of the whole and the best windows.
        frames: the scores of single pictures.
        models: what they were scored with.
        report: the page that was written; None for none.
    """

    video: ScoredVideo
    frames: FrameScores
    models: tuple[Path, ...]
    report: Path | None

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        video = self.video
        name = printable(video.path.name)
        return f"{name} scores {video.score:.3f}: {video.band.value}. Its best moment is {window_text(video)}."


def default_report(video: Path) -> Path:
    """Where the report goes unless told: the video's name and ``_score.html``, in the current folder."""
    return Path(f"{video.stem}_score.html")


def plan(options: VideoTestOptions) -> Plan:
    """Look at the models and at the video's index; nothing is decoded or written.

    Raises:
        FootageError: as for ``run``.
    """
    models = find_models(options.models, OUTPUT_FOLDER)
    check_models(models)
    with KeyframeReader(options.video) as reader:
        return Plan(
            models=models,
            duration_seconds=reader.duration_seconds,
            keyframes=len(reader.times_seconds) if reader.indexed else None,
        )


def run(options: VideoTestOptions, *, tell: Tell) -> VideoTest:
    """Score a video, and write the report where one is asked for.

    Args:
        options: what to score, and how.
        tell: told what the user should know.

    Raises:
        VideoError: the video cannot be read.
        ModelError: a model cannot be used.
        InputError: no model runs on the device.
        MissingDependency: ONNX Runtime here cannot compute on the device.
        OSError: the report cannot be written.
    """
    paths = find_models(options.models, OUTPUT_FOLDER)
    models = open_models(paths, how=options.ensemble, device=devices_of(options.device)[0])
    decision = decide([read_manifest(path) for path in paths], options.pooling)
    tell(f"scoring with {', '.join(printable(str(path)) for path in paths)}; {decision.text}")
    samples = sample_video(options.video, options.samples, side_px=models.side_px)
    if samples.remark is not None:
        tell(f"note: {samples.remark}")
    frames = frame_scores(samples, models.score(samples.images))
    tested = VideoTest(
        video=scored_video(options.video, frames, decision.pooling, decision.threshold),
        frames=frames,
        models=paths,
        report=options.report,
    )
    if options.report is not None:
        origin = _origin(options, models, decision, frames)
        page = lay_out(tested.video, frames, tested.lead, origin, threshold=decision.threshold)
        page.write(options.report)
    return tested


def _origin(
    options: VideoTestOptions, models: HighlightModels, decision: Decision, frames: FrameScores
) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [("video", printable(str(options.video)))]
    for path, sha256 in zip(models.paths, models.sha256s, strict=True):
        rows.append(("model", f"{printable(str(path))} (SHA-256 {sha256[:12]})"))
    if len(models.paths) > 1:
        rows.append(("several models", f"{options.ensemble.value} of their answers"))
    return [
        *rows,
        ("pictures", f"{len(frames.scores)}, read as {frames.way.value}"),
        ("score of the video", f"{decision.pooling.value} of its pictures' scores ({decision.pooling_from})"),
    ]
