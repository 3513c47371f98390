"""Bad input ends with one clear line and the right exit code, and nothing that was there is lost."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from commands import Command, Crowd, Ended

from footage.video.writer import VideoWriter


def one_line(ended: Ended) -> str:
    """The error's line: the only one besides hints and what was told before."""
    lines = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, ended.err
    return lines[0]


def write_still_video(path: Path, frames: int) -> Path:
    picture = np.full((120, 160, 3), 90, np.uint8)
    with VideoWriter(path, size=(160, 120), rate=25) as writer:
        for _ in range(frames):
            writer.write(picture)
    return path


def test_a_missing_file(tmp_path: Path, flexpatch: Command) -> None:
    ended = flexpatch("run", tmp_path / "none.mp4", "-o", tmp_path / "out")
    assert ended.code == 1
    assert "none.mp4: there is no such file" in one_line(ended)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"this is not a video\n" * 50, bytes(range(256)) * 40])
def test_a_file_that_is_no_video(tmp_path: Path, flexpatch: Command, content: bytes) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(content)
    ended = flexpatch("run", video, "-o", tmp_path / "out")
    assert ended.code == 1
    assert "clip.mp4" in one_line(ended)


@pytest.mark.parametrize("frames", [1, 2])
def test_a_video_of_hardly_any_frames(tmp_path: Path, flexpatch: Command, frames: int) -> None:
    ended = flexpatch("run", write_still_video(tmp_path / "short.mp4", frames), "-o", tmp_path / "out")
    assert ended.code == 1
    assert f"{frames} frame" in one_line(ended)
    assert "give a longer video" in ended.err


def test_a_video_in_which_nothing_is_detected(tmp_path: Path, flexpatch: Command) -> None:
    ended = flexpatch("run", write_still_video(tmp_path / "still.mp4", 30), "-o", tmp_path / "out")
    assert ended.code == 1
    assert "found nothing in 30 frames" in one_line(ended)
    assert "hint: " in ended.err


def test_a_truncated_video_is_used_up_to_the_cut_and_the_report_says_so(
    crowd: Crowd, tmp_path: Path, flexpatch: Command
) -> None:
    from footage.video.reader import open_video

    cut = tmp_path / "cut.mkv"
    with open_video(crowd.video) as reader, VideoWriter(cut, size=(480, 270), rate=25) as writer:
        for frame in reader.frames():
            writer.write(frame.image)
    cut.write_bytes(cut.read_bytes()[: int(cut.stat().st_size * 0.7)])
    ended = flexpatch(
        "run", cut, "--weights", crowd.detections, "--gt", crowd.truth, "--max-frames", 0, "-o", tmp_path / "out"
    )
    assert ended.code == 0, ended.err
    assert "used up to the cut" in ended.err
    assert "used up to the cut" in (tmp_path / "out" / "report.html").read_text()


def test_weights_that_are_no_model(crowd: Crowd, tmp_path: Path, flexpatch: Command) -> None:
    weights = tmp_path / "model.onnx"
    weights.write_bytes(b"not a model")
    ended = flexpatch("run", crowd.video, "--weights", weights, "-o", tmp_path / "out")
    assert ended.code == 1
    assert "model.onnx" in one_line(ended)


def test_a_model_that_detects_nothing_we_know(
    crowd: Crowd, tmp_path: Path, flexpatch: Command, shared_data: Path
) -> None:
    weights = shared_data / "det" / "nanodet_m_416.onnx"
    ended = flexpatch("run", crowd.video, "--weights", weights, "-o", tmp_path / "out")
    assert ended.code == 1
    assert "nanodet_m_416.onnx" in one_line(ended)


def test_ground_truth_of_another_video(crowd: Crowd, tmp_path: Path, flexpatch: Command) -> None:
    truth = tmp_path / "gt.txt"
    truth.write_text("".join(f"{t},1,{700 + t},600,50,100,1,1,1\n" for t in range(1, 60)))
    ended = flexpatch("run", crowd.video, "--weights", crowd.detections, "--gt", truth, "-o", tmp_path / "out")
    assert ended.code == 1
    assert "gt.txt" in one_line(ended)


def test_ground_truth_that_is_malformed(crowd: Crowd, tmp_path: Path, flexpatch: Command) -> None:
    truth = tmp_path / "gt.txt"
    truth.write_text("1,1,2,3,4,5,1,1,1\n1,2,oops,3,4,5,1,1,1\n")
    ended = flexpatch("run", crowd.video, "--weights", crowd.detections, "--gt", truth, "-o", tmp_path / "out")
    assert ended.code == 1
    assert "gt.txt line 2" in one_line(ended)


class Bomb:
    """Unpickled, it would create a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


def test_a_malicious_model_is_refused_by_name_and_never_executed(tmp_path: Path, flexpatch: Command) -> None:
    model, mark = tmp_path / "flexpatch_model.joblib", tmp_path / "executed"
    model.write_bytes(pickle.dumps(Bomb(mark)))
    ended = flexpatch("check", model)
    assert ended.code == 1
    assert "flexpatch_model.joblib" in one_line(ended)
    assert not mark.exists()


def test_an_output_folder_that_is_a_file(crowd: Crowd, tmp_path: Path, flexpatch: Command) -> None:
    (tmp_path / "out").write_text("mine")
    ended = flexpatch("run", crowd.video, "--weights", crowd.detections, "-o", tmp_path / "out")
    assert ended.code == 2
    assert (tmp_path / "out").read_text() == "mine"


def test_usage_errors_exit_2(crowd: Crowd, flexpatch: Command) -> None:
    assert flexpatch("run").code == 2
    assert flexpatch("run", crowd.video, "--confidence", 7).code == 2
    assert flexpatch("run", crowd.video, "--detector", "guess").code == 2
    assert flexpatch("dance").code == 2
