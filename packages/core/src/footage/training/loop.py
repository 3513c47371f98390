"""The training loop, to be read from top to bottom."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name every reader of torch code expects
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from footage.errors import FootageError, InputError
from footage.training.batches import Examples, Part, batches, steps_of
from footage.training.checkpoint import Checkpoint, EpochRecord, Progress, load_checkpoint, save_checkpoint
from footage.training.network import HeadedNetwork
from footage.training.randomness import deterministic_torch, seed_torch_at
from footage.training.recipe import Recipe
from footage.training.schedule import warmup_cosine
from footage.training.team import ALONE, Team
from footage.training.weights import StateDict

_NETWORK = 3
"""What randomness is drawn for: part of its place; 1 and 2 are those of ``batches``."""

_NORMS = (nn.modules.batchnorm._BatchNorm,)  # noqa: SLF001 - torch has no public name for batch norms of any dimension


@dataclass(frozen=True, slots=True)
class Validation:
    """How good a network is on the validation side.

    Attributes:
        metric: higher is better; None where it cannot be computed, and the loss decides.
        loss: lower is better; decides between equal metrics.
        also: whatever else is worth keeping of an epoch, by name.
    """

    metric: float | None
    loss: float
    also: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """How training went; the network has the weights of the best epoch.

    Attributes:
        history: every epoch.
        best_epoch: the epoch whose weights were kept, from 0.
        stopped: why training ended, in words.
    """

    history: tuple[EpochRecord, ...]
    best_epoch: int
    stopped: str


def classification_loss(output: Tensor, part: Part) -> Tensor:
    """Cross-entropy of every item, ``(n,)``, of logits ``(n, classes)``."""
    return F.cross_entropy(output.float(), part.labels.to(output.device), reduction="none")


def fit(
    network: HeadedNetwork,
    examples: Examples,
    validate: Callable[[nn.Module], Validation],
    recipe: Recipe,
    *,
    device: torch.device,
    checkpoint: Path,
    key: Mapping[str, object],
    team: Team = ALONE,
    criterion: Callable[[Any, Part], Tensor] = classification_loss,
    on_step: Callable[[int], None],
    on_epoch: Callable[[EpochRecord], None],
    checkpoint_seconds: float = 60.0,
) -> Fitted:
    """Train a classifier; go on from the checkpoint where there is one.

    On a CPU, training that was killed and called again ends with the same bits as one that was not, as long as torch
    uses as many threads.

    Args:
        network: takes uint8 batches, gives logits. It is trained in place.
        examples: what to learn from.
        validate: judges a network on data that is not in ``examples``; called on the first process only.
        recipe: how to train.
        device: where to compute.
        checkpoint: the file of the state.
        key: everything that decides the result, the recipe included; a checkpoint with another key is refused.
        team: this process among those that train together.
        criterion: the loss of every item, ``(n,)``, from what the network gives in training and its part.
        on_step: told how many steps are done in all.
        on_epoch: told of every finished epoch.
        checkpoint_seconds: how much work a kill may cost.

    Raises:
        InputError: the checkpoint is of another training, or the parts cannot be shared among the processes.
        FootageError: the loss is not finite.
    """
    if recipe.parts % team.size:
        raise InputError(f"{recipe.parts} parts of a batch cannot be shared by {team.size} processes")
    steps = steps_of(examples, recipe)
    network.to(device)
    optimiser = _optimiser(network, recipe)
    now, best = _start(network, optimiser, checkpoint, key)
    saved_at = time.monotonic()

    def save() -> None:
        nonlocal saved_at
        if team.leads:
            state = Checkpoint(progress=now, network=_copy(network), best=best, optimiser=optimiser.state_dict())
            save_checkpoint(state, checkpoint, key=key)
        saved_at = time.monotonic()

    learner: nn.Module | None = None
    with deterministic_torch(), ThreadPoolExecutor(max(1, torch.get_num_threads())) as pool:
        while now.stopped is None:
            frozen = now.epoch < recipe.frozen_epochs
            _prepare(network, frozen=frozen, frozen_norms=recipe.frozen_norms)
            if learner is None or now.epoch == recipe.frozen_epochs:
                learner = None  # so that the earlier one is gone before the next is made
                learner = _shared(network, team)
            loaded = batches(examples, recipe, epoch=now.epoch, first_step=now.step, team=team, pool=pool)
            for step, parts in zip(range(now.step, steps), loaded, strict=True):
                done = now.epoch * steps + step
                rate = warmup_cosine(done, recipe.epochs * steps, round(recipe.warmup_epochs * steps))
                for group, factor in zip(optimiser.param_groups, (1.0, recipe.body_factor), strict=True):
                    group["lr"] = recipe.learning_rate * factor * rate
                loss = _take_step(
                    learner,
                    optimiser,
                    parts,
                    recipe,
                    place=(now.epoch, step),
                    team=team,
                    device=device,
                    criterion=criterion,
                )
                now.step, now.loss_sum = step + 1, now.loss_sum + loss
                on_step(done + 1)
                if now.step < steps and time.monotonic() - saved_at >= checkpoint_seconds:
                    save()
            record = _validated(network, validate, now, steps=steps, team=team, device=device, frozen=frozen)
            if now.best_epoch is None or _rank(record) > _rank(now.history[now.best_epoch]):
                now.best_epoch, best = now.epoch, _copy(network)
            now.history.append(record)
            now.epoch, now.step, now.loss_sum = now.epoch + 1, 0, 0.0
            now.stopped = _why_stop(now, recipe)
            save()
            on_epoch(record)
    assert best is not None  # noqa: S101 - at least one epoch was trained
    assert now.best_epoch is not None  # noqa: S101 - likewise
    network.load_state_dict(best)
    network.eval()
    return Fitted(history=tuple(now.history), best_epoch=now.best_epoch, stopped=now.stopped)


def _take_step(
    learner: nn.Module,
    optimiser: torch.optim.Optimizer,
    parts: Sequence[Part],
    recipe: Recipe,
    *,
    place: tuple[int, int],
    team: Team,
    device: torch.device,
    criterion: Callable[[Any, Part], Tensor],
) -> float:
    """One step of the optimiser, over this process's parts of the batch; returns the loss of the whole batch."""
    amp = recipe.mixed_precision and device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    optimiser.zero_grad(set_to_none=True)
    loss_sum = 0.0
    for number, part in enumerate(parts):
        seed_torch_at(recipe.seed, _NETWORK, *place, part.number)
        with _held_back(learner, last=number == len(parts) - 1):
            with torch.autocast(device.type, torch.bfloat16, enabled=amp):
                output = learner(part.images.to(device))
            losses = criterion(output, part).sum()
            # DDP takes the mean over the processes; the batch's loss is their sum.
            torch.autograd.backward(losses * (team.size / recipe.batch_size))
        loss_sum += float(losses.detach()) / recipe.batch_size
    optimiser.step()
    loss = team.summed(loss_sum, device)
    if not math.isfinite(loss):
        raise FootageError(
            f"the loss is not a finite number in step {place[1] + 1} of epoch {place[0] + 1}",
            remedy="choose a lower learning rate",
        )
    return loss


def _optimiser(network: HeadedNetwork, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW with the head as the first group of parameters, the body as the second."""
    groups = [{"params": list(network.head().parameters())}, {"params": list(network.body_parameters())}]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)


def _start(
    network: nn.Module, optimiser: torch.optim.Optimizer, checkpoint: Path, key: Mapping[str, object]
) -> tuple[Progress, StateDict | None]:
    if not checkpoint.exists():
        return Progress(), None
    there = load_checkpoint(checkpoint, key=key)
    network.load_state_dict(there.network)
    optimiser.load_state_dict(there.optimiser)
    return there.progress, there.best


def _copy(network: nn.Module) -> StateDict:
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in network.state_dict().items()}


def _prepare(network: HeadedNetwork, *, frozen: bool, frozen_norms: bool) -> None:
    """Say which parameters learn, and which layers behave as in training."""
    network.train(not frozen)
    network.head().train()
    for parameter in network.body_parameters():
        parameter.requires_grad_(not frozen)
    if frozen_norms:
        for module in network.modules():
            if isinstance(module, _NORMS):
                module.eval()


def _shared(network: nn.Module, team: Team) -> nn.Module:
    """The network as this process trains it; made anew when other parameters learn, which DDP must know beforehand."""
    if team.size == 1:
        return network
    gc.collect()  # an earlier one hangs on the network's parameters until it is collected
    return DistributedDataParallel(network)


def _held_back(learner: nn.Module, *, last: bool) -> AbstractContextManager[None]:
    """Processes exchange gradients once a step, with its last part."""
    if last or not isinstance(learner, DistributedDataParallel):
        return nullcontext()
    held: AbstractContextManager[None] = learner.no_sync()
    return held


def _validated(
    network: nn.Module,
    validate: Callable[[nn.Module], Validation],
    now: Progress,
    *,
    steps: int,
    team: Team,
    device: torch.device,
    frozen: bool,
) -> EpochRecord:
    """Judge the network on the first process and tell the others."""
    found, also = [math.nan, math.nan], dict[str, float]()
    if team.leads:
        network.eval()
        with torch.inference_mode():
            judged = validate(network)
        found, also = [math.nan if judged.metric is None else judged.metric, judged.loss], dict(judged.also)
    metric, loss = team.shared(found, device)
    return EpochRecord(
        epoch=now.epoch,
        train_loss=now.loss_sum / steps,
        val_loss=loss,
        val_metric=None if math.isnan(metric) else metric,
        frozen=frozen,
        also=also,
    )


def _rank(record: EpochRecord) -> tuple[float, float]:
    """Higher is better: the metric; between equal or missing metrics the loss."""
    return (-math.inf if record.val_metric is None else record.val_metric, -record.val_loss)


def _why_stop(now: Progress, recipe: Recipe) -> str | None:
    waited = now.epoch - 1 - (now.best_epoch or 0)
    if recipe.patience is not None and waited >= recipe.patience and now.epoch > recipe.frozen_epochs:
        return f"no better validation for {waited} epochs"
    return f"all {recipe.epochs} epochs are done" if now.epoch >= recipe.epochs else None
