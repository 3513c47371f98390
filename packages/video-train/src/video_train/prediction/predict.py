"""``video-train predict``: the labels of videos over time."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.cli.progress import Progress
from footage.dataset.discover import Skipped, find_media
from footage.errors import DatasetError, InputError, VideoError
from footage.parallel import parallel_map
from footage.runs.files import atomic_write_json, atomic_write_text
from footage.training.clips import ClipSampling, clip_times, length_seconds
from video_train.model import ClipModel
from video_train.opening import open_on
from video_train.prediction.reading import ClipsWanted, read_clips
from video_train.prediction.windows import Labelled, Said, said_of, window_seconds, windows_of

FORMAT_VERSION = 1
SMOKE_VIDEOS = 3
_CHUNK = 4
"""Windows that are read in one go: what a worker holds."""

Tell = Callable[[str], None]
MakeProgress = Callable[[int, int], Progress]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictOptions:
    """What to label, and how.

    Attributes:
        model: a training's folder, its ``model.onnx`` or its ``best_student.pt``.
        videos: files, folders or globs.
        output: a ``.csv`` or ``.json`` file; None writes none.
        window_seconds: length of a window; None as the model learned.
        step_seconds: from one window to the next; None for one after another.
        jobs: worker processes that decode; None for one a core.
        device: where the model computes.
        max_videos: only so many; None for all.
    """

    model: Path
    videos: tuple[Path, ...]
    output: Path | None = None
    window_seconds: float | None = None
    step_seconds: float | None = None
    jobs: int | None = None
    device: str = "auto"
    max_videos: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What was found.

    Attributes:
        model: the file.
        classes: names in the order of its outputs.
        window: how long windows are and why, in words.
        videos: with their labels.
        failed: what could not be read.
    """

    model: Path
    classes: tuple[str, ...]
    window: str
    videos: tuple[Labelled, ...]
    failed: tuple[Skipped, ...]

    def document(self) -> dict[str, object]:
        """The content of a ``.json`` file."""
        return {
            "format_version": FORMAT_VERSION,
            "model": str(self.model),
            "classes": self.classes,
            "window": self.window,
            "videos": [
                {
                    "video": str(one.path),
                    "label": one.whole.label,
                    "probability": one.whole.probability,
                    "probabilities": one.whole.probabilities,
                    "duration_seconds": one.whole.end_seconds,
                    "windows": [window.document() for window in one.windows],
                }
                for one in self.videos
            ],
            "failed": self.failed,
        }

    def table(self) -> str:
        """The content of a ``.csv`` file: a line a window."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        chances = [f"probability of {name}" for name in self.classes]
        writer.writerow(["video", "start_seconds", "end_seconds", "label", "probability", *chances])
        for one in self.videos:
            for window in one.windows:
                values = [f"{value:.6f}" for value in (window.probability, *window.probabilities.values())]
                span = [f"{window.start_seconds:.3f}", f"{window.end_seconds:.3f}"]
                writer.writerow([str(one.path), *span, window.label, *values])
        return text.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What labelling would take.

    Attributes:
        model: the file.
        runtime: what would run it.
        window: how long windows are and why.
        videos: how many can be read.
        windows: how many clips that makes.
        failed: what cannot be read.
    """

    model: Path
    runtime: str
    window: str
    videos: int
    windows: int
    failed: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    model: ClipModel
    runtime: str
    window: str
    windows: dict[Path, list[tuple[float, float]]]
    failed: tuple[Skipped, ...]


def plan(options: PredictOptions) -> Plan:
    """Look at the model and at the videos' lengths; no clip is read and nothing is written.

    Raises:
        FootageError: as for :func:`predict`.
    """
    work = _work(options)
    return Plan(
        model=work.model.path,
        runtime=work.runtime,
        window=work.window,
        videos=len(work.windows),
        windows=sum(len(found) for found in work.windows.values()),
        failed=work.failed,
    )


def predict(options: PredictOptions, *, tell: Tell, make_progress: MakeProgress) -> Prediction:
    """Label videos over time, and write the labels where that is asked for.

    Args:
        options: what to label, and how.
        tell: told what is done and what the user should know.
        make_progress: makes the progress display from the number of windows and how many are already done.

    Raises:
        DatasetError: there is no video, or not one can be read.
        InputError: the file to write is of another kind, or no model runs on the device.
        ModelError: the model cannot be used.
        MissingDependency: the device is not there.
        OSError: the file cannot be written.
    """
    work = _work(options)
    tell(f"labelling with {work.model.path}, {work.runtime}; windows {work.window}")
    logits: dict[Path, list[NDArray[np.float64]]] = {path: [] for path in work.windows}
    failed = list(work.failed)
    bad: set[Path] = set()
    with make_progress(sum(len(found) for found in work.windows.values()), 0) as progress:
        orders = _orders(work.windows, work.model.sampling)
        for outcome in parallel_map(read_clips, orders, jobs=options.jobs):
            path, count = outcome.item.path, len(outcome.item.moments)
            if outcome.value is not None:
                logits[path].append(work.model.logits(outcome.value))
                progress.advance(count)
                continue
            progress.fail(count)
            if path not in bad:
                bad.add(path)
                failed.append(Skipped(path, "could not be read" if outcome.error is None else outcome.error.message))
    for one in failed:
        tell(f"warning: left out {one.path}: {one.reason}")
    videos = tuple(
        _labelled(path, windows, np.concatenate(logits[path]), work.model.classes)
        for path, windows in work.windows.items()
        if path not in bad
    )
    if not videos:
        raise DatasetError("not one of the videos could be read", where=failed[0].path, remedy=failed[0].reason)
    found = Prediction(
        model=work.model.path,
        classes=work.model.classes,
        window=work.window,
        videos=videos,
        failed=tuple(failed),
    )
    if options.output is not None:
        write(found, options.output)
    return found


def write(found: Prediction, output: Path) -> None:
    """Write the labels as the file's suffix says.

    Raises:
        OSError: the file cannot be written.
    """
    if output.suffix.lower() == ".json":
        atomic_write_json(output, found.document())
    else:
        atomic_write_text(output, found.table())


def _work(options: PredictOptions) -> _Work:
    if options.output is not None and options.output.suffix.lower() not in {".csv", ".json"}:
        raise InputError("labels are written as .csv or .json", where=options.output, remedy="choose one of the two")
    model, runtime = open_on(options.model, options.device)
    seconds, why = window_seconds(model, options.window_seconds)
    found = find_media(options.videos)
    failed = list(found.skipped)
    windows: dict[Path, list[tuple[float, float]]] = {}
    for path in found.files[: options.max_videos]:
        try:
            windows[path] = windows_of(length_seconds(path), seconds, options.step_seconds)
        except (VideoError, OSError) as error:
            failed.append(Skipped(path, error.what if isinstance(error, VideoError) else str(error)))
    length = "of the whole video" if seconds is None else f"of {seconds:g} s"
    return _Work(model=model, runtime=runtime, window=f"{length}, {why}", windows=windows, failed=tuple(failed))


def _orders(windows: dict[Path, list[tuple[float, float]]], sampling: ClipSampling) -> Iterator[ClipsWanted]:
    for path, found in windows.items():
        for at in range(0, len(found), _CHUNK):
            moments = np.stack([clip_times(start, end, sampling, None) for start, end in found[at : at + _CHUNK]])
            yield ClipsWanted(path=path, moments=moments, size_px=sampling.size_px)


def _labelled(
    path: Path, windows: Sequence[tuple[float, float]], logits: NDArray[np.float64], classes: tuple[str, ...]
) -> Labelled:
    said: list[Said] = [said_of(start, end, row, classes) for (start, end), row in zip(windows, logits, strict=True)]
    whole = said_of(0.0, windows[-1][1], logits.mean(0), classes)
    return Labelled(path=path, whole=whole, windows=tuple(said))
