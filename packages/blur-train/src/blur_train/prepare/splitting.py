"""Groups dealt to four sides, so that every class is on every side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from blur_train.classes import BlurClass
from blur_train.prepare.manifest import SIDES
from footage.dataset.splits import Rows, by_group
from footage.errors import DatasetError, InputError

_ORDERS_TRIED = 64
"""A class with few groups, some of which it shares with others, may miss a side in one order and not in the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Shares of the photos; what is left is for training.

    Attributes:
        val: to choose the epoch by.
        test: to report.
        calibration: to choose thresholds by.
    """

    val: float = 0.1
    test: float = 0.15
    calibration: float = 0.1

    def __post_init__(self) -> None:
        """Refuse shares that leave nothing to learn from.

        Raises:
            InputError: a share is below 0, or they sum to 1 or more.
        """
        if min(self.val, self.test, self.calibration) < 0 or self.val + self.test + self.calibration >= 1:
            raise InputError(
                f"shares of {self.val:g}, {self.test:g} and {self.calibration:g} leave nothing to learn from",
                remedy="choose shares from 0 that sum to less than 1",
            )

    def sides(self) -> list[str]:
        """The sides that get something."""
        shares = (1.0, self.val, self.test, self.calibration)
        return [side for side, share in zip(SIDES, shares, strict=True) if share > 0]


def deal(groups: Sequence[str], labels: Sequence[BlurClass], shares: Shares, rng: np.random.Generator) -> list[str]:
    """The side of every photo.

    Args:
        groups: of every photo.
        labels: of every photo.
        shares: wanted.
        rng: decides which group goes where.

    Raises:
        DatasetError: a class has too few groups to be on every side.
    """
    wanted = shares.sides()
    strata = _strata(groups, labels, len(wanted))
    for _ in range(_ORDERS_TRIED):
        sides = _dealt(np.array(groups), strata, shares, rng)
        if sides is not None and {*product(wanted, labels)} <= {*zip(sides, labels, strict=True)}:
            return sides
    counts = Counter(label for _, label in {*zip(groups, labels, strict=True)})
    rarest, count = min(counts.items(), key=lambda item: (item[1], item[0]))
    raise DatasetError(
        f"{rarest} has {count} independent group(s) of photos, which cannot fill the sides {', '.join(wanted)}",
        remedy="add photos of other scenes, or set the share of a side to 0",
    )


def _dealt(
    groups: NDArray[np.str_], strata: Sequence[Rows], shares: Shares, rng: np.random.Generator
) -> list[str] | None:
    """The side of every photo in one random order; None where a stratum has too few groups for its sides."""
    side = np.empty(len(groups), dtype=object)
    rest = 1.0 - shares.test - shares.calibration
    for rows in strata:
        names = groups[rows]
        if len(np.unique(names)) < len(shares.sides()):
            return None
        first = by_group(names, (rest, shares.calibration, shares.test), rng)
        side[rows[first.val]], side[rows[first.test]] = "calibration", "test"
        left, names = rows[first.train], names[first.train]
        if shares.val and len(np.unique(names)) < 2:
            return None
        second = by_group(names, (1 - shares.val / rest, shares.val / rest, 0.0), rng)
        side[left[second.train]], side[left[second.val]] = "train", "val"
    return [str(name) for name in side]


def _strata(groups: Sequence[str], labels: Sequence[BlurClass], sides: int) -> list[Rows]:
    """Rows that are dealt together: those of groups with the same rarest class, if these are enough for all sides."""
    frequency = Counter(labels)
    rarest: dict[str, BlurClass] = {}
    for group, label in zip(groups, labels, strict=True):
        known = rarest.setdefault(group, label)
        rarest[group] = min(known, label, key=lambda one: (frequency[one], one))
    members: dict[BlurClass, list[str]] = {}
    for group, label in rarest.items():
        members.setdefault(label, []).append(group)
    largest = max(members, key=lambda label: (len(members[label]), label))
    stratum = {label: (label if len(found) >= sides else largest) for label, found in members.items()}
    of_row = np.array([stratum[rarest[group]] for group in groups])
    return [np.flatnonzero(of_row == label) for label in sorted(set(stratum.values()))]
