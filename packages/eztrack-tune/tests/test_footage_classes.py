"""The add-on's classes, and the finer ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eztrack_tune.classes import CLASS_NAMES, footage_class
from footage.errors import InputError


@pytest.mark.parametrize(
    ("width", "height", "fps", "name", "finer"),
    [
        (3840, 2160, 24, "4K_24fps", "4K_24fps"),
        (4096, 2160, 59.94, "4K_60fps", "4K_60fps"),
        (3839, 2160, 30, "HD_30fps", "2K_30fps"),
        (2048, 1080, 23.976, "HD_24fps", "2K_24fps"),
        (1920, 1080, 25, "HD_24fps", "HD_25fps"),
        (1920, 1080, 27.99, "HD_24fps", "HD_25fps"),
        (1920, 1080, 28, "HD_30fps", "HD_30fps"),
        (1920, 1080, 48, "HD_30fps", "HD_30fps"),
        (1919, 1080, 120, "SD_60fps", "720p_120fps"),
        (1280, 720, 29.97, "SD_30fps", "720p_30fps"),
        (720, 576, 25, "SD_24fps", "SD_25fps"),
    ],
)
def test_classes_and_their_edges(width: int, height: int, fps: float, name: str, finer: str) -> None:
    found = footage_class(width, height, fps)
    assert (found.name, found.finer, found.addon_says) == (name, finer, name)
    assert found.is_folded == (name != finer)
    assert not found.portrait


def test_portrait_goes_by_its_longer_side() -> None:
    found = footage_class(1080, 1920, 30)
    assert (found.name, found.addon_says, found.portrait) == ("HD_30fps", "SD_30fps", True)


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.floats(0.001, 1000, allow_nan=False, allow_subnormal=False))
def test_every_clip_has_one_of_the_nine(width: int, height: int, fps: float) -> None:
    found = footage_class(width, height, fps)
    assert found.name in CLASS_NAMES
    assert found.name == footage_class(height, width, fps).name
    assert found.portrait or found.addon_says == found.name


@pytest.mark.parametrize(
    ("width", "height", "fps"), [(0, 10, 25), (10, -1, 25), (10, 10, 0), (10, 10, float("nan")), (10, 10, 1e9)]
)
def test_what_is_no_video_is_refused(width: int, height: int, fps: float) -> None:
    with pytest.raises(InputError, match="video"):
        footage_class(width, height, fps)
