"""Devices for scoring. No GPU is needed: ONNX Runtime and torch only say here that there are some."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path

import onnxruntime
import pytest
import torch

from footage.errors import InputError
from highlight_train.scoring import devices
from highlight_train.scoring.devices import device_of_this_process, devices_of


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """A process keeps its device; a test must not keep another test's."""
    device_of_this_process.cache_clear()
    yield
    device_of_this_process.cache_clear()


@pytest.fixture
def three_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)


@pytest.mark.usefixtures("three_gpus")
def test_all_gpus_are_taken_unless_one_is_named() -> None:
    every = ("cuda:0", "cuda:1", "cuda:2")
    assert devices_of("auto") == devices_of("cuda") == every
    assert devices_of("cuda:1") == ("cuda:1",)
    assert devices_of("cpu") == ("cpu",)


def test_a_runtime_that_computes_on_gpus_and_finds_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert devices_of("auto") == ("cpu",)
    # Asked for by name it is tried, so that whoever asked hears why it does not work.
    assert devices_of("cuda") == ("cuda:0",)


@pytest.mark.usefixtures("three_gpus")
def test_a_process_keeps_its_device_until_it_ends(tmp_path: Path) -> None:
    assert device_of_this_process("auto", tmp_path) == "cuda:0"
    assert device_of_this_process("auto", tmp_path) == "cuda:0"
    assert device_of_this_process("auto", None) == "cuda:0"
    assert device_of_this_process("cuda:2", tmp_path) == "cuda:2"
    with pytest.raises(InputError, match="does not run on mps"):
        device_of_this_process("mps", tmp_path)


def _take(locks: Path, told: Queue[str], enough: Event) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(devices, "devices_of", lambda _: ("cuda:0", "cuda:1"))
        told.put(device_of_this_process("auto", locks))
    enough.wait()


def test_processes_share_the_gpus_and_a_third_one_of_two_waits_for_none(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    told, enough = context.Queue(), context.Event()
    workers = [context.Process(target=_take, args=(tmp_path, told, enough)) for _ in range(3)]
    taken = []
    for worker in workers:  # one after another: which gets which is then no matter of luck
        worker.start()
        taken.append(told.get(timeout=60))
    enough.set()
    for worker in workers:
        worker.join(60)
    assert taken[:2] == ["cuda:0", "cuda:1"]
    assert taken[2] in {"cuda:0", "cuda:1"}
