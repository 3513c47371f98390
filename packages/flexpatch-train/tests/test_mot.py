"""MOT text: what is read, what is refused, and what counts."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexpatch_train.mot import (
    MotRows,
    check_fits,
    ground_truth,
    parse_mot,
    read_mot,
    write_mot,
)
from flexpatch_train.seqinfo import read_seqinfo
from footage.errors import DatasetError

PIXELS = st.floats(-5000, 5000).map(lambda value: round(value, 3))


@st.composite
def rows(draw: st.DrawFn) -> MotRows:
    count = draw(st.integers(1, 12))

    def column(values: st.SearchStrategy[float]) -> np.ndarray:
        return np.array(draw(st.lists(values, min_size=count, max_size=count)))

    corner = np.stack([column(PIXELS), column(PIXELS)], axis=1)
    sides = np.stack([column(PIXELS), column(PIXELS)], axis=1)
    return MotRows(
        frames=np.sort(column(st.integers(1, 10**6))),
        ids=column(st.integers(0, 10**9)) if draw(st.booleans()) else None,
        boxes=np.concatenate([corner, corner + np.abs(sides)], axis=1),
        confidences=column(st.floats(-200, 200)),
        class_ids=column(st.integers(0, 90)) if draw(st.booleans()) else None,
        visibility=column(st.floats(0, 1)) if draw(st.booleans()) else None,
    )


@given(rows())
def test_what_is_written_is_read_back(original: MotRows) -> None:
    text = write_mot(original)
    read = parse_mot(text, where="round trip")
    np.testing.assert_array_equal(read.frames, original.frames)
    np.testing.assert_allclose(read.boxes, original.boxes, atol=2e-4)
    np.testing.assert_allclose(read.confidences, original.confidences, atol=1e-6)
    for name in ("ids", "class_ids"):
        expected, found = getattr(original, name), getattr(read, name)
        assert (expected is None) == (found is None)
        if expected is not None:
            np.testing.assert_array_equal(found, expected)
    assert (original.visibility is None) == (read.visibility is None)
    if original.visibility is not None and read.visibility is not None:
        np.testing.assert_allclose(read.visibility, original.visibility, atol=1e-6)
    assert write_mot(read) == text


NEARLY_MOT = st.lists(
    st.lists(
        st.one_of(
            st.integers(-2, 9).map(str),
            st.floats().map(str),
            st.sampled_from(["", " ", "1_0", "1e400", "٣", "nan", "1 2", "x", '"1"', "9" * 400]),
        ),
        min_size=6,
        max_size=11,
    ).map(",".join),
    max_size=5,
).map("\n".join)


@given(st.one_of(st.text(), NEARLY_MOT))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = parse_mot(text, where="anything")
    except DatasetError as error:
        said = str(error)
    else:
        said = "anything"
        assert len(read) > 0
        assert np.isfinite(read.boxes).all()
        assert (np.diff(read.frames) >= 0).all()
    assert said.startswith("anything")


def test_a_box_at_the_first_pixel_starts_at_zero() -> None:
    read = parse_mot("1, 7, 1, 1, 10, 20, 1, 1, 0.5\n", where="t")
    np.testing.assert_array_equal(read.boxes, [[0, 0, 10, 20]])
    assert read.ids is not None
    assert read.ids.tolist() == [7]
    assert read.visibility is not None
    assert read.visibility.tolist() == [0.5]


def test_rows_come_in_frame_order_and_by_frame() -> None:
    read = parse_mot("3,1,1,1,5,5,.1\n1,1,1,1,5,5,.2\n3,2,1,1,5,5,.3\n\r\n1.0,2.0,1,1,5,5,.4\n", where="t")
    assert read.frames.tolist() == [1, 1, 3, 3]
    assert read.of_frame(3).confidences.tolist() == [0.1, 0.3]
    assert read.of_frame(1).confidences.tolist() == [0.2, 0.4]
    assert len(read.of_frame(2)) == 0
    assert len(read.of_frame(4)) == 0


def test_world_coordinates_are_no_class() -> None:
    """MOT15 keeps metres where MOT16 keeps class and visibility."""
    read = parse_mot("1,9,499,158,31,75,1,-4.1554,-7.3591,0\n", where="t")
    assert read.class_ids is None
    assert read.visibility is None


def test_minus_one_in_every_row_means_not_known() -> None:
    read = parse_mot("1,-1,10,10,5,5,.9,-1,-1,-1\n2,-1,10,10,5,5,.9,-1,-1,-1\n", where="t")
    assert read.ids is None
    assert read.class_ids is None
    assert read.visibility is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1,1,1,1,5,5", "6 columns"),
        ("1,1,1,1,5,5,1,1,1,1,1", "11 columns"),
        ("1 1 1 1 5 5 1 1 1", "1 columns"),
        ("0,1,1,1,5,5,1,1,1", "frame 0"),
        ("1.5,1,1,1,5,5,1,1,1", "frame 1.5"),
        ("1,1.5,1,1,5,5,1,1,1", "id 1.5"),
        ("1,1,1,1,-5,5,1,1,1", "box 1,1,-5,5"),
        ("1,1,1e9,1,5,5,1,1,1", "box 1e9"),
        ("1,1,nan,1,5,5,1,1,1", "not a finite number"),
        ("1,1,1_0,1,5,5,1,1,1", "not a finite number"),
        ("1,1,abc,1,5,5,1,1,1", "not a number"),
        ("1,1,1,1,5,5,1", "7 columns where the lines before it have 9"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "gt.txt"
    path.write_text(f"1,1,1,1,5,5,1,1,1\n\n{line}\n")
    with pytest.raises(DatasetError, match=r"gt\.txt line 3") as caught:
        read_mot(path)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "says"), [("1,2.5,1", "classes that are not whole"), ("1,1,1.5", "visibilities outside")]
)
def test_impossible_classes_and_visibilities(columns: str, says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        parse_mot(f"1,1,1,1,5,5,{columns}\n", where="t")


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe\x00", b"RIFF\x00\x01\x9c"])
def test_files_that_hold_no_rows(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "det.txt"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"det\.txt"):
        read_mot(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"gone\.txt: No such file"):
        read_mot(tmp_path / "gone.txt")


MOT17 = "\n".join(
    [
        "1,1,1,1,10,20,1,1,1",  # a pedestrian
        "1,2,1,1,10,20,0,1,1",  # one that does not count
        "1,3,1,1,10,20,1,3,1",  # a car
        "1,4,1,1,10,20,0,7,1",  # somebody who stands
        "1,5,1,1,10,20,0,8,1",  # a distractor
        "1,6,1,1,10,20,1,2,1",  # on a bicycle
        "1,7,1,1,10,20,0,12,1",  # a reflection
        "1,8,1,1,10,20,0,9,1",  # an occluder
    ]
)


def test_mot17_scores_flagged_pedestrians_and_ignores_distractors() -> None:
    truth = ground_truth(parse_mot(MOT17, where="t"), where="t")
    assert truth.objects.ids is not None
    assert truth.objects.ids.tolist() == [1]
    assert truth.ignored.ids is not None
    assert truth.ignored.ids.tolist() == [4, 5, 6, 7]


def test_mot15_scores_every_flagged_row() -> None:
    truth = ground_truth(parse_mot("1,1,1,1,9,9,1,-1,-1,-1\n1,2,1,1,9,9,0,-1,-1,-1\n", where="t"), where="t")
    assert truth.objects.ids is not None
    assert truth.objects.ids.tolist() == [1]
    assert len(truth.ignored) == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,-1,1,1,9,9,.9", "no identities"),
        ("4,3,1,1,9,9,1\n4,3,2,1,9,9,1", "identity 3 stands twice in frame 4"),
        ("1,1,1,1,9,9,1,3,1", r"class 1 \(found: \[3\]\)"),
        ("1,1,1,1,9,9,0", "no row with flag 1"),
    ],
)
def test_what_is_no_ground_truth(text: str, says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        ground_truth(parse_mot(text, where="gt.txt"), where="gt.txt")


def test_real_ground_truth_fits_its_video_only(shared_data: Path) -> None:
    folder = shared_data / "mot" / "PETS09-S2L1"
    info = read_seqinfo(folder / "seqinfo.ini")
    rows = read_mot(folder / "gt" / "gt.txt")
    check_fits(rows, info.width, info.height, info.frame_count)
    ids = ground_truth(rows, where="gt").objects.ids
    assert ids is not None
    assert len(np.unique(ids)) == 19
    with pytest.raises(DatasetError, match="up to frame 795, and the video has 300 frames"):
        check_fits(rows, info.width, info.height, 300)
    with pytest.raises(DatasetError, match="outside the 480x360 picture"):
        check_fits(read_mot(folder / "gt" / "gt_768x576.txt"), info.width, info.height, info.frame_count)


def test_boxes_may_reach_over_the_edge() -> None:
    read = parse_mot("1,1,-30,148,76,191,1,-1,-1,-1\n1,2,585,224,98,245,1,-1,-1,-1\n", where="t")
    check_fits(read, 640, 480, 71)
    assert read.boxes[0, 0] == -31


def test_seqinfo(tmp_path: Path) -> None:
    path = tmp_path / "seqinfo.ini"
    keys = {"name": "A-01", "frameRate": "29.97", "seqLength": "600", "imWidth": "1920", "imHeight": "1080"}

    def write(**changes: str) -> None:
        path.write_text("[Sequence]\n" + "".join(f"{key}={value}\n" for key, value in {**keys, **changes}.items()))

    write()
    info = read_seqinfo(path)
    assert (info.name, info.rate, info.frame_count, info.width, info.height) == (
        "A-01",
        Fraction(2997, 100),
        600,
        1920,
        1080,
    )
    for key, value in (
        ("seqLength", ""),
        ("seqLength", "1.5"),
        ("imWidth", "-1"),
        ("frameRate", "x/0"),
        ("imHeight", "0"),
    ):
        write(**{key: value})
        with pytest.raises(DatasetError, match=key):
            read_seqinfo(path)


@pytest.mark.parametrize("content", ["", "no section\n", "[Other]\na=1\n", "[Sequence]\nname\n", "[Sequence"])
def test_a_broken_seqinfo(tmp_path: Path, content: str) -> None:
    path = tmp_path / "seqinfo.ini"
    path.write_text(content)
    with pytest.raises(DatasetError, match=r"seqinfo\.ini"):
        read_seqinfo(path)
