"""Detectors over ONNX Runtime: tiny networks with known answers, and real ones on real photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from networks import at_cells, constant_network

from flexpatch_train.detections import Detections
from flexpatch_train.detectors.names import COCO_80
from flexpatch_train.detectors.onnx import OnnxDetector
from footage.errors import ModelError
from footage.metrics.boxes import iou_matrix
from footage.video.images import read_image

# Twice as wide as the networks' input of 128 by 64: a pixel of the input is two of the picture.
PICTURE = np.zeros((64, 256, 3), np.uint8)


def yolov8(size: tuple[int, int] = (128, 64), classes: int = 80) -> np.ndarray:
    """One object of class 2 over the input's middle."""
    table = at_cells(size, 4 + classes)
    table[0, :4] = [size[0] / 2, size[1] / 2, 16, 8]
    table[0, 4 + 2] = 0.75
    return table.T[None].copy()


def end_to_end() -> np.ndarray:
    return np.array([[[56, 28, 72, 36, 0.75, 2], [0, 0, 0, 0, 0, 0]]], np.float32)


def yolox() -> np.ndarray:
    """The same object in a top-left letterbox, where the picture fills the upper half."""
    output = np.zeros((1, 168, 85), np.float32)
    # The first cell of stride 16 is number 128.
    output[0, 128, :5] = [4, 1, np.log(1), np.log(0.5), 1.0]
    output[0, 128, 5 + 2] = 0.75
    return output


@pytest.mark.parametrize(
    ("output", "layout"),
    [
        (yolov8(), "yolov8"),
        (yolov8().transpose(0, 2, 1).copy(), "yolov8-transposed"),
        (end_to_end(), "end-to-end"),
        (yolox(), "yolox"),
    ],
)
def test_every_layout_gives_the_same_object(tmp_path: Path, output: np.ndarray, layout: str) -> None:
    detector = OnnxDetector(constant_network(tmp_path / "net.onnx", output), device="cpu")
    found = detector.detect(PICTURE, frame_index=0)
    np.testing.assert_allclose(found.boxes, [[112, 24, 144, 40]], atol=1e-4)
    np.testing.assert_allclose(found.scores, [0.75])
    assert [detector.class_names[i] for i in found.class_ids] == ["car"]
    said = detector.describe()
    assert said["layout"] == layout
    assert said["providers"] == "CPUExecutionProvider"
    assert said["file"] == "net.onnx"
    assert len(str(said["sha256"])) == 64


def test_free_sizes_take_the_exporters_or_640(tmp_path: Path) -> None:
    shape = ("batch", 3, "height", "width")
    noted = constant_network(tmp_path / "a.onnx", yolov8((96, 64)), shape=shape, imgsz="[64, 96]")
    assert OnnxDetector(noted, device="cpu").describe()["input_width"] == 96
    plain = OnnxDetector(constant_network(tmp_path / "b.onnx", yolov8((640, 640)), shape=shape), device="cpu")
    assert (plain.describe()["input_width"], plain.describe()["input_height"]) == (640, 640)
    np.testing.assert_allclose(plain.detect(PICTURE, frame_index=0).boxes, [[124.8, 30.4, 131.2, 33.6]], atol=1e-4)


def test_half_precision_networks_are_fed_half_precision(tmp_path: Path) -> None:
    detector = OnnxDetector(constant_network(tmp_path / "half.onnx", yolov8(), dtype="float16"), device="cpu")
    assert len(detector.detect(PICTURE, frame_index=0)) == 1
    assert detector.describe()["input_dtype"] == "float16"


def test_names_come_from_the_model(tmp_path: Path) -> None:
    path = constant_network(
        tmp_path / "net.onnx", yolov8(classes=3), names="{0: 'bib', 1: 'shoe', 2: \"runner's hat\"}"
    )
    detector = OnnxDetector(path, device="cpu")
    assert detector.class_names == ("bib", "shoe", "runner's hat")
    assert detector.describe()["class_names_from"] == "metadata"


def test_names_where_the_model_has_none(tmp_path: Path) -> None:
    coco = OnnxDetector(constant_network(tmp_path / "a.onnx", yolov8()), device="cpu")
    assert coco.class_names == COCO_80
    assert coco.describe()["class_names_from"] == "assumed"
    other = OnnxDetector(constant_network(tmp_path / "b.onnx", yolov8(classes=3)), device="cpu")
    assert other.class_names == ("class_0", "class_1", "class_2")


def test_only_the_classes_asked_for(tmp_path: Path) -> None:
    path = constant_network(tmp_path / "net.onnx", yolov8())
    assert len(OnnxDetector(path, classes=("person", "car"), device="cpu").detect(PICTURE, frame_index=0)) == 1
    assert len(OnnxDetector(path, classes=("person",), device="cpu").detect(PICTURE, frame_index=0)) == 0
    with pytest.raises(ModelError, match=r"no class named pedestrian.*person, bicycle"):
        OnnxDetector(path, classes=("pedestrian",), device="cpu")


def test_confidence_is_the_least_score(tmp_path: Path) -> None:
    path = constant_network(tmp_path / "net.onnx", yolov8())
    assert len(OnnxDetector(path, confidence=0.75, device="cpu").detect(PICTURE, frame_index=0)) == 1
    assert len(OnnxDetector(path, confidence=0.76, device="cpu").detect(PICTURE, frame_index=0)) == 0
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        OnnxDetector(path, confidence=25, device="cpu")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"shape": (1, 64, 128, 3)}, "takes float32 (1, 64, 128, 3)"),
        ({"shape": (4, 3, 64, 64)}, "takes float32 (4, 3, 64, 64)"),
        ({"shape": (1, 3, 60, 64)}, "takes pictures of 64x60"),
        ({"shape": (1, 12288)}, "takes float32 (1, 12288)"),
        ({"dtype": "uint8"}, "takes uint8"),
        ({"task": "pose"}, "for the task 'pose'"),
        ({"names": "{0: 'person'}"}, "80 classes as yolov8, and the model names 1"),
        ({"names": "__import__('os').getcwd()"}, "not a list of classes"),
        ({"names": "{1: 'a', 2: 'b'}"}, "do not count from 0"),
        ({"names": "[" * 5000}, "not a list of classes"),
        ({"names": "{0: 1}"}, "not a list of classes"),
    ],
)
def test_what_is_no_detector(tmp_path: Path, settings: dict[str, str], says: str) -> None:
    path = constant_network(tmp_path / "net.onnx", yolov8(), **settings)
    with pytest.raises(ModelError) as caught:
        OnnxDetector(path, device="cpu")
    assert says in str(caught.value)
    assert "net.onnx" in str(caught.value)


def test_a_class_without_a_name_is_refused(tmp_path: Path) -> None:
    output = end_to_end()
    output[0, 0, 5] = 80
    detector = OnnxDetector(constant_network(tmp_path / "net.onnx", output), device="cpu")
    with pytest.raises(ModelError, match="gave class 80 and names 80"):
        detector.detect(PICTURE, frame_index=0)


def test_files_that_are_no_models(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("hello")
    for name in ("text.onnx", "gone.onnx"):
        with pytest.raises(ModelError, match=name):
            OnnxDetector(tmp_path / name, device="cpu")


def named(detector: OnnxDetector, found: Detections) -> dict[str, np.ndarray]:
    """The best box of each class."""
    return {detector.class_names[i]: box for i, box in zip(found.class_ids[::-1], found.boxes[::-1], strict=True)}


# Drawn by hand around what the photos show.
DOG = {"dog": [130, 215, 312, 542], "bicycle": [120, 130, 570, 424]}
RIDER = {"person": [190, 98, 277, 377], "horse": [402, 137, 604, 347], "dog": [62, 264, 205, 347]}


@pytest.mark.parametrize("model", ["yolov8n_int8.onnx", "yolox_nano.onnx"])
def test_real_models_find_what_real_photos_show(shared_data: Path, model: str) -> None:
    detector = OnnxDetector(shared_data / "det" / model, device="cpu", threads=1)
    for photo, truth in (("dog.jpg", DOG), ("person.jpg", RIDER)):
        found = named(detector, detector.detect(read_image(shared_data / "img" / photo), frame_index=0))
        for name, box in truth.items():
            assert iou_matrix([box], [found[name]])[0, 0] > 0.75, (photo, name, found[name])
    people = detector.detect(read_image(shared_data / "img" / "bus.jpg"), frame_index=0)
    assert [detector.class_names[i] for i in people.class_ids].count("person") >= 3
    assert "bus" in named(detector, people)


def test_a_small_copy_gives_the_same_boxes(shared_data: Path) -> None:
    """Scaling back does not shift boxes: halving the picture moves no edge by more than a few pixels."""
    detector = OnnxDetector(shared_data / "det" / "yolox_nano.onnx", device="cpu", threads=1)
    photo = read_image(shared_data / "img" / "person.jpg")
    half = photo[: photo.shape[0] // 2 * 2, : photo.shape[1] // 2 * 2].astype(np.uint16)
    small = ((half[::2, ::2] + half[1::2, ::2] + half[::2, 1::2] + half[1::2, 1::2] + 2) // 4).astype(np.uint8)
    large_boxes = named(detector, detector.detect(photo, frame_index=0))
    small_boxes = named(detector, detector.detect(small, frame_index=0))
    for name in RIDER:
        np.testing.assert_allclose(small_boxes[name] * 2, large_boxes[name], atol=6)


def test_an_unsupported_real_model_says_so(shared_data: Path) -> None:
    with pytest.raises(ModelError, match=r"nanodet_m_416\.onnx.*\(1, 2704, 80\).*supported are"):
        OnnxDetector(shared_data / "det" / "nanodet_m_416.onnx", device="cpu")
