"""Results on standard output, talk on standard error, tables that are not cut off, and the doctor."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer

from footage.cli.console import print_json, print_table, result, talk, warn
from footage.cli.doctor import (
    Check,
    check_cuda,
    check_disk,
    check_onnxruntime,
    check_package,
    check_python,
    check_video,
    run_doctor,
)
from footage.cli.exits import ExitCode, exit_code_of
from footage.cli.options import check_device
from footage.errors import GateNotMet, MissingDependency, VideoError


def test_talk_and_results_go_apart(capsys: pytest.CaptureFixture[str]) -> None:
    result("0.5")
    talk("reading a\nb.mp4")
    warn("cut short")
    captured = capsys.readouterr()
    assert captured.out == "0.5\n"
    assert captured.err == "reading a\\nb.mp4\nwarning: cut short\n"


def test_json_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"share": np.float64("nan"), "path": Path("clip\udcff.mp4"), "n": np.int64(3)})
    assert json.loads(capsys.readouterr().out) == {"share": None, "path": "clip\udcff.mp4", "n": 3}


def test_a_table_is_aligned_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    long = "clip-" + "x" * 300 + ".mp4"
    print_table(["file", "frames", "[red]"], [[long, 3, None], ["b\n.mp4", 1200, "[bold]ok"]])
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["file", "frames", "[red]"]
    assert first.split() == [long, "3", "-"]
    assert second.split() == ["b\\n.mp4", "1200", "[bold]ok"]
    assert first.index(" 3 ") + 1 == second.index("1200") + 3


def test_errors_tell_their_exit_code() -> None:
    assert exit_code_of(GateNotMet("x")) == 3
    assert exit_code_of(VideoError("x")) == exit_code_of(MissingDependency("x")) == 1


@pytest.mark.parametrize("device", ["auto", "cpu", "mps", "cuda", "cuda:0", "cuda:12"])
def test_devices(device: str) -> None:
    assert check_device(device) == device


@pytest.mark.parametrize("device", ["", "gpu", "cuda:", "cuda:a", "CPU", "cpu\n"])
def test_other_devices_are_usage_errors(device: str) -> None:
    with pytest.raises(typer.BadParameter):
        check_device(device)


def test_the_doctor_finds_this_machine_well(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    checks: list[Callable[[], Check]] = [
        check_python,
        check_video,
        check_onnxruntime,
        functools.partial(check_disk, tmp_path),
    ]
    assert run_doctor(checks) == ExitCode.DONE
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "ok       video (libx264): wrote 8 frames and read 8 back"


def test_the_doctor_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    missing = functools.partial(check_package, "no-such", purpose="nothing", remedy="install it")
    assert run_doctor([functools.partial(missing, required=False)]) == ExitCode.DONE
    assert run_doctor([missing]) == ExitCode.FAILED
    assert capsys.readouterr().out.splitlines() == [
        "absent   no-such: not installed; needed for nothing",
        "         to mend it: install it",
        "MISSING  no-such: not installed; needed for nothing",
        "         to mend it: install it",
    ]


def test_a_codec_that_is_not_there_is_found() -> None:
    found = check_video("no_such_codec")
    assert not found.ok
    assert "no_such_codec" in found.name


def test_the_doctors_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    run_doctor([lambda: Check(name="a", ok=False, required=True, detail="b")], as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "healthy": False,
        "checks": [{"name": "a", "ok": False, "required": True, "detail": "b", "remedy": None}],
    }


def test_a_gpu_is_never_required() -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    assert not check_cuda().required
