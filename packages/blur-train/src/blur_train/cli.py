"""The command line: parses, calls one function, prints its record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from footage.cli.app import make_app, run_app
from footage.cli.options import DryRun, Jobs, Json, Seed, Smoke

app = make_app(
    "blur-train",
    "Learn from folders of photos to tell sharp ones from three kinds of blur, and classify photos by it.",
    epilog="Start with: blur-train prepare PHOTOS dataset, or blur-train demo",
)


@app.command(
    short_help="Blur your own sharp photos as lenses and shutters do.",
    epilog="Example: blur-train synth SHARP drawn",
)
def synth(
    *,
    source: Annotated[Path, typer.Argument(metavar="PHOTOS", help="A folder of sharp photos.", show_default=False)],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for everything written.")] = Path("drawn"),
    per_photo: Annotated[int, typer.Option(metavar="N", min=1, help="Photos drawn of each, classes in turn.")] = 4,
    jobs: Jobs = None,
    seed: Seed = 0,
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Draw photos of all four classes from sharp ones; each blur is written down with its width in synth.json.

    NAME.mask.png beside NAME.jpg is white where the subject is; without one an ellipse in the middle stands for it.
    """
    from blur_train.synth.command import SMOKE_PHOTOS, SynthOptions
    from blur_train.synth.show import show

    options = SynthOptions(
        source=source,
        output=output,
        per_photo=per_photo,
        jobs=jobs,
        seed=seed,
        most_photos=SMOKE_PHOTOS if smoke else None,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Group, split and check photos in folders by class.",
    epilog="Example: blur-train prepare PHOTOS dataset --audit",
)
def prepare(
    *,
    source: Annotated[Path, typer.Argument(metavar="PHOTOS", help="A folder for each class.", show_default=False)],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The data set's folder.")] = Path("dataset"),
    mapping: Annotated[
        list[str] | None, typer.Option("--map", metavar="FOLDER=CLASS", help="What a folder holds; repeatable.")
    ] = None,
    by_folder: Annotated[
        bool, typer.Option("--group-by-folder", help="Keep photos in folders of one name on one side.")
    ] = False,
    val: Annotated[float, typer.Option(metavar="0..1", min=0, max=1, help="Share to choose the epoch by.")] = 0.1,
    test: Annotated[float, typer.Option(metavar="0..1", min=0, max=1, help="Share to report.")] = 0.15,
    calibration: Annotated[
        float, typer.Option(metavar="0..1", min=0, max=1, help="Share to choose thresholds by.")
    ] = 0.1,
    balance: Annotated[
        float,
        typer.Option(
            metavar="0..1", min=0, max=1, help="Draw rare blurs up to this share of the largest class; 0 draws none."
        ),
    ] = 0.5,
    audit: Annotated[bool, typer.Option("--audit", help="Fail where more than blur tells the classes apart.")] = False,
    jobs: Jobs = None,
    seed: Seed = 0,
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Group photos that belong together, split the groups, and copy them; originals are only read.

    Photos lie in folders named by class. Stopped or killed, the same command goes on where it was.
    """
    from blur_train.prepare.command import SMOKE_PHOTOS, PrepareOptions
    from blur_train.prepare.show import show
    from blur_train.prepare.sources import parse_mapping
    from blur_train.prepare.splitting import Shares

    options = PrepareOptions(
        source=source,
        output=output,
        mapping=parse_mapping(mapping or []),
        by_folder=by_folder,
        shares=Shares(val=val, test=test, calibration=calibration),
        balance=balance,
        jobs=jobs,
        seed=seed,
        most_of_class=SMOKE_PHOTOS if smoke else None,
    )
    raise typer.Exit(show(options, audit=audit, dry_run=dry_run, as_json=as_json))


def main() -> None:
    """The console script."""
    run_app(app)


if __name__ == "__main__":
    main()
