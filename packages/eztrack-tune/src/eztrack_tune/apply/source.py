"""The add-on's source as libcst sees it: where ``PRETRAINED_DEFAULTS`` stands, and what it says."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import libcst as cst

from eztrack_tune.settings import TrackerSettings
from footage.errors import InputError

TABLE_NAME = "PRETRAINED_DEFAULTS"


@dataclass(frozen=True, slots=True)
class Source:
    """A source file that has the table.

    Attributes:
        path: the file.
        content: its bytes.
        module: what they say.
        statement: the line that assigns the table.
        table: the dictionary in it.
    """

    path: Path
    content: bytes
    module: cst.Module
    statement: cst.SimpleStatementLine
    table: cst.Dict


def read_source(path: Path) -> Source:
    """Read a source file and find the table in it.

    Raises:
        InputError: the file is missing, is no Python, or does not assign the table exactly once, at the top level and
            as a dictionary that is written out.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path) from error
    return parsed(path, content)


def parsed(path: Path, content: bytes) -> Source:
    """The source that some bytes are; see :func:`read_source`.

    Args:
        path: the file, for messages.
        content: what it holds, or is to hold.

    Raises:
        InputError: as :func:`read_source`.
    """
    try:
        module = cst.parse_module(content)
    except cst.ParserSyntaxError as error:
        what = f"is no Python that can be read: line {error.raw_line}: {error.message}"
        raise InputError(what, where=path, remedy="mend it first; it was left as it is") from error
    except (SyntaxError, UnicodeDecodeError, LookupError, RecursionError) as error:
        raise InputError(f"is no Python that can be read: {error}", where=path) from error
    found = [pair for line in module.body if (pair := _assigned(line)) is not None]
    if not found:
        raise InputError(
            f"does not assign {TABLE_NAME} at its top level",
            where=path,
            remedy="name the add-on's file that has the table, smart_tracker.py or constants.py",
        )
    if len(found) > 1:
        raise InputError(f"assigns {TABLE_NAME} {len(found)} times", where=path, remedy="leave one of them")
    statement, value = found[0]
    if not isinstance(value, cst.Dict):
        raise InputError(f"{TABLE_NAME} is not a dictionary that is written out", where=path)
    return Source(path, content, module, statement, value)


def read_table(path: Path) -> dict[str, TrackerSettings]:
    """What the table of a source file says, by class.

    Raises:
        InputError: as :func:`read_source`, or an entry is not written out as five settings.
    """
    return table_of(read_source(path))


def table_of(source: Source) -> dict[str, TrackerSettings]:
    """What the table of a source says, by class.

    Raises:
        InputError: an entry is not written out as five settings, or two are of one class.
    """
    path = source.path
    table: dict[str, TrackerSettings] = {}
    for element in source.table.elements:
        name = key_of(element)
        if name is None:
            continue
        if name in table:
            raise InputError(f"{TABLE_NAME} has {name!r} twice", where=path, remedy="leave one of them")
        try:
            values = ast.literal_eval(source.module.code_for_node(element.value))
        except (ValueError, SyntaxError) as error:
            raise InputError(f"{TABLE_NAME}[{name!r}] is not written out as values", where=path) from error
        if not isinstance(values, dict):
            raise InputError(f"{TABLE_NAME}[{name!r}] is not a dictionary", where=path)
        try:
            table[name] = TrackerSettings.from_dict({str(key): value for key, value in values.items()})
        except InputError as error:
            raise InputError(f"{TABLE_NAME}[{name!r}]: {error.what}", where=path) from error
    return table


def key_of(element: cst.BaseDictElement) -> str | None:
    """The key of a dictionary's element where it is a plain string; None for anything else."""
    if not isinstance(element, cst.DictElement) or not isinstance(element.key, cst.SimpleString):
        return None
    value = element.key.evaluated_value
    return value if isinstance(value, str) else None


def _assigned(line: cst.BaseStatement) -> tuple[cst.SimpleStatementLine, cst.BaseExpression | None] | None:
    """A line that assigns the table, and what it assigns; None for any other line."""
    if not isinstance(line, cst.SimpleStatementLine):
        return None
    for statement in line.body:
        if isinstance(statement, cst.Assign):
            targets = [target.target for target in statement.targets]
        elif isinstance(statement, cst.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        else:
            continue
        if any(isinstance(target, cst.Name) and target.value == TABLE_NAME for target in targets):
            return line, statement.value
    return None
