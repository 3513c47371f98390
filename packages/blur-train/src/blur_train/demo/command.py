"""The verb ``demo``: from a folder of sharp photos to a classifier that answers, on drawn photos."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blur_train.classify.classify import Answers
from blur_train.classify.classify import run as classify
from blur_train.classify.options import ClassifyOptions, Sidecars
from blur_train.demo.photos import LONG_SIDE_PX, draw_sharp_photos
from blur_train.evaluation.evaluate import REPORT_FILE, EvaluateOptions
from blur_train.evaluation.evaluate import run as evaluate
from blur_train.evaluation.findings import Evaluation
from blur_train.export.export import ExportOptions
from blur_train.export.export import run as export
from blur_train.models.backends import DRAWN, NONE, drawn_weights
from blur_train.prepare.command import PrepareOptions, prepare
from blur_train.prepare.splitting import Shares
from blur_train.synth.command import SynthOptions, synthesize
from blur_train.train.command import TrainOptions, train
from footage.cli.console import print_json, result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import Progress, progress

WHAT_IT_IS: Final = (
    "These were drawn photos, whose blur is known to the pixel. It shows that the workflow works, and says nothing "
    "about your photos."
)
PHOTOS: Final = 28
SMOKE_PHOTOS: Final = 12
EPOCHS: Final = 4
SMOKE_EPOCHS: Final = 1
SHARES: Final = Shares(val=0.15, test=0.2, calibration=0.15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What a demo made.

    Attributes:
        evaluation: of the model, on scenes it never saw.
        answers: for those photos, as ``classify`` gives them.
        files: what was written, the report last.
    """

    evaluation: Evaluation
    answers: Answers
    files: tuple[Path, ...]


def show(output: Path, *, seed: int, smoke: bool, as_json: bool) -> ExitCode:
    """Run the demo and print what it made; ends with the path of a report.

    Args:
        output: the folder for everything.
        seed: of the photos and of the training.
        smoke: a few photos and a single pass over them.
        as_json: print one JSON document.

    Raises:
        FootageError: as the verbs that it runs.
    """
    made = run(output, seed=seed, smoke=smoke)
    if as_json:
        document = {
            "lead": made.evaluation.lead,
            "what_it_is": WHAT_IT_IS,
            "evaluation": made.evaluation.document(),
            "answers": made.answers.counts,
            "files": made.files,
        }
        print_json(document)
        return ExitCode.DONE
    result(made.evaluation.lead)
    result(made.answers.lead)
    result(WHAT_IT_IS)
    for file in made.files:
        result(str(file))
    return ExitCode.DONE


def run(output: Path, *, seed: int, smoke: bool) -> Demo:
    """Draw sharp photos, then run every verb as a user would; see :func:`show`."""
    count = SMOKE_PHOTOS if smoke else PHOTOS
    sharp, drawn, dataset = output / "sharp", output / "drawn", output / "dataset"
    talk(f"drawing {count} sharp photos and the masks of their subjects: {sharp}")
    with progress(count, "photos", "drawing") as told:
        draw_sharp_photos(sharp, seed=seed, count=count, jobs=None, advance=told.advance)
    talk(f"blur-train synth {sharp} {drawn}")
    synthesize(
        SynthOptions(source=sharp, output=drawn, seed=seed), tell=talk, make_progress=_stage("originals", "blurring")
    )
    talk(f"blur-train prepare {drawn} {dataset}")
    prepare(
        PrepareOptions(source=drawn, output=dataset, shares=SHARES, balance=0.0, seed=seed),
        tell=talk,
        make_progress=lambda total, done, what: progress(total, "photos", what, already_done=done),
    )
    trained = _train(output, dataset, seed=seed, epochs=SMOKE_EPOCHS if smoke else EPOCHS)
    model = output / "models" / "blur_classifier"
    talk(f"blur-train export {trained} {model}")
    exported = export(
        ExportOptions(run=trained, output=model, dataset=dataset), make_progress=_stage("photos", "comparing")
    )
    talk(exported.lead)
    talk(f"blur-train evaluate {dataset} --model {model}")
    evaluated = EvaluateOptions(model=model, dataset=dataset, output=output / "evaluation", device="cpu", seed=seed)
    evaluation = evaluate(evaluated, tell=talk, make_progress=_stage("photos", "measuring"))
    talk(f"blur-train classify {dataset / 'test'} --model {model} --sidecars xmp")
    answers = classify(
        ClassifyOptions(photos=(dataset / "test",), model=model, output=output / "answers", sidecars=Sidecars.XMP),
        tell=talk,
        make_progress=_stage("photos", "judging"),
    )
    files = (*answers.files, *exported.files, trained / "report.html", evaluated.output / REPORT_FILE)
    return Demo(evaluation=evaluation, answers=answers, files=files)


def _train(output: Path, dataset: Path, *, seed: int, epochs: int) -> Path:
    """Train, and give the folder of the training."""
    weights = DRAWN if drawn_weights().is_file() else NONE
    talk(f"blur-train train {dataset} --weights {weights}")
    options = TrainOptions(
        dataset=dataset,
        output=output / "training",
        weights=weights,
        epochs=epochs,
        side_px=LONG_SIDE_PX,
        device="cpu",
        seed=seed,
    )
    train(options, tell=talk, make_progress=_stage("steps", "training"))
    return options.output


def _stage(unit: str, what: str) -> Callable[[int | None, int], Progress]:
    return lambda total, done: progress(total, unit, what, already_done=done)
