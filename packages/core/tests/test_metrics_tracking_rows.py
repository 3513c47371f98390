"""What the scores of tracking take and give beyond the figures that the reference has too."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from footage.metrics.clear import clear_mot, combine_clear
from footage.metrics.hota import ALPHAS, combine_hota, hota
from footage.metrics.identity import combine_identity, identity
from footage.metrics.tracking import BoxRows, TrackedFrame, counted, frames_from_rows

HERE, THERE = [0.0, 0.0, 10.0, 10.0], [50.0, 0.0, 60.0, 10.0]


def rows(*given: tuple[int, int, list[float]]) -> BoxRows:
    """Rows from frame, identity and box."""
    frames, ids = np.array([f for f, _, _ in given]), np.array([i for _, i, _ in given])
    return BoxRows(frames=frames, boxes=np.array([box for _, _, box in given]), ids=ids)


def frame_of(truth: list[list[float]], predicted: list[list[float]]) -> TrackedFrame:
    def boxes(given: list[list[float]]) -> NDArray[np.float64]:
        return np.array(given, dtype=np.float64).reshape(-1, 4)

    return TrackedFrame(
        truth_boxes=boxes(truth),
        truth_ids=np.arange(len(truth)),
        predicted_boxes=boxes(predicted),
        predicted_ids=np.arange(len(predicted)),
    )


def test_rows_are_sorted_into_frames_with_all_that_belongs_there() -> None:
    truth = rows((7, 1, HERE), (2, 1, THERE), (7, 2, THERE))
    predicted = BoxRows(
        frames=np.array([7, 3, 7]),
        boxes=np.array([THERE, HERE, HERE]),
        ids=np.array([8, 9, 9]),
        scores=np.array([0.1, 0.2, 0.3]),
    )
    two, three, seven, eight = frames_from_rows(
        truth=truth, predicted=predicted, ignored=rows((7, 0, [5.0, 5.0, 9.0, 9.0])), uncounted=rows((8, 0, HERE))
    )
    assert (two.truth_boxes.tolist(), two.predicted_boxes.tolist()) == ([THERE], [])
    assert (three.truth_boxes.tolist(), three.predicted_ids.tolist()) == ([], [9])
    assert (seven.truth_ids.tolist(), seven.truth_boxes.tolist()) == ([1, 2], [HERE, THERE])
    assert (seven.predicted_ids.tolist(), seven.predicted_boxes.tolist()) == ([8, 9], [THERE, HERE])
    assert seven.predicted_scores is not None
    assert seven.predicted_scores.tolist() == [0.1, 0.3]
    assert seven.ignored_boxes is not None
    assert seven.ignored_boxes.tolist() == [[5.0, 5.0, 9.0, 9.0]]
    assert eight.uncounted_boxes is not None
    assert eight.uncounted_boxes.tolist() == [HERE]


def test_uncounted_rows_keep_a_false_alarm_from_being_ignored() -> None:
    beside = [51.0, 0.0, 61.0, 10.0]
    sides = {"truth": rows((1, 1, HERE)), "predicted": rows((1, 5, THERE)), "ignored": rows((1, 0, beside))}
    (ignored,) = frames_from_rows(**sides)
    (wrong,) = frames_from_rows(**sides, uncounted=rows((1, 0, THERE)))
    assert counted(ignored).tolist() == [False]
    assert counted(wrong).tolist() == [True]
    assert (clear_mot([ignored]).fp, clear_mot([wrong]).fp) == (0, 1)


def test_rows_of_one_frame_stay_in_their_order() -> None:
    frames = np.tile([4, 2], 60)
    ids = np.random.default_rng(0).permutation(120)
    many = BoxRows(frames=frames, boxes=np.tile(HERE, (120, 1)), ids=ids)
    two, four = frames_from_rows(truth=many, predicted=rows((2, 1, HERE)))
    assert two.truth_ids.tolist() == ids[frames == 2].tolist()
    assert four.truth_ids.tolist() == ids[frames == 4].tolist()


def test_identities_may_be_as_large_as_a_database_gives_them() -> None:
    # Next to each other, and one and the same as floats.
    large = 2**53
    truth = rows((1, large, HERE), (2, large + 1, HERE))
    found = frames_from_rows(truth=truth, predicted=truth)
    assert (identity(found).idtp, clear_mot(found).mt) == (2, 2)
    assert len(hota(found).curves.tp) == 19


def test_half_an_overlap_with_an_ignored_box_is_enough() -> None:
    half = [0.0, 0.0, 10.0, 20.0]
    (frame,) = frames_from_rows(truth=rows((1, 1, THERE)), predicted=rows((1, 5, HERE)), ignored=rows((1, 0, half)))
    assert counted(frame).tolist() == [False]


def test_columns_that_do_not_fit_are_named() -> None:
    boxes, two = np.array([HERE, THERE]), np.array([1, 2])
    with pytest.raises(ValueError, match=r"^2 boxes and identities of shape"):
        BoxRows(frames=two, boxes=boxes, ids=two[:1])
    with pytest.raises(ValueError, match=r"^2 boxes and scores of shape"):
        BoxRows(frames=two, boxes=boxes, scores=np.ones(3))
    with pytest.raises(ValueError, match=r"^frame 6: true identity 2 stands twice in one frame$"):
        frames_from_rows(
            truth=rows((6, 1, HERE), (6, 2, HERE), (6, 2, THERE)), predicted=BoxRows(frames=two, boxes=boxes, ids=two)
        )
    with pytest.raises(ValueError, match=r"^frame 1: a predicted score is not finite$"):
        frames_from_rows(
            truth=rows((1, 1, HERE)), predicted=BoxRows(frames=two, boxes=boxes, ids=two, scores=np.array([np.inf, 1]))
        )
    with pytest.raises(ValueError, match=r"^the truth has no identities$"):
        frames_from_rows(truth=BoxRows(frames=two, boxes=boxes), predicted=rows((1, 1, HERE)))


def test_a_score_is_none_only_where_it_does_not_exist() -> None:
    # Half of the objects found exactly, half of the predictions right: as many hits as misses at every threshold.
    half = hota([frame_of([HERE, THERE], [HERE])])
    assert (half.detre, half.detpr, half.deta, half.assa, half.reason) == (0.5, 1.0, 0.5, 1.0, None)
    alarm = hota([frame_of([HERE], [HERE, THERE])])
    assert (alarm.detre, alarm.detpr, alarm.deta, alarm.assa, alarm.reason) == (1.0, 0.5, 0.5, 1.0, None)
    unseen = hota([frame_of([HERE], [])])
    assert (unseen.hota, unseen.deta, unseen.detre, unseen.detpr) == (0.0, 0.0, 0.0, None)
    beside = hota([frame_of([HERE], [THERE])])
    assert (beside.hota, beside.assa, beside.loca, beside.reason) == (0.0, None, None, "nothing matched")
    np.testing.assert_array_equal(beside.curves.alphas, ALPHAS)
    assert clear_mot([frame_of([HERE], [THERE])]).reason == "nothing matched"
    assert clear_mot([frame_of([HERE], [HERE])]).reason is None
    assert identity([frame_of([HERE], [HERE])]).reason is None
    assert identity([frame_of([HERE], [THERE])]).reason is None


def test_one_box_on_one_side_is_a_side() -> None:
    missed, invented = [frame_of([HERE], [])], [frame_of([], [HERE])]
    for score in (hota, clear_mot, identity):
        assert score(missed).reason == "no predicted boxes"
        assert score(invented).reason == "no true boxes"


def test_objects_found_in_just_a_fifth_or_four_fifths_are_partly_tracked() -> None:
    for found, expected in ((0, (0, 0, 1)), (1, (0, 1, 0)), (4, (0, 1, 0)), (5, (1, 0, 0))):
        scores = clear_mot([frame_of([HERE], [HERE] if number < found else []) for number in range(5)])
        assert (scores.mt, scores.pt, scores.ml) == expected


@pytest.mark.parametrize("combine", [combine_hota, combine_clear, combine_identity])
def test_no_sequences_are_refused_in_plain_words(combine: object) -> None:
    assert callable(combine)
    with pytest.raises(ValueError, match=r"^there are no sequences to combine$"):
        combine([])
