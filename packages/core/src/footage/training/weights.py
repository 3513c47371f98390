"""Weights from files and from torchvision: read without executing anything, and checked against the network."""

from __future__ import annotations

import io
import pickle
import re
import sys
import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from os import PathLike
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torchvision.models import get_model_weights

from footage.errors import MissingDependency, ModelError, UntrustedModel
from footage.runs.files import atomic_write_bytes

StateDict = dict[str, Tensor]

_WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Names under which other trainers keep the weights inside their checkpoints."""


def read_state_dict(path: str | PathLike[str]) -> StateDict:
    """Read the weights in a ``.pth`` file; nothing in it is executed.

    Raises:
        ModelError: the file is missing, damaged, or holds no weights.
        UntrustedModel: the file asks for anything but tensors and plain containers.
    """
    value = load_plain(path)
    if isinstance(value, dict):
        value = next((value[name] for name in _WRAPPERS if isinstance(value.get(name), dict)), value)
    if not isinstance(value, dict) or not value or not all(isinstance(one, Tensor) for one in value.values()):
        raise ModelError(
            "holds no state dict (names and their tensors)",
            where=path,
            remedy="save it with torch.save(model.state_dict(), ...)",
        )
    return {str(name).removeprefix("module."): tensor for name, tensor in value.items()}


def save_state_dict(module: nn.Module, path: str | PathLike[str]) -> None:
    """Write a module's weights as a ``.pth`` file, whole or not at all; the same weights give the same bytes.

    Raises:
        ModelError: the file does not read back as what was written.
        OSError: the folder is missing or not writable, or the disk is full.
    """
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    # By way of memory: torch would write the file's name, here a temporary one, into the file.
    buffer = io.BytesIO()
    torch.save(state, buffer)
    atomic_write_bytes(path, buffer.getvalue())
    there = read_state_dict(path)
    if there.keys() != state.keys() or not all(torch.equal(there[name], state[name]) for name in state):
        raise ModelError("does not read back as the weights that were written", where=path)


def load_plain(path: str | PathLike[str]) -> object:
    """Read a file that ``torch.save`` wrote, of tensors and plain containers only.

    Raises:
        ModelError: the file is missing or damaged.
        UntrustedModel: the file asks for anything else; nothing of it was executed.
    """
    file = Path(path)
    if not file.is_file():
        raise ModelError("there is no such file", where=file, remedy="check the path")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about pickle protocols of files that are then refused
            return torch.load(file, map_location="cpu", weights_only=True)  # noqa: TID251 - this is its home
    except pickle.UnpicklingError as error:
        asked = _refused_name(str(error))
        if asked is None:
            raise ModelError(
                "is no file of weights as torch.save writes them", where=file, remedy="save it again"
            ) from error
        raise UntrustedModel(
            f"asks for {asked}, which weights do not need; nothing in it was executed",
            where=file,
            remedy="get the weights as a state dict from a source you trust",
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"cannot be read as weights ({reason})", where=file, remedy="copy it again") from error


def _refused_name(message: str) -> str | None:
    """The class or function that torch's reader refused; None where the file is simply no such file."""
    match = re.search(r"(?:GLOBAL|Unsupported class) ([\w.]+)", message)
    return None if match is None else match[1]


def imagenet_state_dict(name: str) -> tuple[StateDict, str]:
    """The ImageNet weights torchvision has for an architecture, downloaded where this machine has not got them yet.

    Returns:
        The weights, and what they are in words, such as ``ResNet18_Weights.IMAGENET1K_V1``.

    Raises:
        MissingDependency: they cannot be had: no network, or what came is not what was published.
        ModelError: torchvision has none for this architecture.
    """
    choice = next(iter(get_model_weights(name)), None)
    if choice is None:
        raise ModelError(f"torchvision has no ImageNet weights for {name}", remedy="give a file of weights, or none")
    try:
        with redirect_stdout(sys.stderr):  # torch tells of the download where results belong
            state = choice.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (URLError, OSError, RuntimeError) as error:
        reason = getattr(error, "reason", None) or error
        raise MissingDependency(
            f"the ImageNet weights of {name} could not be downloaded from {choice.url} ({reason})",
            remedy="connect to the network, give a file of weights, or train without pretrained weights, "
            "which takes far more labelled clips",
        ) from error
    return dict(state), str(choice)


def load_strictly(module: nn.Module, state: Mapping[str, Tensor], *, what: str, where: str | PathLike[str]) -> None:
    """Put weights into a module: all of them, each of the right shape, or none.

    Args:
        module: what takes them.
        state: names and tensors.
        what: the module in words, for the error.
        where: where the weights come from.

    Raises:
        ModelError: names are missing or unknown, or a shape differs: the file is of another architecture or head.
    """
    wanted = module.state_dict()
    missing, unknown = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    if missing or unknown:
        parts = [
            f"{kind} {len(names)} of its tensors ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
            for kind, names in (("lacks", missing), ("has beyond", unknown))
            if names
        ]
        raise ModelError(f"is not of {what}: {' and '.join(parts)}", where=where, remedy=_REMEDY)
    for name, tensor in wanted.items():
        if tensor.shape != state[name].shape:
            raise ModelError(
                f"is not of {what}: {name} has the shape {tuple(state[name].shape)}, expected {tuple(tensor.shape)}",
                where=where,
                remedy=_REMEDY,
            )
    module.load_state_dict(dict(state))


_REMEDY = "name the architecture and the classes the file was made with, or give another file"
