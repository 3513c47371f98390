"""A scan takes pooling and threshold from the model's manifest, and says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from footage.persistence.bundle import read_manifest, save_manifest
from highlight_train.batch.options import BatchOptions
from highlight_train.one_video.score import VideoTestOptions, run
from highlight_train.scoring.decision import OWN


def test_a_scan_and_a_single_video_take_the_models_own_and_say_so(
    six_clips: Path, tmp_path: Path, make_red_model: Callable[..., Path], scan: Callable[[BatchOptions], object]
) -> None:
    model = make_red_model(tmp_path / "model.onnx")
    save_manifest(replace(read_manifest(model), details={"pooling": "max", "threshold": 0.5}), model)
    options = BatchOptions(library=six_clips, models=(model,), output=tmp_path / "out", jobs=1)
    scan(options)
    settings = json.loads((tmp_path / "out" / "run.json").read_bytes())["settings"]
    assert (settings["pooling"], settings["threshold"], settings["threshold_from"]) == ("max", 0.5, OWN)
    assert len(json.loads((tmp_path / "out" / "highlights.json").read_bytes())["highlights"]) == 3
    scan(replace(options, threshold=0.9))
    assert len(json.loads((tmp_path / "out" / "highlights.json").read_bytes())["highlights"]) == 1
    told: list[str] = []
    video = next(six_clips.rglob("*.mp4"))
    run(VideoTestOptions(video=video, models=(model,), device="cpu"), tell=told.append)
    assert any("pooling max (as chosen on validation)" in line for line in told)
