"""Results go to standard output, talk goes to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from footage.errors import printable


def result(text: str) -> None:
    """Print a line of the result on standard output."""
    sys.stdout.write(f"{text}\n")


def talk(text: str) -> None:
    """Tell what is being done, on standard error."""
    sys.stderr.write(f"{printable(text)}\n")
    sys.stderr.flush()


def warn(text: str) -> None:
    """Say on standard error what the user should know though the work goes on."""
    talk(f"warning: {text}")


def print_json(value: object) -> None:
    """Print the one JSON document of ``--json`` on standard output.

    Args:
        value: anything ``footage.runs.jsonable`` understands; non-finite floats become null.
    """
    from footage.runs.jsonable import json_pieces

    sys.stdout.writelines(json_pieces(value))
    sys.stdout.write("\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print an aligned table on standard output: numbers to the right, no lines, nothing cut off without a terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    content = [list(row) for row in rows]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index, column in enumerate(columns):
        cells = [row[index] for row in content if row[index] is not None]
        numeric = bool(cells) and all(isinstance(cell, int | float) for cell in cells)
        table.add_column(Text(printable(column)), justify="right" if numeric else "left", overflow="fold")
    for row in content:
        table.add_row(*(Text("-" if cell is None else printable(str(cell))) for cell in row))
    terminal = sys.stdout.isatty()
    Console(file=sys.stdout, width=None if terminal else 100_000, highlight=False).print(table)
