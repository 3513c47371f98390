"""Write the help texts into the README: `uv run python tools/readme_help.py`; with `--check` only compare them."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
COMMANDS = (
    ("flexpatch-train",),
    ("flexpatch-train", "run"),
    ("highlight-train",),
    ("highlight-train", "train"),
    ("highlight-train", "batch-classify"),
)
WIDTH = 100
START = "<!-- help: written by `uv run python tools/readme_help.py` -->\n"
END = "<!-- /help -->\n"


def help_text(command: tuple[str, ...]) -> str:
    """What ``COMMAND --help`` prints at a width of ``WIDTH`` columns."""
    program = Path(sys.executable).with_name(command[0] + (".exe" if os.name == "nt" else ""))
    # Typer and its parser ask the environment for the width, and a few other variables for colour.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TERMINAL_", "_TYPER"))}
    environment |= {"COLUMNS": str(WIDTH), "NO_COLOR": "1", "PYTHONUTF8": "1"}
    environment.pop("FORCE_COLOR", None)
    done = subprocess.run(
        [program, *command[1:], "--help"], env=environment, capture_output=True, encoding="utf-8", check=True
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def block() -> str:
    """The help of every command, each in a fence of its own."""
    texts = (f"```text\n$ {' '.join(command)} --help\n{help_text(command)}\n```\n" for command in COMMANDS)
    return "\n" + "\n".join(texts) + "\n"


def main() -> int:
    """Write or compare; 1 where ``--check`` found a difference."""
    parser = argparse.ArgumentParser(description="Write the help texts into the README.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the README differs")
    checking: bool = parser.parse_args().check
    text = README.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise SystemExit(f"{README.name} has lost its markers: {START.strip()} and {END.strip()}")
    wanted = before + START + block() + END + after
    if wanted == text:
        return 0
    if checking:
        print(f"{README.name} shows another help than the commands give: run `uv run python tools/readme_help.py`")
        return 1
    README.write_text(wanted, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
