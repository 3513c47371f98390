"""The split, the pictures and the scores, each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from footage.errors import DatasetError
from footage.persistence.parity import Parity
from footage.training.checkpoint import EpochRecord
from footage.training.loop import Fitted
from highlight_train.baselines import colourfulness, motion
from highlight_train.prepare.manifest import ClipEntry, FrameEntry, SkippedClip
from highlight_train.scoring.decision import chosen_threshold
from highlight_train.scoring.pooling import Pooling
from highlight_train.train.findings import Findings
from highlight_train.train.pictures import training_frames
from highlight_train.train.report import lay_out
from highlight_train.train.rows import Frames, frames_of_clips
from highlight_train.train.scores import evaluate, pooled
from highlight_train.train.sides import Sides, audited, deal


def clip(
    name: str, group: str, *, highlight: bool, frames: int = 2, span: tuple[float, float] | None = None
) -> ClipEntry:
    return ClipEntry(
        path=name,
        fingerprint=name,
        group=group,
        is_highlight=highlight,
        spans=() if span is None else (span,),
        duration_seconds=None,
        sampled="keyframes",
        note=None,
        frames=tuple(FrameEntry(file="", seconds=float(k), sha256=f"{name}{k}") for k in range(frames)),
    )


def table(groups: int, per_group: int = 2) -> Frames:
    clips = [
        clip(f"{group}-{number}", f"day {group}", highlight=number % 2 == 0)
        for group in range(groups)
        for number in range(per_group)
    ]
    return frames_of_clips(clips, None)


class Noise:
    """A picture for every frame that looks like no other."""

    def __init__(self, same: Sequence[int] = ()) -> None:
        self.same = same

    def __call__(self, index: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng(self.same[0] if index in self.same else index)
        return np.repeat(np.repeat(rng.integers(0, 256, (8, 8, 3)), 8, axis=0), 8, axis=1).astype(np.uint8)


@pytest.mark.parametrize("groups", [3, 5, 12, 40])
def test_no_group_is_on_two_sides_and_each_side_has_both_classes(groups: int) -> None:
    frames = table(groups)
    sides = deal(frames, seed=1)
    rows = [sides.train, sides.val, sides.test]
    assert sorted(np.concatenate(rows).tolist()) == list(range(len(frames.clips)))
    names = [set(frames.clip_groups[side]) for side in rows]
    assert not names[0] & names[1] | names[0] & names[2] | names[1] & names[2]
    assert all(len(set(frames.clip_labels[side])) == 2 for side in rows)
    assert deal(frames, seed=1).sha256() == sides.sha256()
    assert len({deal(frames, seed=seed).sha256() for seed in range(8)}) > 1


def test_one_folder_is_split_by_clip_and_that_is_a_doubt() -> None:
    frames = table(1, per_group=12)
    sides = deal(frames, seed=0)
    assert sides.grouped_by == "clip"
    assert "the clips lie in 1 folder, too few to keep flights apart" in sides.doubts[0]
    assert len(set(sides.frames.clip_groups)) == 12
    with pytest.raises(DatasetError, match="2 clips cannot be dealt out"):
        deal(table(1), seed=0)


def test_a_side_without_a_class_is_a_doubt() -> None:
    clips = [clip(f"{n}", f"day {n}", highlight=n == 0) for n in range(6)]
    doubts = deal(frames_of_clips(clips, None), seed=0).doubts
    assert sum("no highlight clip" in doubt for doubt in doubts) >= 1


def test_few_groups_and_copies_across_the_split_are_doubts() -> None:
    many = deal(table(40), seed=0)
    assert audited(many, Noise()) == []
    few = deal(table(5), seed=0)
    assert "at least 5 are needed for an interval" in audited(few, Noise())[0]
    copies = [int(many.frames.of_clips(side[:1])[0]) for side in (many.train, many.test)]
    (doubt,) = audited(many, Noise(copies))
    first, second = (many.frames.clips[many.frames.clip[row]].path for row in copies)
    assert f"1 pairs of pictures on different sides look the same, such as one of {first} and one of {second}" in doubt


def test_both_classes_are_needed() -> None:
    with pytest.raises(DatasetError, match="no frame is highlight"):
        frames_of_clips([clip("a", "a", highlight=False)], None)


def test_neither_a_class_nor_a_long_clip_outweighs_the_others() -> None:
    clips = [
        clip("dive", "a", highlight=True, frames=4),
        clip("moment", "a", highlight=True, frames=10, span=(2.0, 4.0)),
        clip("long", "b", highlight=False, frames=90),
        clip("short", "b", highlight=False, frames=1),
    ]
    frames = frames_of_clips(clips, None)
    items = training_frames(frames, np.arange(len(frames)), Noise())
    share = items.weights / items.weights.sum()
    by_clip = {
        (c, label): share[(frames.clip == c) & (frames.labels == label)].sum() for c in range(4) for label in (0, 1)
    }
    assert share[frames.labels == 1].sum() == pytest.approx(0.5)
    assert by_clip[0, 1] == pytest.approx(by_clip[1, 1]) == pytest.approx(0.25)
    assert by_clip[1, 0] == pytest.approx(by_clip[2, 0]) == pytest.approx(by_clip[3, 0]) == pytest.approx(1 / 6)
    with pytest.raises(DatasetError, match="no normal frame is on the training side"):
        training_frames(frames, np.flatnonzero(frames.labels == 1), Noise())


@given(
    truth=st.lists(st.booleans(), min_size=2, max_size=20).filter(lambda t: any(t) and not all(t)),
    data=st.data(),
)
def test_no_threshold_is_better_than_the_chosen_one(truth: list[bool], data: st.DataObject) -> None:
    positive = np.array(truth)
    scores = np.array(data.draw(st.lists(st.sampled_from(range(8)), min_size=len(truth), max_size=len(truth)))) / 8

    def balanced(threshold: float) -> float:
        said = scores >= threshold
        return float((said[positive].mean() + (~said)[~positive].mean()) / 2)

    best = max(balanced(threshold) for threshold in [*scores, 2.0])
    assert balanced(chosen_threshold(positive, scores)) == pytest.approx(best)


def test_without_both_classes_the_threshold_is_a_half() -> None:
    assert chosen_threshold(np.array([True, True]), np.array([0.1, 0.9])) == 0.5


def test_the_scores_are_those_of_the_test_side_beside_the_baselines() -> None:
    frames = table(30)
    sides = deal(frames, seed=3)
    rng = np.random.default_rng(0)
    scores = np.clip(frames.labels * 0.3 + rng.uniform(0, 0.7, len(frames)), 0, 1)
    found = evaluate(sides, scores, Noise(), seed=5)
    truth = frames.clip_labels[sides.test]
    expected = average_precision_score(truth, pooled(frames, sides.test, scores, found.pooling))
    assert found.model.average_precision.estimate == pytest.approx(expected)
    assert [score.name for score in found.scores] == ["the model", "always normal", "motion", "colourfulness"]
    assert found.scores[1].average_precision.estimate == pytest.approx(truth.mean())
    assert found.scores[1].balanced_accuracy.estimate == 0.5
    assert found.model.average_precision.groups == len(set(frames.clip_groups[sides.test]))
    assert found.model.average_precision.n == len(sides.test) == found.confusion.sum()
    best = next(score for score in found.scores if score.name == found.best_baseline).average_precision.estimate
    assert best is not None
    assert found.gain.estimate == pytest.approx(expected - best)
    highest = max(value or 0.0 for value in found.pooling_on_validation.values())
    assert found.pooling_on_validation[found.pooling.value] == highest
    changed = scores.copy()
    changed[frames.of_clips(sides.test)] = rng.random(len(frames.of_clips(sides.test)))
    again = evaluate(sides, changed, Noise(), seed=5)
    assert (again.pooling, again.model.threshold) == (found.pooling, found.model.threshold), (
        "chosen without the test side"
    )


def test_a_score_that_is_perfect_is_told_with_its_interval() -> None:
    frames = table(30)
    sides: Sides = deal(frames, seed=3)
    found = evaluate(sides, frames.labels.astype(float), Noise(), seed=0)
    assert found.model.average_precision.estimate == found.model.average_precision.low == 1.0
    assert found.model.balanced_accuracy.estimate == 1.0
    assert found.pooling is Pooling.SOFTMAX, "between equals the first"
    assert np.array_equal(found.confusion, np.diag(np.diag(found.confusion)))


def test_what_needs_no_training_measures_what_it_says() -> None:
    still = [np.full((4, 4, 3), 90, np.uint8)] * 3
    moving = [np.full((4, 4, 3), shade, np.uint8) for shade in (10, 30, 20)]
    assert motion(still) == motion(still[:1]) == 0
    assert motion(moving) == pytest.approx(15)
    assert colourfulness(still) == pytest.approx(0)
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 200
    # rg = 200, yb = 100 everywhere: no spread, 0.3 times the length of the mean
    assert colourfulness([red]) == pytest.approx(0.3 * np.hypot(200, 100))
    half = red.copy()
    half[:2] = 0
    assert colourfulness([half]) == pytest.approx(np.hypot(100, 50) + 0.3 * np.hypot(100, 50))


def test_frames_that_went_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"4 of its 4 frames are missing.*prepare the data set again"):
        frames_of_clips([clip("a", "a", highlight=True), clip("b", "a", highlight=False)], tmp_path / "gone")


def test_the_report_shows_the_gravest_mistake_first() -> None:
    frames = table(40)
    sides = deal(frames, seed=3)
    scores = np.where(frames.labels == 1, 0.8, 0.2)
    worst, bad = (int(c) for c in sides.test[~frames.clip_labels[sides.test]][:2])
    scores[frames.clip == worst], scores[frames.clip == bad] = 0.99, 0.6
    record = EpochRecord(epoch=0, train_loss=0.5, val_loss=0.4, val_metric=None, frozen=True)
    findings = Findings(
        backbone="resnet18",
        start="random weights",
        device="the CPU",
        settings={},
        sides=sides,
        skipped=(SkippedClip(path="bad\n.mp4", reason="the file is empty"),),
        fitted=Fitted(history=(record,), best_epoch=0, stopped="all 1 epochs are done"),
        evaluation=evaluate(sides, scores, Noise(), seed=0),
        frame_scores=scores,
        doubts=(),
    )
    page = lay_out(findings, Noise(), Parity(n=3, decisions_changed=0, max_abs_difference=0.0)).html()
    wrong = page[page.index("Where it is wrong") :]
    assert "2 clips that were scored wrong" in wrong
    assert wrong.index(f"<td>{frames.clips[worst].path}</td>") < wrong.index(f"<td>{frames.clips[bad].path}</td>")
    assert findings.ready
    assert "not ready" not in page
    assert "bad\\n.mp4" in page
