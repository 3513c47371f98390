"""FlexPatch beside full frames on a little world with exact truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from red_objects import SIZE, Box, RedDetector, draw, save_ncc_model, walkers

from flexpatch_train.detections import Detections
from flexpatch_train.evaluation.report import cheaper_and_as_good
from flexpatch_train.evaluation.results import Milliseconds, way_results
from flexpatch_train.evaluation.scoring import BLOCK_FRAMES, score_sequence, scores_of
from flexpatch_train.evaluation.sequences import MotSequence
from flexpatch_train.evaluation.ways import Comparison, Outcome, canvas_size_of, compare, ways_of
from flexpatch_train.mot import MotRows, write_mot
from flexpatch_train.runtime.pipeline import FullFrameEveryN
from footage.errors import InputError, ModelError
from footage.metrics.clear import clear_mot
from footage.metrics.detection import detection_ap, detection_f1
from footage.metrics.hota import hota
from footage.metrics.identity import identity
from footage.metrics.tracking import BoxRows, frames_from_rows
from footage.video.images import read_image, write_image

FRAMES = 60
WAYS = ways_of((4, 10), (0.33,))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree for which low correlation is high risk."""
    path = tmp_path_factory.mktemp("model") / "flexpatch_model.joblib"
    save_ncc_model(path)
    return path


def racers(t: int) -> list[Box]:
    """Three boxes that are flung about: further in a few frames than they are wide."""
    swing = round(110 * np.sin(t / 8))
    return [
        (148 + swing, 20, 172 + swing, 60),
        (148 - swing, 90, 172 - swing, 130),
        (148 + swing, 170, 172 + swing, 210),
    ]


def sequence(folder: Path, boxes_at: Callable[[int], list[Box]]) -> MotSequence:
    """The world as stills with its exact truth."""
    (folder / "img1").mkdir(parents=True)
    (folder / "gt").mkdir()
    rows = []
    for t in range(FRAMES):
        write_image(folder / "img1" / f"{t + 1:06d}.png", draw(boxes_at(t)))
        rows += [(t + 1, number, box) for number, box in enumerate(boxes_at(t), start=1)]
    truth = MotRows(
        frames=np.array([row[0] for row in rows], np.int64),
        ids=np.array([row[1] for row in rows], np.int64),
        boxes=np.array([row[2] for row in rows], np.float64),
        confidences=np.ones(len(rows)),
    )
    (folder / "gt" / "gt.txt").write_text(write_mot(truth))
    return MotSequence(
        name=folder.name,
        video=folder / "img1",
        ground_truth=folder / "gt" / "gt.txt",
        size=SIZE,
        rate=Fraction(25),
        frame_count=FRAMES,
    )


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> MotSequence:
    return sequence(tmp_path_factory.mktemp("slow"), walkers)


@pytest.fixture(scope="module")
def detector() -> RedDetector:
    return RedDetector()


@pytest.fixture(scope="module")
def compared(slow: MotSequence, model: Path, detector: RedDetector) -> Comparison:
    return compare(slow, detector, model, WAYS, max_frames=None)


def hota_of(outcome: Outcome) -> float:
    value = outcome.scores.tracking.hota
    assert value is not None
    return value


def test_the_full_frame_is_nearly_perfect_and_flexpatch_close_to_it(compared: Comparison) -> None:
    full, _, _, patches = compared.outcomes
    assert hota_of(full) > 0.97
    assert hota_of(patches) > 0.9 * hota_of(full)
    assert compared.damage is None
    _, _, _, ours = way_results([compared.outcomes], seed=0)
    assert ours.pixel_share < 0.33 + 1 / FRAMES
    assert ours.hota_kept == pytest.approx(hota_of(patches) / hota_of(full))


def test_every_so_many_frames_is_worse_where_objects_are_fast(tmp_path: Path, model: Path) -> None:
    fast = sequence(tmp_path / "fast", racers)
    full, fourth, tenth, patches = compare(fast, RedDetector(), model, WAYS, max_frames=None).outcomes
    assert hota_of(full) > 0.97
    assert hota_of(patches) > 0.9 * hota_of(full)
    assert hota_of(fourth) < 0.8 * hota_of(full)
    assert hota_of(tenth) < hota_of(fourth)


def test_the_scores_are_those_computed_directly(slow: MotSequence, compared: Comparison) -> None:
    rows: list[tuple[int, int, np.ndarray, float]] = []
    pipeline = FullFrameEveryN(RedDetector(), SIZE, 4, frames_per_second=25.0)
    for t in range(FRAMES):
        tracks = pipeline.process_frame(read_image(slow.video / f"{t + 1:06d}.png"))
        rows += [
            (t + 1, int(i), box, float(score))
            for i, box, score in zip(tracks.object_ids, tracks.boxes, tracks.scores, strict=True)
        ]
    truth = slow.truth().objects
    assert truth.ids is not None
    frames = frames_from_rows(
        truth=BoxRows(frames=truth.frames, boxes=truth.boxes, ids=truth.ids),
        predicted=BoxRows(
            frames=np.array([row[0] for row in rows]),
            ids=np.array([row[1] for row in rows]),
            boxes=np.array([row[2] for row in rows], np.float64),
            scores=np.array([row[3] for row in rows]),
        ),
    )
    outcome = compared.outcomes[1]
    assert outcome.way.every_n == 4
    scores = scores_of([outcome.scores], np.random.default_rng(0))
    assert scores.hota == pytest.approx(hota(frames).hota)
    assert scores.deta == pytest.approx(hota(frames).deta)
    assert scores.assa == pytest.approx(hota(frames).assa)
    assert scores.mota == pytest.approx(clear_mot(frames).mota)
    assert scores.idf1 == pytest.approx(identity(frames).idf1)
    assert scores.ap50 == pytest.approx(detection_ap(frames).value)
    assert scores.f1.estimate == pytest.approx(detection_f1(frames).f1)
    assert (scores.frames, scores.objects, scores.boxes) == (FRAMES, 3, 3 * FRAMES)


def test_each_whole_frame_is_looked_at_once_and_charged_to_all(compared: Comparison, detector: RedDetector) -> None:
    canvas = compared.outcomes[-1].canvas_size
    assert canvas is not None
    whole, patches = (SIZE[1], SIZE[0], 3), (canvas[1], canvas[0], 3)
    warm_up = 1
    assert detector.shapes.count(whole) == FRAMES + warm_up
    assert detector.shapes.count(patches) == FRAMES - 1 + warm_up
    full, fourth, tenth, ours = way_results([compared.outcomes], seed=0)
    assert [way.detector_calls for way in (full, fourth, tenth, ours)] == [60, 15, 6, 60]
    assert (full.pixel_share, fourth.pixel_share, tenth.pixel_share) == (1.0, 0.25, 0.1)
    shared = zip(compared.outcomes[0].costs, compared.outcomes[1].costs, strict=True)
    assert all(not b.looks or a.looks[0] is b.looks[0] for a, b in shared)
    for outcome in compared.outcomes:
        assert all(
            cost.stages["detection"] == pytest.approx(sum(look.seconds for look in cost.looks))
            for cost in outcome.costs
        )


def test_a_network_of_one_size_is_charged_its_own_pixels(slow: MotSequence, model: Path) -> None:
    class OneSize(RedDetector):
        def describe(self) -> dict[str, str | int | float | bool]:
            return {"detector": "red", "input_width": 640, "input_height": 640, "native_size": False}

    outcomes = compare(slow, OneSize(), model, WAYS, max_frames=10).outcomes
    full, fourth, _, ours = way_results([outcomes], seed=0)
    assert ours.network_pixel_share == full.network_pixel_share == 1.0
    assert fourth.network_pixel_share == pytest.approx(0.3)
    assert ours.pixel_share < 0.45


def test_it_is_said_when_full_frames_now_and_then_do_as_well(compared: Comparison) -> None:
    full, fourth, _, ours = way_results([compared.outcomes], seed=0)
    quick, long = (Milliseconds(median=ms, mean=ms, p95=ms) for ms in (1.0, 9.0))
    ours = replace(ours, total=long)
    as_good = replace(fourth, scores=ours.scores, total=quick)
    assert cheaper_and_as_good([full, as_good, ours]) == (
        "These sequences show no gain from FlexPatch, 33 % of the pixels. At least its HOTA, in less time a frame and "
        "on no more pixels: full frame, every 4 frames."
    )
    assert ours.scores.hota is not None
    worse = replace(as_good, scores=replace(as_good.scores, hota=ours.scores.hota - 0.01))
    for rival in (worse, replace(as_good, total=long), replace(as_good, pixel_share=0.5)):
        assert cheaper_and_as_good([full, rival, ours]) is None


def test_intervals_need_blocks_and_contain_their_figure(compared: Comparison) -> None:
    part = compared.outcomes[2].scores
    short = scores_of([score_sequence(part.frames[: 3 * BLOCK_FRAMES])], np.random.default_rng(0)).f1
    assert short.low is None
    assert "blocks" in (short.reason or "")
    long = scores_of([part, part], np.random.default_rng(0)).f1
    assert long.low is not None
    assert long.estimate is not None
    assert long.high is not None
    assert long.low <= long.estimate <= long.high
    assert long.groups == 6


def test_a_detector_that_always_fails_ends_the_comparison(slow: MotSequence, model: Path) -> None:
    class Broken(RedDetector):
        calls = 0

        def detect(self, image: np.ndarray, *, frame_index: int) -> Detections:
            self.calls += 1
            if self.calls > 2:  # after the warm-up
                raise RuntimeError("out of memory")
            return super().detect(image, frame_index=frame_index)

    with pytest.raises(ModelError, match="failed at every call: RuntimeError: out of memory"):
        compare(slow, Broken(), model, WAYS, max_frames=5)


def test_a_detector_with_a_memory_cannot_look_at_patches(slow: MotSequence, model: Path) -> None:
    class Comparing(RedDetector):
        memory_frames = 1

    with pytest.raises(ModelError, match="cannot look at patches"):
        compare(slow, Comparing(), model, WAYS, max_frames=5)


@given(st.integers(64, 4000), st.integers(64, 4000), st.floats(0.05, 1.0))
def test_a_canvas_keeps_to_its_budget(width: int, height: int, budget: float) -> None:
    if budget * width * height < 32 * 32:
        with pytest.raises(InputError, match="less than 32x32"):
            canvas_size_of((width, height), budget)
        return
    across, down = canvas_size_of((width, height), budget)
    assert across % 32 == down % 32 == 0
    assert across * down <= budget * width * height


@pytest.mark.parametrize(
    ("frame", "budget", "canvas"), [((1920, 1080), 0.25, (928, 544)), ((640, 480), 0.25, (320, 224))]
)
def test_a_canvas_is_shaped_like_the_frame(frame: tuple[int, int], budget: float, canvas: tuple[int, int]) -> None:
    assert canvas_size_of(frame, budget) == canvas


@pytest.mark.parametrize("budget", [0.0, -0.1, 1.5, float("nan")])
def test_budgets_that_are_no_share_are_refused(budget: float) -> None:
    with pytest.raises(InputError, match="a budget of"):
        ways_of((2,), (budget,))


def test_ways_stand_in_order_and_once() -> None:
    assert [way.name for way in ways_of((4, 2, 1, 4), (0.15, 0.25, 0.15))] == [
        "full frame, every frame",
        "full frame, every 2 frames",
        "full frame, every 4 frames",
        "FlexPatch, 25 % of the pixels",
        "FlexPatch, 15 % of the pixels",
    ]
