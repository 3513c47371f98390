"""What a worker does, in this process, in another or on another machine: some files in, their frames' scores out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from footage.errors import ModelError, VideoError
from highlight_train.scoring.devices import device_of_this_process
from highlight_train.scoring.model import Ensemble, HighlightModels, check_models, open_models
from highlight_train.scoring.sampler import SAMPLES, Samples, sample_video
from highlight_train.scoring.video import FrameScores, frame_scores

SAMPLER_VERSION = 1
"""Changes when the same file would give other pictures: earlier scores are then not used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """Everything that decides the scores of a file's frames.

    Attributes:
        models: the model files, absolute.
        model_sha256s: of these files, in the same order.
        ensemble: how several models' answers become one.
        samples: pictures of a video.
        side_px: the side of the square pictures that the models take.
    """

    models: tuple[Path, ...]
    model_sha256s: tuple[str, ...]
    side_px: int
    ensemble: Ensemble = Ensemble.MEAN
    samples: int = SAMPLES

    def key(self) -> str:
        """A name for these settings by content: where the models lie does not count."""
        decisive = [SAMPLER_VERSION, self.model_sha256s, self.ensemble, self.samples, self.side_px]
        return hashlib.sha256(json.dumps(decisive).encode("ascii")).hexdigest()


def scoring_of(models: Sequence[Path], *, ensemble: Ensemble = Ensemble.MEAN, samples: int = SAMPLES) -> Scoring:
    """Verify models and put together what scoring with them takes.

    Raises:
        ModelError: a model cannot be used; see :func:`highlight_train.scoring.model.open_models`.
    """
    manifests = check_models(models)
    shape = manifests[0].input.shape
    assert shape is not None and shape[1] is not None  # noqa: S101, PT018 - check_models saw to it
    return Scoring(
        models=tuple(model.absolute() for model in models),
        model_sha256s=tuple(manifest.model_sha256 for manifest in manifests),
        side_px=shape[1],
        ensemble=ensemble,
        samples=samples,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a worker computes; decides the speed only.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        locks: a folder in which the workers of one machine tell each other which of several GPUs they took; None where
            each takes the first that it sees.
        decoding_threads: files that one worker reads at once.
    """

    device: str = "cpu"
    locks: Path | None = None
    decoding_threads: int = 1


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a file has no scores."""

    reason: str


def score_files(files: Sequence[Path], scoring: Scoring, place: Place = Place()) -> list[FrameScores | Failure]:
    """Score the frames of some files.

    On a GPU the frames of all files go through the models together. On a CPU that gains nothing, and each file's go by
    themselves: its scores are then the same to the last bit, whatever it was scored with.

    Args:
        files: a few; all their frames are in memory at once.
        scoring: what to score with.
        place: where.

    Returns:
        One answer a file, in the same order.

    Raises:
        ModelError: a model cannot be opened here, is another one than asked for, or failed.
        MissingDependency: ONNX Runtime here cannot compute on the device.
        InputError: it computes nothing on such a device.
    """
    device = device_of_this_process(place.device, place.locks)
    models = _opened(scoring, device)
    if place.decoding_threads > 1:
        with ThreadPoolExecutor(place.decoding_threads) as pool:
            read = list(pool.map(lambda file: _read(file, scoring), files))
    else:
        read = [_read(file, scoring) for file in files]
    samples = [one for one in read if isinstance(one, Samples)]
    if device == "cpu":
        scores = iter([models.score(one.images) for one in samples])
    else:
        together = models.score(np.concatenate([one.images for one in samples])) if samples else np.empty(0)
        scores = iter(np.split(together, np.cumsum([len(one.images) for one in samples])[:-1]))
    return [frame_scores(one, next(scores)) if isinstance(one, Samples) else one for one in read]


@lru_cache(maxsize=1)
def _opened(scoring: Scoring, device: str) -> HighlightModels:
    """The models, opened once a process."""
    models = open_models(scoring.models, how=scoring.ensemble, device=device)
    for path, found, wanted in zip(models.paths, models.sha256s, scoring.model_sha256s, strict=True):
        if found != wanted:
            raise ModelError(
                "is another model here than where the work was given out",
                where=path,
                remedy="copy the same model to every machine",
            )
    return models


def _read(file: Path, scoring: Scoring) -> Samples | Failure:
    try:
        return sample_video(file, scoring.samples, side_px=scoring.side_px)
    except VideoError as error:
        return Failure(error.what)
    except OSError as error:
        return Failure(f"cannot be read ({error.strerror or error})")
