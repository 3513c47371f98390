from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching
from sklearn.metrics import average_precision_score, precision_recall_curve

from footage.metrics.boxes import iou_matrix, iou_pairs
from footage.metrics.detection import detection_ap, detection_f1
from footage.metrics.tracking import DetectedFrame, TrackedFrame

Boxes = NDArray[np.float64]
NOTHING: Boxes = np.empty((0, 4))


def random_frames(seed: int, *, levels: int = 5) -> list[DetectedFrame]:
    """Crowded frames of whole-pixel boxes; few score levels, so that ties are common."""
    rng = np.random.default_rng(seed)

    def boxes(count: int) -> Boxes:
        corner = rng.integers(0, 12, size=(count, 2))
        return np.concatenate([corner, corner + rng.integers(4, 12, size=(count, 2))], axis=1).astype(np.float64)

    frames: list[DetectedFrame] = []
    for _ in range(int(rng.integers(0, 6))):
        truth = boxes(int(rng.integers(0, 7)))
        near = truth + rng.integers(-2, 3, size=truth.shape)
        predicted = np.concatenate([near[rng.random(len(near)) < 0.8], truth[:1], boxes(int(rng.integers(0, 4)))])
        scores = rng.integers(0, levels, size=len(predicted)) / levels
        frames.append(DetectedFrame(truth_boxes=truth, predicted_boxes=predicted, predicted_scores=scores))
    return frames


def naive_hits(frames: list[DetectedFrame], iou: float) -> list[tuple[float, bool]]:
    """Score of every detection and whether it found a box, by falling score over all frames at once."""
    every = [
        (-float(f.predicted_scores[i]), t, i)
        for t, f in enumerate(frames)
        if f.predicted_scores is not None
        for i in range(len(f.predicted_boxes))
    ]
    taken: set[tuple[int, int]] = set()
    hits: list[tuple[float, bool]] = []
    for negative, t, i in sorted(every):
        best, best_overlap = None, 0.0
        for j in range(len(frames[t].truth_boxes)):
            overlap = float(iou_pairs(frames[t].predicted_boxes[i : i + 1], frames[t].truth_boxes[j : j + 1])[0])
            if (t, j) not in taken and overlap >= iou and overlap > best_overlap:
                best, best_overlap = j, overlap
        if best is not None:
            taken.add((t, best))
        hits.append((-negative, best is not None))
    return hits


def naive_ap(hits: list[tuple[float, bool]], truths: int) -> float:
    """The area under the highest precision at each recall or above, box by box."""
    points = []
    for threshold in {score for score, _ in hits}:
        chosen = [hit for score, hit in hits if score >= threshold]
        points.append((sum(chosen), sum(chosen) / len(chosen)))
    return sum(max((p for found, p in points if found >= wanted), default=0.0) for wanted in range(1, truths + 1)) / (
        truths
    )


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), iou=st.sampled_from([0.3, 0.5, 0.75, 1.0]))
def test_average_precision_equals_a_loop(seed: int, iou: float) -> None:
    frames = random_frames(seed)
    truths = sum(len(f.truth_boxes) for f in frames)
    hits = naive_hits(frames, iou)
    result = detection_ap(frames, iou=iou)
    assert (result.truths, result.detections, result.tp) == (truths, len(hits), sum(hit for _, hit in hits))
    if truths:
        assert result.value == pytest.approx(naive_ap(hits, truths), abs=1e-12)
    else:
        assert result.value is None
        assert result.reason is not None


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([3, 1000]))
def test_average_precision_equals_the_reference_on_what_was_found(seed: int, levels: int) -> None:
    frames = random_frames(seed, levels=levels)
    truths = sum(len(f.truth_boxes) for f in frames)
    scores, hit = [s for s, _ in naive_hits(frames, 0.5)], [h for _, h in naive_hits(frames, 0.5)]
    assume(any(hit))
    # The reference knows only the detections: its recall is of the boxes found at all, and it does not interpolate.
    precision, recall, _ = precision_recall_curve(hit, scores)
    interpolated = -np.sum(np.diff(recall) * np.maximum.accumulate(precision[:-1]))
    value = detection_ap(frames).value
    assert value is not None
    assert value == pytest.approx(interpolated * sum(hit) / truths, abs=1e-9)
    assert value >= average_precision_score(hit, scores) * sum(hit) / truths - 1e-9


def grid(count: int) -> Boxes:
    left = 20.0 * np.arange(count)
    return np.stack([left, np.zeros(count), left + 10, np.full(count, 10.0)], axis=1)


def test_average_precision_of_a_worked_example() -> None:
    truth = grid(4)
    # By score: found, false alarm, found, the first box found again.
    predicted = np.concatenate([truth[:1], grid(9)[8:], truth[1:2], truth[:1]])
    frame = DetectedFrame(truth_boxes=truth, predicted_boxes=predicted, predicted_scores=np.array([0.9, 0.8, 0.7, 0.6]))
    result = detection_ap([frame])
    assert result.value == pytest.approx(1 / 4 * 1 + 1 / 4 * 2 / 3)
    assert (result.tp, result.detections, result.truths) == (2, 4, 4)
    assert detection_f1([frame]).f1 == pytest.approx(2 * 2 / (4 + 4))


def test_detections_of_equal_score_count_together() -> None:
    truth = grid(1)
    for order in ([0, 1], [1, 0]):
        predicted = np.concatenate([truth, grid(5)[4:]])[order]
        frame = DetectedFrame(truth_boxes=truth, predicted_boxes=predicted, predicted_scores=np.array([0.5, 0.5]))
        assert detection_ap([frame]).value == pytest.approx(0.5)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), iou=st.sampled_from([0.2, 0.5]))
def test_as_many_pairs_as_possible_are_matched(seed: int, iou: float) -> None:
    frames = random_frames(seed)
    tp = 0
    for f in frames:
        may = csr_array(iou_matrix(f.truth_boxes, f.predicted_boxes) >= iou)
        tp += int((maximum_bipartite_matching(may) >= 0).sum()) if 0 not in may.shape else 0
    truths = sum(len(f.truth_boxes) for f in frames)
    predictions = sum(len(f.predicted_boxes) for f in frames)
    result = detection_f1(frames, iou=iou)
    assert (result.tp, result.fp, result.fn) == (tp, predictions - tp, truths - tp)
    if result.precision and result.recall:
        assert result.f1 == pytest.approx(2 / (1 / result.precision + 1 / result.recall))


def test_detections_of_ignored_boxes_are_left_out() -> None:
    boxes = grid(3)
    frame = DetectedFrame(
        truth_boxes=boxes[:1],
        predicted_boxes=boxes,
        predicted_scores=np.array([0.1, 0.9, 0.8]),
        ignored_boxes=boxes[1:2],
        uncounted_boxes=boxes[2:],
    )
    result = detection_f1([frame])
    assert (result.tp, result.fp, result.fn) == (1, 1, 0)
    ap = detection_ap([frame])
    assert (ap.value, ap.detections) == (0.5, 2)


def test_frames_with_identities_will_do() -> None:
    boxes, ids = grid(2), np.array([1, 2])
    frame = TrackedFrame(
        truth_boxes=boxes, truth_ids=ids, predicted_boxes=boxes, predicted_ids=ids, predicted_scores=np.array([0.2, 1])
    )
    assert detection_ap([frame, frame]).value == 1.0
    assert detection_f1(iter([frame])).f1 == 1.0


def test_what_cannot_be_computed_is_none_with_a_reason() -> None:
    unseen = DetectedFrame(truth_boxes=grid(2), predicted_boxes=NOTHING)
    alarm = DetectedFrame(truth_boxes=NOTHING, predicted_boxes=grid(2), predicted_scores=np.array([0.5, 0.4]))
    assert (detection_ap([unseen]).value, detection_ap([unseen]).reason) == (0.0, None)
    assert (detection_ap([alarm]).value, detection_ap([alarm]).reason) == (None, "no true boxes")
    assert (detection_ap([]).value, detection_ap([]).reason) == (None, "no true and no predicted boxes")
    missed, invented, neither = detection_f1([unseen]), detection_f1([alarm]), detection_f1([])
    one = DetectedFrame(truth_boxes=NOTHING, predicted_boxes=grid(1), predicted_scores=np.array([0.5]))
    assert (detection_ap([one]).reason, detection_f1([one]).reason) == ("no true boxes", "no true boxes")
    lone = detection_f1([DetectedFrame(truth_boxes=grid(1), predicted_boxes=NOTHING)])
    assert (lone.recall, lone.reason) == (0.0, "no predicted boxes")
    right = DetectedFrame(truth_boxes=grid(1), predicted_boxes=grid(1), predicted_scores=np.array([0.5]))
    assert (detection_f1([right]).f1, detection_f1([right]).reason) == (1.0, None)
    assert [detection_ap([frame], iou=0.75).iou for frame in (one, right)] == [0.75, 0.75]
    assert (missed.precision, missed.recall, missed.f1, missed.reason) == (None, 0.0, 0.0, "no predicted boxes")
    assert (invented.precision, invented.recall, invented.f1, invented.reason) == (0.0, None, 0.0, "no true boxes")
    assert (neither.precision, neither.recall, neither.f1) == (None, None, None)


def test_bad_input_is_refused() -> None:
    frame = DetectedFrame(truth_boxes=grid(1), predicted_boxes=grid(1))
    with pytest.raises(
        ValueError, match=r"^average precision needs the scores of the detections, and a frame has none$"
    ):
        detection_ap([frame])
    for iou in (0.0, -0.5, 1.5, float("nan")):
        with pytest.raises(ValueError, match="expected a number above 0"):
            detection_ap([frame], iou=iou)
        with pytest.raises(ValueError, match="expected a number above 0"):
            detection_f1([frame], iou=iou)
