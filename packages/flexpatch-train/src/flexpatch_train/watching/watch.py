"""``flexpatch-train watch``: run the runtime on a video with a trained model, and show what it does."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from flexpatch_train.detectors.choose import DetectorKind, choose_detector
from flexpatch_train.detectors.protocol import Detector
from flexpatch_train.model import MODEL_FILE, verified_manifest
from flexpatch_train.run import OUTPUT_FOLDER, MakeProgress, Tell
from flexpatch_train.runtime.canvas import compose
from flexpatch_train.runtime.packing import CANVAS_SIZE
from flexpatch_train.runtime.pipeline import FlexPatch, FlexPatchOptions
from flexpatch_train.watching.drawing import annotate
from flexpatch_train.watching.frames import Watched, WatchedFrame
from footage.errors import ModelError, VideoError
from footage.persistence.bundle import manifest_path
from footage.video.reader import VideoReader, open_video
from footage.video.types import Frame, VideoInfo
from footage.video.writer import VideoWriter

FALLBACK_RATE = Fraction(25)
RECENT_FRAMES = 25
"""Over so many frames the rate that the picture shows is taken."""

STAGES = ("reading", "tracking", "recommending", "packing", "detection", "merging", "drawing", "writing")
"""In the order in which a frame passes them."""

WHOLE_FRAMES_ONLY = {
    "mot": "it reads boxes that were written for whole frames",
    "motion": "it compares a whole frame with those before it",
}
"""Detectors that cannot answer for a canvas of patches, and why."""

OnFrame = Callable[[WatchedFrame], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """What to watch, and how.

    Attributes:
        video: the video file or folder of stills.
        model: a ``flexpatch_model.joblib``.
        output: the annotated video to write; None for none.
        detector: which kind of detector; ``auto`` goes by the weights, else takes a network that lies about.
        weights: the detector's file.
        confidence: the least score of a detection, in [0, 1].
        nms_iou: overlap above which the weaker of two detections is dropped, in [0, 1].
        classes: the names of the classes wanted; None for all.
        device: where the detector runs.
        canvas_size: width and height in pixels of the picture that the detector gets each frame.
        max_frames: how many frames to watch; None for the whole video.
    """

    video: Path
    model: Path = Path(OUTPUT_FOLDER) / MODEL_FILE
    output: Path | None = None
    detector: DetectorKind = "auto"
    weights: Path | None = None
    confidence: float = 0.25
    nms_iou: float = 0.45
    classes: tuple[str, ...] | None = None
    device: str = "auto"
    canvas_size: tuple[int, int] = CANVAS_SIZE
    max_frames: int | None = None


def default_output(video: Path) -> Path:
    """The annotated video's name where none is given: in the current folder, after the video."""
    return Path(f"{video.absolute().stem}_watched.mp4")


def watch(options: WatchOptions, *, tell: Tell, make_progress: MakeProgress, on_frame: OnFrame) -> Watched:
    """Follow and detect through a video, and write it with what was seen drawn on it.

    Ctrl-C ends the watching: the video so far is finished and kept. Where a file of that name was there before, it
    stays as it was, and what was drawn is thrown away.

    Args:
        options: what to watch, and how.
        tell: told what is chosen and what the user should know.
        make_progress: makes the progress display from the number of frames and how many are already done.
        on_frame: given every frame's record as soon as it is known.

    Raises:
        VideoError: the video cannot be read, or the annotated one not written.
        ModelError: the model or the detector cannot be used, or the detector failed in every frame.
        MissingDependency: what the detector needs is not installed.
        KeyboardInterrupt: the user ended it and there is nothing to keep.
    """
    with open_video(options.video) as reader, ExitStack() as output:
        _check_output(options)
        _check_model(options.model, tell)
        detector = _choose(options)
        tell(f"detector: {detector.name}, {detector.describe()['file']}")
        rate = rate_of(reader.info, tell)
        flexpatch = _runtime(options, detector, reader.info, rate, tell)
        writer, replaces = None, False
        if options.output is not None:
            replaces = options.output.exists()
            size = (reader.info.width, reader.info.height)
            writer = output.enter_context(VideoWriter(options.output, size=size, rate=rate))
        watching = _Watching(flexpatch, detector, reader.info, writer, tell)
        interrupted = False
        try:
            _go_through(reader, watching, options, make_progress, on_frame)
        except KeyboardInterrupt:
            if not watching.frames:
                raise
            if replaces:
                tell(f"stopped after {watching.frames} frames; {options.output} is the one from before")
                raise
            interrupted = True
        watched = watching.result(options.output, interrupted=interrupted)
        if reader.ending is not None and reader.ending.cut_short:
            tell(f"warning: the video is damaged and was used up to the cut: {reader.ending.reason}")
    if interrupted and options.output is not None:
        tell(f"stopped after {watched.frames} frames; what was drawn is kept, and the same command begins anew")
    return watched


def _go_through(
    reader: VideoReader, watching: _Watching, options: WatchOptions, make_progress: MakeProgress, on_frame: OnFrame
) -> None:
    estimate, wanted = reader.info.frame_count_estimate, options.max_frames
    total = wanted if estimate is None else estimate if wanted is None else min(estimate, wanted)
    frames = reader.frames(stop=wanted)
    with make_progress(total, 0) as progress:
        while (frame := watching.read(frames)) is not None:
            record = watching.process(frame)
            on_frame(record)
            watching.draw(frame, record)
            progress.advance()


class _Watching:
    """One pass over a video: what each frame goes through, and the time each step takes.

    Attributes:
        frames: frames that are finished.
    """

    def __init__(
        self, flexpatch: FlexPatch, detector: Detector, info: VideoInfo, writer: VideoWriter | None, tell: Tell
    ) -> None:
        self.frames = 0
        self._flexpatch = flexpatch
        self._class_names = detector.class_names
        self._size = (info.width, info.height)
        self._writer = writer
        self._tell = tell
        self._seconds: dict[str, float] = {}
        self._recent: deque[float] = deque(maxlen=RECENT_FRAMES)
        self._started = time.perf_counter()

    def read(self, frames: Iterator[Frame]) -> Frame | None:
        """The next frame, decoded; None at the end."""
        with self._timed("reading"):
            frame = next(frames, None)
            if frame is not None:
                _ = frame.image, frame.gray  # both are made when first asked for: here, so that the time counts here
            return frame

    def process(self, frame: Frame) -> WatchedFrame:
        """Let the runtime have a frame."""
        costs = self._flexpatch.costs
        pixels, failures = costs.detector_pixels, costs.detector_failures
        started = time.perf_counter()
        tracks = self._flexpatch.process_frame(frame.image, gray=frame.gray, pts_seconds=frame.pts_seconds)
        self._recent.append(time.perf_counter() - started)
        if costs.detector_failures and not failures:
            self._tell(f"warning: the detector failed in frame {frame.index}: {costs.last_failure}")
        return WatchedFrame(
            frame=frame.index,
            pts_seconds=frame.pts_seconds,
            tracks=tracks,
            class_names=self._class_names,
            packing=self._flexpatch.packing,
            frame_size=self._size,
            detector_pixels=costs.detector_pixels - pixels,
        )

    def draw(self, frame: Frame, record: WatchedFrame) -> None:
        """Draw and write a frame, where a video is wanted, and count it."""
        if self._writer is not None:
            with self._timed("drawing"):
                packing = record.packing
                canvas = frame.image if packing is None else compose(frame.image, packing)
                picture = annotate(frame.image, record.tracks, packing, canvas, self._captions())
            with self._timed("writing"):
                self._writer.write(picture)
        self.frames += 1

    def result(self, output: Path | None, *, interrupted: bool) -> Watched:
        """How it went.

        Raises:
            ModelError: the detector failed in every frame.
        """
        costs = self._flexpatch.costs
        if costs.detector_failures >= costs.frames:
            raise ModelError(f"the detector failed in every frame, the last time with: {costs.last_failure}")
        if costs.detector_failures:
            self._tell(f"warning: the detector failed in {costs.detector_failures} of {costs.frames} frames")
        seconds = {**self._seconds, **costs.seconds}
        return Watched(
            output=output,
            frames=self.frames,
            seconds=time.perf_counter() - self._started,
            detector_share=self._share(),
            detector_failures=costs.detector_failures,
            stage_seconds={stage: seconds[stage] for stage in STAGES if stage in seconds},
            interrupted=interrupted,
        )

    def _share(self) -> float:
        costs = self._flexpatch.costs
        return costs.detector_pixels / (costs.frames * self._size[0] * self._size[1])

    def _captions(self) -> list[str]:
        """The line of text on the picture, in falling order of length."""
        rate = f"{len(self._recent) / max(sum(self._recent), 1e-9):.0f} fps"
        share, failures = f"{self._share():.0%}", self._flexpatch.costs.detector_failures
        failed = f"{failures} detector failure{'' if failures == 1 else 's'}"
        return [
            f"{rate}   {share} of the pixels shown to the detector   {failed}",
            f"{rate}   {share} of the pixels   {failed}",
            f"{rate}  {share} of pixels  {failures} failed",
            f"{rate}  {share}  {failures} failed",
            f"{rate} {share}",
        ]

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[stage] = self._seconds.get(stage, 0.0) + time.perf_counter() - started


def _check_output(options: WatchOptions) -> None:
    """Refuse to write over the video that is read."""
    output = options.output
    if output is not None and output.exists() and output.samefile(options.video):
        raise VideoError("is the video itself", where=output, remedy="give the annotated video another name")


def _check_model(model: Path, tell: Tell) -> None:
    """Refuse a model that is missing or was changed, and pass on what its manifest says against relying on it."""
    if not model.is_file():
        raise ModelError("there is no such model", where=model, remedy="train one on a video first")
    if not manifest_path(model).is_file():
        tell(f"warning: {model} has no manifest beside it: nothing is known of how well it does")
        return
    for doubt in verified_manifest(model).details.get("doubts", ()):
        tell(f"warning: of the model: {doubt}")


def _choose(options: WatchOptions) -> Detector:
    """A detector that answers for any picture.

    Raises:
        ModelError: it is one that answers for whole frames only, or as ``choose_detector``.
    """
    kind, weights = options.detector, options.weights
    if kind == "auto" and weights is not None and weights.suffix.lower() == ".txt":
        kind = "mot"
    if kind in WHOLE_FRAMES_ONLY:
        raise ModelError(
            f"the detector {kind} cannot look at a canvas of patches: {WHOLE_FRAMES_ONLY[kind]}",
            where=weights,
            remedy="give the weights of a network, such as a .onnx file",
        )
    if kind == "auto" and weights is None:
        kind = "onnx"  # of what auto takes without being told, the only one that is not for whole frames
    detector, _ = choose_detector(
        kind,
        video=options.video,
        weights=weights,
        confidence=options.confidence,
        nms_iou=options.nms_iou,
        classes=options.classes,
        device=options.device,
    )
    return detector


def rate_of(info: VideoInfo, tell: Tell) -> Fraction:
    """Frames a second of the drawn video: the original's, else 25, which is then told."""
    if info.average_rate is not None and info.average_rate > 0:
        return info.average_rate
    tell(f"warning: the video does not say how fast it is to be shown: {FALLBACK_RATE} frames a second are assumed")
    return FALLBACK_RATE


def _runtime(options: WatchOptions, detector: Detector, info: VideoInfo, rate: Fraction, tell: Tell) -> FlexPatch:
    width, height = options.canvas_size
    if width * height >= info.width * info.height:
        size = f"{info.width}x{info.height}"
        tell(f"warning: a canvas of {width}x{height} is no smaller than a frame of {size}: the detector sees no less")
    return FlexPatch(
        detector,
        (info.width, info.height),
        options.model,
        options=FlexPatchOptions(canvas_size=options.canvas_size),
        frames_per_second=float(rate),
    )
