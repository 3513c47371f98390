"""``flexpatch-train run`` from a video file to a report, as its user types it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import FRAMES, Command, Crowd

from flexpatch_train.features import FEATURES
from flexpatch_train.holding_out import PURGE_FRAMES, hold_out
from flexpatch_train.labels import LABELS
from flexpatch_train.table import read_table
from footage.persistence.sklearn import load_estimator

FILES = ("training_data.csv", "flexpatch_model.joblib", "flexpatch_model.json", "metrics.json", "predictions.csv")


@pytest.fixture(scope="session")
def finished(crowd: Crowd, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one finished run with labels from the exact boxes."""
    folder = tmp_path_factory.mktemp("finished") / "flexpatch_training"
    subprocess.run(command(crowd, folder), check=True, capture_output=True)
    return folder


def command(crowd: Crowd, folder: Path, *more: str) -> list[str]:
    program = [sys.executable, "-m", "flexpatch_train.cli", "run", str(crowd.video), "--output-dir", str(folder)]
    return [*program, "--weights", str(crowd.detections), "--gt", str(crowd.truth), "--max-frames", "0", *more]


def test_the_csv_begins_with_the_columns_its_users_know(finished: Path) -> None:
    header = (finished / "training_data.csv").read_text().splitlines()[0]
    assert header.startswith("min_eig,ncc,accel,flow_std,confidence,iou_label,clip,track_id,")
    table = pd.read_csv(finished / "training_data.csv")
    assert set(table["iou_label"]) == set(LABELS)
    assert table["ncc"].between(-1, 1).all()
    assert table["confidence"].between(0, 1).all()
    known = table["iou"].notna()
    assert ((table.loc[known, "iou"] > 0.5) == (table.loc[known, "iou_label"] == "low")).all()
    assert (table.loc[~known, "left"] == 1).all()


def test_the_report_opens_with_the_result_beside_the_baselines(finished: Path) -> None:
    page = (finished / "report.html").read_text()
    metrics = json.loads((finished / "metrics.json").read_text())
    lead = re.search(r'class="lead">(.*?)</p>', page, re.DOTALL)
    assert lead is not None
    share = r"\d+ % \[\d+, \d+\]"
    caught = rf"catches {share} of the \d+ lost ones among \d+ held-out boxes of \d+ objects; .* catches {share}\."
    assert re.search(caught, lead[1])
    assert metrics["lead"] == lead[1]
    figure = r"\d\.\d\d \[\d\.\d\d, \d\.\d\d\] \(n = \d+ boxes of \d+ objects\)"
    assert metrics["scores"] in page
    assert re.search(f"macro-F1 of {figure} and a recall of high risk of {figure}", metrics["scores"])
    for baseline in ("always the majority", "confidence only", "time since detection only"):
        assert baseline in metrics["scores"]
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page


def test_held_out_rows_are_of_other_objects_and_later_frames(finished: Path) -> None:
    """The split is made anew from the table on disk; the predictions on disk must be its test rows, and no others."""
    table = read_table(finished / "training_data.csv")
    test = pd.read_csv(finished / "predictions.csv")
    rows = json.loads((finished / "metrics.json").read_text())["rows"]
    split = hold_out(table, np.random.default_rng(42))
    assert split.by_time
    key = ["track_id", "start_frame", "frame"]
    assert test[key].to_numpy().tolist() == table.iloc[split.test][key].to_numpy().tolist()
    train = table.iloc[split.train]
    assert (rows["train"], rows["test"]) == (len(train), len(test))
    assert rows["train"] + rows["test"] + sum(rows["neither"].values()) == len(table)
    assert not set(test["track_id"]) & set(train["track_id"])
    assert test["start_frame"].min() >= train["frame"].max() + PURGE_FRAMES


def test_the_model_on_disk_gives_the_predictions_on_disk(finished: Path) -> None:
    model = load_estimator(finished / "flexpatch_model.joblib")
    assert list(model.classes_) == sorted(LABELS)
    assert 1 <= model.get_depth() <= 5
    assert (model.max_depth, model.min_samples_split, model.random_state) == (5, 10, 42)
    test = pd.read_csv(finished / "predictions.csv")
    assert model.predict(test[list(FEATURES)].to_numpy()).tolist() == test["predicted"].tolist()


def test_the_model_learned_something_that_no_baseline_knows(finished: Path) -> None:
    """On a scene with exact truth the tree must beat the majority by far."""
    scores = {s["name"]: s for s in json.loads((finished / "metrics.json").read_text())["held_out"]["scores"]}
    tree, majority = scores["decision tree"], scores["always the majority"]
    assert tree["macro_f1"]["estimate"] > majority["macro_f1"]["high"]
    assert tree["recall_high"]["estimate"] > 0.3


def test_the_same_seed_gives_the_same_files_byte_for_byte(
    crowd: Crowd, finished: Path, tmp_path: Path, flexpatch: Command
) -> None:
    again = tmp_path / "again"
    assert flexpatch(*command(crowd, again)[3:]).code == 0
    for name in (*FILES, "report.html"):
        assert (again / name).read_bytes() == (finished / name).read_bytes(), name


@pytest.mark.parametrize("frames", [1, FRAMES // 2])
def test_killed_and_started_again_it_ends_with_the_same_files(
    crowd: Crowd, tmp_path: Path, frames: int, flexpatch: Command
) -> None:
    arguments = ["run", crowd.video, "--detector", "motion", "--gt", crowd.truth, "--max-frames", 0, "--output-dir"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    program = [sys.executable, "-m", "flexpatch_train.cli", *map(str, arguments), str(killed)]
    process = subprocess.Popen(program, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    journal = killed / "detections.jsonl"
    while process.poll() is None:
        if journal.exists() and journal.read_bytes().count(b"\n") > frames:
            os.kill(process.pid, signal.SIGKILL)
            break
    assert process.wait() == -signal.SIGKILL
    assert not (killed / "report.html").exists()
    done = journal.read_bytes().count(b"\n") - 1

    resumed = flexpatch(*arguments, killed)
    assert resumed.code == 0, resumed.err
    assert "going on" in resumed.err
    assert flexpatch(*arguments, whole).code == 0
    assert 0 < done < FRAMES
    for name in FILES:
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name


def test_other_settings_start_anew_and_more_frames_go_on(crowd: Crowd, tmp_path: Path, flexpatch: Command) -> None:
    base = ["run", crowd.video, "--gt", crowd.truth, "--output-dir", tmp_path / "out"]
    assert flexpatch(*base, "--weights", crowd.detections, "--max-frames", 120).code == 0
    more = flexpatch(*base, "--weights", crowd.detections, "--max-frames", 200)
    assert "going on: the detections of 120 frames" in more.err
    other = flexpatch(*base, "--weights", crowd.detections, "--max-frames", 120, "--confidence", 0.5)
    assert "starting anew" in other.err
    assert other.code == 0


def test_json_is_one_document_on_stdout(crowd: Crowd, tmp_path: Path, flexpatch: Command) -> None:
    ended = flexpatch("run", crowd.video, "--weights", crowd.detections, "--json", "--output-dir", tmp_path / "out")
    document = json.loads(ended.out)
    assert document["held_out"]["scores"][0]["name"] == "decision tree"
    assert all(Path(file).is_file() for file in document["files"])


def test_a_dry_run_writes_nothing(crowd: Crowd, tmp_path: Path, flexpatch: Command) -> None:
    ended = flexpatch("run", crowd.video, "--detector", "motion", "--dry-run", "--output-dir", tmp_path / "out")
    assert ended.code == 0
    assert "would read 200 frames" in ended.out
    assert "motion" in ended.out
    assert not (tmp_path / "out").exists()


def test_check_reproduces_the_score_and_refuses_a_changed_model(
    finished: Path, tmp_path: Path, flexpatch: Command
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    model = copy / "flexpatch_model.joblib"
    good = flexpatch("check", model)
    assert good.code == 0
    assert "computed anew on the held-out rows" in good.out
    model.write_bytes(model.read_bytes() + b"x")
    bad = flexpatch("check", model)
    assert bad.code == 1
    assert "SHA-256" in bad.err


def test_check_notices_a_score_that_is_not_the_models(finished: Path, tmp_path: Path, flexpatch: Command) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    manifest = copy / "flexpatch_model.json"
    document = json.loads(manifest.read_text())
    document["metrics"]["macro_f1"]["estimate"] = 0.99
    manifest.write_text(json.dumps(document))
    ended = flexpatch("check", copy / "flexpatch_model.joblib")
    assert ended.code == 3
    assert "0.99" in ended.err
