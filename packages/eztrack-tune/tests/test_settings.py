"""The five settings: what is refused, and that sessions give them back as they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eztrack_tune.settings import FACTORY, SHIPPED_DEFAULTS, SIX, MotionModel, TrackerSettings
from footage.errors import InputError

any_settings = st.builds(
    TrackerSettings,
    pattern_size=st.integers(5, 20).map(lambda half: 2 * half + 1),
    search_size=st.integers(43, 1000),
    correlation=st.floats(0.01, 0.99),
    threshold=st.floats(0.01, 0.99),
    motion_model=st.sampled_from(MotionModel),
)


@given(any_settings)
def test_a_session_gives_settings_back_as_they_were(settings: TrackerSettings) -> None:
    assert TrackerSettings.from_dict(settings.as_dict()) == settings
    assert TrackerSettings.from_dict({**settings.as_dict(), "iteration": 3}) == settings


def test_the_six_and_what_ships_lie_within_the_add_ons_ranges() -> None:
    assert all(settings.outside_ranges() == () for settings in (*SIX, *SHIPPED_DEFAULTS.values(), FACTORY))
    assert len(set(SIX)) == 6
    assert len({settings.threshold for settings in SIX}) == 1  # one detection serves them all


def test_values_outside_the_ranges_are_named_and_let_through() -> None:
    settings = TrackerSettings.from_dict({**FACTORY.as_dict(), "pattern_size": 41, "correlation": 0.95})
    assert settings.outside_ranges() == ("pattern_size", "correlation")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pattern_size": 20}, "pattern_size must be odd"),
        ({"pattern_size": 3}, "at least 5"),
        ({"pattern_size": 71}, "search_size must be larger than pattern_size"),
        ({"search_size": 5000}, "at most 1000"),
        ({"correlation": 0}, "correlation must be between 0 and 1"),
        ({"threshold": 1.5}, "threshold must be between 0 and 1"),
        ({"motion_model": "Euclid"}, "motion_model must be one of Loc, LocRot"),
        ({"motion_model": None}, "motion_model must be one of"),
        ({"pattern_size": 21.5}, "whole number of pixels"),
        ({"pattern_size": "21"}, "pattern_size must be a number, not '21'"),
        ({"correlation": float("nan")}, "correlation must be a number"),
        ({"correlation": True}, "correlation must be a number"),
    ],
)
def test_impossible_values_are_refused_by_name(change: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        TrackerSettings.from_dict({**FACTORY.as_dict(), **change})


def test_a_missing_value_is_named() -> None:
    values = FACTORY.as_dict()
    del values["threshold"]
    with pytest.raises(InputError, match="threshold is missing"):
        TrackerSettings.from_dict(values)


def test_settings_are_written_short() -> None:
    assert str(FACTORY) == "21/71 .75 .25 Loc"
