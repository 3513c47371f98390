"""The whole chain on real footage, as a user types it: labels, frames, a model, its measure, scores, a reel."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from footage.video.probe import probe
from highlight_train.cli import app
from highlight_train.labels import Labelled, Labels, write_labels

LIVELY = (
    "drone/uav123_wakeboard7.mp4",
    "video/cotracker_paragliding.mp4",
    "video/sam2_05_default_juggle.mp4",
    "action/k400_flipping_pancake.mkv",
)
DULL = (
    "drone/nadir_city_spatialhast.mp4",
    "video/intel_car-detection.mp4",
    "action/ucf101_ApplyEyeMakeup_g01_c01.avi",
    "video/imageai_traffic-mini.mp4",
)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """A verb's JSON document; it must end with 0."""
    assert not app([*map(str, arguments), "--json"], standalone_mode=False)
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


@pytest.mark.slow
def test_from_a_label_file_to_a_reel(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="training needs torch")
    monkeypatch.chdir(tmp_path)
    library = tmp_path / "library"
    clips: dict[bool, list[Labelled]] = {True: [], False: []}
    for flight, pair in enumerate(zip(LIVELY, DULL, strict=True)):
        folder = library / f"flight {flight}"
        folder.mkdir(parents=True)
        for name, is_highlight in zip(pair, (True, False), strict=True):
            clips[is_highlight].append(Labelled(Path(shutil.copy(shared_data / name, folder))))
    write_labels(Labels(tuple(clips[True]), tuple(clips[False])), library / "labels.json")

    prepared = run(capsys, "prepare-dataset", library / "labels.json", "--rate", 0.5, "--longest-side", 256)
    assert prepared["clips"] == 8
    weights = shared_data / "cls" / "mobilenet_v2_imagenet.pth"
    settings = ["--epochs", 2, "--frozen-epochs", 1, "--side", 96, "--batch-size", 4, "--device", "cpu"]
    trained = run(capsys, "train", "dataset", "--backbone", "mobilenet_v2", "--weights", weights, *settings)
    assert not trained["ready"]
    manifest = json.loads(Path("highlight_training/model.json").read_bytes())
    assert manifest["details"]["start"].startswith("weights from ")

    evaluation = run(capsys, "evaluate", "--device", "cpu", "--jobs", 1)
    split = json.loads(Path("highlight_training/split.json").read_bytes())
    held_out = {clip["path"] for clip in split["clips"] if clip["side"] == "test"}
    assert {clip["path"] for clip in evaluation["predictions"]} == held_out
    assert (evaluation["held_out"], evaluation["clips"]["left_out_as_seen"]) == (True, 8 - len(held_out))
    assert evaluation["doubts"]  # a few clips prove nothing, and it says so

    scan = run(capsys, "batch-classify", library, "--jobs", 1, "--device", "cpu", "--threshold", 0)
    assert (scan["scanned"], len(scan["highlights"])) == (8, 8)
    scores = {clip["path"]: clip["score"] for clip in scan["highlights"]}
    for clip in evaluation["predictions"]:
        assert scores[clip["path"]] == pytest.approx(clip["score"], abs=1e-6)

    reel = run(capsys, "create-reel", "highlight_scores/highlights.json", "reel.mp4", "--top", 3, "--size", "320x180")
    assert len(reel["cuts"]) == 3
    assert {cut["path"] for cut in reel["cuts"]} == {str(clip["path"]) for clip in scan["highlights"][:3]}
    film = probe(tmp_path / "reel.mp4")
    assert (film.width, film.height) == (320, 180)
    assert float(film.duration_seconds or 0) == pytest.approx(reel["duration_seconds"], abs=0.1)
