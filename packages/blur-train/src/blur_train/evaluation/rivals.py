"""Ways of answering that learn next to nothing: what a classifier is measured beside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from blur_train.classes import CLASSES
from blur_train.decision import DecisionRule, choose, probabilities_of
from blur_train.evaluation.hand import LAPLACIAN

VARIANCE = "variance of the Laplacian"
MEASURES = "measures of focus by parts"
_LEAST = 1e-12


def rival_logits(
    features: NDArray[np.float64], labels: NDArray[np.intp], asked: NDArray[np.float64], *, columns: slice | list[int]
) -> NDArray[np.float64]:
    """Logits ``(N, 4)`` of a logistic regression on some of the measures of focus.

    Args:
        features: of the photos to learn from, ``(M, FEATURES)``.
        labels: their classes.
        asked: of the photos to answer for, ``(N, FEATURES)``.
        columns: the measures it may use.
    """
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, class_weight="balanced"))
    model.fit(features[:, columns], labels)
    found = np.full((len(asked), len(CLASSES)), np.log(_LEAST))
    found[:, model.classes_] = np.log(np.maximum(model.predict_proba(asked[:, columns]), _LEAST))
    return found


def rivals(
    train: tuple[NDArray[np.float64], NDArray[np.intp]],
    choosing: tuple[NDArray[np.float64], NDArray[np.intp]],
    asked: NDArray[np.float64],
    *,
    false_positives: float,
) -> list[tuple[str, NDArray[np.float64], DecisionRule]]:
    """Each rival's name, calibrated probabilities ``(N, 4)`` and rule, chosen in the way of the classifier's own.

    Args:
        train: measures and classes of the photos to learn from.
        choosing: likewise of those on which operating points are chosen.
        asked: measures of the photos to answer for.
        false_positives: the share of sharp photos that may be called blurred.

    Raises:
        DatasetError: the choosing photos are all sharp or all blurred.
    """
    made = []
    ways: list[tuple[str, slice | list[int]]] = [(VARIANCE, [LAPLACIAN]), (MEASURES, slice(None))]
    for name, columns in ways:
        both = rival_logits(*train, np.concatenate([choosing[0], asked]), columns=columns)
        rule = choose(both[: len(choosing[0])], choosing[1], false_positives=false_positives)
        made.append((name, probabilities_of(both[len(choosing[0]) :], rule.temperature), rule))
    return made
