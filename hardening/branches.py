"""What the tests reach of each package: lines and branches, from the data that ``coverage`` collected.

``just coverage`` runs the tests and then ``uv run python -m hardening.branches``, which prints a row a package. It ends
with 1 where less than 90 % of the library's branches were taken. A package that no test was run of has no row.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LIBRARY = "core"
WANTED = 0.9
COUNTS = ("covered_lines", "num_statements", "covered_branches", "num_branches")


def by_package(files: Mapping[str, Any]) -> dict[str, Counter[str]]:
    """Counts of lines and branches of each package, from the ``files`` of coverage's JSON report."""
    found: dict[str, Counter[str]] = {}
    for name, entry in files.items():
        package, inside, _ = Path(name).as_posix().partition("/src/")
        if inside:
            counted = found.setdefault(package.rpartition("/")[2], Counter())
            counted.update({count: entry["summary"][count] for count in COUNTS})
    return {package: counted for package, counted in found.items() if counted["covered_lines"]}


def share_of_branches(counted: Mapping[str, int]) -> float:
    """Branches taken over all, in [0, 1]; 1 where there are none."""
    return counted["covered_branches"] / counted["num_branches"] if counted["num_branches"] else 1.0


def row(package: str, counted: Mapping[str, int]) -> str:
    """A row of the table."""
    lines, branches = counted["covered_lines"], counted["covered_branches"]
    all_lines, all_branches = counted["num_statements"], counted["num_branches"]
    return (
        f"| {package} | {lines / all_lines:.1%} | {share_of_branches(counted):.1%} | {branches} of {all_branches} | "
        f"{(lines + branches) / (all_lines + all_branches):.1%} |"
    )


def main() -> int:
    """Print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "coverage.json"
        subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", report], check=True)
        found = by_package(json.loads(report.read_text())["files"])
    print("| package | lines | branches | n | both |")
    print("|---|---|---|---|---|")
    for package, counted in sorted(found.items()):
        print(row(package, counted))
    if len(found) > 1:
        print(row("all", sum(found.values(), Counter())))
    return 0 if LIBRARY in found and share_of_branches(found[LIBRARY]) >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
