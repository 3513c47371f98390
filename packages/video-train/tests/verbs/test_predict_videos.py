"""predict: windows along videos whose brightness says what each window is."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footage.errors import DatasetError, InputError
from footage.training.clips import ClipSampling
from footage.video.writer import VideoWriter
from video_train.catalogue.sides import Span
from video_train.cli import app
from video_train.opening import open_on
from video_train.prediction.windows import said_of, stretches, window_seconds, windows_of


def write_up_and_down(path: Path) -> Path:
    """Two seconds lighter, then two seconds darker, at ten frames a second."""
    shades = [*np.linspace(50, 200, 20), *np.linspace(200, 50, 20)]
    with VideoWriter(path, size=(64, 48), rate=Fraction(10)) as writer:
        for shade in shades:
            writer.write(np.full((48, 64, 3), round(float(shade)), np.uint8))
    return path


def test_labels_follow_what_happens(
    tmp_path: Path, make_order_model: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_order_model(tmp_path / "model", sampling=ClipSampling(frames=4, size_px=16, span_seconds=1.0))
    video, table = write_up_and_down(tmp_path / "v.mp4"), tmp_path / "labels.csv"
    assert app(["predict", str(model), str(video), "-o", str(table), "-j", "1"], standalone_mode=False) == 0
    printed = capsys.readouterr()
    assert [line.split()[1:4] for line in printed.out.splitlines()[1:3]] == [
        ["0.00", "2.00", "lighter"],
        ["2.00", "4.00", "darker"],
    ]
    assert "as long as the clips it learned from" in printed.err
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert [row["label"] for row in rows] == ["lighter", "lighter", "darker", "darker"]
    for row in rows:
        assert float(row["probability of lighter"]) + float(row["probability of darker"]) == pytest.approx(1, abs=1e-5)
        assert float(row["probability"]) > 0.9
    overlapping = ["predict", str(model.parent), str(video), "--step", "0.5", "--json"]
    assert app(overlapping, standalone_mode=False) == 0
    (found,) = json.loads(capsys.readouterr().out)["videos"]
    assert [one["start_seconds"] for one in found["windows"]] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert found["windows"][3]["probability"] < found["windows"][0]["probability"]


def test_one_bad_file_does_not_end_it(
    tmp_path: Path, make_order_model: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_order_model(tmp_path / "model")
    good, bad = write_up_and_down(tmp_path / "good.mp4"), tmp_path / "bad.mp4"
    bad.write_text("this is no video")
    cut = tmp_path / "cut.mkv"
    write_up_and_down(cut)
    cut.write_bytes(cut.read_bytes()[:200])
    arguments = ["predict", str(model), str(bad), str(good), str(cut), str(tmp_path / "none.mp4"), "--json"]
    assert app(arguments, standalone_mode=False) == 4
    document = json.loads(capsys.readouterr().out)
    assert [Path(one["video"]).name for one in document["videos"]] == ["good.mp4"]
    assert {Path(one["path"]).name for one in document["failed"]} == {"bad.mp4", "cut.mkv", "none.mp4"}
    with pytest.raises(DatasetError):
        app(["predict", str(model), str(bad)], standalone_mode=False)
    with pytest.raises(InputError, match=r"\.csv or \.json"):
        app(["predict", str(model), str(good), "-o", "labels.txt"], standalone_mode=False)


def test_the_plan_counts_windows(
    tmp_path: Path, make_order_model: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model, video = make_order_model(tmp_path / "model"), write_up_and_down(tmp_path / "v.mp4")
    arguments = ["predict", str(model), str(video), "--window", "1", "--dry-run", "-o", str(tmp_path / "x.json")]
    assert app(arguments, standalone_mode=False) == 0
    assert "would label 1 videos in 4 windows of 1 s, as asked for" in capsys.readouterr().out
    assert not (tmp_path / "x.json").exists()


def test_windows_are_as_long_as_what_was_learned_from(tmp_path: Path, make_order_model: Callable[..., Path]) -> None:
    spans = [Span(str(number), 0.0, seconds) for number, seconds in enumerate((1.0, 2.0, 9.0))]
    learned, _ = open_on(make_order_model(tmp_path / "a", split={"train": spans}), "cpu")
    assert window_seconds(learned, None)[0] == 2.0
    assert window_seconds(learned, 0.5) == (0.5, "as asked for")
    unknown, _ = open_on(make_order_model(tmp_path / "b"), "cpu")
    assert window_seconds(unknown, None)[0] is None


@given(st.floats(0.01, 100), st.floats(0.05, 20), st.floats(0.05, 20))
def test_windows_cover_a_video_in_order(length: float, window: float, step: float) -> None:
    found = windows_of(length, window, min(step, window))
    assert found[0][0] == 0.0
    assert found[-1][1] == pytest.approx(length)
    assert all(start < end <= length * (1 + 1e-12) for start, end in found)
    assert all(b[0] > a[0] and b[0] <= a[1] + 1e-9 for a, b in pairwise(found))


@given(st.lists(st.sampled_from([-1.0, 1.0]), min_size=1, max_size=30))
def test_stretches_join_neighbours_of_one_label(signs: list[float]) -> None:
    windows = [said_of(n, n + 1, np.array([sign, -sign]), ("a", "b")) for n, sign in enumerate(signs)]
    joined = stretches(windows)
    assert [one.label for one in joined] == [
        label for n, label in enumerate(one.label for one in windows) if n == 0 or windows[n - 1].label != label
    ]
    assert (joined[0].start_seconds, joined[-1].end_seconds) == (0, len(signs))
