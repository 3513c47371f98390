"""The command line of ``footage``: parses, calls one function, prints its record."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from footage.cli.app import Verbs, make_app, run_app
from footage.cli.options import DryRun, Json, OutputFolder, Seed, Smoke
from footage.tool.options import PictureName, PolicyName, check_rate

app = make_app(
    "footage",
    "Look at videos, at this machine, and at what the trainers left behind.",
    epilog="Start with: footage probe VIDEO, or footage doctor",
)
runs = Verbs(
    "runs",
    "Verify and compare what trainers left behind.",
    epilog="Start with: footage runs verify flexpatch_training",
)
app.add_typer(runs)

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that a trainer wrote.", show_default=False)]
OtherRun = Annotated[Path, typer.Argument(metavar="OTHER", help="Another one.", show_default=False)]


@app.command(
    short_help="Say what video files are: codec, size, rate, rotation, keyframes, damage.",
    epilog="Example: footage probe DJI_0001.MP4",
)
def probe(
    *,
    videos: Annotated[list[Path], typer.Argument(metavar="VIDEO", help="Files, folders or globs.", show_default=False)],
    decode: Annotated[
        bool, typer.Option("--decode", help="Decode every frame: finds damage that headers do not show.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what video files are: container, codec, size, rate, rotation, duration, keyframes, damage.

    A file that cannot be read is listed and does not end it.
    """
    from footage.tool.probe import show

    raise typer.Exit(show(videos, decode=decode, as_json=as_json))


@app.command(
    short_help="Take frames of a video as pictures, with their exact times.",
    epilog="Example: footage sample VIDEO --count 12 --policy keyframes -o frames",
)
def sample(
    *,
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video file.", show_default=False)],
    output: OutputFolder = Path("footage_frames"),
    policy: Annotated[PolicyName, typer.Option(help="Which moments.")] = PolicyName.UNIFORM,
    count: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="How many, at most. Default: 16; with per-second all.")
    ] = None,
    rate: Annotated[
        str, typer.Option(metavar="FPS", callback=check_rate, help="With --policy per-second: frames a second.")
    ] = "1",
    picture: Annotated[PictureName, typer.Option("--format", help="Of the pictures; png keeps every value.")] = (
        PictureName.PNG
    ),
    seed: Seed = 0,
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Take frames of a video as pictures: the exact time stands in each name, and all in manifest.json."""
    from footage.tool.sample import SMOKE_COUNT, SampleOptions, show

    options = SampleOptions(
        video=video,
        output=output,
        policy=policy,
        count=SMOKE_COUNT if smoke else count,
        rate=Fraction(rate),
        picture=picture,
        seed=seed,
    )
    show(options, dry_run=dry_run, as_json=as_json)


@runs.command(
    short_help="Check that a run's folder holds what the run wrote; exit code 3 where it does not.",
    epilog="Example: footage runs verify highlight_training",
)
def verify(*, run: Run, as_json: Json = False) -> None:
    """Compute the hashes of a run anew, look for overlap of its split, and hold its report against its figures.

    Exit code 3 where something differs.
    """
    from footage.tool.verified import show

    raise typer.Exit(show(run, as_json=as_json))


@runs.command(
    short_help="Compare two runs: settings, figures with intervals, answers that changed.",
    epilog="Example: footage runs compare first_training second_training",
)
@app.command(
    short_help="Compare two runs: settings, figures with intervals, answers that changed.",
    epilog="Example: footage compare first_training second_training",
)
def compare(*, run: Run, other: OtherRun, as_json: Json = False) -> None:
    """Compare two runs: what was set otherwise, which figures differ, and which answers changed."""
    from footage.tool.compared import show

    show(run, other, as_json=as_json)


@app.command(short_help="Look at what this machine offers, and how to mend it.", epilog="Example: footage doctor")
def doctor(*, as_json: Json = False) -> None:
    """Look at this machine: processors, memory, GPU, codecs, versions, disk, and which trainers are installed."""
    from footage.tool.doctor import examine

    raise typer.Exit(examine(as_json=as_json))


def main() -> None:
    """The console script."""
    run_app(app)


if __name__ == "__main__":
    main()
