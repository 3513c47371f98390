"""The state of a training on disk: whole or not there, and enough to go on as if it had never stopped."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from footage.errors import InputError, ModelError
from footage.runs.files import atomic_write_bytes
from footage.runs.jsonable import to_jsonable
from footage.training.weights import StateDict, load_plain

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """One epoch.

    Attributes:
        epoch: from 0.
        train_loss: mean over the items drawn.
        val_loss: on the validation side.
        val_metric: on the validation side, higher is better; None where it cannot be computed.
        frozen: whether the body was kept as it was.
        also: what else the validation measured, by name.
    """

    epoch: int
    train_loss: float
    val_loss: float
    val_metric: float | None
    frozen: bool
    also: dict[str, float] = field(default_factory=dict)

    def line(self, metric: str) -> str:
        """The epoch in one line; ``metric`` says in words what was measured on the validation side."""
        value = "no value" if self.val_metric is None else f"{self.val_metric:.3f}"
        frozen = ", head only" if self.frozen else ""
        return (
            f"epoch {self.epoch + 1}: loss {self.train_loss:.4f}, on validation {self.val_loss:.4f}, "
            f"{metric} {value}{frozen}"
        )


@dataclass(slots=True, kw_only=True)
class Progress:
    """Where a training is.

    Randomness is a function of the place (``footage.training.randomness``), so there is no generator to keep.

    Attributes:
        epoch: the epoch to go on with.
        step: the step in it to go on with.
        loss_sum: of the steps of this epoch that are done.
        history: the epochs that are done.
        best_epoch: the epoch of the best network so far; None before the first.
        stopped: why training ended; None while it has not.
    """

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    history: list[EpochRecord] = field(default_factory=list)
    best_epoch: int | None = None
    stopped: str | None = None


@dataclass(slots=True, kw_only=True)
class Checkpoint:
    """A training's whole state.

    Attributes:
        progress: where it is.
        network: the weights and statistics now.
        best: those of the best epoch; None before the first.
        optimiser: the optimiser's state.
    """

    progress: Progress
    network: StateDict
    best: StateDict | None
    optimiser: dict[str, Any]


def save_checkpoint(checkpoint: Checkpoint, path: str | PathLike[str], *, key: Mapping[str, object]) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        checkpoint: the state.
        path: the file.
        key: everything the training depends on, in values that have a JSON form; a resume must have the same.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.
    """
    document = {
        "format_version": FORMAT_VERSION,
        "key": _key_text(key),
        "progress": asdict(checkpoint.progress),
        "network": checkpoint.network,
        "best": checkpoint.best,
        "optimiser": checkpoint.optimiser,
    }
    # By way of memory: torch's own writing tells a full disk as a fault of its archive.
    whole = io.BytesIO()
    torch.save(document, whole)
    atomic_write_bytes(path, whole.getvalue())


def load_checkpoint(path: str | PathLike[str], *, key: Mapping[str, object]) -> Checkpoint:
    """Read a checkpoint of the same training.

    Raises:
        InputError: it is of a training with other settings or data.
        ModelError: the file is missing, damaged, or no checkpoint.
        UntrustedModel: the file asks for anything but tensors and plain values.
    """
    document = load_plain(path)
    if not isinstance(document, dict) or document.get("format_version") != FORMAT_VERSION or "progress" not in document:
        raise ModelError("is no checkpoint of a training", where=path, remedy="remove it to start anew")
    if document["key"] != _key_text(key):
        raise InputError(
            f"is of a training with another {_difference(document['key'], key)}",
            where=path,
            remedy="train with the same settings and data, or start anew in another folder",
        )
    progress = dict(document["progress"])
    progress["history"] = [EpochRecord(**record) for record in progress["history"]]
    return Checkpoint(
        progress=Progress(**progress),
        network=document["network"],
        best=document["best"],
        optimiser=document["optimiser"],
    )


def find_checkpoint(path: str | PathLike[str], *, key: Mapping[str, object]) -> Progress | None:
    """How far the training of a checkpoint came, None where there is no checkpoint.

    Raises:
        FootageError: as :func:`load_checkpoint`.
    """
    return load_checkpoint(path, key=key).progress if Path(path).exists() else None


def _key_text(key: Mapping[str, object]) -> str:
    return json.dumps(to_jsonable(key), sort_keys=True)


def _difference(found: str, key: Mapping[str, object]) -> str:
    earlier, now = json.loads(found), json.loads(_key_text(key))
    missing = object()
    changed = sorted(name for name in {*earlier, *now} if earlier.get(name, missing) != now.get(name, missing))
    return ", ".join(changed)
