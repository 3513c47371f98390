"""Which followed boxes should be shown to the detector next: the tracking-failure recommender.

FlexPatch (Yang, Yi, Lee and Lee, INFOCOM 2022): a model over features of a followed box says how likely optical flow
has lost its object; the likelier, the sooner a patch around it goes to the detector. An object rises in priority with
the time since it was last shown, so that none is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from flexpatch_train.features import FEATURES
from flexpatch_train.labels import LABELS
from flexpatch_train.model import CLASSES, verified_manifest, verified_onnx
from flexpatch_train.runtime.calibration import Calibration
from flexpatch_train.runtime.fast_tree import FastTree
from flexpatch_train.runtime.patches import Patch
from flexpatch_train.runtime.tracked import TrackedObject
from footage.errors import ModelError
from footage.persistence.bundle import ModelManifest, manifest_path
from footage.persistence.onnx import open_session
from footage.persistence.sklearn import load_estimator

Probabilities = Callable[[NDArray[np.float64]], NDArray[np.float64]]


class TrackingFailureRecommender:
    """Turns followed objects into patches, the riskiest first.

    Args:
        model_path: a ``flexpatch_model.joblib``; it is read through the allow-list and never executed.
        padding: how far a patch reaches past its box on every side, in box widths and heights.
        ageing_per_frame: how much priority (of which 1 is certain failure) an object gains for every frame in which it
            was not shown to the detector.

    The model's manifest says which features it wants and how its probabilities are calibrated. A model without one is
    taken for a tree over the seed's five features, and its own probabilities are used as they are.

    Attributes:
        feature_names: what the model looks at, in the order of the columns.
        is_calibrated: whether risks are calibrated probabilities.

    Raises:
        ModelError: the file is not a tracking-failure model, or not the one that its manifest describes.
    """

    def __init__(
        self, model_path: str | PathLike[str], *, padding: float = 0.5, ageing_per_frame: float = 0.03
    ) -> None:
        path = Path(model_path)
        manifest = verified_manifest(path) if manifest_path(path).exists() else None
        estimator = load_estimator(path)
        self.feature_names: tuple[str, ...] = FEATURES
        if manifest is not None and manifest.input.features is not None:
            self.feature_names = manifest.input.features
        if getattr(estimator, "n_features_in_", None) != len(self.feature_names):
            remedy = "give the flexpatch_model.joblib of a run"
            raise ModelError(f"is no model over {len(self.feature_names)} features", where=path, remedy=remedy)
        self._probabilities, classes = _probabilities_of(estimator, path, manifest)
        unknown = set(classes) - set(LABELS)
        if unknown:
            raise ModelError(f"knows the classes {', '.join(sorted(unknown))}", where=path)
        self._failing = np.array([name != "low" for name in classes])
        self._calibration = _calibration_of(manifest, path)
        self.is_calibrated = self._calibration is not None
        self._padding = padding
        self._ageing = ageing_per_frame

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """The recommender of a trained model with the defaults."""
        return cls(Path(path))

    def risks(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """How likely boxes with these features no longer show their objects (IoU of at most .5).

        Args:
            features: float64 ``(N, len(feature_names))``, NaN where unknown.

        Returns:
            float64 ``(N,)`` in [0, 1].
        """
        own = self._probabilities(features) @ self._failing
        return own if self._calibration is None else self._calibration(own)

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
    left, top, right, bottom = box.tolist()
    grow_x, grow_y = (right - left) * padding, (bottom - top) * padding
    x0, y0 = max(left - grow_x, 0.0), max(top - grow_y, 0.0)
    x1, y1 = min(right + grow_x, float(frame_size[0])), min(bottom + grow_y, float(frame_size[1]))
    return (x0, y0, x1, y1) if x1 - x0 >= 1 and y1 - y0 >= 1 else None


def _probabilities_of(
    estimator: object, path: Path, manifest: ModelManifest | None
) -> tuple[Probabilities, tuple[str, ...]]:
    """The quickest way to a model's class probabilities, and its classes."""
    if isinstance(estimator, DecisionTreeClassifier):
        tree = FastTree(estimator)
        return tree.probabilities, tree.classes
    if manifest is None:
        raise ModelError(
            "is not a decision tree and has no manifest beside it",
            where=path,
            remedy="keep the .json and .onnx files that were written with the model next to it",
        )
    # One thread: twenty rows are done before a second one has woken up.
    session = open_session(verified_onnx(path, manifest), threads=1)

    def run(features: NDArray[np.float64]) -> NDArray[np.float64]:
        rounded = features.astype(np.float32).astype(np.float64)  # as in training
        return np.asarray(session.run(rounded)[1], np.float64)

    return run, CLASSES


def _calibration_of(manifest: ModelManifest | None, path: Path) -> Calibration | None:
    document = None if manifest is None else manifest.details.get("calibration")
    if document is None:
        return None
    try:
        return Calibration.from_json(document)
    except ValueError as error:
        raise ModelError(f"its manifest's calibration cannot be used: {error}", where=path) from error
