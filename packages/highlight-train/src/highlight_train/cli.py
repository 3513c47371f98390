"""The command line: parses, calls one function, prints its record."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from footage.cli.app import make_app, run_app
from footage.cli.console import talk
from footage.cli.options import (
    Device,
    DryRun,
    Jobs,
    Json,
    MultiGpu,
    OutputFolder,
    Patience,
    Processes,
    Resume,
    Scheduler,
    Seed,
    Smoke,
)
from highlight_train.options import (
    EnsembleName,
    Ensembling,
    GroupBy,
    GroupByName,
    Models,
    OrderName,
    Pooled,
    Samples,
    SideName,
    TransitionName,
    check_rate,
    check_size,
    size_of,
)

app = make_app(
    "highlight-train",
    "Learn from labelled clips what you call a highlight, score a video library, and cut a reel of the best.",
    epilog="Start with: highlight-train label LIBRARY, or highlight-train demo",
)


@app.command(
    short_help="Label clips by keys on a local web page.", epilog="Example: highlight-train label /media/drone"
)
def label(
    *,
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Folder of videos.", show_default=False)],
    labels: Annotated[Path, typer.Option(metavar="FILE", help="Read and written.")] = Path("labels.json"),
    model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Clips this model is least certain of come first.")
    ] = None,
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Of 127.0.0.1; 0 takes a free one.")] = 0,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page at once.")] = False,
) -> None:
    """Label clips, and moments in them, by keys on a web page that only this machine can open.

    Every label is saved at once. Ctrl-C ends it.
    """
    from highlight_train.labelling.command import LabelOptions, serve

    options = LabelOptions(library=library, labels=labels, model=model, port=port, open_browser=open_browser)
    raise typer.Exit(serve(options, talk))


@app.command(
    "prepare-dataset",
    short_help="Take frames out of labelled clips.",
    epilog="Example: highlight-train prepare-dataset labels.json dataset",
)
def prepare_dataset(
    *,
    labels: Annotated[Path, typer.Argument(metavar="LABELS", help="The labels.json.", show_default=False)],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The data set's folder.")] = Path("dataset"),
    merge: Annotated[bool, typer.Option("--merge", help="Add to the data set that is there.")] = False,
    rate: Annotated[float, typer.Option(metavar="FPS", min=0.001, help="Frames a second.")] = 1.0,
    longest_side: Annotated[int, typer.Option(metavar="PX", min=1, help="Larger frames are scaled down to it.")] = 640,
    group_by: GroupBy = GroupByName.FOLDER,
    jobs: Jobs = None,
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Take frames out of labelled clips, one a second; ends with the path of dataset.json.

    Stopped or killed, the same command goes on where it was.
    """
    from highlight_train.prepare.command import SMOKE_CLIPS, PrepareOptions
    from highlight_train.prepare.show import show

    options = PrepareOptions(
        labels=labels,
        output=output,
        merge=merge,
        rate=rate,
        longest_side_px=longest_side,
        group_by=group_by.value,
        jobs=jobs,
        max_clips=SMOKE_CLIPS if smoke else None,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Train a classifier; ends with the path of a report.", epilog="Example: highlight-train train dataset"
)
def train(
    *,
    source: Annotated[
        Path, typer.Argument(metavar="DATASET", help="Prepared folder; with --from-videos the labels.json.")
    ] = Path("dataset"),
    output: OutputFolder = Path("highlight_training"),
    from_videos: Annotated[
        bool, typer.Option("--from-videos", help="Learn from keyframes of the labelled videos.")
    ] = False,
    keyframes: Annotated[int, typer.Option(metavar="N", min=1, help="With --from-videos: of each, at most.")] = 16,
    group_by: GroupBy = GroupByName.FOLDER,
    backbone: Annotated[str, typer.Option(metavar="NAME", help="Any image classifier of torchvision.")] = "resnet18",
    weights: Annotated[
        str, typer.Option(metavar="imagenet|none|FILE", help="What to start from; imagenet is downloaded.")
    ] = "imagenet",
    epochs: Annotated[int, typer.Option(metavar="N", min=1, help="Passes over the frames, at most.")] = 50,
    batch_size: Annotated[int, typer.Option(metavar="N", min=1, help="Frames a step.")] = 32,
    learning_rate: Annotated[float, typer.Option(metavar="X", min=0, help="Of the head, at its highest.")] = 1e-3,
    frozen_epochs: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Train the head alone for so long. Default: 3 if pretrained.")
    ] = None,
    patience: Patience = 10,
    side: Annotated[int, typer.Option(metavar="PX", min=16, help="Side of the square pictures.")] = 224,
    multi_gpu: MultiGpu = False,
    processes: Processes = None,
    resume: Resume = False,
    jobs: Jobs = None,
    seed: Seed = 42,
    device: Device = "auto",
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Learn from labelled frames what a highlight is; ends with the path of a report.

    Stopped or killed, the same command goes on where it was, and ends with the same model.
    """
    from highlight_train.train import command
    from highlight_train.train.show import show

    options = command.TrainOptions(
        source=source,
        output=output,
        from_videos=from_videos,
        keyframes_per_clip=keyframes,
        group_by=group_by.value,
        backbone=backbone,
        weights=weights,
        epochs=command.SMOKE_EPOCHS if smoke else epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        frozen_epochs=frozen_epochs,
        patience=patience,
        multi_gpu=multi_gpu,
        processes=processes,
        side_px=side,
        resume=resume,
        device=device,
        jobs=jobs,
        max_clips=command.SMOKE_CLIPS if smoke else None,
        seed=seed,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    "test-video",
    short_help="Score one video and show its best moments.",
    epilog="Example: highlight-train test-video DJI_0001.MP4",
)
def score_video(
    *,
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video file.", show_default=False)],
    models: Models = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report in HTML here.")] = None,
    ensemble: Ensembling = EnsembleName.MEAN,
    pooling: Pooled = None,
    samples: Samples = 16,
    device: Device = "auto",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Score one video: its band, its best moments with their times, and the score over time."""
    from highlight_train.one_video.command import show
    from highlight_train.one_video.score import VideoTestOptions
    from highlight_train.scoring.model import Ensemble
    from highlight_train.scoring.pooling import Pooling

    options = VideoTestOptions(
        video=video,
        models=tuple(models or ()),
        report=report,
        ensemble=Ensemble(ensemble.value),
        pooling=None if pooling is None else Pooling(pooling.value),
        samples=samples,
        device=device,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    "batch-classify",
    short_help="Score every video of a library.",
    epilog="Example: highlight-train batch-classify /media/drone-footage",
)
def batch_classify(
    *,
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Folder, file or glob.", show_default=False)],
    model: Annotated[
        Path | None, typer.Argument(metavar="MODEL", help="model.onnx or its folder. Default: the last run's.")
    ] = None,
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for everything written.")] = Path(
        "highlight_scores"
    ),
    more_models: Annotated[
        list[Path] | None, typer.Option("--model", metavar="MODEL", help="A further model of an ensemble; repeatable.")
    ] = None,
    ensemble: Ensembling = EnsembleName.MEAN,
    pooling: Pooled = None,
    samples: Samples = 16,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="0..1", min=0, max=1, help="Least score of a highlight. Default: as chosen in training, else 0.7."
        ),
    ] = None,
    jobs: Jobs = None,
    device: Device = "auto",
    scheduler: Scheduler = None,
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Score every video of a library by its keyframes; ends with the path of a report.

    Stopped or killed, the same command goes on where it was; later it scores only what is new or changed.
    """
    from highlight_train.batch.command import SMOKE_FILES, show
    from highlight_train.batch.options import BatchOptions
    from highlight_train.scoring.model import Ensemble
    from highlight_train.scoring.pooling import Pooling

    options = BatchOptions(
        library=library,
        models=(*([] if model is None else [model]), *(more_models or ())),
        output=output,
        ensemble=Ensemble(ensemble.value),
        pooling=None if pooling is None else Pooling(pooling.value),
        samples=samples,
        threshold=threshold,
        jobs=jobs,
        device=device,
        scheduler=scheduler,
        most_files=SMOKE_FILES if smoke else None,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Measure a model on clips it never saw; ends with the path of a report.",
    epilog="Example: highlight-train evaluate",
)
def evaluate(
    *,
    model: Annotated[
        Path | None, typer.Argument(metavar="MODEL", help="model.onnx or its folder. Default: the last run's.")
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Measure on this labels.json. Default: what training held out."),
    ] = None,
    side: Annotated[
        SideName, typer.Option(help="Clips that training did not see, or all; the figures of all are not held out.")
    ] = SideName.TEST,
    output: OutputFolder = Path("highlight_evaluation"),
    jobs: Jobs = None,
    seed: Seed = 42,
    device: Device = "auto",
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Measure what ships on clips that training did not see, beside what needs no training.

    Clips are known by their content: one that training saw is left out wherever it was moved.
    """
    from highlight_train.evaluation.clips import Side
    from highlight_train.evaluation.command import show
    from highlight_train.evaluation.evaluate import SMOKE_CLIPS, EvaluateOptions

    options = EvaluateOptions(
        model=model,
        labels=labels,
        side=Side(side.value),
        output=output,
        jobs=jobs,
        device=device,
        seed=seed,
        max_clips=SMOKE_CLIPS if smoke else None,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    "create-reel",
    short_help="Cut a reel of the best moments.",
    epilog="Example: highlight-train create-reel highlight_scores/highlights.json reel.mp4 --duration 60",
)
def create_reel(
    *,
    highlights: Annotated[Path, typer.Argument(metavar="HIGHLIGHTS", help="The highlights.json.", show_default=False)],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The film, .mp4.", show_default=False)],
    top: Annotated[int | None, typer.Option(metavar="N", min=1, help="Clips at most. Default: 20.")] = None,
    min_score: Annotated[float, typer.Option(metavar="0..1", min=0, max=1, help="Least score of a clip.")] = 0.0,
    duration: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=1, help="How long the reel shall be.")
    ] = None,
    transitions: Annotated[
        TransitionName, typer.Option(help="Half-second crossfades, or cuts.")
    ] = TransitionName.CROSSFADE,
    order: Annotated[OrderName, typer.Option(help="Best first, or by the files' times.")] = OrderName.SCORE,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", callback=check_size, help="Default: that of most clips.")
    ] = None,
    rate: Annotated[
        str | None, typer.Option(metavar="FPS", callback=check_rate, help="Default: that of most clips.")
    ] = None,
    otio: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write an OpenTimelineIO timeline.")] = None,
    edl: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write a CMX 3600 edit list.")] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Cut to the best moments of the best clips, with crossfades of picture and sound."""
    from highlight_train.reel.command import show
    from highlight_train.reel.reel import ReelOptions

    options = ReelOptions(
        highlights=highlights,
        output=output,
        top=top,
        min_score=min_score,
        duration_seconds=duration,
        transitions=transitions.value,
        order=order.value,
        size=None if size is None else size_of(size),
        rate=None if rate is None else Fraction(rate),
        otio=otio,
        edl=edl,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Take a small drawn library through the whole workflow.", epilog="Example: highlight-train demo"
)
def demo(
    *,
    output: OutputFolder = Path("highlight_demo"),
    seed: Seed = 0,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Draw a small library whose highlights are known, and take it from labels to a reel; ends with a report's path."""
    from highlight_train.demo.command import show

    show(output, seed=seed, smoke=smoke, as_json=as_json)


@app.command(
    short_help="Look at what this machine offers, and how to mend it.", epilog="Example: highlight-train doctor"
)
def doctor(*, as_json: Json = False) -> None:
    """Look at what this machine offers: versions, codecs, devices; and say how to mend what is missing."""
    from highlight_train.doctor import examine

    raise typer.Exit(examine(as_json=as_json))


def main() -> None:
    """The console script."""
    run_app(app)


if __name__ == "__main__":
    main()
