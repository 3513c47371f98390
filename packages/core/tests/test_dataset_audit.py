from __future__ import annotations

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from footage.dataset.audit import (
    audit_split,
    hash_distances,
    near_duplicates,
    perceptual_hash,
    perceptual_hashes,
)

Picture = NDArray[np.uint8]


def picture(seed: int, size: tuple[int, int] = (240, 320)) -> Picture:
    """Smooth random blobs: enough low frequencies for a hash to hold on to."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def bits_apart(a: Picture, b: Picture) -> int:
    return (perceptual_hash(a) ^ perceptual_hash(b)).bit_count()


def as_jpeg(image: Picture, quality: int) -> Picture:
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def test_copies_are_near_and_other_pictures_far() -> None:
    original = picture(1)
    smaller = np.asarray(cv2.resize(original, (160, 120), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    brighter = np.clip(original.astype(np.int16) + 12, 0, 255).astype(np.uint8)
    assert all(bits_apart(original, copy) <= 6 for copy in (original, smaller, brighter, as_jpeg(original, 40)))
    others = [bits_apart(original, picture(seed)) for seed in range(2, 20)]
    assert min(others) > 12


def test_hash_is_the_median_rule_over_the_low_frequencies() -> None:
    grey = picture(5, (32, 32))[..., 0]
    n = np.arange(32)
    basis = np.sqrt(2 / 32) * np.cos(np.pi * (2 * n + 1) * n[:, None] / 64)
    basis[0] /= np.sqrt(2)
    low = (basis @ grey.astype(np.float64) @ basis.T)[:8, :8].ravel()
    expected = int("".join("1" if c > np.median(low) else "0" for c in low), 2)
    assert perceptual_hash(grey) == expected


def test_flips_and_turns_are_among_the_hashes() -> None:
    original = picture(3)
    upright = perceptual_hashes(original)
    assert upright.shape == (8,)
    assert upright[0] == perceptual_hash(original)
    for k in range(4):
        for image in (np.rot90(original, k), np.rot90(original[:, ::-1], k)):
            turned = perceptual_hashes(np.ascontiguousarray(image))
            pairs = near_duplicates(upright[None], turned[None])
            assert len(pairs) == 1, k


def test_distances_count_bits() -> None:
    a = np.array([0, 0xFF], dtype=np.uint64)
    b = np.array([0, 1, 2**64 - 1], dtype=np.uint64)
    assert hash_distances(a, b).tolist() == [[0, 1, 64], [8, 7, 56]]


def test_near_duplicates_equal_a_loop() -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 2**64, (300, 8), dtype=np.uint64)
    b = rng.integers(0, 2**64, (40, 8), dtype=np.uint64)
    b[7, 3] = a[280, 0] ^ np.uint64(0b101)
    expected = []
    for i in range(len(a)):
        for j in range(len(b)):
            distance = min((int(a[i, 0]) ^ int(b[j, t])).bit_count() for t in range(8))
            if distance <= 14:
                expected.append((i, j, distance))
    found = near_duplicates(a, b, max_distance=14)
    assert found[0] == (280, 7, 2)
    assert sorted(found) == expected
    assert near_duplicates(a, b[:0]) == []


@pytest.mark.parametrize("bad", [np.zeros((4, 4), dtype=np.float32), np.zeros((0, 4, 3), dtype=np.uint8)])
def test_what_is_no_picture_is_refused(bad: Picture) -> None:
    with pytest.raises(ValueError, match="expected a uint8 picture"):
        perceptual_hash(bad)


def test_a_clean_split_is_ready() -> None:
    groups = [f"clip {i // 2}" for i in range(20)]
    hashes = np.array([perceptual_hashes(picture(i // 2)) for i in range(20)])
    audit = audit_split({"train": np.arange(10), "val": [], "test": np.arange(10, 20)}, groups, hashes)
    assert audit.ready
    assert audit.groups == {"train": 5, "test": 5}


def test_a_group_on_both_sides_is_found() -> None:
    groups = ["a", "b", "c", "c", "d", "e"]
    audit = audit_split({"train": [0, 1, 2], "test": [3, 4, 5]}, groups, min_groups=2)
    assert not audit.ready
    (finding,) = audit.findings
    assert (finding.kind, finding.rows) == ("group-overlap", (2, 3))
    assert finding.text == "group c is in train and in test"


def test_near_copies_across_the_split_are_found_even_mirrored() -> None:
    pictures = [picture(i) for i in range(10)]
    pictures[8] = np.ascontiguousarray(pictures[2][:, ::-1])
    hashes = np.array([perceptual_hashes(image) for image in pictures])
    audit = audit_split({"train": range(5), "test": range(5, 10)}, [str(i) for i in range(10)], hashes)
    assert audit.counts == {"near-duplicate": 1}
    assert audit.findings[0].rows == (2, 8)


def test_too_few_groups_are_said_and_long_lists_are_cut() -> None:
    audit = audit_split({"train": range(50), "test": range(50, 100)}, [str(i % 50) for i in range(100)], limit=3)
    assert audit.counts == {"group-overlap": 50}
    assert len(audit.findings) == 3
    few = audit_split({"train": [0, 1], "test": [2]}, ["a", "b", "c"], min_groups=2)
    assert [f.text for f in few.findings] == ["test has 1 independent groups, at least 2 needed"]


def test_impossible_sides_are_refused() -> None:
    with pytest.raises(ValueError, match="does not exist"):
        audit_split({"train": [0], "test": [9]}, ["a", "b"])
    with pytest.raises(ValueError, match="two sides"):
        audit_split({"train": [0], "test": [0]}, ["a", "b"])
    with pytest.raises(ValueError, match="1 hashes for 2 rows"):
        audit_split({"train": [0]}, ["a", "b"], np.zeros(1, dtype=np.uint64))


def test_photos_of_one_scene_are_nearer_than_photos_of_two(shared_data: Path) -> None:
    hashes = {}
    for file in sorted((shared_data / "blur").glob("*.[jJ][pP][gG]")):
        with Image.open(file) as image:
            image.draft("RGB", (512, 512))
            hashes[file.name] = perceptual_hash(np.asarray(image.convert("RGB")))
    scenes = {name: name.split("_")[0] for name in hashes}
    same = [(hashes[a] ^ hashes[b]).bit_count() for a in hashes for b in hashes if a < b and scenes[a] == scenes[b]]
    other = [(hashes[a] ^ hashes[b]).bit_count() for a in hashes for b in hashes if a < b and scenes[a] != scenes[b]]
    assert max(same) < min(other)
