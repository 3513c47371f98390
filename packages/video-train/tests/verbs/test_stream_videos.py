"""stream: windows of video that is still coming, what is dropped, and recordings to train on."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from footage.errors import InputError, VideoError
from footage.training.clips import ClipSampling, clip_times, read_clip
from footage.video.live import LiveVideo
from video_train.catalogue.labels import read_labels
from video_train.cli import app
from video_train.stream.assembling import ClipAssembler
from video_train.stream.handover import Handover
from video_train.stream.recording import RecordOptions, record

SAMPLING = ClipSampling(frames=4, size_px=16, span_seconds=1.0)


def write_stream(path: Path, *, seconds: int = 6, rate: int = 10) -> Path:
    """A second lighter, a second darker, and so on, with a keyframe every half second."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=rate, options={"g": str(rate // 2), "sc_threshold": "0"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        up = np.linspace(40, 210, rate)
        for number in range(seconds * rate):
            shades = up if (number // rate) % 2 == 0 else up[::-1]
            picture = np.full((48, 64, 3), round(float(shades[number % rate])), np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode(None))
    return path


@dataclass(frozen=True)
class Numbered:
    """A frame whose picture is its number."""

    pts_seconds: float
    number: int

    def squeezed(self, side_px: int) -> NDArray[np.uint8]:
        return np.full((side_px, side_px, 3), self.number, np.uint8)


@given(
    st.lists(st.floats(0.01, 0.3), min_size=2, max_size=120),
    st.floats(0.4, 3.0),
    st.floats(0.2, 3.0),
    st.integers(1, 6),
)
def test_a_window_holds_what_is_on_display(gaps: list[float], window: float, step: float, frames: int) -> None:
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    sampling = ClipSampling(frames=frames, size_px=2, span_seconds=None)
    assembler = ClipAssembler(sampling, window_seconds=window, step_seconds=step)
    found = [clip for number, at in enumerate(times) for clip in assembler.feed(Numbered(float(at), number % 256))]
    for number, clip in enumerate(found):
        assert clip.start_seconds == pytest.approx(number * step)
        wanted = clip_times(clip.start_seconds, clip.start_seconds + window, sampling, None)
        shown = np.searchsorted(times, wanted, side="right") - 1
        assert clip.frames[:, 0, 0, 0].tolist() == (shown % 256).tolist()
    last = [clip_times(n * step, n * step + window, sampling, None)[-1] for n in range(len(found) + 1)]
    assert len(found) == 0 or last[-2] < times[-1]
    assert last[-1] >= times[-1]


def test_nothing_is_made_up_where_nothing_came() -> None:
    assembler = ClipAssembler(ClipSampling(frames=2, size_px=2), window_seconds=1.0, step_seconds=1.0)
    times = [*np.arange(0, 2.5, 0.1), *np.arange(100.35, 103, 0.1)]
    found = [clip for at in times for clip in assembler.feed(Numbered(float(at), 0))]
    assert [clip.start_seconds for clip in found] == [0.0, 1.0, 101.0, 102.0]
    assert assembler.passed_over == 99


@given(st.integers(1, 5), st.integers(0, 30))
def test_the_newest_win_and_the_others_are_counted(room: int, count: int) -> None:
    handover: Handover[int] = Handover(room, keep_all=False)
    for number in range(count):
        handover.put(number)
    handover.close()
    handover.put(99)
    taken = []
    while not handover.over:
        taken.append(handover.get(0.0))
    assert taken == list(range(count))[-room:]
    assert handover.dropped == max(0, count - room)
    assert handover.get(0.0) is None


def test_where_all_are_kept_the_giver_waits() -> None:
    handover: Handover[int] = Handover(2, keep_all=True)

    def give() -> None:
        for number in range(50):
            handover.put(number)
            held.append(len(handover._items))
        handover.close()

    held: list[int] = []
    giver = threading.Thread(target=give)
    giver.start()
    taken = []
    while not handover.over:
        item = handover.get(1.0)
        if item is not None:
            taken.append(item)
    giver.join()
    assert taken == list(range(50))
    assert max(held) <= 2
    assert handover.dropped == 0


def test_windows_of_a_stream_are_those_of_the_file(tmp_path: Path) -> None:
    video = write_stream(tmp_path / "v.ts")
    assembler = ClipAssembler(SAMPLING, window_seconds=1.0, step_seconds=0.7)
    with LiveVideo(str(video), patience_seconds=0.3) as live:
        found = [clip for frame in live.frames(threading.Event()) for clip in assembler.feed(frame)]
    assert [clip.start_seconds for clip in found] == pytest.approx([0.7 * number for number in range(8)])
    for clip in found:
        times = clip_times(clip.start_seconds, clip.end_seconds, SAMPLING, None)
        np.testing.assert_array_equal(clip.frames, read_clip(video, times, 16))


def test_labels_come_as_the_stream_does(
    tmp_path: Path, make_order_model: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_order_model(tmp_path / "model", sampling=SAMPLING)
    video, table = write_stream(tmp_path / "v.ts"), tmp_path / "labels.csv"
    arguments = ["stream", str(video), "--model", str(model), "--keep-all", "--patience", "0.3"]
    app([*arguments, "-o", str(table)], standalone_mode=False)
    printed = capsys.readouterr()
    labels = [line.split()[4] for line in printed.out.splitlines()]
    assert labels == ["lighter", "darker"] * 3
    assert "6 windows labelled up to 6.00 s, 0 dropped" in printed.err
    assert [row["label"] for row in csv.DictReader(table.open())] == labels
    lines = tmp_path / "labels.jsonl"
    app([*arguments, "--step", "0.5", "--json", "-o", str(lines)], standalone_mode=False)
    summary = json.loads(capsys.readouterr().out)
    assert (summary["windows"], summary["dropped"]) == (11, 0)
    assert summary["ended"] == "nothing came for 0.3 s"
    assert sum(summary["labels"].values()) == 11
    assert len([json.loads(line) for line in lines.read_text().splitlines()]) == 11
    app([*arguments, "--smoke", "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["windows"] == 3


def test_what_cannot_be_streamed_is_said(
    tmp_path: Path, make_order_model: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    video = write_stream(tmp_path / "v.ts", seconds=1)
    unknown = make_order_model(tmp_path / "model")
    with pytest.raises(InputError, match="how long a window is must be said"):
        app(["stream", str(video), "--model", str(unknown)], standalone_mode=False)
    with pytest.raises(VideoError, match="cannot be opened"):
        app(["stream", str(tmp_path / "none.ts"), "--model", str(unknown), "--window", "1"], standalone_mode=False)
    for wrong in ([], ["--model", "x", "--record", "y", "--label", "z"], ["--record", "y"]):
        with pytest.raises(typer.BadParameter):
            app(["stream", str(video), *wrong], standalone_mode=False)
    with pytest.raises(InputError, match=r"\.csv or \.jsonl"):
        app(["stream", str(video), "--model", str(unknown), "-o", "x.txt"], standalone_mode=False)
    app(["stream", str(video), "--dry-run", "--patience", "0.3", "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["size"] == [64, 48]


def test_recordings_are_labelled_and_kept_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "videos"
    for number, label in enumerate(("walk", "run fast", "walk")):
        video = write_stream(tmp_path / f"{number}.ts", seconds=3)
        arguments = ["stream", str(video), "--record", str(folder), "--label", label, "--segment", "1"]
        app([*arguments, "--patience", "0.3"], standalone_mode=False)
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == str(folder / "annotations.json")
    assert "video-train train --video-dir" in printed.err
    labelled = read_labels(folder, annotations=folder / "annotations.json")
    assert not labelled.skipped
    assert [event.label for event in labelled.events].count("walk") == 6
    assert len({event.group for event in labelled.events}) == 3
    assert len(labelled.events) == 9
    seconds = 0.0
    for event in labelled.events:
        with av.open(str(event.views[0])) as container:
            seconds += sum(1 for packet in container.demux(video=0) if packet.size) / 10
    assert seconds == pytest.approx(9.0)


def test_a_recording_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs a label"):
        record(
            RecordOptions(source="x", folder=tmp_path / "out", label=" "), tell=lambda _: None, on_video=lambda _: None
        )


@pytest.mark.slow
def test_ctrl_c_ends_it_well(tmp_path: Path, make_order_model: Callable[..., Path]) -> None:
    """A source that has stalled, as a camera does: the labels so far are there, and the code is 0."""
    model, video = make_order_model(tmp_path / "model", sampling=SAMPLING), write_stream(tmp_path / "v.ts")
    command = [sys.executable, "-c", "from video_train.cli import main; main()", "stream", str(video)]
    labelling = subprocess.Popen(
        [*command, "--model", str(model), "--keep-all", "--patience", "12"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert labelling.stdout is not None
    lines = [labelling.stdout.readline() for _ in range(6)]
    labelling.send_signal(signal.SIGINT)
    _, said = labelling.communicate(timeout=60)
    assert labelling.returncode == 0, said
    assert "6 windows labelled up to 6.00 s" in said
    assert lines[-1].split()[4] == "darker"
    recording = subprocess.Popen(
        [*command, "--record", str(tmp_path / "out"), "--label", "a", "--segment", "2", "--patience", "12"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert recording.stdout is not None
    first = recording.stdout.readline().strip()
    recording.send_signal(signal.SIGINT)
    _, said = recording.communicate(timeout=60)
    assert recording.returncode == 0, said
    entries = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert Path(first).stem in {entry["video_id"] for entry in entries}
    assert {f"{entry['video_id']}.mkv" for entry in entries} == {file.name for file in (tmp_path / "out").glob("*.mkv")}
