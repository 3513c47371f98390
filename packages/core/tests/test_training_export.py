"""A classifier as one ONNX file that decides the same, or none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from footage.errors import ModelError
from footage.persistence.onnx import open_session
from footage.training.backbones import build_classifier
from footage.training.export import export_onnx

SHAPE = (64, 64, 3)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batches(*sizes: int) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (size, *SHAPE), dtype=np.uint8) for size in sizes]


def test_the_file_decides_as_the_network_at_any_batch_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    classifier = build_classifier("squeezenet1_1", 2).eval()
    path = tmp_path / "model.onnx"
    parity = export_onnx(classifier, path, batches(3, 1), shape=SHAPE)
    assert (parity.n, parity.decisions_changed) == (4, 0)
    session = open_session(path)
    assert session.inputs[0].text().startswith("images uint8 (")
    assert session.outputs[0].name == "probabilities"
    (pictures,) = batches(7)
    (probabilities,) = session.run(pictures)
    with torch.inference_mode():
        expected = torch.softmax(classifier(torch.from_numpy(pictures)), 1).numpy()
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.onnx"], "one file, weights inside"
    model = onnx.load(path)
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    assert b".py" not in path.read_bytes(), "no source lines of the machine that trained"


class Forgetful(nn.Module):
    """Answers otherwise once it has been exported: what an exporter that gets an operation wrong would look like."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.linear(images.float().mean((1, 2)) / 255)
        return logits if torch.compiler.is_exporting() else -logits


def test_an_export_that_changes_a_decision_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.onnx: the export is not the model that was measured: 5 of 5"):
        export_onnx(Forgetful(), tmp_path / "model.onnx", batches(5), shape=SHAPE)
    assert not list(tmp_path.iterdir())
