"""Progress tells done, rate, time and failures, on a terminal and in a log."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap

import pytest

from footage.cli.progress import Progress, format_duration, format_rate


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_log_line_now_and_then_and_one_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Progress(100, "frames", "reading", log_every_seconds=5, clock=clock) as shown:
        for _ in range(20):
            clock.seconds += 1
            shown.advance(4)
        shown.fail(2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "reading: 20/100 frames, 20%, 4.0 frames/s, 5.0 s elapsed, 20.0 s left",
        "reading: 40/100 frames, 40%, 4.0 frames/s, 10.0 s elapsed, 15.0 s left",
        "reading: 60/100 frames, 60%, 4.0 frames/s, 15.0 s elapsed, 10.0 s left",
        "reading: 80/100 frames, 80%, 4.0 frames/s, 20.0 s elapsed, 5.0 s left",
        "reading: 82/100 frames, 82%, 4.1 frames/s, 20.0 s elapsed, 4.4 s left, 2 failed",
    ]


def test_work_of_an_earlier_run_does_not_speed_up_the_rate() -> None:
    clock = Clock()
    shown = Progress(100, "clips", "scoring", already_done=50, clock=clock)
    clock.seconds = 10
    shown.advance(10)
    assert shown.line() == "scoring: 60/100 clips, 60%, 1.0 clips/s, 10.0 s elapsed, 40.0 s left"


def test_without_a_total_there_is_no_time_left() -> None:
    clock = Clock()
    shown = Progress(None, "frames", "reading", clock=clock)
    assert shown.line() == "reading: 0 frames, 0.0 s elapsed"
    clock.seconds = 2
    shown.advance(3000)
    assert shown.line() == "reading: 3,000 frames, 1,500 frames/s, 2.0 s elapsed"


def test_more_items_than_the_estimate_are_no_error() -> None:
    clock = Clock()
    shown = Progress(10, "frames", "reading", clock=clock)
    clock.seconds = 1
    shown.advance(12)
    assert shown.line() == "reading: 12/10 frames, 100%, 12.0 frames/s, 1.0 s elapsed"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0.0 s"), (59.94, "59.9 s"), (59.96, "1:00"), (187, "3:07"), (3599.6, "1:00:00"), (3765, "1:02:45")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert format_duration(seconds) == shown


@pytest.mark.parametrize(
    ("rate", "shown"),
    [(0.05, "3.0 clips/min"), (1, "1.0 clips/s"), (99.96, "100 clips/s"), (12345.6, "12,346 clips/s")],
)
def test_rates(rate: float, shown: str) -> None:
    assert format_rate(rate, "clips") == shown


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals of POSIX")
def test_one_line_on_a_terminal() -> None:
    import pty  # only POSIX has it

    script = textwrap.dedent(
        """
        from footage.cli.progress import progress

        with progress(3, "frames", "reading [bold]") as shown:
            shown.advance()
            shown.fail()
            shown.advance()
        """
    )
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "120", "TERM": "xterm"}
    process = subprocess.Popen([sys.executable, "-c", script], stderr=follower, stdout=subprocess.PIPE, env=environment)
    os.close(follower)
    said = b""
    while True:
        try:
            more = os.read(leader, 65536)
        except OSError:  # the other end was closed
            break
        if not more:
            break
        said += more
    os.close(leader)
    assert process.stdout is not None
    assert process.stdout.read() == b""
    process.stdout.close()
    assert process.wait(60) == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode())
    assert "reading [bold]: 3/3 frames, 100%" in plain
    assert "1 failed" in plain
