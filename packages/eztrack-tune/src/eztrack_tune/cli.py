"""The command line: parses, calls one function, prints its record."""

from __future__ import annotations

import typer

from footage.cli.app import make_app, run_app
from footage.cli.options import Json

app = make_app(
    "eztrack-tune",
    "Find the settings of Blender's motion tracker that solve best for each class of footage, with the evidence.",
    epilog="Start with: eztrack-tune scan LIBRARY, or eztrack-tune demo",
)


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
