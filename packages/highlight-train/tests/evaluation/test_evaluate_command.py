"""Evaluate on clips whose redness is their score, so that every figure is known by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from footage.cli.progress import Progress
from footage.dataset.manifest import quick_fingerprint
from footage.errors import DatasetError, ModelError
from footage.persistence.bundle import read_manifest, save_manifest
from highlight_train.cli import app
from highlight_train.evaluation.clips import Side
from highlight_train.evaluation.evaluate import EvaluateOptions, plan, run
from highlight_train.evaluation.findings import Evaluation
from highlight_train.labels import Labelled, Labels, write_labels
from highlight_train.scoring.pooling import Pooling
from highlight_train.train.split_file import SPLIT_FILE, Split, SplitClip, write_split

HIGHLIGHTS = (0.95, 0.85, 0.75, 0.65, 0.2)
NORMAL = (0.9, 0.3, 0.25, 0.1, 0.05)
TRAINED = ((0.97, True, "train"), (0.02, False, "train"), (0.6, True, "val"), (0.4, False, "val"))


class World:
    """A model whose score is redness, the clips it learned from, and a test side of five folders."""

    def __init__(self, folder: Path, make_clip: Callable[..., Path], make_model: Callable[..., Path]) -> None:
        self.folder = folder
        clips = [
            (make_clip(folder / "old" / f"{side}{number}.mp4", [red] * 20), kind, side)
            for number, (red, kind, side) in enumerate(TRAINED)
        ]
        for number, (high, low) in enumerate(zip(HIGHLIGHTS, NORMAL, strict=True)):
            day = folder / f"day {number}"
            clips += [(make_clip(day / "DJI_0001.mp4", [high] * 20), True, "test")]
            clips += [(make_clip(day / "DJI_0002.mp4", [low] * 20), False, "test")]
        self.split = Split(
            grouped_by="flight or day folder",
            clips=tuple(
                SplitClip(
                    side=side,
                    path=path,
                    fingerprint=quick_fingerprint(path),
                    group=str(path.parent),
                    is_highlight=kind,
                )
                for path, kind, side in clips
            ),
        )
        self.model = make_model(folder / "training" / "model.onnx", side_px=32)
        self.describe(pooling="mean", threshold=0.5)

    def describe(self, **details: object) -> None:
        """Say in the manifest what a training would say of its split and its choices."""
        manifest = replace(read_manifest(self.model), split_sha256=self.split.sha256(), details=details)
        save_manifest(manifest, self.model)
        write_split(self.split, self.model.with_name(SPLIT_FILE))

    def labels(self, name: str, *, highlights: list[Path], normal: list[Path]) -> Path:
        file = self.folder / name
        write_labels(Labels(tuple(map(Labelled, highlights)), tuple(map(Labelled, normal))), file)
        return file

    def paths(self, *sides: str, is_highlight: bool) -> list[Path]:
        return [clip.path for clip in self.split.clips if clip.side in sides and clip.is_highlight is is_highlight]


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, make_red_clip: Callable[..., Path], make_red_model: Callable[..., Path]
) -> World:
    """Read only."""
    return World(tmp_path_factory.mktemp("world"), make_red_clip, make_red_model)


@pytest.fixture
def own_world(tmp_path: Path, world: World, make_red_model: Callable[..., Path]) -> World:
    """The same, to change at will."""
    own = World.__new__(World)
    own.folder = tmp_path / "own"
    own.split = replace(
        world.split,
        clips=tuple(
            replace(clip, path=own.folder / clip.path.relative_to(world.folder), group=Path(clip.group).name)
            for clip in world.split.clips
        ),
    )
    shutil.copytree(world.folder, own.folder)
    own.model = own.folder / "training" / "model.onnx"
    own.describe(pooling="mean", threshold=0.5)
    return own


def evaluate(options: EvaluateOptions, told: list[str] | None = None) -> Evaluation:
    return run(
        replace(options, jobs=1, device="cpu"),
        tell=(told if told is not None else []).append,
        make_progress=lambda total, done: Progress(total, "videos", "", already_done=done, log_every_seconds=1e9),
    )


def test_the_figures_are_those_worked_out_by_hand(world: World, tmp_path: Path) -> None:
    told: list[str] = []
    found = evaluate(EvaluateOptions(model=world.model, output=tmp_path), told)
    model = found.measured.model
    best = max(found.clips, key=lambda clip: clip.score)
    assert (len(found.clips), best.is_highlight) == (10, True)
    assert best.score == pytest.approx(0.95, abs=0.02)
    # Ranked: H .95, N .90, H .85, H .75, H .65, N .30, N .25, H .20, ...: precisions 1, 2/3, 3/4, 4/5, 5/8.
    assert model.average_precision.estimate == pytest.approx((1 + 2 / 3 + 3 / 4 + 4 / 5 + 5 / 8) / 5)
    assert model.balanced_accuracy.estimate == pytest.approx((4 / 5 + 4 / 5) / 2)
    assert model.precision_at_50.estimate == 0.5
    squares = [(1 - red) ** 2 for red in HIGHLIGHTS] + [red**2 for red in NORMAL]
    assert model.brier.estimate == pytest.approx(sum(squares) / 10, abs=0.02)
    assert found.measured.confusion.tolist() == [[4, 1], [1, 4]]
    assert (model.average_precision.n, model.average_precision.groups) == (10, 5)
    assert model.average_precision.low is not None
    assert model.average_precision.low < (model.average_precision.estimate or 0)
    names = [score.name for score in found.measured.scores]
    assert names == ["the model", "always normal", "random", "motion", "colourfulness"]
    always = found.measured.scores[1]
    assert (always.average_precision.estimate, always.balanced_accuracy.estimate, always.brier.estimate) == (
        0.5,
        0.5,
        0.5,
    )
    motion = found.measured.scores[3]
    assert (motion.brier.estimate, motion.brier.reason) == (None, "its scores are no probabilities")
    assert found.on.held_out
    assert (found.on.left_out, found.on.seen) == (4, 0)
    assert "left out: 4 clips that training learned from or chose by" in told
    assert "On 10 clips it never saw" in found.lead


def test_what_is_written_is_what_was_found(world: World, tmp_path: Path) -> None:
    found = evaluate(EvaluateOptions(model=world.model, output=tmp_path))
    document: dict[str, Any] = json.loads((tmp_path / "evaluation.json").read_bytes())
    page = (tmp_path / "evaluation.html").read_text(encoding="utf-8")
    assert document["lead"] == found.lead
    assert document["held_out"] is True
    assert [entry["label"] for entry in document["predictions"]][:2] == ["highlight", "normal"]
    assert document["decision"]["threshold"] == 0.5
    # The two mistakes, the more confident one first.
    assert [clip.is_highlight for clip in found.mistakes(5)] == [False, True]
    assert page.count("Film strip of") == 2
    assert json.loads((tmp_path / "run.json").read_bytes())["finished"] is not None


def test_the_models_own_pooling_and_threshold_are_taken(own_world: World, tmp_path: Path) -> None:
    own_world.describe(pooling="max", threshold=0.8)
    found = evaluate(EvaluateOptions(model=own_world.model.parent, output=tmp_path))
    assert (found.decision.pooling, found.decision.threshold) == (Pooling.MAX, 0.8)
    assert found.measured.confusion.tolist() == [[4, 1], [3, 2]]


def test_clips_that_training_saw_are_left_out_of_other_labels_wherever_they_were_moved(
    own_world: World, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for number, clip in enumerate(own_world.split.clips):
        clip.path.rename(moved / f"{number}-{clip.side}-{int(clip.is_highlight)}.mp4")
    files = sorted(moved.iterdir())
    labels = own_world.labels(
        "other.json",
        highlights=[file for file in files if file.stem.endswith("1")],
        normal=[file for file in files if file.stem.endswith("0")],
    )
    options = EvaluateOptions(model=own_world.model, labels=labels, output=tmp_path / "out")
    found = evaluate(options)
    assert {clip.path.stem.split("-")[1] for clip in found.clips} == {"test"}
    assert (found.on.left_out, found.on.held_out) == (4, True)
    assert found.measured.model.average_precision.groups == 5  # those of training, not the one folder they lie in now
    every = evaluate(replace(options, side=Side.ALL))
    assert (len(every.clips), every.on.seen, every.on.held_out) == (14, 4, False)
    assert "4 of which it has seen" in every.lead
    assert "never saw" not in every.lead


def test_clips_that_are_gone_or_changed_are_listed_not_measured(own_world: World, tmp_path: Path) -> None:
    first, second, *_ = [clip.path for clip in own_world.split.clips if clip.side == "test"]
    first.unlink()
    second.write_bytes(second.read_bytes() + b"x")
    found = evaluate(EvaluateOptions(model=own_world.model, output=tmp_path))
    assert len(found.clips) == 8
    reasons = {Path(one.path): one.reason for one in found.on.skipped}
    assert reasons[second] == "is another file than in training"
    assert "No such file" in reasons[first]


def test_further_clips_in_folders_of_training_are_a_reservation(
    own_world: World, tmp_path: Path, make_red_clip: Callable[..., Path]
) -> None:
    old = Path(own_world.folder) / "old"
    own_world.split = replace(
        own_world.split, clips=tuple(replace(clip, group=str(clip.path.parent)) for clip in own_world.split.clips)
    )
    own_world.describe(pooling="mean", threshold=0.5)
    new = [make_red_clip(old / f"new{number}.mp4", [red] * 10) for number, red in enumerate((0.7, 0.33))]
    labels = own_world.labels("new.json", highlights=new[:1], normal=new[1:])
    planned = plan(EvaluateOptions(model=own_world.model, labels=labels))
    assert (planned.highlights, planned.normal, planned.groups) == (1, 1, 1)
    assert any("2 clips lie in folders that training learned from" in doubt for doubt in planned.doubts)


def test_labels_of_nothing_unseen_are_refused(world: World, tmp_path: Path) -> None:
    labels = tmp_path / "seen.json"
    highlights = tuple(map(Labelled, world.paths("train", "val", is_highlight=True)))
    normal = tuple(map(Labelled, world.paths("train", "val", is_highlight=False)))
    write_labels(Labels(highlights, normal), labels)
    with pytest.raises(DatasetError, match=r"no highlight and no normal clip .*4 that training learned from"):
        evaluate(EvaluateOptions(model=world.model, labels=labels, output=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_side_without_one_class_is_refused(own_world: World, tmp_path: Path) -> None:
    for path in own_world.paths("test", is_highlight=True):
        path.unlink()
    with pytest.raises(DatasetError, match=r"no highlight clip .*5 cannot be used"):
        evaluate(EvaluateOptions(model=own_world.model, output=tmp_path / "out"))


def test_a_model_without_its_split_or_with_anothers_is_refused(own_world: World, tmp_path: Path) -> None:
    options = EvaluateOptions(model=own_world.model, output=tmp_path)
    split = own_world.model.with_name(SPLIT_FILE)
    write_split(replace(own_world.split, clips=own_world.split.clips[1:]), split)
    with pytest.raises(DatasetError, match="the split of another model"):
        evaluate(options)
    split.write_text("[]")
    with pytest.raises(DatasetError, match="format version"):
        evaluate(options)
    split.unlink()
    with pytest.raises(DatasetError, match="which clips the model learned from"):
        evaluate(options)
    with pytest.raises(ModelError):
        evaluate(replace(options, model=tmp_path / "none.onnx"))


def test_the_verb_prints_figures_and_one_json_document(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", str(world.model), "-o", str(tmp_path), "--jobs", "1", "--device", "cpu"]
    assert app(arguments, standalone_mode=False) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("On 10 clips it never saw")
    assert printed.splitlines()[-1] == str(tmp_path / "evaluation.json")
    assert app([*arguments, "--json"], standalone_mode=False) == 0
    assert json.loads(capsys.readouterr().out)["clips"]["left_out_as_seen"] == 4
    assert app([*arguments, "--dry-run"], standalone_mode=False) == 0
    assert "5 highlight and 5 normal clips of 5 groups, held out" in capsys.readouterr().out
