"""A source file with another table: the values that differ, their comments and the header, and not a byte more.

libcst says where each value stands; the new text is put in at those places, so that whatever surrounds them stays as it
is, line ends, quotes and comments included.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from eztrack_tune.apply.source import TABLE_NAME, Source, key_of
from eztrack_tune.settings import TrackerSettings
from footage.errors import InputError

HEADER_START = f"# {TABLE_NAME} - "
HEADER_END = "# (written by eztrack-tune, which replaces these lines when it writes again)"
COMMENT_GAP = "      "
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the table shall say of a class.

    Attributes:
        settings: the five.
        comment: for the line of the pattern size, without the ``#``.
    """

    settings: TrackerSettings
    comment: str


@dataclass(frozen=True, slots=True)
class _Replacement:
    start: int
    end: int
    text: str


def edited(source: Source, entries: Mapping[str, Entry], header: Iterable[str]) -> bytes:
    """The file's new content.

    Args:
        source: the file as it is.
        entries: the classes to write; others stay as they are, and a class that the table lacks is added at its end.
        header: lines of the comment block above the table, each with its ``#``; replaces the one that is there.

    Returns:
        The bytes to write; the same as before where nothing differs.

    Raises:
        InputError: an entry of the table is written in a way that cannot be edited.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source.content).readline)
    text = _Text(source.content.decode(encoding))
    spans = _spans_of(source, text)
    comments = text.comments()
    changes: list[_Replacement] = []
    there: set[str] = set()
    for element in source.table.elements:
        name = key_of(element)
        if name is not None and name in entries and isinstance(element.value, cst.Dict):
            there.add(name)
            changes += _class_changes(element.value, entries[name], text, spans, comments)
    missing = {name: entry for name, entry in entries.items() if name not in there}
    if missing:
        changes += _added(source.table, missing, text, spans)
    changes.append(_header_change(spans[source.statement], header, text))
    new = text.with_changes(changes)
    return new.encode(encoding)


class _Text:
    """A file's text by lines and columns, as libcst counts them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0]
        self.newline = "\n"
        for line in _LINE.finditer(text):
            self.starts.append(line.end())
        first = _LINE.match(text)
        if first is not None and first.group().endswith("\r\n"):
            self.newline = "\r\n"

    def offset(self, line: int, column: int) -> int:
        return self.starts[line - 1] + column

    def span(self, place: CodeRange) -> Span:
        return self.offset(place.start.line, place.start.column), self.offset(place.end.line, place.end.column)

    def line_of(self, offset: int) -> int:
        """The number of the line that holds an offset, from 0."""
        return next(number for number in reversed(range(len(self.starts))) if self.starts[number] <= offset)

    def line_span(self, number: int) -> Span:
        """A line without its end."""
        start = self.starts[number]
        end = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.text)
        while end > start and self.text[end - 1] in "\r\n":
            end -= 1
        return start, end

    def line(self, number: int) -> str:
        start, end = self.line_span(number)
        return self.text[start:end]

    def comments(self) -> dict[int, Span]:
        """Where the comment of a line stands with the blanks before it, by the line's number from 0."""
        found = {}
        plain = self.text.replace("\r\n", "\n").replace("\r", "\n")
        for token in tokenize.generate_tokens(io.StringIO(plain, newline="\n").readline):
            if token.type == tokenize.COMMENT:
                number = token.start[0] - 1
                start, end = self.line_span(number)
                before = self.text[start : start + token.start[1]].rstrip(" \t")
                found[number] = (start + len(before), end)
        return found

    def with_changes(self, changes: Iterable[_Replacement]) -> str:
        new = self.text
        # From the end on, so that places stay true; of those at one place the last given comes first in the text.
        for change in sorted(changes, key=lambda one: (-one.start, -one.end)):
            new = new[: change.start] + change.text + new[change.end :]
        return new


def _spans_of(source: Source, text: _Text) -> dict[cst.CSTNode, Span]:
    places = MetadataWrapper(source.module, unsafe_skip_copy=True).resolve(PositionProvider)
    return {node: text.span(place) for node, place in places.items() if isinstance(place, CodeRange)}


def _class_changes(
    values: cst.Dict, entry: Entry, text: _Text, spans: Mapping[cst.CSTNode, Span], comments: Mapping[int, Span]
) -> list[_Replacement]:
    """The values of one class that differ, and the comment of its pattern size; other values' old comments go."""
    wanted = entry.settings.as_dict()
    changes, stale, pattern_line = [], set(), None
    for element in values.elements:
        name = key_of(element)
        if name is None or name not in wanted:
            continue
        start, end = spans[element.value]
        line = text.line_of(end - 1)
        if name == "pattern_size":
            pattern_line = line
        old = text.text[start:end]
        if ast.literal_eval(old) != wanted[name]:
            changes.append(_Replacement(start, end, _written(wanted[name], old)))
            stale.add(line)
    if pattern_line is None:
        raise InputError(f"an entry of {TABLE_NAME} has no pattern_size")
    changes += [_Replacement(*comments[line], "") for line in (stale - {pattern_line}) & comments.keys()]
    changes.append(_comment_change(text, pattern_line, comments, entry.comment))
    return changes


def _comment_change(text: _Text, line: int, comments: Mapping[int, Span], comment: str) -> _Replacement:
    _, end = text.line_span(line)
    start, end = comments.get(line, (end, end))
    old = text.text[start:end]
    if old.strip() == f"# {comment}":
        return _Replacement(start, end, old)
    return _Replacement(start, end, f"{COMMENT_GAP}# {comment}")


def _written(value: float | str, old: str) -> str:
    """A value in the file's own way: its quotes, two decimals for a share."""
    if isinstance(value, str):
        quote = '"' if old.startswith('"') else "'"
        return f"{quote}{value}{quote}"
    return _number(value)


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{value:.2f}" if round(value, 2) == value else repr(value)


def _added(
    table: cst.Dict, missing: Mapping[str, Entry], text: _Text, spans: Mapping[cst.CSTNode, Span]
) -> list[_Replacement]:
    """Classes that the table lacks, before its closing brace."""
    _, end = spans[table]
    brace = end - 1
    quote, indent = _style(table, text, spans)
    line_start, _ = text.line_span(text.line_of(brace))
    alone = not text.text[line_start:brace].strip()
    newline = text.newline
    added = "".join(_entry(name, entry, quote, indent, newline) for name, entry in missing.items())
    place = line_start if alone else brace
    changes = [_Replacement(place, place, added if alone else f"{newline}{added}")]
    last = table.elements[-1] if table.elements else None
    if last is not None and not isinstance(last.comma, cst.Comma):
        after = spans[last.value][1]
        changes.append(_Replacement(after, after, ","))
    return changes


def _style(table: cst.Dict, text: _Text, spans: Mapping[cst.CSTNode, Span]) -> tuple[str, str]:
    """The quote and the indent of the table's first key."""
    for element in table.elements:
        if isinstance(element, cst.DictElement) and key_of(element) is not None:
            start, _ = spans[element.key]
            line_start, _ = text.line_span(text.line_of(start))
            before = text.text[line_start:start]
            return text.text[start], before if not before.strip() else "    "
    return "'", "    "


def _entry(name: str, entry: Entry, quote: str, indent: str, newline: str) -> str:
    lines = [f"{indent}{quote}{name}{quote}: {{"]
    for key, value in entry.settings.as_dict().items():
        shown = f"{quote}{value}{quote}" if isinstance(value, str) else _number(value)
        comment = f"{COMMENT_GAP}# {entry.comment}" if key == "pattern_size" else ""
        lines.append(f"{indent}{indent}{quote}{key}{quote}: {shown},{comment}")
    return newline.join([*lines, f"{indent}}},", ""])


def _header_change(statement: Span, header: Iterable[str], text: _Text) -> _Replacement:
    """The comment block above the table: replaced where there is one, else put right above the table."""
    last = text.line_of(statement[0]) - 1
    number, first = last, None
    while number >= 0 and (not text.line(number).strip() or text.line(number).startswith("#")):
        if text.line(number).startswith(HEADER_START):
            first = number
            break
        number -= 1
    new = text.newline.join([*header, ""])
    if first is None:
        start, _ = text.line_span(last + 1)
        return _Replacement(start, start, new)
    end = first
    while text.line(end) != HEADER_END and end + 1 <= last and text.line(end + 1).startswith("#"):
        end += 1
    return _Replacement(text.starts[first], text.starts[end + 1], new)
