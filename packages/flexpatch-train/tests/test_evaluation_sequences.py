"""Which ground truth belongs to which video, and that nothing is dropped without a reason."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from flexpatch_train.evaluation.sequences import FoundSequences, find_sequences
from footage.errors import DatasetError
from footage.video.images import write_image
from footage.video.writer import VideoWriter

LARGE, SMALL = (192, 128), (96, 64)


def video(path: Path, size: tuple[int, int] = LARGE, frames: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, size=size, rate=Fraction(25)) as writer:
        for shade in range(frames):
            writer.write(np.full((size[1], size[0], 3), 10 * shade, np.uint8))
    return path


def truth(path: Path, *, reach: tuple[int, int] = SMALL, last_frame: int = 10) -> Path:
    """Boxes that reach a corner, so that they do not fit a smaller picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{f},1,{reach[0] - 20},{reach[1] - 20},20,20,1,1,1\n" for f in range(1, last_frame + 1)))
    return path


def seqinfo(folder: Path, size: tuple[int, int]) -> None:
    (folder / "seqinfo.ini").write_text(
        f"[Sequence]\nname=x\nframeRate=25\nseqLength=10\nimWidth={size[0]}\nimHeight={size[1]}\n"
    )


def pairs(found: FoundSequences) -> dict[str, str]:
    return {item.ground_truth.name: item.video.name for item in found.sequences}


def reasons(found: FoundSequences) -> dict[str, str]:
    return {item.path.name: item.reason for item in found.skipped}


def test_sequences_are_found_at_any_depth_with_video_or_stills(tmp_path: Path) -> None:
    truth(tmp_path / "b" / "gt" / "gt.txt")
    video(tmp_path / "b" / "b.mp4")
    truth(tmp_path / "train" / "a" / "gt" / "gt.txt", last_frame=3)
    seqinfo(tmp_path / "train" / "a", LARGE)
    for number in range(3):
        (tmp_path / "train" / "a" / "img1").mkdir(exist_ok=True)
        write_image(
            tmp_path / "train" / "a" / "img1" / f"{number:06d}.png", np.zeros((LARGE[1], LARGE[0], 3), np.uint8)
        )
    found = find_sequences(tmp_path)
    assert [(item.name, item.video.name, item.size, item.rate) for item in found.sequences] == [
        ("b", "b.mp4", LARGE, Fraction(25)),
        ("train/a", "img1", LARGE, Fraction(25)),
    ]
    assert not found.skipped


def test_the_root_may_be_a_sequence(tmp_path: Path) -> None:
    truth(tmp_path / "gt" / "gt.txt")
    video(tmp_path / "x.mp4")
    (found,) = find_sequences(tmp_path).sequences
    assert found.name == tmp_path.name
    assert found.frame_count == 10
    assert len(found.truth().objects) == 10


def test_sizes_in_names_and_seqinfo_pair_several(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    truth(folder / "gt" / "gt.txt")
    truth(folder / "gt" / "gt_192x128.txt", reach=LARGE)
    video(folder / "large.mp4", LARGE)
    video(folder / "small.mp4", SMALL)
    seqinfo(folder, SMALL)
    found = find_sequences(tmp_path)
    assert pairs(found) == {"gt.txt": "small.mp4", "gt_192x128.txt": "large.mp4"}
    assert {item.name for item in found.sequences} == {"s 96x64", "s 192x128"}
    assert all("several sizes" in item.notes[0] for item in found.sequences)
    assert not found.skipped


def test_without_any_size_what_is_left_over_decides(tmp_path: Path) -> None:
    truth(tmp_path / "gt" / "gt.txt", reach=SMALL)
    truth(tmp_path / "gt" / "gt_192x128.txt", reach=LARGE)
    video(tmp_path / "large.mp4", LARGE)
    video(tmp_path / "small.mp4", SMALL)
    assert pairs(find_sequences(tmp_path)) == {"gt.txt": "small.mp4", "gt_192x128.txt": "large.mp4"}


def test_the_boxes_decide_where_only_one_video_can_hold_them(tmp_path: Path) -> None:
    truth(tmp_path / "gt" / "gt.txt", reach=LARGE)
    video(tmp_path / "large.mp4", LARGE)
    video(tmp_path / "small.mp4", SMALL)
    found = find_sequences(tmp_path)
    assert pairs(found) == {"gt.txt": "large.mp4"}
    assert reasons(found) == {"small.mp4": "no ground truth is left that fits it"}


def test_what_fits_several_is_listed(tmp_path: Path) -> None:
    truth(tmp_path / "ok" / "gt" / "gt.txt")
    video(tmp_path / "ok" / "x.mp4")
    truth(tmp_path / "s" / "gt" / "gt.txt", reach=SMALL)
    video(tmp_path / "s" / "large.mp4", LARGE)
    video(tmp_path / "s" / "small.mp4", SMALL)
    found = find_sequences(tmp_path)
    assert [item.name for item in found.sequences] == ["ok"]
    assert reasons(found)["gt.txt"].startswith("fits large.mp4, small.mp4: name its picture size")
    assert reasons(found).keys() == {"gt.txt", "large.mp4", "small.mp4"}


def test_everything_that_cannot_be_used_has_its_reason(tmp_path: Path) -> None:
    truth(tmp_path / "ok" / "gt" / "gt.txt")
    video(tmp_path / "ok" / "x.mp4")
    truth(tmp_path / "no_video" / "gt" / "gt.txt")
    video(tmp_path / "no_truth" / "no_truth.mp4")
    (tmp_path / "no_truth" / "gt").mkdir()
    truth(tmp_path / "longer" / "gt" / "gt.txt", last_frame=99)
    video(tmp_path / "longer" / "longer.mp4")
    (tmp_path / "damaged" / "gt").mkdir(parents=True)
    (tmp_path / "damaged" / "gt" / "gt.txt").write_text("1,1,1,1\n")
    (tmp_path / "damaged" / "damaged.mp4").write_bytes(b"no video")
    truth(tmp_path / "resized" / "gt" / "gt_640x480.txt")
    video(tmp_path / "resized" / "resized.mp4")
    found = find_sequences(tmp_path)
    assert [item.name for item in found.sequences] == ["ok"]
    told = {item.path.relative_to(tmp_path).as_posix(): item.reason for item in found.skipped}
    assert "no video and no img1/" in told["no_video"]
    assert told["no_video/gt/gt.txt"] == "there is no video left for it"
    assert told["no_truth/no_truth.mp4"] == "there is no ground truth beside it"
    assert "boxes up to frame 99, and the video has 10 frames" in told["longer/gt/gt.txt"]
    assert "4 columns" in told["damaged/gt/gt.txt"]
    assert "damaged/damaged.mp4" in told
    assert told["resized/gt/gt_640x480.txt"] == "there is no video of 640x480 beside it"


def test_a_cut_of_the_stated_size_is_scored_as_far_as_it_goes(tmp_path: Path) -> None:
    truth(tmp_path / "gt" / "gt_192x128.txt", reach=LARGE, last_frame=99)
    video(tmp_path / "cut_192x128.mp4", LARGE)
    (found,) = find_sequences(tmp_path).sequences
    assert found.notes == ("its ground truth goes on to frame 99 and the video ends at 10: scored to there",)


def test_ignored_and_uncounted_boxes_are_kept_apart(tmp_path: Path) -> None:
    path = truth(tmp_path / "gt" / "gt.txt", last_frame=1)
    path.write_text(path.read_text() + "1,2,1,1,9,9,1,8,1\n1,3,30,1,9,9,1,3,1\n1,4,50,1,9,9,0,1,1\n")
    video(tmp_path / "x.mp4")
    (found,) = find_sequences(tmp_path).sequences
    content = found.truth()
    ids = [rows.ids.tolist() for rows in (content.objects, content.ignored, content.uncounted) if rows.ids is not None]
    assert ids == [[1], [2], [3, 4]]


def test_a_root_without_sequences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no such folder"):
        find_sequences(tmp_path / "missing")
    with pytest.raises(DatasetError, match="this is a file"):
        find_sequences(video(tmp_path / "x.mp4"))
    with pytest.raises(DatasetError, match="no sequence with ground truth"):
        find_sequences(tmp_path)
    truth(tmp_path / "s" / "gt" / "gt.txt")
    with pytest.raises(DatasetError, match="s: there is no video and no img1/ in it"):
        find_sequences(tmp_path)


def test_real_sequences_are_paired(shared_data: Path) -> None:
    found = find_sequences(shared_data / "mot")
    assert {(item.name, item.size, item.frame_count) for item in found.sequences} == {
        ("PETS09-S2L1 480x360", (480, 360), 795),
        ("PETS09-S2L1 768x576", (768, 576), 300),
        ("TUD-Campus", (640, 480), 71),
    }
    assert not found.skipped
