"""Whether an exported model decides as the one that was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from footage.errors import ModelError

Predict = Callable[[NDArray[Any]], ArrayLike]
Decide = Callable[[NDArray[np.float64]], ArrayLike]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """Two models on the same inputs.

    Attributes:
        n: rows compared.
        decisions_changed: rows on which the two decide differently.
        max_abs_difference: largest distance between two outputs.
        changed_rows: the first few rows that changed, counted over all batches.
    """

    n: int
    decisions_changed: int
    max_abs_difference: float
    changed_rows: tuple[int, ...] = ()

    def text(self) -> str:
        """One line, such as ``0 of 240 decisions changed, outputs differ by at most 3.1e-07``."""
        return (
            f"{self.decisions_changed} of {self.n} decisions changed, "
            f"outputs differ by at most {self.max_abs_difference:.2g}"
        )


def _highest(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    best: NDArray[np.intp] = np.argmax(scores, axis=-1)
    return best


def check_parity(
    reference: Predict,
    candidate: Predict,
    batches: Iterable[NDArray[Any]],
    *,
    decide: Decide = _highest,
    max_listed: int = 10,
) -> Parity:
    """Run the same real inputs through both models and compare.

    Args:
        reference: the model that was measured: takes a batch, gives scores ``(N, C)``.
        candidate: the exported one, likewise.
        batches: inputs; the first axis counts rows.
        decide: makes decisions ``(N, ...)`` of scores; default the class with the highest score.
        max_listed: changed rows to name.

    Raises:
        ModelError: there is no input, the outputs have different shapes, or one is not finite.
    """
    n, largest = 0, 0.0
    changed: list[int] = []
    for batch in batches:
        a, b = (np.asarray(predict(batch), dtype=np.float64) for predict in (reference, candidate))
        if a.shape != b.shape or len(a) != len(batch):
            raise ModelError(f"the exported model gives shape {b.shape} where the measured one gives {a.shape}")
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            raise ModelError(f"an output for rows {n} to {n + len(batch) - 1} is not a finite number")
        if a.size:
            differ = np.asarray(decide(a)) != np.asarray(decide(b))
            rows = differ.reshape(len(a), -1).any(axis=1)
            changed.extend((np.flatnonzero(rows) + n).tolist())
            largest = max(largest, float(np.abs(a - b).max()))
        n += len(batch)
    if n == 0:
        raise ModelError("there is no input to compare the two models on", remedy="keep some rows for the check")
    return Parity(
        n=n, decisions_changed=len(changed), max_abs_difference=largest, changed_rows=tuple(changed[:max_listed])
    )


def require_parity(parity: Parity, *, what: str, max_abs_difference: float | None = None) -> None:
    """Refuse an export that changed a decision.

    Raises:
        ModelError: a decision changed, or outputs differ by more than ``max_abs_difference``.
    """
    too_far = max_abs_difference is not None and parity.max_abs_difference > max_abs_difference
    if parity.decisions_changed or too_far:
        raise ModelError(f"the export is not the model that was measured: {parity.text()}", where=what)
