"""The command line: parses, calls one function, prints its record."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from footage.cli.app import make_app, run_app
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
    Seed,
    Smoke,
)
from video_train.options import (
    Annotations,
    Model,
    Pattern,
    Rate,
    Size,
    Step,
    VideoDir,
    Weights,
    Window,
    size_of,
)

app = make_app(
    "video-train",
    "Train a small video classifier straight from video files, taught by a larger one, and measure what that added.",
    epilog="Start with: video-train train --video-dir VIDEOS, or video-train demo",
)


@app.command(
    short_help="Train a student; ends with the path of a report.",
    epilog="Example: video-train train --video-dir videos --compare 3",
)
def train(
    *,
    video_dir: VideoDir,
    annotations: Annotations = None,
    pattern: Pattern = None,
    output: OutputFolder = Path("video_training"),
    student: Annotated[
        str, typer.Option(metavar="NAME", help="A network of torchvision, or timm/NAME.")
    ] = "mobilenet_v3_small",
    student_weights: Weights = "imagenet",
    teacher: Annotated[str, typer.Option(metavar="NAME", help="Likewise; it is trained first.")] = "resnet50",
    teacher_weights: Weights = "imagenet",
    teacher_run: Annotated[
        Path | None, typer.Option(metavar="DIR", help="An earlier training whose model is the teacher.")
    ] = None,
    no_distill: Annotated[bool, typer.Option("--no-distill", help="Learn from the labels alone.")] = False,
    compare: Annotated[
        int, typer.Option(metavar="N", min=0, help="Train with and without the teacher on so many seeds.")
    ] = 0,
    alpha: Annotated[float, typer.Option(metavar="X", min=0, help="Weight of the teacher's features.")] = 0.5,
    beta: Annotated[float, typer.Option(metavar="X", min=0, help="Weight of the teacher's answers.")] = 1.0,
    gamma: Annotated[float, typer.Option(metavar="X", min=0, help="Weight of the labels beside a teacher.")] = 0.1,
    temperature: Annotated[float, typer.Option(metavar="X", help="Softens the teacher's answers.")] = 3.0,
    frames: Annotated[int, typer.Option("--frames-per-clip", metavar="N", min=1, help="Frames of a clip.")] = 8,
    size: Annotated[int, typer.Option("--image-size", metavar="PX", min=16, help="Side of the square frames.")] = 224,
    span: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="A clip covers so much. Default: the whole video.")
    ] = None,
    windows: Annotated[int, typer.Option(metavar="N", min=1, help="Clips of every held-out video.")] = 1,
    speed: Annotated[
        float, typer.Option(metavar="X", min=0, max=0.9, help="Random clips cover up to this share more or less.")
    ] = 0.0,
    reverse: Annotated[bool, typer.Option("--reverse", help="Turn every other random clip backwards.")] = False,
    exact: Annotated[bool, typer.Option("--exact", help="Random moments never among keyframes only: slower.")] = False,
    no_flip: Annotated[bool, typer.Option("--no-flip", help="Do not mirror: left and right are classes.")] = False,
    cache_views: Annotated[
        int, typer.Option(metavar="N", min=0, help="Store so many random clips a video; 0 decodes anew each epoch.")
    ] = 0,
    epochs: Annotated[int, typer.Option("--num-epochs", metavar="N", min=1, help="Passes over the videos.")] = 10,
    batch_size: Annotated[int, typer.Option(metavar="N", min=1, help="Clips a step.")] = 8,
    learning_rate: Annotated[float, typer.Option(metavar="X", help="Of the head, at its highest.")] = 5e-5,
    patience: Patience = 10,
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
    """Learn the classes of labelled videos, taught by a larger network; ends with the path of a report.

    Stopped or killed, the same command goes on where it was, and ends with the same model.
    """
    from footage.training.augmentation import Augmentation
    from footage.training.clips import ClipSampling
    from video_train.networks.distilling import Distillation
    from video_train.train.command import SMOKE_EPOCHS, SMOKE_EVENTS
    from video_train.train.options import TrainOptions
    from video_train.train.show import show

    speeds = (1.0 - speed, 1.0 + speed)
    sampling = ClipSampling(frames=frames, size_px=size, span_seconds=span, speed=speeds, reverse=reverse, exact=exact)
    options = TrainOptions(
        video_dir=video_dir,
        annotations=annotations,
        pattern=pattern,
        output=output,
        student=student,
        student_weights=student_weights,
        teacher=teacher,
        teacher_weights=teacher_weights,
        teacher_run=teacher_run,
        distill=not no_distill,
        distillation=Distillation(alpha=alpha, beta=beta, gamma=gamma, temperature=temperature),
        compare=compare,
        sampling=sampling,
        windows=windows,
        views=cache_views,
        augmentation=Augmentation(flip=not no_flip),
        epochs=min(epochs, SMOKE_EPOCHS) if smoke else epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        patience=patience,
        multi_gpu=multi_gpu,
        processes=processes,
        resume=resume,
        device=device,
        jobs=jobs,
        max_events=SMOKE_EVENTS if smoke else None,
        seed=seed,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Measure a model on videos it never saw; ends with the path of a report.",
    epilog="Example: video-train evaluate video_training --video-dir videos",
)
def evaluate(
    *,
    model: Model = Path("video_training"),
    video_dir: VideoDir,
    annotations: Annotations = None,
    pattern: Pattern = None,
    teacher: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="Compare with this. Default: who taught the model.")
    ] = None,
    output: OutputFolder = Path("video_evaluation"),
    windows: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Clips of every video. Default: as in training.")
    ] = None,
    count_seen: Annotated[
        bool, typer.Option("--count-seen", help="Measure on what training saw too; then nothing is held out.")
    ] = False,
    jobs: Jobs = None,
    seed: Seed = 42,
    device: Device = "auto",
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Measure a model on labelled videos that its training did not see, beside what needs no training.

    Videos are known by their content, wherever they were moved. Stopped or killed, the same command goes on.
    """
    from video_train.evaluation.command import show
    from video_train.evaluation.options import SMOKE_EVENTS, EvaluateOptions

    options = EvaluateOptions(
        model=model,
        video_dir=video_dir,
        annotations=annotations,
        pattern=pattern,
        teacher=teacher,
        output=output,
        windows=windows,
        count_seen=count_seen,
        jobs=jobs,
        device=device,
        seed=seed,
        max_events=SMOKE_EVENTS if smoke else None,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Label videos over time.",
    epilog="Example: video-train predict video_training match.mp4 -o labels.csv",
)
def predict(
    *,
    model: Model,
    videos: Annotated[list[Path], typer.Argument(metavar="VIDEO", help="Files, folders or globs.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Also write a .csv or .json.")
    ] = None,
    window: Window = None,
    step: Step = None,
    jobs: Jobs = None,
    device: Device = "auto",
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Label windows along each video with the likeliest class and its probability.

    A file that cannot be read is listed and does not end it.
    """
    from video_train.prediction.command import show
    from video_train.prediction.predict import SMOKE_VIDEOS, PredictOptions

    options = PredictOptions(
        model=model,
        videos=tuple(videos),
        output=output,
        window_seconds=window,
        step_seconds=step,
        jobs=jobs,
        device=device,
        max_videos=SMOKE_VIDEOS if smoke else None,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Write a training's weights as ONNX, compared on real clips.",
    epilog="Example: video-train export video_training shipped",
)
def export(
    *,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a training.", show_default=False)],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the model.", show_default=False)],
    videos: Annotated[
        list[Path] | None,
        typer.Option("--videos", metavar="PATH", help="Compare on these; repeatable. Default: the clips it stored."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write best_student.pt as ONNX with its manifest, and refuse where it decides otherwise on a real clip."""
    from video_train.export.command import show
    from video_train.export.export import ExportOptions

    show(ExportOptions(run=run, output=output, videos=tuple(videos or ())), as_json=as_json)


@app.command(
    "from-frames",
    short_help="Make videos of folders of frames; ends with the path of annotations.json.",
    epilog="Example: video-train from-frames frames videos --rate 10",
)
def from_frames(
    *,
    frames: Annotated[Path, typer.Argument(metavar="FRAMES", help="Folder of frames.", show_default=False)],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the videos.", show_default=False)],
    annotations: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON list of labels. Default: LABEL/ID folders.")
    ] = None,
    rate: Rate = "25",
    codec: Annotated[str, typer.Option(metavar="NAME", help="FFmpeg's name of the encoder.")] = "libx264",
    crf: Annotated[int, typer.Option(metavar="N", min=0, max=51, help="Quality; lower is better, 0 lossless.")] = 18,
    size: Size = None,
    jobs: Jobs = None,
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Write VIDEO_LABEL.mp4 for every folder of frames, and annotations.json that train reads.

    Stopped or killed, the same command goes on where it was.
    """
    from video_train.frames.command import show
    from video_train.frames.convert import SMOKE_VIDEOS, FramesOptions

    options = FramesOptions(
        frames=frames,
        output=output,
        annotations=annotations,
        rate=Fraction(rate),
        codec=codec,
        crf=crf,
        size=None if size is None else size_of(size),
        jobs=jobs,
        max_videos=SMOKE_VIDEOS if smoke else None,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Label a stream or a growing file as it comes, or record it to train on.",
    epilog="Example: video-train stream rtsp://camera.example/live --model video_training",
)
def stream(
    *,
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="An address (http, rtsp, udp, srt) or a growing file.")
    ],
    model: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="Label it with a training's folder, model.onnx or .pt.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="DIR", file_okay=False, help="Record it into videos to train on.")
    ] = None,
    label: Annotated[str | None, typer.Option(metavar="TEXT", help="With --record: the class of all of it.")] = None,
    segment: Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="With --record: of a video.")] = 10.0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="With --model: also a .csv or .jsonl.")
    ] = None,
    window: Window = None,
    step: Step = None,
    keep_all: Annotated[
        bool, typer.Option("--keep-all", help="Let the source wait; by default the newest windows win.")
    ] = False,
    patience: Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="Silence that ends it.")] = 10.0,
    device: Device = "auto",
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Label windows of a stream as they come; or record it, and train as usual. Ctrl-C ends it well.

    Memory does not grow however long it goes on. Only the address that you give is opened.
    """
    if (model is None) == (record is None) and not dry_run:
        raise typer.BadParameter("give either --model, to label, or --record, to train on it later")
    if (record is None) != (label is None):
        raise typer.BadParameter("--record and --label go together")
    from video_train.stream import command

    if dry_run:
        command.show_source(source, patience_seconds=patience, as_json=as_json)
    elif record is not None and label is not None:
        from video_train.stream.recording import RecordOptions

        recording = RecordOptions(
            source=source,
            folder=record,
            label=label,
            segment_seconds=segment,
            patience_seconds=patience,
            most_segments=1 if smoke else None,
        )
        command.show_recording(recording, as_json=as_json)
    elif model is not None:
        from video_train.stream.watching import WatchOptions

        watching = WatchOptions(
            source=source,
            model=model,
            window_seconds=window,
            step_seconds=step,
            keep_all=keep_all,
            patience_seconds=patience,
            most_windows=3 if smoke else None,
            device=device,
        )
        command.show_labels(watching, output=output, as_json=as_json)


@app.command(short_help="Take drawn videos through the whole workflow.", epilog="Example: video-train demo")
def demo(
    *,
    output: OutputFolder = Path("video_demo"),
    seed: Seed = 0,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Draw videos whose class is which way something moves, train with a teacher and without, measure, label.

    It ends with a report's path.
    """
    from video_train.demo.command import show

    show(output, seed=seed, smoke=smoke, as_json=as_json)


@app.command(short_help="Look at what this machine offers, and how to mend it.", epilog="Example: video-train doctor")
def doctor(*, as_json: Json = False) -> None:
    """Look at what this machine offers: versions, codecs, devices; and say how to mend what is missing."""
    from video_train.doctor import examine

    raise typer.Exit(examine(as_json=as_json))


def main() -> None:
    """Run the tool on the command line's arguments."""
    run_app(app)
