"""``run`` on real footage of pedestrians with a real detector, beside human ground truth."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from commands import Command

from flexpatch_train.labels import LABELS


@pytest.mark.slow
def test_pedestrians_with_a_network_and_human_ground_truth(
    tmp_path: Path, flexpatch: Command, shared_data: Path
) -> None:
    sequence = shared_data / "mot" / "PETS09-S2L1"
    ended = flexpatch(
        *("run", sequence / "PETS09-S2L1_480x360.mp4", "--weights", shared_data / "det" / "yolov8n_int8.onnx"),
        *("--gt", sequence / "gt" / "gt.txt", "--classes", "person", "--max-frames", 300, "-o", tmp_path / "out"),
    )
    assert ended.code == 0, ended.err
    assert "onnx: yolov8n_int8.onnx was given" in ended.err
    table = pd.read_csv(tmp_path / "out" / "training_data.csv")
    shares = table["iou_label"].value_counts(normalize=True)
    # Boxes read in the wrong format and ghosts made two thirds of the original's labels medium.
    assert shares["low"] > 0.5
    assert shares["medium"] < 0.3
    assert set(shares.index) == set(LABELS)
    young = table[table["frame"] - table["start_frame"] <= 2]
    old = table[table["frame"] - table["start_frame"] >= 25]
    assert young["iou"].mean() > old["iou"].mean() + 0.1
    followed = len(table) / len(table.drop_duplicates(["start_frame", "frame"]))
    detected = [
        len(json.loads(line)["boxes"]) for line in (tmp_path / "out" / "detections.jsonl").open() if "boxes" in line
    ]
    assert followed <= 1.2 * sum(detected) / len(detected)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["held_out"]["scores"][0]["macro_f1"]["n"] > 200


@pytest.mark.slow
def test_a_short_street_with_pseudo_ground_truth_twice_byte_for_byte(
    tmp_path: Path, flexpatch: Command, shared_data: Path
) -> None:
    video = shared_data / "mot" / "TUD-Campus" / "TUD-Campus.mp4"
    for name in ("one", "two"):
        ended = flexpatch(
            *("run", video, "--weights", shared_data / "det" / "yolox_nano.onnx", "--classes", "person"),
            *("--detector", "onnx", "-o", tmp_path / name),
        )
        assert ended.code == 0, ended.err
    for file in ("detections.jsonl", "training_data.csv", "flexpatch_model.joblib", "report.html"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file
