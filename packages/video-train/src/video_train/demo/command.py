"""The verb ``demo``: the whole workflow on drawn videos whose class is which way something moves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from footage.cli.console import print_json, result, talk
from footage.cli.progress import progress
from footage.errors import GateNotMet
from footage.training.augmentation import Augmentation
from footage.training.clips import ClipSampling
from video_train.demo.motion import draw_set
from video_train.evaluation.evaluate import JSON_FILE, evaluate
from video_train.evaluation.evaluate import REPORT_FILE as EVALUATION_REPORT
from video_train.evaluation.findings import Evaluation
from video_train.evaluation.options import EvaluateOptions
from video_train.model import MODEL_FILE
from video_train.networks.clips import TINY
from video_train.prediction.predict import Prediction, PredictOptions, predict
from video_train.train.command import train
from video_train.train.findings import Findings
from video_train.train.options import TrainOptions
from video_train.train.outputs import REPORT_FILE as TRAINING_REPORT
from video_train.train.rows import MakeProgress

WHAT_IT_IS = (
    "These were drawn videos of a disc that moves to the left or to the right: no single frame gives the class away. "
    "The demo shows that the workflow works, and says nothing about your videos."
)
LABELS_FILE = "labels.csv"
DIRECTIONS = ("left", "right")
VIDEOS, SMOKE_VIDEOS = 60, 6
NEW_VIDEOS, SMOKE_NEW_VIDEOS = 15, 3
EPOCHS, SMOKE_EPOCHS = 14, 1
SAMPLING = ClipSampling(frames=6, size_px=48, span_seconds=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What a demo made.

    Attributes:
        findings: of the training.
        evaluation: on videos drawn afterwards.
        prediction: labels over time of some of those.
        files: what was written, the report last.
    """

    findings: Findings
    evaluation: Evaluation
    prediction: Prediction
    files: tuple[Path, ...]


def show(output: Path, *, seed: int, smoke: bool, as_json: bool) -> None:
    """Run the demo and print what it made; ends with the path of a report.

    Args:
        output: the folder for everything.
        seed: of the videos and of the training.
        smoke: a few videos, a single pass over them and no teacher.
        as_json: print one JSON document.

    Raises:
        FootageError: as the verbs that it runs.
    """
    made = run(output, seed=seed, smoke=smoke)
    if as_json:
        print_json(
            {
                "lead": made.evaluation.lead,
                "what_it_is": WHAT_IT_IS,
                "training": made.findings.lead,
                "evaluation": made.evaluation.document(),
                "prediction": made.prediction.document(),
                "files": [str(file) for file in made.files],
            }
        )
        return
    result(made.findings.lead)
    result(made.evaluation.lead)
    result(WHAT_IT_IS)
    for file in made.files:
        result(str(file))


def run(output: Path, *, seed: int, smoke: bool) -> Demo:
    """Draw the videos, then run the verbs as a user would; see :func:`show`."""
    old, new = output / "videos", output / "new videos"
    talk(f"drawing videos: {old} to learn from, {new} to measure on")
    draw_set(old, videos_a_class=SMOKE_VIDEOS if smoke else VIDEOS, seed=2 * seed, directions=DIRECTIONS)
    draw_set(new, videos_a_class=SMOKE_NEW_VIDEOS if smoke else NEW_VIDEOS, seed=2 * seed + 1, directions=DIRECTIONS)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # clips this small are too little work to share: threads would wait for each other
    try:
        findings = _train(old, output / "training", seed=seed, smoke=smoke)
    finally:
        torch.set_num_threads(threads)
    talk("video-train evaluate")
    evaluation = evaluate(
        EvaluateOptions(
            model=output / "training", video_dir=new, output=output / "evaluation", device="cpu", seed=seed, jobs=1
        ),
        tell=talk,
        make_progress=_stage("videos", "measuring"),
    )
    talk("video-train predict")
    labels = output / LABELS_FILE
    prediction = predict(
        PredictOptions(
            model=output / "training" / MODEL_FILE, videos=(new / DIRECTIONS[0],), output=labels, device="cpu", jobs=1
        ),
        tell=talk,
        make_progress=_stage("windows", "labelling"),
    )
    files = (
        labels,
        output / "training" / MODEL_FILE,
        output / "training" / TRAINING_REPORT,
        output / "evaluation" / JSON_FILE,
        output / "evaluation" / EVALUATION_REPORT,
    )
    return Demo(findings=findings, evaluation=evaluation, prediction=prediction, files=files)


def _train(videos: Path, output: Path, *, seed: int, smoke: bool) -> Findings:
    options = TrainOptions(
        video_dir=videos,
        output=output,
        student=TINY,
        student_weights="none",
        teacher=TINY,
        teacher_weights="none",
        distill=not smoke,
        compare=0 if smoke else 1,
        sampling=SAMPLING,
        windows=3,
        views=4,
        augmentation=Augmentation(flip=False),
        epochs=SMOKE_EPOCHS if smoke else EPOCHS,
        learning_rate=3e-3,
        device="cpu",
        jobs=1,
        seed=seed,
    )
    talk("video-train train")
    try:
        return train(options, tell=talk, make_progress=_stage("items", "reading and training"))
    except GateNotMet as error:
        talk(f"{error}: going on without a teacher")
        alone = replace(options, distill=False, compare=0)
        return train(alone, tell=talk, make_progress=_stage("items", "reading and training"))


def _stage(unit: str, what: str) -> MakeProgress:
    return lambda total, done: progress(total, unit, what, already_done=done)
