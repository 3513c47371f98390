"""``flexpatch-train evaluate``: what the runtime with a model delivers for its cost, on MOT ground truth."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from flexpatch_train.detectors.onnx import OnnxDetector
from flexpatch_train.evaluation.compared import Compared, compare_all
from flexpatch_train.evaluation.held_out import held_out_curve
from flexpatch_train.evaluation.recorded import JOURNAL_FILE, journal_key
from flexpatch_train.evaluation.report import cheaper_and_as_good, lay_out, lead_of
from flexpatch_train.evaluation.results import WayResult, way_results
from flexpatch_train.evaluation.sequences import FoundSequences, find_sequences
from flexpatch_train.evaluation.ways import BUDGETS, EVERY_N, ways_of
from flexpatch_train.model import MODEL_FILE, verified_manifest
from flexpatch_train.product_curve import ProductCurve
from flexpatch_train.run import MakeProgress, Tell
from footage.dataset.discover import Skipped
from footage.errors import DatasetError, FootageError, InputError, ModelError, printable
from footage.persistence.bundle import ModelManifest
from footage.persistence.onnx import open_session
from footage.runs.directory import RunDirectory, atomic_write_json
from footage.runs.jsonable import to_jsonable

EVALUATION_FOLDER = "flexpatch_evaluation"
JSON_FILE = "evaluation.json"
REPORT_FILE = "evaluation.html"
TIMES_ARE = (
    "Times are of tracking, recommending, packing, detection and merging, taken in turns on this machine; "
    "decoding is not counted, being the same for all."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateOptions:
    """What to evaluate, and on what.

    Attributes:
        model: a ``flexpatch_model.joblib`` with its manifest, and ``training_data.csv`` for the product curve.
        root: folder of MOT sequences.
        weights: the detector's ``.onnx`` file.
        output: the folder for everything written.
        budgets: FlexPatch's canvases as shares of the frame.
        max_frames: frames of each sequence; None for all.
        confidence: least score of a detection, in [0, 1].
        classes: names of the classes wanted; None for all.
        device: where the network runs.
        seed: seed of the bootstrap.
    """

    model: Path
    root: Path
    weights: Path
    output: Path = Path(EVALUATION_FOLDER)
    budgets: tuple[float, ...] = BUDGETS
    max_frames: int | None = None
    confidence: float = 0.25
    classes: tuple[str, ...] | None = ("person",)
    device: str = "auto"
    seed: int = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceResult:
    """The ways on one sequence.

    Attributes:
        name: of the sequence.
        size: width and height in pixels.
        notes: what a reader of the scores should know.
        ways: one entry a way.
    """

    name: str
    size: tuple[int, int]
    notes: tuple[str, ...]
    ways: tuple[WayResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeEvaluation:
    """All that an evaluation found.

    Attributes:
        model: the model file's name.
        detector: what the detector says of itself.
        network_size: the only picture size its network takes; None where it takes every size.
        ways: over all sequences together.
        sequences: each by itself.
        product: the curve of failures caught; None where it cannot be had.
        product_missing: why; None where it is there.
        left_out: what could not be paired or evaluated.
        notes: what limits the result.
    """

    model: str
    detector: dict[str, str | int | float | bool]
    network_size: tuple[int, int] | None
    ways: tuple[WayResult, ...]
    sequences: tuple[SequenceResult, ...]
    product: ProductCurve | None
    product_missing: str | None
    left_out: tuple[Skipped, ...]
    notes: tuple[str, ...]


def find(options: EvaluateOptions) -> FoundSequences:
    """The sequences that would be evaluated.

    Raises:
        DatasetError: there are none.
    """
    return find_sequences(options.root)


def evaluate_runtime(options: EvaluateOptions, *, tell: Tell, make_progress: MakeProgress) -> RuntimeEvaluation:
    """Compare all ways on all sequences, compute the product curve, and write JSON and report.

    Args:
        options: what to evaluate, and on what.
        tell: told what is used and what the user should know.
        make_progress: makes the progress display.

    Raises:
        DatasetError: no sequence can be scored.
        ModelError: the model or the network cannot be used.
        InputError: the output folder cannot be used, or a budget is no share of a frame.
    """
    ways = ways_of(EVERY_N, options.budgets)
    manifest = verified_manifest(options.model)
    found = find(options)
    detector, network_size = open_detector(options)
    if (options.output / MODEL_FILE).exists():
        raise InputError("holds a trained model, whose run.json would be lost", where=options.output)
    with RunDirectory(options.output).open(
        tool="flexpatch-train", seed=options.seed, settings=_settings(options, detector, manifest)
    ) as folder:
        for item in found.skipped:
            tell(f"left out: {item.path}: {item.reason}")
        product, missing = _product(options, manifest)
        if missing is not None:
            tell(f"no product curve: {missing}")
        key = journal_key(
            model_sha256=manifest.model_sha256, detector=detector.describe(), ways=ways, max_frames=options.max_frames
        )
        with folder.journal(key, name=JOURNAL_FILE) as journal:
            if journal.restarted_because:
                tell(f"starting anew: {journal.restarted_because}")
            results, failed = compare_all(
                found.sequences,
                detector,
                ways,
                journal,
                model=options.model,
                max_frames=options.max_frames,
                tell=tell,
                make_progress=make_progress,
            )
        left_out = (*found.skipped, *failed)
        if not results:
            raise DatasetError(f"no sequence could be evaluated ({left_out[-1].reason})", where=options.root)
        evaluation = RuntimeEvaluation(
            model=printable(options.model.name),
            detector=detector.describe(),
            network_size=network_size,
            ways=way_results([one.comparison.outcomes for one in results], options.seed),
            sequences=tuple(_of_sequence(one, manifest, options.seed) for one in results),
            product=product,
            product_missing=missing,
            left_out=left_out,
            notes=tuple(
                _notes(network_size, [printable(one.sequence.name) for one in results if one.is_from_earlier_run])
            ),
        )
        atomic_write_json(folder.file(JSON_FILE), document_of(evaluation))
        lay_out(evaluation).write(folder.file(REPORT_FILE))
        folder.finish(left_out=[f"{item.path}: {item.reason}" for item in left_out])
        return evaluation


def open_detector(options: EvaluateOptions) -> tuple[OnnxDetector, tuple[int, int] | None]:
    """The network, at the pictures' own sizes where it takes every size, and else the size it takes.

    Raises:
        ModelError: no ONNX file, or no detector.
    """
    if options.weights.suffix.lower() != ".onnx":
        raise ModelError("only networks in ONNX can be evaluated", where=options.weights, remedy="export it to .onnx")
    shape = open_session(options.weights).inputs[0].shape
    is_free = len(shape) == 4 and not any(isinstance(side, int) and side > 0 for side in shape[2:])
    detector = OnnxDetector(
        options.weights,
        confidence=options.confidence,
        classes=options.classes,
        device=options.device,
        native_size=is_free,
    )
    said = detector.describe()
    return detector, None if is_free else (int(said["input_width"]), int(said["input_height"]))


def document_of(evaluation: RuntimeEvaluation) -> object:
    """The content of ``evaluation.json``."""
    return to_jsonable(
        {"lead": lead_of(evaluation), "verdict": cheaper_and_as_good(evaluation.ways), **asdict(evaluation)}
    )


def _settings(options: EvaluateOptions, detector: OnnxDetector, manifest: ModelManifest) -> dict[str, object]:
    return {
        "model_sha256": manifest.model_sha256,
        "detector": detector.describe(),
        "budgets": list(options.budgets),
        "every_n": list(EVERY_N),
        "max_frames": options.max_frames,
        "seed": options.seed,
    }


def _product(options: EvaluateOptions, manifest: ModelManifest) -> tuple[ProductCurve | None, str | None]:
    """The curve, or why there is none: a model may have been moved away from its table."""
    try:
        return held_out_curve(options.model, manifest, np.random.default_rng(options.seed)), None
    except FootageError as error:
        return None, str(error)


def _of_sequence(compared: Compared, manifest: ModelManifest, seed: int) -> SequenceResult:
    sequence, comparison = compared.sequence, compared.comparison
    notes = list(sequence.notes)
    if comparison.damage is not None:
        notes.append(f"the video is damaged and was used up to the cut: {comparison.damage}")
    if compared.key["video_sha256"] in _learned_from(manifest):
        notes.append("the model was trained on this very video: its scores here are not those on a new one")
    return SequenceResult(
        name=printable(sequence.name),
        size=sequence.size,
        notes=tuple(notes),
        ways=way_results([comparison.outcomes], seed),
    )


def _learned_from(manifest: ModelManifest) -> set[str]:
    """SHA-256 of the videos that a model learned from; those that its training held out whole are not among them."""
    settings = manifest.details.get("settings")
    if not isinstance(settings, dict):
        return set()
    whole = settings.get("hold_out", [])
    return {video["sha256"] for video in settings.get("videos", []) if video["name"] not in whole}


def _notes(network_size: tuple[int, int] | None, from_journal: list[str]) -> list[str]:
    notes = [TIMES_ARE]
    if from_journal:
        notes.append(f"Taken from an earlier run, times included: {', '.join(from_journal)}.")
    if network_size is not None:
        notes.append(
            f"The network takes pictures of {network_size[0]}x{network_size[1]} only and scales every picture to that: "
            "a canvas costs it the time of a whole frame, whatever its share of the pixels, and small frames and "
            "canvases are shown enlarged. Export it with free sides to gain time."
        )
    return notes
