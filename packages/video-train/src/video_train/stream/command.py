"""The verb ``stream``: what it prints."""

from __future__ import annotations

import contextlib
import csv
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from footage.cli.console import print_json, result, talk
from footage.cli.interruption import interruption
from footage.errors import InputError, ModelError
from footage.video.live import LiveVideo
from video_train.prediction.windows import Said
from video_train.stream.recording import RecordOptions, record
from video_train.stream.watching import WatchOptions, watch


def show_labels(options: WatchOptions, *, output: Path | None, as_json: bool) -> None:
    """Label a source and print every label as it comes; ends well with Ctrl-C.

    Args:
        options: what to label, and how.
        output: a ``.csv`` or ``.jsonl`` file that gets a line a window at once; None for none.
        as_json: print one JSON document at the end in place of the labels.

    Raises:
        FootageError: as :func:`video_train.stream.watching.watch`.
    """
    try:
        with interruption() as interrupted, _lines(output) as write:

            def on_label(said: Said) -> None:
                write(said)
                if not as_json:
                    result(
                        f"{said.start_seconds:.2f} to {said.end_seconds:.2f} s  {said.label}  {said.probability:.3f}"
                    )
                    sys.stdout.flush()

            watched = watch(options, tell=talk, on_label=on_label, interrupted=interrupted)
    except ModelError as error:
        error.add_note("--model names the folder of a training, its model.onnx or its best_student.pt")
        raise
    except InputError as error:
        error.add_note("SOURCE is an address or a file that grows; --window is in seconds; -o ends in .csv or .jsonl")
        raise
    if as_json:
        print_json(watched)
        return
    talk(
        f"{watched.windows} windows labelled up to {watched.until_seconds:.2f} s, {watched.dropped} dropped because "
        f"newer ones had come, {watched.passed_over} in gaps; {watched.ended}"
    )


@contextlib.contextmanager
def _lines(output: Path | None) -> Iterator[Callable[[Said], None]]:
    """What writes a line a window, at once, so that others can follow the file."""
    if output is None:
        yield lambda _: None
        return
    if output.suffix not in {".csv", ".jsonl"}:
        raise InputError("labels of a stream are written as .csv or .jsonl", where=output)
    with output.open("w", encoding="utf-8", newline="", buffering=1) as file:
        if output.suffix == ".jsonl":
            yield lambda said: print(json.dumps(said.document()), file=file, flush=True)
            return
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["start_seconds", "end_seconds", "label", "probability"])

        def write(said: Said) -> None:
            span = [f"{said.start_seconds:.3f}", f"{said.end_seconds:.3f}"]
            writer.writerow([*span, said.label, f"{said.probability:.6f}"])

        yield write


def show_recording(options: RecordOptions, *, as_json: bool) -> None:
    """Record a source and print every video as it is complete; ends well with Ctrl-C.

    Args:
        options: what, and where to.
        as_json: print one JSON document at the end in place of the videos.

    Raises:
        FootageError: as :func:`video_train.stream.recording.record`.
    """
    try:
        with interruption() as interrupted:
            found = record(
                options,
                tell=talk,
                on_video=lambda path: None if as_json else result(str(path)),
                interrupted=interrupted,
            )
    except InputError as error:
        error.add_note("SOURCE is an address or a file that grows; --record names a folder, --label the class")
        raise
    if as_json:
        print_json(found)
        return
    talk(
        f"{len(found.videos)} videos; {found.ended}. When there are several recordings of every class: "
        f"video-train train --video-dir {options.folder} --annotations {found.annotations}"
    )
    result(str(found.annotations))


def show_source(source: str, *, patience_seconds: float, as_json: bool) -> None:
    """Open a source and say what it is; nothing is labelled or written.

    Raises:
        VideoError: it cannot be opened.
    """
    with LiveVideo(source, patience_seconds=patience_seconds) as video:
        rate = None if video.rate is None else float(video.rate)
        if as_json:
            print_json({"source": video.source, "size": video.size, "codec": video.codec, "frames_per_second": rate})
            return
        result(f"would read {video.source}: {video.size[0]}x{video.size[1]} {video.codec}, {rate} frames/s")
