"""Are the tests of what is counted and split worth anything? Small faults are put into the code, one at a time.

``uv run --with 'mutmut>=3.8,<4' python -m hardening.mutants`` takes a copy of the library, mutates metrics, splits,
sampling and the conversion of boxes by mutmut, and runs for each mutant the tests that reach it. It ends with 1 where
less than 85 % of them were noticed. A mutant that no test can tell from the original counts as one that got away.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "packages" / "core"
MUTATED = ("metrics/*.py", "sampling.py", "dataset/splits.py")
TESTS = ("test_metrics_*.py", "test_sampling.py", "test_dataset_splits.py")
WANTED = 0.85
NOTICED = ("killed", "timeout", "segfault", "caught by type check")
UNREACHED = "no tests"
RESULT = re.compile(r"^\s*(?P<module>[\w.]+)\.(?P<mutant>\w+__mutmut_\d+): (?P<outcome>[\w ]+?)\s*$")


def lay_out(folder: Path) -> None:
    """Copy the library and the tests into a project as mutmut expects one."""
    shutil.copytree(CORE / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    (folder / "tests").mkdir(exist_ok=True)
    for pattern in TESTS:
        for file in (CORE / "tests").glob(pattern):
            shutil.copy2(file, folder / "tests")
    shutil.copy2(ROOT / "conftest.py", folder / "tests")
    listed = "\n    ".join(f"src/footage/{pattern}" for pattern in MUTATED)
    settings = {
        "source_paths": "src",
        "only_mutate": f"\n    {listed}",
        "pytest_add_cli_args": "\n    --import-mode=importlib\n    -p\n    no:cacheprovider",
        "use_git_change_detection": "false",
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    (folder / "setup.cfg").write_text("\n".join(["[mutmut]", *lines, ""]))


def run_mutmut(folder: Path, *arguments: str) -> str:
    """Run mutmut there, in this environment; what it prints is returned by ``results`` and shown otherwise."""
    done = subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments],
        cwd=folder,
        env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis")},
        stdout=subprocess.PIPE if arguments[0] == "results" else None,
        text=True,
        check=True,
    )
    return done.stdout or ""


def outcomes_of(printed: str) -> dict[str, dict[str, str]]:
    """Each module's mutants with what became of them, from what ``mutmut results --all`` prints."""
    found: dict[str, dict[str, str]] = {}
    for line in printed.splitlines():
        if match := RESULT.match(line):
            found.setdefault(match["module"].removeprefix("src."), {})[match["mutant"]] = match["outcome"]
    return found


def share_noticed(outcomes: dict[str, str]) -> float:
    """The share of mutants that a test noticed, in [0, 1]."""
    return sum(outcome in NOTICED for outcome in outcomes.values()) / len(outcomes)


def show(found: dict[str, dict[str, str]]) -> float:
    """Print a row a module and one for all; gives the share of all that was noticed."""
    everything = {f"{module}.{name}": outcome for module, part in found.items() for name, outcome in part.items()}
    print("| module | mutants | noticed | of these by a time-out | got away | not reached by a test |")
    print("|---|---|---|---|---|---|")
    for module, part in [*sorted(found.items()), ("all", everything)]:
        counted = Counter(part.values())
        share = share_noticed(part)
        away = len(part) - sum(counted[one] for one in (*NOTICED, UNREACHED))
        print(f"| {module} | {len(part)} | {share:.1%} | {counted['timeout']} | {away} | {counted[UNREACHED]} |")
    return share_noticed(everything)


def main() -> int:
    """Mutate, test, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where to work; what is there is gone on with")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--list", action="store_true", help="also name the mutants that got away")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        lay_out(folder)
        run_mutmut(folder, "run", "--max-children", str(given.processes))
        found = outcomes_of(run_mutmut(folder, "results", "--all", "true"))
    share = show(found)
    if given.list:
        print(
            *(f"{m}.{name}: {o}" for m, part in found.items() for name, o in part.items() if o not in NOTICED), sep="\n"
        )
    return 0 if share >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
