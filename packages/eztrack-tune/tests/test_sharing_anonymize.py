"""Nothing gets into a contribution but what is on the list, whatever a session holds and wherever it holds it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eztrack_tune.classes import CLASS_NAMES, Difficulty
from eztrack_tune.sessions.parse import parse_session
from eztrack_tune.settings import MotionModel
from eztrack_tune.sharing.contribution import BACKENDS, FORMAT, KEYS, REGIONS, VERSION, anonymized, parse_contribution
from footage.errors import DatasetError

Make = Callable[..., Any]
Run = Callable[..., tuple[int, str, str]]
Write = Callable[[Path, object], Path]
NAME = "ab" * 16
WORDS = {*CLASS_NAMES, *map(str, Difficulty), *map(str, MotionModel), *BACKENDS, *REGIONS, FORMAT, NAME}
PRIVATE = "/home/ada/Überraschung #7/shot 03.mov 2025-12-07T19:30:00"
GENERATIONS = ["first", "schema 1", "schema 1 with contributor"]


def texts(value: object) -> set[str]:
    """Every text that a JSON value's values hold."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return set().union(*map(texts, value.values()))
    return set().union(*map(texts, value)) if isinstance(value, list) else set()


def keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to every value within a JSON value."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def with_secret(session: dict[str, Any], place: tuple[str | int, ...], secret: object) -> dict[str, Any]:
    """The session with a secret put in at a place: instead of a value, or as a further key of an object."""
    changed = copy.deepcopy(session)
    at: Any = changed
    for key in place[:-1]:
        at = at[key]
    if place:
        target = at[place[-1]]
        if isinstance(target, dict):
            target[str(secret)] = secret
        else:
            at[place[-1]] = secret
    else:
        changed[str(secret)] = secret
    return changed


def contribution_of(*sessions: dict[str, Any]) -> dict[str, Any]:
    parsed = [parse_session(one, str(number)) for number, one in enumerate(sessions)]
    return anonymized(parsed, contributor=NAME, rng=np.random.default_rng(0))


def check_nothing_leaks(document: dict[str, Any]) -> None:
    allowed = {*KEYS, *REGIONS, "format", "format_version", "contributor", "sessions", "total_tracks"}
    allowed |= {"successful_tracks", "pattern_size", "search_size", "correlation", "threshold", "motion_model"}
    assert keys(document) <= allowed
    assert all(word in WORDS or VERSION.fullmatch(word) for word in texts(document))
    assert parse_contribution(json.dumps(document).encode(), "c.json").sessions


@given(data=st.data(), generation=st.sampled_from(GENERATIONS), secret=st.text(min_size=1) | st.just(PRIVATE))
def test_a_secret_anywhere_in_a_session_does_not_get_out(
    data: st.DataObject, generation: str, secret: str, make_session: Make
) -> None:
    session = make_session(generation)
    place = data.draw(st.sampled_from(places(session)))
    try:
        document = contribution_of(with_secret(session, place, secret))
    except DatasetError:
        return
    check_nothing_leaks(document)


@given(data=st.data(), number=st.integers(10**6, 10**12))
def test_a_number_that_tells_does_not_get_out(data: st.DataObject, number: int, make_session: Make) -> None:
    """Serial numbers and times hidden in numbers: each number has a range, and three digits."""
    session = make_session("schema 1 with contributor")
    place = data.draw(st.sampled_from(places(session)))
    try:
        document = contribution_of(with_secret(session, place, number))
    except DatasetError:
        return
    check_nothing_leaks(document)
    # the settings are what is shared; they may be any number that a tracker takes
    for one in document["sessions"]:
        one.pop("settings")
        one.pop("region_stats")
    assert str(number) not in json.dumps(document)


def test_what_the_addons_sessions_hold_does_not_get_out(make_session: Make) -> None:
    session = make_session("schema 1 with contributor", clip_fingerprint="d41d8cd98f00b204e9800998ecf8427e")
    text = json.dumps(contribution_of(session))
    for secret in ("0f3a9c11", "b7e1", "d41d8cd9", "2025-12-07", "/9j/4AAQ", "Track.001", "1920", "45.2"):
        assert secret in json.dumps(session)
        assert secret not in text


def test_order_and_numbers_of_clips_tell_nothing(make_class: Make) -> None:
    sessions = [parse_session(one, str(n)) for n, one in enumerate(make_class(clips=30))]
    orders = set()
    for seed in range(5):
        document = anonymized(sessions, contributor=NAME, rng=np.random.default_rng(seed))
        shared = document["sessions"]
        assert isinstance(shared, list)
        assert sorted(one["clip"] for one in shared) == list(range(1, 31))
        orders.add(tuple(one["clip"] for one in shared))
    assert len(orders) == 5


def test_clips_stay_paired(make_class: Make) -> None:
    two = make_class(clips=3) + make_class({"pattern_size": 11, "search_size": 51, "correlation": 0.7}, clips=3)
    shared = contribution_of(*two)["sessions"]
    assert sorted(one["clip"] for one in shared) == [1, 1, 2, 2, 3, 3]


def test_the_verb_writes_one_file_under_a_new_random_name(make_class: Make, run: Run, write_json: Write) -> None:
    write_json(Path("in") / "a.json", make_class())
    names = set()
    for number in range(2):
        assert run("anonymize", "in", "-o", f"c{number}.json")[0] == 0
        document = json.loads(Path(f"c{number}.json").read_text())
        names.add(document["contributor"])
    assert len(names) == 2
    assert run("anonymize", "in", "-o", "again.json", "--like", "c1.json")[0] == 0
    assert json.loads(Path("again.json").read_text())["contributor"] == document["contributor"]


def test_a_dry_run_shows_and_does_not_write(make_class: Make, run: Run, write_json: Write) -> None:
    write_json(Path("in") / "a.json", make_class())
    code, out, _ = run("anonymize", "in", "--dry-run")
    assert (code, out.splitlines()[-1]) == (0, "nothing was written")
    assert not Path("contribution.json").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"clip_name": "x"}, "keys that are not on the list"),
        ({"footage_class": PRIVATE}, "footage_class is none of"),
        ({"difficulty": PRIVATE}, "difficulty is none of"),
        ({"backend": PRIVATE}, "backend is none of"),
        ({"backend_version": PRIVATE}, "backend_version is no version number"),
        ({"region_stats": {PRIVATE: {}}}, "keys that are not on the list"),
        ({"region_stats": {"center": {"note": PRIVATE}}}, "keys that are not on the list"),
        ({"settings": {"pattern_size": 11, "search_size": 51, "note": PRIVATE}}, "motion_model must be"),
        ({"solve_error": 1e9}, "0 to 1000 is wanted"),
        ({"solve_error": PRIVATE}, "a number is wanted"),
    ],
)
def test_a_contribution_with_anything_else_is_refused(change: dict[str, Any], said: str, make_session: Make) -> None:
    document = contribution_of(make_session())
    document["sessions"][0] |= change
    with pytest.raises(DatasetError, match=said):
        parse_contribution(json.dumps(document).encode(), "c.json")


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"format": "eztrack-tune contribution"}', b"\xff", b"[" * 99999]
)
def test_what_is_no_contribution(content: bytes) -> None:
    with pytest.raises(DatasetError):
        parse_contribution(content, "c.json")
