"""``blur-train evaluate``: what ships, measured on photos that it never saw."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blur_train.classes import CLASSES
from blur_train.classifier import MODEL_FOLDER, BlurClassifier
from blur_train.decision import DecisionRule, Preset
from blur_train.evaluation.answers import Answers, answers_of
from blur_train.evaluation.findings import Evaluation
from blur_train.evaluation.measure import SHARP, Measured, measure
from blur_train.evaluation.report import lay_out
from blur_train.evaluation.rivals import rivals
from blur_train.prepare.manifest import Prepared, PreparedPhoto, read_prepared
from blur_train.train.inputs import truth_of
from footage.cli.progress import Progress
from footage.errors import DatasetError, printable
from footage.runs.directory import RunDirectory, atomic_write_json, atomic_write_text

OUTPUT_FOLDER = "blur_evaluation"
JSON_FILE = "evaluation.json"
REPORT_FILE = "evaluation.html"
PREDICTIONS_FILE = "predictions.csv"
FILES = (REPORT_FILE, JSON_FILE, PREDICTIONS_FILE)
SMOKE_PHOTOS = 5
RIVAL_PHOTOS = 200
"""Photos of each class that rivals learn from, at most."""
THE_MODEL = "the model"

Tell = Callable[[str], None]
MakeProgress = Callable[[int | None, int], Progress]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateOptions:
    """What to measure, and on what.

    Attributes:
        model: the folder of an exported model, or its file.
        dataset: the folder of a prepared data set.
        side: which of its sides.
        output: the folder for everything written.
        preset: how readily a photo is called blurred.
        jobs: worker processes; None takes one a processor.
        device: where the model computes.
        seed: of the bootstrap.
        max_photos: only so many of each class; None takes all.
    """

    model: Path = MODEL_FOLDER
    dataset: Path = Path("dataset")
    side: str = "test"
    output: Path = Path(OUTPUT_FOLDER)
    preset: Preset = Preset.MODERATE
    jobs: int | None = None
    device: str = "auto"
    seed: int = 0
    max_photos: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an evaluation would measure.

    Attributes:
        model: the model file.
        photos: how many of each class it would be measured on.
        groups: how many groups they are of.
        learned_from_by_rivals: how many photos the rivals would learn from.
        doubts: what limits the figures.
    """

    model: Path
    photos: dict[str, int]
    groups: int
    learned_from_by_rivals: int
    doubts: tuple[str, ...]


def plan(options: EvaluateOptions) -> Plan:
    """Look at the model and the data set; no photo is read, nothing is written.

    Raises:
        FootageError: as for :func:`run`.
    """
    classifier, prepared, photos = _opened(options)
    counts = dict.fromkeys(CLASSES, 0)
    for photo in photos:
        counts[photo.label.value] += 1
    return Plan(
        model=classifier.path,
        photos=counts,
        groups=len({photo.group for photo in photos}),
        learned_from_by_rivals=len(_limited(prepared.side("train"), _rival_photos(options))),
        doubts=_doubts(classifier, prepared, photos, options),
    )


def run(options: EvaluateOptions, *, tell: Tell, make_progress: MakeProgress) -> Evaluation:
    """Answer for the photos by the code that ships, and measure.

    Args:
        options: what to measure, and on what.
        tell: told what is measured and what the user should know.
        make_progress: makes the progress display from the number of photos and how many are already done.

    Returns:
        The figures; the files are in ``options.output``.

    Raises:
        DatasetError: there is no such data set, or it has no photo on that side that can be read.
        ModelError: the model cannot be used.
        InputError: the output folder cannot be used, or no model runs on the device.
    """
    classifier, prepared, photos = _opened(options)
    doubts = _doubts(classifier, prepared, photos, options)
    tell(f"measuring {printable(str(classifier.path))} on {len(photos)} photos, on {classifier.device}")
    for doubt in doubts:
        tell(f"warning: {doubt}")
    chosen_on = str(classifier.manifest.details.get("chosen_on", "val"))
    learned = _limited(prepared.side("train"), _rival_photos(options))
    choosing = prepared.side(chosen_on) or prepared.side("val")
    settings = {
        "model_sha256": classifier.manifest.model_sha256,
        "data_sha256": prepared.data_sha256,
        "side": options.side,
        "preset": options.preset,
        "max_photos": options.max_photos,
    }
    with RunDirectory(options.output).open(tool="blur-train", seed=options.seed, settings=settings) as folder:
        with make_progress(len(photos) + len(learned) + len(choosing), 0) as progress:

            def asked(some: Sequence[PreparedPhoto], model: Path | None) -> Answers:
                return answers_of(
                    some, options.dataset, model=model, device=options.device, jobs=options.jobs, progress=progress
                )

            own = asked(photos, classifier.path)
            if not own.photos:
                raise DatasetError("not one of its photos could be read", where=options.dataset)
            known, chosen = asked(learned, None), asked(choosing, None)
        for one in own.left_out:
            tell(f"warning: left out {one.path}: {one.reason}")
        ways = _ways(own, known, chosen, classifier.rule, options)
        said = classifier.rule.predict(own.probabilities, options.preset)
        evaluation = Evaluation(
            model=classifier.path,
            model_sha256=classifier.manifest.model_sha256,
            preset=options.preset,
            side=options.side,
            photos=own.photos,
            probabilities=own.probabilities,
            said=said,
            left_out=own.left_out,
            ways=ways,
            doubts=doubts,
        )
        atomic_write_json(folder.file(JSON_FILE), evaluation.document())
        atomic_write_text(folder.file(PREDICTIONS_FILE), _predictions(evaluation))
        lay_out(evaluation, options.dataset).write(folder.file(REPORT_FILE))
        folder.finish(lead=evaluation.lead, doubts=doubts, left_out=own.left_out)
    return evaluation


def _opened(options: EvaluateOptions) -> tuple[BlurClassifier, Prepared, tuple[PreparedPhoto, ...]]:
    classifier = BlurClassifier.open(options.model, device=options.device)
    prepared = read_prepared(options.dataset)
    photos = _limited(prepared.side(options.side), options.max_photos)
    if not photos:
        raise DatasetError(f"has no photos on the side {options.side}", where=options.dataset)
    return classifier, prepared, photos


def _rival_photos(options: EvaluateOptions) -> int:
    return min(RIVAL_PHOTOS, 4 * (options.max_photos or RIVAL_PHOTOS))


def _limited(photos: Sequence[PreparedPhoto], most: int | None) -> tuple[PreparedPhoto, ...]:
    """The first photos of each class."""
    counts: dict[str, int] = {}
    kept = []
    for photo in photos:
        counts[photo.label.value] = counts.get(photo.label.value, 0) + 1
        if most is None or counts[photo.label.value] <= most:
            kept.append(photo)
    return tuple(kept)


def _ways(
    own: Answers, known: Answers, chosen: Answers, rule: DecisionRule, options: EvaluateOptions
) -> tuple[Measured, ...]:
    """The model, then the rivals where the data set has photos that they can learn from."""
    truth = truth_of(own.photos)
    ways = [measure(THE_MODEL, truth, own.probabilities, rule, preset=options.preset, seed=options.seed)]
    train, choosing = _labelled(known), _labelled(chosen)
    if len(set(train[1].tolist())) > 1 and 0 < int((choosing[1] == SHARP).sum()) < len(choosing[1]):
        for name, probabilities, its_rule in rivals(
            train, choosing, own.features, false_positives=rule.false_positives
        ):
            ways.append(measure(name, truth, probabilities, its_rule, preset=options.preset, seed=options.seed))
    return tuple(ways)


def _labelled(answers: Answers) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    return answers.features, truth_of(answers.photos).labels


def _doubts(
    classifier: BlurClassifier, prepared: Prepared, photos: Sequence[PreparedPhoto], options: EvaluateOptions
) -> tuple[str, ...]:
    found = []
    details = classifier.manifest.details
    same_split = classifier.manifest.split_sha256 == prepared.split_sha256
    if options.side == "train" and same_split:
        found.append("these photos are what the model learned from")
    elif options.side == details.get("chosen_on") and same_split:
        found.append("the operating points were chosen on these photos")
    elif options.side == "val" and same_split:
        found.append("the epoch was chosen on these photos")
    elif not same_split:
        found.append("the model was trained on another data set: whether it has seen these photos is not known")
    if not any(CLASSES.index(photo.label) == SHARP for photo in photos):
        found.append("there are no sharp photos: nothing is said about false positives")
    if options.max_photos is not None:
        found.append(f"only the first {options.max_photos} photos of each class were taken")
    return (*found, *classifier.rule.doubts)


def _predictions(evaluation: Evaluation) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "group", "edge_case", "camera", "label", "predicted_class", *CLASSES])
    for photo, row, answer in zip(evaluation.photos, evaluation.probabilities, evaluation.said.tolist(), strict=True):
        place = (photo.file, photo.group, photo.edge_case or "", photo.camera or "", photo.label.value)
        writer.writerow([*place, CLASSES[answer], *(f"{value:.6f}" for value in row)])
    return text.getvalue()
