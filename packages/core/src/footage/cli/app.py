"""How every tool is built and run: one parser set-up, and one place where errors become one line and an exit code.

A trainer's ``cli.py``::

    app = make_app("blur-train", "Make a photo-blur classifier.")

    @app.command()
    def train(...) -> None: ...

    def main() -> None:
        run_app(app)

A command raises; it never prints an error itself. It ends with ``raise typer.Exit(ExitCode.SOME_INPUTS_FAILED)`` where
its work is done and some inputs failed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand
from typer.models import CommandFunctionType

from footage.cli.exits import ExitCode
from footage.errors import FootageError

HELP_WIDTH = 100
DISTRIBUTIONS = {"footage": "footage-core"}
"""Console scripts that are not called as their distribution is."""
CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": HELP_WIDTH}


def print_version(context: typer.Context, value: bool) -> None:
    """The callback of ``--version``: prints ``NAME VERSION`` and ends the command."""
    if value:
        from importlib.metadata import version

        name = context.find_root().info_name or ""
        typer.echo(f"{name} {version(DISTRIBUTIONS.get(name, name))}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and exit.")
]


class Verb(TyperCommand):
    """A command whose help begins with its example: most readers look for no more than that."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write the example, then what the command does."""
        super().format_epilog(ctx, formatter)
        super().format_help_text(ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write nothing: the example stands first."""


class Verbs(typer.Typer):
    """A parser whose commands are :class:`Verb`: ``epilog="Example: ..."`` of a command comes first in its help."""

    def __init__(self, name: str, help: str, *, epilog: str | None = None) -> None:  # noqa: A002 - typer's own word
        """Make a parser without commands, plain text throughout; for the arguments see :func:`make_app`."""
        super().__init__(
            name=name,
            help=help,
            epilog=epilog,
            no_args_is_help=True,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            context_settings=dict(CONTEXT_SETTINGS),
        )

    def command(
        self, name: str | None = None, *, cls: type[TyperCommand] | None = None, **options: Any
    ) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """Add a command, as typer does."""
        return super().command(name, cls=cls or Verb, **options)


def make_app(name: str, help: str, *, epilog: str | None = None) -> Verbs:  # noqa: A002 - typer's own word
    """A parser with ``--help``, ``--version`` and shell completion.

    Args:
        name: the console script, which is also the name of the distribution whose version ``--version`` prints.
        help: one or two sentences on what the tool does.
        epilog: what stands below the list of commands.
    """
    app = Verbs(name, help, epilog=epilog)

    @app.callback()
    def _root(*, version: Version = False) -> None:
        del version  # its callback has done the work

    return app


@contextmanager
def hint_on(kind: type[FootageError], hint: str) -> Iterator[None]:
    """Add a command's own hint, which may name its options, to an error of the library.

    Args:
        kind: the class of error the hint is for.
        hint: what the user can do, in the terms of this command.
    """
    try:
        yield
    except kind as error:
        error.add_note(hint)
        raise


def run_app(app: typer.Typer) -> NoReturn:
    """Run a tool on ``sys.argv`` and end the process: every error is one line on standard error and an exit code.

    A ``FootageError`` or ``OSError`` is the user's to mend: it is explained. Anything else is a fault of ours: the line
    names the file that holds the traceback. ``FOOTAGE_DEBUG=1`` shows tracebacks instead.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # names that are not UTF-8 are shown escaped instead of ending the run
            stream.reconfigure(errors="backslashreplace")
    name = app.info.name if isinstance(app.info.name, str) else None
    try:
        code = typer.main.get_command(app).main(prog_name=name, standalone_mode=False)
        sys.exit(code or ExitCode.DONE)
    except SystemExit as ending:
        from footage.cli.failures import end_normally

        end_normally(ending)
    except BaseException as error:  # noqa: BLE001 - the one place where every error becomes one line
        from footage.cli.failures import explain

        sys.exit(explain(error, tool=name or "footage"))
