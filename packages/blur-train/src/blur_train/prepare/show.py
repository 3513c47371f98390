"""The verb ``prepare``: what it prints, and the code it ends with."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from blur_train.classes import CLASSES
from blur_train.prepare.command import PrepareOptions, Result, plan, prepare
from blur_train.prepare.manifest import MANIFEST_FILE, SIDES
from footage.cli.console import print_json, print_table, result, talk, warn
from footage.cli.exits import ExitCode
from footage.cli.progress import progress

REASONS_TOLD = 10


def show(options: PrepareOptions, *, audit: bool, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Args:
        options: what to prepare, and how.
        audit: also look whether the classes can be told apart by anything but blur.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``GATE_NOT_MET`` where the audit finds the data set not ready, ``SOME_INPUTS_FAILED`` where a photo could not
        be used.

    Raises:
        FootageError: as :func:`blur_train.prepare.command.prepare`.
    """
    if dry_run:
        _show_plan(options, as_json=as_json)
        return ExitCode.DONE
    done = prepare(
        options,
        tell=talk,
        make_progress=lambda total, there, doing: progress(total, "photos", doing, already_done=there),
    )
    _tell_of_left_out(done)
    files = [options.output / MANIFEST_FILE]
    document: dict[str, object] = {
        "photos": done.prepared.counts(),
        "left_out": done.prepared.left_out,
        "data_sha256": done.prepared.data_sha256,
        "split_sha256": done.prepared.split_sha256,
    }
    if not as_json:
        counts = done.prepared.counts()
        print_table(("side", *CLASSES), [(side, *counts[side].values()) for side in SIDES])
        result(f"{len(done.prepared.photos)} photos, {len(done.prepared.left_out)} left out")
    ready = _audit(options, done, document, files, as_json=as_json) if audit else True
    if as_json:
        print_json({**document, "files": [str(file) for file in files]})
    else:
        for file in files:
            result(str(file))
    if not ready:
        return ExitCode.GATE_NOT_MET
    return ExitCode.SOME_INPUTS_FAILED if done.failed else ExitCode.DONE


def _audit(
    options: PrepareOptions, done: Result, document: dict[str, object], files: list[Path], *, as_json: bool
) -> bool:
    """Audit, write what it found, print it; gives whether the data set is ready."""
    # Loads scikit-learn and matplotlib, which preparing alone does not need.
    from blur_train.prepare.audit import audit, write_findings

    findings = audit(done.prepared, done.seen, np.random.default_rng(options.seed))
    files.append(write_findings(findings, done.prepared, options.output))
    document["audit"] = {"ready": findings.ready, "lead": findings.lead, "findings": findings}
    if not as_json:
        for probe in findings.probes:
            result(probe.text())
        for finding in findings.split.findings:
            result(finding.text)
        result(findings.lead)
    return findings.ready


def _show_plan(options: PrepareOptions, *, as_json: bool) -> None:
    planned = plan(options)
    if as_json:
        print_json(planned)
        return
    total = sum(planned.photos.values())
    result(f"would look at {total} photos and copy them, {planned.disk_bytes / 1e6:.0f} MB:")
    for name, count in planned.photos.items():
        result(f"  {count} {name}")
    for one in planned.left_out[:REASONS_TOLD]:
        result(f"would leave out {one.path}: {one.reason}")
    if len(planned.left_out) > REASONS_TOLD:
        result(f"and {len(planned.left_out) - REASONS_TOLD} more")


def _tell_of_left_out(done: Result) -> None:
    left_out = done.prepared.left_out
    for one in left_out[:REASONS_TOLD]:
        warn(f"left out {one.path}: {one.reason}")
    if len(left_out) > REASONS_TOLD:
        rest = Counter(one.reason for one in left_out[REASONS_TOLD:])
        most = "; ".join(f"{count} times: {reason}" for reason, count in rest.most_common(3))
        warn(f"left out {len(left_out) - REASONS_TOLD} more, all in {MANIFEST_FILE}; {most}")
