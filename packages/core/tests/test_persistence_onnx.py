from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, external_data_helper, helper, numpy_helper

from footage.errors import MissingDependency, ModelError
from footage.persistence._onnx_file import external_locations
from footage.persistence.onnx import open_session

WEIGHTS = np.arange(12, dtype=np.float32).reshape(3, 4)


def small_model(*, in_branch: bool = False) -> onnx.ModelProto:
    """``y = x @ WEIGHTS`` for any number of rows; the weights as an initializer, or as a constant inside an If."""
    weights = numpy_helper.from_array(WEIGHTS, "w")
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 4])
    if in_branch:
        out = helper.make_tensor_value_info("b", TensorProto.FLOAT, [3, 4])
        branch = helper.make_graph([helper.make_node("Constant", [], ["b"], value=weights)], "branch", [], [out])
        always = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.array(True)))
        choose = helper.make_node("If", ["c"], ["w"], then_branch=branch, else_branch=branch)
        nodes, initializers = [always, choose], []
    else:
        nodes, initializers = [], [weights]
    graph = helper.make_graph([*nodes, helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"names": "{0: 'person'}", "stride": "32"})
    return model


def rows(n: int = 5) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)


def write(model: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def with_external(location: str, path: Path, *, in_branch: bool = False) -> Path:
    model = small_model(in_branch=in_branch)
    tensor = model.graph.node[1].attribute[0].g.node[0].attribute[0].t if in_branch else model.graph.initializer[0]
    external_data_helper.set_external_data(tensor, location, offset=0, length=WEIGHTS.nbytes)
    tensor.ClearField("raw_data")
    return write(model, path)


@pytest.mark.parametrize("in_branch", [False, True])
def test_a_model_runs_and_describes_itself(tmp_path: Path, in_branch: bool, capfd: pytest.CaptureFixture[str]) -> None:
    model = open_session(write(small_model(in_branch=in_branch), tmp_path / "m.onnx"))
    assert [tensor.text() for tensor in model.inputs] == ["x float32 (rows, 3)"]
    assert [tensor.text() for tensor in model.outputs] == ["y float32 (rows, 4)"]
    assert model.providers == ("CPUExecutionProvider",)
    assert model.metadata == {"names": "{0: 'person'}", "stride": "32"}
    (found,) = model.run(rows())
    assert np.allclose(found, rows() @ WEIGHTS, atol=1e-6)
    assert capfd.readouterr().err == ""


def test_thread_counts_do_not_change_results_from_run_to_run(tmp_path: Path) -> None:
    file = write(small_model(), tmp_path / "m.onnx")
    for threads in (1, 2):
        results = [open_session(file, threads=threads).run(rows(200))[0] for _ in range(3)]
        assert all(np.array_equal(results[0], other) for other in results)
    with pytest.raises(ValueError, match="threads is 0"):
        open_session(file, threads=0)


def test_a_device_that_is_not_there_is_an_error_not_a_fallback(tmp_path: Path) -> None:
    file = write(small_model(), tmp_path / "m.onnx")
    with pytest.raises(ValueError, match="expected cpu, cuda"):
        open_session(file, device="gpu")
    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    with pytest.raises(MissingDependency, match=r"no CUDA provider.*cuda:1; install onnxruntime-gpu"):
        open_session(file, device="cuda:1")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ([rows().astype(np.float64)], r"takes x float32 \(rows, 3\), got float64 \(5, 3\)"),
        ([rows()[:, :2]], r"got float32 \(5, 2\)"),
        ([rows()[0]], r"got float32 \(3,\)"),
        ([rows(), rows()], "takes 1 inputs, got 2"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, arrays: list[NDArray[Any]], said: str) -> None:
    model = open_session(write(small_model(), tmp_path / "m.onnx"))
    with pytest.raises(ModelError, match=said):
        model.run(*arrays)


def test_a_failing_run_is_explained_without_noise(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # The shape to reshape to comes at run time, so only the run can find that it does not fit.
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
    shape = helper.make_tensor_value_info("shape", TensorProto.INT64, ["k"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([helper.make_node("Reshape", ["x", "shape"], ["y"])], "g", [x, shape], [y])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model = open_session(write(made, tmp_path / "m.onnx"))
    with pytest.raises(ModelError, match=r"m\.onnx: failed to run"):
        model.run(np.zeros(5, dtype=np.float32), np.array([2, 3], dtype=np.int64))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"hello, this is a text file\n" * 20, "is not an ONNX model"),
        (b"\x80\x04N.", "is not an ONNX model"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "is not an ONNX model"),
        (b"\x08\x08", "is not an ONNX model"),
        (b"\xff" * 100, "is not an ONNX model"),
        (b"\x08\x08\x3a\x00", "cannot be opened by ONNX Runtime"),
    ],
)
def test_what_is_no_model_is_refused(
    tmp_path: Path, content: bytes, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=said) as caught:
        open_session(tmp_path / "m.onnx")
    assert str(caught.value).startswith(str(tmp_path / "m.onnx"))
    assert capfd.readouterr().err == ""


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.onnx: there is no such file"):
        open_session(tmp_path / "gone.onnx")
    with pytest.raises(ModelError, match="cannot be read"):
        open_session(tmp_path)


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    data = small_model().SerializeToString()
    for end in range(0, len(data), 5):
        (tmp_path / "m.onnx").write_bytes(data[:end])
        with pytest.raises(ModelError):
            open_session(tmp_path / "m.onnx")


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        assert external_locations(data) == sorted(external_locations(data))
    except ModelError:
        return


@pytest.mark.parametrize("in_branch", [False, True])
def test_weights_beside_the_model_are_read_from_any_working_folder(
    tmp_path: Path, in_branch: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "weights.bin").write_bytes(WEIGHTS.tobytes())
    file = with_external("sub/weights.bin", folder / "m.onnx", in_branch=in_branch)
    assert external_locations(file.read_bytes()) == ["sub/weights.bin"]
    monkeypatch.chdir(tmp_path)
    assert np.allclose(open_session("model/m.onnx").run(rows())[0], rows() @ WEIGHTS, atol=1e-6)


@pytest.mark.parametrize("in_branch", [False, True])
@pytest.mark.parametrize(
    "location",
    ["../secret.bin", "sub/../../secret.bin", "..\\secret.bin", "C:\\secret.bin", "ABSOLUTE", "", "*/x", "a\0b"],
)
def test_weights_outside_the_folder_are_refused(tmp_path: Path, location: str, in_branch: bool) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(WEIGHTS.tobytes())
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    place = str(secret) if location == "ABSOLUTE" else location
    with pytest.raises(ModelError, match="not in its folder"):
        open_session(with_external(place, folder / "m.onnx", in_branch=in_branch))


def test_weights_behind_a_link_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(WEIGHTS.tobytes())
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(ModelError, match="not in its folder"):
        open_session(with_external("weights.bin", folder / "m.onnx"))


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"weights in 'weights\.bin', which is missing"):
        open_session(with_external("weights.bin", tmp_path / "m.onnx"))


def test_outputs_that_are_no_arrays_are_refused(tmp_path: Path) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [3])
    y = helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([helper.make_node("SequenceConstruct", ["x"], ["y"])], "g", [x], [y])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises(ModelError, match=r"'y' of type seq\(tensor\(float\)\), expected a tensor"):
        open_session(write(made, tmp_path / "m.onnx"))


@pytest.mark.parametrize(
    ("name", "size", "outputs"), [("yolox_nano", 416, 1), ("nanodet_m_416", 416, 6), ("yolov8n_int8", 640, 1)]
)
def test_real_detectors_open_and_repeat_themselves(shared_data: Path, name: str, size: int, outputs: int) -> None:
    model = open_session(shared_data / "det" / f"{name}.onnx", threads=2)
    assert [(t.shape, t.dtype) for t in model.inputs] == [((1, 3, size, size), "float32")]
    image = np.random.default_rng(0).random((1, 3, size, size), dtype=np.float32)
    first, second = model.run(image), model.run(image)
    assert len(first) == outputs
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert [a.shape for a in first] == [t.shape for t in model.outputs]
    if name == "yolov8n_int8":
        assert model.metadata["names"].startswith("{0: 'person'")
