"""Letterboxes, layouts and decoding, on arrays whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import at_cells

from flexpatch_train.detectors.layouts import Layout, cell_count, recognise
from flexpatch_train.detectors.yolo import PADDING_GREY, Letterbox, decode, letterbox, network_input, suppress
from footage.errors import ModelError

SIZE = (96, 64)
AS_IS = Letterbox(scale_x=1, scale_y=1, left=0, top=0, width=SIZE[0], height=SIZE[1])
FLOAT32 = np.dtype(np.float32)


def yolov8(*found: tuple[int, tuple[float, ...], int, float], classes: int = 3) -> np.ndarray:
    """An output ``(1, 4 + C, A)`` with boxes cx, cy, w, h of (cell, box, class, score)."""
    table = at_cells(SIZE, 4 + classes)
    for cell, box, class_id, score in found:
        table[cell, :4] = box
        table[cell, 4 + class_id] = score
    return table.T[None].copy()


def yolox(*found: tuple[int, tuple[float, ...], int, float, float], classes: int = 3) -> np.ndarray:
    """A raw output ``(1, A, 5 + C)`` with offsets and logarithms of (cell, values, class, objectness, score)."""
    table = np.zeros((cell_count(SIZE), 5 + classes), np.float32)
    for cell, values, class_id, objectness, score in found:
        table[cell, :4] = values
        table[cell, 4] = objectness
        table[cell, 5 + class_id] = score
    return table[None]


def found_by(output: np.ndarray, layout: Layout, confidence: float = 0.25) -> list[tuple[list[float], float, int]]:
    found = decode([output], layout, AS_IS, size=SIZE, confidence=confidence)
    return [
        (box.tolist(), round(float(score), 4), int(class_id))
        for box, score, class_id in zip(found.boxes, found.scores, found.class_ids, strict=True)
    ]


def test_yolov8_rows_are_centres_and_sizes() -> None:
    output = yolov8((0, (30, 20, 20, 10), 2, 0.75), (5, (50, 40, 8, 8), 0, 0.2))
    assert found_by(output, Layout.YOLOV8) == [([20, 15, 40, 25], 0.75, 2)]
    turned = output.transpose(0, 2, 1).copy()
    assert found_by(turned, Layout.YOLOV8_TRANSPOSED) == [([20, 15, 40, 25], 0.75, 2)]


def test_end_to_end_rows_are_corners() -> None:
    output = np.array([[[10, 5, 30, 25, 0.5, 7], [1, 2, 3, 4, 0.1, 0], [0, 0, 0, 0, 0, 0]]], np.float32)
    assert found_by(output, Layout.END_TO_END) == [([10, 5, 30, 25], 0.5, 7)]


def test_yolox_rows_are_relative_to_their_cells() -> None:
    # Cell 13 of the finest grid (12 columns) is column 1, row 1; the first cell of stride 32 follows 96 + 24 cells.
    output = yolox(
        (13, (0.5, 0.25, np.log(2), np.log(1)), 1, 0.8, 0.5), (120, (0.5, 0.5, np.log(0.5), np.log(0.5)), 0, 0.9, 1.0)
    )
    found = found_by(output, Layout.YOLOX)
    np.testing.assert_allclose(found[0][0], [4, 6, 20, 14], atol=1e-5)
    np.testing.assert_allclose(found[1][0], [8, 8, 24, 24], atol=1e-5)
    assert [row[1:] for row in found] == [(0.4, 1), (0.9, 0)]


def test_objectness_times_class_decides() -> None:
    output = yolox((3, (0, 0, 1, 1), 1, 0.6, 0.4), (4, (0, 0, 1, 1), 1, 0.6, 0.5))
    assert [round(row[1], 2) for row in found_by(output, Layout.YOLOX)] == [0.3]


def test_broken_boxes_are_dropped() -> None:
    """Infinite, undefined, reversed and outside boxes are no detections; one over the edge is cut there."""
    bad = [(np.inf, 20, 4, 4), (np.nan, 20, 4, 4), (30, 20, -4, 4), (200, 200, 10, 10), (90, 60, 20, 20)]
    output = yolov8(*((cell, box, 0, 0.9) for cell, box in enumerate(bad)))
    assert found_by(output, Layout.YOLOV8) == [([80, 50, 96, 64], 0.9, 0)]
    assert found_by(yolox((0, (0, 0, 1e9, 1), 0, 1.0, 1.0)), Layout.YOLOX) == []


def test_undefined_scores_find_nothing() -> None:
    assert found_by(yolov8((0, (30, 20, 20, 10), 0, np.nan)), Layout.YOLOV8) == []


def test_suppression_keeps_classes_apart() -> None:
    boxes = [(30, 20, 20, 10), (31, 20, 20, 10), (30, 20, 20, 10)]
    output = yolov8((0, boxes[0], 0, 0.6), (1, boxes[1], 0, 0.9), (2, boxes[2], 1, 0.7))
    found = suppress(decode([output], Layout.YOLOV8, AS_IS, size=SIZE, confidence=0.25), Layout.YOLOV8, 0.45)
    assert found.class_ids.tolist() == [0, 1]
    np.testing.assert_allclose(found.scores, [0.9, 0.7])


def test_end_to_end_networks_are_not_suppressed_again() -> None:
    output = np.array([[[10, 5, 30, 25, 0.5, 0], [10, 5, 30, 25, 0.9, 0]]], np.float32)
    found = suppress(decode([output], Layout.END_TO_END, AS_IS, size=SIZE, confidence=0.25), Layout.END_TO_END, 0.45)
    np.testing.assert_allclose(found.scores, [0.9, 0.5])


@pytest.mark.parametrize("layout", [Layout.YOLOV8, Layout.YOLOX, Layout.END_TO_END])
def test_nothing_found(layout: Layout) -> None:
    output = {
        Layout.YOLOV8: yolov8(),
        Layout.YOLOX: yolox(),
        Layout.END_TO_END: np.zeros((1, 0, 6), np.float32),
    }[layout]
    found = suppress(decode([output], layout, AS_IS, size=SIZE, confidence=0.25), layout, 0.45)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


@given(
    st.integers(1, 300), st.integers(1, 300), st.sampled_from([(64, 64), (96, 64), (32, 128)]), st.booleans(), st.data()
)
def test_boxes_go_into_a_letterbox_and_back(
    width: int, height: int, size: tuple[int, int], centred: bool, data: st.DataObject
) -> None:
    canvas, placed = letterbox(np.zeros((height, width, 3), np.uint8), size, centred=centred)
    assert canvas.shape == (size[1], size[0], 3)
    x = sorted(data.draw(st.lists(st.floats(0, width), min_size=2, max_size=2)))
    y = sorted(data.draw(st.lists(st.floats(0, height), min_size=2, max_size=2)))
    box = np.array([[x[0], y[0], x[1], y[1]]])
    scale = np.array([placed.scale_x, placed.scale_y] * 2)
    inside = box * scale + np.array([placed.left, placed.top] * 2)
    assert inside[0, 2] <= size[0] + 1e-6
    assert inside[0, 3] <= size[1] + 1e-6
    np.testing.assert_allclose(placed.to_picture(inside.astype(np.float32)), box, atol=1e-2)


def test_a_centred_letterbox_pads_on_both_sides() -> None:
    canvas, placed = letterbox(np.full((10, 40, 3), 200, np.uint8), (64, 64), centred=True)
    assert (placed.left, placed.top) == (0, 24)
    assert (canvas[:24] == PADDING_GREY).all()
    assert (canvas[24:40] == 200).all()
    assert (canvas[40:] == PADDING_GREY).all()


def test_a_yolox_letterbox_pads_at_the_right_and_bottom() -> None:
    canvas, placed = letterbox(np.full((40, 10, 3), 200, np.uint8), (64, 64), centred=False)
    assert (placed.left, placed.top) == (0, 0)
    assert (canvas[:, :16] == 200).all()
    assert (canvas[:, 16:] == PADDING_GREY).all()


def test_yolox_takes_blue_first_and_raw_values() -> None:
    canvas = np.zeros((32, 32, 3), np.uint8)
    canvas[..., 0] = 255
    canvas[..., 1] = 51
    assert network_input(canvas, Layout.YOLOX, FLOAT32)[0, :, 0, 0].tolist() == [0, 51, 255]
    np.testing.assert_allclose(network_input(canvas, Layout.YOLOV8, FLOAT32)[0, :, 0, 0], [1, 0.2, 0])
    assert network_input(canvas, Layout.YOLOV8, np.dtype(np.float16)).dtype == np.float16


def told(output: np.ndarray, class_count: int | None = None) -> Layout:
    return recognise([output], SIZE, class_count=class_count, where="net.onnx")


def test_layouts_are_told_apart() -> None:
    assert told(yolov8(classes=80)) is Layout.YOLOV8
    assert told(yolov8(classes=2)) is Layout.YOLOV8
    assert told(yolov8(classes=80).transpose(0, 2, 1)) is Layout.YOLOV8_TRANSPOSED
    assert told(yolox(classes=80)) is Layout.YOLOX
    assert told(yolox(classes=1)) is Layout.YOLOX
    assert told(np.zeros((1, 300, 6), np.float32)) is Layout.END_TO_END
    assert told(at_cells(SIZE, 85)[None]) is Layout.YOLOX_DECODED


def test_the_number_of_classes_decides_between_decoded_layouts() -> None:
    output = at_cells(SIZE, 9)[None]
    assert told(output, 5) is Layout.YOLOV8_TRANSPOSED
    assert told(output, 4) is Layout.YOLOX_DECODED
    with pytest.raises(ModelError, match=r"net\.onnx.*5 classes of YOLOv8 or 4 of YOLOX"):
        told(output)


@pytest.mark.parametrize(
    "shape", [(1, 84, 8400), (1, 25200, 85), (84, 126), (2, 84, 126), (1, 126, 126), (1, 300, 7), (1, 1000)]
)
def test_other_shapes_are_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError) as caught:
        told(np.zeros(shape, np.float32))
    assert str(shape) in str(caught.value)
    assert "supported are" in str(caught.value)


def test_several_outputs_are_named() -> None:
    shapes = [(1, 2704, 80), (1, 676, 80), (1, 169, 80), (1, 2704, 32), (1, 676, 32), (1, 169, 32)]
    with pytest.raises(ModelError, match=r"\(1, 2704, 80\).*\(1, 169, 32\).*416x416"):
        recognise([np.zeros(shape, np.float32) for shape in shapes], (416, 416), class_count=None, where="nanodet.onnx")


def test_poses_are_not_taken_for_classes() -> None:
    with pytest.raises(ModelError, match="hold 52 classes as yolov8, and the model names 1"):
        told(yolov8(classes=52), 1)


def test_scores_without_a_sigmoid_are_refused() -> None:
    output = yolov8()
    output[0, 4:] = -6.5
    with pytest.raises(ModelError, match=r"scores run from -6\.5"):
        told(output)


def test_boxes_in_shares_of_the_picture_are_refused() -> None:
    output = yolov8()
    output[0, :4] /= np.array([[96], [64], [96], [64]])
    with pytest.raises(ModelError, match="not in pixels: they are in shares"):
        told(output)


def test_boxes_far_from_their_cells_are_refused() -> None:
    output = yolov8()
    output[0, :2] = 1e6
    with pytest.raises(ModelError, match="not in pixels"):
        told(output)
