"""What a model has to beat: ways of scoring clips that need no training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from footage.cli.progress import Progress
from footage.parallel import parallel_map
from highlight_train.baselines import ALWAYS_NORMAL, colourfulness, motion
from highlight_train.evaluation.clips import MeasuredClips
from highlight_train.evaluation.measure import Way
from highlight_train.prepare.clips import KnownClip
from highlight_train.scoring.decision import HALF, chosen_threshold
from highlight_train.scoring.sampler import sample_video


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen in a clip: how much it moves, and how colourful it is."""

    motion: float
    colourfulness: float


def looked_at(
    clips: Sequence[KnownClip], *, samples: int, side_px: int, jobs: int | None, progress: Progress
) -> tuple[dict[str, Look], dict[str, str]]:
    """Look at clips in worker processes.

    Args:
        clips: which; one that is named twice is read once.
        samples: pictures of a clip.
        side_px: the side that they are squeezed to.
        jobs: worker processes; None for one a core.
        progress: told of each clip.

    Returns:
        What is seen in each clip by its content, and why some could not be read.
    """
    looks: dict[str, Look] = {}
    failed: dict[str, str] = {}
    each = {clip.fingerprint: clip for clip in clips}
    look = partial(_look, samples=samples, side_px=side_px)
    for outcome in parallel_map(look, each.values(), jobs=jobs, ordered=False):
        if outcome.value is None:
            failed[outcome.item.fingerprint] = "failed" if outcome.error is None else outcome.error.message
            progress.fail()
        else:
            looks[outcome.item.fingerprint] = outcome.value
            progress.advance()
    return looks, failed


def _look(clip: KnownClip, *, samples: int, side_px: int) -> Look:
    """Look at the pictures that the model is shown, in a worker process.

    Raises:
        VideoError: the clip cannot be read.
    """
    images = sample_video(clip.labelled.path, samples, side_px=side_px).images
    return Look(motion(list(images)), colourfulness(list(images)))


def baselines(clips: MeasuredClips, looks: Mapping[str, Look], seed: int) -> list[Way]:
    """Ways without training; those with a scale of their own have their threshold from the validation side.

    Args:
        clips: to score.
        looks: what is seen in each of them and of the validation clips, by content.
        seed: of the random order.
    """
    count = len(clips.clips)
    ways = [
        Way(name=ALWAYS_NORMAL, scores=np.zeros(count), threshold=HALF, are_probabilities=True),
        Way(name="random", scores=np.random.default_rng(seed).random(count), threshold=HALF, are_probabilities=True),
    ]
    truth = np.array([clip.is_highlight for clip in clips.validation], dtype=np.bool_)
    has_both = bool(truth.any()) and not truth.all()
    for name in ("motion", "colourfulness"):
        chosen_on = np.array([getattr(looks[clip.fingerprint], name) for clip in clips.validation])
        ways.append(
            Way(
                name=name,
                scores=np.array([getattr(looks[clip.fingerprint], name) for clip in clips.clips]),
                threshold=chosen_threshold(truth, chosen_on) if has_both else None,
                are_probabilities=False,
            )
        )
    return ways
