"""The scores of tracking are held to those of trackeval, the program of the benchmarks, on whole sequences."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from footage.metrics.boxes import mot_to_xyxy
from footage.metrics.clear import ClearMot, clear_mot, combine_clear
from footage.metrics.hota import Hota, combine_hota, hota
from footage.metrics.identity import Identity, combine_identity, identity
from footage.metrics.tracking import BoxRows, DetectedFrame, TrackedFrame, counted, frames_from_rows

# It has no types.
trackeval: Any = importlib.import_module("trackeval")
overlap_of_boxes: Any = trackeval.datasets._base_dataset._BaseDataset._calculate_box_ious
QUIET = {"PRINT_CONFIG": False}

HOTA_NAMES = {
    "hota": "HOTA",
    "deta": "DetA",
    "assa": "AssA",
    "loca": "LocA",
    "detre": "DetRe",
    "detpr": "DetPr",
    "assre": "AssRe",
    "asspr": "AssPr",
}
CLEAR_NAMES = {
    "mota": "MOTA",
    "motp": "MOTP",
    "recall": "CLR_Re",
    "precision": "CLR_Pr",
    "f1": "CLR_F1",
    "idsw": "IDSW",
    "frag": "Frag",
    "tp": "CLR_TP",
    "fn": "CLR_FN",
    "fp": "CLR_FP",
    "mt": "MT",
    "pt": "PT",
    "ml": "ML",
    "overlap_sum": "MOTP_sum",
}
IDENTITY_NAMES = {"idf1": "IDF1", "idp": "IDP", "idr": "IDR", "idtp": "IDTP", "idfp": "IDFP", "idfn": "IDFN"}


def perturbed(truth: BoxRows, rng: np.random.Generator, *, whole: bool = False, sure: float | None = None) -> BoxRows:
    """What a tracker might make of the truth: misses, shifted boxes, changed and swapped identities, false alarms."""
    assert truth.ids is not None
    strength = rng.uniform(0, 1, size=4) if sure is None else np.full(4, sure)
    kept = rng.random(len(truth.frames)) >= 0.6 * strength[0]
    frames, boxes, ids = truth.frames[kept], truth.boxes[kept], truth.ids[kept].copy()
    sides = boxes[:, 2:] - boxes[:, :2]
    boxes = boxes + np.tile(rng.normal(0, 0.25 * strength[1], size=sides.shape) * sides, 2)
    boxes[:, 2:] += rng.normal(0, 0.1 * strength[1], size=sides.shape) * sides
    # From a frame on, an identity carries another name; two may swap theirs.
    for frame in np.unique(frames):
        if rng.random() < 0.2 * strength[2]:
            a, b = rng.integers(0, 8, size=2)
            later = frames >= frame
            ids[later] = np.select([ids[later] == a, ids[later] == b], [b, a], ids[later])
    alarms = int(strength[3] * len(truth.frames) * 0.5)
    if alarms:
        origin = rng.integers(0, len(truth.frames), size=alarms)
        frames = np.append(frames, truth.frames[origin])
        boxes = np.concatenate([boxes, truth.boxes[origin] + rng.normal(0, 8, size=(alarms, 1))])
        ids = np.append(ids, 100 + np.arange(alarms) % 3 + 10 * rng.integers(0, 3, size=alarms))
    _, single = np.unique(np.stack([frames, ids]), axis=1, return_index=True)
    single = rng.permutation(single)
    boxes = np.round(boxes) if whole else boxes
    return BoxRows(frames=frames[single], boxes=boxes[single], ids=ids[single])


def random_truth(rng: np.random.Generator, *, whole: bool) -> BoxRows:
    """Objects that come, go and wander over each other; some frames are empty."""
    length, objects = int(rng.integers(1, 30)), int(rng.integers(1, 8))
    frames, ids = (a.ravel() for a in np.meshgrid(np.arange(1, length + 1), np.arange(objects), indexing="ij"))
    corner = rng.uniform(0, 30, size=(1, objects, 2)) + np.cumsum(rng.normal(0, 2, size=(length, objects, 2)), axis=0)
    boxes = np.concatenate([corner, corner + rng.uniform(6, 20, size=(1, objects, 2))], axis=2).reshape(-1, 4)
    present = (rng.random(len(frames)) < 0.8) & (rng.random(length)[frames - 1] < 0.9)
    boxes = np.round(boxes) if whole else boxes
    return BoxRows(frames=frames[present], boxes=boxes[present], ids=ids[present])


def random_frames(seed: int, *, whole: bool) -> list[TrackedFrame]:
    """A sequence; with whole pixels, overlaps are often equal to each other and to thresholds."""
    rng = np.random.default_rng(seed)
    truth = random_truth(rng, whole=whole)
    predicted = perturbed(truth, rng, whole=whole) if len(truth.frames) else random_truth(rng, whole=whole)
    return frames_from_rows(truth=truth, predicted=predicted)


def reference_data(frames: Sequence[TrackedFrame]) -> dict[str, Any]:
    """The sequence as trackeval's metrics take it."""

    def numbered(ids: list[NDArray[Any]]) -> tuple[list[NDArray[Any]], int, int]:
        names = sorted({int(i) for row in ids for i in row})
        return [np.array([names.index(i) for i in row], dtype=int) for row in ids], len(names), sum(map(len, ids))

    truth, truths, true_boxes = numbered([f.truth_ids for f in frames])
    predicted, predictions, predicted_boxes = numbered([f.predicted_ids for f in frames])
    return {
        "num_timesteps": len(frames),
        "gt_ids": truth,
        "tracker_ids": predicted,
        "num_gt_ids": truths,
        "num_tracker_ids": predictions,
        "num_gt_dets": true_boxes,
        "num_tracker_dets": predicted_boxes,
        "similarity_scores": [
            overlap_of_boxes(f.truth_boxes, f.predicted_boxes, box_format="x0y0x1y1") for f in frames
        ],
    }


def assert_equal(mine: Hota | ClearMot | Identity, theirs: dict[str, Any], names: dict[str, str]) -> None:
    """Every figure to 1e-9; where there is none, the reference has its stand-in and a reason is given."""
    for name, reference in names.items():
        value, expected = getattr(mine, name), float(np.mean(theirs[reference]))
        if value is None:
            assert mine.reason is not None
            # Without true boxes its MOTA is 0 for a sequence, minus the false alarms for several.
            assert expected == 1.0 if reference == "LocA" else expected <= 0.0
        else:
            assert value == pytest.approx(expected, abs=1e-9), name
    if isinstance(mine, Hota):
        for name, reference in (HOTA_NAMES | {"tp": "HOTA_TP", "fn": "HOTA_FN", "fp": "HOTA_FP"}).items():
            np.testing.assert_allclose(getattr(mine.curves, name), theirs[reference], rtol=0, atol=1e-9, err_msg=name)


def assert_all_equal(frames: Sequence[TrackedFrame], data: dict[str, Any]) -> None:
    assert_equal(hota(frames), trackeval.metrics.HOTA().eval_sequence(data), HOTA_NAMES)
    assert_equal(clear_mot(frames), trackeval.metrics.CLEAR(QUIET).eval_sequence(data), CLEAR_NAMES)
    assert_equal(identity(frames), trackeval.metrics.Identity(QUIET).eval_sequence(data), IDENTITY_NAMES)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), whole=st.booleans())
def test_scores_equal_the_reference_on_random_sequences(seed: int, whole: bool) -> None:
    frames = random_frames(seed, whole=whole)
    assert_all_equal(frames, reference_data(frames))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), iou=st.sampled_from([0.1, 0.3, 0.75, 1.0]))
def test_scores_equal_the_reference_at_other_thresholds(seed: int, iou: float) -> None:
    frames = random_frames(seed, whole=True)
    data = reference_data(frames)
    config = QUIET | {"THRESHOLD": iou}
    assert_equal(clear_mot(frames, iou=iou), trackeval.metrics.CLEAR(config).eval_sequence(data), CLEAR_NAMES)
    assert_equal(identity(frames, iou=iou), trackeval.metrics.Identity(config).eval_sequence(data), IDENTITY_NAMES)


@settings(max_examples=40, deadline=None)
@given(seeds=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4, unique=True), one_sided=st.booleans())
def test_combined_scores_equal_the_reference(seeds: list[int], one_sided: bool) -> None:
    sequences = [random_frames(seed, whole=False) for seed in seeds]
    if one_sided:
        sequences += [without_predictions(sequences[0]), without_truth(sequences[0])]
    data = [reference_data(frames) for frames in sequences]

    def theirs(metric: Any) -> dict[str, Any]:
        combined: dict[str, Any] = metric.combine_sequences({i: metric.eval_sequence(d) for i, d in enumerate(data)})
        return combined

    assert_equal(combine_hota([hota(f) for f in sequences]), theirs(trackeval.metrics.HOTA()), HOTA_NAMES)
    assert_equal(combine_clear([clear_mot(f) for f in sequences]), theirs(trackeval.metrics.CLEAR(QUIET)), CLEAR_NAMES)
    reference = theirs(trackeval.metrics.Identity(QUIET))
    assert_equal(combine_identity([identity(f) for f in sequences]), reference, IDENTITY_NAMES)


def test_nothing_to_combine_is_refused() -> None:
    for combine in (combine_hota, combine_clear, combine_identity):
        with pytest.raises(ValueError, match="no sequences"):
            combine([])


@pytest.mark.parametrize("path", ["PETS09-S2L1/gt/gt.txt", "TUD-Campus/gt/gt.txt"])
@pytest.mark.parametrize("sure", [0.0, 0.2, 0.7])
def test_scores_equal_the_reference_on_real_scenes(shared_data: Path, path: str, sure: float) -> None:
    table = np.loadtxt(shared_data / "mot" / path, delimiter=",")
    frames, ids = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    truth = BoxRows(frames=frames, boxes=mot_to_xyxy(table[:, 2:6]), ids=ids)
    predicted = perturbed(truth, np.random.default_rng(7), sure=sure)
    sequence = frames_from_rows(truth=truth, predicted=predicted)
    assert len(sequence) == len(np.unique(frames))
    assert_all_equal(sequence, reference_data(sequence))
    if sure == 0:
        assert hota(sequence).hota == clear_mot(sequence).mota == identity(sequence).idf1 == 1.0


def without_predictions(frames: Sequence[TrackedFrame]) -> list[TrackedFrame]:
    nothing, nobody = np.empty((0, 4)), np.empty(0, np.int64)
    return [
        TrackedFrame(truth_boxes=f.truth_boxes, truth_ids=f.truth_ids, predicted_boxes=nothing, predicted_ids=nobody)
        for f in frames
    ]


def without_truth(frames: Sequence[TrackedFrame]) -> list[TrackedFrame]:
    nothing, nobody = np.empty((0, 4)), np.empty(0, np.int64)
    return [
        TrackedFrame(
            truth_boxes=nothing, truth_ids=nobody, predicted_boxes=f.predicted_boxes, predicted_ids=f.predicted_ids
        )
        for f in frames
    ]


def test_what_cannot_be_computed_is_none_with_a_reason() -> None:
    frames = random_frames(3, whole=False)
    unseen, unfounded = without_predictions(frames), without_truth(frames)
    for empty in (unseen, unfounded):
        assert_all_equal(empty, reference_data(empty))
    assert (hota(unseen).hota, hota(unseen).detpr, hota(unseen).assa) == (0.0, None, None)
    assert (clear_mot(unseen).mota, clear_mot(unseen).precision, clear_mot(unseen).motp) == (0.0, None, None)
    assert clear_mot(unseen).ml == len({int(i) for f in frames for i in f.truth_ids})
    assert (identity(unseen).idf1, identity(unseen).idp) == (0.0, None)
    for score in (hota, clear_mot, identity):
        assert score(unseen).reason == "no predicted boxes"
        assert score(unfounded).reason == "no true boxes"
        assert score([]).reason == "no true and no predicted boxes"
    assert (hota([]).hota, clear_mot([]).mota, identity([]).idf1) == (None, None, None)
    assert (clear_mot(unfounded).mota, hota(unfounded).detre, identity(unfounded).idr) == (None, None, None)


def still_object(predicted_ids: Sequence[int | None]) -> list[TrackedFrame]:
    """One object that stands still, found exactly under the identities given; None for a miss."""
    box = np.array([[0.0, 0.0, 10.0, 20.0]])
    return [
        TrackedFrame(
            truth_boxes=box,
            truth_ids=np.array([4]),
            predicted_boxes=box if name is not None else np.empty((0, 4)),
            predicted_ids=np.array([name] if name is not None else [], dtype=np.int64),
        )
        for name in predicted_ids
    ]


def test_an_identity_that_changes_halfway() -> None:
    frames = still_object([1] * 5 + [2] * 5)
    scores = hota(frames)
    assert (scores.deta, scores.loca) == (1.0, 1.0)
    assert scores.assa == pytest.approx(0.5)
    assert scores.hota == pytest.approx(np.sqrt(0.5))
    assert (clear_mot(frames).idsw, clear_mot(frames).mota, clear_mot(frames).frag) == (1, 0.9, 0)
    assert (identity(frames).idf1, identity(frames).idtp) == (0.5, 5)


def test_a_change_of_identity_counts_after_a_gap_too() -> None:
    assert clear_mot(still_object([1, None, None, 1])).idsw == 0
    assert clear_mot(still_object([1, None, None, 2])).idsw == 1


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_names_of_identities_and_empty_frames_do_not_matter(seed: int) -> None:
    frames = random_frames(seed, whole=False)
    nothing, nobody = np.empty((0, 4)), np.empty(0, np.int64)
    gap = TrackedFrame(truth_boxes=nothing, truth_ids=nobody, predicted_boxes=nothing, predicted_ids=nobody)
    renamed: list[TrackedFrame] = []
    for f in frames:
        ids = 1_000_000 + 7 * f.predicted_ids
        boxes = f.predicted_boxes.astype(np.float64)
        renamed += [
            TrackedFrame(truth_boxes=f.truth_boxes, truth_ids=f.truth_ids, predicted_boxes=boxes, predicted_ids=ids),
            gap,
        ]
    assert clear_mot(renamed) == clear_mot(frames)
    assert identity(renamed) == identity(frames)
    assert hota(renamed).hota == hota(frames).hota


def write_mot(path: Path, rows: NDArray[np.float64]) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("".join(",".join(f"{x:.17g}" for x in row) + "\n" for row in rows), encoding="utf-8")


def benchmark_data(folder: Path, truth: NDArray[np.float64], found: NDArray[np.float64], length: int) -> dict[str, Any]:
    """What the benchmark's program makes of MOT17 files, distractors removed by its own rule."""
    write_mot(folder / "truth" / "street" / "gt" / "gt.txt", truth)
    write_mot(folder / "found" / "mine" / "data" / "street.txt", found)
    config: dict[str, object] = {"GT_FOLDER": str(folder / "truth"), "TRACKERS_FOLDER": str(folder / "found")}
    config |= {"SEQ_INFO": {"street": length}, "SKIP_SPLIT_FOL": True, "BENCHMARK": "MOT17", "PRINT_CONFIG": False}
    dataset = trackeval.datasets.MotChallenge2DBox(config)
    data: dict[str, Any] = dataset.get_preprocessed_seq_data(dataset.get_raw_seq_data("mine", "street"), "pedestrian")
    return data


@pytest.mark.parametrize("seed", range(8))
def test_distractors_are_ignored_as_in_the_benchmark(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = BoxRows(frames=np.empty(0, np.int64), boxes=np.empty((0, 4)), ids=np.empty(0, np.int64))
    while len(rows.frames) < 60:
        rows = random_truth(rng, whole=False)
    assert rows.ids is not None
    found = perturbed(rows, rng, sure=0.3)
    assert found.ids is not None
    classes = rng.choice([1, 1, 1, 3, 7, 8, 12], size=8)[rows.ids]
    flags = np.where(rng.random(len(rows.frames)) < 0.9, classes == 1, 0)

    def table(boxes: BoxRows, *more: NDArray[Any]) -> NDArray[np.float64]:
        assert boxes.ids is not None
        corner, sides = boxes.boxes[:, :2] + 1, boxes.boxes[:, 2:] - boxes.boxes[:, :2]
        return np.column_stack([boxes.frames, boxes.ids + 1, corner, sides, *more])

    ones = np.ones(len(found.frames))
    data = benchmark_data(tmp_path, table(rows, flags, classes, flags), table(found, ones, ones), 30)

    def some(which: NDArray[np.bool_]) -> BoxRows:
        assert rows.ids is not None
        return BoxRows(frames=rows.frames[which], boxes=rows.boxes[which], ids=rows.ids[which])

    scored, ignored = (classes == 1) & (flags == 1), classes >= 7
    frames = frames_from_rows(
        truth=some(scored), predicted=found, ignored=some(ignored), uncounted=some(~scored & ~ignored)
    )
    assert sum(int((~counted(frame)).sum()) for frame in frames) == len(found.frames) - data["num_tracker_dets"]
    assert_all_equal(frames, data)


def test_a_prediction_on_an_ignored_box_is_neither_right_nor_wrong() -> None:
    here, there = np.array([[0.0, 0.0, 10.0, 10.0]]), np.array([[50.0, 0.0, 60.0, 10.0]])
    both = np.concatenate([here, there])
    frame = DetectedFrame(truth_boxes=here, predicted_boxes=both, ignored_boxes=there)
    assert counted(frame).tolist() == [True, False]
    # Half outside the ignored box: overlap 1/3, so it counts, as a false alarm.
    right = np.array([1.0, 0.0, 1.0, 0.0])
    shifted = DetectedFrame(truth_boxes=here, predicted_boxes=there + 5 * right, ignored_boxes=there)
    assert counted(shifted).tolist() == [True]
    # An object beside a distractor at the same place: one prediction belongs to the object that fits it better.
    close = DetectedFrame(truth_boxes=there, predicted_boxes=there, ignored_boxes=there + right)
    assert counted(close).tolist() == [True]
    # Likewise a car beside one: what was found on the car is wrong, not ignored.
    nothing = np.empty((0, 4))
    car = DetectedFrame(truth_boxes=nothing, predicted_boxes=there, ignored_boxes=there + right, uncounted_boxes=there)
    assert counted(car).tolist() == [True]
    no_car = DetectedFrame(truth_boxes=nothing, predicted_boxes=there, ignored_boxes=there + right)
    assert counted(no_car).tolist() == [False]


def test_arrays_that_do_not_fit_are_refused() -> None:
    boxes, ids = np.array([[0.0, 0.0, 1.0, 1.0]] * 2), np.array([1, 2])
    with pytest.raises(ValueError, match="2 true boxes and identities of shape"):
        TrackedFrame(truth_boxes=boxes, truth_ids=ids[:1], predicted_boxes=boxes, predicted_ids=ids)
    with pytest.raises(ValueError, match="predicted identity 2 stands twice"):
        TrackedFrame(truth_boxes=boxes, truth_ids=ids, predicted_boxes=boxes, predicted_ids=np.array([2, 2]))
    with pytest.raises(ValueError, match="expected \\(N, 4\\)"):
        DetectedFrame(truth_boxes=boxes, predicted_boxes=boxes[:, :3])
    with pytest.raises(ValueError, match="scores of shape"):
        DetectedFrame(truth_boxes=boxes, predicted_boxes=boxes, predicted_scores=np.ones(3))
    with pytest.raises(ValueError, match="not finite"):
        DetectedFrame(truth_boxes=boxes, predicted_boxes=boxes, predicted_scores=np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="2 boxes and frames of shape"):
        BoxRows(frames=np.array([1]), boxes=boxes)
    twice = BoxRows(frames=np.array([3, 3]), boxes=boxes, ids=np.array([5, 5]))
    with pytest.raises(ValueError, match="frame 3: true identity 5 stands twice"):
        frames_from_rows(truth=twice, predicted=BoxRows(frames=ids, boxes=boxes, ids=ids))
    with pytest.raises(ValueError, match="the prediction has no identities"):
        frames_from_rows(truth=twice, predicted=BoxRows(frames=ids, boxes=boxes))
    for iou in (0.0, 1.1, float("nan")):
        with pytest.raises(ValueError, match="expected a number above 0"):
            clear_mot([], iou=iou)
        with pytest.raises(ValueError, match="expected a number above 0"):
            identity([], iou=iou)


def test_other_metrics_do_not_load_scipy() -> None:
    code = (
        "import sys, footage.metrics.boxes, footage.metrics.classification, footage.metrics.intervals;"
        "sys.exit('scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
