"""The verb ``runs verify``: what it prints, and the code it ends with."""

from __future__ import annotations

from pathlib import Path

from footage.cli.console import print_json, result
from footage.cli.exits import ExitCode
from footage.errors import printable
from footage.runs.verify import verify_run

STATES = {True: "ok     ", False: "DIFFERS", None: "none   "}


def show(run: Path, *, as_json: bool) -> ExitCode:
    """Verify a run and print what was found.

    Returns:
        ``GATE_NOT_MET`` where something is not as the run left it.

    Raises:
        InputError: it is no run's folder.
    """
    found = verify_run(run)
    if as_json:
        print_json({"run": found.run, "tool": found.tool, "same": not found.differing, "findings": found.findings})
    else:
        for finding in found.findings:
            result(f"{STATES[finding.ok]}  {finding.name}: {printable(finding.detail)}")
        differing = ", ".join(found.differing)
        verdict = f"not as the run left it: {differing}" if differing else "as the run left it"
        result(printable(f"{found.run} ({found.tool}): {verdict}"))
    return ExitCode.GATE_NOT_MET if found.differing else ExitCode.DONE
