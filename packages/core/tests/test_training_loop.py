"""The training loop on networks small enough to train in a second, and with real processes that are really killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from footage.errors import FootageError, InputError, ModelError
from footage.training.checkpoint import find_checkpoint
from footage.training.loop import Fitted, Validation, fit
from footage.training.network import HeadedNetwork
from footage.training.randomness import seed_torch_at
from footage.training.recipe import Recipe
from footage.training.team import run_team

CPU = torch.device("cpu")
RECIPE = Recipe(epochs=4, batch_size=8, frozen_epochs=1, warmup_epochs=1.0, patience=None, learning_rate=0.02, seed=3)
STEPS = 5


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads only get into each other's way here, and sums must not depend on how many there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Small(HeadedNetwork):
    """A convolution, a batch norm and dropout before a linear head: everything that has state or draws at random."""

    def __init__(self, *, dropout: float = 0.3, norm: bool = True) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 4, 3),
            nn.BatchNorm2d(4) if norm else nn.Identity(),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
        )
        self.top = nn.Linear(16, 2)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.top(self.body(images.permute(0, 3, 1, 2).float() / 255))
        return logits

    def head(self) -> nn.Module:
        return self.top


class Colours:
    """Reddish pictures against bluish ones, changed a little by the generator."""

    def __init__(self, count: int = 40) -> None:
        rng = np.random.default_rng(0)
        self.labels = rng.integers(0, 2, count)
        self.weights = np.ones(count)
        self.pictures = rng.integers(0, 128, (count, 8, 8, 3)).astype(np.uint8)
        self.pictures[self.labels == 1, ..., 0] += 60

    def load(self, index: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        return np.asarray(self.pictures[index] + rng.integers(0, 9, (8, 8, 3)), dtype=np.uint8)


COLOURS = Colours()


def validate(network: nn.Module) -> Validation:
    logits = network(torch.from_numpy(COLOURS.pictures))
    truth = torch.from_numpy(COLOURS.labels)
    right = float((logits.argmax(1) == truth).float().mean())
    return Validation(right, float(nn.functional.cross_entropy(logits, truth).detach()))


def small(**settings: object) -> Small:
    seed_torch_at(1)
    return Small(**settings)  # type: ignore[arg-type]  # passes on what the caller names


def train(
    network: HeadedNetwork,
    folder: Path,
    recipe: Recipe = RECIPE,
    *,
    judge: Callable[[nn.Module], Validation] = validate,
    on_step: Callable[[int], None] = lambda _: None,
    key: object = "data",
) -> Fitted:
    return fit(
        network,
        COLOURS,
        judge,
        recipe,
        device=CPU,
        checkpoint=folder / "checkpoint.pth",
        key={"data": key, "recipe": recipe},
        checkpoint_seconds=0.0,
        on_step=on_step,
        on_epoch=lambda _: None,
    )


def bits(network: nn.Module) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in network.state_dict().items()}


def test_it_learns(tmp_path: Path) -> None:
    network = small()
    fitted = train(network, tmp_path, replace(RECIPE, epochs=15))
    best = fitted.history[fitted.best_epoch]
    assert best.val_metric is not None
    assert best.val_metric > 0.9
    assert fitted.history[-1].train_loss < fitted.history[0].train_loss / 2
    assert validate(network).metric == best.val_metric
    assert not network.training


def test_the_same_seed_gives_the_same_bits_and_another_others(tmp_path: Path) -> None:
    networks = [small(), small(), small()]
    for number, (network, seed) in enumerate(zip(networks, (3, 3, 4), strict=True)):
        (tmp_path / str(number)).mkdir()
        train(network, tmp_path / str(number), replace(RECIPE, seed=seed))
    assert bits(networks[0]) == bits(networks[1])
    assert bits(networks[0]) != bits(networks[2])


@pytest.mark.parametrize("last_step", [1, 3, STEPS, STEPS + 2, 3 * STEPS - 1, 4 * STEPS])
def test_interrupted_anywhere_it_ends_with_the_same_bits(tmp_path: Path, last_step: int) -> None:
    """The interrupt comes after a step and before its checkpoint: that step is done again."""

    def interrupt(step: int) -> None:
        if step == last_step:
            raise KeyboardInterrupt

    whole = small()
    (tmp_path / "whole").mkdir()
    expected = train(whole, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(small(), tmp_path, on_step=interrupt)
    resumed = small(dropout=0.3)
    steps: list[int] = []
    found = train(resumed, tmp_path, on_step=steps.append)
    assert steps == list(range(last_step, 4 * STEPS + 1))
    assert bits(resumed) == bits(whole)
    assert found == expected


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
import test_training_loop as here
here.torch.set_num_threads(1)
network = here.small()
out = Path(sys.argv[1])
here.train(network, out, on_step=lambda step: print(step, flush=True))
here.torch.save(network.state_dict(), out / "end.pth")
"""


@pytest.mark.slow
@pytest.mark.parametrize("at_step", [2, 2 * STEPS + 1])
def test_killed_by_the_system_it_ends_with_the_same_bits(tmp_path: Path, at_step: int) -> None:
    whole = small()
    (tmp_path / "whole").mkdir()
    train(whole, tmp_path / "whole")
    command = [sys.executable, "-c", PROGRAM.format(folder=str(Path(__file__).parent)), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if int(line) == at_step)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "end.pth").exists()
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    assert at_step <= int(again.stdout.split()[0]) <= 4 * STEPS, "it went on, and did not begin anew"
    end = torch.load(tmp_path / "end.pth", weights_only=True)  # noqa: TID251 - our own file
    assert {name: tensor.numpy().tobytes() for name, tensor in end.items()} == bits(whole)


def test_a_finished_training_gives_its_result_again(tmp_path: Path) -> None:
    first, again = small(), small()
    expected = train(first, tmp_path)
    progress = find_checkpoint(tmp_path / "checkpoint.pth", key={"data": "data", "recipe": RECIPE})
    assert progress is not None
    assert progress.stopped == "all 4 epochs are done"
    assert train(again, tmp_path, on_step=lambda _: pytest.fail("trained again")) == expected
    assert bits(again) == bits(first)


def test_a_checkpoint_of_other_settings_is_refused_by_name(tmp_path: Path) -> None:
    train(small(), tmp_path)
    with pytest.raises(InputError, match="with another data; train"):
        train(small(), tmp_path, key="other data")
    with pytest.raises(InputError, match="another recipe"):
        train(small(), tmp_path, replace(RECIPE, epochs=5))


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pth").write_bytes(b"PK")
    with pytest.raises(ModelError):
        train(small(), tmp_path)
    torch.save({"network": {}}, tmp_path / "checkpoint.pth")
    with pytest.raises(ModelError, match="no checkpoint"):
        train(small(), tmp_path)


def test_it_stops_early_and_keeps_the_best(tmp_path: Path) -> None:
    metrics: list[float | None] = [0.5, 0.7, 0.7, 0.6, None, 0.9]
    losses = [1.0, 0.9, 0.8, 0.1, 0.1, 0.1]
    states: list[dict[str, bytes]] = []

    def scripted(network: nn.Module) -> Validation:
        states.append(bits(network))
        return Validation(metrics[len(states) - 1], losses[len(states) - 1])

    network = small()
    fitted = train(network, tmp_path, replace(RECIPE, epochs=6, patience=2), judge=scripted)
    assert fitted.best_epoch == 2, "of equal metrics the lower loss is better"
    assert [record.val_metric for record in fitted.history] == metrics[:5]
    assert fitted.stopped == "no better validation for 2 epochs"
    assert bits(network) == states[2]
    assert states[2] != states[4]


def test_the_body_is_frozen_first_and_its_norms_for_good(tmp_path: Path) -> None:
    network = small()
    before = bits(network)
    after: list[dict[str, bytes]] = []

    def judged(network: nn.Module) -> Validation:
        after.append(bits(network))
        return Validation(None, 1.0 / len(after))

    fitted = train(network, tmp_path, replace(RECIPE, frozen_norms=True), judge=judged)
    body = [name for name in before if name.startswith("body.") and "running" not in name and "num_batches" not in name]
    statistics = [name for name in before if "running" in name]
    assert [record.frozen for record in fitted.history] == [True, False, False, False]
    assert all(after[0][name] == before[name] for name in [*body, *statistics])
    assert after[0]["top.weight"] != before["top.weight"]
    assert all(after[1][name] != before[name] for name in body)
    assert all(after[-1][name] == before[name] for name in statistics)
    moving = small()
    (tmp_path / "moving").mkdir()
    train(moving, tmp_path / "moving")
    assert any(bits(moving)[name] != before[name] for name in statistics)


def test_parts_of_a_batch_give_what_the_whole_gives(tmp_path: Path) -> None:
    networks = [small(dropout=0.0, norm=False) for _ in range(2)]
    for network, parts in zip(networks, (1, 4), strict=True):
        (tmp_path / str(parts)).mkdir()
        train(network, tmp_path / str(parts), replace(RECIPE, parts=parts))
    whole, in_parts = (network.state_dict() for network in networks)
    for name, tensor in whole.items():
        torch.testing.assert_close(in_parts[name], tensor, rtol=1e-4, atol=1e-6)


TEAM_MODULE = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, {folder!r})
import test_training_loop as here
from footage.training.loop import fit
from footage.training.team import joined
with joined("cpu") as (team, device):
    recipe = replace(here.RECIPE, parts=2)
    network = here.small(norm=False)
    out = Path(sys.argv[1])
    fit(network, here.COLOURS, here.validate, recipe, device=device, checkpoint=out / "checkpoint.pth", key={{}},
        team=team, on_step=lambda _: None, on_epoch=lambda _: None)
    here.torch.save(network.state_dict(), out / f"end{{team.rank}}.pth")
"""


@pytest.mark.slow
def test_two_processes_train_the_network_that_one_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With dropout, and through the change from the frozen body: what is drawn does not depend on who draws it."""
    (tmp_path / "team_program.py").write_text(TEAM_MODULE.format(folder=str(Path(__file__).parent)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    run_team("team_program", [str(tmp_path)], processes=2)
    ends = [torch.load(tmp_path / f"end{rank}.pth", weights_only=True) for rank in (0, 1)]  # noqa: TID251 - our own
    alone = small(norm=False)
    (tmp_path / "alone").mkdir()
    train(alone, tmp_path / "alone", replace(RECIPE, parts=2))
    before = small(norm=False).state_dict()
    for name, tensor in alone.state_dict().items():
        assert torch.equal(ends[0][name], ends[1][name]), name
        torch.testing.assert_close(ends[0][name], tensor, rtol=1e-4, atol=1e-6)
        assert not torch.equal(tensor, before[name])


@pytest.mark.slow
def test_a_process_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "failing_program.py").write_text("raise SystemExit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(FootageError, match="2 processes ended with code"):
        run_team("failing_program", [], processes=2)


def test_a_loss_that_is_no_number_is_an_error(tmp_path: Path) -> None:
    network = small()
    with torch.no_grad():
        network.top.weight.fill_(torch.inf)
    with pytest.raises(FootageError, match=r"not a finite number in step 1 of epoch 1; choose a lower learning rate"):
        train(network, tmp_path)


@pytest.mark.parametrize("change", [{"epochs": 0}, {"batch_size": 0}, {"parts": 3}, {"learning_rate": float("nan")}])
def test_what_cannot_be_trained_with_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(InputError):
        replace(RECIPE, **change)  # type: ignore[arg-type]  # mypy cannot follow a dict of fields
