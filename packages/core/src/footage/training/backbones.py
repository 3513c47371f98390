"""Classifiers made of a torchvision backbone: normalisation in front, a small head of their own behind."""

from __future__ import annotations

from os import PathLike

import torch
from torch import Tensor, nn
from torchvision.models import get_model, list_models

from footage.errors import InputError, ModelError
from footage.training.network import HeadedNetwork
from footage.training.weights import imagenet_state_dict, load_strictly, read_state_dict

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
_IMAGENET_CLASSES = 1000
_HEAD_WIDTH = 256

_UNFIT = {"googlenet", "inception_v3"}
"""Their training needs auxiliary outputs and losses of their own."""


def backbone_names() -> list[str]:
    """The image classifiers of torchvision that can be a backbone."""
    import torchvision

    return [name for name in list_models(module=torchvision.models) if name not in _UNFIT]


class Classifier(HeadedNetwork):
    """From uint8 pictures to logits; nothing needs doing to the pictures but bringing them to size.

    Attributes:
        network: the torchvision model with the new head; its state dict is what ``.pth`` files hold.
        head_name: where in ``network`` the head is.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, head_name: str) -> None:
        super().__init__()
        self.network = network
        self.head_name = head_name
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(N, classes)`` of RGB uint8 pictures ``(N, H, W, 3)``."""
        scaled = images.permute(0, 3, 1, 2).to(self.mean.dtype) / 255.0
        logits: Tensor = self.network((scaled - self.mean) / self.std)
        return logits

    def head(self) -> nn.Module:
        """The part that is always trained."""
        return self.network.get_submodule(self.head_name)


def build_classifier(name: str, classes: int) -> Classifier:
    """A torchvision classifier with random weights whose last layer is a new head.

    The head is dropout .3, linear 256, ReLU, dropout .2, linear ``classes``.

    Raises:
        InputError: torchvision has no such classifier, or it cannot be a backbone.
    """
    if name not in backbone_names():
        close = [known for known in backbone_names() if known.startswith(name[:4])]
        why = "needs auxiliary losses of its own" if name in _UNFIT else "is no image classifier of torchvision"
        raise InputError(f"{name!r} {why}", remedy=f"choose one such as {', '.join(close[:6] or ['resnet18'])}")
    network = get_model(name, weights=None)
    place = _last_layer(network, name)
    layer = network.get_submodule(place)
    if isinstance(layer, nn.Linear):
        head = _head(layer.in_features, classes)
    elif isinstance(layer, nn.Conv2d):  # SqueezeNet: a convolution, then the mean over the picture
        place = place.rpartition(".")[0]
        head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1), *_head(layer.in_channels, classes))
    else:
        raise InputError(f"{name} ends in a layer of an unknown kind ({type(layer).__name__})")
    network.set_submodule(place, head)
    # Pictures come with the colours last; convolutions are faster in that order, on a CPU by a third.
    return Classifier(network.to(memory_format=torch.channels_last), place)


def _last_layer(network: nn.Module, name: str) -> str:
    places = [
        str(place)
        for place, layer in network.named_modules()
        if getattr(layer, "out_features", getattr(layer, "out_channels", None)) == _IMAGENET_CLASSES
    ]
    if not places:
        raise InputError(
            f"{name} has no layer that names {_IMAGENET_CLASSES} classes", remedy="choose another backbone"
        )
    return places[-1]


def _head(features: int, classes: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Dropout(0.3), nn.Linear(features, _HEAD_WIDTH), nn.ReLU(), nn.Dropout(0.2), nn.Linear(_HEAD_WIDTH, classes)
    )


def check_side(classifier: Classifier, name: str, side_px: int) -> None:
    """Refuse pictures of a size that an architecture cannot take: some pool too often, some know one size only.

    Raises:
        InputError: it cannot take square pictures of this size.
    """
    training = classifier.training
    try:
        with torch.inference_mode():
            classifier.eval()(torch.zeros((1, side_px, side_px, 3), dtype=torch.uint8))
    except (AssertionError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{name} cannot take pictures of {side_px} px ({reason})", remedy="224 px suits every backbone but a few"
        ) from error
    finally:
        classifier.train(training)


def load_pretrained(classifier: Classifier, name: str, source: str | PathLike[str] | None) -> str:
    """Put pretrained weights into a classifier's body, or into all of it where the file has its head too.

    Args:
        classifier: made by :func:`build_classifier`.
        name: its architecture.
        source: a file, or None for torchvision's ImageNet weights, which are downloaded.

    Returns:
        What was loaded, in words.

    Raises:
        MissingDependency: the weights cannot be downloaded.
        ModelError: the file is missing, damaged, or of another architecture.
        UntrustedModel: the file asks for anything but tensors.
    """
    if source is None:
        state, words = imagenet_state_dict(name)
        where: str | PathLike[str] = words
    else:
        state, words, where = read_state_dict(source), f"weights from {source}", source
    if state.keys() == classifier.network.state_dict().keys():
        load_strictly(classifier.network, state, what=f"{name} with this head", where=where)
        return f"{words}, head included"
    head = f"{classifier.head_name}."
    full = classifier.network.state_dict()
    body = {key: tensor for key, tensor in state.items() if not key.startswith(head)}
    # The file's own head is left out; the new one stays as it was made.
    new_head = {key: tensor for key, tensor in full.items() if key.startswith(head)}
    if not body:
        raise ModelError(f"holds nothing of {name}", where=where)
    load_strictly(classifier.network, {**body, **new_head}, what=name, where=where)
    return words
