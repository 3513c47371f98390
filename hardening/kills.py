"""``kill -9`` at random moments, again and again: the work that goes on afterwards ends with the same files.

``uv run python -m hardening.kills`` runs each verb once undisturbed, then anew, killed at twenty moments drawn over the
time that the undisturbed run took, and once more to its end; it prints the table and ends with 1 where a file differs.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from hardening.commands import SCRIPTS, run
from hardening.media import coded

KILLS = 20
FIRST_SHARE = 0.25
"""Of an undisturbed run, in which a program mostly starts: few kills are wasted on it."""


@dataclass(frozen=True, slots=True)
class Work:
    """A verb that can be killed.

    Attributes:
        verb: as typed.
        arguments: from the folder of the inputs and that of the output.
        results: files below the output that must be the same.
        content: what of a file must be the same, by its name; all of it where nothing is given.
    """

    verb: str
    arguments: Callable[[Path, Path], tuple[str | Path, ...]]
    results: tuple[str, ...]
    content: dict[str, Callable[[bytes], bytes]]


def _without_times(data: bytes) -> bytes:
    """A table without the columns that say how long something took or when it was."""
    frame = pd.read_csv(io.BytesIO(data))
    # Whether detection was shared depends on which trials one process did.
    passing = {"seconds", "detection_shared"}
    kept = [name for name in frame.columns if name not in passing]
    return str(frame[kept].sort_values(kept).to_csv(index=False)).encode()


def _without_moment(data: bytes) -> bytes:
    """Highlights without when they were found."""
    document = json.loads(data)
    document.pop("processed_at")
    return json.dumps(document).encode()


WORKS = (
    Work(
        "flexpatch-train run",
        lambda inputs, out: (
            inputs / "flexpatch-train" / "scene.mp4",
            "--detector",
            "motion",
            "--max-frames",
            "0",
            "-o",
            out,
        ),
        ("training_data.csv", "flexpatch_model.joblib"),
        {},
    ),
    Work(
        "highlight-train batch-classify",
        lambda inputs, out: (inputs / "library", inputs / "highlight-train" / "training", out, "-j", "1"),
        ("highlights.json", "scores.csv"),
        {"highlights.json": _without_moment},
    ),
    Work(
        "eztrack-tune sweep",
        lambda inputs, out: (
            inputs / "eztrack-tune" / "library",
            "--tracker",
            "opencv",
            "--frames",
            "24",
            "-j",
            "1",
            "-o",
            out,
        ),
        ("trials.csv",),
        {"trials.csv": _without_times},
    ),
    Work(
        "video-train train",
        lambda inputs, out: (
            *("--video-dir", inputs / "video-train" / "videos", "--student", "tiny3d", "--student-weights", "none"),
            *(
                "--no-distill",
                "--image-size",
                "48",
                "--frames-per-clip",
                "6",
                "--num-epochs",
                "12",
                "-j",
                "1",
                "-o",
                out,
            ),
        ),
        ("best_student.pt", "model.onnx"),
        {},
    ),
)


def prepare(inputs: Path) -> None:
    """Videos of several kinds, and a model of highlight-train."""
    for tool in ("highlight-train", "video-train", "flexpatch-train", "eztrack-tune"):
        ending = run(tool, "demo", "--smoke", "-o", inputs / tool, folder=inputs)
        if ending.fault is not None:
            raise RuntimeError(f"{ending.command}: {ending.errors}")
    (inputs / "library").mkdir()
    for number in range(200):
        coded(inputs / "library" / f"{number:03d}.mp4", frames=12 + number % 24)


def command_of(work: Work, inputs: Path, out: Path) -> list[str]:
    """As a process of its own."""
    script, verb = work.verb.split()
    program = f"from {SCRIPTS[script]} import main; main()"
    return [sys.executable, "-c", program, verb, *(str(one) for one in work.arguments(inputs, out))]


def fingerprints(work: Work, out: Path) -> dict[str, str]:
    """SHA-256 of what must be the same."""
    found = {}
    for name in work.results:
        data = (out / name).read_bytes()
        found[name] = hashlib.sha256(work.content.get(name, bytes)(data)).hexdigest()
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """What came of a verb.

    Attributes:
        verb: as typed.
        kills: how many processes were killed before they ended.
        seconds: of the undisturbed run.
        different: files that are not the same.
    """

    verb: str
    kills: int
    seconds: float
    different: tuple[str, ...]


def killed(work: Work, folder: Path, inputs: Path, *, kills: int, rng: np.random.Generator) -> Row:
    """Run a verb undisturbed and killed, and compare."""
    reference, out, log = folder / "reference", folder / "killed", folder / "log"
    began = time.perf_counter()
    with log.open("wb") as said:
        subprocess.run(command_of(work, inputs, reference), check=True, stdout=said, stderr=said)
    seconds = time.perf_counter() - began
    wanted, done = fingerprints(work, reference), 0
    with log.open("ab") as said:
        while done < kills:
            process = subprocess.Popen(command_of(work, inputs, out), stdout=said, stderr=said, start_new_session=True)
            try:
                process.wait(rng.uniform(FIRST_SHARE, 1.0) * seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                done += 1
            else:
                # It came to its end before the moment that was drawn: begin anew.
                if fingerprints(work, out) != wanted:
                    break
                shutil.rmtree(out)
        subprocess.run(command_of(work, inputs, out), check=True, stdout=said, stderr=said)
    found = fingerprints(work, out)
    return Row(work.verb, done, seconds, tuple(name for name in wanted if found[name] != wanted[name]))


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    lines = ["| verb | undisturbed | killed | files that differ |", "|---|---|---|---|"]
    lines += [
        f"| {row.verb} | {row.seconds:.0f} s | {row.kills} times | {', '.join(row.different) or 'none'} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="kill -9 at random moments: the same files afterwards.")
    parser.add_argument("--kills", type=int, default=KILLS, help="of each verb (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: %(default)s)")
    parser.add_argument("--verb", action="append", choices=[work.verb for work in WORKS], help="only this; repeatable")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        inputs = Path(temporary) / "inputs"
        inputs.mkdir()
        prepare(inputs)
        for number, work in enumerate(WORKS):
            if given.verb is None or work.verb in given.verb:
                folder = Path(temporary) / str(number)
                folder.mkdir()
                rows.append(
                    killed(work, folder, inputs, kills=given.kills, rng=np.random.default_rng(given.seed + number))
                )
    if given.json:
        print(json.dumps([{"verb": row.verb, "kills": row.kills, "different": row.different} for row in rows]))
    else:
        print(table(rows))
    return 1 if any(row.different for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
