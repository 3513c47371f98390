"""Which detector runs, by what was given and what lies about."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from networks import at_cells, constant_network

from flexpatch_train.detectors.choose import DetectorKind, choose_detector
from footage.errors import FootageError, MissingDependency, ModelError

DETECTIONS = "1,-1,1,1,9,9,.9\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the video, and an empty current folder beside it."""
    (tmp_path / "current").mkdir()
    monkeypatch.chdir(tmp_path / "current")
    (tmp_path / "footage").mkdir()
    return tmp_path / "footage"


def network(path: Path) -> Path:
    return constant_network(path, at_cells((128, 64), 84).T[None].copy())


def detections(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(DETECTIONS)
    return path


def test_with_nothing_about_motion_is_taken(folder: Path) -> None:
    detector, why = choose_detector("auto", video=folder / "a.mp4")
    assert detector.name == "motion"
    assert why == "motion: no weights were given and none lie beside the video"
    assert detector.memory_frames > 0


def test_a_network_beside_the_video_is_taken(folder: Path) -> None:
    network(folder / "yolov8n.onnx")
    network(folder / "yolov8m.onnx")
    (folder / "depth.onnx").write_bytes(b"something else")
    detector, why = choose_detector("auto", video=folder / "a.mp4", device="cpu")
    assert detector.name == "onnx"
    assert why == "onnx: yolov8m.onnx lies in the video's folder, the first of 2"
    assert detector.describe()["file"] == "yolov8m.onnx"
    assert detector.memory_frames == 0


def test_a_network_in_the_current_folder_is_taken(folder: Path) -> None:
    network(Path("yolo11s.onnx"))
    _, why = choose_detector("auto", video=folder / "a.mp4", device="cpu")
    assert why == "onnx: yolo11s.onnx lies in the current folder"


def test_detections_of_a_benchmark_come_before_networks(folder: Path) -> None:
    network(folder / "yolov8n.onnx")
    detections(folder / "det" / "det.txt")
    detector, why = choose_detector("auto", video=folder / "a.mp4")
    assert detector.name == "mot"
    assert why == "mot: det/det.txt lies beside the video"


def test_files_that_can_run_code_are_left_lying(folder: Path) -> None:
    (folder / "yolov8n.pt").write_bytes(b"x")
    (folder / "yolov8n.engine").write_bytes(b"x")
    assert choose_detector("auto", video=folder / "a.mp4")[0].name == "motion"
    kinds: tuple[DetectorKind, ...] = ("ultralytics", "tensorrt")
    for kind in kinds:
        with pytest.raises(ModelError, match="none was given"):
            choose_detector(kind, video=folder / "a.mp4")


def test_what_was_given_comes_before_what_lies_about(folder: Path, tmp_path: Path) -> None:
    detections(folder / "det" / "det.txt")
    weights = network(tmp_path / "my.ONNX")
    detector, why = choose_detector("auto", video=folder / "a.mp4", weights=weights, device="cpu")
    assert (detector.name, why) == ("onnx", "onnx: my.ONNX was given")
    own = detections(tmp_path / "own.txt")
    assert choose_detector("mot", video=folder / "a.mp4", weights=own)[1] == "mot: own.txt was given"


def test_a_kind_finds_its_own_file(folder: Path) -> None:
    network(folder / "yolov8n.onnx")
    detections(folder / "det" / "det.txt")
    _, why = choose_detector("onnx", video=folder / "a.mp4", device="cpu")
    assert why == "onnx: it was asked for, and yolov8n.onnx lies in the video's folder"
    assert choose_detector("mot", video=folder / "a.mp4")[0].name == "mot"
    assert choose_detector("motion", video=folder / "a.mp4")[1] == "motion: it was asked for"


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("auto", "gone.onnx", "there is no such file"),
        ("auto", "net.weights", "cannot tell a detector from the suffix '.weights'"),
        ("onnx", "net.pt", "is no file for the detector onnx"),
        ("motion", "net.onnx", "motion takes no weights"),
    ],
)
def test_weights_that_do_not_fit(folder: Path, kind: DetectorKind, name: str, says: str) -> None:
    if name != "gone.onnx":
        (folder / name).write_bytes(b"x")
    with pytest.raises(ModelError) as caught:
        choose_detector(kind, video=folder / "a.mp4", weights=folder / name)
    assert says in str(caught.value)
    assert name in str(caught.value)


def test_a_kind_without_its_file(folder: Path) -> None:
    kinds: tuple[DetectorKind, ...] = ("onnx", "mot")
    for kind in kinds:
        with pytest.raises(ModelError, match=f"the detector {kind} needs"):
            choose_detector(kind, video=folder / "a.mp4")


def test_a_broken_network_lying_about_is_not_passed_over(folder: Path) -> None:
    (folder / "yolov8n.onnx").write_bytes(b"cut short")
    with pytest.raises(ModelError, match=r"yolov8n\.onnx"):
        choose_detector("auto", video=folder / "a.mp4", device="cpu")


def test_motion_knows_no_classes(folder: Path) -> None:
    with pytest.raises(ModelError, match="cannot tell person"):
        choose_detector("auto", video=folder / "a.mp4", classes=("person",))


def test_an_engine_without_what_it_needs(folder: Path) -> None:
    """Without tensorrt, without a GPU or with a file that is no engine: one line, never a traceback."""
    weights = folder / "net.engine"
    weights.write_bytes(b"no engine at all")
    with pytest.raises(FootageError) as caught:
        choose_detector("auto", video=folder / "a.mp4", weights=weights)
    assert caught.value.remedy is not None
    with pytest.raises(ModelError, match="cannot run on cpu"):
        choose_detector("auto", video=folder / "a.mp4", weights=weights, device="cpu")


def test_choosing_loads_nothing_heavy() -> None:
    code = "import sys, flexpatch_train.detectors.choose; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"cv2", "onnxruntime", "torch", "ultralytics", "tensorrt"} & set(loaded)


def test_detections_lie_within_the_picture(folder: Path) -> None:
    output = at_cells((128, 64), 84)
    output[:, 2:4] = 60
    output[::7, 4] = 0.9
    path = constant_network(folder / "yolo.onnx", output.T[None].copy())
    detector, _ = choose_detector("auto", video=folder / "a.mp4", weights=path, device="cpu")
    found = detector.detect(np.zeros((90, 100, 3), np.uint8), frame_index=0)
    assert len(found) > 3
    assert found.boxes.min() >= 0
    assert (found.boxes.max(axis=0) <= [100, 90, 100, 90]).all()


@pytest.mark.parametrize(
    ("kind", "device"), [("motion", "cuda"), ("motion", "mps"), ("onnx", "mps"), ("mot", "cuda:1")]
)
def test_a_device_that_the_detector_cannot_use_is_refused_by_name(
    tmp_path: Path, kind: DetectorKind, device: str
) -> None:
    (tmp_path / "det").mkdir()
    (tmp_path / "det" / "det.txt").write_text("1,-1,1,1,10,10,0.9\n")
    (tmp_path / "yolo.onnx").write_bytes(b"not opened")
    with pytest.raises(MissingDependency, match=f"{kind} cannot compute on {device}"):
        choose_detector(kind, video=tmp_path / "clip.mp4", device=device)


def test_an_engine_is_asked_for_of_an_onnx_file(tmp_path: Path) -> None:
    """As far as this goes without TensorRT: the file is read as a network, then what is missing is named."""
    if importlib.util.find_spec("tensorrt") is not None:
        pytest.skip("tensorrt is installed")
    weights = network(tmp_path / "net.onnx")
    with pytest.raises(MissingDependency, match="tensorrt cannot be imported"):
        choose_detector("tensorrt", video=tmp_path / "v.mp4", weights=weights)
