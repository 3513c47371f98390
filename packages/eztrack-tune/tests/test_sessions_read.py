"""Sessions of every version are read, checked against themselves, and told from what is none."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eztrack_tune.sessions.parse import clean_errors, parse_session
from eztrack_tune.sessions.read import read_sessions
from eztrack_tune.sessions.record import Generation
from footage.errors import DatasetError

Make = Callable[..., dict[str, Any]]
Write = Callable[[Path, object], Path]
ADDONS = [Generation.FIRST, Generation.SCHEMA_1, Generation.CONTRIBUTED]


@pytest.mark.parametrize("generation", ADDONS)
def test_every_version_is_read(generation: Generation, make_session: Make) -> None:
    session = parse_session(make_session(generation), "a.json")
    assert session.generation is generation
    assert session.footage.name == "HD_24fps"
    assert session.success_rate == 1.0
    assert session.solved
    assert session.contradictions == ()
    assert session.unusable is None
    assert session.measured.cleaned_error_px == pytest.approx(0.4)
    assert session.measured.useful == pytest.approx(16 * 91 / (20 * 100))
    assert session.measured.survival == pytest.approx(0.91)
    assert session.measured.frames_solved is None
    assert session.backend == "blender"


def test_clips_are_known_by_the_surest_thing(make_session: Make) -> None:
    def clip(generation: str, **changes: Any) -> str:
        return parse_session(make_session(generation, **changes), "a.json").clip

    assert clip("first") == "name drone_01.mp4 1920x1080 24 fps 100 frames"
    assert clip("schema 1") == clip("schema 1", clip_name="other.mp4") == "fingerprint a4f3c89b2e71d6f0"
    # the recorder gives every session another word for a name: it must not part the sessions of one clip
    assert clip("schema 1 with contributor") == clip("schema 1 with contributor", clip_name="77aa01bc")
    assert clip("schema 1 with contributor") != clip("schema 1 with contributor", contributor_id="other")
    inside = {"visual_features": {"clip_fingerprint": "beef"}}
    assert clip("schema 1 with contributor", **inside) == "fingerprint beef"


def test_settings_that_the_seeds_script_left_out_are_the_fallback(make_session: Make) -> None:
    three = {"pattern_size": 11, "search_size": 51, "correlation": 0.75}
    session = parse_session(make_session("first", settings=three), "a.json")
    assert session.assumed == ("threshold", "motion_model")
    assert str(session.settings) == "11/51 .75 .30 LocRot"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"solve_error": 999.0}, "stands for a failure"),
        ({"solve_error": 0.0}, "stands for a number that was none"),
        ({"solve_error": None}, "solve_error is missing"),
        ({"success": False}, "success is false, and there are 16 bundles"),
        ({"bundle_count": 3}, "success is true with 3 bundles"),
        ({"failure_type": "BLUR"}, "failure_type is BLUR"),
        ({"total_tracks": 31}, "total_tracks is 31, and 20 tracks are listed"),
        ({"successful_tracks": 25}, "25 of 20 tracks are successful"),
        ({"successful_tracks": 3}, "no count of the listed tracks"),
        ({"frame_count": 50}, "a track lives 90 frames in a clip of 50"),
        ({"region_stats": {"center": {"total_tracks": 20, "successful_tracks": 16}}}, "does not count the listed"),
        ({"applied_settings": {"search_size": 71, "pattern_size": 17}}, "search_size was set to 91 and 71 was used"),
        ({"adaptation_history": [{"iteration": 1}]}, "changed while tracking"),
    ],
)
def test_contradictions_are_named(changes: dict[str, Any], said: str, make_session: Make) -> None:
    if "applied_settings" in changes:
        changes = {"applied_settings": make_session()["settings"] | changes["applied_settings"]}
    session = parse_session(make_session(**changes), "a.json")
    assert any(said in one for one in session.contradictions), session.contradictions


def test_a_lifespan_that_its_frames_deny_is_named(make_session: Make, make_track: Make) -> None:
    tracks = [make_track(number) | {"end_frame": 40} for number in range(20)]
    session = parse_session(make_session(tracks=tracks), "a.json")
    assert "track 1 lives 90 frames, and goes from 1 to 40" in session.contradictions
    assert "and 17 more of this kind" in session.contradictions


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"solve_error": 999.0}, "claims success with an error of 999 px"),
        ({"solve_error": 0.0}, "claims success with an error of 0 px"),
        ({"success": False, "solve_error": 999.0}, "the recorder says"),
        ({"bundle_count": 7}, "7 of 20 tracks"),
        ({"bundle_count": 9}, "9 of 20 tracks"),
    ],
)
def test_what_counts_as_solved(changes: dict[str, Any], why: str, make_session: Make) -> None:
    session = parse_session(make_session(**changes), "a.json")
    assert not session.solved
    assert session.not_solved_because is not None
    assert why in session.not_solved_because


def test_junk_that_calls_itself_valid_is_not_solved(make_session: Make, make_track: Make) -> None:
    tracks = [make_track(number, error_px=83.0 + number) for number in range(20)]
    session = parse_session(make_session(tracks=tracks, solve_error=92.0), "a.json")
    assert session.claims_success
    assert not session.solved


def test_deleting_tracks_lowers_what_is_useful(make_session: Make, make_track: Make) -> None:
    whole = parse_session(make_session(), "a").measured
    dropped = [make_track(n, error_px=0.2 if n < 10 else None) for n in range(20)]
    assert whole.useful is not None
    fewer = parse_session(make_session(tracks=dropped), "b").measured
    assert fewer.cleaned_error_px is not None
    assert fewer.cleaned_error_px < 0.4
    assert fewer.useful is not None
    assert fewer.useful < whole.useful


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"resolution": [0, 0]}, "0 x 0 pixels"),
        ({"resolution": "1920x1080"}, "resolution is no list"),
        ({"fps": "24"}, "fps is '24', a number is wanted"),
        ({"fps": 0}, "0 frames a second"),
        ({"fps": 10**400}, "fps is 1000"),
        ({"success": 1}, "success is 1, true or false"),
        ({"total_tracks": 2.5}, "total_tracks is 2.5"),
        ({"settings": {}}, "settings lack pattern_size"),
        ({"settings": {"pattern_size": 16, "search_size": 91, "correlation": 0.7}}, "pattern_size must be odd"),
        ({"schema_version": 2}, "schema_version is 2"),
        ({"tracks": "none"}, "tracks is no list"),
        ({"tracks": [{}]}, "lifespan is missing"),
    ],
)
def test_a_broken_session_says_what_is_wrong(
    changes: dict[str, Any], said: str, make_session: Make, tmp_path: Path, write_json: Write
) -> None:
    # a list that the conftest's counting would not survive is put in afterwards
    write_json(tmp_path / "bad.json", make_session() | changes)
    write_json(tmp_path / "good.json", make_session())
    read = read_sessions([tmp_path])
    assert len(read.sessions) == 1
    assert len(read.skipped) == 1
    assert read.skipped[0].path.name == "bad.json"
    assert said in read.skipped[0].reason


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(value=JSON_VALUES, data=st.data())
def test_nothing_in_a_session_raises_anything_but_its_own_error(
    value: object, data: st.DataObject, make_session: Make
) -> None:
    session = make_session()
    key = data.draw(st.sampled_from(sorted(session)))
    try:
        read = parse_session(session | {key: value}, "a.json")
    except DatasetError:
        return
    assert read.total_tracks >= 0


def test_folders_archives_and_lists(make_session: Make, tmp_path: Path, write_json: Write) -> None:
    write_json(tmp_path / "sessions" / "one.json", make_session())
    write_json(tmp_path / "sessions" / "again.json", make_session())
    write_json(tmp_path / "behavior" / "edit.json", {"schema_version": 1, "session_id": "x"})
    write_json(tmp_path / "list.json", {"sessions": [make_session(fps=30), make_session(fps=60)]})
    with zipfile.ZipFile(tmp_path / "autosolve_training_20251209.zip", "w") as archive:
        archive.writestr("manifest.json", "{}")
        archive.writestr("sessions/two.json", json.dumps(make_session("first")))
        archive.writestr("sessions/cut.json", '{"settings": ')
    (tmp_path / "no.zip").write_bytes(b"PK nothing")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    read = read_sessions([tmp_path])
    assert sorted(session.fps for session in read.sessions) == [24, 24, 30, 60]
    assert (read.others, read.duplicates) == (2, 1)
    assert sorted(one.path.name for one in read.skipped) == ["cut.json", "deep.json", "no.zip"]


def test_no_session_is_an_error_that_says_what_was_there(tmp_path: Path, write_json: Write) -> None:
    write_json(tmp_path / "model.json", {"version": 1})
    with pytest.raises(DatasetError, match=r"no session in .* \(1 other JSON files"):
        read_sessions([tmp_path])


@given(st.lists(st.floats(0.01, 500), max_size=40))
def test_cleaning_keeps_the_smallest_errors(errors: list[float]) -> None:
    kept = clean_errors(errors)
    assert sorted(errors)[: len(kept)] == sorted(kept)
    assert len(kept) >= len(errors) / 32
