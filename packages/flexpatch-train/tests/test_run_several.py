"""``flexpatch-train run`` on several videos, with other models and features, and what the runtime makes of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import Command, Crowd

from flexpatch_train import TrackingFailureRecommender
from flexpatch_train.features import EXTENDED_FEATURES, FEATURES
from flexpatch_train.table import feature_matrix
from flexpatch_train.train import failure_probability
from footage.errors import ModelError
from footage.persistence.onnx import open_session
from footage.persistence.sklearn import load_estimator
from footage.synthetic.scenes import Scene
from footage.video.reader import open_video
from footage.video.writer import VideoWriter

FRAMES = 150


@pytest.fixture(scope="session")
def sequences(crowd: Crowd, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two MOT sequences: the crowd, also in half its size and length, and a scene of its own."""
    root = tmp_path_factory.mktemp("sequences")
    for name in ("crowd", "other"):
        (root / name / "gt").mkdir(parents=True)
        (root / name / "det").mkdir()
    shutil.copy(crowd.video, root / "crowd" / "crowd.mp4")
    shutil.copy(crowd.truth, root / "crowd" / "gt" / "gt_480x270.txt")
    shutil.copy(crowd.detections, root / "crowd" / "det" / "det.txt")
    _write_half(crowd.video, root / "crowd" / "half.mp4")
    rows = [line.split(",") for line in crowd.truth.read_text().splitlines() if int(line.split(",")[0]) <= FRAMES]
    half = [
        [*row[:2], *(f"{(float(v) - k) / 2 + k}" for v, k in zip(row[2:6], (1, 1, 0, 0), strict=True)), *row[6:]]
        for row in rows
    ]
    (root / "crowd" / "gt" / "gt_240x134.txt").write_text("".join(",".join(row) + "\n" for row in half))
    scene = Scene.random(
        np.random.default_rng(11),
        size=(480, 270),
        objects=30,
        frames=FRAMES,
        object_height=(0.15, 0.3),
        noise=2.0,
        speed_px_per_frame=(2.0, 5.0),
    )
    scene.write_video(root / "other" / "other.mp4")
    scene.write_mot(root / "other" / "gt" / "gt.txt", minimum_visibility=0.2)
    shutil.copy(root / "other" / "gt" / "gt.txt", root / "other" / "det" / "det.txt")
    return root


def _write_half(source: Path, target: Path) -> None:
    with (
        open_video(source) as reader,
        VideoWriter(target, size=(240, 134), rate=reader.info.average_rate or 25) as writer,
    ):
        for frame in reader.frames(stop=FRAMES):
            writer.write(np.ascontiguousarray(frame.image[: 134 * 2 : 2, ::2]))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("several") / "out"


@pytest.fixture
def forest(sequences: Path, folder: Path, flexpatch: Command) -> Path:
    """A run with a forest over all features, one sequence held out whole; made once."""
    if not (folder / "report.html").exists():
        ended = flexpatch(
            "run",
            "--mot-root",
            sequences,
            "--hold-out",
            "other",
            "--model",
            "forest",
            "--features",
            "extended",
            "--max-frames",
            0,
            "--output-dir",
            folder,
        )
        assert ended.code == 0, ended.err
        assert "crowd is there in 2 sizes: 480x270 is taken" in ended.err
    return folder


def test_a_sequence_held_out_is_tested_on_and_not_learned_from(forest: Path) -> None:
    table, test = (pd.read_csv(forest / name) for name in ("training_data.csv", "predictions.csv"))
    metrics = json.loads((forest / "metrics.json").read_text())
    assert set(table["clip"]) == {"crowd", "other"}
    assert (test["clip"] == "other").sum() == (table["clip"] == "other").sum()
    assert 0 < (test["clip"] == "crowd").sum() < (table["clip"] == "crowd").sum()
    assert metrics["held_out"]["what"].endswith("and the whole of other")
    assert set(metrics["by_clip"]) == {"crowd", "other"}
    assert sum(np.sum(c["rows_true_columns_predicted"]) for c in metrics["by_clip"].values()) == len(test)
    assert metrics["features"] == list(EXTENDED_FEATURES)
    page = (forest / "report.html").read_text()
    assert page.index("share of failures caught") < page.index("macro-F1 on held-out boxes")
    assert "Held-out boxes of other" in page


def test_joblib_onnx_and_recommender_say_the_same_of_every_held_out_box(forest: Path) -> None:
    test = pd.read_csv(forest / "predictions.csv")
    features = feature_matrix(test, EXTENDED_FEATURES)
    model = load_estimator(forest / "flexpatch_model.joblib")
    labels, _ = open_session(forest / "flexpatch_model.onnx").run(features)
    assert labels.astype(str).tolist() == test["predicted"].tolist() == model.predict(features).tolist()
    recommender = TrackingFailureRecommender.load(forest / "flexpatch_model.joblib")
    assert recommender.feature_names == EXTENDED_FEATURES
    assert recommender.is_calibrated
    raw, risks = failure_probability(model, features), recommender.risks(features)
    order = np.argsort(raw)
    assert (np.diff(risks[order]) >= -1e-6).all(), "calibration keeps the order"
    assert not np.allclose(risks, raw)


def test_check_reproduces_the_score_and_refuses_a_changed_onnx(
    forest: Path, tmp_path: Path, flexpatch: Command
) -> None:
    assert flexpatch("check", forest / "flexpatch_model.joblib").code == 0
    copy = tmp_path / "copy"
    shutil.copytree(forest, copy)
    graph = copy / "flexpatch_model.onnx"
    graph.write_bytes(graph.read_bytes() + b"\0")
    changed = flexpatch("check", copy / "flexpatch_model.joblib")
    assert changed.code == 1
    assert "flexpatch_model.onnx: was changed" in changed.err
    with pytest.raises(ModelError, match="was changed"):
        TrackingFailureRecommender(copy / "flexpatch_model.joblib")
    graph.unlink()
    with pytest.raises(ModelError, match="no such file"):
        TrackingFailureRecommender(copy / "flexpatch_model.joblib")


def test_a_second_model_goes_on_with_the_detections_of_the_first(
    forest: Path, sequences: Path, tmp_path: Path, flexpatch: Command
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(forest, copy)
    ended = flexpatch("run", "--mot-root", sequences, "--search", "--max-frames", 0, "--output-dir", copy)
    assert ended.code == 0, ended.err
    assert "crowd: going on: the detections of 300 frames" in ended.err
    assert f"other: going on: the detections of {FRAMES} frames" in ended.err
    metrics = json.loads((copy / "metrics.json").read_text())
    assert metrics["features"] == list(FEATURES)
    best = max(metrics["search"], key=lambda trial: trial["macro_f1"])
    assert metrics["max_depth"] in {t["max_depth"] for t in metrics["search"] if t["macro_f1"] == best["macro_f1"]}
    assert metrics["held_out"]["what"].startswith("the last 30 % of each of 2 videos")


def test_what_does_not_go_together_is_refused(
    crowd: Crowd, sequences: Path, tmp_path: Path, flexpatch: Command
) -> None:
    out = ("--output-dir", tmp_path / "out")
    nothing = flexpatch("run", *out)
    assert nothing.code == 2
    assert "--mot-root" in nothing.err
    copies = flexpatch("run", crowd.video, sequences / "crowd" / "crowd.mp4", *out)
    assert copies.code == 1
    assert "is a copy of" in copies.err
    one_truth = flexpatch("run", crowd.video, sequences / "other" / "other.mp4", "--gt", crowd.truth, *out)
    assert one_truth.code == 1
    assert "one ground truth cannot belong to several videos" in one_truth.err
    unknown = flexpatch("run", crowd.video, "--detector", "motion", "--max-frames", 60, "--hold-out", "x.mp4", *out)
    assert unknown.code == 1
    assert "there is no x.mp4 to hold out" in unknown.err
