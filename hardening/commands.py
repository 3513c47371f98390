"""Console scripts run in this process, as a user runs them, and what came of it."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import FrameType

from footage.cli.exits import ExitCode

SCRIPTS = {
    "blur-train": "blur_train.cli",
    "eztrack-tune": "eztrack_tune.cli",
    "flexpatch-train": "flexpatch_train.cli",
    "footage": "footage.tool.cli",
    "highlight-train": "highlight_train.cli",
    "video-train": "video_train.cli",
}
TIMEOUT_SECONDS = 180
EXPLAINED = {ExitCode.DONE, ExitCode.FAILED, ExitCode.GATE_NOT_MET, ExitCode.SOME_INPUTS_FAILED}


class Outcome(StrEnum):
    """What became of a command."""

    DONE = "done"
    REFUSED = "refused"
    FAULT = "FAULT"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended.

    Attributes:
        command: as typed.
        code: exit code; None where it went on until it was stopped.
        output: standard output.
        errors: standard error.
        seconds: how long it took.
    """

    command: str
    code: int | None
    output: str
    errors: str
    seconds: float

    @property
    def fault(self) -> str | None:
        """What is wrong with this ending itself; None where it is one that a user can live with."""
        if self.code is None:
            return f"did not end within {TIMEOUT_SECONDS} s"
        if "Traceback" in self.errors or "error: unexpected" in self.errors:
            return "a traceback: " + self.errors.strip().splitlines()[-1]
        if self.code not in EXPLAINED:
            return f"exit code {self.code}"
        told = sum(line.startswith("error: ") for line in self.errors.splitlines())
        if self.code == ExitCode.FAILED and told != 1:
            return f"{told} lines that begin with error:"
        return None

    @property
    def outcome(self) -> Outcome:
        """In one word."""
        if self.fault is not None:
            return Outcome.FAULT
        return Outcome.REFUSED if self.code == ExitCode.FAILED else Outcome.DONE


class _TooLongError(BaseException):
    """No handler of the program takes it for one of its own."""


def run(script: str, *arguments: str | Path, folder: Path) -> Ending:
    """Run a console script in a folder, for a limited time.

    Args:
        script: its name.
        arguments: as typed.
        folder: the working directory, and where a report of an unexpected error goes.
    """
    argv = [script, *(str(one) for one in arguments)]
    output, errors, began = _Text(), _Text(), time.perf_counter()
    code: int | None = None
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.chdir(folder))
        stack.enter_context(_environment(TMPDIR=str(folder)))
        stack.enter_context(contextlib.suppress(_TooLongError))
        stack.enter_context(contextlib.redirect_stdout(output))
        stack.enter_context(contextlib.redirect_stderr(errors))
        stack.enter_context(_argv(argv))
        stack.enter_context(_limited())
        code = _code_of(script)
    return Ending(" ".join(argv), code, output.getvalue(), errors.getvalue(), time.perf_counter() - began)


def _code_of(script: str) -> int:
    try:
        importlib.import_module(SCRIPTS[script]).main()
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else ExitCode.DONE
    return ExitCode.DONE


class _Text(io.StringIO):
    """Standard output that takes names which are no UTF-8, as a terminal's does."""

    errors = "surrogateescape"


@contextlib.contextmanager
def _argv(argv: Sequence[str]) -> Iterator[None]:
    before, sys.argv = sys.argv, list(argv)
    try:
        yield
    finally:
        sys.argv = before


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _TooLongError

    usual = signal.signal(signal.SIGALRM, stop)
    signal.alarm(TIMEOUT_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, usual)
