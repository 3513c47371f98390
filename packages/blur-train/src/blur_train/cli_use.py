"""The part of the command line that uses a model: ``classify``, ``serve``, ``verify``; and ``demo`` and ``doctor``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from blur_train.options import PresetName, SidecarName
from footage.cli.options import Device, DryRun, Jobs, Json, OutputFolder, Seed, Smoke
from footage.errors import MissingDependency

Model = Annotated[Path, typer.Option("--model", metavar="FOLDER", help="An exported model.")]
MODEL = Path("models/blur_classifier")
Broker = Annotated[
    str | None,
    typer.Option(metavar="URL", envvar="BLUR_TRAIN_BROKER", help="redis://… for batches.", show_default=False),
]
Spool = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Where photos of batches wait; shared with workers.")
]
MaxMegabytes = Annotated[int, typer.Option(metavar="MB", min=1, help="Of a photo's file.")]
MaxMegapixels = Annotated[int, typer.Option(metavar="MP", min=1, max=178, help="Of a photo, by its header.")]


def add_commands(app: typer.Typer) -> None:
    """Add the verbs to the tool's parser."""
    app.command(
        short_help="Say of every photo whether it is blurred, and how.",
        epilog="Example: blur-train classify PHOTOS --sidecars xmp",
    )(classify)
    app.command(
        short_help="Answer over HTTP.", epilog="Example: blur-train serve --port 8000",
    )(serve)  # fmt: skip
    app.command(
        "serve-worker",
        short_help="Judge the batches of a server that has a broker.",
        epilog="Example: blur-train serve-worker --broker redis://127.0.0.1/0 --spool /srv/spool",
    )(serve_worker)
    app.command(
        short_help="Hold model, command line and a live server against expected answers.",
        epilog="Example: blur-train verify dataset/test",
    )(verify)
    app.command(
        short_help="Draw photos and take them through the whole workflow; ends with the path of a report.",
        epilog="Example: blur-train demo",
    )(demo)
    app.command(short_help="Say what is missing on this machine.", epilog="Example: blur-train doctor")(doctor)


def classify(
    *,
    photos: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="Photos, folders of them, globs.", show_default=False)
    ],
    model: Model = MODEL,
    output: OutputFolder = Path("blur_answers"),
    preset: Annotated[PresetName, typer.Option(help="How readily a photo is called blurred.")] = PresetName.MODERATE,
    sidecars: Annotated[SidecarName, typer.Option(help="A file of its own for every photo.")] = SidecarName.NONE,
    beside: Annotated[bool, typer.Option("--beside", help="Lay sidecars beside the photos.")] = False,
    jobs: Jobs = None,
    device: Device = "cpu",
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Judge photos and write answers.csv and answers.json; originals are only read.

    Stopped or killed, the same command goes on where it was.
    """
    from blur_train.classify.command import SMOKE_PHOTOS, show
    from blur_train.classify.options import ClassifyOptions, Sidecars
    from blur_train.decision import Preset

    options = ClassifyOptions(
        photos=tuple(photos),
        model=model,
        output=output,
        preset=Preset(preset.value),
        sidecars=Sidecars(sidecars.value),
        beside=beside,
        jobs=jobs,
        device=device,
        most_photos=SMOKE_PHOTOS if smoke else None,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


def serve(
    *,
    model: Model = MODEL,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="To listen on; others than loopback need keys.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0 takes a free one.")] = 8000,
    keys: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What callers may send as X-API-Key, one a line. Or BLUR_TRAIN_API_KEYS."),
    ] = None,
    broker: Broker = None,
    spool: Spool = None,
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Photos at once. Default: one a core.")
    ] = None,
    waiting: Annotated[int, typer.Option(metavar="N", min=0, help="Requests that may wait; more get a 503.")] = 16,
    per_client: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Requests of one client at once; more get a 429.")
    ] = None,
    max_megabytes: MaxMegabytes = 32,
    max_megapixels: MaxMegapixels = 64,
    batch: Annotated[int, typer.Option(metavar="N", min=1, max=5000, help="Photos in a batch, at most.")] = 500,
    answer_seconds: Annotated[float, typer.Option(metavar="S", min=0.1, help="Longest wait for an answer.")] = 30.0,
    result_hours: Annotated[float, typer.Option(metavar="H", min=0.1, help="How long results are kept.")] = 24.0,
    device: Device = "cpu",
) -> None:
    """Serve POST /api/v1/blur/classify and its batches until Ctrl-C; /openapi.json describes it.

    With --broker, batches wait in Redis for blur-train serve-worker; without it this process does them.
    """
    from blur_train.serve.options import MEGABYTE, Limits, ServeOptions
    from footage.cli.console import talk
    from footage.runs.environment import usable_cpu_count

    with _needs_the_extra():
        from blur_train.serve import command

    limits = Limits(
        max_bytes=max_megabytes * MEGABYTE,
        max_pixels=max_megapixels * MEGABYTE,
        waiting=waiting,
        client_requests=per_client,
        batch_items=batch,
        answer_seconds=answer_seconds,
        result_seconds=round(3600 * result_hours),
    )
    options = ServeOptions(
        model=model,
        host=host,
        port=port,
        keys=command.keys_from(keys),
        broker=broker,
        spool=spool,
        threads=threads or usable_cpu_count(),
        device=device,
        limits=limits,
    )
    raise typer.Exit(command.serve(options, talk))


def serve_worker(
    *,
    broker: Annotated[
        str, typer.Option(metavar="URL", envvar="BLUR_TRAIN_BROKER", help="The server's.", show_default=False)
    ],
    spool: Annotated[Path, typer.Option(metavar="FOLDER", help="The server's.", show_default=False)],
    model: Model = MODEL,
    processes: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Photos at once. Default: one a core.")
    ] = None,
    max_megabytes: MaxMegabytes = 32,
    max_megapixels: MaxMegapixels = 64,
    device: Device = "cpu",
) -> None:
    """Judge photos from a server's queue until Ctrl-C; killed at any moment, it loses none.

    Start as many as wanted, on any machine that sees the spool under the same path.
    """
    from blur_train.serve.options import MEGABYTE, Limits, ServeOptions
    from footage.cli.console import talk
    from footage.runs.environment import usable_cpu_count

    with _needs_the_extra():
        from blur_train.serve import command

    limits = Limits(max_bytes=max_megabytes * MEGABYTE, max_pixels=max_megapixels * MEGABYTE)
    options = ServeOptions(
        model=model, spool=spool, threads=processes or usable_cpu_count(), device=device, limits=limits
    )
    raise typer.Exit(command.work(broker, options, talk))


def verify(
    *,
    photos: Annotated[
        Path, typer.Argument(metavar="PHOTOS", help="A folder for each class.", show_default=False)
    ] = Path("dataset/test"),
    model: Model = MODEL,
    server: Annotated[
        str | None, typer.Option(metavar="URL", help="A running server. Default: one is started.")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The server's; the first is sent. Or BLUR_TRAIN_API_KEYS.")
    ] = None,
    preset: Annotated[PresetName, typer.Option(help="How readily a photo is called blurred.")] = PresetName.MODERATE,
    at_least: Annotated[
        float, typer.Option(metavar="0..1", min=0, max=1, help="Share of photos that must be as their folder says.")
    ] = 0.9,
    dry_run: DryRun = False,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Judge photos by the model, the command line, the server and its batches: every answer must be the same.

    Ends with exit code 3 where one is not, or where too few are as their folder says.
    """
    with _needs_the_extra():
        from blur_train.serve.command import keys_from
    from blur_train.decision import Preset
    from blur_train.verify.command import SMOKE_PHOTOS, VerifyOptions, show

    given = keys_from(keys) if server is not None else ()
    options = VerifyOptions(
        photos=photos,
        model=model,
        server=server,
        key=given[0] if given else None,
        preset=Preset(preset.value),
        at_least=at_least,
        most_photos=SMOKE_PHOTOS if smoke else None,
    )
    raise typer.Exit(show(options, dry_run=dry_run, as_json=as_json))


def demo(
    *,
    output: OutputFolder = Path("blur_demo"),
    seed: Seed = 0,
    smoke: Smoke = False,
    as_json: Json = False,
) -> None:
    """Draw sharp photos, blur them, prepare, train, export, evaluate and classify: under two minutes on two cores."""
    from blur_train.demo.command import show

    raise typer.Exit(show(output, seed=seed, smoke=smoke, as_json=as_json))


def doctor(*, as_json: Json = False) -> None:
    """Look at versions, picture formats, devices and disk, and say how to mend what is missing."""
    from blur_train.doctor import examine

    raise typer.Exit(examine(as_json=as_json))


@contextmanager
def _needs_the_extra() -> Iterator[None]:
    """Say which extra brings what is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingDependency(
            f"serving needs the package {error.name}", remedy="install it with: uv pip install 'blur-train[serve]'"
        ) from error
