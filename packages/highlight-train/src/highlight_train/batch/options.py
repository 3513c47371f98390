"""What a scan is asked to do, and with which models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from footage.errors import ModelError
from footage.runs.directory import RUN_FILE
from highlight_train.scoring.model import Ensemble
from highlight_train.scoring.pooling import Pooling
from highlight_train.scoring.sampler import SAMPLES

EXTENSIONS = frozenset({".mp4", ".mov", ".avi", ".mkv", ".m4v"})
TRAINING_FOLDER = Path("highlight_training")
MODEL_FILE = "model.onnx"
OUTPUT_FOLDER = Path("highlight_scores")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """What to score, and how.

    Attributes:
        library: a folder, searched with everything below it; or a file or a glob.
        models: model files, or folders that a training wrote; empty takes those of the last run.
        output: the folder for everything written.
        ensemble: how several models' answers become one.
        pooling: how the scores of frames become one; None as the model's training chose.
        samples: pictures of a video.
        threshold: the least score of a highlight, in [0, 1]; None as the model's training chose.
        jobs: worker processes; None takes one a processor, or one a GPU.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        scheduler: the address of a Dask scheduler whose workers do the work; None works on this machine.
        most_files: only so many of the library's files; None takes all.
    """

    library: Path
    models: tuple[Path, ...] = ()
    output: Path = OUTPUT_FOLDER
    ensemble: Ensemble = Ensemble.MEAN
    pooling: Pooling | None = None
    samples: int = SAMPLES
    threshold: float | None = None
    jobs: int | None = None
    device: str = "auto"
    scheduler: str | None = None
    most_files: int | None = None


def find_models(given: Sequence[Path], output: Path) -> tuple[Path, ...]:
    """The model files that were given, or those of the last run.

    Args:
        given: files, or folders that hold a ``model.onnx``; may be empty.
        output: the folder of earlier scans, whose models are taken where no training lies in its usual place.

    Raises:
        ModelError: nothing was given and nothing found.
    """
    if given:
        return tuple(path / MODEL_FILE if path.is_dir() else path for path in given)
    trained = TRAINING_FOLDER / MODEL_FILE
    if trained.is_file():
        return (trained,)
    earlier = _earlier_models(output / RUN_FILE)
    if earlier:
        return earlier
    raise ModelError(
        "there is no model here",
        where=trained,
        remedy="train one in this folder first, or name the model",
    )


def _earlier_models(run_file: Path) -> tuple[Path, ...]:
    try:
        record = json.loads(run_file.read_bytes())
        models = record["settings"]["models"]
        return tuple(Path(model["path"]) for model in models)
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return ()  # no scan, or one that did not get as far: the caller says what is missing
