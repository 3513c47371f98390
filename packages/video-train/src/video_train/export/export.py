"""``video-train export``: a training's weights as an ONNX file that is shown to decide the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.dataset.discover import find_media
from footage.errors import DatasetError, InputError, ModelError, VideoError
from footage.persistence.bundle import read_manifest, save_manifest
from footage.persistence.parity import Parity
from footage.runs.files import atomic_write_bytes
from footage.training.clips import ClipSampling, clip_times, length_seconds, read_clip
from footage.training.export import export_onnx
from video_train.model import BEST_FILE, MODEL_FILE, SPLIT_FILE, read_model
from video_train.train.rows import CLIPS_FOLDER

_MOST_CLIPS = 256
_BATCH = 8

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What to export, and where to.

    Attributes:
        run: the folder of a training.
        output: the folder for the model, its manifest and its split.
        videos: files, folders or globs whose clips the two are compared on; empty for the clips that the training
            stored.
    """

    run: Path
    output: Path
    videos: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written.

    Attributes:
        files: the model first.
        parity: how it compares with the weights, clip by clip.
        compared_on: which clips, in words.
    """

    files: tuple[Path, ...]
    parity: Parity
    compared_on: str


def export(options: ExportOptions, *, tell: Tell) -> Exported:
    """Write the ONNX form of a training's best weights, once it is shown to decide the same on real clips.

    Args:
        options: what, and where to.
        tell: told what is compared.

    Raises:
        InputError: the output is the training's own folder, or a file.
        ModelError: the training is not finished, its files do not belong together, or the export decides otherwise.
        DatasetError: there is no clip to compare on.
        OSError: the folder cannot be written.
    """
    if options.output.exists() and not options.output.is_dir():
        raise InputError("is a file, and a folder is wanted", where=options.output, remedy="name a folder")
    if options.output.exists() and options.output.samefile(options.run):
        raise InputError(
            "is the training's own folder, whose model was measured", where=options.output, remedy="name another folder"
        )
    trained = read_model(options.run)
    manifest = read_manifest(options.run / MODEL_FILE)
    clips, compared_on = _clips(options, trained.sampling)
    tell(f"comparing {BEST_FILE} and its ONNX form on {compared_on}")
    options.output.mkdir(parents=True, exist_ok=True)
    model = options.output / MODEL_FILE
    sampling = trained.sampling
    shape = (sampling.frames, sampling.size_px, sampling.size_px, 3)
    parity = export_onnx(trained.network, model, clips, shape=shape)
    save_manifest(replace(manifest, details={**manifest.details, "parity": parity.text()}), model)
    split = options.output / SPLIT_FILE
    atomic_write_bytes(split, (options.run / SPLIT_FILE).read_bytes())
    return Exported(files=(model, model.with_suffix(".json"), split), parity=parity, compared_on=compared_on)


def _clips(options: ExportOptions, sampling: ClipSampling) -> tuple[Iterator[NDArray[np.uint8]], str]:
    """Batches of real clips, and where they are from."""
    if options.videos:
        files = find_media(options.videos).files[:_MOST_CLIPS]
        return _read(files, sampling), f"clips of up to {len(files)} videos"
    stored = sorted((options.run / CLIPS_FOLDER).glob("*.npy"))
    if not stored:
        raise DatasetError(
            "holds no stored clips to compare the model on", where=options.run, remedy="give videos of your own"
        )
    return _stored(stored, sampling), "the clips that the training stored"


def _stored(files: list[Path], sampling: ClipSampling) -> Iterator[NDArray[np.uint8]]:
    """As many clips of every file as makes up the most that are compared."""
    each = max(1, _MOST_CLIPS // len(files))
    shape = (sampling.frames, sampling.size_px, sampling.size_px, 3)
    for file in files[:_MOST_CLIPS]:
        try:
            clips = np.load(file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise ModelError(f"is no array of clips ({error})", where=file, remedy="give videos instead") from error
        if clips.shape[1:] != shape or clips.dtype != np.uint8:
            raise ModelError("holds clips of another training", where=file, remedy="give videos instead")
        for at in range(0, min(each, len(clips)), _BATCH):
            yield np.array(clips[at : min(at + _BATCH, each)])


def _read(files: tuple[Path, ...], sampling: ClipSampling) -> Iterator[NDArray[np.uint8]]:
    first: VideoError | None = None
    count = 0
    for file in files:
        try:
            times = clip_times(0.0, length_seconds(file), sampling, None)
            clip = read_clip(file, times, sampling.size_px)
        except VideoError as error:
            first = first or error
            continue
        count += 1
        yield clip[None]
    if not count and first is not None:
        raise first
