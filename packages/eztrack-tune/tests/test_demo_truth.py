"""The demo's held-out clips beside their true camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eztrack_tune.classes import Difficulty
from eztrack_tune.demo.truth import TrueErrors, drift_gain, true_errors
from eztrack_tune.settings import SIX, TrackerSettings
from eztrack_tune.sweep.options import SweepOptions, choose_trackers
from eztrack_tune.sweep.sources import find_clips
from eztrack_tune.sweep.work import Work
from eztrack_tune.synthetic.clips import SyntheticClip
from footage.errors import DatasetError


def judged(clip: str, settings: TrackerSettings, drift: float | None) -> TrueErrors:
    return TrueErrors(clip=clip, settings=settings, path_share=None, drift_share=drift)


def test_a_clip_is_tracked_under_each_choice_and_held_against_its_camera(tmp_path: Path) -> None:
    video = tmp_path / "library" / "easy.mp4"
    video.parent.mkdir()
    clip = SyntheticClip.random(np.random.default_rng(0), Difficulty.EASY, size=(320, 180), frames=10)
    clip.write_video(video)
    sweep = SweepOptions(sources=(video.parent,), output=tmp_path / "out", tracker="opencv", most_frames=10)
    clips, _ = find_clips(sweep)
    work = Work(cache=tmp_path / "stills", most_frames=10, track=sweep.track)
    (tracker,) = choose_trackers(sweep)
    found = true_errors(clips, SIX[:2], tracker=tracker, work=work)
    assert [(one.clip, one.settings) for one in found] == [("easy.mp4", SIX[0]), ("easy.mp4", SIX[1])]
    for one in found:
        assert one.drift_share is not None
        assert 0 <= one.drift_share < 0.5
    video.with_suffix(".camera.json").unlink()
    with pytest.raises(DatasetError, match="camera"):
        true_errors(clips, SIX[:1], tracker=tracker, work=work)


def test_the_gain_is_todays_drift_minus_the_bests_over_clips_that_have_both() -> None:
    today, best = SIX[:2]
    shares = {"a": (0.5, 0.2), "b": (0.3, 0.1), "c": (0.4, None)}
    found = [judged(clip, today, before) for clip, (before, _) in shares.items()]
    found += [judged(clip, best, after) for clip, (_, after) in shares.items()]
    gain = drift_gain(found, best, today)
    assert gain is not None
    assert gain.estimate == pytest.approx((0.3 + 0.2) / 2)
    assert gain.n == 2
    assert drift_gain([judged("c", today, 0.4), judged("c", best, None)], best, today) is None
