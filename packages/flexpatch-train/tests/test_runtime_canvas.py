"""The canvas the detector sees, and its answer back in the frame."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexpatch_train.detections import Detections
from flexpatch_train.detectors.onnx import OnnxDetector
from flexpatch_train.runtime.canvas import compose, map_back
from flexpatch_train.runtime.packing import Packing, Placement, pack
from flexpatch_train.runtime.patches import Patch
from footage.metrics.boxes import iou_matrix
from footage.video.images import read_image
from footage.video.reader import open_video

FRAME = (400, 300)


def found(boxes: object, scores: object = None, class_ids: object = None) -> Detections:
    array = np.asarray(boxes, np.float32).reshape(-1, 4)
    return Detections(
        array,
        np.full(len(array), 0.5, np.float32) if scores is None else np.asarray(scores, np.float32),
        np.zeros(len(array), np.int64) if class_ids is None else np.asarray(class_ids, np.int64),
    )


def placed(source: tuple[int, int, int, int], corner: tuple[int, int], scale: Fraction = Fraction(1)) -> Placement:
    width, height = int((source[2] - source[0]) * scale), int((source[3] - source[1]) * scale)
    box = tuple(map(float, source))
    assert len(box) == 4
    target = (*corner, corner[0] + width, corner[1] + height)
    return Placement((Patch(box, 1.0, "new", None),), source, target, float(scale))


def packing(*placements: Placement) -> Packing:
    return Packing(placements, (), (640, 360))


@st.composite
def boxes_in(draw: st.DrawFn, size: tuple[int, int]) -> tuple[int, int, int, int]:
    x0, y0 = draw(st.integers(0, size[0] - 1)), draw(st.integers(0, size[1] - 1))
    return x0, y0, draw(st.integers(x0 + 1, size[0])), draw(st.integers(y0 + 1, size[1]))


def test_unscaled_patches_are_copied_pixel_for_pixel() -> None:
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    both = packing(placed((10, 20, 110, 70), (0, 0)), placed((200, 0, 400, 300), (100, 60)))
    canvas = compose(image, both)
    expected = np.full((360, 640, 3), 114, np.uint8)
    expected[0:50, 0:100] = image[20:70, 10:110]
    expected[60:360, 100:300] = image[:, 200:]
    np.testing.assert_array_equal(canvas, expected)
    assert compose(image, packing(), fill=7).tolist() == np.full((360, 640, 3), 7).tolist()


def test_scaled_patches_are_averaged_by_area() -> None:
    image = np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8)
    canvas = compose(image, packing(placed((0, 0, 400, 300), (5, 6), Fraction(1, 2))))
    means = image.reshape(150, 2, 200, 2, 3).astype(np.float64).mean(axis=(1, 3))
    np.testing.assert_allclose(canvas[6:156, 5:205], means, atol=0.51)


@pytest.mark.parametrize("scale", [Fraction(1, 4), Fraction(1, 3), Fraction(1, 2), Fraction(3, 5), Fraction(9, 10)])
def test_no_pixel_of_a_scaled_patch_is_passed_over(scale: Fraction) -> None:
    for offset in range(12):
        image = np.zeros((300, 400, 3), np.uint8)
        image[120, 120 + offset] = image[120 + offset, 180] = 255
        canvas = compose(image, packing(placed((0, 0, 400, 300), (0, 0), scale)), fill=0)
        middle = round(150 * scale)
        assert canvas[:, :middle].max() > 0, offset
        assert canvas[:, middle:].max() > 0, offset


def test_a_source_past_the_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="reaches past a frame of 400x300"):
        compose(np.zeros((300, 400, 3), np.uint8), packing(placed((350, 0, 401, 50), (0, 0))))


@given(boxes_in(FRAME), st.data(), st.sampled_from([(640, 360), (120, 90), (64, 200)]))
def test_a_drawn_object_comes_back_where_it_was(
    area: tuple[int, int, int, int], data: st.DataObject, canvas_size: tuple[int, int]
) -> None:
    """Through the pixels: what is lit on the canvas, mapped back, is what was lit in the frame."""
    x0, y0, x1, y1 = area
    inner = data.draw(boxes_in((x1 - x0, y1 - y0)))
    box = (x0 + inner[0], y0 + inner[1], x0 + inner[2], y0 + inner[3])
    image = np.zeros((FRAME[1], FRAME[0], 3), np.uint8)
    image[box[1] : box[3], box[0] : box[2]] = 255
    packed = pack([Patch((float(x0), float(y0), float(x1), float(y1)), 1.0, "new", None)], canvas_size)
    rows, columns = np.nonzero(compose(image, packed, fill=0)[..., 0])
    if not len(rows):  # scaled to nothing: less than a grey level of one pixel
        assert packed.placements[0].scale < 1
        return
    lit = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    back = map_back(found([lit]), packed, FRAME, covered_share=None)
    left, top, right, bottom = packed.placements[0].target
    tolerance = np.tile([(x1 - x0) / (right - left), (y1 - y0) / (bottom - top)], 2)
    assert (np.abs(back.boxes[0] - box) <= tolerance + 1e-3).all()


@given(st.data(), st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(1, 3)]))
def test_numbers_survive_the_round_trip(data: st.DataObject, scale: Fraction) -> None:
    source, corner = (60, 30, 360, 270), (17, 5)
    x0, x1 = sorted(data.draw(st.lists(st.floats(60, 360), min_size=2, max_size=2)))
    y0, y1 = sorted(data.draw(st.lists(st.floats(30, 270), min_size=2, max_size=2)))
    if x1 - x0 < 1 or y1 - y0 < 1:
        return
    box = np.array([x0, y0, x1, y1])
    there = np.tile(corner, 2) + (box - np.tile(source[:2], 2)) * float(scale)
    back = map_back(found([there]), packing(placed(source, corner, scale)), FRAME)
    np.testing.assert_allclose(back.boxes, [box], atol=1e-3)


@given(st.lists(st.tuples(*[st.floats(-20, 660)] * 4), max_size=12), st.integers(0, 9))
def test_whatever_is_found_comes_back_inside_a_shown_part(
    corners: list[tuple[float, float, float, float]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    starts = rng.uniform(0, 250, (6, 2))
    ends = starts + rng.uniform(5, 120, (6, 2))
    wanted = [
        Patch((x0, y0, min(x1, 400.0), min(y1, 300.0)), 1.0, "failure", i)
        for i, (x0, y0, x1, y1) in enumerate(np.concatenate([starts, ends], axis=1).tolist())
    ]
    packed = pack(wanted, (200, 100))
    boxes = [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners]
    back = map_back(found(boxes), packed, FRAME)
    assert len(back) <= len(boxes)
    sources = np.array([placement.source for placement in packed.placements])
    for box in back.boxes:
        assert ((sources[:, :2] <= box[:2] + 1e-3) & (sources[:, 2:] >= box[2:] - 1e-3)).all(axis=1).any()


def test_a_detection_belongs_where_its_centre_lies() -> None:
    both = packing(placed((0, 0, 100, 100), (0, 0)), placed((200, 0, 300, 100), (100, 0)))
    straddling = found([[90, 20, 130, 60], [80, 20, 110, 60], [300, 200, 340, 240], [95, 70, 105, 80]])
    back = map_back(straddling, both, FRAME)
    # The third lies on the fill; the last one's centre on the line between the two belongs to the right one.
    np.testing.assert_array_equal(back.boxes, [[200, 20, 230, 60], [80, 20, 100, 60], [200, 70, 205, 80]])


# Two parts of a frame that overlap between 100 and 160, the second beginning inside the first.
LEFT, RIGHT = placed((0, 0, 160, 200), (0, 0)), placed((100, 0, 300, 200), (200, 0))
CUT = [130.0, 50.0, 159.0, 150.0]  # an object that the left part shows up to its border
WHOLE = [230.0, 50.0, 310.0, 150.0]  # the same object as the right part shows it: 130 to 210 in the frame


def test_a_cut_object_gives_way_to_the_whole_one() -> None:
    back = map_back(found([CUT, WHOLE], [0.9, 0.4]), packing(LEFT, RIGHT), FRAME)
    np.testing.assert_array_equal(back.boxes, [[130, 50, 210, 150]])
    kept = map_back(found([CUT, WHOLE], [0.9, 0.4]), packing(LEFT, RIGHT), FRAME, covered_share=None)
    assert len(kept) == 2


def test_a_cut_object_stays_where_nothing_shows_more_of_it() -> None:
    assert len(map_back(found([CUT]), packing(LEFT, RIGHT), FRAME)) == 1
    other_class = found([CUT, WHOLE], class_ids=[0, 1])
    assert len(map_back(other_class, packing(LEFT, RIGHT), FRAME)) == 2


@pytest.mark.parametrize(
    ("box", "tracked", "kept"),
    [
        (CUT, [130, 50, 190, 150], 0),
        (CUT, [120, 40, 145, 140], 1),  # covers half of it
        (CUT, [131, 51, 158, 149], 1),  # covers most of it and shows less
        ([100, 50, 140, 150], [90, 40, 160, 160], 1),  # is not cut
        ([0, 50, 40, 150], [0, 40, 60, 160], 1),  # ends with the frame
        ([20, 150, 60, 200], [20, 150, 60, 220], 0),  # the part ends at 200, the frame goes on to 300
    ],
)
def test_a_cut_object_gives_way_to_a_tracked_one(box: list[float], tracked: list[float], kept: int) -> None:
    assert len(map_back(found([box]), packing(LEFT), FRAME, tracked_boxes=[tracked])) == kept


def test_of_two_cut_views_the_larger_stays() -> None:
    # The object goes from 90 to 170: the left part shows 90 to 160, the right one 100 to 170.
    views = found([[90, 50, 160, 150], [200, 50, 275, 150]])
    back = map_back(views, packing(LEFT, RIGHT), FRAME)
    np.testing.assert_array_equal(back.boxes, [[100, 50, 175, 150]])


def test_an_object_seen_twice_is_kept_once_and_a_class() -> None:
    # 110 to 150 in the frame, whole in both parts.
    twice = [[110, 50, 150, 150], [210, 52, 250, 150]]
    back = map_back(found(twice, [0.4, 0.8]), packing(LEFT, RIGHT), FRAME)
    np.testing.assert_array_equal(back.boxes, [[110, 52, 150, 150]])
    np.testing.assert_allclose(back.scores, [0.8])
    assert len(map_back(found(twice, class_ids=[0, 1]), packing(LEFT, RIGHT), FRAME)) == 2


def test_a_whole_object_comes_before_a_cut_one_of_a_higher_score() -> None:
    views = found([[112, 50, 160, 150], [210, 50, 262, 150]], [0.9, 0.3])
    back = map_back(views, packing(LEFT, RIGHT), FRAME, covered_share=None)
    np.testing.assert_array_equal(back.boxes, [[110, 50, 162, 150]])


def test_nothing_found_or_shown_is_nothing() -> None:
    assert len(map_back(Detections.empty(), packing(LEFT), FRAME)) == 0
    assert len(map_back(found([CUT]), packing(), FRAME)) == 0
    assert len(map_back(found([[5, 5, 5, 9]]), packing(LEFT), FRAME)) == 0


@pytest.mark.parametrize("model", ["yolov8n_int8.onnx", "yolox_nano.onnx"])
def test_real_detectors_find_on_the_canvas_whom_they_find_in_the_parts(shared_data: Path, model: str) -> None:
    detector = OnnxDetector(shared_data / "det" / model, device="cpu", threads=1, classes=("person",))
    with open_video(shared_data / "mot" / "PETS09-S2L1" / "PETS09-S2L1_001-300_768x576.mp4") as video:
        crowd = video.frame_at(10.0).image
    alone = read_image(shared_data / "img" / "person.jpg")
    for image, least_people in ((crowd, 4), (alone, 1)):
        size = (image.shape[1], image.shape[0])
        whole = detector.detect(image, frame_index=0)
        packed = pack([around(box, i, size) for i, box in enumerate(whole.boxes)])
        assert not packed.left_out
        back = map_back(detector.detect(compose(image, packed), frame_index=0), packed, size)
        sure = 0
        for placement in packed.placements:
            x0, y0, x1, y1 = placement.source
            people = detector.detect(np.ascontiguousarray(image[y0:y1, x0:x1]), frame_index=0)
            people = people.select(people.scores >= 0.6)
            sure += len(people)
            for box in people.boxes + np.array([x0, y0, x0, y0], np.float32):
                assert iou_matrix([box], back.boxes).max() > 0.7
        assert sure >= least_people
        assert (iou_matrix(back.boxes, whole.boxes).max(axis=1) > 0.7).all()


def around(box: np.ndarray, number: int, size: tuple[int, int]) -> Patch:
    """A patch with half a box to the left and right of the box and a quarter above and below."""
    width, height = box[2] - box[0], box[3] - box[1]
    grown = box + np.array([-width / 2, -height / 4, width / 2, height / 4])
    x0, y0, x1, y1 = np.clip(grown, 0, np.tile(size, 2)).tolist()
    return Patch((x0, y0, x1, y1), -float(number), "failure", number)
