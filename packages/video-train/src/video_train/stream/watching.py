"""``video-train stream --model``: labels of video that is still coming."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from footage.errors import FootageError, InputError
from footage.video.live import LiveVideo
from video_train.model import ClipModel
from video_train.opening import open_on
from video_train.prediction.windows import Said, said_of, window_seconds
from video_train.stream.assembling import Clip, ClipAssembler
from video_train.stream.handover import Handover, wait_for

ROOM = 2
_LOOK_SECONDS = 0.2
"""How long it takes at most until an interruption is noticed, while nothing comes."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """What to label, and how.

    Attributes:
        source: a network address, or a file that grows.
        model: a training's folder, its ``model.onnx`` or its ``best_student.pt``.
        window_seconds: length of a window; None as the model learned.
        step_seconds: from one window to the next; None for one after another.
        keep_all: let the source wait instead of throwing windows away.
        patience_seconds: after so long without data it has ended.
        most_windows: stop after so many; None to go on.
        device: where the model computes.
    """

    source: str
    model: Path
    window_seconds: float | None = None
    step_seconds: float | None = None
    keep_all: bool = False
    patience_seconds: float = 10.0
    most_windows: int | None = None
    device: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """How watching went.

    Attributes:
        source: as it may be printed.
        windows: that were labelled.
        dropped: windows that were thrown away because the model was busy and newer ones had come.
        passed_over: windows in which nothing came.
        labels: how many windows got each label.
        until_seconds: end of the last labelled window.
        ended: why it ended.
    """

    source: str
    windows: int
    dropped: int
    passed_over: int
    labels: dict[str, int]
    until_seconds: float
    ended: str


def watch(
    options: WatchOptions,
    *,
    tell: Tell,
    on_label: Callable[[Said], None],
    interrupted: Callable[[], bool] = lambda: False,
) -> Watched:
    """Label windows of a source as they come, until it ends or is interrupted.

    One thread reads and decodes, this one asks the model. At most ``ROOM`` clips wait, and the frames of windows that
    are not complete: memory does not grow, however long it goes on.

    Args:
        options: what to label, and how.
        tell: told what is done.
        on_label: called with every label at once.
        interrupted: asked several times a second whether to end.

    Raises:
        VideoError: the source cannot be opened.
        InputError: it is not known how long windows should be.
        ModelError: the model cannot be used.
    """
    model, runtime = open_on(options.model, options.device)
    window, why = window_seconds(model, options.window_seconds)
    if window is None:
        raise InputError(f"how long a window is must be said: {why}", where=options.model)
    step = options.step_seconds or window
    labels, done, until = Counter[str](), 0, 0.0
    with LiveVideo(options.source, patience_seconds=options.patience_seconds) as video:
        rate = "an unknown rate" if video.rate is None else f"{float(video.rate):.4g} frames/s"
        tell(f"{video.source}: {video.size[0]}x{video.size[1]} {video.codec} at {rate}")
        tell(f"labelling windows of {window:g} s, {why}, every {step:g} s, with {runtime}; Ctrl-C ends it")
        assembler = ClipAssembler(model.sampling, window_seconds=window, step_seconds=step)
        handover: Handover[Clip] = Handover(ROOM, keep_all=options.keep_all)
        stop, finished, failures = threading.Event(), threading.Event(), list[FootageError]()

        def read() -> None:
            try:
                for frame in video.frames(stop):
                    for clip in assembler.feed(frame):
                        handover.put(clip)
            except FootageError as error:
                failures.append(error)
            finally:
                handover.close()
                finished.set()

        threading.Thread(target=read, daemon=True).start()
        try:
            while not handover.over and (options.most_windows is None or done < options.most_windows):
                if interrupted():
                    tell("stopping")
                    break
                clip = handover.get(_LOOK_SECONDS)
                if clip is None:
                    continue
                said = _said(model, clip)
                labels[said.label] += 1
                done, until = done + 1, said.end_seconds
                on_label(said)
            stopped = "interrupted" if interrupted() else "as many windows as asked for"
            ended = video.ended or stopped
        finally:
            stop.set()
            handover.close()
            wait_for(finished)
        if failures:
            raise failures[0]
        return Watched(
            source=video.source,
            windows=done,
            dropped=handover.dropped,
            passed_over=assembler.passed_over,
            labels=dict(sorted(labels.items())),
            until_seconds=until,
            ended=ended,
        )


def _said(model: ClipModel, clip: Clip) -> Said:
    return said_of(clip.start_seconds, clip.end_seconds, model.logits([clip.frames])[0], model.classes)
