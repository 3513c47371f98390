"""The command line: parses, calls one function, prints its record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from blur_train.cli_use import add_commands
from blur_train.options import PresetName, SideName
from footage.cli.app import make_app, run_app
from footage.cli.options import Device, DryRun, Jobs, Json, OutputFolder, Resume, Seed, Smoke

app = make_app(
    "blur-train",
    "Learn from folders of photos to tell sharp ones from three kinds of blur, and classify photos by it.",
    epilog="Start with: blur-train prepare PHOTOS dataset, or blur-train demo",
)


@app.command(
    short_help="Blur your own sharp photos as lenses and shutters do.",
    epilog="Example: blur-train synth SHARP drawn",
)
def synth(
    *,
    source: Annotated[Path, typer.Argument(metavar="PHOTOS", help="A folder of sharp photos.", show_default=False)],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for everything written.")] = Path("drawn"),
    per_photo: Annotated[int, typer.Option(metavar="N", min=1, help="Photos drawn of each, classes in turn.")] = 4,
    jobs: Jobs = None,
    seed: Seed = 0,
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Draw photos of all four classes from sharp ones; each blur is written down with its width in synth.json.

    NAME.mask.png beside NAME.jpg is white where the subject is; without one an ellipse in the middle stands for it.
    """
    from blur_train.synth.command import SMOKE_PHOTOS, SynthOptions
    from blur_train.synth.show import show

    options = SynthOptions(
        source=source,
        output=output,
        per_photo=per_photo,
        jobs=jobs,
        seed=seed,
        most_photos=SMOKE_PHOTOS if smoke else None,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Group, split and check photos in folders by class.",
    epilog="Example: blur-train prepare PHOTOS dataset --audit",
)
def prepare(
    *,
    source: Annotated[Path, typer.Argument(metavar="PHOTOS", help="A folder for each class.", show_default=False)],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The data set's folder.")] = Path("dataset"),
    mapping: Annotated[
        list[str] | None, typer.Option("--map", metavar="FOLDER=CLASS", help="What a folder holds; repeatable.")
    ] = None,
    by_folder: Annotated[
        bool, typer.Option("--group-by-folder", help="Keep photos in folders of one name on one side.")
    ] = False,
    val: Annotated[float, typer.Option(metavar="0..1", min=0, max=1, help="Share to choose the epoch by.")] = 0.1,
    test: Annotated[float, typer.Option(metavar="0..1", min=0, max=1, help="Share to report.")] = 0.15,
    calibration: Annotated[
        float, typer.Option(metavar="0..1", min=0, max=1, help="Share to choose thresholds by.")
    ] = 0.1,
    balance: Annotated[
        float,
        typer.Option(
            metavar="0..1", min=0, max=1, help="Draw rare blurs up to this share of the largest class; 0 draws none."
        ),
    ] = 0.5,
    audit: Annotated[bool, typer.Option("--audit", help="Fail where more than blur tells the classes apart.")] = False,
    jobs: Jobs = None,
    seed: Seed = 0,
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Group photos that belong together, split the groups, and copy them; originals are only read.

    Photos lie in folders named by class. Stopped or killed, the same command goes on where it was.
    """
    from blur_train.prepare.command import SMOKE_PHOTOS, PrepareOptions
    from blur_train.prepare.show import show
    from blur_train.prepare.sources import parse_mapping
    from blur_train.prepare.splitting import Shares

    options = PrepareOptions(
        source=source,
        output=output,
        mapping=parse_mapping(mapping or []),
        by_folder=by_folder,
        shares=Shares(val=val, test=test, calibration=calibration),
        balance=balance,
        jobs=jobs,
        seed=seed,
        most_of_class=SMOKE_PHOTOS if smoke else None,
    )
    raise typer.Exit(show(options, audit=audit, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Train a classifier; ends with the path of a report.", epilog="Example: blur-train train dataset"
)
def train(
    *,
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="A prepared folder.")] = Path("dataset"),
    output: OutputFolder = Path("blur_training"),
    backend: Annotated[
        str, typer.Option(metavar="NAME", help="native, ultralytics, or an image classifier of torchvision.")
    ] = "native",
    weights: Annotated[
        str | None, typer.Option(metavar="drawn|imagenet|none|FILE", help="Default: drawn, none, imagenet by backend.")
    ] = None,
    classes: Annotated[
        str | None, typer.Option(metavar="A,B", help="Train these only, sharp among them. Default: all four.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(metavar="N", min=1, help="Passes over the photos, at most.")] = None,
    batch_size: Annotated[int | None, typer.Option(metavar="N", min=1, help="Photos a step.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="X", min=0, help="Of the head, at its highest.")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Epochs without gain after which it ends.")
    ] = None,
    side: Annotated[
        int | None, typer.Option(metavar="PX", min=64, help="Long side that tiles are cut from, or side of the square.")
    ] = None,
    false_positives: Annotated[
        float,
        typer.Option(metavar="0..1", min=0.0001, max=0.5, help="Share of sharp photos that may be called blurred."),
    ] = 0.005,
    resume: Resume = False,
    keep_inputs: Annotated[bool, typer.Option("--keep-inputs", help="Keep the decoded photos when done.")] = False,
    jobs: Jobs = None,
    seed: Seed = 0,
    device: Device = "auto",
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Learn from a prepared data set; the network, its operating points, and figures on photos it never saw.

    Stopped or killed, the same command goes on where it was, and ends with the same model.
    """
    from blur_train.train import command
    from blur_train.train.show import show

    options = command.TrainOptions(
        dataset=dataset,
        output=output,
        backend=backend,
        weights=weights,
        classes=None if classes is None else tuple(name.strip() for name in classes.split(",")),
        epochs=command.SMOKE_EPOCHS if smoke else epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        patience=patience,
        side_px=side,
        false_positives=false_positives,
        resume=resume,
        keep_inputs=keep_inputs,
        device=device,
        jobs=jobs,
        max_photos=command.SMOKE_PHOTOS if smoke else None,
        seed=seed,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Measure a model on photos it never saw; ends with the path of a report.",
    epilog="Example: blur-train evaluate dataset",
)
def evaluate(
    *,
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="A prepared folder.")] = Path("dataset"),
    model: Annotated[Path, typer.Option(metavar="FOLDER", help="An exported model.")] = Path("models/blur_classifier"),
    side: Annotated[SideName, typer.Option(help="Of the data set.")] = SideName.TEST,
    preset: Annotated[PresetName, typer.Option(help="How readily a photo is called blurred.")] = PresetName.MODERATE,
    output: OutputFolder = Path("blur_evaluation"),
    jobs: Jobs = None,
    seed: Seed = 0,
    device: Device = "auto",
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Measure what ships, from file to answer, beside measures of focus that learn next to nothing."""
    from blur_train.decision import Preset
    from blur_train.evaluation.command import show
    from blur_train.evaluation.evaluate import SMOKE_PHOTOS, EvaluateOptions

    options = EvaluateOptions(
        model=model,
        dataset=dataset,
        side=side.value,
        output=output,
        preset=Preset(preset.value),
        jobs=jobs,
        device=device,
        seed=seed,
        max_photos=SMOKE_PHOTOS if smoke else None,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


@app.command(
    short_help="Write the files that a service loads, checked from photo to answer.",
    epilog="Example: blur-train export blur_training",
)
def export(
    *,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a training.")] = Path("blur_training"),
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the model.")] = Path(
        "models/blur_classifier"
    ),
    dataset: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The training's data set, where it lies now.")
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Also in eight bits, where every decision stays.")] = False,
    tensorrt: Annotated[bool, typer.Option("--tensorrt", help="Also an engine for this machine's GPU.")] = False,
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Write blur_classifier.onnx, class_names.json and the manifest, when every decision is that of the network."""
    from blur_train.export.command import show
    from blur_train.export.export import PARITY_PHOTOS, SMOKE_PHOTOS, ExportOptions

    options = ExportOptions(
        run=run,
        output=output,
        dataset=dataset,
        int8=int8,
        tensorrt=tensorrt,
        photos=SMOKE_PHOTOS if smoke else PARITY_PHOTOS,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


add_commands(app)


def main() -> None:
    """The console script."""
    run_app(app)


if __name__ == "__main__":
    main()
