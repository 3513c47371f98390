"""Networks that take clips: image backbones of torchvision and timm seen through time, and torchvision's video models.

A picture's backbone is run on every frame. Its last feature maps, not their means, go through two convolutions over
space and time: where something was is kept until it is known where it went, so that movement can be told from order.
"""

from __future__ import annotations

from collections import OrderedDict
from os import PathLike

import torch
import torch.nn.functional as F  # noqa: N812 - the name every reader of torch code expects
from torch import Tensor, nn
from torchvision.models import get_model, list_models

from footage.errors import InputError, MissingDependency, ModelError
from footage.training.backbones import IMAGENET_MEAN, IMAGENET_STD
from footage.training.network import HeadedNetwork
from footage.training.weights import StateDict, imagenet_state_dict, load_strictly, read_state_dict

TIMM = "timm/"
"""What stands before the names of timm's models."""

TINY = "tiny3d"
"""A network of our own: three convolutions over space and time, for small sets, demos and tests."""

VIDEO_MODELS = ("mc3_18", "r2plus1d_18", "r3d_18", TINY)
_KINETICS_MEAN, _KINETICS_STD = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)
_TEMPORAL_WIDTH = 64
_DROPOUT = 0.3
_PROBE_PX = 64

_STAGES = {f"layer{number}" for number in range(1, 5)}
_LAYERS: tuple[set[str], ...] = (
    {"features"},  # MobileNet, EfficientNet, ConvNeXt, DenseNet, SqueezeNet, VGG
    {"stem", *_STAGES},  # video models
    {"conv1", "bn1", "relu", "maxpool", *_STAGES},  # ResNet and its kin
    {"conv1", "maxpool", "stage2", "stage3", "stage4", "conv5"},  # ShuffleNet
    {"stem", "trunk_output"},  # RegNet
    {"layers"},  # MNASNet
)
"""The layers up to the last feature maps, by family, in the order in which they are run."""


class ClipNetwork(HeadedNetwork):
    """From uint8 clips ``(N, T, H, W, 3)`` to logits ``(N, classes)``; normalisation is inside.

    Attributes:
        name: of the architecture.
        body: from normalised frames or clips to feature maps; may come pretrained.
        top: from feature maps to features and logits; always trained.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, body: nn.Module, top: Top) -> None:
        super().__init__()
        self.name, self.body, self.top = name, body, top
        video = name in VIDEO_MODELS
        mean, std = (_KINETICS_MEAN, _KINETICS_STD) if video else (IMAGENET_MEAN, IMAGENET_STD)
        self.register_buffer("mean", torch.tensor(mean), persistent=False)
        self.register_buffer("std", torch.tensor(std), persistent=False)
        self._video = video

    def features(self, clips: Tensor) -> Tensor:
        """What the last layer sees, ``(N, D)``."""
        scaled = (clips.to(self.mean.dtype) / 255.0 - self.mean) / self.std
        if self._video:
            maps = self.body(scaled.permute(0, 4, 1, 2, 3))
        else:
            count, frames = clips.shape[:2]
            flat = self.body(scaled.flatten(0, 1).permute(0, 3, 1, 2))
            maps = flat.unflatten(0, (count, frames)).transpose(1, 2)
        found: Tensor = self.top.features(maps)
        return found

    def forward(self, clips: Tensor) -> Tensor:
        """Logits ``(N, classes)``."""
        logits: Tensor = self.top.classify(self.features(clips))
        return logits

    def head(self) -> nn.Module:
        """The part that is always trained."""
        return self.top


class Top(nn.Module):
    """From feature maps ``(N, C, T, h, w)`` to features and logits.

    Features are the maps' means over space and time, and means and maxima of what two convolutions over space and time
    make of them.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        width = _TEMPORAL_WIDTH
        self.reduce = nn.Conv3d(channels, width, 1)
        self.mix = nn.ModuleList(nn.Conv3d(width, width, 3, padding=1) for _ in range(2))
        self.norms = nn.ModuleList(nn.GroupNorm(8, width) for _ in range(3))
        self.dropout = nn.Dropout(_DROPOUT)
        self.linear = nn.Linear(channels + 2 * width, classes)

    @property
    def width(self) -> int:
        """How many features there are."""
        return self.linear.in_features

    def features(self, maps: Tensor) -> Tensor:
        """``(N, C + 2 * 64)``."""
        moving = F.relu(self.norms[0](self.reduce(maps)))
        for convolution, norm in zip(self.mix, self.norms[1:], strict=True):
            moving = moving + F.relu(norm(convolution(moving)))
        return torch.cat([maps.mean((2, 3, 4)), moving.mean((2, 3, 4)), moving.amax((2, 3, 4))], dim=1)

    def classify(self, features: Tensor) -> Tensor:
        """Logits of features."""
        logits: Tensor = self.linear(self.dropout(features))
        return logits


class Tiny(nn.Module):
    """Feature maps of normalised clips ``(N, 3, T, H, W)``, an eighth as high and wide, from 80 thousand weights.

    Its convolutions see neighbouring frames while pictures are still large, so that small movements show.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels, width, time in ((3, 16, 1), (16, 32, 3), (32, 64, 3)):
            kernel, padding = (time, 5 if time == 1 else 3, 5 if time == 1 else 3), (time // 2, 2 if time == 1 else 1)
            convolution = nn.Conv3d(channels, width, kernel, (1, 2, 2), (*padding, padding[1]), bias=False)
            layers += [convolution, nn.GroupNorm(8, width), nn.ReLU()]
        self.features = nn.Sequential(*layers)

    def forward(self, clips: Tensor) -> Tensor:
        """``(N, 64, T, H / 8, W / 8)``."""
        maps: Tensor = self.features(clips)
        return maps


def build_network(name: str, classes: int) -> ClipNetwork:
    """A clip classifier with random weights.

    Args:
        name: an image classifier of torchvision whose last layers are convolutions, one of timm after ``timm/``, or a
            video model of torchvision (``r3d_18``, ``mc3_18``, ``r2plus1d_18``).
        classes: how many.

    Raises:
        InputError: there is no such model, or it gives no feature maps.
        MissingDependency: it is one of timm, and timm is not installed.
    """
    whole, _ = _whole(name)
    body = _body(name, whole)
    return ClipNetwork(name, body, Top(_channels(name, body), classes))


def load_pretrained(network: ClipNetwork, source: str | PathLike[str] | None) -> str:
    """Put pretrained weights into a network's body, or into all of it where the file is of such a network.

    Args:
        network: made by :func:`build_network`.
        source: a file; None for what torchvision or timm has, which is downloaded.

    Returns:
        What was loaded, in words.

    Raises:
        MissingDependency: the weights cannot be downloaded.
        ModelError: the file is missing, damaged, or of another architecture.
        UntrustedModel: the file asks for anything but tensors.
    """
    if source is None:
        state, words = _downloaded(network.name)
        where: str | PathLike[str] = words
    else:
        state, words, where = read_state_dict(source), f"weights from {source}", source
        if any(key.startswith("top.") for key in state):
            load_strictly(network, state, what=f"{network.name} for clips with these classes", where=where)
            return f"{words}, head included"
    whole, own_head = _whole(network.name)
    if own_head:
        # timm's models are made without a head here.
        state = {key: tensor for key, tensor in state.items() if key in whole.state_dict()}
    load_strictly(whole, state, what=network.name, where=where)
    network.body.load_state_dict(_body(network.name, whole).state_dict())
    return words


def _whole(name: str) -> tuple[nn.Module, bool]:
    """The library's own model with random weights, and whether its head was left out."""
    if name.startswith(TIMM):
        return _timm_model(name, pretrained=False), True
    if name == TINY:
        return Tiny(), True
    if name not in list_models():
        close = [known for known in list_models() if known.startswith(name[:4])][:6]
        raise InputError(
            f"{name!r} is no model of torchvision",
            remedy=f"choose one such as {', '.join(close or ['mobilenet_v3_small'])}, or timm/NAME",
        )
    return get_model(name, weights=None), False


def _timm_model(name: str, *, pretrained: bool) -> nn.Module:
    try:
        import timm
    except ImportError as error:
        raise MissingDependency(
            f"{name} needs timm, which is not installed", remedy="install video-train[timm]"
        ) from error
    short = name.removeprefix(TIMM)
    if not timm.is_model(short):
        close = timm.list_models(f"{short[:5]}*")[:5]
        raise InputError(
            f"{short!r} is no model of timm", remedy=f"choose one such as {', '.join(close) or 'resnet18'}"
        )
    model: nn.Module = timm.create_model(short, pretrained=pretrained, num_classes=0, global_pool="")
    return model


def _body(name: str, whole: nn.Module) -> nn.Module:
    """The layers of a model up to its last feature maps."""
    if name.startswith(TIMM):
        return whole
    layers = OrderedDict(whole.named_children())
    for names in _LAYERS:
        if names <= layers.keys():
            return nn.Sequential(OrderedDict((key, layer) for key, layer in layers.items() if key in names))
    raise InputError(
        f"{name} gives no feature maps", remedy="choose a convolutional network such as mobilenet_v3_small"
    )


def _channels(name: str, body: nn.Module) -> int:
    """How many channels a body's maps have, found by running it once on a small picture."""
    shape = (1, 3, 2, _PROBE_PX, _PROBE_PX) if name in VIDEO_MODELS else (1, 3, _PROBE_PX, _PROBE_PX)
    training = body.training
    try:
        with torch.inference_mode():
            maps = body.eval()(torch.zeros(shape))
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(
            f"{name} cannot take pictures of {_PROBE_PX} px ({str(error).splitlines()[0]})",
            remedy="choose a convolutional network such as mobilenet_v3_small",
        ) from error
    finally:
        body.train(training)
    if not isinstance(maps, Tensor) or maps.ndim != len(shape):
        raise InputError(f"{name} gives no feature maps", remedy="choose a convolutional network")
    return int(maps.shape[1])


def _downloaded(name: str) -> tuple[StateDict, str]:
    if name == TINY:
        raise ModelError(f"there are no pretrained weights of {TINY}", remedy="start it from none, or from a file")
    if not name.startswith(TIMM):
        return imagenet_state_dict(name)
    try:
        model = _timm_model(name, pretrained=True)
    except (OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise MissingDependency(
            f"the weights of {name} could not be downloaded ({reason})",
            remedy="connect to the network, give a file of weights, or train without pretrained weights",
        ) from error
    return dict(model.state_dict()), f"timm's weights of {name.removeprefix(TIMM)}"


def check_size(network: ClipNetwork, frames: int, size_px: int) -> None:
    """Refuse clips of a size that an architecture cannot take.

    Raises:
        InputError: it cannot take such clips.
    """
    training = network.training
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros((1, frames, size_px, size_px, 3), dtype=torch.uint8))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise InputError(
            f"{network.name} cannot take clips of {frames} frames of {size_px} px ({str(error).splitlines()[0]})",
            remedy="choose larger pictures, such as 224 px",
        ) from error
    finally:
        network.train(training)


def read_network(name: str, classes: int, weights: str | PathLike[str]) -> ClipNetwork:
    """A trained network from the file that training wrote.

    Raises:
        ModelError: the file is missing, damaged, or of another network.
        InputError: there is no such architecture.
        UntrustedModel: the file asks for anything but tensors.
    """
    network = build_network(name, classes)
    state = read_state_dict(weights)
    if not any(key.startswith("top.") for key in state):
        raise ModelError("is not of a network for clips", where=weights, remedy="give the file that training wrote")
    load_strictly(network, state, what=f"{name} with {classes} classes", where=weights)
    return network.eval()
