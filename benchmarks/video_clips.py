"""Clips for training: eight random frames of a file, squeezed to 224 px, beside other ways to read them.

Run from the root of the repository: ``uv run python -m benchmarks.video_clips --folder FOLDER``. torchcodec and
decord's maintained successor (decord2) are measured where they can be imported. Every way runs in two threads, which is
how training loads; decoders release Python's lock. "ours" draws moments as training does, among keyframes where there
are enough; all others, ``--exact`` too, read the same moments that lie anywhere, and those named "drawn" ours.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch
from benchmarks.footage_library import KINDS, Kind, make_library
from benchmarks.measuring import Case, Spread, Timings, conditions, measure, print_conditions
from numpy.typing import NDArray

from footage.training.augmentation import Augmentation
from footage.training.batches import Examples, batches
from footage.training.clips import (
    ClipSampling,
    LabelledVideo,
    LiveClips,
    StoredClips,
    cheap_times,
    clip_times,
    length_seconds,
    read_clip,
    read_drawn_clip,
)
from footage.training.recipe import Recipe
from footage.training.team import ALONE
from video_train.networks.clips import build_network

SIDE_PX, FRAMES, WORKERS = 224, 8, 2
SAMPLING = ClipSampling(frames=FRAMES, size_px=SIDE_PX)
OURS, EXACT, STORED = "ours", "ours, --exact", "ours, stored clips"
OPENCV_SEEK, OPENCV_WHOLE = "OpenCV, a seek a frame", "OpenCV, from the beginning"
WITH_B = Kind("1080p-h264-b", (1920, 1080), "libx264", 25, 20, b_frames=3)
ALL_KINDS = (*KINDS, WITH_B)
EPOCH_VIDEOS, EPOCH_BATCH = 24, 4
MILLISECONDS = 1000.0

Clip = NDArray[np.uint8]
Read = Callable[[Path, NDArray[np.float64]], Clip]


def squeezed(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """To the network's square."""
    return np.asarray(cv2.resize(rgb, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8)


def ours(file: Path, times: NDArray[np.float64]) -> Clip:
    """The library's own way."""
    return read_clip(file, times, SIDE_PX)


def opencv_seek(file: Path, times: NDArray[np.float64]) -> Clip:
    """A seek for every frame."""
    opened = cv2.VideoCapture(str(file))  # noqa: TID251 - the bare call is what is measured here
    pictures = []
    for seconds in times.tolist():
        opened.set(cv2.CAP_PROP_POS_MSEC, seconds * MILLISECONDS)
        pictures.append(squeezed(np.asarray(cv2.cvtColor(opened.read()[1], cv2.COLOR_BGR2RGB), np.uint8)))
    opened.release()
    return np.stack(pictures)


def opencv_sequential(file: Path, times: NDArray[np.float64]) -> Clip:
    """From the beginning to the last frame, converting those that are wanted."""
    opened = cv2.VideoCapture(str(file))  # noqa: TID251 - the bare call is what is measured here
    wanted = (times * opened.get(cv2.CAP_PROP_FPS)).astype(int).tolist()
    pictures = []
    for number in range(wanted[-1] + 1):
        opened.grab()
        if number in wanted:
            picture = squeezed(np.asarray(cv2.cvtColor(opened.retrieve()[1], cv2.COLOR_BGR2RGB), np.uint8))
            pictures += [picture] * wanted.count(number)
    opened.release()
    return np.stack(pictures)


def pyav_seek(file: Path, times: NDArray[np.float64]) -> Clip:
    """PyAV as its documentation shows it: seek, then decode up to the time."""
    pictures = []
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        base = float(stream.time_base or 1)
        for seconds in times.tolist():
            container.seek(int(seconds / base), stream=stream)
            shown = None
            for frame in container.decode(stream):
                if frame.time is not None and frame.time > seconds and shown is not None:
                    break
                shown = frame
            if shown is not None:
                pictures.append(squeezed(np.asarray(shown.to_ndarray(format="rgb24"), np.uint8)))
    return np.stack(pictures)


def torchcodec_clip(file: Path, times: NDArray[np.float64], mode: str) -> Clip:
    """Torchcodec, all frames in one call."""
    decoders: Any = import_module("torchcodec.decoders")  # an optional package
    decoder = decoders.VideoDecoder(str(file), seek_mode=mode, dimension_order="NHWC")
    return np.stack([squeezed(frame.numpy()) for frame in decoder.get_frames_played_at(seconds=times.tolist()).data])


def decord_clip(file: Path, times: NDArray[np.float64]) -> Clip:
    """Decord's successor, which scales by itself."""
    decord: Any = import_module("decord")  # an optional package
    reader = decord.VideoReader(str(file), width=SIDE_PX, height=SIDE_PX)
    return np.asarray(reader.get_batch((times * reader.get_avg_fps()).astype(int).tolist()).asnumpy(), np.uint8)


def optional_ways() -> tuple[dict[str, Read], dict[str, str]]:
    """Ways of packages that need not be there, and why some are not."""
    ways: dict[str, Read] = {}
    missing: dict[str, str] = {}
    for module, found in (
        (
            "torchcodec.decoders",
            {
                "torchcodec, exact": partial(torchcodec_clip, mode="exact"),
                "torchcodec, approximate": partial(torchcodec_clip, mode="approximate"),
            },
        ),
        ("decord", {"decord2": decord_clip}),
    ):
        try:
            import_module(module)
        except (ImportError, OSError, RuntimeError) as error:
            missing[module] = str(error).strip().splitlines()[0]
        else:
            ways.update(found)
    return ways, missing


def in_threads(read: Callable[[int], object], clips: int) -> int:
    """The same work in two threads."""
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(read, range(clips)))
    return clips


@dataclass(frozen=True, slots=True)
class Wanted:
    """Clips of one file.

    Attributes:
        file: the video.
        times: when the frames of each are shown ``(clips, 8)``, at any moment; each round takes the same.
        drawn: the same as training draws them.
    """

    file: Path
    times: NDArray[np.float64]
    drawn: NDArray[np.float64]

    def ours(self, number: int) -> Clip:
        """One as training loads it."""
        return read_drawn_clip(self.file, self.drawn[number], SAMPLING)

    def read(self, way: Read, number: int) -> Clip:
        """One of them."""
        return way(self.file, self.times[number])

    def read_drawn(self, way: Read, number: int) -> Clip:
        """One of them by another way, at the moments that training draws: what the reader alone is worth."""
        return way(self.file, self.drawn[number])


def wanted_of(file: Path, clips: int) -> Wanted:
    """Random moments all over a file."""
    length = length_seconds(file)
    rng = np.random.default_rng(0)
    anywhere, drawn = (
        np.stack([clip_times(0.0, length, SAMPLING, rng, cheap) for _ in range(clips)])
        for cheap in (None, cheap_times(file))
    )
    return Wanted(file, anywhere, drawn)


def stored_of(wanted: Wanted, folder: Path) -> StoredClips:
    """The same clips, decoded once."""
    file = folder / f"{wanted.file.parent.name}.npy"
    np.save(file, np.stack([ours(wanted.file, times) for times in wanted.times]))
    count = len(wanted.times)
    return StoredClips(
        labels=np.zeros(count, np.int64),
        weights=np.ones(count),
        files=[file] * count,
        places=np.arange(count),
        sampling=SAMPLING,
        augmentation=Augmentation(),
    )


def farthest(way: Read, wanted: Wanted) -> float:
    """Mean distance of a way's pictures from exact ones, in levels of 255, the worst frame: another frame shows."""
    exact, other = (wanted.read(one, 0).astype(float) for one in (ours, way))
    return float(np.abs(exact - other).mean((1, 2, 3)).max())


def summary(timings: Timings) -> dict[str, object]:
    """Clips a second of every way, and how ours compares."""
    others = [name for name in timings.wall_ms if name != OURS]
    return {
        "clips_per_second": {
            name: asdict(Spread.of([MILLISECONDS / value for value in values]))
            for name, values in timings.wall_ms.items()
        },
        "cpu_ms_a_clip": {name: asdict(Spread.of(values)) for name, values in timings.cpu_ms.items()},
        "ours_times_as_fast_as": {name: asdict(timings.ratio(name, OURS)) for name in others},
        "ours_times_less_cpu_than": {name: asdict(timings.ratio(name, OURS, cpu=True)) for name in others},
    }


def waiting_share(examples: Examples, threads: int) -> dict[str, float]:
    """How much of an epoch of a real network is spent waiting for its next batch."""
    network = build_network("mobilenet_v3_small", 2).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    recipe = Recipe(epochs=1, batch_size=EPOCH_BATCH, epoch_items=EPOCH_VIDEOS, seed=0)
    waited, began = 0.0, time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        steps = batches(examples, recipe, epoch=0, first_step=0, team=ALONE, pool=pool)
        while True:
            asked = time.perf_counter()
            parts = next(steps, None)
            waited += time.perf_counter() - asked
            if parts is None:
                break
            for part in parts:
                loss = torch.nn.functional.cross_entropy(network(part.images), part.labels)
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()
    whole = time.perf_counter() - began
    return {"seconds": whole, "share_waiting": waited / whole}


def epoch_of(files: Sequence[Path], stored: Sequence[StoredClips]) -> dict[str, object]:
    """The waiting of an epoch over videos, decoded anew and stored."""
    lengths = {file: length_seconds(file) for file in files}
    videos = [
        LabelledVideo(path=file, label=number % 2, start_seconds=0.0, end_seconds=lengths[file])
        for number, file in enumerate(list(files) * EPOCH_VIDEOS)
    ][:EPOCH_VIDEOS]
    live = LiveClips(videos, np.ones(len(videos)), SAMPLING, Augmentation())
    places = [(one, place) for one in stored for place in range(len(one.files))]
    chosen = [places[number % len(places)] for number in range(EPOCH_VIDEOS)]
    kept = StoredClips(
        labels=np.arange(EPOCH_VIDEOS) % 2,
        weights=np.ones(EPOCH_VIDEOS),
        files=[one.files[place] for one, place in chosen],
        places=np.array([one.places[place] for one, place in chosen]),
        sampling=SAMPLING,
        augmentation=Augmentation(),
    )
    return {"decoded anew": waiting_share(live, WORKERS), "stored": waiting_share(kept, WORKERS)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Clips of eight random frames, beside other ways to read them.")
    parser.add_argument("--clips", type=int, default=4, help="clips a way and round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default: %(default)s)")
    parser.add_argument("--kinds", nargs="+", choices=[kind.name for kind in ALL_KINDS], help="default: all")
    parser.add_argument("--folder", type=Path, help="keep the generated files here")
    parser.add_argument("--no-epoch", action="store_true", help="do not train")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args()
    more, missing = optional_ways()
    ways: dict[str, Read] = {
        EXACT: ours,
        OPENCV_SEEK: opencv_seek,
        OPENCV_WHOLE: opencv_sequential,
        "PyAV, a seek a frame": pyav_seek,
        **more,
    }
    with tempfile.TemporaryDirectory() as temporary:
        chosen = tuple(kind for kind in ALL_KINDS if not given.kinds or kind.name in given.kinds)
        library = make_library(given.folder or Path(temporary), files_a_kind=1, kinds=chosen)
        document: dict[str, Any] = {"missing": missing, "kinds": {}}
        kept = []
        for kind, (file,) in library.items():
            wanted = wanted_of(file, given.clips)
            stored = stored_of(wanted, Path(temporary))
            kept.append(stored)
            cases = [
                Case(name=name, run=partial(in_threads, partial(wanted.read, way), count))
                for name, way in ways.items()
                # What takes minutes is measured on as many clips as there are threads.
                for count in (min(WORKERS, given.clips) if name == OPENCV_WHOLE else given.clips,)
            ]
            cases.insert(0, Case(name=OURS, run=partial(in_threads, wanted.ours, given.clips)))
            cases += [
                Case(name=f"{name}, drawn", run=partial(in_threads, partial(wanted.read_drawn, way), given.clips))
                for name, way in ways.items()
                if name not in {EXACT, OPENCV_WHOLE}
            ]
            cases.append(Case(name=STORED, run=partial(in_threads, stored.clip, given.clips)))
            timings = measure(cases, given.rounds)
            found = {
                "megabytes": file.stat().st_size / 1e6,
                "farthest_picture_levels": {name: farthest(way, wanted) for name, way in ways.items()},
                **summary(timings),
                "conditions": conditions(timings),
            }
            document["kinds"][kind] = found
            if not given.json:
                print_kind(kind, found, timings)
        if not given.no_epoch:
            document["epoch"] = epoch_of([file for (file,) in library.values()], kept)
            if not given.json:
                print_epoch(document["epoch"])
    if given.json:
        print(json.dumps(document, indent=2))
    for name, reason in missing.items() if not given.json else ():
        print(f"{name} was not measured: {reason}")


def print_kind(kind: str, found: dict[str, Any], timings: Timings) -> None:
    """A table of one kind of file."""
    print(f"{kind}, {found['megabytes']:.0f} MB; {FRAMES} random frames a clip, {WORKERS} threads")
    for name, values in timings.wall_ms.items():
        speed = Spread.of([MILLISECONDS / value for value in values])
        ratio = ""
        if name != OURS:
            cpu = timings.ratio(name, OURS, cpu=True).text(2)
            ratio = f"ours {timings.ratio(name, OURS).text(2)} times as fast, CPU {cpu}"
        away = found["farthest_picture_levels"].get(name)
        off = "" if away is None or name == OURS else f"; farthest picture {away:.1f} levels off"
        print(f"  {name:<28} {speed.text(2):>26} clips/s   {ratio}{off}".rstrip())
    print_conditions(timings)


def print_epoch(found: dict[str, Any]) -> None:
    """How long an epoch waited."""
    print(f"an epoch of mobilenet_v3_small over {EPOCH_VIDEOS} clips of all kinds, batches of {EPOCH_BATCH}:")
    for name, one in found.items():
        print(f"  clips {name}: {one['seconds']:.1f} s, {one['share_waiting']:.0%} of it waiting for data")


if __name__ == "__main__":
    main()
