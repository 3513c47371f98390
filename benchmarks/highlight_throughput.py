"""Scoring a library for highlights: videos a second and bytes read, beside other ways and beside the floor.

Run with ``python -m benchmarks.highlight_throughput`` from the root of the repository: a small library, one round.
``--files 15 --rounds 3`` is the full measure: 60 files. Ways that take one video after another get the first file of
each kind only (``--slow-files``). Every way scores 16 pictures of each video with the same ResNet18 (random weights:
the time does not depend on them); the naive way takes one a second. Ways that do not bring their own processes run as
their documentation shows them, on all cores where the library does so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import av
import cv2
import imageio_ffmpeg
import numpy as np
import torch
from benchmarks.footage_library import KINDS, make_library
from benchmarks.highlight_floor import decode_one, infer_one
from benchmarks.measuring import Case, Spread, Timings, conditions, measure, print_conditions
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import nn
from torchvision.models import resnet18

from footage.dataset.discover import find_media
from footage.parallel import parallel_map
from footage.persistence.bundle import ModelInput, ModelManifest, save_manifest
from footage.runs.environment import usable_cpu_count
from highlight_train.batch.journal import FileState, file_state
from highlight_train.batch.local import score_locally
from highlight_train.batch.work import Scoring, scoring_of
from highlight_train.preprocess import described, squeeze
from highlight_train.scoring.model import open_models
from highlight_train.scoring.pooling import pool
from highlight_train.scoring.sampler import SAMPLES, sample_video
from highlight_train.scoring.video import FrameScores

OURS, NAIVE, DECODING, INFERENCE = "ours", "naive", "keyframes alone", "inference alone"

Item = TypeVar("Item")


class Packed(nn.Module):
    """The network with its normalisation inside, as a training exports it."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Probabilities ``(N, 2)`` of uint8 ``(N, 224, 224, 3)``."""
        scaled = (images.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.deviation
        return torch.softmax(self.network(scaled), 1)


def write_model(folder: Path) -> tuple[Path, Path]:
    """The ONNX model with its manifest, and the plain weights."""
    torch.manual_seed(0)
    network = resnet18(num_classes=2).eval()
    weights, model = folder / "weights.pth", folder / "model.onnx"
    torch.save(network.state_dict(), weights)
    example = (torch.zeros(2, 224, 224, 3, dtype=torch.uint8),)
    batch = {"images": {0: torch.export.Dim("n", min=1, max=4096)}}
    torch.onnx.export(
        Packed(network).eval(),
        example,
        model,
        input_names=["images"],
        output_names=["probabilities"],
        dynamic_shapes=batch,
        external_data=False,
        verbose=False,
    )
    manifest = ModelManifest(
        task="highlight",
        classes=("normal", "highlight"),
        input=ModelInput(shape=(None, 224, 224, 3), preprocessing=described()),
        output="probabilities",
        training_data_sha256="0" * 64,
        split_sha256="0" * 64,
        metrics={},
        libraries={},
    )
    save_manifest(manifest, model)
    return model, weights


def naive(files: Sequence[Path], weights: Path) -> int:
    """A process, an ffmpeg and a model for every video."""
    script = Path(__file__).with_name("naive_highlights.py")
    for file in files:
        command = [sys.executable, str(script), str(file), str(weights), imageio_ffmpeg.get_ffmpeg_exe()]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return len(files)


def even_times(duration_seconds: float) -> NDArray[np.float64]:
    """The middles of equal parts."""
    return np.asarray((np.arange(SAMPLES) + 0.5) * duration_seconds / SAMPLES)


def opencv_pictures(file: Path) -> list[NDArray[np.uint8]]:
    """Frames by OpenCV's own seek."""
    opened = cv2.VideoCapture(str(file))  # noqa: TID251 - the bare call is what is measured here
    duration = opened.get(cv2.CAP_PROP_FRAME_COUNT) / opened.get(cv2.CAP_PROP_FPS)
    pictures = []
    for seconds in even_times(duration):
        opened.set(cv2.CAP_PROP_POS_MSEC, float(seconds) * 1000)
        found, picture = opened.read()
        if found:
            pictures.append(squeeze(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)))
    opened.release()
    return pictures


def pyav_pictures(file: Path) -> list[NDArray[np.uint8]]:
    """PyAV as its documentation shows it: seek, then decode up to the time, on all cores."""
    pictures = []
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        base = stream.time_base
        if stream.duration is None or base is None:
            return []
        for seconds in even_times(float(stream.duration * base)):
            container.seek(int(seconds / base), stream=stream)
            for frame in container.decode(stream):
                if frame.time is not None and frame.time >= seconds:
                    pictures.append(squeeze(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)))
                    break
    return pictures


def torchcodec_pictures(file: Path) -> list[NDArray[np.uint8]]:
    """Torchcodec with its quick seek mode."""
    torchcodec: Any = import_module("torchcodec.decoders")  # an optional package
    decoder = torchcodec.VideoDecoder(str(file), seek_mode="approximate", dimension_order="NHWC")
    length = decoder.metadata.duration_seconds
    frames = decoder.get_frames_played_at(seconds=even_times(length).tolist())
    return [squeeze(frame.numpy()) for frame in frames.data]


def why_no_torchcodec() -> str | None:
    """Why torchcodec cannot be measured here; None where it can."""
    try:
        import_module("torchcodec.decoders")
    except (ImportError, RuntimeError, OSError) as error:
        return str(error).strip().splitlines()[0]
    return None


def peer(files: Sequence[Path], read: Callable[[Path], list[NDArray[np.uint8]]], model: Path) -> int:
    """A reader used straightforwardly with ONNX Runtime on all cores, one video after another."""
    models = open_models([model], threads=None)
    for file in files:
        models.score(np.stack(read(file)))
    return len(files)


def ours(files: Sequence[FileState], scoring: Scoring) -> int:
    """The library's own way."""
    count = 0
    for _, answers in score_locally(files, scoring):
        assert all(isinstance(answer, FrameScores) for answer in answers)  # noqa: S101 - else nothing was measured
        count += len(answers)
    return count


def in_workers(work: Callable[[Item], int], items: Sequence[Item]) -> int:
    """The same work in one process a core."""
    return sum(outcome.error is None for outcome in parallel_map(work, items, jobs=usable_cpu_count(), ordered=False))


def cases(files: Sequence[Path], model: Path, weights: Path, slow_files: int) -> list[Case]:
    """Ours and its floor over all files; ways that take a video at a time over the first ones."""
    few = files[:slow_files]
    states = [file_state(file, file.parent) for file in files]
    scoring = scoring_of([model])
    ways = [
        Case(name=NAIVE, run=partial(naive, few, weights)),
        Case(name="OpenCV, seeks", run=partial(peer, few, opencv_pictures, model)),
        Case(name="PyAV, seeks", run=partial(peer, few, pyav_pictures, model)),
        Case(name=OURS, run=partial(ours, states, scoring)),
        Case(name=DECODING, run=partial(in_workers, decode_one, states)),
        Case(name=INFERENCE, run=partial(in_workers, partial(infer_one, model=model), range(len(files)))),
    ]
    if why_no_torchcodec() is None:
        ways.insert(2, Case(name="torchcodec", run=partial(peer, few, torchcodec_pictures, model)))
    return ways


def share_read(file: Path, counter: str = "rchar") -> float | None:
    """Bytes that sampling reads of a file, as the kernel counts them, over its size; None off Linux.

    Args:
        file: a video.
        counter: ``rchar`` for what the process asked for, ``read_bytes`` for what the disk gave: the file is put out of
            the page cache first.
    """
    counters = Path("/proc/self/io")
    if not counters.exists():
        return None
    if counter == "read_bytes":
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def read_so_far() -> int:
        return int(dict(line.split(": ") for line in counters.read_text().splitlines())[counter])

    before = read_so_far()
    sample_video(file)
    return (read_so_far() - before) / file.stat().st_size


def keyframes_share(file: Path) -> float:
    """What sixteen keyframes of mean size take of a file: nothing that decodes sixteen can read less."""
    with av.open(str(file)) as container:
        sizes = [entry.size for entry in container.streams.video[0].index_entries if entry.is_keyframe]
    return SAMPLES * float(np.mean(sizes)) / file.stat().st_size


def summary(timings: Timings) -> dict[str, object]:
    """Videos a second of every way, and how ours compares."""
    return {
        "videos_per_second": {
            name: asdict(Spread.of([1000 / value for value in values])) for name, values in timings.wall_ms.items()
        },
        "ours_times_as_fast_as": {
            name: asdict(timings.ratio(name, OURS))
            for name in timings.wall_ms
            if name not in {OURS, DECODING, INFERENCE}
        },
        "times_the_floor": asdict(timings.ratio(OURS, [DECODING, INFERENCE])),
    }


def as_cameras_write(files: Sequence[Path], folder: Path) -> list[Path]:
    """The same footage with a keyframe every half second: clips cut for the web often have a single one."""
    made = []
    for number, file in enumerate(files):
        target = folder / f"{number}.mp4"
        coding = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p"]
        keyframes = ["-force_key_frames", "expr:gte(t,n_forced*0.5)", "-an"]
        even = ["-vf", "scale=trunc(iw/2)*2:trunc(ih/2)*2"]
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(file), *even, *coding, *keyframes]
        subprocess.run([*command, str(target)], check=True)
        made.append(target)
    return made


def agreement(files: Sequence[Path], model: Path) -> dict[str, float]:
    """How scores of videos by keyframes agree with those by exact frames at even times."""
    models = open_models([model], threads=None)
    pairs = np.array(
        [[pool(models.score(sample_video(file, exact=exact).images)) for exact in (False, True)] for file in files]
    )
    return {
        "videos": len(files),
        "rank_correlation": float(spearmanr(pairs[:, 0], pairs[:, 1]).statistic),
        "mean_absolute_difference": float(np.abs(pairs[:, 0] - pairs[:, 1]).mean()),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Scoring a library for highlights, beside other ways and the floor.")
    parser.add_argument("--files", type=int, default=1, help="files of each kind (default: %(default)s)")
    parser.add_argument(
        "--slow-files", type=int, default=1, help="files of each kind for slow ways (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=1, help="rounds (default: %(default)s)")
    parser.add_argument("--kinds", nargs="+", choices=[kind.name for kind in KINDS], help="default: all")
    parser.add_argument("--folder", type=Path, help="keep the generated library here")
    parser.add_argument("--agree", type=Path, help="a folder of real videos to compare scores on")
    parser.add_argument("--model", type=Path, help="the model for --agree; default: random weights")
    parser.add_argument("--agree-only", action="store_true", help="measure no times")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args()
    wanted = tuple(kind for kind in KINDS if not given.kinds or kind.name in given.kinds)
    with tempfile.TemporaryDirectory() as temporary:
        model, weights = write_model(Path(temporary))
        kinds = () if given.agree_only else wanted
        library = make_library(given.folder or Path(temporary), files_a_kind=given.files, kinds=kinds)
        document: dict[str, object] = {"torchcodec_missing": why_no_torchcodec(), "kinds": {}}
        for kind, files in library.items():
            timings = measure(cases(files, model, weights, given.slow_files), given.rounds)
            found = {
                "files": len(files),
                "megabytes": files[0].stat().st_size / 1e6,
                "share_read": share_read(files[0]),
                "share_from_disk": share_read(files[0], "read_bytes"),
                "share_of_keyframes": keyframes_share(files[0]),
                **summary(timings),
                "conditions": conditions(timings),
            }
            document["kinds"][kind] = found  # type: ignore[index]  # a document, not a record
            if not given.json:
                print_kind(kind, found, timings)
        if given.agree:
            real = as_cameras_write(find_media(given.agree).files, Path(temporary))
            document["agreement"] = agreement(real, given.model or model)
            if not given.json:
                print("agreement with exact frames:", document["agreement"])
    if given.json:
        print(json.dumps(document, indent=2))
    elif document["torchcodec_missing"]:
        print(f"torchcodec was not measured: {document['torchcodec_missing']}")


def print_kind(kind: str, found: dict[str, object], timings: Timings) -> None:
    """A table of one kind of file."""
    share = found["share_read"]
    least = found["share_of_keyframes"]
    disk = found["share_from_disk"]
    read = f", {share:.1%} of it read ({disk:.1%} from the disk), {least:.1%} in sixteen keyframes" if share else ""
    print(f"{kind}: {found['files']} files of {found['megabytes']:.0f} MB{read}")
    for name, values in timings.wall_ms.items():
        speed = Spread.of([1000 / value for value in values])
        ratio = "" if name == OURS else f"ours {timings.ratio(name, OURS).text(1)} times as fast"
        print(f"  {name:<20} {speed.text(3):>26} videos/s   {ratio}")
    print(f"  ours takes {timings.ratio(OURS, [DECODING, INFERENCE]).text()} times both floors one after the other")
    print_conditions(timings)


if __name__ == "__main__":
    main()
