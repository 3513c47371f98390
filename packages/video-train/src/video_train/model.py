"""A trained classifier of clips as its files hold it: the ONNX model, or the weights beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from footage.errors import ModelError
from footage.persistence.bundle import ModelManifest, read_manifest, verify
from footage.persistence.onnx import OnnxModel, open_session
from footage.training.clips import ClipSampling
from video_train.catalogue.sides import SIDES, Span

TASK = "video-classification"
MODEL_FILE = "model.onnx"
BEST_FILE = "best_student.pt"
FINAL_FILE = "final_student.pt"
SPLIT_FILE = "split.json"
_LEAST_PROBABILITY = 1e-30
_BATCH = 8


class Speaks(Protocol):
    """Whatever gives the logarithms of probabilities of clips."""

    def __call__(self, clips: NDArray[np.uint8]) -> NDArray[np.float64]:
        """``(N, classes)`` of uint8 ``(N, T, size, size, 3)``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipModel:
    """A trained classifier, ready to be asked.

    Attributes:
        path: the file.
        classes: names in the order of its outputs.
        sampling: of the clips it was trained on.
        speaks: answers clips.
        manifest: what was written beside it.
    """

    path: Path
    classes: tuple[str, ...]
    sampling: ClipSampling
    speaks: Speaks
    manifest: ModelManifest

    def logits(self, clips: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        """Logarithms of the probabilities of clips, ``(N, classes)``, a few clips at a time.

        The mean of these over clips decides as the mean of logits does: within a clip they differ by a constant.
        """
        parts = [self.speaks(np.stack(clips[at : at + _BATCH])) for at in range(0, len(clips), _BATCH)]
        return np.concatenate(parts)


def described(sampling: ClipSampling) -> dict[str, Any]:
    """What a manifest says of the way from a video to the network's input."""
    return {
        "clips": asdict(sampling),
        "frames": "on display at the middles of equal parts of the span",
        "resize": "squeezed to a square by area averaging",
        "colour_order": "RGB",
        "layout": "uint8 (N, frames, size, size, 3)",
        "normalisation": "inside the model",
    }


def open_model(path: str | PathLike[str], *, device: str = "cpu", threads: int | None = None) -> ClipModel:
    """Open a trained classifier.

    Args:
        path: a training's folder or its ``model.onnx``; or its ``best_student.pt``, which torch runs.
        device: where it computes.
        threads: of ONNX Runtime; None for all cores.

    Raises:
        ModelError: there is none, it is of another kind, or it was changed since its manifest was written.
        UntrustedModel: the weights' file asks for anything but tensors.
    """
    given = Path(path)
    if given.is_dir():
        given /= MODEL_FILE
    if given.suffix == ".onnx":
        manifest = _checked(verify(given), given)
        session = open_session(given, device=device, threads=threads)
        speaks: Speaks = _OnnxSpeaks(session)
    else:
        manifest = _checked(read_manifest(given.with_name(MODEL_FILE)), given)
        speaks = torch_speaks(manifest, given, device)
    return ClipModel(
        path=given,
        classes=manifest.classes,
        sampling=_sampling_of(manifest, given),
        speaks=speaks,
        manifest=manifest,
    )


def _checked(manifest: ModelManifest, path: Path) -> ModelManifest:
    if manifest.task != TASK:
        raise ModelError(
            f"is a model for {manifest.task}, not one of clips", where=path, remedy="give one that video-train wrote"
        )
    return manifest


def _sampling_of(manifest: ModelManifest, path: Path) -> ClipSampling:
    try:
        clips = dict(manifest.input.preprocessing["clips"])
        return ClipSampling(**{**clips, "speed": tuple(clips["speed"])})
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"its manifest does not say which clips it takes ({error!r})", where=path) from error


class _OnnxSpeaks:
    """Answers through ONNX Runtime."""

    def __init__(self, session: OnnxModel) -> None:
        self._session = session

    def __call__(self, clips: NDArray[np.uint8]) -> NDArray[np.float64]:
        probabilities = np.asarray(self._session.run(clips)[0], np.float64)
        return np.log(np.maximum(probabilities, _LEAST_PROBABILITY))


def torch_speaks(manifest: ModelManifest, weights: Path, device: str) -> Speaks:
    """What torch makes of the weights of the network that a manifest describes.

    Raises:
        ModelError: as :func:`read_trained`.
    """
    import torch

    from footage.training.devices import resolve_device

    network = read_trained(manifest, weights).to(resolve_device(device).torch)
    place = next(network.parameters()).device

    def speaks(clips: NDArray[np.uint8]) -> NDArray[np.float64]:
        with torch.inference_mode():
            logits = network(torch.from_numpy(clips).to(place)).double()
            return np.asarray(torch.log_softmax(logits, 1).cpu().numpy(), np.float64)

    return speaks


def read_trained(manifest: ModelManifest, weights: str | PathLike[str]) -> Any:
    """The torch network that a manifest describes, a ``video_train.networks.clips.ClipNetwork`` in evaluation mode.

    Raises:
        ModelError: the manifest names no architecture, or the weights are of another.
    """
    from video_train.networks.clips import read_network

    name = manifest.details.get("architecture")
    if not isinstance(name, str):
        raise ModelError("its manifest names no architecture", where=weights)
    return read_network(name, len(manifest.classes), weights)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A training's network to go on with.

    Attributes:
        network: its torch form.
        classes: names in the order of its outputs.
        sampling: of its clips.
        learned_from: the parts of videos it has seen.
    """

    network: Any
    classes: tuple[str, ...]
    sampling: ClipSampling
    learned_from: list[Span]


def read_model(folder: str | PathLike[str]) -> TrainedModel:
    """The network of a finished training.

    Raises:
        ModelError: the folder holds none.
    """
    weights = Path(folder) / BEST_FILE
    manifest = _checked(read_manifest(weights.with_name(MODEL_FILE)), weights)
    learned = read_split(weights.with_name(SPLIT_FILE))["train"]
    return TrainedModel(read_trained(manifest, weights), manifest.classes, _sampling_of(manifest, weights), learned)


def read_split(path: Path) -> dict[str, list[Span]]:
    """The parts of videos on each side of a training.

    Raises:
        ModelError: the file is missing or is no such list.
    """
    try:
        document = json.loads(path.read_bytes())
        return {side: [Span(**one) for one in document[side]] for side in SIDES}
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(
            f"cannot be read ({error})", where=path, remedy="keep the files of a training together"
        ) from error
    except (KeyError, TypeError) as error:
        raise ModelError("does not list what was learned from and what was held out", where=path) from error
