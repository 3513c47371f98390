"""The verb ``demo``: the whole workflow on a drawn library, from labels to a reel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from footage.cli.console import print_json, result, talk
from footage.cli.progress import progress
from highlight_train.batch import classify
from highlight_train.batch.findings import Scan
from highlight_train.batch.options import BatchOptions
from highlight_train.batch.outputs import HIGHLIGHTS_FILE, SCORES_FILE
from highlight_train.batch.report import REPORT_FILE as SCORES_REPORT
from highlight_train.demo.library import FLIGHTS, SMOKE_FLIGHTS, draw_library
from highlight_train.evaluation import evaluate
from highlight_train.evaluation.findings import Evaluation
from highlight_train.prepare.clips import MakeProgress
from highlight_train.prepare.command import PrepareOptions, prepare
from highlight_train.reel.reel import Reel, ReelOptions, create_reel
from highlight_train.train import command as training
from highlight_train.train.outputs import MODEL_FILE
from highlight_train.train.outputs import REPORT_FILE as TRAINING_REPORT

WHAT_IT_IS = (
    "This was a drawn library: clips through which a glowing thing crosses, which a small network finds easily. It "
    "shows that the workflow works, and says nothing about your footage."
)
REEL_FILE = "reel.mp4"
BACKBONE = "shufflenet_v2_x0_5"
SIDE_PX = 64
BATCH_SIZE = 16
FRAMES_PER_SECOND = 2.0
EPOCHS, SMOKE_EPOCHS = 6, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What a demo made.

    Attributes:
        evaluation: of the model, on flights it never saw.
        scan: the scores of the library.
        reel: of its highlights; None where nothing scored as one.
        files: what was written, the report last.
    """

    evaluation: Evaluation
    scan: Scan
    reel: Reel | None
    files: tuple[Path, ...]


def show(output: Path, *, seed: int, smoke: bool, as_json: bool) -> None:
    """Run the demo and print what it made; ends with the path of a report.

    Args:
        output: the folder for everything.
        seed: of the clips and of the training.
        smoke: a few clips and a single pass over them.
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
            "scanned": made.scan.scanned,
            "highlights": len(made.scan.highlights),
            "reel_seconds": None if made.reel is None else float(made.reel.layout.duration_seconds),
            "files": [str(file) for file in made.files],
        }
        print_json(document)
        return
    result(made.evaluation.lead)
    result(made.scan.lead)
    result(WHAT_IT_IS)
    for file in made.files:
        result(str(file))


def run(output: Path, *, seed: int, smoke: bool) -> Demo:
    """Draw the library, then run every verb as a user would; see :func:`show`."""
    flights = SMOKE_FLIGHTS if smoke else FLIGHTS
    talk(f"drawing {2 * flights} clips of {flights} flights: {output / 'flights'}")
    with progress(2 * flights, "clips", "drawing") as drawing:
        library = draw_library(output, seed=seed, flights=flights, advance=drawing.advance)
    talk("highlight-train prepare-dataset")
    prepare(
        PrepareOptions(labels=library.labels, output=output / "dataset", merge=True, rate=FRAMES_PER_SECOND),
        tell=talk,
        make_progress=_stage("clips", "taking frames"),
    )
    trained = _train(output, seed=seed, epochs=SMOKE_EPOCHS if smoke else EPOCHS)
    model = trained / MODEL_FILE
    talk("highlight-train evaluate")
    evaluation = evaluate.run(
        evaluate.EvaluateOptions(model=model, output=output / "evaluation", device="cpu", seed=seed),
        tell=talk,
        make_progress=_stage("videos", "reading"),
    )
    talk("highlight-train batch-classify")
    scores = output / "scores"
    scan = classify.run(
        BatchOptions(library=library.folder, models=(model,), output=scores, device="cpu"),
        tell=talk,
        make_progress=_stage("videos", "scoring"),
    )
    reel = _reel(scan, scores / HIGHLIGHTS_FILE, output / REEL_FILE)
    files = (
        *(() if reel is None else reel.files),
        scores / HIGHLIGHTS_FILE,
        scores / SCORES_FILE,
        scores / SCORES_REPORT,
        model,
        trained / TRAINING_REPORT,
        output / "evaluation" / evaluate.REPORT_FILE,
    )
    return Demo(evaluation=evaluation, scan=scan, reel=reel, files=files)


def _train(output: Path, *, seed: int, epochs: int) -> Path:
    """Train, and give the folder of the training."""
    talk("highlight-train train")
    options = training.TrainOptions(
        source=output / "dataset",
        output=output / "training",
        backbone=BACKBONE,
        weights="none",
        batch_size=BATCH_SIZE,
        epochs=epochs,
        side_px=SIDE_PX,
        device="cpu",
        seed=seed,
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # pictures this small are too little work to share: threads would wait for each other
    try:
        training.train(options, tell=talk, make_progress=_stage("steps", "training"))
    finally:
        torch.set_num_threads(threads)
    return options.output


def _reel(scan: Scan, highlights: Path, output: Path) -> Reel | None:
    if not scan.highlights:
        talk("no clip scored as a highlight: there is nothing to make a reel of")
        return None
    talk("highlight-train create-reel")
    return create_reel(
        ReelOptions(highlights=highlights, output=output, top=5), tell=talk, make_progress=_stage("cuts", "cutting")
    )


def _stage(unit: str, what: str) -> MakeProgress:
    return lambda total, done: progress(total, unit, what, already_done=done)
