"""The networks to choose from, behind one face: how photos become their input, how that is varied, how they learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blur_train.classes import CLASSES
from blur_train.evidence import LONG_SIDE_PX, WHOLE_PX, EvidenceMaker, TileEvidence, WholeEvidence
from blur_train.models.augment import varied_tiles, varied_whole
from blur_train.models.native import NativeNetwork
from blur_train.models.seed_variation import SeedVariation
from blur_train.models.ultralytics import ARCHITECTURE, YoloClassifier
from footage.errors import InputError
from footage.training.backbones import build_classifier, check_side, load_pretrained
from footage.training.network import HeadedNetwork
from footage.training.randomness import seed_torch_at
from footage.training.recipe import Recipe
from footage.training.weights import load_strictly, read_state_dict

NATIVE, ULTRALYTICS = "native", "ultralytics"
DRAWN = "drawn"
"""The weights that come along: of the native network, trained on drawn photos."""
NONE, IMAGENET = "none", "imagenet"
DRAWN_WEIGHTS = "native-drawn.pth"
_INITIAL = 12

Vary = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A network and all that belongs to its training.

    Attributes:
        name: ``native``, ``ultralytics`` or a classifier of torchvision.
        network: as it starts.
        start: what it starts from, in words.
        maker: how photos become its input.
        vary: how an input is varied in training.
        recipe: how it is trained where nothing else is asked for.
        label_smoothing: in [0, 1).
    """

    name: str
    network: HeadedNetwork
    start: str
    maker: EvidenceMaker
    vary: Vary
    recipe: Recipe
    label_smoothing: float

    def described(self) -> dict[str, Any]:
        """What is needed to build the network again, as plain JSON values."""
        return {"backend": self.name, "side_px": getattr(self.maker, "side_px", None)}


def make_backend(
    name: str, *, weights: str | None = None, side_px: int | None = None, seed: int = 0, trained: Path | None = None
) -> Backend:
    """A network ready to be trained.

    Args:
        name: ``native``, ``ultralytics`` or the name of a classifier of torchvision.
        weights: ``drawn`` (native only), ``imagenet`` (torchvision only; downloaded), ``none`` or the path of a file of
            weights; None for ``drawn``, ``none`` and ``imagenet``, in the order of the names.
        side_px: for native the long side from which tiles are cut, else the side of the square picture; None for 1536
            and 224.
        seed: of random weights.
        trained: a file with all weights, in place of ``weights``.

    Raises:
        InputError: there is no such network, or it does not take such weights or pictures.
        ModelError: the file of weights is missing, damaged, or of another network.
        MissingDependency: ultralytics is not installed, or ImageNet weights cannot be had.
        UntrustedModel: the file asks for anything but tensors.
    """
    seed_torch_at(seed, _INITIAL)
    if name == NATIVE:
        return _native(weights or DRAWN, side_px or LONG_SIDE_PX, trained)
    if name == ULTRALYTICS:
        return _ultralytics(weights or NONE, side_px or WHOLE_PX, trained)
    return _torchvision(name, weights or IMAGENET, side_px or WHOLE_PX, trained)


def drawn_weights() -> Path:
    """The file of weights that come along."""
    return Path(str(files("blur_train.models") / DRAWN_WEIGHTS))


def _native(weights: str, long_side_px: int, trained: Path | None) -> Backend:
    _refuse(NATIVE, weights, IMAGENET)
    network = NativeNetwork(len(CLASSES))
    start = "random weights: nothing is known of photos yet"
    pretrained = weights != NONE
    if trained is not None or pretrained:
        file = trained or (drawn_weights() if weights == DRAWN else Path(weights))
        load_strictly(network, read_state_dict(file), what="the native network", where=file)
        start = "weights from drawn photos" if weights == DRAWN else f"weights from {file}"
    return Backend(
        name=NATIVE,
        network=network,
        start=start,
        maker=TileEvidence(long_side_px),
        vary=lambda array, rng: varied_tiles(array, rng)[0],
        recipe=Recipe(
            epochs=20 if pretrained else 60,
            batch_size=16,
            learning_rate=3e-4 if pretrained else 1e-3,
            body_factor=0.3 if pretrained else 1.0,
            patience=6 if pretrained else 12,
            frozen_norms=pretrained,
        ),
        label_smoothing=0.05,
    )


def _ultralytics(weights: str, side_px: int, trained: Path | None) -> Backend:
    _refuse(ULTRALYTICS, weights, IMAGENET, DRAWN)
    network = YoloClassifier(len(CLASSES))
    start = "random weights: nothing is known of photos yet"
    if trained is not None or weights != NONE:
        file = trained or Path(weights)
        load_strictly(network, read_state_dict(file), what=ARCHITECTURE, where=file)
        start = f"weights from {file}"
    return Backend(
        name=ULTRALYTICS,
        network=network,
        start=start,
        maker=WholeEvidence(side_px),
        vary=SeedVariation(),
        recipe=Recipe(
            epochs=100,
            batch_size=16,
            learning_rate=1e-3,
            body_factor=1.0,
            weight_decay=1e-3,
            patience=20,
            warmup_epochs=3,
        ),
        label_smoothing=0.1,
    )


def _torchvision(name: str, weights: str, side_px: int, trained: Path | None) -> Backend:
    _refuse(name, weights, DRAWN)
    network = build_classifier(name, len(CLASSES))
    check_side(network, name, side_px)
    pretrained = weights != NONE
    start = "random weights: nothing is known of photos yet"
    if trained is not None:
        load_strictly(network, read_state_dict(trained), what=name, where=trained)
        start = f"weights from {trained}"
    elif pretrained:
        start = load_pretrained(network, name, None if weights == IMAGENET else Path(weights))
    return Backend(
        name=name,
        network=network,
        start=start,
        maker=WholeEvidence(side_px),
        vary=varied_whole,
        recipe=Recipe(
            epochs=50,
            batch_size=32,
            body_factor=0.1 if pretrained else 1.0,
            frozen_epochs=3 if pretrained else 0,
            frozen_norms=pretrained,
        ),
        label_smoothing=0.05,
    )


def _refuse(name: str, weights: str, *unfit: str) -> None:
    if weights in unfit:
        raise InputError(f"there are no {weights} weights for {name}", remedy="give a file of weights, or none")
