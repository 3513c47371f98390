"""Drawing items, and the learning rate over the steps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from footage.training.randomness import drawn, generator_at, seed_torch_at
from footage.training.schedule import warmup_cosine


@given(
    weights=st.lists(st.floats(0, 10), min_size=1, max_size=30).filter(lambda w: sum(w) > 1e-3),
    count=st.integers(1, 200),
    seed=st.integers(0, 2**32),
)
def test_items_come_as_often_as_their_weight_says(weights: list[float], count: int, seed: int) -> None:
    counts = np.bincount(drawn(weights, count, np.random.default_rng(seed)), minlength=len(weights))
    expected = count * np.array(weights) / sum(weights)
    assert counts.sum() == count
    assert (np.abs(counts - expected) < 1 + 1e-6).all()


@given(count=st.integers(1, 100), seed=st.integers(0, 2**32))
def test_equal_weights_give_a_permutation(count: int, seed: int) -> None:
    assert sorted(drawn(np.ones(count), count, np.random.default_rng(seed))) == list(range(count))


@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0, -1.0, 5.0], [np.nan, 1.0], [np.inf]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        drawn(weights, 3, np.random.default_rng(0))


def test_a_place_has_its_own_numbers_whenever_they_are_asked_for() -> None:
    def numbers(*place: int) -> list[float]:
        seed_torch_at(*place)
        return [*generator_at(*place).random(3).tolist(), *torch.rand(3).tolist()]

    assert numbers(1, 2, 3) == numbers(1, 2, 3)
    assert len({tuple(numbers(*place)) for place in [(1, 2, 3), (1, 3, 2), (1, 2), (1, 2, 3, 0), (0, 2, 3)]}) == 5


@given(total=st.integers(1, 300), warmup=st.integers(0, 50))
def test_the_rate_rises_then_falls_and_never_is_nothing(total: int, warmup: int) -> None:
    rates = [warmup_cosine(step, total, warmup) for step in range(total)]
    top = min(max(warmup - 1, 0), total - 1)
    assert all(0 < rate <= 1 for rate in rates)
    assert all(a < b for a, b in pairwise(rates[: top + 1]))
    assert all(a >= b for a, b in pairwise(rates[top:]))
    assert total <= warmup or max(rates) == 1
