"""How long ``--help`` of each tool takes, beside what no tool can go below.

Run with ``python -m benchmarks.help_time`` from the root of the repository. Prints the median wall time of several
runs, in milliseconds, after one run that warms the disk's cache and the byte code: the floor is the interpreter alone,
then the parser library alone, and the last column is the median of the ratios to that.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

TOOLS = ("eztrack-tune", "flexpatch-train", "highlight-train", "blur-train", "video-train")
PARSER = "python -c 'import typer'"
MILLISECONDS = 1000


def milliseconds(command: list[str]) -> float:
    """The wall time of a command, in milliseconds."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return (time.perf_counter() - started) * MILLISECONDS


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=11, help="runs of each command (default: %(default)s)")
    runs = parser.parse_args().runs
    folder = Path(sys.executable).parent
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        PARSER: [sys.executable, "-c", "import typer"],
        **{f"{tool} --help": [str(folder / tool), "--help"] for tool in TOOLS},
    }
    # In turns, so that a busy moment of the machine falls on all of them.
    rounds = [{name: milliseconds(command) for name, command in commands.items()} for _ in range(runs + 1)][1:]
    print(f"{'median (least to greatest)':<28} {'ms':>20} {'x parser library':>18}   load {os.getloadavg()[0]:.1f}")
    for name in commands:
        taken = [times[name] for times in rounds]
        ratio = statistics.median(times[name] / times[PARSER] for times in rounds)
        spread = f"{statistics.median(taken):.0f} ({min(taken):.0f} to {max(taken):.0f})"
        print(f"{name:<28} {spread:>20} {ratio:>18.2f}")


if __name__ == "__main__":
    main()
