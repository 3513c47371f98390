"""The command line: parses, calls one function, prints its record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flexpatch_train.options import (
    Classes,
    ClassWeight,
    Confidence,
    DetectorName,
    FeatureSetName,
    ModelName,
    Nms,
    check_size,
    size_of,
)
from footage.cli.app import make_app, run_app
from footage.cli.console import print_json, result, talk
from footage.cli.options import Device, DryRun, Json, OutputFolder, Seed, Smoke
from footage.errors import DatasetError, ModelError, printable

if TYPE_CHECKING:
    from flexpatch_train.run import Plan, RunOptions

SMOKE_FRAMES = 60

app = make_app(
    "flexpatch-train",
    "Train a tracking-failure model from a video: which followed boxes has optical flow lost?",
    epilog="Start with: flexpatch-train run VIDEO, or flexpatch-train demo",
)


@app.command(
    short_help="Train on videos; ends with the path of a report.",
    epilog="Example: flexpatch-train run mot17_13.mp4 --weights yolov8n.onnx --classes person",
)
def run(
    *,
    videos: Annotated[
        list[Path] | None,
        typer.Argument(metavar="VIDEO", help="Video files, or folders of stills.", show_default=False),
    ] = None,
    mot_root: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="MOT sequences with gt/gt.txt to learn from as well.")
    ] = None,
    hold_out: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A video to test on and not to learn from; repeatable.")
    ] = None,
    output: OutputFolder = Path("flexpatch_training"),
    detector: Annotated[DetectorName, typer.Option(help="What finds the objects; auto takes what is there.")] = (
        DetectorName.AUTO
    ),
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The detector's file: .onnx, .pt, .engine, or MOT text (.txt).")
    ] = None,
    ground_truth: Annotated[
        Path | None, typer.Option("--gt", metavar="FILE", help="Human annotation of the video in MOT text, for labels.")
    ] = None,
    max_frames: Annotated[
        int, typer.Option(metavar="N", min=0, help="Frames of each video to learn from; 0 takes all.")
    ] = 200,
    confidence: Confidence = 0.25,
    nms: Nms = 0.45,
    classes: Classes = None,
    horizon: Annotated[int, typer.Option(metavar="N", min=1, help="Frames a box is followed without detection.")] = 30,
    stride: Annotated[
        int, typer.Option(metavar="N", min=1, help="Start to follow new boxes every so many frames.")
    ] = 10,
    model: Annotated[ModelName, typer.Option(help="What is fitted; a tree can be read.")] = ModelName.TREE,
    features: Annotated[FeatureSetName, typer.Option(help="The five of the first trainers, or all.")] = (
        FeatureSetName.SEED
    ),
    search: Annotated[bool, typer.Option("--search", help="Search for depth and leaf size on training boxes.")] = False,
    max_depth: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Depth. Default: tree 5, forest 10, boosting 4.")
    ] = None,
    min_samples_leaf: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Fewest rows of a leaf. Default: tree 1, forest 5, boosting 20."),
    ] = None,
    min_samples_split: Annotated[
        int, typer.Option(metavar="N", min=2, help="Fewest rows of a node that is split.")
    ] = 10,
    class_weight: Annotated[ClassWeight, typer.Option(help="Whether rare labels weigh as much as common ones.")] = (
        ClassWeight.BALANCED
    ),
    seed: Seed = 42,
    device: Device = "auto",
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Detect, follow, label, train and evaluate; ends with the path of a report.

    Stopped or killed, the same command goes on where it was.
    """
    if not videos and mot_root is None:
        msg = "name a VIDEO, or give a folder of sequences with --mot-root"
        raise typer.BadParameter(msg)
    from flexpatch_train import run as running
    from flexpatch_train.train import ModelOptions

    frames = SMOKE_FRAMES if smoke else max_frames
    options = running.RunOptions(
        videos=tuple(videos or ()),
        mot_root=mot_root,
        hold_out=tuple(hold_out or ()),
        output=output,
        detector=detector.value,
        weights=weights,
        ground_truth=ground_truth,
        max_frames=frames or None,
        confidence=confidence,
        nms_iou=nms,
        classes=_names(classes),
        device=device,
        stride_frames=stride,
        horizon_frames=horizon,
        model=ModelOptions(
            kind=model.value,
            features=features.value,
            max_depth=max_depth,
            min_samples_leaf=min_samples_leaf,
            min_samples_split=min_samples_split,
            class_weight=class_weight.value,
            random_state=seed,
        ),
        searching=search,
        seed=seed,
    )
    with _hints(options):
        if dry_run:
            _print_plan(running.plan(options, tell=talk), as_json=as_json)
            return
        _run(options, as_json=as_json)


@app.command(
    short_help="Take a small synthetic scene through the whole workflow.", epilog="Example: flexpatch-train demo"
)
def demo(
    *,
    output: OutputFolder = Path("flexpatch_demo"),
    seed: Seed = 0,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Make a small scene whose boxes are known exactly, and take it through the whole workflow."""
    from flexpatch_train.demo import demo_options

    options = demo_options(output, seed=seed, smoke=smoke, tell=talk)
    _run(options, as_json=as_json)


@app.command(
    short_help="Verify a saved model and what its manifest claims.",
    epilog="Example: flexpatch-train check flexpatch_training/flexpatch_model.joblib",
)
def check(
    *,
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A flexpatch_model.joblib.", show_default=False)],
    table: Annotated[
        Path | None, typer.Option("--table", metavar="FILE", help="Its training_data.csv; default: beside the model.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify a saved model: its hash, that it is safe to read, and that it scores what its manifest says."""
    from flexpatch_train import check as checking

    found = checking.check(model, table)
    if as_json:
        print_json(found)
        return
    claimed = found.claimed.text(group="object")
    result(f"{found.model}: unchanged, safe to read; macro-F1 in its manifest {claimed}")
    if found.reproduced is None:
        result("the held-out score was not computed anew: training_data.csv is not beside it")
    else:
        result(f"computed anew on the held-out rows: {found.reproduced:.4f}")
    for doubt in found.doubts:
        result(f"not to be relied on: {doubt}")


@app.command(
    short_help="Measure the runtime with a model on MOT ground truth.",
    epilog="Example: flexpatch-train evaluate flexpatch_model.joblib --mot-root MOT17 --weights yolov8n.onnx",
)
def evaluate(
    *,
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A flexpatch_model.joblib.", show_default=False)],
    mot_root: Annotated[Path, typer.Option(metavar="FOLDER", help="MOT sequences with gt/gt.txt.", show_default=False)],
    weights: Annotated[Path, typer.Option(metavar="FILE", help="The detector's .onnx file.", show_default=False)],
    output: OutputFolder = Path("flexpatch_evaluation"),
    budget: Annotated[
        list[float] | None,
        typer.Option(metavar="0..1", help="FlexPatch's share of the pixels; repeatable. Default: 0.25 and 0.15."),
    ] = None,
    max_frames: Annotated[int, typer.Option(metavar="N", min=0, help="Frames of each sequence; 0 takes all.")] = 0,
    confidence: Confidence = 0.25,
    classes: Classes = "person",
    seed: Seed = 42,
    device: Device = "auto",
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Measure what the runtime with a model delivers for its cost, beside full frames, on MOT ground truth."""
    from flexpatch_train.evaluation import command
    from flexpatch_train.evaluation.evaluation import EvaluateOptions
    from flexpatch_train.evaluation.ways import BUDGETS

    options = EvaluateOptions(
        model=model,
        root=mot_root,
        weights=weights,
        output=output,
        budgets=tuple(budget) if budget else BUDGETS,
        max_frames=(command.SMOKE_FRAMES if smoke else max_frames) or None,
        confidence=confidence,
        classes=_names(classes),
        device=device,
        seed=seed,
    )
    raise typer.Exit(command.show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Run a trained model on a video and draw what it does.",
    epilog="Example: flexpatch-train watch VIDEO --weights yolov8n.onnx --classes person",
)
def watch(
    *,
    video: Annotated[
        Path, typer.Argument(metavar="VIDEO", help="A video file, or a folder of stills.", show_default=False)
    ],
    model: Annotated[Path, typer.Option(metavar="FILE", help="The model that a run made.")] = Path(
        "flexpatch_training/flexpatch_model.joblib"
    ),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: VIDEO's name and _watched.mp4.")
    ] = None,
    detector: Annotated[DetectorName, typer.Option(help="What finds the objects; here never mot or motion.")] = (
        DetectorName.AUTO
    ),
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The detector's file: .onnx, .pt or .engine.")
    ] = None,
    canvas: Annotated[
        str, typer.Option(metavar="WxH", callback=check_size, help="What the detector sees of a frame, in pixels.")
    ] = "640x360",
    max_frames: Annotated[int, typer.Option(metavar="N", min=0, help="Frames to watch; 0 takes the whole video.")] = 0,
    confidence: Confidence = 0.25,
    nms: Nms = 0.45,
    classes: Classes = None,
    device: Device = "auto",
    smoke: Smoke = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a frame; a video only with --output.")
    ] = False,
) -> None:
    """Run a trained model on a video, showing the detector one small canvas a frame, and draw what it does.

    Ctrl-C ends it; the video so far is kept, unless there was a file of that name before.
    """
    from flexpatch_train.watching.command import show
    from flexpatch_train.watching.watch import WatchOptions, default_output

    options = WatchOptions(
        video=video,
        model=model,
        output=default_output(video) if output is None and not as_json else output,
        detector=detector.value,
        weights=weights,
        confidence=confidence,
        nms_iou=nms,
        classes=_names(classes),
        device=device,
        canvas_size=size_of(canvas),
        max_frames=(SMOKE_FRAMES if smoke else max_frames) or None,
    )
    raise typer.Exit(show(options, as_json=as_json))


@app.command(
    short_help="Look at what this machine offers, and how to mend it.", epilog="Example: flexpatch-train doctor"
)
def doctor(*, as_json: Json = False) -> None:
    """Look at what this machine offers: versions, codecs, devices; and say how to mend what is missing."""
    from footage.cli import doctor as checks

    extra = "uv pip install 'flexpatch-train[{}]'"
    raise typer.Exit(
        checks.run_doctor(
            [
                checks.check_python,
                lambda: checks.check_package("scikit-learn", purpose="the tree"),
                checks.check_video,
                checks.check_onnxruntime,
                lambda: checks.check_package(
                    "ultralytics", purpose=".pt detectors", required=False, remedy=extra.format("ultralytics")
                ),
                lambda: checks.check_package(
                    "tensorrt", purpose=".engine detectors", required=False, remedy=extra.format("tensorrt")
                ),
                checks.check_cuda,
                lambda: checks.check_disk(Path.cwd()),
            ],
            as_json=as_json,
        )
    )


@contextmanager
def _hints(options: RunOptions) -> Iterator[None]:
    """Add the options of ``run`` that help to errors about the video and about the detector's file."""
    try:
        yield
    except DatasetError as error:
        if error.where in {printable(str(video)) for video in options.videos}:
            error.add_note("--confidence, --classes, --detector and --max-frames decide what is found")
        raise
    except ModelError as error:
        if options.weights is None:
            error.add_note("--weights names the detector's file")
        raise


def _names(given: str | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(name.strip() for name in given.split(",") if name.strip())


def _run(options: RunOptions, *, as_json: bool) -> None:
    from flexpatch_train import run as running
    from flexpatch_train.outputs import metrics_of, output_files
    from footage.cli.progress import progress

    findings = running.run(
        options,
        tell=talk,
        make_progress=lambda total, done: progress(total, "frames", "detecting and following", already_done=done),
    )
    files = output_files(options.output)
    if as_json:
        print_json({**metrics_of(findings), "warnings": findings.warnings, "files": [str(file) for file in files]})
        return
    for sentence in dict.fromkeys((findings.lead, findings.scores)):
        result(sentence)
    for file in files:
        result(str(file))


def _print_plan(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        print_json(plan)
        return
    frames = "all frames" if plan.frames is None else f"{plan.frames} frames"
    time = "" if plan.estimated_seconds is None else f", about {plan.estimated_seconds:.0f} s of detection"
    disk = "" if plan.disk_bytes is None else f", about {plan.disk_bytes / 1e6:.0f} MB on disk"
    of = "" if plan.videos == 1 else f" of {plan.videos} videos"
    result(f"would read {frames}{of} at {plan.seconds_per_frame * 1e3:.0f} ms each{time}{disk}")
    result(f"would detect with {plan.detector}; training and the report come on top")


def main() -> None:
    """The console script."""
    run_app(app)


if __name__ == "__main__":
    main()
