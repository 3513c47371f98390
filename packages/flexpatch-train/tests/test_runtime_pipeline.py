"""FlexPatch on a little world in which the detector really detects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from red_objects import SIZE, Box, RedDetector, draw, save_ncc_model, walkers

from flexpatch_train import FlexPatch
from flexpatch_train.detections import Detections
from flexpatch_train.runtime.follower import FollowOptions
from flexpatch_train.runtime.pipeline import FlexPatchOptions, FullFrameEveryN
from flexpatch_train.runtime.tracked import Tracks
from footage.metrics.boxes import iou_matrix

CANVAS = (192, 128)
OPTIONS = FlexPatchOptions(canvas_size=CANVAS)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree for which low correlation is high risk."""
    path = tmp_path_factory.mktemp("model") / "flexpatch_model.joblib"
    save_ncc_model(path)
    return path


def matched(tracks: Tracks, boxes: list[Box]) -> int:
    """How many of the boxes are answered with IoU above .5."""
    if not len(tracks):
        return 0
    return int((iou_matrix(np.array(boxes), tracks.boxes).max(axis=1) > 0.5).sum())


def test_objects_are_followed_on_a_third_of_the_pixels_and_keep_their_ids(model: Path) -> None:
    detector = RedDetector()
    flexpatch = FlexPatch(detector=detector, frame_size=SIZE, tf_model_path=model, options=OPTIONS)
    ids = set()
    for t in range(120):
        tracks = flexpatch.process_frame(draw(walkers(t)))
        assert matched(tracks, walkers(t)) == 3, t
        assert len(tracks) == 3
        ids.update(tracks.object_ids.tolist())
    assert ids == {1, 2, 3}
    assert detector.shapes[0] == (SIZE[1], SIZE[0], 3)
    assert set(detector.shapes[1:]) == {(CANVAS[1], CANVAS[0], 3)}
    assert flexpatch.costs.detector_pixels == SIZE[0] * SIZE[1] + 119 * CANVAS[0] * CANVAS[1]


def test_an_object_that_enters_is_found_and_one_that_leaves_is_dropped(model: Path) -> None:
    flexpatch = FlexPatch(detector=RedDetector(), frame_size=SIZE, tf_model_path=model, options=OPTIONS)
    newcomer: Box = (250, 180, 280, 225)
    for t in range(20):
        flexpatch.process_frame(draw(walkers(t)))
    arrived = [matched(flexpatch.process_frame(draw([*walkers(t), newcomer])), [newcomer]) for t in range(20, 60)]
    assert arrived.index(1) <= 15
    assert all(arrived[arrived.index(1) :])
    gone = [len(flexpatch.process_frame(draw(walkers(t)))) for t in range(60, 90)]
    assert gone[-1] == 3


@pytest.mark.parametrize("trouble", ["raises", "none", "nan"])
def test_a_detector_in_trouble_does_not_end_the_run(model: Path, trouble: str) -> None:
    class Troubled(RedDetector):
        def detect(self, image: np.ndarray, *, frame_index: int) -> Any:
            found = super().detect(image, frame_index=frame_index)
            if frame_index % 3 != 1:
                return found
            if trouble == "raises":
                raise RuntimeError("out of memory")
            if trouble == "none":
                return None
            broken = found.boxes.copy()
            broken[:] = np.nan
            return Detections(broken, found.scores, found.class_ids)

    flexpatch = FlexPatch(detector=Troubled(), frame_size=SIZE, tf_model_path=model, options=OPTIONS)
    for t in range(60):
        tracks = flexpatch.process_frame(draw(walkers(t)))
        assert np.isfinite(tracks.boxes).all()
        assert matched(tracks, walkers(t)) >= 2, t
    assert 15 <= flexpatch.costs.detector_failures <= 20
    assert flexpatch.costs.last_failure


def test_a_detector_that_never_answers_gives_no_objects(model: Path) -> None:
    class Silent(RedDetector):
        def detect(self, image: np.ndarray, *, frame_index: int) -> Detections:
            del image, frame_index
            return Detections.empty()

    flexpatch = FlexPatch(detector=Silent(), frame_size=SIZE, tf_model_path=model, options=OPTIONS)
    assert [len(flexpatch.process_frame(draw(walkers(t)))) for t in range(5)] == [0] * 5


def test_full_frames_every_n_frames_are_what_they_say() -> None:
    detector = RedDetector()
    pipeline = FullFrameEveryN(detector, SIZE, 4, follow=FollowOptions(misses_to_end=1))
    for t in range(17):
        assert matched(pipeline.process_frame(draw(walkers(t))), walkers(t)) == 3
    assert len(detector.shapes) == 5


def test_frames_of_another_size_or_time_are_refused(model: Path) -> None:
    flexpatch = FlexPatch(detector=RedDetector(), frame_size=SIZE, tf_model_path=model, options=OPTIONS)
    with pytest.raises(ValueError, match="in a video of"):
        flexpatch.process_frame(np.zeros((10, 10, 3), np.uint8))
    flexpatch.process_frame(draw(walkers(0)), pts_seconds=1.0)
    with pytest.raises(ValueError, match="after one at"):
        flexpatch.process_frame(draw(walkers(1)), pts_seconds=1.0)


def test_nothing_of_a_dropped_object_is_kept(model: Path) -> None:
    flexpatch = FlexPatch(detector=RedDetector(), frame_size=SIZE, tf_model_path=model, options=OPTIONS)
    for t in range(200):
        flexpatch.process_frame(draw(walkers(t) if t % 40 < 20 else []))
    follower = flexpatch._follower
    assert len(follower.objects) == len(follower._tracker) == len(follower._features._memory)


@pytest.mark.slow
def test_memory_is_flat_over_ten_thousand_frames(model: Path) -> None:
    flexpatch = FlexPatch(detector=RedDetector(), frame_size=SIZE, tf_model_path=model, options=OPTIONS)
    pictures = [draw(walkers(t) if t % 50 < 40 else []) for t in range(157)]
    process = psutil.Process()
    for t in range(10_000):
        flexpatch.process_frame(pictures[t % len(pictures)])
        if t == 2_000:
            before = process.memory_info().rss
    assert process.memory_info().rss - before < 8 * 2**20
