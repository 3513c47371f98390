"""The command line of a tool that is planned and not built yet: it says so, and does nothing else."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from footage.cli.app import CONTEXT_SETTINGS, Version, run_app
from footage.cli.exits import ExitCode


def run_unbuilt(name: str, purpose: str) -> NoReturn:
    """Answer ``--help`` and ``--version``; every other use says that the tool is not built yet and exits 1.

    Args:
        name: the console script.
        purpose: what the tool will do, in two lines at most.
    """
    app = typer.Typer(name=name, rich_markup_mode=None, pretty_exceptions_enable=False)

    @app.command(
        name,
        help=f"{purpose}\n\nNot built yet: this version answers --help and --version only.",
        context_settings={**CONTEXT_SETTINGS, "allow_extra_args": True, "ignore_unknown_options": True},
    )
    def _unbuilt(*, version: Version = False) -> None:
        del version
        sys.stderr.write(f"error: {name} is not built yet; this version only reserves its name\n")
        raise typer.Exit(ExitCode.FAILED)

    run_app(app)
