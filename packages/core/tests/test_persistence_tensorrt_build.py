"""Building engines without a GPU: TensorRT and torch's CUDA are stood in for, ONNX files are real."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from footage.errors import MissingDependency, ModelError
from footage.persistence.tensorrt import split_engine
from footage.persistence.tensorrt_build import SIDES_PX, ShapeRange, cached_engine

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a network that doubles its input."""

    def make(shape: list[int | str], *, notes: dict[str, str] | None = None) -> Path:
        graph = helper.make_graph(
            [helper.make_node("Add", ["images", "images"], ["twice"])],
            "twice",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("twice", TensorProto.FLOAT, shape)],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        helper.set_model_props(model, notes or {})
        path = tmp_path / "net.onnx"
        path.write_bytes(model.SerializeToString())
        return path

    return make


class StandIn:
    """What TensorRT and torch would be asked for; it records what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.flags: list[int] = []
        self.profiles: list[tuple[Any, ...]] = []
        self.built = 0
        self.parses = True
        self.engine: bytes | None = b"ftrt engine"
        network = SimpleNamespace()
        profile = SimpleNamespace(set_shape=lambda *shape: self.profiles.append(shape))
        config = SimpleNamespace(set_memory_pool_limit=lambda *_: None, add_optimization_profile=lambda _: 0)

        def create_network(flags: int) -> object:
            self.flags.append(flags)
            return network

        def build(*_: object) -> bytes | None:
            self.built += 1
            return self.engine

        self.trt = SimpleNamespace(
            __version__="11.0.0",
            ILogger=type("ILogger", (), {"Severity": SimpleNamespace(INTERNAL_ERROR=0, ERROR=1)}),
            NetworkDefinitionCreationFlag=SimpleNamespace(),
            MemoryPoolType=SimpleNamespace(WORKSPACE=0),
            Builder=lambda _: SimpleNamespace(
                create_network=create_network,
                create_builder_config=lambda: config,
                create_optimization_profile=lambda: profile,
                build_serialized_network=build,
            ),
            OnnxParser=lambda *_: SimpleNamespace(
                parse=lambda data: self.parses and bool(onnx.load_from_string(data)),
                num_errors=1,
                get_error=lambda _: "no importer\nfor Foo",
            ),
        )
        self.cuda = SimpleNamespace(
            is_available=lambda: True,
            device_count=lambda: 1,
            set_device=lambda _: None,
            get_device_name=lambda _: "NVIDIA H200 (SXM)",
        )
        monkeypatch.setitem(sys.modules, "tensorrt", self.trt)
        monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(__version__="2.0", cuda=self.cuda))


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    return StandIn(monkeypatch)


def test_an_engine_is_built_once_and_named_by_what_it_fits(write: Write, stand_in: StandIn) -> None:
    path = write([1, 3, 64, 64], notes={"names": "{0: 'person'}"})
    engine = cached_engine(path)
    assert engine.parent == path.parent
    assert engine.name.startswith("net-nvidia-h200-sxm-trt11.0.0-")
    assert cached_engine(path) == engine
    assert stand_in.built == 1
    stand_in.trt.__version__ = "11.1.0"
    assert cached_engine(path) != engine
    write([1, 3, 32, 32])
    assert cached_engine(path) != engine
    assert stand_in.built == 3
    parts = split_engine(engine.read_bytes())
    assert (parts.metadata, bytes(parts.engine)) == ({"names": "{0: 'person'}"}, b"ftrt engine")
    assert json.loads(parts.metadata["names"].replace("0:", '"0":').replace("'", '"')) == {"0": "person"}


def test_networks_are_strongly_typed_in_both_generations(write: Write, stand_in: StandIn) -> None:
    cached_engine(write([1, 3, 64, 64]))
    stand_in.trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED = 3
    cached_engine(write([1, 3, 96, 96]))
    assert stand_in.flags == [0, 8]


def test_free_sizes_get_a_range_and_fixed_ones_none(write: Write, stand_in: StandIn) -> None:
    cached_engine(write([1, 3, 64, 64]))
    assert stand_in.profiles == []
    one = cached_engine(write(["batch", 3, "height", "width"]))
    small, usual, large = SIDES_PX
    assert stand_in.profiles == [("images", (1, 3, small, small), (1, 3, usual, usual), (1, 3, large, large))]
    other = cached_engine(
        write(["batch", 3, "height", "width"]),
        shapes={"images": ShapeRange((1, 3, 32, 32), (2, 3, 64, 64), (4, 3, 96, 96))},
    )
    assert stand_in.profiles[-1] == ("images", (1, 3, 32, 32), (2, 3, 64, 64), (4, 3, 96, 96))
    assert one != other
    with pytest.raises(ModelError, match="say which shapes"):
        cached_engine(write(["rows", 5]))


def test_what_tensorrt_refuses_is_said_and_leaves_no_file(write: Write, stand_in: StandIn) -> None:
    path = write([1, 3, 64, 64])
    stand_in.engine = None
    with pytest.raises(ModelError, match=r"net\.onnx: TensorRT 11\.0\.0 cannot build an engine of it"):
        cached_engine(path)
    stand_in.parses = False
    with pytest.raises(ModelError, match="cannot read it \\(no importer for Foo\\)"):
        cached_engine(path)
    assert list(path.parent.glob("*.engine")) == []


def test_without_a_gpu_or_a_network_the_reason_is_plain(write: Write, stand_in: StandIn, tmp_path: Path) -> None:
    (tmp_path / "no.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"no\.onnx"):
        cached_engine(tmp_path / "no.onnx")
    with pytest.raises(ValueError, match="expected cuda"):
        cached_engine(write([1, 3, 64, 64]), device="cpu")
    stand_in.cuda.is_available = lambda: False
    with pytest.raises(MissingDependency, match="finds no CUDA device"):
        cached_engine(write([1, 3, 64, 64]))


def test_without_tensorrt_the_extra_is_named(write: Write) -> None:
    if importlib.util.find_spec("tensorrt") is not None:
        pytest.skip("tensorrt is installed")
    with pytest.raises(MissingDependency, match=r"tensorrt cannot be imported .*footage-core\[tensorrt\]"):
        cached_engine(write([1, 3, 64, 64]))
