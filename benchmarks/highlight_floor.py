"""The two halves of scoring a video, each alone; a module of their own, so that worker processes can import them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from highlight_train.batch.journal import FileState
from highlight_train.scoring.model import HighlightModels, open_models
from highlight_train.scoring.sampler import SAMPLES, sample_video


def decode_one(file: FileState) -> int:
    """Only the keyframes."""
    return len(sample_video(file.path).images)


def infer_one(_number: int, model: Path) -> int:
    """Only the network, on as many pictures as a video gives."""
    return len(opened_once(model).score(np.zeros((SAMPLES, 224, 224, 3), np.uint8)))


@cache
def opened_once(model: Path) -> HighlightModels:
    """The model, once a process."""
    return open_models([model])
