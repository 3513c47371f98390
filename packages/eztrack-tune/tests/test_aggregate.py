"""Settings are compared on the same clips, failures count, and luck is not taken for skill."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl  # type: ignore[import-untyped] # it ships no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eztrack_tune.aggregate.objective import WEIGHTS, components, score, score_of, shared_components
from eztrack_tune.aggregate.paired import Comparison, Verdict, compare
from eztrack_tune.aggregate.tables import SEED_COLUMNS
from eztrack_tune.aggregate.trials import Trial, trials_of
from eztrack_tune.classes import default_settings
from eztrack_tune.sessions.parse import parse_session
from eztrack_tune.settings import SIX, TrackerSettings

Make = Callable[..., Any]
Run = Callable[..., tuple[int, str, str]]
TODAY = default_settings("HD_24fps")
OTHER = {"pattern_size": 21, "search_size": 100, "correlation": 0.65, "threshold": 0.3, "motion_model": "LocRot"}
THIRD = {**OTHER, "pattern_size": 31, "search_size": 150, "correlation": 0.5}


def write_all(folder: Path, *groups: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, session in enumerate(session for group in groups for session in group):
        (folder / f"{number:03d}.json").write_text(json.dumps(session))
    return folder


def trial(
    clip: int, settings: TrackerSettings, score: float, *, group: str | None = None, weight: float = 1.0
) -> Trial:
    return Trial(
        clip=f"clip {clip}",
        group=group or f"clip {clip}",
        weight=weight,
        settings=settings,
        score=score,
        solved=1.0,
        raw_error_px=1.0,
        cleaned_error_px=0.5,
        success_rate=0.9,
        difficulty=None,
        sessions=1,
    )


def compared(trials: list[Trial], seed: int = 0) -> Comparison:
    return compare("HD_24fps", trials, today=TODAY, components=("useful",), rng=np.random.default_rng(seed))


def test_settings_that_are_better_on_every_clip_are_recommended(make_class: Make, run: Run, tmp_path: Path) -> None:
    write_all(tmp_path / "in", make_class(), make_class(OTHER, lifespan=85, error_px=0.3))
    code, out, err = run("aggregate", "in", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)["classes"]["HD_24fps"]
    assert found["verdict"] == "better"
    assert found["settings"] == OTHER
    assert found["clips"] == 6
    gain = found["gain_of_choosing"]
    assert 0 < gain["low"] <= gain["estimate"] <= gain["high"]
    assert gain["n"] == gain["groups"] == 6


def test_lower_error_by_deleting_tracks_is_not_better(make_class: Make, run: Run, tmp_path: Path) -> None:
    """The settings with the lowest mean error, which the add-on's own script would choose."""
    write_all(tmp_path / "in", make_class(), make_class(OTHER, kept=10, error_px=0.2))
    found = json.loads(run("aggregate", "in", "--json")[1])["classes"]["HD_24fps"]
    best, other = sorted(found["candidates"], key=lambda one: one["cleaned_error_px"])
    assert (best["settings"], other["settings"]) == (OTHER, TODAY.as_dict())
    assert found["verdict"] == "not shown to be better"
    assert found["settings"] == TODAY.as_dict()


def test_failed_solves_count(make_class: Make, run: Run, tmp_path: Path) -> None:
    """A little better on the clips that it solves, and lost on two: the mean over solved clips would choose it."""
    write_all(tmp_path / "in", make_class(clips=8), make_class(OTHER, clips=8, lifespan=70, fails=(0, 3)))
    found = json.loads(run("aggregate", "in", "--json")[1])["classes"]["HD_24fps"]
    assert found["verdict"] == "not shown to be better"
    lost = next(one for one in found["candidates"] if one["settings"] == OTHER)
    assert lost["solved"] == pytest.approx(6 / 8)
    assert lost["gain"]["estimate"] < 0


def test_settings_lucky_on_easy_clips_are_compared_on_the_same_clips(make_class: Make) -> None:
    """Tried on easy clips only: their mean score is higher, and on each of those clips the default is as good."""
    hard = make_class(clips=6, lifespan=30)
    easy = make_class(clips=6, lifespan=85, first=6)
    lucky = make_class(OTHER, clips=6, lifespan=85, first=6)
    trials, names = trials_of([parse_session(one, str(n)) for n, one in enumerate(hard + easy + lucky)])
    found = compare("HD_24fps", trials, today=TODAY, components=names, rng=np.random.default_rng(0))
    other = next(one for one in found.candidates if not one.is_default)
    assert other.clips == 6
    assert other.gain.estimate == pytest.approx(0)
    assert found.verdict is Verdict.NOT_SHOWN


@pytest.mark.parametrize(
    ("clips", "said"),
    [
        ((4, 6), "tried on 4 of 6 clips"),
        ((0, 6), "tried on 0 of 6"),
        ((6, 4), "no other settings were tried on 5"),
    ],
)
def test_too_few_clips(make_class: Make, run: Run, tmp_path: Path, clips: tuple[int, int], said: str) -> None:
    better = make_class(OTHER, clips=clips[1], lifespan=90, error_px=0.1)
    write_all(tmp_path / "in", make_class(clips=clips[0]), better)
    found = json.loads(run("aggregate", "in", "--json")[1])["classes"]["HD_24fps"]
    assert found["verdict"] == "too few clips"
    assert said in found["reason"]
    assert found["settings"] == TODAY.as_dict()


def test_the_best_of_many_that_are_all_alike_is_not_called_better() -> None:
    """Settings without any difference but noise: the luckiest has a gain, and choosing it brings none."""
    random = np.random.default_rng(5)
    many = [replace(SIX[0], correlation=0.4 + number / 100) for number in range(20)]
    called_better, lucky, fair = 0, [], []
    for seed in range(60):
        trials = [trial(clip, s, float(random.normal(0.5, 0.1))) for clip in range(6) for s in [TODAY, *many]]
        found = compared(trials, seed)
        assert found.best is not None
        assert found.gain_of_choosing is not None
        lucky.append(found.best.gain.estimate or 0.0)
        fair.append(found.gain_of_choosing.estimate or 0.0)
        called_better += found.verdict is Verdict.BETTER
    assert np.mean(lucky) > 0.06
    assert abs(np.mean(fair)) < 0.02
    assert called_better <= 4


def test_a_real_difference_is_found_among_many() -> None:
    random = np.random.default_rng(6)
    many = [replace(SIX[0], correlation=0.4 + number / 100) for number in range(12)]
    trials = []
    for clip in range(8):
        level = random.normal(0.5, 0.1)
        trials += [
            trial(clip, s, float(level + random.normal(0, 0.01) + 0.05 * (s == many[3]))) for s in [TODAY, *many]
        ]
    found = compared(trials)
    assert found.verdict is Verdict.BETTER
    assert found.settings == many[3]


def test_of_equals_the_cheaper_is_the_best() -> None:
    small, large = replace(SIX[0], search_size=61), replace(SIX[0], search_size=151)
    trials = [trial(clip, s, 0.6 if s != TODAY else 0.5) for clip in range(6) for s in (TODAY, large, small)]
    assert compared(trials).settings == small


def test_several_sessions_of_one_clip_are_one_clip(make_class: Make) -> None:
    sessions = [parse_session(one, str(n)) for n, one in enumerate(make_class(clips=2) * 4)]
    trials, _ = trials_of(sessions)
    assert [one.sessions for one in trials] == [4, 4]


def test_the_order_of_sessions_does_not_matter(make_class: Make) -> None:
    every = [*make_class(), *make_class(OTHER, lifespan=70), *make_class(THIRD, lifespan=80, fails=(1,))]
    sessions = [parse_session(one, str(n)) for n, one in enumerate(every)]
    results = []
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(sessions))
        trials, names = trials_of([sessions[n] for n in order])
        found = compare("HD_24fps", trials, today=TODAY, components=names, rng=np.random.default_rng(0))
        results.append((found.verdict, found.settings, found.gain_of_choosing))
    assert results[0] == results[1] == results[2]


SHARES = st.floats(0.01, 1)
VALUES = st.fixed_dictionaries(dict.fromkeys(WEIGHTS, SHARES))


@given(VALUES, st.sampled_from(sorted(WEIGHTS)), SHARES)
def test_the_score_grows_with_each_component_and_stays_within_0_and_1(
    values: dict[str, float], name: str, more: float
) -> None:
    before = score_of(values, tuple(WEIGHTS))
    after = score_of({**values, name: max(values[name], more)}, tuple(WEIGHTS))
    assert 0 <= before <= after <= 1 + 1e-12


@given(VALUES, st.sampled_from(sorted(WEIGHTS)))
def test_no_component_makes_up_for_the_lack_of_another(values: dict[str, float], name: str) -> None:
    assert score_of({**values, name: 0.0}, tuple(WEIGHTS)) == 0


@given(kept=st.integers(10, 16), lifespan=st.integers(11, 99))
def test_neither_deleted_nor_shorter_tracks_raise_the_score(kept: int, lifespan: int, make_class: Make) -> None:
    def value(**changes: Any) -> float:
        session = parse_session(make_class(clips=1, **changes)[0], "a")
        return score(session, ("useful", "bundles"))

    whole = value(lifespan=99)
    assert value(lifespan=99, kept=kept) <= whole
    assert value(lifespan=lifespan) <= whole + 1e-12


def test_only_components_that_all_sessions_have_are_used(make_session: Make) -> None:
    addons = parse_session(make_session(), "a")
    ours = replace(addons, measured=replace(addons.measured, coverage=0.5, frames_solved=1.0))
    assert set(components(ours.measured)) == {"useful", "accuracy", "bundles", "coverage", "frames"}
    assert shared_components([ours]) == ("useful", "frames", "accuracy", "coverage", "bundles")
    assert shared_components([ours, addons]) == ("useful", "accuracy", "bundles")


def test_the_tables(make_class: Make, run: Run, tmp_path: Path) -> None:
    sessions = make_class(clips=5)
    sessions[0]["clip_name"] = "=cmd|' /C calc'!A0"
    write_all(tmp_path / "in", sessions, make_class(OTHER, clips=5, lifespan=85, fails=(2,)))
    assert run("aggregate", "in", "-o", "out")[0] == 0
    lines = (tmp_path / "out" / "results.csv").read_text().splitlines()
    assert lines[0].startswith(",".join(SEED_COLUMNS))
    assert len(lines) == 11
    assert lines[1].startswith("'=cmd")
    book = openpyxl.load_workbook(tmp_path / "out" / "results.xlsx")
    assert book.sheetnames == ["Results", "Settings compared"]
    rows = list(book["Results"].iter_rows())
    assert tuple(cell.value for cell in rows[0][: len(SEED_COLUMNS)]) == SEED_COLUMNS
    assert (rows[1][0].value, rows[1][0].data_type) == ("=cmd|' /C calc'!A0", "s")
    assert rows[1][2].value == 17
    report = (tmp_path / "out" / "report.html").read_text()
    assert "HD_24fps" in report


def test_what_was_left_out_and_what_contradicts_itself_is_said(
    make_class: Make, make_session: Make, run: Run, tmp_path: Path
) -> None:
    changed = make_session(adaptation_history=[{"iteration": 1}], clip_fingerprint="ff")
    odd = make_session(failure_type="BLUR", clip_fingerprint="fe")
    write_all(tmp_path / "in", make_class(), [changed, odd, {"settings": {}, "solve_error": 1, "resolution": [1, 2]}])
    code, out, _ = run("aggregate", "in")
    assert code == 4
    assert "not compared: 1 its settings were changed while it was tracked" in out
    assert "contradicts itself: 1 sessions: success is true and failure_type is BLUR" in out
    assert "could not be read" in out


def test_todays_table_can_be_the_addons_file(make_class: Make, run: Run, tmp_path: Path) -> None:
    write_all(tmp_path / "in", make_class(), make_class(OTHER, lifespan=85, error_px=0.3))
    (tmp_path / "tracker.py").write_text(f"PRETRAINED_DEFAULTS = {{'HD_24fps': {OTHER!r}}}\n")
    found = json.loads(run("aggregate", "in", "--today", "tracker.py", "--json")[1])["classes"]["HD_24fps"]
    assert found["today"] == OTHER
    assert found["verdict"] == "not shown to be better"


@pytest.mark.parametrize("given_name", ["nowhere", "empty"])
def test_nothing_to_read_is_explained(run: Run, tmp_path: Path, given_name: str) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = run("aggregate", given_name)
    assert (code, out) == (1, "")
    assert err.startswith("error: no files with the extensions")
    assert not (tmp_path / "eztrack_defaults").exists()
