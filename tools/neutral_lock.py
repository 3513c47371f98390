"""Keep `uv.lock` the same whichever package index a machine uses.

A lock as `uv` writes it names the index it was made with and holds a download address for every file, so it changes,
or fails, behind a mirror or a proxy. The neutral form that is committed says only what must not change:

* exact versions, dependencies and environment markers;
* of every file its name and its SHA-256 hash;
* that a package comes from an index, whose address is always written as ``https://index/simple``.

Addresses, sizes and upload times go (not every index gives the last two), and so do ``[options]`` (a machine's cut-off
date, say; the project's own settings are in `pyproject.toml`). Files and resolution markers are sorted, because uv
orders the markers by how it came to resolve, not by what it resolved.

The ``[package.metadata]`` tables of the workspace's members go too, and this is the point: without them uv cannot tell
that the lock still fits `pyproject.toml`, resolves again on the first ``uv sync``, ``uv lock`` or ``uv run`` with the
locked versions as preferences, and so fills in the addresses of the index at hand. Seen with uv 0.13:

* with the tables kept, ``uv lock --check`` passes, and ``uv sync`` fails: "without a valid URL";
* ``uv sync --frozen`` cannot install from a neutral lock (same error), ``uv sync --locked`` and ``uv lock --check`` say
  that the lock needs an update; after one ``uv sync`` both work;
* a preference is not a pin of bytes: where the index has another hash for a locked file, uv takes the index's hash
  without a word. Hence the checks below; CI runs the first two before anything is installed.

As a filter, standard input to standard output::

    python3 tools/neutral_lock.py < uv.lock

``just setup`` makes it git's clean filter for `uv.lock`, so that the addresses in a working copy are no change. git
asks no filter when a file's size differs from the one it noted at checkout; the ``git add uv.lock`` at the end of
``just setup`` makes it look once, stages nothing, and leaves the checkout clean.

As a check, exit 1 with the findings when something is wrong::

    python3 tools/neutral_lock.py --check             # is the lock that git holds neutral?
    python3 tools/neutral_lock.py --check-resolved    # does ./uv.lock hold the versions and hashes that git holds?
    python3 tools/neutral_lock.py --check-installed   # and is every distribution in .venv of a locked version?

Standard library only, because git runs it where no environment exists yet.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

LOCK = "uv.lock"
NEUTRAL_INDEX = "https://index/simple"
DROPPED_TABLES = ("[package.metadata", "[options")

_REGISTRY = re.compile(r'\bregistry = "[^"]*"')
_FILE = re.compile(
    r'^(?P<head>sdist = |    )\{ (?:url|path|filename) = "(?P<place>[^"]+)"(?P<rest>.*?)\s*\}(?P<tail>,?)$'
)
_HASH = re.compile(r'\bhash = "([^"]+)"')
_ADDRESS = re.compile(r"https?://[^\s\"']*")
_SORTED_LISTS = ("wheels = [", "resolution-markers = [")


def neutral(text: str) -> str:
    """Return the index-neutral form of a lock; a neutral lock comes back unchanged.

    Args:
        text: A `uv.lock` as uv writes it or already neutral, with any line endings.

    Returns:
        The neutral lock, lines ended by a line feed.
    """
    kept: list[str] = []
    block: list[str] | None = None
    dropping = False
    for line in text.splitlines():
        if line.startswith("["):
            dropping = line.startswith(DROPPED_TABLES)
        if dropping:
            continue
        if block is not None and line != "]":
            block.append(_neutral_line(line))
            continue
        if block is not None:
            kept += sorted(block)
            block = None
        elif line in _SORTED_LISTS:
            block = []
        kept.append(_neutral_line(line))
    return "\n".join(kept + sorted(block or [])).rstrip("\n") + "\n"


def _neutral_line(line: str) -> str:
    file = _FILE.match(line)
    if file is None:
        return _REGISTRY.sub(f'registry = "{NEUTRAL_INDEX}"', line)
    name = unquote(urlsplit(file["place"]).path).rsplit("/", 1)[-1]
    digest = _HASH.search(file["rest"])
    fields = f'filename = "{name}"' + (f', hash = "{digest[1]}"' if digest else "")
    return f"{file['head']}{{ {fields} }}{file['tail']}"


def findings_of_form(text: str) -> list[str]:
    """Say what keeps a lock from being neutral: addresses, then files without a hash, then anything else.

    Args:
        text: The lock as it is committed.

    Returns:
        One sentence a finding; empty when the lock is neutral.
    """
    found = [
        f"line {number} holds the address {address}"
        for number, line in enumerate(text.splitlines(), start=1)
        for address in _ADDRESS.findall(line)
        if address != NEUTRAL_INDEX
    ]
    for package, files in _files(text).items():
        found += [f"{package}: {name} has no hash" for name, digest in files.items() if not digest]
    if not found and text != neutral(text):
        found.append("it differs from what the filter makes of it")
    return found


def findings_of_resolution(locked: str, resolved: str) -> tuple[list[str], list[str]]:
    """Compare what uv resolved against the index at hand with the committed lock.

    Args:
        locked: The committed, neutral lock.
        resolved: The working lock, with addresses.

    Returns:
        Findings (another version, another hash, a file that was not locked) and remarks (a locked file that this index
        does not offer, or a difference of form such as a newer uv would make), one sentence each.
    """
    if neutral(resolved) == locked:
        return [], []
    found: list[str] = []
    remarks: list[str] = []
    expected, actual = _files(locked), _files(resolved)
    found += [f"{package} is locked and was not resolved" for package in expected if package not in actual]
    found += [f"{package} was resolved and is not locked" for package in actual if package not in expected]
    for package in expected.keys() & actual.keys():
        for name, digest in actual[package].items():
            if name not in expected[package]:
                found.append(f"{package}: the file {name} is not locked")
            elif digest != expected[package][name]:
                found.append(f"{package}: {name} has the hash {digest}, locked is {expected[package][name]}")
        missing = len(expected[package].keys() - actual[package].keys())
        if missing:
            remarks.append(f"{package}: this index lacks {missing} of the {len(expected[package])} locked files")
    if not found and not remarks:
        remarks.append("same versions and hashes, another form (dependencies, markers or uv's revision changed)")
    return sorted(found), sorted(remarks)


def findings_of_environment(locked: str, environment: Path) -> tuple[list[str], int]:
    """Compare the distributions installed in a virtual environment with the committed lock.

    Args:
        locked: The committed, neutral lock.
        environment: The folder of the environment, `.venv`.

    Returns:
        Findings, one sentence each, and the number of distributions looked at.
    """
    versions: dict[str, set[str]] = {}
    for package in tomllib.loads(locked)["package"]:
        versions.setdefault(package["name"], set()).add(package.get("version", "unknown"))
    folders = sorted([*environment.glob("lib/python*/site-packages"), *environment.glob("Lib/site-packages")])
    installed = {
        (re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower(), found.version)
        for found in distributions(path=[str(folder) for folder in folders])
    }
    findings = [
        f"{name} {version} is installed, locked is {' or '.join(sorted(versions.get(name, {'nothing'})))}"
        for name, version in sorted(installed)
        if version not in versions.get(name, set())
    ]
    if not installed:
        findings.append(f"nothing is installed in {environment.name}: run `uv sync` first")
    return findings, len(installed)


def _files(text: str) -> dict[str, dict[str, str]]:
    """Return file name to hash, empty if missing, for every package from an index, by "name version"."""
    packages: list[dict[str, Any]] = tomllib.loads(neutral(text)).get("package", [])
    return {
        f"{package['name']} {package['version']}": {
            file["filename"]: file.get("hash", "")
            for file in [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        }
        for package in packages
        if "registry" in package["source"]
    }


def _committed(root: Path) -> str:
    """Return the lock in git's index: what a clone has, or what the next commit will have."""
    shown = subprocess.run(["git", "show", f":{LOCK}"], cwd=root, capture_output=True, check=False)
    if shown.returncode != 0:
        raise SystemExit(f"git holds no {LOCK}: {shown.stderr.decode(errors='replace').strip()}")
    return shown.stdout.decode("utf-8")


def _report(question: str, findings: list[str], remarks: list[str], remedy: str) -> int:
    for remark in remarks:
        print(f"note: {remark}")
    if not findings:
        print(f"{question}: yes")
        return 0
    print(f"{question}: no")
    shown = 20
    for finding in findings[:shown]:
        print(f"  {finding}")
    if len(findings) > shown:
        print(f"  and {len(findings) - shown} more")
    print(remedy)
    return 1


def check(mode: str, root: Path) -> int:
    """Run one of the checks on the project at ``root``, print what it found and return the exit status."""
    locked = _committed(root)
    if mode == "form":
        remedy = "Run `just setup` (it installs the git filter), then `git add --renormalize uv.lock`."
        return _report(f"The committed {LOCK} is index-neutral", findings_of_form(locked), [], remedy)
    found, remarks = findings_of_resolution(locked, (root / LOCK).read_text(encoding="utf-8"))
    remedy = f"If the change is meant, commit {LOCK}; if not, `git checkout {LOCK}` and look at the index."
    status = _report("What uv resolved has the locked versions and hashes", found, remarks, remedy)
    if mode == "installed":
        environment = root / os.environ.get("UV_PROJECT_ENVIRONMENT", ".venv")
        found, count = findings_of_environment(locked, environment)
        question = f"The {count} installed distributions are of locked versions"
        status |= _report(question, found, [], "Run `uv sync --all-groups`.")
    return status


def main(arguments: list[str] | None = None) -> int:
    """Filter standard input, or run the check that was asked for."""
    parser = argparse.ArgumentParser(description="Make uv.lock index-neutral (standard input to output), or check it.")
    mode = parser.add_mutually_exclusive_group()
    for name in ("form", "resolved", "installed"):
        flag = "--check" if name == "form" else f"--check-{name}"
        mode.add_argument(flag, dest="mode", action="store_const", const=name)
    chosen = parser.parse_args(arguments).mode
    if chosen is not None:
        return check(chosen, Path.cwd())
    sys.stdout.buffer.write(neutral(sys.stdin.buffer.read().decode("utf-8")).encode("utf-8"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
