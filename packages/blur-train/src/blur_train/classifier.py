"""The classifier as it ships: an ONNX file, its manifest and its class names. Every decision comes from here.

::

    classifier = BlurClassifier.open(Path("models/blur_classifier"))
    photo = read_photo(file, luma=classifier.by_luma)
    decision, = classifier.decide([classifier.evidence(photo.image)])
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blur_train.classes import BLUR_TYPES, CLASSES
from blur_train.decision import DecisionRule, Preset, rule_of
from blur_train.evidence import Evidence, EvidenceMaker, maker_of
from footage.errors import InputError, ModelError
from footage.persistence.bundle import ModelManifest, verify
from footage.persistence.onnx import OnnxModel, open_session

TASK = "blur"
MODEL_NAME = "blur_classifier.onnx"
NAMES_FILE = "class_names.json"
MODEL_FOLDER = Path("models") / "blur_classifier"
RULE = "decision"
"""Where in the manifest's details the decision rule is."""
_SUM_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer for one photo.

    Attributes:
        predicted_class: one of ``CLASSES``; a blur type exactly where that type is detected.
        confidence: calibrated probability of that class.
        probabilities: calibrated, by class; they sum to 1.
        detected: the definite answer for each blur type; at most one is true.
        deciding_crop: the part of the photo that spoke most for the answer, xyxy pixels of the upright photo; None for
            a model that looks at the whole photo at once.
    """

    predicted_class: str
    confidence: float
    probabilities: dict[str, float]
    detected: dict[str, bool]
    deciding_crop: tuple[int, int, int, int] | None


class BlurClassifier:
    """An opened model; make one with :meth:`open`. Threads may share it.

    Attributes:
        path: the model file.
        manifest: what stands beside it.
        classes: names in index order.
        rule: by which it decides.
        by_luma: whether a photo's luma is all that it needs.
        device: where it computes.
    """

    def __init__(self, model: OnnxModel, manifest: ModelManifest, maker: EvidenceMaker, rule: DecisionRule) -> None:
        self._model = model
        self._maker = maker
        self.path = model.path
        self.manifest = manifest
        self.classes = manifest.classes
        self.rule = rule
        self.by_luma = maker.by_luma
        self.device = "cuda" if model.providers[0].startswith("CUDA") else "cpu"

    @classmethod
    def open(cls, path: Path, *, device: str = "auto", threads: int | None = 1) -> BlurClassifier:
        """Open a model that ``blur-train export`` wrote.

        Args:
            path: its folder, or the ``.onnx`` file.
            device: ``auto`` (a GPU that ONNX Runtime can use, else the CPU), ``cpu``, ``cuda`` or ``cuda:N``.
            threads: of ONNX Runtime; None takes as many as this process may use.

        Raises:
            ModelError: a file is missing or damaged, they do not belong together, or the model is for something else.
            MissingDependency: ONNX Runtime here cannot compute on the device.
            InputError: models run on no such device.
        """
        file = model_file(path)
        manifest = verify(file)
        _check(manifest, file)
        try:
            maker, rule = maker_of(manifest.input.preprocessing), rule_of(manifest.details.get(RULE))
        except ModelError as error:
            raise ModelError(error.what, where=file, remedy=error.remedy) from error
        if manifest.input.shape != (None, *maker.shape):
            raise ModelError(f"its manifest gives the input shape {manifest.input.shape}", where=file)
        model = open_session(file, device=_device(device), threads=threads)
        return cls(model, manifest, maker, rule)

    def evidence(self, image: NDArray[np.uint8]) -> Evidence:
        """What the model sees of a photo, upright: RGB uint8 ``(H, W, 3)``, or luma ``(H, W)`` where ``by_luma``.

        Raises:
            InputError: a side is below 64 px.
            ValueError: the array is no such picture.
        """
        return self._maker.of(image)

    def decide(self, evidences: Sequence[Evidence], preset: Preset | str = Preset.MODERATE) -> list[Decision]:
        """The answers, in the order of the photos.

        Photos go through the model one by one: on a CPU that is no slower, and an answer never depends on which photos
        came along.

        Raises:
            ModelError: the model failed, or gave what are no probabilities.
            ValueError: there is no such preset.
        """
        preset = Preset(preset)
        return [self._decision(evidence, preset) for evidence in evidences]

    def probabilities(self, evidence: Evidence) -> NDArray[np.float64]:
        """Calibrated probabilities of one photo, ``(4,)`` in class order.

        Raises:
            ModelError: the model failed, or gave what are no probabilities.
        """
        return self._answer(evidence)[0]

    def _answer(self, evidence: Evidence) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        found, *votes = self._model.run(evidence.array[None])
        probabilities = np.asarray(found, np.float64)
        sums_to_one = probabilities.shape == (1, len(CLASSES)) and abs(probabilities.sum() - 1) <= _SUM_TOLERANCE
        if not sums_to_one or not np.all((probabilities >= 0) & (probabilities <= 1)):
            raise ModelError(
                "gave numbers that are no probabilities",
                where=self.path,
                remedy="export it again: the softmax belongs inside, once",
            )
        return probabilities[0], np.asarray(votes[0][0], np.float64) if votes else None

    def _decision(self, evidence: Evidence, preset: Preset) -> Decision:
        probabilities, votes = self._answer(evidence)
        index = int(self.rule.predict(probabilities[None], preset)[0])
        name = CLASSES[index]
        return Decision(
            predicted_class=name,
            confidence=float(probabilities[index]),
            probabilities=dict(zip(CLASSES, probabilities.tolist(), strict=True)),
            detected={kind: kind == name for kind in BLUR_TYPES},
            deciding_crop=_crop(evidence, votes, index),
        )


def model_file(path: Path) -> Path:
    """The model file that a path means: itself, or the one in a folder.

    Raises:
        ModelError: there is none.
    """
    file = path / MODEL_NAME if path.is_dir() else path
    if not file.is_file():
        raise ModelError(
            "there is no such model", where=file, remedy=f"give the folder of an exported model ({MODEL_NAME} is in it)"
        )
    return file


def read_names(folder: Path) -> tuple[str, ...]:
    """The class names that callers read, in index order.

    Raises:
        ModelError: the file is missing or holds no list of names.
    """
    file = folder / NAMES_FILE
    try:
        names = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError("cannot be read as a list of class names", where=file, remedy="export again") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ModelError("holds no list of class names", where=file, remedy="export again")
    return tuple(names)


def _check(manifest: ModelManifest, file: Path) -> None:
    if manifest.task != TASK:
        raise ModelError(f"is a model for {manifest.task!r}, not for {TASK!r}", where=file)
    if manifest.classes != CLASSES:
        raise ModelError(
            f"has the classes {', '.join(manifest.classes) or 'none'}, expected {', '.join(CLASSES)} in this order",
            where=file,
        )
    if manifest.output != "probabilities":
        raise ModelError(f"gives {manifest.output}, expected probabilities", where=file)
    if (file.parent / NAMES_FILE).exists() and read_names(file.parent) != CLASSES:
        raise ModelError(f"{NAMES_FILE} beside it names other classes, or another order", where=file)


def _device(device: str) -> str:
    if device == "mps":
        raise InputError("exported models do not run on mps", remedy="choose auto, cpu or cuda")
    if device != "auto":
        return device
    import onnxruntime

    return "cuda" if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else "cpu"


def _crop(evidence: Evidence, votes: NDArray[np.float64] | None, index: int) -> tuple[int, int, int, int] | None:
    """The tile of the cell that spoke most for a class, against the mean of the others."""
    if votes is None or evidence.boxes is None:
        return None
    spoke = votes[:, index] - np.delete(votes, index, axis=1).mean(axis=1)
    left, top, right, bottom = evidence.boxes[int(np.argmax(spoke))]
    return int(np.floor(left)), int(np.floor(top)), int(np.ceil(right)), int(np.ceil(bottom))
