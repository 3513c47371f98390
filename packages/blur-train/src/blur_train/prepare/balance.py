"""Which blurred photos are drawn from sharp ones where a class is rare, and the sharp ones that go with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import count

import numpy as np

from blur_train.classes import BlurClass
from blur_train.prepare.grouping import Grouped
from blur_train.prepare.writing import DrawJob

MOST_OF_ONE = 3
"""Photos of one class drawn from one original at most: more would teach the originals, not the blur."""


def jobs_for_rare_classes(train: Sequence[Grouped], balance: float, rng: np.random.Generator) -> list[DrawJob]:
    """What to draw so that every blur has at least a share of the photos of the most frequent class.

    A classifier could learn that what we drew is blurred, from the noise and the JPEG that we put on it. So sharp
    originals are taken again through the same camera without blur, as many as are drawn of the rarest class.

    Args:
        train: the photos of the train side; nothing else may be augmented.
        balance: wanted share of the most frequent class, 0 to 1; 0 draws nothing.
        rng: decides which originals are used.

    Returns:
        The jobs; fewer than wanted where there are too few sharp originals.
    """
    there = Counter(photo.known.candidate.label for photo in train)
    originals = [
        photo
        for photo in train
        if photo.known.candidate.label is BlurClass.SHARP and photo.known.candidate.edge_case is None
    ]
    target = int(np.ceil(balance * max(there.values(), default=0)))
    wanted: dict[BlurClass, int] = {
        label: max(0, target - there[label]) for label in BlurClass if label is not BlurClass.SHARP
    }
    wanted[BlurClass.SHARP] = min(max(wanted.values()), len(originals))
    numbers = count()
    jobs = []
    for label in BlurClass:
        for _ in range(MOST_OF_ONE):
            for index in rng.permutation(len(originals))[: wanted[label]]:
                jobs.append(DrawJob(photo=originals[index], label=label, number=next(numbers)))
                wanted[label] -= 1
    return jobs
