"""The verb ``demo``: the whole workflow on a drawn library, from a scan to the add-on's source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eztrack_tune.aggregate import command as aggregating
from eztrack_tune.aggregate.findings import Aggregation
from eztrack_tune.apply import command as applying
from eztrack_tune.demo.library import (
    CLASS_NAME,
    CLIPS,
    FRAMES,
    SMOKE_CLIPS,
    SMOKE_FRAMES,
    draw_library,
    write_addon,
)
from eztrack_tune.demo.truth import TrueErrors, drift_gain, true_errors
from eztrack_tune.scan import command as scanning
from eztrack_tune.scan.coverage import lead as scan_lead
from eztrack_tune.scan.record import HELD_OUT, TUNING, Scan
from eztrack_tune.sweep import command as sweeping
from eztrack_tune.sweep.options import SweepOptions, choose_trackers
from eztrack_tune.sweep.sources import find_clips
from eztrack_tune.sweep.work import Work
from eztrack_tune.validate import command as validating
from eztrack_tune.validate.validation import Validation
from footage.cli.console import print_json, print_table, result, talk
from footage.cli.progress import Progress, progress
from footage.errors import GateNotMet
from footage.metrics.intervals import Interval

WHAT_IT_IS = (
    "This was a drawn library. It shows that the workflow works, and says nothing about your footage: find defaults on "
    "clips of your own, with Blender's tracker."
)
ADDON_FILE = "smart_tracker.py"
SETTINGS = 3
"""Of the six, to stay under two minutes; today's default comes on top."""
TRUTH_COLUMNS = ("held-out clip", "settings", "path error", "drifting tracks")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """How to run the demo.

    Attributes:
        output: the folder for everything.
        seed: of the clips and of everything random.
        smoke: two short clips only.
        executable: Blender itself, to track with it; None for the embedded tracker.
        bpy: the version of Blender's wheel, likewise.
    """

    output: Path
    seed: int = 0
    smoke: bool = False
    executable: Path | None = None
    bpy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What a demo made.

    Attributes:
        scan: of the library.
        aggregation: of the sweep over the clips to tune on.
        validation: on the held-out clips; None where there is none.
        applied: what ``apply`` did or why it did not.
        truth: the held-out clips judged by the true camera; empty without such clips.
        drift: how much smaller the share of drifting tracks is than with today's default; None without clips.
        files: what was written, the report last.
    """

    scan: Scan
    aggregation: Aggregation
    validation: Validation | None
    applied: str
    truth: tuple[TrueErrors, ...]
    drift: Interval | None
    files: tuple[Path, ...]


def show(options: DemoOptions, *, as_json: bool) -> None:
    """Run the demo and print what it made; ends with the path of a report.

    Raises:
        FootageError: as the verbs that it runs.
    """
    made = run(options)
    if as_json:
        document = {
            "lead": made.aggregation.lead,
            "what_it_is": WHAT_IT_IS,
            "scan": scan_lead(made.scan),
            "validation": None if made.validation is None else made.validation.lead,
            "applied": made.applied,
            "truth": made.truth,
            "fewer_drifting_tracks": made.drift,
            "files": [str(file) for file in made.files],
        }
        print_json(document)
        return
    result(scan_lead(made.scan))
    result(made.aggregation.lead)
    for name, one in made.aggregation.comparisons.items():
        result(f"{name}: {one.verdict.value}: {one.reason}")
    _print_truth(made)
    if made.validation is not None:
        result(made.validation.lead)
    result(made.applied)
    result(WHAT_IT_IS)
    for file in made.files:
        result(str(file))


def run(options: DemoOptions) -> Demo:
    """Draw the library, then run every verb as a user would; see :func:`show`."""
    output = options.output
    clips, frames = (SMOKE_CLIPS, SMOKE_FRAMES) if options.smoke else (CLIPS, FRAMES)
    library = output / "library"
    talk(f"drawing {clips} clips of a camera that goes round a scene: {library}")
    with progress(clips, "clips", "drawing") as drawing:
        draw_library(library, seed=options.seed, clips=clips, frames=frames, advance=drawing.advance)
    talk("eztrack-tune scan")
    scan = scanning.run(
        scanning.ScanOptions(library=(library,), output=output / "scan", most_frames=frames, seed=options.seed),
        tell=talk,
        make_progress=_stage("clips", "looking"),
    )
    talk("eztrack-tune sweep")
    _sweep(options, output / "sweep", frames, side=TUNING)
    talk("eztrack-tune aggregate")
    aggregation = aggregating.run(
        aggregating.AggregateOptions(sessions=(_sessions(output / "sweep"),), output=output / "defaults")
    )
    validation, truth = None, []
    if scan.of_class(CLASS_NAME, HELD_OUT):
        talk("eztrack-tune sweep, of the clips that were held out")
        matrix = output / "defaults" / aggregating.MATRIX_FILE
        _sweep(options, output / "held_out", frames, side=HELD_OUT, matrix=matrix)
        talk("eztrack-tune validate")
        validation = validating.run(
            validating.ValidateOptions(
                defaults=output / "defaults",
                sessions=(_sessions(output / "held_out"),),
                output=output / "validation",
            )
        )
        talk("comparing with the true camera")
        truth = _truth(aggregation, options, frames)
    applied = _apply(output, validation)
    comparison = aggregation.comparisons[CLASS_NAME]
    best = comparison.best.settings if comparison.best else comparison.today
    files = [output / "scan" / scanning.REPORT_FILE, *sweeping.files_of(output / "sweep")[:2]]
    files += [output / "validation" / validating.REPORT_FILE] if validation else []
    files += [output / "defaults" / name for name in aggregating.FILES]
    return Demo(
        scan=scan,
        aggregation=aggregation,
        validation=validation,
        applied=applied,
        truth=tuple(truth),
        drift=drift_gain(truth, best, comparison.today) if truth and best != comparison.today else None,
        files=tuple(files),
    )


def _sweep(options: DemoOptions, output: Path, frames: int, *, side: str, matrix: Path | None = None) -> None:
    sweeping.run(
        _sweep_options(options, output, frames, side=side, matrix=matrix),
        tell=talk,
        make_progress=_stage("trials", "tracking"),
    )


def _sweep_options(
    options: DemoOptions, output: Path, frames: int, *, side: str, matrix: Path | None = None
) -> SweepOptions:
    real = options.executable is not None or options.bpy is not None
    return SweepOptions(
        sources=(options.output / "scan",),
        output=output,
        tracker="blender" if real else "opencv",
        executable=options.executable,
        bpy=options.bpy,
        side=side,
        matrix=matrix,
        most_frames=frames,
        most_settings=None if matrix else SETTINGS,
        seed=options.seed,
    )


def _sessions(sweep: Path) -> Path:
    return sweep / sweeping.SESSIONS_FOLDER


def _truth(aggregation: Aggregation, options: DemoOptions, frames: int) -> list[TrueErrors]:
    """Today's default and the best settings, on the held-out clips, with the tracker of the sweep."""
    comparison = aggregation.comparisons[CLASS_NAME]
    best = comparison.best.settings if comparison.best else comparison.today
    sweep = _sweep_options(options, options.output / "held_out", frames, side=HELD_OUT)
    clips, _ = find_clips(sweep)
    work = Work(cache=(options.output / "stills").absolute(), most_frames=frames, track=sweep.track)
    choices = list(dict.fromkeys([comparison.today, best]))
    return true_errors(clips, choices, tracker=choose_trackers(sweep)[0], work=work)


def _apply(output: Path, validation: Validation | None) -> str:
    """Write the table into a source file in the add-on's form, as far as the gates let it."""
    target = output / ADDON_FILE
    write_addon(target)
    if validation is None:
        return "eztrack-tune apply: not run, since no clip was held out"
    talk("eztrack-tune apply")
    options = applying.ApplyOptions(
        defaults=output / "defaults", validation=output / "validation", target=target, yes=True
    )
    try:
        edits = [edit for edit in applying.plan(options) if edit.changed]
    except GateNotMet as refusal:
        return f"eztrack-tune apply refused, as it should: {refusal.what}"
    for edit in edits:
        applying.write(edit)
    return f"eztrack-tune apply: {'written' if edits else 'nothing to change in'} {target}"


def _print_truth(made: Demo) -> None:
    if not made.truth:
        return
    rows = [(one.clip, str(one.settings), _percent(one.path_share), _percent(one.drift_share)) for one in made.truth]
    print_table(TRUTH_COLUMNS, rows)
    if made.drift is not None:
        said = made.drift.text(percent=True, group="clip")
        result(f"share of drifting tracks under today's default minus that under the best settings: {said}")


def _percent(share: float | None) -> str:
    return "no solve" if share is None else f"{share:.1%}"


def _stage(unit: str, what: str) -> Callable[[int | None, int], Progress]:
    def make(total: int | None, done: int) -> Progress:
        return progress(total, unit, what, already_done=done)

    return make
