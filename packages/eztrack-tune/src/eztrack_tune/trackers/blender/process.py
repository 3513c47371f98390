"""A Blender in a process of its own: started, asked, timed, killed and started again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from eztrack_tune.trackers.blender.environment import BlenderCommand
from footage.errors import MissingDependency

START_SECONDS = 600.0
"""uv may have to fetch the wheel first."""
POLL_SECONDS = 0.01
MEMORY_BYTES = 16 * 2**30
"""Of address space, which is more than what is used: Blender maps some 4 GB before it does anything."""
_LOG_TAIL = 400


class BlenderDied(Exception):  # noqa: N818 - the name is the statement
    """Blender ended or was ended during a trial; what was asked of it is lost, and the next trial may start another."""


class BlenderHung(BlenderDied):
    """Blender was ended because it took too long: it would take as long again."""


class BlenderProcess:
    """One running worker.

    Attributes:
        version: of Blender, as it says itself.
    """

    def __init__(self, command: BlenderCommand, *, memory_bytes: int = MEMORY_BYTES) -> None:
        """Start Blender and wait until it is ready.

        Raises:
            MissingDependency: it does not start.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="eztrack-blender-"))
        self._answers = self._folder / "answers.jsonl"
        self._answers.touch()
        self._read_from = 0
        self._count = 0
        self._log = (self._folder / "log.txt").open("wb")
        try:
            self._process = subprocess.Popen(
                [*command.arguments, str(self._answers), str(memory_bytes)],
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that uv and the Blender below it end together
                env=_environment(self._folder),
            )
        except OSError as error:
            self._discard()
            raise MissingDependency(
                f"Blender cannot be started ({error.strerror})", where=command.where, remedy="check the installation"
            ) from error
        try:
            ready = self._answer(START_SECONDS)
        except BlenderDied as error:
            tail = self._tail()
            self.close()
            raise MissingDependency(
                f"Blender does not start ({error}{': ' + tail if tail else ''})",
                where=command.where,
                remedy="check that this version exists for this machine, and that it can be fetched",
            ) from error
        except BaseException:
            self.close()
            raise
        self.version = str(ready["ready"])

    @property
    def pid(self) -> int:
        """The process that was started; with uv, the parent of Blender's."""
        return self._process.pid

    def ask(self, trial: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        """Have one trial done.

        Args:
            trial: what ``worker.run_trial`` takes.
            timeout_seconds: how long it may take.

        Raises:
            BlenderDied: it crashed, ran out of memory or took too long; this process cannot be used any more.
        """
        self._count += 1
        line = json.dumps({**trial, "id": self._count, "timeout_seconds": timeout_seconds}) + "\n"
        try:
            assert self._process.stdin is not None  # noqa: S101 - it was asked for
            self._process.stdin.write(line.encode("ascii"))
            self._process.stdin.flush()
        except OSError as error:
            self.close()
            raise BlenderDied(f"Blender was gone ({error.strerror})") from error
        try:
            answer = self._answer(timeout_seconds)
        except BaseException:
            self.close()
            raise
        if answer.get("id") != self._count:
            self.close()
            raise BlenderDied("Blender answered something that was not asked")
        return answer

    def close(self) -> None:
        """End Blender, whatever it does. Closing twice is harmless."""
        if self._process.poll() is None:
            _kill_all(self._process)
        self._process.wait()
        if self._process.stdin is not None:
            with suppress(OSError):  # something was left to be sent to a process that is gone
                self._process.stdin.close()
        self._discard()

    def _discard(self) -> None:
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answer(self, timeout_seconds: float) -> dict[str, Any]:
        """Wait for the next line of the answers."""
        ends_at = time.monotonic() + timeout_seconds
        while True:
            ended = self._process.poll()  # before reading: what it wrote last is then still read
            with self._answers.open("rb") as file:
                file.seek(self._read_from)
                line = file.readline()
            if line.endswith(b"\n"):
                self._read_from += len(line)
                answer: dict[str, Any] = json.loads(line)
                return answer
            if ended is not None:
                raise BlenderDied(f"Blender ended ({_how(ended)})")
            if time.monotonic() > ends_at:
                raise BlenderHung(f"Blender took more than {timeout_seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def _tail(self) -> str:
        """The end of what it printed, in one line."""
        self._log.flush()
        text = (self._folder / "log.txt").read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace")
        return " ".join(text.split())


def _environment(folder: Path) -> dict[str, str]:
    """Ours without what would lead another Python astray; settings and temporary files of Blender's go to the folder.

    Blender makes itself a folder for temporary files and removes it only when it ends by its own way out, which the
    worker does not take.
    """
    ours = {
        name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    }
    own = dict.fromkeys(("BLENDER_USER_RESOURCES", "TMPDIR", "TEMP", "TMP"), str(folder))
    return {**ours, **own, "PYTHONNOUSERSITE": "1"}


def _kill_all(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
        return
    with suppress(ProcessLookupError):  # it may have ended by itself just now
        os.killpg(process.pid, signal.SIGKILL)


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
