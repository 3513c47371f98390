"""The demo: its library has the truth that it states, and its few-clip form goes all the way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from footage.video.reader import open_video
from highlight_train.cli import app
from highlight_train.demo.library import draw_library
from highlight_train.labels import read_labels


def glowing_share(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> float:
    """How much of a picture is bright and orange."""
    red, green, blue = np.moveaxis(image.astype(int), 2, 0)
    return float(((red > 190) & (green < red - 50) & (blue < 110)).mean())


def test_the_labels_say_when_the_glowing_thing_is_there(tmp_path: Path) -> None:
    drawn: list[None] = []
    library = draw_library(tmp_path, seed=3, flights=3, advance=lambda: drawn.append(None))
    labels = read_labels(library.labels)
    assert (library.clips, len(drawn)) == (6, 6)
    assert (len(labels.highlights), len(labels.normal)) == (3, 3)
    for clip in labels.highlights:
        ((start, end),) = clip.spans
        with open_video(clip.path) as video:
            for frame in video.frames():
                inside = start < frame.pts_seconds < end
                assert inside or glowing_share(frame.image) < 0.005
            assert glowing_share(video.frame_at((start + end) / 2).image) > 0.01
    for clip in labels.normal:
        with open_video(clip.path) as video:
            assert max(glowing_share(frame.image) for frame in video.frames()) < 0.005


@pytest.mark.slow
def test_a_few_clips_go_through_the_whole_workflow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch", reason="training needs torch")
    app(["demo", "--smoke", "-o", str(tmp_path), "--json"], standalone_mode=False)
    document = json.loads(capsys.readouterr().out)
    assert document["scanned"] == 12
    assert "says nothing about your footage" in document["what_it_is"]
    assert document["evaluation"]["held_out"] is True
    assert document["evaluation"]["doubts"]
    assert document["files"][-1] == str(tmp_path / "evaluation" / "evaluation.html")
    assert not [file for file in document["files"] if not Path(file).is_file()]
