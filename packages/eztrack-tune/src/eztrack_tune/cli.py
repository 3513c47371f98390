"""The command line: parses, calls one function, prints its record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eztrack_tune.asking import NobodyToAsk
from eztrack_tune.options import BackendName, ErrorName, Sessions, SideName, TrackerName
from footage.cli.app import hint_on, make_app, run_app
from footage.cli.options import DryRun, Jobs, Json, OutputFolder, Scheduler, Seed, Smoke

app = make_app(
    "eztrack-tune",
    "Find the settings of Blender's motion tracker that solve best for each class of footage, with the evidence.",
    epilog="Start with: eztrack-tune scan LIBRARY, or eztrack-tune demo",
)


@app.command(
    short_help="Look at a library: classes, difficulty, motion, and which clips are held out.",
    epilog="Example: eztrack-tune scan training_footage",
)
def scan(
    *,
    library: Annotated[
        list[Path], typer.Argument(metavar="LIBRARY", help="Folders, files or globs.", show_default=False)
    ],
    output: OutputFolder = Path("eztrack_scan"),
    frames: Annotated[int, typer.Option(metavar="N", min=3, help="Look at the first N frames of each clip.")] = 100,
    jobs: Jobs = None,
    seed: Seed = 0,
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Look at every clip of a library, and show which classes have enough of them.

    A clip keeps its side when the library grows: what was tuned on is never held out later.
    """
    from eztrack_tune.scan.command import SMOKE_CLIPS, ScanOptions
    from eztrack_tune.scan.show import show

    options = ScanOptions(
        library=tuple(library),
        output=output,
        most_frames=frames,
        jobs=jobs,
        seed=seed,
        max_clips=SMOKE_CLIPS if smoke else None,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Compare settings class by class, on the same clips; ends with the path of a report.",
    epilog="Example: eztrack-tune aggregate eztrack_sweep/sessions",
)
def aggregate(
    *,
    sessions: Sessions,
    output: OutputFolder = Path("eztrack_defaults"),
    backend: Annotated[
        BackendName | None, typer.Option(help="Sessions of which tracker. Default: Blender's where there are any.")
    ] = None,
    today: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The add-on's source with today's table. Default: the latest known."),
    ] = None,
    seed: Seed = 0,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Compare settings with today's default on the same clips, and say what should ship.

    Reads sessions of a sweep and those of the add-on itself, folders of them, and the archives that it exports.
    """
    from eztrack_tune.aggregate import command

    options = command.AggregateOptions(
        sessions=tuple(sessions),
        output=output,
        backend=None if backend is None else backend.value,
        today=None if today is None else command.today_of(today),
        seed=seed,
    )
    raise typer.Exit(command.show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Check the new defaults on held-out clips; exit code 3 where a gate is not met.",
    epilog="Example: eztrack-tune validate eztrack_defaults eztrack_held_out/sessions",
)
def validate(
    *,
    defaults: Annotated[
        Path, typer.Argument(metavar="DEFAULTS", help="The defaults.json, or its folder.", show_default=False)
    ],
    sessions: Sessions,
    output: OutputFolder = Path("eztrack_validation"),
    error: Annotated[ErrorName, typer.Option(help="Which error the gate is on.")] = ErrorName.CLEANED,
    least_clips: Annotated[int, typer.Option("--clips", metavar="N", min=1, help="Held-out clips a class.")] = 3,
    least_success: Annotated[
        float, typer.Option("--success", metavar="0..1", min=0, max=1, help="First-try success, more than.")
    ] = 0.6,
    most_error: Annotated[float, typer.Option("--error-px", metavar="PX", min=0, help="Error, less than.")] = 2.0,
    seed: Seed = 0,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Check the new defaults on clips that they were not tuned on: Blender's sessions only.

    Exit code 3 where a gate is not met.
    """
    from eztrack_tune.validate.command import ValidateOptions, show
    from eztrack_tune.validate.gates import ErrorKind, Limits

    limits = Limits(clips=least_clips, success=least_success, error_px=most_error, error=ErrorKind(error.value))
    options = ValidateOptions(defaults=defaults, sessions=tuple(sessions), output=output, limits=limits, seed=seed)
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Write the new defaults into the add-on's source, after showing the difference.",
    epilog="Example: eztrack-tune apply --to autosolve/solver/smart_tracker.py",
)
def apply(
    *,
    defaults: Annotated[Path, typer.Argument(metavar="DEFAULTS", help="The defaults.json, or its folder.")] = Path(
        "eztrack_defaults"
    ),
    target: Annotated[Path, typer.Option("--to", metavar="FILE", help="The add-on's source file.", show_default=False)],
    validation: Annotated[Path, typer.Option(metavar="FILE", help="The validation.json, or its folder.")] = Path(
        "eztrack_validation"
    ),
    history: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Markdown file with the version history, for a further row.")
    ] = None,
    release: Annotated[
        str | None, typer.Option(metavar="vN.N.N", help="Version of that row. Default: the next one.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Show the difference, then write the table and the comment block above it, and nothing else in the file.

    Exit code 3 where the gates were not met.
    """
    from eztrack_tune.apply.command import ApplyOptions, show

    options = ApplyOptions(
        defaults=defaults, validation=validation, target=target, history=history, release=release, yes=yes
    )
    with hint_on(NobodyToAsk, "--dry-run shows the difference only, --yes writes without asking"):
        raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Try settings on clips, or search for them.",
    epilog="Example: eztrack-tune sweep eztrack_scan --bpy 5.0.1",
)
def sweep(
    *,
    source: Annotated[
        list[Path],
        typer.Argument(metavar="SOURCE", help="A scan's folder; or clips, folders, globs.", show_default=False),
    ],
    output: OutputFolder = Path("eztrack_sweep"),
    tracker: Annotated[
        TrackerName | None, typer.Option(help="Default: blender where one is named, else opencv.", show_default=False)
    ] = None,
    blender: Annotated[Path | None, typer.Option(metavar="FILE", help="Blender's executable.")] = None,
    bpy: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Or its bpy wheel, such as 5.0.1, which uv fetches.")
    ] = None,
    side: Annotated[SideName, typer.Option(help="Which of a scan's clips.")] = SideName.TUNING,
    matrix: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings to try, JSON or CSV. Default: six.", exists=False)
    ] = None,
    trials: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Search, from these on, in the runs that N settings take.")
    ] = None,
    frames: Annotated[int, typer.Option(metavar="N", min=3, help="Track the first N frames of each clip.")] = 100,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="A trial in Blender that takes longer failed.")
    ] = 300.0,
    scheduler: Scheduler = None,
    keep_stills: Annotated[bool, typer.Option("--keep-stills", help="Leave the decoded frames there.")] = False,
    jobs: Jobs = None,
    seed: Seed = 0,
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Track every clip with every choice of settings, and solve its camera; or search for the best settings.

    Stopped or killed, the same command goes on where it was. What the add-on ships today is always tried too.
    """
    from eztrack_tune.sweep.options import SweepOptions
    from eztrack_tune.sweep.show import SMOKE_CLIPS, SMOKE_FRAMES, SMOKE_SETTINGS, SMOKE_TRIALS, show
    from eztrack_tune.trackers.protocol import TrackOptions

    options = SweepOptions(
        sources=tuple(source),
        output=output,
        tracker=None if tracker is None else tracker.value,
        executable=blender,
        bpy=bpy,
        side=side.value,
        matrix=matrix,
        search_trials=min(trials, SMOKE_TRIALS) if smoke and trials is not None else trials,
        most_frames=min(frames, SMOKE_FRAMES) if smoke else frames,
        track=TrackOptions(timeout_seconds=timeout),
        jobs=jobs,
        scheduler=scheduler,
        keep_stills=keep_stills,
        seed=seed,
        most_clips=SMOKE_CLIPS if smoke else None,
        most_settings=SMOKE_SETTINGS if smoke else None,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Make a contribution out of sessions: numbers and words of closed lists only.",
    epilog="Example: eztrack-tune anonymize eztrack_sweep/sessions -o contribution.json",
)
def anonymize(
    *,
    sessions: Sessions,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The contribution.")] = Path(
        "contribution.json"
    ),
    like: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Go under the random name of this earlier contribution of yours."),
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make a contribution out of sessions. Nothing is sent.

    Names, paths, times, pictures and fingerprints stay out: only what is on a list goes in.
    """
    from eztrack_tune.sharing.anonymize import AnonymizeOptions, contributor_of, show

    contributor = None if like is None else contributor_of(like)
    options = AnonymizeOptions(sessions=tuple(sessions), output=output, contributor=contributor)
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Post a contribution to an address, after showing what is sent.",
    epilog="Example: eztrack-tune submit contribution.json --to https://example.org/sessions",
)
def submit(
    *,
    contribution: Annotated[Path, typer.Argument(metavar="FILE", help="The contribution.", show_default=False)],
    address: Annotated[str, typer.Option("--to", metavar="URL", help="Where to post it.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Send without asking.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Show every byte of a contribution, ask, and post it to the address given, and nowhere else."""
    from eztrack_tune.sharing.submit import SubmitOptions, show

    options = SubmitOptions(contribution=contribution, address=address, yes=yes)
    with hint_on(NobodyToAsk, "--dry-run shows what would be sent, --yes sends without asking"):
        raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Learn a table from many contributions, none of which can decide it.",
    epilog="Example: eztrack-tune community contributions",
)
def community(
    *,
    contributions: Annotated[
        list[Path], typer.Argument(metavar="CONTRIBUTIONS", help="Files, folders or globs.", show_default=False)
    ],
    output: OutputFolder = Path("eztrack_community"),
    backend: Annotated[BackendName, typer.Option(help="Trials of which tracker.")] = BackendName.BLENDER,
    today: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The add-on's source with today's table. Default: the latest known."),
    ] = None,
    seed: Seed = 0,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Learn a table from many contributors, with a cap on each one's weight, and the odd ones out left out."""
    from eztrack_tune.aggregate.command import today_of
    from eztrack_tune.sharing.community import CommunityOptions, show

    options = CommunityOptions(
        contributions=tuple(contributions),
        output=output,
        backend=backend.value,
        today=None if today is None else today_of(today),
        seed=seed,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(short_help="Take a small drawn library through the whole workflow.", epilog="Example: eztrack-tune demo")
def demo(
    *,
    output: OutputFolder = Path("eztrack_demo"),
    blender: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Track with this Blender instead of the embedded tracker.")
    ] = None,
    bpy: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Track with Blender as a Python module, fetched by uv.")
    ] = None,
    seed: Seed = 0,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Draw clips whose camera path is known, and take them from a scan to the add-on's source.

    Ends with the path of a report.
    """
    from eztrack_tune.demo.command import DemoOptions, show

    show(DemoOptions(output=output, seed=seed, smoke=smoke, executable=blender, bpy=bpy), as_json=as_json)


@app.command(short_help="Look at what this machine offers, and how to mend it.", epilog="Example: eztrack-tune doctor")
def doctor(*, as_json: Json = False) -> None:
    """Look at what this machine offers: versions, codecs, Blender; and say how to mend what is missing."""
    from eztrack_tune.doctor import examine

    raise typer.Exit(examine(as_json=as_json))


def main() -> None:
    """The console script."""
    run_app(app)


if __name__ == "__main__":
    main()
