"""What the runtime delivers for its cost: FlexPatch beside full frames, on sequences with ground truth.

All ways see the same frames in turn, share one detector, and are scored on the same truth. That they take turns frame
by frame means that a busy machine slows all of them alike. The detector looks at each whole frame once; a way that
uses what it found is charged the time that it took.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import log
from pathlib import Path

import numpy as np

from flexpatch_train.detectors.layouts import STRIDES
from flexpatch_train.detectors.protocol import Detector
from flexpatch_train.evaluation.metered import FrameLooks, Look, MeteredDetector, Picture, require_memoryless
from flexpatch_train.evaluation.scoring import SequenceScores, frame_of, score_sequence
from flexpatch_train.evaluation.sequences import MotSequence, SequenceTruth
from flexpatch_train.runtime.follower import FollowOptions
from flexpatch_train.runtime.pipeline import FlexPatch, FlexPatchOptions, FullFrameEveryN, Pipeline
from footage.errors import InputError, ModelError, VideoError
from footage.metrics.tracking import TrackedFrame
from footage.video.reader import open_video

EVERY_N = (2, 4, 7, 10)
BUDGETS = (0.25, 0.15)
DETECTION = "detection"
_DEFAULT_RATE = Fraction(25)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to spend detector pixels.

    Attributes:
        every_n: the whole frame goes to the detector every so many frames; None for FlexPatch.
        budget: FlexPatch's canvas as a share of the frame's pixels, in (0, 1]; None for full frames.
    """

    every_n: int | None = None
    budget: float | None = None

    @property
    def name(self) -> str:
        """As it stands in tables."""
        if self.every_n is None:
            return f"FlexPatch, {100 * (self.budget or 0):g} % of the pixels"
        return "full frame, every frame" if self.every_n == 1 else f"full frame, every {self.every_n} frames"


@dataclass(frozen=True, slots=True)
class FrameCost:
    """What one frame cost one way.

    Attributes:
        stages: wall seconds by stage; detection is the detector's own time.
        cpu_seconds: time of all threads.
        looks: the detector's calls.
    """

    stages: dict[str, float]
    cpu_seconds: float
    looks: tuple[Look, ...]

    @property
    def seconds(self) -> float:
        """Wall time of all stages."""
        return sum(self.stages.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One way on one sequence.

    Attributes:
        way: which.
        canvas_size: of FlexPatch's picture; None for full frames.
        scores: against the ground truth.
        costs: one entry a frame.
        frame_pixels: pixels of one whole frame.
        detector_failures: calls that raised or gave something unusable.
    """

    way: Way
    canvas_size: tuple[int, int] | None
    scores: SequenceScores
    costs: tuple[FrameCost, ...]
    frame_pixels: int
    detector_failures: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """All ways on one sequence.

    Attributes:
        outcomes: one entry a way.
        damage: why the video could not be read to its end; None where it could, or was not to be.
    """

    outcomes: tuple[Outcome, ...]
    damage: str | None


@dataclass(slots=True)
class _Runner:
    """A way at work on a sequence."""

    way: Way
    pipeline: Pipeline
    meter: MeteredDetector
    canvas_size: tuple[int, int] | None
    frames: list[TrackedFrame] = field(default_factory=list)
    costs: list[FrameCost] = field(default_factory=list)

    def step(self, image: Picture, gray: Picture, pts_seconds: float, index: int, truth: SequenceTruth) -> None:
        before = dict(self.pipeline.costs.seconds)
        cpu = time.process_time()
        tracks = self.pipeline.process_frame(image, gray=gray, pts_seconds=pts_seconds)
        cpu_seconds = time.process_time() - cpu - self.meter.lookup_cpu_seconds
        looks = tuple(self.meter.take())
        stages = {name: total - before.get(name, 0.0) for name, total in self.pipeline.costs.seconds.items()}
        stages[DETECTION] = sum(look.seconds for look in looks)
        self.costs.append(FrameCost(stages, max(cpu_seconds, 0.0) + sum(look.cpu_seconds for look in looks), looks))
        self.frames.append(frame_of(truth, index, tracks))


def ways_of(every_n: Sequence[int] = EVERY_N, budgets: Sequence[float] = BUDGETS) -> tuple[Way, ...]:
    """The full frame on every frame first, then every so many frames, then FlexPatch by falling budget.

    Raises:
        InputError: a budget outside (0, 1].
    """
    for budget in budgets:
        if not 0 < budget <= 1:
            raise InputError(f"a budget of {budget:g}", remedy="give shares of the frame's pixels above 0 and up to 1")
    full = tuple(Way(every_n=n) for n in (1, *sorted(set(every_n) - {1})))
    return full + tuple(Way(budget=budget) for budget in sorted(set(budgets), reverse=True))


def canvas_size_of(frame_size: tuple[int, int], budget: float) -> tuple[int, int]:
    """The canvas for a budget: sides of whole strides, shaped much like the frame, never above the budget.

    Args:
        frame_size: width and height in pixels.
        budget: share of the frame's pixels, in (0, 1].

    Raises:
        InputError: the budget does not pay for one stride by one stride.
    """
    stride = STRIDES[-1]
    most = budget * frame_size[0] * frame_size[1]
    shape = frame_size[0] / frame_size[1]
    best: tuple[float, tuple[int, int]] | None = None
    for width in range(stride, frame_size[0] + stride, stride):
        for height in range(stride, int(most // width) + 1, stride):
            worth = width * height / most - abs(log(width / height / shape))
            if best is None or worth > best[0]:
                best = worth, (width, height)
    if best is None:
        raise InputError(
            f"{100 * budget:g} % of a frame of {frame_size[0]}x{frame_size[1]} is less than {stride}x{stride} pixels",
            remedy="give a larger budget",
        )
    return best[1]


def compare(
    sequence: MotSequence,
    detector: Detector,
    model: Path,
    ways: Sequence[Way],
    *,
    max_frames: int | None,
    follow: FollowOptions | None = None,
    on_frame: Callable[[], None] = lambda: None,
) -> Comparison:
    """Run all ways over one sequence and score them.

    Args:
        sequence: video and ground truth.
        detector: asked for whole frames and canvases.
        model: a ``flexpatch_model.joblib``.
        ways: what to compare.
        max_frames: how many frames to take; None for all.
        follow: when objects begin and end, the same for all.
        on_frame: called after every frame.

    Returns:
        One outcome a way, in their order.

    Raises:
        VideoError: the video cannot be decoded, or its frames are not in order of time.
        ModelError: the model or the detector cannot be used, or the detector failed at every call.
        InputError: a budget is too small for these frames.
    """
    require_memoryless(detector)
    truth = sequence.truth()
    looks = FrameLooks(detector)
    rate = sequence.rate or _DEFAULT_RATE
    with open_video(sequence.video, stills_rate=rate) as reader:
        size = reader.info.width, reader.info.height
        following = follow or FollowOptions()
        runners = [_runner(way, looks, size=size, model=model, rate=float(rate), follow=following) for way in ways]
        _warm_up(detector, {size, *(one.canvas_size for one in runners if one.canvas_size is not None)})
        last = None
        for frame in reader.frames(stop=max_frames):
            if last is not None and frame.pts_seconds <= last:
                raise VideoError(f"frame {frame.index} does not come after the one before", where=sequence.video)
            last = frame.pts_seconds
            image, gray = frame.image, frame.gray
            looks.next_frame(image)
            for runner in runners:
                runner.step(image, gray, frame.pts_seconds, frame.index, truth)
            on_frame()
        ending = reader.ending
    damage = ending.reason if ending is not None and ending.cut_short else None
    return Comparison(tuple(_outcome(runner, size) for runner in runners), damage)


def _runner(
    way: Way, looks: FrameLooks, *, size: tuple[int, int], model: Path, rate: float, follow: FollowOptions
) -> _Runner:
    meter = MeteredDetector(looks)
    if way.budget is None:
        every_n = FullFrameEveryN(meter, size, way.every_n or 1, follow=follow, frames_per_second=rate)
        return _Runner(way, every_n, meter, None)
    canvas = canvas_size_of(size, way.budget)
    options = FlexPatchOptions(canvas_size=canvas, follow=follow)
    return _Runner(way, FlexPatch(meter, size, model, options=options, frames_per_second=rate), meter, canvas)


def _warm_up(detector: Detector, sizes: set[tuple[int, int]]) -> None:
    """The first picture of a size is slow, and no way should pay for it."""
    for width, height in sorted(sizes):
        detector.detect(np.full((height, width, 3), 114, np.uint8), frame_index=0)


def _outcome(runner: _Runner, size: tuple[int, int]) -> Outcome:
    costs = runner.pipeline.costs
    calls = sum(len(cost.looks) for cost in runner.costs)
    if costs.detector_failures and calls == 0:
        raise ModelError(f"the detector failed at every call: {costs.last_failure}")
    return Outcome(
        way=runner.way,
        canvas_size=runner.canvas_size,
        scores=score_sequence(runner.frames),
        costs=tuple(runner.costs),
        frame_pixels=size[0] * size[1],
        detector_failures=costs.detector_failures,
    )
