"""Many contributors make a table, and none of them decides it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eztrack_tune.sessions.parse import parse_session
from eztrack_tune.sharing.contribution import anonymized
from eztrack_tune.sharing.weights import LARGEST_SHARE, capped

Make = Callable[..., Any]
Run = Callable[..., tuple[int, str, str]]
OTHER = {"pattern_size": 21, "search_size": 100, "correlation": 0.65, "threshold": 0.3, "motion_model": "LocRot"}
THIRD = {**OTHER, "pattern_size": 31, "search_size": 150}


def write_contribution(path: Path, number: int, *groups: list[dict[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    sessions = [parse_session(one, str(n)) for group in groups for n, one in enumerate(group)]
    document = anonymized(sessions, contributor=f"{number:032x}", rng=np.random.default_rng(number))
    path.write_text(json.dumps(document))


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 1000), min_size=1, max_size=30))
def test_no_contributor_has_more_than_its_share(counts: dict[str, int]) -> None:
    weights = capped(counts)
    assert weights.keys() == counts.keys()
    assert all(0 < weights[name] <= counts[name] for name in counts)
    if len(counts) * LARGEST_SHARE >= 1:
        assert max(weights.values()) <= LARGEST_SHARE * sum(weights.values()) * (1 + 1e-9)
    else:
        assert len(set(weights.values())) == 1


def test_small_contributors_keep_their_weight() -> None:
    weights = capped({"a": 1000, "b": 4, "c": 4, "d": 4, "e": 4})
    assert weights == pytest.approx({"a": 16 / 3, "b": 4, "c": 4, "d": 4, "e": 4})
    assert capped({"a": 4, "b": 4, "c": 4, "d": 4}) == {"a": 4, "b": 4, "c": 4, "d": 4}


def test_contributors_who_agree_make_a_table(make_class: Make, run: Run) -> None:
    for number in range(6):
        first = 10 * number
        better = make_class(OTHER, clips=3, first=first, lifespan=30, error_px=0.3)
        write_contribution(Path(f"in/{number}.json"), number, make_class(clips=3, first=first, lifespan=10), better)
    code, out, _ = run("community", "in", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["classes"]["HD_24fps"]["verdict"] == "better"
    assert document["classes"]["HD_24fps"]["settings"] == OTHER
    assert document["lead"].startswith("36 trials of 6 contributors")
    assert Path("eztrack_community/defaults.json").is_file()
    assert Path("eztrack_community/report.html").is_file()


def test_one_contributor_with_most_of_the_clips_does_not_decide(make_class: Make, run: Run) -> None:
    """Sixty clips of one, on which the other settings are better; two clips each of six, on which they are worse."""
    write_contribution(
        Path("in/big.json"),
        99,
        make_class(clips=39, first=0, lifespan=50),
        make_class(OTHER, clips=39, first=0, lifespan=60),
    )
    for number in range(6):
        first = 40 + 2 * number
        worse = make_class(OTHER, clips=2, first=first, lifespan=36)
        write_contribution(Path(f"in/{number}.json"), number, make_class(clips=2, first=first, lifespan=40), worse)
    document = json.loads(run("community", "in", "--json")[1])
    assert document["classes"]["HD_24fps"]["verdict"] == "not shown to be better"


def test_a_contributor_far_from_the_others_does_not_count(make_class: Make, run: Run) -> None:
    for number in range(7):
        first = 5 * number
        liar = number == 3
        other = make_class(OTHER, clips=2, first=first, lifespan=60 if liar else 21, error_px=0.01 if liar else 0.5)
        today = make_class(clips=2, first=first, lifespan=20)
        write_contribution(Path(f"in/{number}.json"), number, today, other)
    code, out, _ = run("community", "in")
    assert code == 0
    assert "did not count: HD_24fps 21/100 .65 .30 LocRot by 00000000: a gain of +" in out
    rejected = json.loads(run("community", "in", "--json")[1])["rejected"]["HD_24fps"]
    assert [(one["contributor"], one["clips"]) for one in rejected] == [(f"{3:032x}", 2)]


def test_four_contributors_are_too_few(make_class: Make, run: Run) -> None:
    for number in range(4):
        first = 10 * number
        better = make_class(OTHER, clips=3, first=first, lifespan=30, error_px=0.3)
        write_contribution(Path(f"in/{number}.json"), number, make_class(clips=3, first=first, lifespan=10), better)
    found = json.loads(run("community", "in", "--json")[1])["classes"]["HD_24fps"]
    assert found["verdict"] == "too few clips"
    assert found["reason"] == "4 contributors tried today's default, and 5 are needed"


def test_what_one_contributor_sends_twice_counts_once(make_class: Make, run: Run) -> None:
    for number in range(2):
        both = (make_class(clips=3), make_class(OTHER, clips=3, lifespan=70))
        further = (make_class(THIRD, clips=3),) if number else ()
        write_contribution(Path(f"in/{number}.json"), 1, *both, *further)
    document = json.loads(run("community", "in", "--json")[1])
    assert document["lead"].startswith("9 trials of 1 contributors")


def test_what_is_no_contribution_is_left_out(make_class: Make, run: Run) -> None:
    write_contribution(Path("in/a.json"), 1, make_class(clips=2))
    Path("in/session.json").write_text(json.dumps(make_class(clips=1)[0]))
    Path("in/cut.json").write_text('{"format"')
    code, out, _ = run("community", "in")
    assert code == 4
    assert out.count("could not be used: ") == 2
