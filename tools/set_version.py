"""Set the version of every package at once: `python tools/set_version.py 0.2.0`; `--check` only compares.

It stands in one place, `packages/core/pyproject.toml`. The other packages carry a copy, because a wheel must say which
version it is and which version of the library it was tested with.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION = re.compile(r'^version = "[^"]+"$', re.MULTILINE)
PIN = re.compile(r'"(footage-core(?:\[[a-z,-]+\])?)==[^"]+"')
FORM = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")


def with_version(text: str, version: str) -> str:
    """A package's pyproject.toml with a version, its own and that of the library it needs."""
    return PIN.sub(rf'"\1=={version}"', VERSION.sub(f'version = "{version}"', text, count=1))


def main(root: Path = ROOT, arguments: list[str] | None = None) -> int:
    """Write or compare; 1 where ``--check`` found a package of another version, 2 for what is no version."""
    parser = argparse.ArgumentParser(description="Set the version of every package.")
    parser.add_argument("version", nargs="?", help="such as 0.2.0 or 0.2.0rc1; default: that of packages/core")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where packages differ")
    given = parser.parse_args(arguments)
    core = tomllib.loads((root / "packages/core/pyproject.toml").read_text(encoding="utf-8"))
    version: str = given.version or core["project"]["version"]
    if FORM.fullmatch(version) is None:
        print(f"{version!r} is no version such as 0.2.0 or 0.2.0rc1", file=sys.stderr)
        return 2
    different = []
    for path in sorted(root.glob("packages/*/pyproject.toml")):
        text = path.read_text(encoding="utf-8")
        wanted = with_version(text, version)
        if wanted != text:
            different.append(path.parent.name)
            if not given.check:
                path.write_text(wanted, encoding="utf-8", newline="\n")
    if given.check and different:
        print(f"not of version {version}: {', '.join(different)}: run `python tools/set_version.py {version}`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
