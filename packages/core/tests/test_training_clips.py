"""Clips: their moments, their frames, and what is done to them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footage.errors import InputError, VideoError
from footage.training.augmentation import Augmentation, augmented
from footage.training.clips import (
    ClipSampling,
    LabelledVideo,
    LiveClips,
    StoredClips,
    clip_times,
    length_seconds,
    read_clip,
)
from footage.video.writer import VideoWriter


@pytest.fixture(scope="module")
def ramp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds in which every frame is lighter than the one before."""
    path = tmp_path_factory.mktemp("clips") / "ramp.mp4"
    with VideoWriter(path, size=(64, 48), rate=Fraction(25)) as writer:
        for number in range(50):
            writer.write(np.full((48, 64, 3), 5 * number, np.uint8))
    return path


@given(
    part=st.tuples(st.floats(0, 100), st.floats(0.05, 1000)),
    frames=st.integers(1, 32),
    span=st.none() | st.floats(0.01, 2000),
    speed=st.tuples(st.floats(0.1, 3), st.floats(0.1, 3)).map(lambda pair: (min(pair), max(pair))),
    seed=st.none() | st.integers(0, 2**32),
)
def test_moments_ascend_within_the_part(
    part: tuple[float, float], frames: int, span: float | None, speed: tuple[float, float], seed: int | None
) -> None:
    (start, length), sampling = part, ClipSampling(frames=frames, span_seconds=span, speed=speed)
    rng = None if seed is None else np.random.default_rng(seed)
    times = clip_times(start, start + length, sampling, rng)
    assert times.shape == (frames,)
    assert (np.diff(times) >= 0).all()
    assert times[0] >= start - 1e-9
    assert times[-1] <= start + length + 1e-9
    if span is not None:
        assert times[-1] - times[0] <= span * (1.0 if rng is None else speed[1]) + 1e-9


def test_random_moments_reach_every_part_and_even_ones_stay() -> None:
    sampling = ClipSampling(frames=4, span_seconds=2.0)
    rng = np.random.default_rng(0)
    drawn = np.array([clip_times(0.0, 10.0, sampling, rng) for _ in range(500)])
    assert drawn.min() < 0.2
    assert drawn.max() > 9.8
    assert clip_times(0.0, 10.0, sampling, None).tolist() == [4.25, 4.75, 5.25, 5.75]


def test_frames_are_those_at_the_moments(ramp: Path) -> None:
    assert length_seconds(ramp) == pytest.approx(2.0, abs=0.05)
    clip = read_clip(ramp, np.array([0.1, 0.5, 1.9]), 32)
    assert clip.shape == (3, 32, 32, 3)
    assert clip.mean(axis=(1, 2, 3)) == pytest.approx([10, 60, 235], abs=4)


def test_clips_depend_on_the_generator_alone(ramp: Path) -> None:
    video = LabelledVideo(path=ramp, label=1, start_seconds=0.0, end_seconds=2.0)
    sampling = ClipSampling(frames=4, size_px=24, speed=(0.5, 1.0), reverse=True)
    clips = LiveClips([video], np.ones(1), sampling, Augmentation())
    first = [clips.load(0, np.random.default_rng(seed)) for seed in range(12)]
    again = [clips.load(0, np.random.default_rng(seed)) for seed in range(12)]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert len({clip.tobytes() for clip in first}) == 12
    light = np.array([clip.mean(axis=(1, 2, 3)) for clip in first])
    upwards = (np.diff(light, axis=1) > 0).all(axis=1)
    downwards = (np.diff(light, axis=1) < 0).all(axis=1)
    assert (upwards | downwards).all(), "the order of time is kept, or turned as a whole"
    assert upwards.any()
    assert downwards.any()


def test_stored_clips_are_found_in_their_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    arrays = [rng.integers(0, 256, (2, 3, 8, 8, 3), np.uint8) for _ in range(2)]
    for number, array in enumerate(arrays):
        np.save(tmp_path / f"{number}.npy", array)
    files = [tmp_path / "0.npy", tmp_path / "0.npy", tmp_path / "1.npy"]
    still = Augmentation(flip=False, turn_degrees=0.0, jitter=0.0)
    clips = StoredClips(np.zeros(3, np.int64), np.ones(3), files, np.array([0, 1, 1]), ClipSampling(frames=3), still)
    for index, (file, place) in enumerate([(0, 0), (0, 1), (1, 1)]):
        assert np.array_equal(clips.clip(index), arrays[file][place])
        assert np.array_equal(clips.load(index, rng), arrays[file][place])


def test_nonsense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="positive"):
        ClipSampling(frames=0)
    with pytest.raises(InputError, match="positive"):
        ClipSampling(span_seconds=0.0)
    with pytest.raises(InputError, match="speeds"):
        ClipSampling(speed=(2.0, 1.0))
    with VideoWriter(tmp_path / "one.mp4", size=(64, 48), rate=Fraction(25)) as writer:
        writer.write(np.zeros((48, 64, 3), np.uint8))
    broken = tmp_path / "cut.mp4"
    broken.write_bytes((tmp_path / "one.mp4").read_bytes()[:200])
    with pytest.raises(VideoError):
        length_seconds(broken)


def _noise(seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 200, (1, 64, 64, 3), np.uint8)


def test_augmentation_is_small_of_every_kind_and_repeatable() -> None:
    clip = _noise(3)
    clip[:, :32, :, 0] = 255
    clip[:, :, 32:, 1] = 0
    seen = [augmented(clip, np.random.default_rng(n)) for n in range(60)]
    assert all(one.shape == clip.shape and one.dtype == np.uint8 for one in seen)
    assert np.array_equal(seen[7], augmented(clip, np.random.default_rng(7)))
    assert len({one.tobytes() for one in seen}) == 60
    brightness = np.array([one.mean() for one in seen]) / clip.mean()
    assert 0.7 < brightness.min() < 0.9
    assert 1.05 < brightness.max() < 1.3
    upright = [one[0, :20, 12:52, 0].mean() > one[0, 44:, 12:52, 0].mean() for one in seen]
    assert all(upright), "turned a little, never upside down"
    plain = clip[0].astype(float).mean(2)

    def likeness(
        one: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], other: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    ) -> float:
        return float(np.corrcoef(one[0].mean(2).ravel(), other.ravel())[0, 1])

    mirrored = [likeness(one, plain[:, ::-1]) > likeness(one, plain) for one in seen]
    assert 15 < sum(mirrored) < 45
    unmirrored = [augmented(clip, np.random.default_rng(n), Augmentation(flip=False)) for n in range(20)]
    assert all(likeness(one, plain) > likeness(one, plain[:, ::-1]) for one in unmirrored)


def test_all_frames_of_a_clip_are_changed_alike() -> None:
    still = np.repeat(_noise(5), 4, axis=0)
    for seed in range(10):
        changed = augmented(still, np.random.default_rng(seed))
        assert all(np.array_equal(frame, changed[0]) for frame in changed)


def test_grey_stays_grey() -> None:
    grey = np.repeat(_noise(1)[..., :1], 3, axis=3)
    for seed in range(5):
        changed = augmented(grey, np.random.default_rng(seed)).astype(int)
        assert np.ptp(changed, axis=3).max() <= 1
