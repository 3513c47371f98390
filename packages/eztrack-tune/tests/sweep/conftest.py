"""A library of two short drawn clips, and rows of a sweep that never ran."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eztrack_tune.classes import Difficulty
from eztrack_tune.settings import SIX, TrackerSettings
from eztrack_tune.sweep.rows import Row
from eztrack_tune.synthetic.clips import SyntheticClip


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of 10 frames."""
    folder = tmp_path_factory.mktemp("library")
    for number, difficulty in enumerate((Difficulty.EASY, Difficulty.MEDIUM)):
        clip = SyntheticClip.random(np.random.default_rng(number), difficulty, size=(320, 180), frames=10)
        clip.write_video(folder / f"{difficulty.value}.mp4")
    return folder


@pytest.fixture(scope="session")
def make_row() -> Callable[..., Row]:
    """``make_row(clip="a", settings=..., score=.5, ...)``."""

    def make(clip: str = "a", settings: TrackerSettings = SIX[0], **changes: Any) -> Row:
        values: dict[str, Any] = {
            "content_sha256": f"sha of {clip}",
            "clip": f"{clip}.mp4",
            "class_name": "SD_24fps",
            "side": None,
            "difficulty": None,
            "backend": "opencv",
            "backend_version": "1",
            "threshold_used": settings.threshold,
            "score": 0.5,
            "solved": True,
            "why_not": None,
            "raw_error_px": 1.0,
            "cleaned_error_px": 0.3,
            "frames_solved": 1.0,
            "tracks": 30,
            "kept_share": 0.8,
            "success_rate": 1.0,
            "survival": 0.7,
            "fewest_alive": 20,
            "forward_backward_px": 0.2,
            "seconds": 1.0,
            "detection_shared": False,
            "failure": None,
            "session": "a.json",
        }
        return Row(settings=settings, **{**values, **changes})

    return make
