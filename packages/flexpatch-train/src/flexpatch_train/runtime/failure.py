"""Which followed boxes should be shown to the detector next: the tracking-failure recommender.

FlexPatch (Yang, Yi, Lee and Lee, INFOCOM 2022): a decision tree over five features says how likely optical flow has
lost an object; the likelier, the sooner a patch around it goes to the detector. An object rises in priority with the
time since it was last shown, so that none is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from flexpatch_train.features import FEATURES
from flexpatch_train.runtime.fast_tree import FastTree
from flexpatch_train.runtime.patches import Patch
from flexpatch_train.runtime.tracked import TrackedObject
from footage.errors import ModelError
from footage.persistence.sklearn import load_estimator

RISK = {"high": 1.0, "medium": 0.5, "low": 0.0}
"""What each label weighs in the expected risk of a box."""


class TrackingFailureRecommender:
    """Turns followed objects into patches, the riskiest first.

    Args:
        model_path: a ``flexpatch_model.joblib``; it is read through the allow-list and never executed.
        padding: how far a patch reaches past its box on every side, in box widths and heights.
        ageing_per_frame: how much priority (of which 1 is certain failure) an object gains for every frame in which it
            was not shown to the detector.

    Raises:
        ModelError: the file is not a tracking-failure tree.
    """

    def __init__(self, model_path: str | PathLike[str], *, padding: float = 1.0, ageing_per_frame: float = 0.1) -> None:
        estimator = load_estimator(model_path)
        if not isinstance(estimator, DecisionTreeClassifier) or estimator.n_features_in_ != len(FEATURES):
            remedy = "give the flexpatch_model.joblib of a run"
            raise ModelError("is not a decision tree over the five features", where=model_path, remedy=remedy)
        self._tree = FastTree(estimator)
        unknown = set(self._tree.classes) - set(RISK)
        if unknown:
            raise ModelError(f"knows the classes {', '.join(sorted(unknown))}", where=model_path)
        self._weights = np.array([RISK[name] for name in self._tree.classes])
        self._padding = padding
        self._ageing = ageing_per_frame

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """The recommender of a trained model with the defaults."""
        return cls(Path(path))

    def risks(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Expected risk of boxes with these features.

        Args:
            features: float64 ``(N, 5)``, NaN where unknown.

        Returns:
            float64 ``(N,)`` in [0, 1]: P(high) + P(medium) / 2.
        """
        return np.asarray(self._tree.probabilities(features) @ self._weights)

    def get_patches(
        self,
        tracked_objects: Sequence[TrackedObject],
        frame: NDArray[np.uint8] | None,  # noqa: ARG002 - its users pass it; the features were measured while tracking
        frame_size: tuple[int, int],
    ) -> list[Patch]:
        """A patch around every object that lies in the frame, in falling order of priority.

        Args:
            tracked_objects: what is followed.
            frame: the picture; not needed, since the objects carry their features.
            frame_size: width and height in pixels.

        Returns:
            The patches, clipped to the frame. Ties go to the object with the lower detector score.
        """
        if not tracked_objects:
            return []
        risks = self.risks(np.stack([item.features for item in tracked_objects]))
        patches = []
        for item, risk in zip(tracked_objects, risks.tolist(), strict=True):
            box = padded(item.box, self._padding, frame_size)
            if box is not None:
                priority = risk + self._ageing * item.frames_since_patch
                patches.append((priority, item.score, Patch(box, priority, "failure", item.object_id)))
        patches.sort(key=lambda entry: (-entry[0], entry[1]))
        return [patch for _, _, patch in patches]


def padded(
    box: NDArray[np.float64], padding: float, frame_size: tuple[int, int]
) -> tuple[float, float, float, float] | None:
    """A box grown by ``padding`` times its size on every side and clipped to the frame; None where nothing is left."""
    width, height = frame_size
    grow_x, grow_y = (box[2] - box[0]) * padding, (box[3] - box[1]) * padding
    x0, y0 = max(box[0] - grow_x, 0.0), max(box[1] - grow_y, 0.0)
    x1, y1 = min(box[2] + grow_x, float(width)), min(box[3] + grow_y, float(height))
    return (float(x0), float(y0), float(x1), float(y1)) if x1 - x0 >= 1 and y1 - y0 >= 1 else None
