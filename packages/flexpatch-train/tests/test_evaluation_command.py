"""``flexpatch-train evaluate`` as its user types it, on the output of a run and a tiny MOT root."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import Command, Crowd
from networks import constant_network

from flexpatch_train import cli
from flexpatch_train.product_curve import MODEL, ORACLE, RANDOM
from footage.metrics.ranking import recall_at_budget
from footage.persistence.bundle import manifest_path
from footage.video.writer import VideoWriter

SIZE = (128, 64)
FRAMES = 40
BOX = (32, 16, 64, 56)
WAY_COUNT = 7


@dataclass(frozen=True)
class Ready:
    """What the command needs."""

    model: Path
    root: Path
    weights: Path

    def arguments(self, output: Path, *more: object) -> list[object]:
        return ["evaluate", self.model, "--mot-root", self.root, "--weights", self.weights, "-o", output, *more]


@pytest.fixture(scope="module")
def trained(crowd: Crowd, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of a run, with its table beside it."""
    folder = tmp_path_factory.mktemp("trained") / "flexpatch_training"
    arguments = ["run", str(crowd.video), "-o", str(folder), "--weights", str(crowd.detections), "--max-frames", "150"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["flexpatch-train", *arguments, "--gt", str(crowd.truth)])
        with pytest.raises(SystemExit) as ending:
            cli.main()
    assert not ending.value.code
    return folder / "flexpatch_model.joblib"


@pytest.fixture
def ready(trained: Path, tmp_path: Path) -> Ready:
    """A still scene with one object, and a network that always says where it is in the whole frame."""
    root = tmp_path / "mot"
    (root / "still" / "gt").mkdir(parents=True)
    picture = np.random.default_rng(0).integers(0, 255, (SIZE[1], SIZE[0], 3)).astype(np.uint8)
    with VideoWriter(root / "still" / "still.mp4", size=SIZE, rate=Fraction(25)) as writer:
        for _ in range(FRAMES):
            writer.write(picture)
    x0, y0, x1, y1 = BOX
    (root / "still" / "gt" / "gt.txt").write_text(
        "".join(f"{frame},1,{x0 + 1},{y0 + 1},{x1 - x0},{y1 - y0},1,1,1\n" for frame in range(1, FRAMES + 1))
    )
    found = np.zeros((1, 20, 6), np.float32)
    found[0, 0] = (*BOX, 0.9, 0)
    weights = constant_network(tmp_path / "found.onnx", found, names="{0: 'person', 1: 'car'}")
    return Ready(trained, root, weights)


def document(text: str) -> dict[str, Any]:
    loaded = json.loads(text)
    assert isinstance(loaded, dict)
    return loaded


def test_report_and_json_say_the_same(ready: Ready, tmp_path: Path, flexpatch: Command) -> None:
    ended = flexpatch(*ready.arguments(tmp_path / "out"))
    assert ended.code == 0, ended.err
    written = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    page = (tmp_path / "out" / "evaluation.html").read_text()
    lead = re.search(r'class="lead">(.*?)</p>', page, re.DOTALL)
    assert lead is not None
    assert written["lead"] == lead[1]
    assert ended.out.startswith(written["lead"])
    assert page.index("<svg") < page.index("FlexPatch beside full frames")
    assert "takes pictures of 128x64 only" in page
    assert "takes pictures of 128x64 only" in ended.out
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert len(written["ways"]) == WAY_COUNT
    full = written["ways"][0]
    assert full["scores"]["hota"] > 0.99
    assert (full["scores"]["frames"], full["scores"]["objects"], full["scores"]["boxes"]) == (FRAMES, 1, FRAMES)
    assert full["detector_calls"] == FRAMES
    assert [round(way["pixel_share"], 3) for way in written["ways"][:5]] == [1.0, 0.5, 0.25, 0.15, 0.1]
    for way in written["ways"][5:]:
        assert way["network_pixel_share"] == 1.0
        assert way["pixel_share"] < way["budget"] + 1 / FRAMES
        assert way["scores"]["hota"] is not None


def test_the_product_curve_is_that_of_the_held_out_rows(ready: Ready, tmp_path: Path, flexpatch: Command) -> None:
    ended = flexpatch(*ready.arguments(tmp_path / "out", "--smoke", "--json"))
    assert ended.code == 0, ended.err
    product = document(ended.out)["product"]
    held_out = pd.read_csv(ready.model.with_name("predictions.csv"))
    failed = (held_out["iou_label"] != "low").to_numpy()
    assert (product["rows"], product["failures"]) == (len(held_out), int(failed.sum()))
    by_name = {one["name"]: one for one in product["rankings"]}
    at_a_quarter = {name: one["at_marks"][0]["estimate"] for name, one in by_name.items()}
    age = held_out["frame"] - held_out["start_frame"]
    assert at_a_quarter["oldest first"] == pytest.approx(recall_at_budget(age, failed, None, 0.25))
    assert at_a_quarter["least confident first"] == pytest.approx(
        recall_at_budget(-held_out["confidence"], failed, None, 0.25)
    )
    assert at_a_quarter[RANDOM] == pytest.approx(0.25, abs=1 / len(held_out))
    assert at_a_quarter[RANDOM] < at_a_quarter[MODEL] <= at_a_quarter[ORACLE]
    for one in by_name.values():
        assert one["by_boxes"][0] == 0
        assert one["by_boxes"][-1] == one["by_pixels"][-1] == 1
        assert one["by_boxes"] == sorted(one["by_boxes"])
    assert 0 <= product["calibration"]["error"] <= 1


def test_smoke_and_max_frames_and_budgets(ready: Ready, tmp_path: Path, flexpatch: Command) -> None:
    smoke = flexpatch(*ready.arguments(tmp_path / "a", "--smoke", "--json"))
    few = flexpatch(*ready.arguments(tmp_path / "b", "--max-frames", 7, "--budget", 0.5, "--json"))
    assert (smoke.code, few.code) == (0, 0)
    assert document(smoke.out)["ways"][0]["scores"]["frames"] == 30
    ways = document(few.out)["ways"]
    assert ways[0]["scores"]["frames"] == 7
    assert [way["budget"] for way in ways if way["budget"] is not None] == [0.5]


def test_a_network_with_free_sides_takes_canvases_as_they_are(ready: Ready, tmp_path: Path, flexpatch: Command) -> None:
    found = np.zeros((1, 20, 6), np.float32)
    found[0, 0] = (*BOX, 0.9, 0)
    free = constant_network(
        tmp_path / "free.onnx", found, shape=(1, 3, "height", "width"), names="{0: 'person', 1: 'car'}"
    )
    ended = flexpatch(*Ready(ready.model, ready.root, free).arguments(tmp_path / "out", "--smoke", "--json"))
    assert ended.code == 0, ended.err
    ways = document(ended.out)["ways"]
    assert all(way["network_pixel_share"] == pytest.approx(way["pixel_share"]) for way in ways)


def test_what_cannot_be_paired_is_listed_and_ends_with_4(ready: Ready, tmp_path: Path, flexpatch: Command) -> None:
    (ready.root / "lonely" / "gt").mkdir(parents=True)
    shutil.copy(ready.root / "still" / "gt" / "gt.txt", ready.root / "lonely" / "gt" / "gt.txt")
    plan = flexpatch(*ready.arguments(tmp_path / "out", "--dry-run"))
    assert plan.code == 4
    assert f"would evaluate still: {FRAMES} frames of 128x64" in plan.out
    assert "would leave out" in plan.out
    assert not (tmp_path / "out").exists()
    ended = flexpatch(*ready.arguments(tmp_path / "out", "--smoke", "--json"))
    assert ended.code == 4
    assert "lonely" in ended.err
    assert len(document(ended.out)["left_out"]) == 2


def test_without_the_table_there_is_no_curve_and_it_says_so(ready: Ready, tmp_path: Path, flexpatch: Command) -> None:
    model = tmp_path / "moved" / ready.model.name
    model.parent.mkdir()
    shutil.copy(ready.model, model)
    shutil.copy(manifest_path(ready.model), manifest_path(model))
    ended = flexpatch(*Ready(model, ready.root, ready.weights).arguments(tmp_path / "out", "--smoke"))
    assert ended.code == 0, ended.err
    assert "no product curve" in ended.err
    assert "training_data.csv: there is no such file" in (tmp_path / "out" / "evaluation.html").read_text()


def test_a_model_is_told_that_it_was_trained_on_the_video(
    ready: Ready, crowd: Crowd, tmp_path: Path, flexpatch: Command
) -> None:
    root = tmp_path / "same"
    (root / "gt").mkdir(parents=True)
    shutil.copy(crowd.video, root / "crowd.mp4")
    shutil.copy(crowd.truth, root / "gt" / "gt.txt")
    ended = flexpatch(*Ready(ready.model, root, ready.weights).arguments(tmp_path / "out", "--max-frames", 3))
    assert ended.code == 0, ended.err
    assert "the model was trained on this very video" in ended.out


def test_bad_input_is_one_clear_line(ready: Ready, tmp_path: Path, flexpatch: Command) -> None:
    changed = tmp_path / "changed" / ready.model.name
    changed.parent.mkdir()
    changed.write_bytes(ready.model.read_bytes() + b"x")
    shutil.copy(manifest_path(ready.model), manifest_path(changed))
    (tmp_path / "empty").mkdir()
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"x")
    text = tmp_path / "text.onnx"
    text.write_text("no network")
    out = tmp_path / "out"
    cases = {
        "there is no such model file": Ready(tmp_path / "none.joblib", ready.root, ready.weights).arguments(out),
        "SHA-256 differs": Ready(changed, ready.root, ready.weights).arguments(out),
        "there is no such folder": Ready(ready.model, tmp_path / "none", ready.weights).arguments(out),
        "no sequence with ground truth": Ready(ready.model, tmp_path / "empty", ready.weights).arguments(out),
        "only networks in ONNX": Ready(ready.model, ready.root, weights).arguments(out),
        "text.onnx": Ready(ready.model, ready.root, text).arguments(out),
        "a budget of 1.5": ready.arguments(out, "--budget", 1.5),
        "less than 32x32 pixels": ready.arguments(out, "--budget", 0.01),
        "holds a trained model": ready.arguments(ready.model.parent),
        "dragon": ready.arguments(out, "--classes", "dragon"),
    }
    for expected, arguments in cases.items():
        ended = flexpatch(*arguments)
        assert (ended.code, ended.out) == (1, ""), expected
        assert expected in ended.err
        assert len([line for line in ended.err.splitlines() if line.startswith("error")]) == 1
    assert flexpatch("evaluate", ready.model).code == 2
