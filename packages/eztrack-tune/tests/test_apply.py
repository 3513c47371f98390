"""The table goes into the add-on's source, and nothing else in the file changes."""

from __future__ import annotations

import ast
import io
import json
import stat
import tokenize
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eztrack_tune.apply.edit import HEADER_END, HEADER_START, Entry, edited
from eztrack_tune.apply.source import parsed, read_table
from eztrack_tune.settings import SHIPPED_DEFAULTS, MotionModel, TrackerSettings

Run = Callable[..., tuple[int, str, str]]
Write = Callable[[Path, object], Path]
NEW = TrackerSettings(
    pattern_size=15, search_size=101, correlation=0.66, threshold=0.28, motion_model=MotionModel.AFFINE
)

SOURCE = '''# -*- coding: utf-8 -*-
"""Tracker of the add-on.  Ünïcode stays."""

import os
X = {'HD_24fps': 1}   # not the table

# ═══════════
# PRE-TRAINED DEFAULTS (Developer-tuned baselines)
# ═══════════

# These are the "shipped" defaults
# Users can override

PRETRAINED_DEFAULTS = {
    # By footage class
    'HD_24fps': {
        'pattern_size': 17,      # Based on 8 clips, avg error 1.12px
        'search_size': 91,       # old and wrong from now on
        'correlation': 0.68,
        'threshold': 0.28,       # still true
        'motion_model': 'LocRot',
    },
    '4K_24fps': {
        'pattern_size': 25, 'search_size': 111,
        'correlation': 0.65, 'threshold': 0.25, 'motion_model': 'Affine',  # all of it
    },
    "SD_30fps": {"pattern_size": 11, "search_size": 61, "correlation": .72, "threshold": 0.35, "motion_model": "Loc"},
}   # end


def f( a,b ):  # badly formatted, and so it stays
    return  a+b
\x0c
S = """
PRETRAINED_DEFAULTS = {
"""
'''


def defaults_document(**classes: TrackerSettings) -> dict[str, Any]:
    return {
        "format_version": 1,
        "made_on": "2026-01-02",
        "backend": "blender",
        "classes": {
            name: {
                "verdict": "better",
                "settings": settings.as_dict(),
                "today": SHIPPED_DEFAULTS["HD_24fps"].as_dict(),
                "clips": 8,
                "solved": 1.0,
                "raw_error_px": 1.234,
                "cleaned_error_px": 0.456,
                "tuned_on": ["a", "b"],
            }
            for name, settings in classes.items()
        },
    }


@pytest.fixture
def prepared(tmp_path: Path, write_json: Write) -> Callable[..., None]:
    """``prepared(passed=True, HD_24fps=settings)``: defaults and their validation, as other verbs leave them."""

    def prepare(*, passed: bool = True, **classes: TrackerSettings) -> None:
        from eztrack_tune.aggregate.recommendation import read_defaults

        path = write_json(tmp_path / "eztrack_defaults" / "defaults.json", defaults_document(**classes))
        found = {
            name: {"clips": 3, "success": {"estimate": 1.0}, "plain_error_px": 1.5, "cleaned_error_px": 0.5}
            for name in classes
        }
        validation = {
            "format_version": 1,
            "lead": "Gates are not met in 1 of 1 class: HD_24fps.",
            "passed": passed,
            "defaults_sha256": read_defaults(path).sha256,
            "classes": found,
        }
        write_json(tmp_path / "eztrack_validation" / "validation.json", validation)

    return prepare


def outside(content: bytes) -> tuple[str, str]:
    """What stands before the table's header and after the table."""
    text = content.decode("utf-8")
    start = text.index("\nPRETRAINED_DEFAULTS")
    before = text[: text.index(HEADER_START)] if HEADER_START in text[:start] else text[: start + 1]
    return before, text[text.index("}   # end") :]


def write_source(tmp_path: Path, content: bytes = SOURCE.encode()) -> Path:
    path = tmp_path / "smart_tracker.py"
    path.write_bytes(content)
    path.chmod(0o640)
    return path


def test_the_difference_touches_the_table_and_its_header_alone(
    prepared: Callable[..., None], run: Run, tmp_path: Path
) -> None:
    prepared(HD_24fps=NEW)
    path = write_source(tmp_path)
    code, out, _ = run("apply", "--to", path.name, "--yes")
    assert code == 0
    after = path.read_bytes()
    assert outside(after) == outside(SOURCE.encode())
    removed = [line[1:] for line in out.splitlines() if line.startswith("-") and not line.startswith("---")]
    added = [line[1:] for line in out.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert removed == [
        "        'pattern_size': 17,      # Based on 8 clips, avg error 1.12px",
        "        'search_size': 91,       # old and wrong from now on",
        "        'correlation': 0.68,",
        "        'motion_model': 'LocRot',",
    ]
    assert added[-4:] == [
        "        'pattern_size': 15,      # Based on 8 clips, avg error 1.23px (0.46px cleaned)",
        "        'search_size': 101,",
        "        'correlation': 0.66,",
        "        'motion_model': 'Affine',",
    ]
    assert added[0] == "# PRETRAINED_DEFAULTS - Developer-tuned tracking settings"
    assert "# Last updated: 2026-01-02" in added
    assert "# Training dataset: 8 clips across 1 footage class (HD_24fps)" in added
    assert all(line.startswith("#") for line in added[:-4])
    assert read_table(path)["HD_24fps"] == NEW
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_twice_changes_nothing(prepared: Callable[..., None], run: Run, tmp_path: Path) -> None:
    prepared(HD_24fps=NEW, SD_60fps=NEW)
    path = write_source(tmp_path)
    run("apply", "--to", path.name, "--yes")
    once = path.read_bytes()
    code, out, _ = run("apply", "--to", path.name, "--yes")
    assert (code, out) == (0, "smart_tracker.py: nothing to change\n")
    assert path.read_bytes() == once
    assert read_table(path)["SD_60fps"] == NEW


def test_a_dry_run_shows_and_does_not_write(prepared: Callable[..., None], run: Run, tmp_path: Path) -> None:
    prepared(HD_24fps=NEW)
    path = write_source(tmp_path)
    code, out, _ = run("apply", "--to", path.name, "--dry-run")
    assert code == 0
    assert "+        'pattern_size': 15," in out
    assert path.read_bytes() == SOURCE.encode()


def test_without_a_yes_nothing_is_written(
    prepared: Callable[..., None], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(HD_24fps=NEW)
    path = write_source(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    code, out, err = run("apply", "--to", path.name)
    assert code == 1
    assert "+        'pattern_size': 15," in out
    assert "nobody is there to be asked" in err
    assert "--yes" in err
    assert path.read_bytes() == SOURCE.encode()


@pytest.mark.parametrize("case", ["failed", "other", "missing"])
def test_nothing_is_written_when_the_gates_fail(
    case: str, prepared: Callable[..., None], run: Run, tmp_path: Path, write_json: Write
) -> None:
    prepared(passed=case != "failed", HD_24fps=NEW)
    if case == "other":
        write_json(tmp_path / "eztrack_defaults" / "defaults.json", defaults_document(HD_30fps=NEW))
    if case == "missing":
        (tmp_path / "eztrack_validation" / "validation.json").unlink()
    path = write_source(tmp_path)
    code, out, err = run("apply", "--to", path.name, "--yes")
    assert (code, out) == (1 if case == "missing" else 3, "")
    assert err.startswith("error: ")
    assert path.read_bytes() == SOURCE.encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (SOURCE.replace("import os", "import os import").encode(), "is no Python that can be read: line 5"),
        (SOURCE.replace("PRETRAINED", "OTHER").encode(), "does not assign PRETRAINED_DEFAULTS"),
        (b"PRETRAINED_DEFAULTS = make()\n", "is not a dictionary that is written out"),
        (b"PRETRAINED_DEFAULTS = {}\nPRETRAINED_DEFAULTS = {}\n", "assigns PRETRAINED_DEFAULTS 2 times"),
        (b"PRETRAINED_DEFAULTS = {'HD_24fps': dict(pattern_size=17)}\n", "is not written out as values"),
        (
            b"PRETRAINED_DEFAULTS = {'HD_24fps': {'pattern_size': 17}}\n",
            "PRETRAINED_DEFAULTS['HD_24fps']: motion_model must be",
        ),
        (b"# -*- coding: latin-9000 -*-\nPRETRAINED_DEFAULTS = {}\n", "is no Python that can be read"),
        (b"\xff\xfe\x00", "is no Python that can be read"),
        (b"", "does not assign"),
    ],
)
def test_a_file_that_cannot_be_edited_is_left_byte_for_byte(
    content: bytes, said: str, prepared: Callable[..., None], run: Run, tmp_path: Path
) -> None:
    prepared(HD_24fps=NEW)
    path = write_source(tmp_path, content)
    code, out, err = run("apply", "--to", path.name, "--yes")
    assert (code, out) == (1, "")
    assert said in err
    assert path.read_bytes() == content
    assert not list(tmp_path.glob(".*partial*"))


ENTRY = Entry(settings=NEW, comment="Based on 8 clips, avg error 1.23px")
HEADER = [f"{HEADER_START}Developer-tuned tracking settings", "# Last updated: 2026-01-02", HEADER_END]


def edit(content: bytes, entries: dict[str, Entry]) -> bytes:
    return edited(parsed(Path("x.py"), content), entries, HEADER)


def said_by(content: bytes) -> dict[str, Any]:
    encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    tree = ast.parse(content.decode(encoding))
    (value,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("PRE")
    ]
    found: dict[str, Any] = ast.literal_eval(value)
    return found


ONE_LINE = "PRETRAINED_DEFAULTS={'HD_30fps':{'pattern_size':17,'search_size':91,'correlation':.7,'threshold':.3,"
NO_COMMA = """PRETRAINED_DEFAULTS = {  # here
\t"HD_24fps": {"pattern_size": 17, "search_size": 91, "correlation": 0.7,
\t\t"threshold": 0.3, "motion_model": "Loc"}  # and here
}
Y = 2"""
THE_GUIDES_HEADER = """# PRETRAINED_DEFAULTS - Developer-tuned tracking settings
#
# Last updated: 2024-12-07
# - Validated on held-out test clips
PRETRAINED_DEFAULTS = {
}
"""
TABLES = [
    SOURCE,
    "PRETRAINED_DEFAULTS = {}\n",
    "PRETRAINED_DEFAULTS = {\n}\n",
    f"{ONE_LINE}'motion_model':'Loc'}}}}",
    NO_COMMA,
    THE_GUIDES_HEADER,
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("table", TABLES)
def test_every_way_to_write_the_table(table: str, bom: bytes, newline: str) -> None:
    content = bom + table.replace("\n", newline).encode()
    after = edit(content, {"HD_24fps": ENTRY, "SD_60fps": ENTRY})
    assert edit(after, {"HD_24fps": ENTRY, "SD_60fps": ENTRY}) == after
    assert after.startswith(bom)
    assert said_by(after) == {**said_by(content), "HD_24fps": NEW.as_dict(), "SD_60fps": NEW.as_dict()}
    assert after.count(b"\r\n") == (after.count(b"\n") if b"\r\n" in content else 0)
    assert after.count(HEADER_START.encode()) == 1
    assert b"2024-12-07" not in after


SETTINGS = st.builds(
    TrackerSettings,
    pattern_size=st.sampled_from(range(11, 32, 2)),
    search_size=st.integers(51, 151),
    correlation=st.integers(40, 80).map(lambda n: n / 100) | st.floats(0.4, 0.8),
    threshold=st.integers(10, 50).map(lambda n: n / 100),
    motion_model=st.sampled_from(MotionModel),
)


@hypothesis.settings(max_examples=25)
@given(st.dictionaries(st.sampled_from(["HD_24fps", "4K_24fps", "SD_30fps", "SD_60fps"]), SETTINGS))
def test_any_settings(several: dict[str, TrackerSettings]) -> None:
    entries = {name: Entry(settings=settings, comment="Based on 5 clips") for name, settings in several.items()}
    after = edit(SOURCE.encode(), entries)
    assert said_by(after) == {**said_by(SOURCE.encode()), **{name: one.as_dict() for name, one in several.items()}}
    assert outside(after) == outside(SOURCE.encode())
    assert edit(after, entries) == after


GUIDE = """# Guide

| Version | Date       | Changes |
| ------- | ---------- | ------- |
| v1.0.0  | 2024-12-01 | Initial defaults |
| v1.1.0  | 2024-12-07 | Updated |
| v1.2.0  | TBD        | Community |

The end.
"""


def test_the_version_history_gets_its_row_once(prepared: Callable[..., None], run: Run, tmp_path: Path) -> None:
    prepared(HD_24fps=NEW, SD_60fps=NEW)
    path = write_source(tmp_path)
    guide = tmp_path / "GUIDE.md"
    guide.write_text(GUIDE)
    assert run("apply", "--to", path.name, "--history", "GUIDE.md", "--release", "v1.3.0", "--yes")[0] == 0
    row = (
        "| v1.3.0 | 2026-01-02 | HD_24fps: 17/91 .68 .28 LocRot to 15/101 .66 .28 Affine; "
        "SD_60fps added: 15/101 .66 .28 Affine |\n"
    )
    assert guide.read_text() == GUIDE.replace("Community |\n", f"Community |\n{row}")
    # as if it had been killed between the two files
    path.write_bytes(SOURCE.encode())
    assert run("apply", "--to", path.name, "--history", "GUIDE.md", "--yes")[0] == 0
    assert guide.read_text().count("2026-01-02") == 1


def test_a_planned_row_is_filled_and_a_taken_version_refused(
    prepared: Callable[..., None], run: Run, tmp_path: Path
) -> None:
    prepared(HD_24fps=NEW)
    path = write_source(tmp_path)
    guide = tmp_path / "GUIDE.md"
    guide.write_text(GUIDE)
    code, _, err = run("apply", "--to", path.name, "--history", "GUIDE.md", "--release", "v1.1.0", "--yes")
    assert code == 1
    assert "has a row for v1.1.0 already" in err
    assert path.read_bytes() == SOURCE.encode()
    assert run("apply", "--to", path.name, "--history", "GUIDE.md", "--yes")[0] == 0
    assert "| v1.2.0 | 2026-01-02 | HD_24fps" in guide.read_text()
    assert "TBD" not in guide.read_text()


def test_nothing_new_needs_no_validation(run: Run, tmp_path: Path, write_json: Write) -> None:
    document = defaults_document(HD_24fps=NEW)
    document["classes"]["HD_24fps"]["verdict"] = "not shown to be better"
    write_json(tmp_path / "eztrack_defaults" / "defaults.json", document)
    path = write_source(tmp_path)
    assert run("apply", "--to", path.name, "--yes")[1] == "smart_tracker.py: nothing to change\n"


def test_json_is_one_document(prepared: Callable[..., None], run: Run, tmp_path: Path) -> None:
    prepared(HD_24fps=replace(NEW, pattern_size=31))
    path = write_source(tmp_path)
    document = json.loads(run("apply", "--to", path.name, "--yes", "--json")[1])
    assert document["written"]
    assert "+        'pattern_size': 31," in document["files"][0]["diff"]
