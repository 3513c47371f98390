"""From a trained classifier to an ONNX file that decides the same."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from footage.persistence.onnx import open_session
from footage.persistence.parity import Parity, check_parity, require_parity
from footage.runs.files import atomic_path

INPUT_NAME = "images"
OUTPUT_NAME = "probabilities"
MAX_DIFFERENCE = 1e-3


class _Probabilities(nn.Module):
    """A classifier with the softmax inside, followed by what else it gives."""

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        answer = self.classifier(images)
        logits, *more = answer if isinstance(answer, tuple) else (answer,)
        return (torch.softmax(logits, dim=1), *more)


def export_onnx(
    classifier: nn.Module,
    path: str | PathLike[str],
    batches: Iterable[NDArray[np.uint8]],
    *,
    shape: tuple[int, ...],
    more_outputs: Sequence[str] = (),
) -> Parity:
    """Write a classifier as one ONNX file: uint8 ``images (N, *shape)`` in, ``probabilities (N, classes)`` out.

    The file is compared with the classifier on real inputs before it gets its name.

    Args:
        classifier: takes uint8 batches, gives logits, or a tuple that begins with them; normalisation is its own.
        path: the ``.onnx`` file.
        batches: real inputs, uint8 ``(N, *shape)`` each.
        shape: of one input.
        more_outputs: names of what the classifier gives after the logits.

    Returns:
        How the two compare.

    Raises:
        ModelError: the exported model decides otherwise on an input, differs by more than 1e-3, or has no input.
        OSError: the folder is missing or not writable, or the disk is full.
    """
    target = Path(path)
    module = _Probabilities(copy.deepcopy(classifier).to("cpu")).eval()

    def measured(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return np.asarray(module(torch.from_numpy(images))[0].numpy(), dtype=np.float32)

    with atomic_path(target) as temporary:
        torch.onnx.export(
            module,
            (torch.zeros((2, *shape), dtype=torch.uint8),),
            temporary,
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            external_data=False,
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME, *more_outputs],
            verbose=False,
        )
        _strip(temporary)
        session = open_session(temporary)
        parity = check_parity(measured, lambda images: session.run(images)[0], batches)
        require_parity(parity, what=target.name, max_abs_difference=MAX_DIFFERENCE)
    return parity


def _strip(path: Path) -> None:
    """Remove the exporter's notes: they name source lines and folders of the machine that trained."""
    model = onnx.load(path)
    graph = model.graph
    for thing in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del thing.metadata_props[:]
        thing.doc_string = ""
    onnx.save(model, path)
