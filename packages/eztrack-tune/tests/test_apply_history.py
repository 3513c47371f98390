"""The table of versions: a row more, and nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from eztrack_tune.apply.history import with_row
from footage.errors import InputError

DAY = date(2026, 1, 2)
HEAD = "# Guide\n\n| Version | Date | Changes |\n|---|---|---|\n"


def added(content: str | bytes, release: str | None = None, changes: str = "new") -> str:
    given = content if isinstance(content, bytes) else content.encode()
    return with_row(Path("guide.md"), given, release=release, on=DAY, changes=changes).decode()


def test_the_first_row_of_an_empty_table() -> None:
    assert added(HEAD + "\nafter\n") == HEAD + "| v1.0.0 | 2026-01-02 | new |\n\nafter\n"


def test_the_minor_version_after_the_last_that_has_a_date() -> None:
    rows = "| v2.3.1 | 2025-01-01 | a |\n| v1.9.0 | 2024-01-01 | b |\n| v3.0.0 | planned | c |\n"
    assert added(HEAD + rows) == HEAD + rows + "| v2.4.0 | 2026-01-02 | new |\n"


def test_a_last_line_without_an_end_gets_one() -> None:
    rows = "| v1.0.0 | 2025-01-01 | a |"
    assert added(HEAD + rows) == HEAD + rows + "\n| v1.1.0 | 2026-01-02 | new |\n"


def test_ends_of_lines_stay_as_they_are() -> None:
    windows = HEAD.replace("\n", "\r\n")
    assert added(windows) == windows + "| v1.0.0 | 2026-01-02 | new |\r\n"


def test_a_row_that_is_there_is_not_added_again() -> None:
    once = added(HEAD, changes="this | that")
    assert once.endswith("| this / that |\n")
    assert added(once, changes="this | that") == once


@pytest.mark.parametrize(
    ("content", "release", "said"),
    [
        (b"| Version | Date | Changes |\n\xff", None, "is no UTF-8 text"),
        ("no table\n", None, "has no table with the columns Version, Date, Changes"),
        (HEAD + "| v1.0.0 | 2025-01-01 | a |\n", "v1.0.0", "has a row for v1.0.0 already"),
    ],
)
def test_what_cannot_be_added_to_is_refused(content: str | bytes, release: str | None, said: str) -> None:
    with pytest.raises(InputError, match=said):
        added(content, release)
