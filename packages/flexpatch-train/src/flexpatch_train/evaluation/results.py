"""One line of the comparison: what a way of spending detector pixels scored, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flexpatch_train.evaluation.scoring import Scores, scores_of
from flexpatch_train.evaluation.ways import FrameCost, Outcome

MS = 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class Milliseconds:
    """Milliseconds a frame over frames.

    Attributes:
        median: half of the frames take longer.
        mean: what throughput depends on.
        p95: one frame in twenty takes longer.
    """

    median: float
    mean: float
    p95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WayResult:
    """A way on one sequence, or on all together.

    Attributes:
        name: of the way.
        every_n: the whole frame every so many frames; None for FlexPatch.
        budget: FlexPatch's canvas as a share of the frame; None for full frames.
        canvas_sizes: of its pictures, one a frame size; none for full frames.
        scores: against ground truth.
        hota_kept: HOTA as a share of the full frame's on every frame; None where either has none.
        pixel_share: pixels given to the detector, as a share of all frames' pixels.
        network_pixel_share: pixels its network computed on, as a share of those for the full frame on every frame.
        detector_calls: calls of the detector.
        detector_failures: calls that raised or gave something unusable.
        total: wall time of all stages.
        cpu: time of all threads.
        stages: wall time by stage.
    """

    name: str
    every_n: int | None
    budget: float | None
    canvas_sizes: tuple[tuple[int, int], ...]
    scores: Scores
    hota_kept: float | None
    pixel_share: float
    network_pixel_share: float
    detector_calls: int
    detector_failures: int
    total: Milliseconds
    cpu: Milliseconds
    stages: dict[str, Milliseconds]


def way_results(outcomes: Sequence[Sequence[Outcome]], seed: int) -> tuple[WayResult, ...]:
    """The ways over one or more sequences.

    Args:
        outcomes: for each sequence one entry a way, the full frame on every frame first.
        seed: of the intervals, the same for all ways.
    """
    by_way = list(zip(*outcomes, strict=True))
    whole = sum(_network_pixels(outcome) for outcome in by_way[0])
    best = scores_of([outcome.scores for outcome in by_way[0]], np.random.default_rng(seed)).hota
    return tuple(_result(of_way, whole, best, seed) for of_way in by_way)


def _result(outcomes: Sequence[Outcome], whole_network_pixels: int, best_hota: float | None, seed: int) -> WayResult:
    way = outcomes[0].way
    costs = [cost for outcome in outcomes for cost in outcome.costs]
    scores = scores_of([outcome.scores for outcome in outcomes], np.random.default_rng(seed))
    pixels = sum(look.pixels for cost in costs for look in cost.looks)
    return WayResult(
        name=way.name,
        every_n=way.every_n,
        budget=way.budget,
        canvas_sizes=tuple(sorted({one.canvas_size for one in outcomes if one.canvas_size is not None})),
        scores=scores,
        hota_kept=None if scores.hota is None or not best_hota else scores.hota / best_hota,
        pixel_share=pixels / sum(outcome.frame_pixels * len(outcome.costs) for outcome in outcomes),
        network_pixel_share=sum(_network_pixels(outcome) for outcome in outcomes) / whole_network_pixels,
        detector_calls=sum(len(cost.looks) for cost in costs),
        detector_failures=sum(outcome.detector_failures for outcome in outcomes),
        total=_milliseconds([cost.seconds for cost in costs]),
        cpu=_milliseconds([cost.cpu_seconds for cost in costs]),
        stages={name: _milliseconds([cost.stages.get(name, 0.0) for cost in costs]) for name in _stages(costs)},
    )


def _network_pixels(outcome: Outcome) -> int:
    return sum(look.network_pixels for cost in outcome.costs for look in cost.looks)


def _stages(costs: Sequence[FrameCost]) -> list[str]:
    """The stages in the order in which they first occur."""
    return list(dict.fromkeys(name for cost in costs for name in cost.stages))


def _milliseconds(seconds: Sequence[float]) -> Milliseconds:
    values = np.asarray(seconds) * MS
    return Milliseconds(
        median=float(np.median(values)), mean=float(values.mean()), p95=float(np.percentile(values, 95))
    )
