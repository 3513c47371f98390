"""The settings of a sweep: from files of either kind, with today's first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eztrack_tune.classes import default_settings
from eztrack_tune.settings import SIX, TrackerSettings
from eztrack_tune.sweep.matrix import read_matrix, settings_for
from footage.errors import InputError

HEADER = "pattern_size,search_size,correlation,threshold,motion_model"


def test_a_table_and_a_list_say_the_same(tmp_path: Path) -> None:
    rows = [settings.as_dict() for settings in SIX]
    (tmp_path / "m.json").write_text(json.dumps(rows))
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    (tmp_path / "m.csv").write_text("\n".join(lines) + "\n")
    assert read_matrix(tmp_path / "m.json") == read_matrix(tmp_path / "m.csv") == SIX


def test_lists_mean_every_combination_once(tmp_path: Path) -> None:
    grid = {**SIX[0].as_dict(), "pattern_size": [11, 15, 15], "correlation": [0.6, 0.7]}
    (tmp_path / "m.json").write_text(json.dumps(grid))
    found = read_matrix(tmp_path / "m.json")
    assert [(one.pattern_size, one.correlation) for one in found] == [(11, 0.6), (11, 0.7), (15, 0.6), (15, 0.7)]


def test_a_large_matrix_is_not_compared_pair_by_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    equal = TrackerSettings.__eq__

    def counted(self: TrackerSettings, other: object) -> bool:
        nonlocal compared
        compared += 1
        return equal(self, other)

    monkeypatch.setattr(TrackerSettings, "__eq__", counted)
    shares = [0.3 + number / 1000 for number in range(300)]
    grid = {**SIX[0].as_dict(), "correlation": [*shares, *shares[:10]], "motion_model": ["Loc", "LocRot"]}
    (tmp_path / "m.json").write_text(json.dumps(grid))
    found = read_matrix(tmp_path / "m.json")
    assert [one.correlation for one in found[::2]] == shares
    assert compared <= 2 * len(found)


def test_what_ships_today_comes_first_and_once() -> None:
    assert settings_for("HD_24fps") == (default_settings("HD_24fps"), *SIX)
    assert settings_for("HD_24fps", [default_settings("HD_24fps")]) == (default_settings("HD_24fps"),)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("m.json", "[]", "the matrix is empty"),
        ("m.json", "7", "neither a list"),
        ("m.json", "[1]", "neither a list"),
        ("m.json", "{", "is no JSON"),
        ("m.json", '[{"pattern_size": 11}]', "entry 1: motion_model"),
        ("m.csv", "", "the matrix is empty"),
        (
            "m.csv",
            "pattern_size,search_size,correlation,threshold,motion_model\n11,51,.7,.3,Loc\n12,51,.7,.3,Loc\n",
            "entry 2",
        ),
        ("m.csv", "pattern_size,search_size,correlation,threshold,motion_model\n11,51\n", "entry 1: motion_model"),
    ],
)
def test_what_is_no_matrix_is_refused(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=says):
        read_matrix(tmp_path / name)


def test_too_many_combinations_and_no_file_are_refused(tmp_path: Path) -> None:
    grid = {**SIX[0].as_dict(), **{name: [0.5] * 400 for name in ("correlation", "threshold")}}
    (tmp_path / "m.json").write_text(json.dumps(grid))
    with pytest.raises(InputError, match="160,000 combinations"):
        read_matrix(tmp_path / "m.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_matrix(tmp_path / "none.json")
