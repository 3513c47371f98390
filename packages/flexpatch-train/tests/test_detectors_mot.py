"""Detections read from MOT files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flexpatch_train.detectors.mot import MotDetector
from footage.errors import DatasetError, ModelError

PICTURE = np.zeros((100, 200, 3), np.uint8)


def detector(tmp_path: Path, text: str, **settings: float | tuple[str, ...]) -> MotDetector:
    path = tmp_path / "det.txt"
    path.write_text(text)
    return MotDetector(path, **settings)  # type: ignore[arg-type] # the two settings differ in type


def test_frame_zero_is_line_frame_one(tmp_path: Path) -> None:
    mot = detector(tmp_path, "1,-1,11,21,30,40,.9\n3,-1,1,1,10,10,.8\n")
    np.testing.assert_array_equal(mot.detect(PICTURE, frame_index=0).boxes, [[10, 20, 40, 60]])
    assert len(mot.detect(PICTURE, frame_index=1)) == 0
    np.testing.assert_allclose(mot.detect(PICTURE, frame_index=2).scores, [0.8])
    assert len(mot.detect(PICTURE, frame_index=3)) == 0
    assert mot.class_names == ("object",)


def test_boxes_are_cut_at_the_edges(tmp_path: Path) -> None:
    rows = "".join(f"{frame},-1,50,50,10,10,.9\n" for frame in range(2, 60))
    mot = detector(tmp_path, f"1,-1,-9,91,30,40,.9\n1,-1,300,1,5,5,.9\n{rows}")
    np.testing.assert_array_equal(mot.detect(PICTURE, frame_index=0).boxes, [[0, 90, 20, 100]])


def test_scores_outside_zero_to_one_keep_their_order(tmp_path: Path) -> None:
    mot = detector(tmp_path, "1,-1,1,1,9,9,-1\n1,-1,1,1,9,9,45\n1,-1,1,1,9,9,22\n")
    np.testing.assert_allclose(mot.detect(PICTURE, frame_index=0).scores, [0, 1, 0.5])
    assert mot.describe()["scores_rescaled"] is True


def test_confidence_drops_the_rest(tmp_path: Path) -> None:
    mot = detector(tmp_path, "1,-1,1,1,9,9,.2\n1,-1,1,1,9,9,.5\n", confidence=0.5)
    assert len(mot.detect(PICTURE, frame_index=0)) == 1
    assert mot.describe()["boxes"] == 1
    nothing = detector(tmp_path, "1,-1,1,1,9,9,.2\n", confidence=0.5)
    assert len(nothing.detect(PICTURE, frame_index=0)) == 0


def test_ground_truth_counts_by_its_own_rules(tmp_path: Path) -> None:
    mot = detector(tmp_path, "1,1,1,1,9,9,1,1,1\n1,2,1,1,9,9,0,1,1\n1,3,1,1,9,9,1,7,1\n")
    found = mot.detect(PICTURE, frame_index=0)
    assert [mot.class_names[i] for i in found.class_ids] == ["pedestrian"]
    assert mot.describe()["is_ground_truth"] is True


def test_classes_by_name(tmp_path: Path) -> None:
    text = "1,-1,1,1,9,9,.9,1,-1\n1,-1,1,1,9,9,.9,3,-1\n"
    mot = detector(tmp_path, text, classes=("car",))
    assert [mot.class_names[i] for i in mot.detect(PICTURE, frame_index=0).class_ids] == ["car"]
    with pytest.raises(ModelError, match="no class named lorry"):
        detector(tmp_path, text, classes=("lorry",))
    assert detector(tmp_path, "1,-1,1,1,9,9,.9,0,-1\n1,-1,1,1,9,9,.9,2,-1\n").class_names == (
        "class_0",
        "class_1",
        "class_2",
    )
    with pytest.raises(DatasetError, match="classes from 1 to 99999"):
        detector(tmp_path, "1,-1,1,1,9,9,.9,1,-1\n1,-1,1,1,9,9,.9,99999,-1\n")


def test_a_file_for_another_size_is_refused(shared_data: Path) -> None:
    folder = shared_data / "mot" / "PETS09-S2L1" / "det"
    small = np.zeros((360, 480, 3), np.uint8)
    assert len(MotDetector(folder / "det.txt").detect(small, frame_index=0)) == 3
    with pytest.raises(DatasetError, match=r"det_768x576\.txt: .*outside the 480x360 picture"):
        MotDetector(folder / "det_768x576.txt").detect(small, frame_index=0)
