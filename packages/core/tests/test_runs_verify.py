"""A run's folder is held against itself, and two against each other, by folders written as trainers write them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from footage.errors import InputError
from footage.metrics.intervals import Interval
from footage.persistence.bundle import ModelInput, ModelManifest, save_manifest
from footage.report.page import Page
from footage.runs.compare import compare_runs
from footage.runs.directory import RunDirectory, atomic_write_json
from footage.runs.verify import verify_run
from footage.tool import compared, verified

ITEMS = 40
GROUPS = 8


def write_run(folder: Path, *, wrong: int, seed: int = 0, finish: bool = True) -> Path:
    """A small training: 40 photos of 8 groups, of which the first ones are answered wrongly."""
    share = (ITEMS - wrong) / ITEMS
    accuracy = Interval(estimate=share, low=share - 0.1, high=share + 0.05, n=ITEMS, groups=GROUPS)
    metrics = {"lead": f"It is right on {100 * share:.0f} % of {ITEMS} photos.", "test": {"accuracy": accuracy}}
    with RunDirectory(folder).open(tool="blur-train", seed=seed, settings={"epochs": 3}) as run:
        model = run.file("model.onnx")
        model.write_bytes(b"a model of %d" % wrong)
        manifest = ModelManifest(
            task="blur",
            classes=("blurred", "sharp"),
            input=ModelInput(shape=(None, 8, 8, 3)),
            output="probabilities",
            training_data_sha256="0" * 64,
            split_sha256="1" * 64,
            metrics={"accuracy": accuracy},
            libraries={},
            details={"threshold": 0.5},
        )
        save_manifest(manifest, model)
        rows = [f"test,{i:02}.jpg,{i % GROUPS},sharp,{'blurred' if i < wrong else 'sharp'}" for i in range(ITEMS)]
        run.file("predictions.csv").write_text("\n".join(["side,file,group,label,predicted_class", *rows, ""]))
        atomic_write_json(run.file("metrics.json"), metrics)
        Page("A training", str(metrics["lead"])).table(["accuracy"], [[accuracy.text()]]).write(run.file("report.html"))
        if finish:
            run.finish(metrics=metrics, split_sha256="1" * 64)
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_run_as_it_was_left_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "run", wrong=4)
    found = verify_run(run)
    assert found.differing == ()
    assert {one.name for one in found.findings if one.ok} == {"finished", "model", "figures", "split", "report"}
    assert verified.show(run, as_json=False) == 0
    assert capsys.readouterr().out.endswith("(blur-train): as the run left it\n")


@pytest.mark.parametrize(
    ("file", "old", "new", "differing"),
    [
        ("model.onnx", "a model", "another", "model"),
        ("model.json", '"estimate": 0.9', '"estimate": 0.95', "figures"),
        ("metrics.json", '"n": 40', '"n": 400', "figures"),
        ("run.json", '"groups": 8', '"groups": 80', "figures"),
        ("predictions.csv", "test,00.jpg,0", "val,00.jpg,0", "split"),
        ("report.html", "right on 90 %", "right on 98 %", "report"),
        ("report.html", "0.90 [0.80", "0.97 [0.80", "report"),
    ],
)
def test_what_was_changed_is_named(tmp_path: Path, file: str, old: str, new: str, differing: str) -> None:
    run = write_run(tmp_path / "run", wrong=4)
    edit(run / file, old, new)
    assert differing in verify_run(run).differing
    assert verified.show(run, as_json=True) == 3


def test_a_data_set_is_held_against_its_list(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", wrong=4)
    (run / "a.jpg").write_bytes(b"photo")
    entry = {"file": "a.jpg", "sha256": "0" * 64, "side": "train", "group": "g"}
    entries = [entry, {**entry, "file": "../outside.jpg"}, {**entry, "file": "gone.jpg", "side": "test"}]
    (run / "manifest.json").write_text(json.dumps({"photos": entries}))
    (data,) = (one for one in verify_run(run).findings if one.name == "data")
    assert not data.ok
    for problem in ("a.jpg has another SHA-256", "leads out of the folder", "gone.jpg is missing"):
        assert problem in data.detail
    assert {"data", "split"} <= set(verify_run(run).differing)


@pytest.mark.parametrize(("second", "whole"), [((5.0, 9.0), True), ((4.0, 9.0), False)])
def test_parts_of_one_recording_may_be_on_two_sides_where_they_do_not_meet(
    tmp_path: Path, second: tuple[float, float], whole: bool
) -> None:
    run = write_run(tmp_path / "run", wrong=4)
    part = {"content": "abc", "start_seconds": 0.0, "end_seconds": 5.0}
    other = {"content": "abc", "start_seconds": second[0], "end_seconds": second[1]}
    (run / "split.json").write_text(json.dumps({"train": [part], "test": [other]}))
    assert ("split" not in verify_run(run).differing) == whole


def test_a_stopped_run_is_told(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", wrong=4, finish=False)
    assert verify_run(run).differing == ("finished",)
    assert any("stopped before its end" in note for note in compare_runs(run, run).notes)


def test_what_is_no_run_is_refused_with_what_to_do(tmp_path: Path) -> None:
    write_run(tmp_path / "inside", wrong=4)
    with pytest.raises(InputError, match="it holds the runs inside: name one of them"):
        verify_run(tmp_path)
    with pytest.raises(InputError, match="there is no such folder"):
        verify_run(tmp_path / "gone")
    edit(tmp_path / "inside" / "run.json", '"format_version": 1', '"format_version": 99')
    with pytest.raises(InputError, match="format version 99"):
        verify_run(tmp_path / "inside")


def test_two_runs_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = write_run(tmp_path / "a", wrong=10), write_run(tmp_path / "b", wrong=4, seed=7)
    found = compare_runs(first, second)
    assert [(one.name, one.first, one.second) for one in found.settings] == [("seed", 0, 7)]
    (figure,) = found.figures
    assert figure.name == "test.accuracy"
    assert figure.overlap is True
    answers = found.answers
    assert answers is not None
    assert (answers.items, len(answers.flips), answers.mended, answers.broken) == (ITEMS, 6, 6, 0)
    assert answers.gain is not None
    assert answers.gain.estimate == pytest.approx(6 / ITEMS)
    assert answers.gain.groups == GROUPS
    compared.show(first, second, as_json=False)
    shown = capsys.readouterr().out
    assert "6 of 40 items are answered differently" in shown
    assert "6 from wrong to right, 0 from right to wrong" in shown
    compared.show(first, second, as_json=True)
    assert json.loads(capsys.readouterr().out)["answers"]["mended"] == 6


def test_intervals_that_are_apart_do_not_overlap(tmp_path: Path) -> None:
    (figure,) = compare_runs(write_run(tmp_path / "a", wrong=30), write_run(tmp_path / "b", wrong=1)).figures
    assert figure.overlap is False
    (swapped,) = compare_runs(tmp_path / "b", tmp_path / "a").figures
    assert swapped.overlap is False


def test_scores_become_answers_at_the_models_threshold(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name, wrong=4) for name in "ab"]
    for run, score in zip(runs, (0.4, 0.6), strict=True):
        rows = ["side,clip,group,seconds,label,score,clip_label,clip_score", f"test,x,g,0.0,1,0.3,1,{score}", ""]
        (run / "predictions.csv").write_text("\n".join([*rows[:-1], "val,y,h,0.0,1,0.3,1,", ""]))
    answers = compare_runs(*runs).answers
    assert answers is not None
    assert (answers.items, answers.mended, answers.broken) == (1, 1, 0)


def test_an_interval_survives_the_way_through_json() -> None:
    from footage.runs.saved import as_interval

    rng = np.random.default_rng(0)
    for _ in range(20):
        low, estimate, high = np.sort(rng.random(3)).tolist()
        interval = Interval(estimate=estimate, low=low, high=high, n=3, groups=2)
        assert as_interval(json.loads(json.dumps(dataclasses.asdict(interval)))) == interval
