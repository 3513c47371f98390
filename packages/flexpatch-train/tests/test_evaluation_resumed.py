"""``flexpatch-train evaluate`` that was killed goes on with the sequences it had not finished."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Command
from networks import constant_network
from red_objects import save_ncc_model

from flexpatch_train.features import FEATURES
from flexpatch_train.labels import LABELS
from flexpatch_train.model import TASK
from footage.persistence.bundle import ModelInput, ModelManifest, save_manifest
from footage.video.writer import VideoWriter

SIZE = (128, 64)
BOX = (32, 16, 64, 56)
LENGTHS = {"first": 12, "second": 70}
COUNTED = ("name", "canvas_sizes", "scores", "hota_kept", "pixel_share", "network_pixel_share", "detector_calls")


@dataclass(frozen=True)
class World:
    """A model, two sequences and a network that always finds the same box."""

    model: Path
    root: Path
    weights: Path

    def arguments(self, output: Path, *more: object) -> list[str]:
        given = ["evaluate", self.model, "--mot-root", self.root, "--weights", self.weights, "-o", output, *more]
        return [str(argument) for argument in given]


@pytest.fixture
def world(tmp_path: Path) -> World:
    model = tmp_path / "flexpatch_model.joblib"
    save_ncc_model(model)
    manifest = ModelManifest(
        task=TASK,
        classes=tuple(sorted(LABELS)),
        input=ModelInput(features=FEATURES, preprocessing={}),
        output="labels",
        training_data_sha256="0" * 64,
        split_sha256="0" * 64,
        metrics={},
        libraries={},
    )
    save_manifest(manifest, model)
    root = tmp_path / "mot"
    picture = np.random.default_rng(0).integers(0, 255, (SIZE[1], SIZE[0] + 90, 3)).astype(np.uint8)
    for name, frames in LENGTHS.items():
        (root / name / "gt").mkdir(parents=True)
        with VideoWriter(root / name / "pan.mp4", size=SIZE, rate=Fraction(25)) as writer:
            for frame in range(frames):
                writer.write(np.ascontiguousarray(picture[:, frame : frame + SIZE[0]]))
        write_truth(root / name, frames)
    found = np.zeros((1, 20, 6), np.float32)
    found[0, 0] = (*BOX, 0.9, 0)
    weights = constant_network(tmp_path / "found.onnx", found, names="{0: 'person', 1: 'car'}")
    return World(model, root, weights)


def write_truth(folder: Path, frames: int, shift: int = 0) -> None:
    x0, y0, x1, y1 = BOX
    (folder / "gt" / "gt.txt").write_text(
        "".join(f"{i},1,{x0 + 1 + shift},{y0 + 1},{x1 - x0},{y1 - y0},1,1,1\n" for i in range(1, frames + 1))
    )


def evaluation(folder: Path) -> dict[str, Any]:
    loaded = json.loads((folder / "evaluation.json").read_text())
    assert isinstance(loaded, dict)
    return loaded


def counted(document: dict[str, Any]) -> list[list[object]]:
    """All that does not depend on the clock: over all sequences, then of each."""
    parts = [document["ways"], *(sequence["ways"] for sequence in document["sequences"])]
    return [[way[name] for name in COUNTED] for part in parts for way in part]


def records(folder: Path) -> list[bytes]:
    journal = folder / "sequences.jsonl"
    return journal.read_bytes().splitlines(keepends=True)[1:] if journal.exists() else []


def test_killed_and_started_again_it_ends_with_the_same_scores(
    world: World, tmp_path: Path, flexpatch: Command
) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    program = [sys.executable, "-m", "flexpatch_train.cli", *world.arguments(killed)]
    process = subprocess.Popen(program, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        if len(records(killed)) == 1 and records(killed)[0].endswith(b"\n"):
            os.kill(process.pid, signal.SIGKILL)
            break
    assert process.wait() == -signal.SIGKILL
    first = records(killed)
    assert len(first) == 1
    assert not (killed / "evaluation.json").exists()

    resumed = flexpatch(*world.arguments(killed))
    assert resumed.code == 0, resumed.err
    assert "going on: 1 of 2 sequences" in resumed.err
    assert "earlier run, times included: first." in resumed.out
    assert flexpatch(*world.arguments(whole)).code == 0
    again, undisturbed = evaluation(killed), evaluation(whole)
    assert counted(again) == counted(undisturbed)
    assert again["ways"][0]["scores"]["frames"] == sum(LENGTHS.values())
    # The first sequence was not done again: its record is the same, and its times are those of the killed run.
    assert records(killed)[0] == first[0]
    assert len(records(killed)) == len(records(whole)) == 2
    costs = json.loads(first[0])["ways"][0]["costs"]
    milliseconds = 1e3 * np.mean([sum(cost["stages"].values()) for cost in costs])
    assert again["sequences"][0]["ways"][0]["total"]["mean"] == pytest.approx(milliseconds)


def test_only_what_changed_is_done_again(world: World, tmp_path: Path, flexpatch: Command) -> None:
    out, smoke = tmp_path / "out", ("--max-frames", 10)
    assert flexpatch(*world.arguments(out, *smoke)).code == 0
    before = evaluation(out)
    write_truth(world.root / "second", LENGTHS["second"], shift=8)
    changed = flexpatch(*world.arguments(out, *smoke, "--seed", 1))
    assert "going on: 1 of 2 sequences" in changed.err
    after = evaluation(out)
    scores = [[one["ways"][0]["scores"]["hota"] for one in document["sequences"]] for document in (before, after)]
    assert scores[0][0] == scores[1][0]
    assert scores[0][1] > scores[1][1]
    assert "starting anew" not in changed.err
    other = flexpatch(*world.arguments(out, *smoke, "--budget", 0.5))
    assert "starting anew: the journal there was made with another budgets" in other.err
    assert other.code == 0


def test_a_record_of_something_else_is_refused(world: World, tmp_path: Path, flexpatch: Command) -> None:
    out = tmp_path / "out"
    assert flexpatch(*world.arguments(out, "--max-frames", 3)).code == 0
    journal = out / "sequences.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    broken = json.loads(lines[1])
    del broken["ways"][3]
    journal.write_bytes(lines[0] + json.dumps(broken).encode("ascii") + b"\n")
    ended = flexpatch(*world.arguments(out, "--max-frames", 3))
    assert ended.code == 1
    assert "record 0 is not a sequence's results" in ended.err
    assert "remove the file and start again" in ended.err
