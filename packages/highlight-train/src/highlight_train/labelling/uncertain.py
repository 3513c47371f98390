"""A model's opinion of the clips, found in the background while a person labels."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from footage.errors import FootageError
from highlight_train.batch.work import Failure, score_files, scoring_of
from highlight_train.labelling.library import Clip
from highlight_train.scoring.pooling import Pooling, pool

_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the scoring is.

    Attributes:
        done: clips that were looked at.
        total: clips of the library.
        error: why it ended early; None where it did not.
    """

    done: int
    total: int
    error: str | None


class BackgroundScores:
    """Scores clips one by one in a thread, in random order: the first few hundred then stand for the whole library."""

    def __init__(self, clips: Iterable[Clip], model: Path) -> None:
        """Verify the model; nothing is scored before ``start``.

        Args:
            clips: what to score.
            model: the ``.onnx`` file, its manifest beside it.

        Raises:
            ModelError: the model cannot be used.
        """
        self._scoring = scoring_of([model])
        self._clips = list(clips)
        self._scores: list[tuple[str, float]] = []
        self._done = 0
        self._error: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scoring", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the clip at hand."""
        self._stop.set()
        self._thread.join()

    def scores(self, start: int = 0) -> list[tuple[str, float]]:
        """The ids and scores of the clips that could be scored, in the order they were, from the ``start``-th on."""
        return self._scores[start:]

    def progress(self) -> Progress:
        """How far it is."""
        return Progress(done=self._done, total=len(self._clips), error=self._error)

    def _run(self) -> None:
        for index in np.random.default_rng(_SEED).permutation(len(self._clips)).tolist():
            if self._stop.is_set():
                return
            clip = self._clips[index]
            try:
                (answer,) = score_files([clip.path], self._scoring)
            except FootageError as error:  # of the model: the next clip would fare no better
                self._error = str(error)
                return
            if not isinstance(answer, Failure):
                self._scores.append((clip.id, pool(answer.scores, Pooling.SOFTMAX)))
            self._done += 1
