"""Gates on clips that nothing was tuned on, Blender's sessions only."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Any]
Run = Callable[..., tuple[int, str, str]]
Write = Callable[[Path, object], Path]
OTHER = {"pattern_size": 21, "search_size": 100, "correlation": 0.65, "threshold": 0.3, "motion_model": "LocRot"}


@pytest.fixture
def tuned(make_class: Make, run: Run, tmp_path: Path, write_json: Write) -> None:
    """Defaults in which ``OTHER`` is better for HD_24fps, tuned on the clips 0 to 5."""
    write_json(tmp_path / "tuning" / "a.json", make_class())
    write_json(tmp_path / "tuning" / "b.json", make_class(OTHER, lifespan=85, error_px=0.3))
    assert run("aggregate", "tuning")[0] == 0


@pytest.mark.usefixtures("tuned")
def test_every_gate_is_met(make_class: Make, run: Run, tmp_path: Path, write_json: Write) -> None:
    write_json(tmp_path / "held" / "a.json", make_class(OTHER, lifespan=55, first=20, clips=4))
    write_json(tmp_path / "held" / "b.json", make_class(first=20, clips=4, lifespan=30))
    code, out, _ = run("validate", "eztrack_defaults", "held", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["passed"]
    found = document["classes"]["HD_24fps"]
    assert found["clips"] == 4
    assert found["success"]["estimate"] == 1.0
    assert found["plain_error_px"] == pytest.approx(0.7)
    assert found["cleaned_error_px"] == pytest.approx(0.575)
    assert found["gain_over_today"]["low"] > 0
    assert found["versions"] == {"not told": 4}
    (tmp_path / "t.py").write_text(f"PRETRAINED_DEFAULTS = {{'HD_24fps': {OTHER!r}}}\n")
    assert run("apply", "--to", "t.py", "--dry-run")[0] == 0


@pytest.mark.usefixtures("tuned")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"clips": 2}, ((), "at least 3 held-out clips")),
        ({"clips": 5, "fails": (20, 21)}, ((), "more than 60% of the clips")),
        ({"clips": 4, "error_px": 2.1}, ((), "cleaned error below 2 px")),
        ({"clips": 4, "error_px": 1.85}, (("--error", "plain"), "plain error below 2 px")),
    ],
)
def test_a_gate_that_is_not_met_is_exit_code_3(
    changes: dict[str, Any], expected: tuple[tuple[str, ...], str], make_class: Make, run: Run, write_json: Write
) -> None:
    options, gate = expected
    write_json(Path("held") / "a.json", make_class(OTHER, first=20, **changes))
    code, out, err = run("validate", "eztrack_defaults", "held", *options)
    assert code == 3
    assert err.startswith("error: Gates are not met in 1 of 1 class: HD_24fps")
    failed = [line for line in out.splitlines() if line.rstrip().endswith("NO")]
    assert len(failed) == 1
    assert gate in failed[0]
    assert Path("eztrack_validation/report.html").is_file()
    code, _, err = run("apply", "--to", "nowhere.py", "--yes")
    assert code == 1
    assert "nowhere.py" in err


@pytest.mark.usefixtures("tuned")
def test_tuned_clips_and_other_trackers_do_not_count(make_class: Make, run: Run, write_json: Write) -> None:
    opencv = [one | {"eztrack_tune": {"backend": "opencv"}} for one in make_class(OTHER, first=30, clips=3)]
    write_json(Path("held") / "a.json", make_class(OTHER, clips=6))
    write_json(Path("held") / "b.json", opencv)
    write_json(Path("held") / "c.json", make_class(OTHER, first=20, clips=1))
    code, out, _ = run("validate", "eztrack_defaults", "held", "--json")
    assert code == 3
    document = json.loads(out)
    assert document["classes"]["HD_24fps"]["clips"] == 1
    assert document["left_out"] == {
        "of clips that were tuned on": 6,
        "tracked by opencv, and not by Blender": 3,
    }


@pytest.mark.usefixtures("tuned")
def test_the_track_rate_is_told_apart_from_success(make_class: Make, run: Run, write_json: Write) -> None:
    """Every track lives eight frames, and no clip is solved: the rate that the add-on shows passes."""
    write_json(Path("held") / "a.json", make_class(OTHER, first=20, clips=4, fails=(20, 21, 22, 23)))
    code, out, _ = run("validate", "eztrack_defaults", "held", "--json")
    found = json.loads(out)["classes"]["HD_24fps"]
    assert code == 3
    assert found["track_rate"] == 1.0
    assert found["success"]["estimate"] == 0.0
    assert found["cleaned_error_px"] is None


@pytest.mark.usefixtures("tuned")
def test_a_clip_counts_as_solved_when_every_version_solved_it(make_class: Make, run: Run, write_json: Write) -> None:
    for version, fails in (("4.2.23", ()), ("5.0.1", (20,))):
        several = [
            one | {"eztrack_tune": {"backend_version": version, "platform": "Linux", "cleaned_error_px": 0.5}}
            for one in make_class(OTHER, first=20, clips=3, fails=fails)
        ]
        write_json(Path("held") / f"{version}.json", several)
    found = json.loads(run("validate", "eztrack_defaults", "held", "--json")[1])["classes"]["HD_24fps"]
    assert found["versions"] == {"4.2.23": 3, "5.0.1": 3}
    assert found["platforms"] == {"Linux": 6}
    assert found["success"]["n"] == 3
    assert found["success"]["estimate"] == pytest.approx(2 / 3)


def test_nothing_new_is_nothing_to_validate(make_class: Make, run: Run, write_json: Write) -> None:
    write_json(Path("in") / "a.json", make_class())
    run("aggregate", "in")
    code, out, _ = run("validate", "eztrack_defaults", "in")
    assert code == 0
    assert out.startswith("Nothing new should ship")


def test_defaults_that_are_none(run: Run, write_json: Write) -> None:
    write_json(Path("d") / "defaults.json", {"format_version": 1, "made_on": "today", "classes": {}})
    code, out, err = run("validate", "d", "d")
    assert (code, out) == (1, "")
    assert "defaults.json: " in err
