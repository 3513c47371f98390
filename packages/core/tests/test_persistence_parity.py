from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from footage.errors import ModelError
from footage.persistence.parity import check_parity, require_parity

Scores = NDArray[np.float64]
BATCHES = [np.random.default_rng(i).random((n, 3)) for i, n in enumerate((4, 0, 7))]


def same(batch: Scores) -> Scores:
    return batch * 2


def test_equal_models_change_nothing() -> None:
    found = check_parity(same, same, BATCHES)
    assert (found.n, found.decisions_changed, found.max_abs_difference) == (11, 0, 0.0)
    require_parity(found, what="m.onnx", max_abs_difference=0.0)
    assert found.text() == "0 of 11 decisions changed, outputs differ by at most 0"


def test_changed_decisions_are_counted_and_named() -> None:
    def swapped(batch: Scores) -> Scores:
        out = same(batch)
        if len(batch) == 7:
            out[2] = out[2][::-1] + 0.5
        return out

    changed = same(BATCHES[2])[2].argmax() != (same(BATCHES[2])[2][::-1]).argmax()
    assert changed
    found = check_parity(same, swapped, BATCHES)
    assert (found.decisions_changed, found.changed_rows) == (1, (6,))
    with pytest.raises(ModelError, match=r"m\.onnx: the export is not the model .* 1 of 11 decisions changed"):
        require_parity(found, what="m.onnx")


def test_differences_without_a_changed_decision_may_be_limited() -> None:
    found = check_parity(same, lambda batch: same(batch) + 1e-3, BATCHES)
    assert found.decisions_changed == 0
    assert found.max_abs_difference == pytest.approx(1e-3)
    require_parity(found, what="m.onnx")
    with pytest.raises(ModelError, match=r"differ by at most 0\.001"):
        require_parity(found, what="m.onnx", max_abs_difference=1e-4)


def test_a_threshold_can_decide() -> None:
    def decide(scores: Scores) -> NDArray[np.bool_]:
        return scores[:, 0] > 0.5

    near = [np.array([[0.2495, 0.0], [0.1, 0.9]])]
    found = check_parity(same, lambda batch: same(batch) + 2e-3, near, decide=decide)
    assert (found.decisions_changed, found.changed_rows) == (1, (0,))


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ModelError, match="no input"):
        check_parity(same, same, [])
    with pytest.raises(ModelError, match=r"shape \(4, 2\) where the measured one gives \(4, 3\)"):
        check_parity(same, lambda batch: same(batch)[:, :2], BATCHES)
    with pytest.raises(ModelError, match="rows 0 to 3 is not a finite number"):
        check_parity(same, lambda batch: same(batch) * np.nan, BATCHES)
