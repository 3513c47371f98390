"""``blur-train train``: from a prepared data set to a classifier and the evidence for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blur_train.classes import CLASSES, BlurClass
from blur_train.decision import FALSE_POSITIVES, DecisionRule, choose, probabilities_of
from blur_train.evaluation.measure import SHARP, Measured, measure
from blur_train.models.backends import DRAWN, IMAGENET, NATIVE, NONE, Backend, make_backend
from blur_train.models.some_classes import OfSomeClasses
from blur_train.prepare.manifest import SIDES, Prepared, PreparedPhoto, read_prepared
from blur_train.train.findings import Findings
from blur_train.train.fitting import CHECKPOINT_FILE, epoch_line, logits_of, train_network
from blur_train.train.inputs import Inputs, MakeProgress, forget_inputs, read_inputs, truth_of
from blur_train.train.outputs import write_outputs
from footage.dataset.manifest import content_sha256
from footage.errors import DatasetError, InputError, ModelError
from footage.runs.directory import RunDirectory
from footage.training.checkpoint import find_checkpoint
from footage.training.devices import Device, resolve_device
from footage.training.recipe import Recipe

OUTPUT_FOLDER = "blur_training"
SMOKE_PHOTOS = 4
SMOKE_EPOCHS = 1

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """What to train on, and how.

    Attributes:
        dataset: the folder of a prepared data set.
        output: the folder for everything written.
        backend: ``native``, ``ultralytics``, or a classifier of torchvision.
        weights: what to start from; None for what the backend has.
        classes: those to train, ``sharp`` among them; None for all.
        epochs: passes over the train side, at most; None for the backend's own number.
        batch_size: photos a step; likewise.
        learning_rate: of the head, at its highest; likewise.
        patience: epochs without gain after which it ends; likewise.
        side_px: long side from which native tiles are cut, or side of the square picture; None for 1536 and 224.
        false_positives: the share of sharp photos that may be called blurred.
        resume: go on with the training in the folder, or fail.
        keep_inputs: keep the decoded photos when training is done.
        device: where to compute.
        jobs: worker processes that decode; None for one a core.
        max_photos: only so many of each class and side; None for all.
        checkpoint_seconds: how much work a kill may cost.
        seed: of everything random.
    """

    dataset: Path
    output: Path = Path(OUTPUT_FOLDER)
    backend: str = NATIVE
    weights: str | None = None
    classes: tuple[str, ...] | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    patience: int | None = None
    side_px: int | None = None
    false_positives: float = FALSE_POSITIVES
    resume: bool = False
    keep_inputs: bool = False
    device: str = "auto"
    jobs: int | None = None
    max_photos: int | None = None
    checkpoint_seconds: float = 60.0
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainPlan:
    """What training would do.

    Attributes:
        photos: how many of each side and class.
        steps: of the optimiser at most.
        backend: the network, and what it starts from.
        device: where it would compute, and why.
        disk_bytes: for the decoded photos, while it trains.
        doubts: what limits the result, as far as it can be known before.
    """

    photos: dict[str, dict[str, int]]
    steps: int
    backend: str
    device: str
    disk_bytes: int
    doubts: tuple[str, ...]


def train(options: TrainOptions, *, tell: Tell, make_progress: MakeProgress) -> Findings:
    """Learn from the train side, choose the epoch on val, the operating points on calibration, look once at test.

    Killed and called again, it goes on from its last checkpoint and ends with the same model, on a CPU to the last bit.

    Args:
        options: what to train on, and how.
        tell: told what is chosen and what the user should know.
        make_progress: makes the progress display from the number of items and how many are already done; used for the
            reading of photos and for the steps of training.

    Returns:
        What was found; the files are in ``options.output``.

    Raises:
        DatasetError: there is no such data set, it is damaged, or a side lacks a class.
        InputError: the output folder cannot be used, there is nothing to resume, or an option does not fit.
        ModelError: the weights cannot be used, or the exported model decides otherwise.
        MissingDependency: the device, ultralytics or ImageNet weights cannot be had.
    """
    device = resolve_device(options.device)
    tell(f"computing on {device.reason}")
    prepared, photos, classes = _photos(options)
    backend = _backend(options)
    recipe = _recipe(options, backend)
    tell(f"{backend.name}, starting from {backend.start}")
    settings = _settings(options, backend, recipe, classes)
    with RunDirectory(options.output).open(tool="blur-train", seed=options.seed, settings=settings) as folder:
        inputs = read_inputs(
            photos, options.dataset, backend.maker, folder.path, jobs=options.jobs, make_progress=make_progress
        )
        for one in inputs.left_out:
            tell(f"warning: left out {one.path}: {one.reason}")
        doubts = _doubts(inputs.photos, classes)
        network = OfSomeClasses(backend.network, classes)
        key = {**settings, "data_sha256": prepared.data_sha256, "split_sha256": prepared.split_sha256}
        steps = _steps(len(inputs.rows("train")), recipe)
        with make_progress(recipe.epochs * steps, _steps_done(options, key, steps, tell)) as progress:
            fitted = train_network(
                network,
                backend,
                inputs,
                recipe,
                device=device.torch,
                folder=folder.path,
                key=key,
                on_step=lambda step: progress.advance(step - progress.done),
                on_epoch=lambda record: tell(epoch_line(record)),
                checkpoint_seconds=options.checkpoint_seconds,
            )
        tell(f"{fitted.stopped}; the best was epoch {fitted.best_epoch + 1}")
        rule, chosen_on, logits, measured = _judged(network, inputs, options, device)
        doubts = (*doubts, *rule.doubts)
        for doubt in doubts:
            tell(f"warning: {doubt}")
        findings = Findings(
            backend=backend.name,
            start=backend.start,
            device=device.reason,
            settings=settings,
            data_sha256=prepared.data_sha256,
            split_sha256=prepared.split_sha256,
            classes=classes,
            inputs=inputs,
            fitted=fitted,
            rule=rule,
            chosen_on=chosen_on,
            measured=measured,
            logits=logits,
            doubts=doubts,
        )
        write_outputs(findings, network, backend, folder, dataset=options.dataset)
        (folder.path / CHECKPOINT_FILE).unlink()
        if not options.keep_inputs:
            forget_inputs(folder.path)
    return findings


def plan(options: TrainOptions) -> TrainPlan:
    """Read the manifest and say what training would take; no photo is read, nothing is written.

    Raises:
        FootageError: as for :func:`train`.
    """
    device = resolve_device(options.device)
    _, photos, classes = _photos(options)
    backend = _backend(options)
    recipe = _recipe(options, backend)
    counts: dict[str, dict[str, int]] = {}
    for photo in photos:
        side = counts.setdefault(photo.side, {})
        side[photo.label.value] = side.get(photo.label.value, 0) + 1
    return TrainPlan(
        photos=counts,
        steps=_steps(sum(counts["train"].values()), recipe) * recipe.epochs,
        backend=f"{backend.name}, starting from {backend.start}",
        device=device.reason,
        disk_bytes=len(photos) * int(np.prod(backend.maker.shape)),
        doubts=_doubts(photos, classes),
    )


def _judged(
    network: OfSomeClasses, inputs: Inputs, options: TrainOptions, device: Device
) -> tuple[DecisionRule, str, NDArray[np.float64], Measured | None]:
    """The rule, the side it was chosen on, the logits of all sides but train, and the figures on test."""
    chosen_on = _choosing_side(inputs.photos)
    seen = np.flatnonzero([photo.side != "train" for photo in inputs.photos])
    logits = np.zeros((len(inputs.photos), len(CLASSES)))
    logits[seen] = logits_of(network, inputs, seen, device.torch)
    rows = inputs.rows(chosen_on)
    rule = choose(logits[rows], inputs.labels[rows], false_positives=options.false_positives)
    test = inputs.rows("test")
    if not len(test):
        return rule, chosen_on, logits, None
    truth = truth_of([inputs.photos[row] for row in test])
    probabilities = probabilities_of(logits[test], rule.temperature)
    return rule, chosen_on, logits, measure("the model", truth, probabilities, rule, seed=options.seed)


def _choosing_side(photos: tuple[PreparedPhoto, ...]) -> str:
    """Calibration, where it has sharp and blurred photos, else val."""
    kinds = {photo.label is BlurClass.SHARP for photo in photos if photo.side == "calibration"}
    return "calibration" if len(kinds) == 2 else "val"


def _backend(options: TrainOptions) -> Backend:
    return make_backend(options.backend, weights=options.weights, side_px=options.side_px, seed=options.seed)


def _photos(options: TrainOptions) -> tuple[Prepared, tuple[PreparedPhoto, ...], tuple[str, ...]]:
    """The data set, the photos of the classes to train, and these classes.

    Raises:
        DatasetError: the train or val side lacks one of the classes.
        InputError: the classes are unknown, lack ``sharp``, or are it alone.
    """
    classes = CLASSES if options.classes is None else tuple(name for name in CLASSES if name in options.classes)
    unknown = set(options.classes or ()) - set(CLASSES)
    if unknown or BlurClass.SHARP not in classes or len(classes) < 2:
        what = f"cannot train the classes {', '.join(options.classes or ())}"
        raise InputError(what, remedy=f"name sharp and at least one of {', '.join(set(CLASSES) - {'sharp'})}")
    prepared = read_prepared(options.dataset)
    photos: list[PreparedPhoto] = []
    counts: dict[tuple[str, str], int] = {}
    for photo in prepared.photos:
        place = (photo.side, photo.label.value)
        counts[place] = counts.get(place, 0) + 1
        if photo.label in classes and (options.max_photos is None or counts[place] <= options.max_photos):
            photos.append(photo)
    for side in SIDES[:2]:
        missing = [name for name in classes if not counts.get((side, name))]
        if missing:
            raise DatasetError(
                f"its {side} side has no photos of {', '.join(missing)}",
                where=options.dataset,
                remedy="add photos of that class, or train the other classes only",
            )
    return prepared, tuple(photos), classes


def _recipe(options: TrainOptions, backend: Backend) -> Recipe:
    given: dict[str, Any] = {
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "learning_rate": options.learning_rate,
        "patience": options.patience,
    }
    return replace(
        backend.recipe, seed=options.seed, **{name: value for name, value in given.items() if value is not None}
    )


def _settings(options: TrainOptions, backend: Backend, recipe: Recipe, classes: tuple[str, ...]) -> dict[str, Any]:
    """Everything that decides the result, but for the photos."""
    own = options.weights not in {None, DRAWN, IMAGENET, NONE}
    return {
        **backend.described(),
        "weights": {"sha256": content_sha256(str(options.weights))} if own else options.weights,
        "preprocessing": backend.maker.described(),
        "classes": classes,
        "label_smoothing": backend.label_smoothing,
        "false_positives": options.false_positives,
        "max_photos": options.max_photos,
        "recipe": asdict(recipe),
    }


def _doubts(photos: tuple[PreparedPhoto, ...], classes: tuple[str, ...]) -> tuple[str, ...]:
    """What limits the figures."""
    found = []
    if len(classes) < len(CLASSES):
        found.append(f"only {', '.join(classes)} were trained: other blurs get one of these answers")
    if _choosing_side(photos) == "val":
        found.append(
            "there is no calibration side: the operating points were chosen on val, which also chose the epoch"
        )
    test = [photo for photo in photos if photo.side == "test"]
    groups = len({photo.group for photo in test})
    if not test:
        found.append("there is no test side")
    elif groups < 2 * len(classes):
        found.append(f"the test side has {groups} independent groups only")
    elif not any(CLASSES.index(photo.label) == SHARP for photo in test):
        found.append("the test side has no sharp photos")
    return tuple(found)


def _steps(photos: int, recipe: Recipe) -> int:
    return max(1, round(photos / recipe.batch_size))


def _steps_done(options: TrainOptions, key: dict[str, Any], steps: int, tell: Tell) -> int:
    """How far an earlier training in the folder came; one of other settings is removed, and said.

    Raises:
        InputError: a training was to be resumed and there is none, or it is of other settings.
        ModelError: there is a file of the checkpoint's name that is none.
    """
    checkpoint = options.output / CHECKPOINT_FILE
    try:
        earlier = find_checkpoint(checkpoint, key=key)
    except (InputError, ModelError) as error:
        if options.resume:
            raise
        tell(f"starting anew: {error.what}")
        checkpoint.unlink()
        return 0
    if earlier is None:
        if options.resume:
            what = "holds no unfinished training"
            raise InputError(what, where=options.output, remedy="start one without asking to resume")
        return 0
    tell(f"going on in epoch {earlier.epoch + 1}, after {earlier.step} steps of it")
    return earlier.epoch * steps + earlier.step
