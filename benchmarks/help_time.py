"""How long ``--help`` of each tool takes, beside what no tool can go below.

Run with ``python benchmarks/help_time.py``. Prints the median wall time of several runs, in milliseconds, after one run
that warms the disk's cache and the byte code: the floor is the interpreter alone, then the parser library alone.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

TOOLS = ("eztrack-tune", "flexpatch-train", "highlight-train", "blur-train", "video-train")
MILLISECONDS = 1000


def median_milliseconds(command: list[str], runs: int) -> float:
    """The median wall time of a command, in milliseconds."""
    taken = []
    for run in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        if run:
            taken.append((time.perf_counter() - started) * MILLISECONDS)
    return statistics.median(taken)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=11, help="runs a command (default: %(default)s)")
    runs = parser.parse_args().runs
    folder = Path(sys.executable).parent
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -c 'import typer'": [sys.executable, "-c", "import typer"],
        **{f"{tool} --help": [str(folder / tool), "--help"] for tool in TOOLS},
    }
    for name, command in commands.items():
        print(f"{name:<28} {median_milliseconds(command, runs):7.0f} ms")


if __name__ == "__main__":
    main()
