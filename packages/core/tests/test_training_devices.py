"""Which device is taken: the one asked for or none; on machines with and without GPUs."""

from __future__ import annotations

import pytest
import torch

from footage.errors import MissingDependency
from footage.training.devices import resolve_device


def machine(monkeypatch: pytest.MonkeyPatch, *, gpus: int = 0, is_mac: bool = False) -> None:
    """Let torch find what another machine has."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"GPU of slot {index}")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: is_mac)


def test_auto_takes_the_first_gpu_then_the_macs_then_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, gpus=2, is_mac=True)
    assert (resolve_device("auto").name, resolve_device("auto").reason) == ("cuda:0", "GPU of slot 0, the first GPU")
    machine(monkeypatch, is_mac=True)
    assert resolve_device("auto").name == "mps"
    machine(monkeypatch)
    assert resolve_device("auto").name == "cpu"
    assert resolve_device("auto").reason == f"the CPU: torch {torch.__version__} finds no GPU"


def test_a_device_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, gpus=2, is_mac=True)
    assert (resolve_device("cpu").name, resolve_device("cuda").name) == ("cpu", "cuda:0")
    assert (resolve_device("cuda:1").name, resolve_device("cuda:1").reason) == (
        "cuda:1",
        "GPU of slot 1, as asked for",
    )
    assert resolve_device("mps").name == "mps"
    assert resolve_device("cpu").torch == torch.device("cpu")


@pytest.mark.parametrize(
    ("gpus", "wanted", "said"),
    [
        (0, "cuda", "cuda:0: torch .* finds no GPU; install a torch built for CUDA"),
        (1, "cuda:1", "cuda:1: torch .* finds 1 GPU, numbered from 0;"),
        (2, "cuda:2", "cuda:2: torch .* finds 2 GPUs, numbered from 0;"),
        (2, "mps", "cannot compute on mps here; that needs a Mac"),
    ],
)
def test_a_device_that_is_not_there_is_an_error_and_not_the_cpu(
    monkeypatch: pytest.MonkeyPatch, gpus: int, wanted: str, said: str
) -> None:
    machine(monkeypatch, gpus=gpus)
    with pytest.raises(MissingDependency, match=said):
        resolve_device(wanted)


@pytest.mark.parametrize("wanted", ["gpu", "cuda:", "cuda:x", "cpu:0", "CUDA", ""])
def test_other_names_are_refused(wanted: str) -> None:
    with pytest.raises(ValueError, match="expected auto, cpu, cuda, cuda:N or mps"):
        resolve_device(wanted)
