"""Evaluation: figures that agree with scikit-learn, what is doubted, what the verb writes and prints."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, confusion_matrix, precision_score, recall_score

from blur_train.classes import CLASSES
from blur_train.decision import DecisionRule, Points, Preset
from blur_train.evaluation.command import show
from blur_train.evaluation.evaluate import EvaluateOptions
from blur_train.evaluation.hand import FEATURES, LAPLACIAN, TENENGRAD, focus_features
from blur_train.evaluation.measure import Measured, Truth, mcnemar, measure
from blur_train.evaluation.tables import claim_line
from footage.cli.exits import ExitCode

RULE = DecisionRule(
    temperature=1.0,
    false_positives=0.005,
    points={preset: Points((0.5, 0.5, 0.5)) for preset in Preset},
    chosen_on_sharp=1000,
    chosen_on_blurred=1000,
)
SHARP = CLASSES.index("sharp")


def truth_of(labels: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Truth:
    count = len(labels)
    return Truth(
        labels=labels,
        groups=np.array([f"scene {number // 4}" for number in range(count)]),
        kinds=tuple("bokeh" if number % 3 == 0 else None for number in range(count)),
        cameras=tuple("ACME" if number % 2 else None for number in range(count)),
        widths_px=tuple(None if label == SHARP else 1.5 + number % 9 for number, label in enumerate(labels.tolist())),
    )


@pytest.fixture(scope="module")
def measured() -> tuple[Measured, Truth, np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 400)
    logits = rng.normal(size=(400, 4)) + 1.5 * np.eye(4)[labels]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = truth_of(labels.astype(np.intp))
    return measure("a way", truth, p, RULE, resamples=100), truth, p


def test_figures_are_scikit_learns(
    measured: tuple[Measured, Truth, np.ndarray[tuple[int, int], np.dtype[np.float64]]],
) -> None:
    found, truth, p = measured
    said = RULE.predict(p)
    assert found.accuracy.estimate == pytest.approx(accuracy_score(truth.labels, said))
    assert (found.confusion == confusion_matrix(truth.labels, said, labels=range(4))).all()
    for index, one in enumerate(found.classes):
        assert one.precision.estimate == pytest.approx(
            precision_score(truth.labels, said, labels=[index], average="macro")
        )
        assert one.recall.estimate == pytest.approx(recall_score(truth.labels, said, labels=[index], average="macro"))
        assert one.average_precision.estimate == pytest.approx(
            average_precision_score(truth.labels == index, p[:, index])
        )
    sharp = truth.labels == SHARP
    assert found.false_positives.estimate == pytest.approx(float((said[sharp] != SHARP).mean()))
    assert found.false_positives.n == int(sharp.sum())
    assert found.accuracy.groups == 100


def test_parts_add_up_to_the_whole(
    measured: tuple[Measured, Truth, np.ndarray[tuple[int, int], np.dtype[np.float64]]],
) -> None:
    found, truth, _ = measured
    for parts in (found.by_kind, found.by_camera):
        assert sum(part.accuracy.n for part in parts) == len(truth)
    assert sum(part.accuracy.n for part in found.by_width) == int((truth.labels != SHARP).sum())
    assert {part.name for part in found.by_kind} == {"ordinary", "bokeh"}
    assert {part.name for part in found.by_camera} == {"ACME", "not known"}


def test_mcnemar_is_the_exact_binomial_test() -> None:
    from scipy.stats import binom

    rng = np.random.default_rng(1)
    first, second = rng.random(300) < 0.9, rng.random(300) < 0.8
    only_first, only_second, p = mcnemar(first, second)
    assert only_first == int((first & ~second).sum())
    assert only_second == int((second & ~first).sum())
    smaller = min(only_first, only_second)
    assert p == pytest.approx(min(1.0, 2 * binom.cdf(smaller, only_first + only_second, 0.5)))
    assert mcnemar(first, first) == (0, 0, 1.0)


def test_a_claim_needs_photos() -> None:
    def claim(sharp: int, errors: int) -> str:
        labels = np.array([SHARP] * sharp + [0], dtype=np.intp)
        p = np.zeros((sharp + 1, 4))
        p[:, SHARP] = 1.0
        p[:errors] = p[-1] = [1.0, 0.0, 0.0, 0.0]
        return claim_line(measure("a way", truth_of(labels), p, RULE, resamples=5))

    assert "needs 598 independent" in claim(200, 0)
    assert "a claim of 99.5 % is covered" in claim(1000, 0)
    assert "2 of 1000 sharp photos were called blurred, which allows up to" in claim(1000, 2)


def test_measures_of_focus_fall_with_blur_and_tell_direction() -> None:
    import cv2

    sharp = np.random.default_rng(2).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    blurred = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 2.0), np.uint8)
    streaked = np.asarray(cv2.blur(sharp, (15, 1)), np.uint8)
    a, b, c = (focus_features(image, long_side_px=1536) for image in (sharp, blurred, streaked))
    assert a.shape == (FEATURES,)
    assert b[LAPLACIAN] < a[LAPLACIAN] - 3
    assert b[TENENGRAD] < a[TENENGRAD] - 2
    assert c[2] < a[2] - 1
    assert abs(float(b[2] - a[2])) < 0.3


@pytest.mark.slow
def test_the_verb_measures_what_ships(
    trained: Path,
    drawn_dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    options = EvaluateOptions(model=trained, dataset=drawn_dataset, device="cpu", jobs=1)
    assert show(options, dry_run=True, as_json=True) is ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["photos"] == dict.fromkeys(CLASSES, 3)
    assert not list(tmp_path.iterdir())
    assert show(options, dry_run=False, as_json=True) is ExitCode.DONE
    found = json.loads(capsys.readouterr().out)
    assert [way["name"] for way in found["ways"]] == [
        "the model",
        "variance of the Laplacian",
        "measures of focus by parts",
    ]
    assert (found["photos"], found["groups"]) == (12, 3)
    assert any("operating points" in doubt for doubt in found["doubts"])
    assert not any("another data set" in doubt for doubt in found["doubts"])
    told = json.loads((trained / "metrics.json").read_text())["test"]
    assert found["ways"][0]["confusion"] == told["confusion"]
    assert all((tmp_path / file).is_file() for file in found["files"])
    assert show(replace(options, side="train", max_photos=1), dry_run=False, as_json=False) is ExitCode.DONE
    assert "not to be relied on: these photos are what the model learned from" in capsys.readouterr().out
