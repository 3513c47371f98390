"""``blur-train export``: the files that a service loads, checked from photo file to decision."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from blur_train.classes import CLASSES
from blur_train.classifier import MODEL_FOLDER, MODEL_NAME, NAMES_FILE, BlurClassifier
from blur_train.export.int8 import quantise
from blur_train.export.parity import PathParity, by_classifier, by_torch, compare, require
from blur_train.models.backends import make_backend
from blur_train.models.some_classes import OfSomeClasses
from blur_train.photos import PhotoError, read_photo
from blur_train.prepare.manifest import read_prepared
from footage.cli.progress import Progress
from footage.errors import ModelError
from footage.persistence.bundle import ModelManifest, manifest_path, save_manifest, verify
from footage.runs.files import atomic_path, atomic_write_bytes, atomic_write_json
from footage.training.export import MAX_DIFFERENCE

WEIGHTS_FILE = "model.pth"
INT8_FOLDER = "int8"
PARITY_PHOTOS = 1000
SMOKE_PHOTOS = 8
_CALIBRATION_PHOTOS = 100

MakeProgress = Callable[[int | None, int], Progress]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What to export.

    Attributes:
        run: the folder of a training.
        output: the folder for the files that ship.
        dataset: the data set of the training, where it lies now; None for where it lay then.
        int8: also write an eight-bit model, where it keeps every decision.
        tensorrt: also build an engine for this machine's GPU.
        photos: photos to compare on, at most.
    """

    run: Path
    output: Path = MODEL_FOLDER
    dataset: Path | None = None
    int8: bool = False
    tensorrt: bool = False
    photos: int = PARITY_PHOTOS


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was exported.

    Attributes:
        files: that were written.
        parity: of the ONNX model with the network, from photo file to decision.
        int8: of the eight-bit model with the ONNX model; None where none was asked for.
        int8_refused: why there is no eight-bit model; None where there is one, or none was asked for.
        doubts: of the training, which hold for what ships.
    """

    files: tuple[Path, ...]
    parity: PathParity
    int8: PathParity | None
    int8_refused: str | None
    doubts: tuple[str, ...]

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        return f"Exported; from photo file to decision: {self.parity.text()}."


def plan(options: ExportOptions) -> dict[str, Any]:
    """What would be compared and written; nothing is written.

    Raises:
        FootageError: as for :func:`run`.
    """
    manifest = verify(_trained(options))
    return {
        "model": str(_trained(options)),
        "backend": manifest.details.get("backend"),
        "output": str(options.output),
        "photos_to_compare_on": len(_photos(options, manifest)),
        "int8": options.int8,
        "tensorrt": options.tensorrt,
    }


def run(options: ExportOptions, *, make_progress: MakeProgress) -> Exported:
    """Copy the model of a training to where it ships, and check it on photos that it did not learn from.

    The files get their names only when every decision is that of the network.

    Args:
        options: what to export.
        make_progress: makes the progress display from the number of photos and how many are already done.

    Raises:
        ModelError: the training's files are missing or do not belong together, or a decision changed.
        DatasetError: the data set is not there.
        MissingDependency: an engine was asked for, and TensorRT or a GPU is missing.
        OSError: the folder cannot be written.
    """
    source = _trained(options)
    manifest = verify(source)
    files = _photos(options, manifest)
    reference = by_torch(*_network(options, manifest))
    with make_progress(len(files) * (1 + options.int8), 0) as progress:
        shipped = BlurClassifier.open(source, device="cpu")
        parity = compare(reference, by_classifier(shipped), files, luma=shipped.by_luma, progress=progress)
        require(parity, what=source, max_abs_difference=MAX_DIFFERENCE)
        options.output.mkdir(parents=True, exist_ok=True)
        details = {**manifest.details, "parity_from_file_to_decision": parity.text()}
        written = _write(source, replace(manifest, details=details), options.output)
        eight, refused = _int8(options, shipped, details, files, progress) if options.int8 else (None, None)
    if eight is not None and refused is None:
        written += [options.output / INT8_FOLDER / name for name in (MODEL_NAME, NAMES_FILE)]
    if options.tensorrt:
        written.append(_engine(options.output / MODEL_NAME, shipped))
    doubts = tuple(str(doubt) for doubt in manifest.details.get("doubts", ()))
    return Exported(files=tuple(written), parity=parity, int8=eight, int8_refused=refused, doubts=doubts)


def _trained(options: ExportOptions) -> Path:
    model = options.run / MODEL_NAME
    if not model.is_file():
        raise ModelError(
            f"holds no {MODEL_NAME}", where=options.run, remedy="name the folder of a training that was finished"
        )
    return model


def _network(options: ExportOptions, manifest: ModelManifest) -> tuple[Any, Any, Any]:
    """The network, the preprocessing and the rule of a training."""
    described = manifest.details.get("network")
    if not isinstance(described, dict) or "backend" not in described:
        raise ModelError("its manifest does not say which network it is", where=options.run)
    shipped = BlurClassifier.open(options.run, device="cpu")
    size = manifest.input.preprocessing.get("long_side_px") or described.get("side_px")
    backend = make_backend(str(described["backend"]), side_px=size, trained=options.run / WEIGHTS_FILE)
    classes = tuple(str(name) for name in manifest.details.get("classes_trained", CLASSES))
    return OfSomeClasses(backend.network, classes), backend.maker, shipped.rule


def _photos(options: ExportOptions, manifest: ModelManifest) -> list[Path]:
    """Photos that were not learned from, spread evenly."""
    folder = options.dataset or Path(str(manifest.details.get("dataset", "")))
    prepared = read_prepared(folder)
    files = [folder / photo.file for photo in prepared.photos if photo.side != "train"]
    spread = np.linspace(0, len(files) - 1, min(len(files), options.photos)).round().astype(int)
    return [files[index] for index in spread.tolist()]


def _write(model: Path, manifest: ModelManifest, folder: Path) -> list[Path]:
    target = folder / MODEL_NAME
    with atomic_path(target) as temporary:
        shutil.copyfile(model, temporary)
    atomic_write_json(folder / NAMES_FILE, list(CLASSES))
    save_manifest(manifest, target)
    return [target, folder / NAMES_FILE, manifest_path(target)]


def _int8(
    options: ExportOptions,
    shipped: BlurClassifier,
    details: dict[str, Any],
    files: list[Path],
    progress: Progress,
) -> tuple[PathParity | None, str | None]:
    """Write the eight-bit model where it keeps every decision; else say why there is none."""
    inputs = []
    for file in files[:: max(1, len(files) // _CALIBRATION_PHOTOS)]:
        try:
            inputs.append(shipped.evidence(read_photo(file, luma=shipped.by_luma).image).array)
        except PhotoError:
            continue
    with tempfile.TemporaryDirectory(dir=options.output) as folder:
        tried = Path(folder) / MODEL_NAME
        quantise(shipped.path, tried, inputs)
        atomic_write_bytes(tried.with_name(NAMES_FILE), (options.output / NAMES_FILE).read_bytes())
        manifest = replace(shipped.manifest, details={**details, "computes_in": "int8"})
        save_manifest(manifest, tried)
        eight = BlurClassifier.open(tried, device="cpu")
        parity = compare(by_classifier(shipped), by_classifier(eight), files, luma=shipped.by_luma, progress=progress)
        if parity.decisions_changed:
            return parity, f"refused: {parity.text()}"
        target = options.output / INT8_FOLDER
        target.mkdir(exist_ok=True)
        _write(tried, replace(manifest, details={**manifest.details, "int8_parity": parity.text()}), target)
    return parity, None


def _engine(model: Path, shipped: BlurClassifier) -> Path:
    from footage.persistence.tensorrt_build import ShapeRange, cached_engine
    from footage.training.export import INPUT_NAME

    one = (1, *(side or 1 for side in (shipped.manifest.input.shape or ())[1:]))
    most = (16, *one[1:])
    return cached_engine(model, shapes={INPUT_NAME: ShapeRange(one, one, most)})
