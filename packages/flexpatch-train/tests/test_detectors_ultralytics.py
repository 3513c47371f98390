"""The adapter to ultralytics: parity with our own path, and files that are no checkpoints."""

from __future__ import annotations

import importlib.util
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from flexpatch_train.detections import Detections
from flexpatch_train.detectors.onnx import OnnxDetector
from flexpatch_train.detectors.ultralytics import UltralyticsDetector, import_ultralytics
from footage.errors import MissingDependency, ModelError, UntrustedModel
from footage.metrics.boxes import iou_matrix
from footage.video.images import read_image

PHOTOS = ("bus.jpg", "dog.jpg", "person.jpg", "horse.jpg")


@pytest.fixture(scope="module")
def ultralytics() -> object:
    # Not importorskip: importing it plainly would switch its unsafe loader on.
    if importlib.util.find_spec("ultralytics") is None:
        pytest.skip("the extra flexpatch-train[ultralytics] is not installed")
    return import_ultralytics()


def test_without_the_extra_the_error_names_it(tmp_path: Path) -> None:
    """A fresh interpreter that cannot find ultralytics, as after a plain install."""
    weights = tmp_path / "net.pt"
    weights.write_bytes(b"x")
    code = (
        "import sys; sys.modules['ultralytics'] = None\n"
        "from pathlib import Path\n"
        "from flexpatch_train.detectors.ultralytics import UltralyticsDetector\n"
        f"UltralyticsDetector(Path({str(weights)!r}))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert MissingDependency.__name__ in ended.stderr
    assert "flexpatch-train[ultralytics]" in ended.stderr


def test_a_missing_file_is_not_looked_for_elsewhere(ultralytics: object) -> None:
    with pytest.raises(ModelError, match=r"yolov8n\.pt: there is no such file"):
        UltralyticsDetector(Path("yolov8n.pt"))


class Payload:
    """Runs a command when it is unpickled by a loader that trusts it."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.target),)


def test_a_hostile_checkpoint_runs_nothing(ultralytics: object, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    weights, target = tmp_path / "hostile.pt", tmp_path / "executed"
    torch.save({"model": Payload(target)}, weights)
    with pytest.raises(UntrustedModel, match=r"hostile\.pt"):
        UltralyticsDetector(weights)
    assert not target.exists()


@pytest.mark.parametrize(
    "content", [b"", b"not a checkpoint", pickle.dumps([1, 2, 3], protocol=2), b"PK\x03\x04broken"]
)
def test_files_that_are_no_checkpoints(ultralytics: object, tmp_path: Path, content: bytes) -> None:
    weights = tmp_path / "broken.pt"
    weights.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.pt"):
        UltralyticsDetector(weights)


def test_our_path_gives_the_boxes_of_ultralytics(ultralytics: object, shared_data: Path) -> None:
    """The same ONNX file through ultralytics' own preparation and decoding."""
    path = shared_data / "det" / "yolov8n_int8.onnx"
    ours = OnnxDetector(path, confidence=0.3, nms_iou=0.45, device="cpu")
    theirs = ultralytics.YOLO(str(path), task="detect")  # type: ignore[attr-defined] # the package is optional
    for photo in PHOTOS:
        image = read_image(shared_data / "img" / photo)
        expected = theirs.predict(np.ascontiguousarray(image[..., ::-1]), conf=0.3, iou=0.45, verbose=False)[0]
        table = expected.boxes.data.cpu().numpy()
        found = ours.detect(image, frame_index=0)
        assert len(found) == len(table), photo
        nearest = iou_matrix(found.boxes, table[:, :4])
        assert nearest.max(axis=1).min() > 0.98, photo
        match = nearest.argmax(axis=1)
        np.testing.assert_array_equal(found.class_ids, table[match, 5])
        np.testing.assert_allclose(found.scores, table[match, 4], atol=0.01)


def test_checkpoint_and_export_agree(ultralytics: object, shared_data: Path) -> None:
    """The ``.pt`` through the adapter and its int8 export through our own path find the same sure objects."""
    checkpoint = UltralyticsDetector(shared_data / "det" / "yolov8n.pt", confidence=0.6, device="cpu")
    export = OnnxDetector(shared_data / "det" / "yolov8n_int8.onnx", confidence=0.3, device="cpu")
    assert checkpoint.class_names == export.class_names
    for photo in PHOTOS:
        image = read_image(shared_data / "img" / photo)
        sure: Detections = checkpoint.detect(image, frame_index=0)
        other: Detections = export.detect(image, frame_index=0)
        assert len(sure) >= 1
        overlap = iou_matrix(sure.boxes, other.boxes) * (sure.class_ids[:, None] == other.class_ids[None])
        assert overlap.max(axis=1).min() > 0.8, photo


def test_only_the_classes_asked_for(ultralytics: object, shared_data: Path) -> None:
    weights = shared_data / "det" / "yolov8n.pt"
    detector = UltralyticsDetector(weights, classes=("bus",), device="cpu")
    found = detector.detect(read_image(shared_data / "img" / "bus.jpg"), frame_index=0)
    assert [detector.class_names[i] for i in found.class_ids] == ["bus"]
    assert detector.describe()["classes"] == "bus"
    with pytest.raises(ModelError, match="no class named lorry"):
        UltralyticsDetector(weights, classes=("lorry",), device="cpu")
