"""The command line: parses, calls one function, prints its record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from footage.cli.app import make_app, run_app
from footage.cli.options import DryRun, Jobs, Json, Seed, Smoke

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
        list[Path], typer.Argument(metavar="LIBRARY...", help="Folders, files or globs.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("--output-dir", "-o", file_okay=False, help="Folder for everything written.")
    ] = Path("eztrack_scan"),
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


@app.command(short_help="Look at what this machine offers, and how to mend it.")
def doctor(*, as_json: Json = False) -> None:
    """Look at what this machine offers: versions, codecs, Blender; and say how to mend what is missing."""
    from eztrack_tune.doctor import examine

    raise typer.Exit(examine(as_json=as_json))


def main() -> None:
    """The console script."""
    run_app(app)


if __name__ == "__main__":
    main()
