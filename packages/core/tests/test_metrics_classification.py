from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as reference

from footage.metrics.classification import (
    accuracy,
    average_precision,
    balanced_accuracy,
    balanced_accuracy_of_confusion,
    class_scores,
    confusion_matrix,
    macro_f1,
    macro_f1_of_confusion,
    recall_of_confusion,
)

labels = st.sampled_from(["high", "low", "medium", "other"])
rows = st.lists(st.tuples(labels, labels), min_size=1, max_size=40)
Rows = list[tuple[str, str]]


def columns(pairs: Rows) -> tuple[list[str], list[str]]:
    return [t for t, _ in pairs], [p for _, p in pairs]


@given(rows)
@pytest.mark.filterwarnings("ignore:A single label was found")
def test_confusion_matrix_equals_the_reference(pairs: Rows) -> None:
    truth, predicted = columns(pairs)
    assert np.array_equal(confusion_matrix(truth, predicted), reference.confusion_matrix(truth, predicted))
    order = ["medium", "other", "high", "low"]
    expected = reference.confusion_matrix(truth, predicted, labels=order)
    assert np.array_equal(confusion_matrix(truth, predicted, order), expected)


@given(rows)
def test_macro_f1_is_over_classes_in_truth_or_prediction(pairs: Rows) -> None:
    truth, predicted = columns(pairs)
    expected = reference.f1_score(truth, predicted, average="macro", zero_division=0)
    assert macro_f1(truth, predicted) == pytest.approx(expected, abs=1e-12)


@given(rows)
def test_class_scores_equal_the_reference(pairs: Rows) -> None:
    truth, predicted = columns(pairs)
    order = ["high", "low", "medium", "other"]
    p, r, f, support = reference.precision_recall_fscore_support(truth, predicted, labels=order, zero_division=np.nan)
    for i, scores in enumerate(class_scores(truth, predicted, order)):
        assert scores.label == order[i]
        assert scores.support == support[i]
        assert scores.predicted == predicted.count(order[i])
        for mine, theirs in ((scores.precision, p[i]), (scores.recall, r[i]), (scores.f1, f[i])):
            assert (mine is None) == bool(np.isnan(theirs))
            assert mine is None or mine == pytest.approx(theirs, abs=1e-12)


@given(rows)
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.filterwarnings("ignore:A single label was found")
def test_balanced_accuracy_and_accuracy_equal_the_reference(pairs: Rows) -> None:
    truth, predicted = columns(pairs)
    expected = reference.balanced_accuracy_score(truth, predicted)
    assert balanced_accuracy(truth, predicted) == pytest.approx(expected, abs=1e-12)
    assert accuracy(truth, predicted) == pytest.approx(reference.accuracy_score(truth, predicted))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=40))
def test_average_precision_equals_the_reference_with_ties(pairs: list[tuple[bool, int]]) -> None:
    positive, scores = [p for p, _ in pairs], [s / 6 for _, s in pairs]
    found = average_precision(positive, scores)
    assert (found.n, found.positives) == (len(pairs), sum(positive))
    if not any(positive):
        assert found.value is None
        assert found.reason == "no positive row"
    else:
        assert found.value == pytest.approx(reference.average_precision_score(positive, scores), abs=1e-12)
        assert found.prevalence == pytest.approx(np.mean(positive))


def test_average_precision_of_a_constant_score_is_the_prevalence() -> None:
    found = average_precision([True, False, False, False], [0.5] * 4)
    assert found.value == 0.25
    assert found.text() == "0.25 (prevalence 0.25, n = 4)"


def test_a_class_without_samples_has_no_scores_and_counts_in_no_mean() -> None:
    high, low, medium = class_scores(["low", "low"], ["low", "high"], ["high", "low", "medium"])
    assert (medium.precision, medium.recall, medium.f1, medium.support) == (None, None, None, 0)
    # "high" occurs only in the prediction: recall does not exist, F1 is 0 and counts.
    assert (high.precision, high.recall, high.f1) == (0.0, None, 0.0)
    assert low.f1 == pytest.approx(2 / 3)
    assert macro_f1(["low", "low"], ["low", "high"]) == pytest.approx(1 / 3)
    assert balanced_accuracy(["low", "low"], ["low", "high"]) == 0.5


def test_whole_numbers_and_arrays_of_objects_are_labels_too() -> None:
    assert confusion_matrix([0, 2, 2], [0, 2, 0]).tolist() == [[1, 0], [1, 1]]
    as_objects = np.array(["b", "a"], dtype=object)
    assert macro_f1(as_objects, as_objects) == 1.0


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^label 'b' is not among the classes \['a'\]$"):
        confusion_matrix(["a", "b"], ["a", "b"], ["a"])
    with pytest.raises(ValueError, match=r"^label 'a' is not among the classes \(there are none\)$"):
        confusion_matrix(["a"], ["a"], [])
    with pytest.raises(ValueError, match=r"^labels name a class twice$"):
        confusion_matrix(["a"], ["a"], ["a", "a"])
    with pytest.raises(ValueError, match="equally long"):
        macro_f1(["a"], ["a", "b"])
    for metric, name in ((macro_f1, "macro F1"), (balanced_accuracy, "balanced accuracy"), (accuracy, "accuracy")):
        with pytest.raises(ValueError, match=f"^{name} of no rows$"):
            metric([], [])
    with pytest.raises(ValueError, match=r"^average_precision got a score that is not finite$"):
        average_precision([True], [float("nan")])
    with pytest.raises(ValueError, match="2 scores"):
        average_precision([True], [0.1, 0.2])
    assert average_precision([], []).reason == "no rows"


@given(arrays(np.int64, (3, 3), elements=st.integers(0, 20)))
def test_scores_of_a_confusion_matrix_equal_the_scores_of_its_rows(matrix: np.ndarray) -> None:
    truth = np.repeat(np.repeat(np.arange(3), 3), matrix.ravel())
    answer = np.repeat(np.tile(np.arange(3), 3), matrix.ravel())
    if not truth.size:
        assert np.isnan(macro_f1_of_confusion(matrix))
        assert np.isnan(balanced_accuracy_of_confusion(matrix))
        return
    assert float(macro_f1_of_confusion(matrix)) == pytest.approx(macro_f1(truth, answer))
    assert float(balanced_accuracy_of_confusion(matrix)) == pytest.approx(balanced_accuracy(truth, answer))
    for index in range(3):
        recall = recall_of_confusion(matrix, index)
        expected = class_scores(truth, answer, labels=[0, 1, 2])[index].recall
        assert np.isnan(recall) if expected is None else float(recall) == pytest.approx(expected)


@given(arrays(np.int64, (4, 3, 3), elements=st.integers(0, 2)))
def test_many_confusion_matrices_are_scored_one_by_one_and_without_a_warning(matrices: np.ndarray) -> None:
    scores: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
        macro_f1_of_confusion,
        balanced_accuracy_of_confusion,
        lambda matrix: recall_of_confusion(matrix, 1),
    )
    for score in scores:
        with np.errstate(all="raise"):
            together = score(matrices)
        assert together.shape == (4,)
        np.testing.assert_array_equal(together, [score(matrix) for matrix in matrices])


def test_a_class_of_one_row_has_a_recall() -> None:
    assert recall_of_confusion([[0, 0], [0, 1]], 1) == 1.0
    assert np.isnan(recall_of_confusion([[1, 0], [0, 0]], 1))


def test_without_a_positive_row_there_is_a_prevalence_and_no_average_precision() -> None:
    found = average_precision([False, False], [0.1, 0.2])
    assert (found.value, found.prevalence, found.n, found.positives) == (None, 0.0, 2, 0)
    assert found.text() == "no value: no positive row (n = 2)"
    assert average_precision([False], [0.1]).prevalence == 0.0
    assert average_precision([], []).prevalence is None


def test_a_yes_or_no_and_a_column_are_scores_too() -> None:
    truth = np.array([True, False, True])
    expected = average_precision(truth, [1.0, 1.0, 0.0])
    assert average_precision(truth, np.array([True, True, False])) == expected
    assert average_precision(truth[:, None], np.array([[1.0], [1.0], [0.0]])) == expected
