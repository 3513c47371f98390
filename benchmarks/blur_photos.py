"""From JPEG files to decisions: photos a second, beside decoding alone and beside ``ultralytics predict``.

``python -m benchmarks.blur_photos`` from the root of the repository. The photos are drawn at 2, 12 and 24 megapixels;
files of a size are copies of a few. The native network has random weights: the time does not depend on them. Every way
starts from files on disk; worker processes are warm. ``--quick`` takes three minutes, ``--smoke`` only shows that all
of it runs. ``--memory 5000`` classifies so many files in one process and says how its memory grew.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
from benchmarks.measuring import Case, Spread, Timings, as_json, conditions, measure, print_conditions, print_table
from numpy.typing import NDArray

from blur_train.classes import CLASSES
from blur_train.classify.work import Task, judge_photo
from blur_train.decision import DecisionRule, Points, Preset
from blur_train.export.bundle import Origin, write_bundle
from blur_train.models.backends import NONE, make_backend
from blur_train.models.some_classes import OfSomeClasses
from blur_train.scenes.photo import draw_photo
from footage.parallel import parallel_map
from footage.persistence.bundle import read_manifest
from footage.runs.environment import usable_cpu_count

SIZES_PX = {"2 MP": 1_732, "12 MP": 4_000, "24 MP": 6_000}
"""Long sides; most scenes are three by two."""
DISTINCT = 3
CHECKS = 20
QUICK_ROUNDS = 3
SMOKE = {"photos": 4, "rounds": 1, "sizes": ["2 MP"]}
COLOUR, LUMA, OURS, PEER = "decoding in colour", "decoding luma", "classify", "ultralytics predict"


def draw_files(folder: Path, long_side_px: int, count: int) -> list[Path]:
    """Files of one size, copies of a few drawn photos."""
    folder.mkdir(parents=True, exist_ok=True)
    photos = [draw_photo(np.random.default_rng((7, n)), long_side_px=long_side_px).jpeg for n in range(DISTINCT)]
    files = []
    for number in range(count):
        files.append(folder / f"{number:04d}.jpg")
        files[-1].write_bytes(photos[number % DISTINCT])
    return files


def write_model(folder: Path) -> Path:
    """A native classifier with random weights, as a training exports it."""
    backend = make_backend("native", weights=NONE)
    points = dict.fromkeys(Preset, Points((0.5, 0.5, 0.5)))
    rule = DecisionRule(temperature=1.0, false_positives=0.005, points=points, chosen_on_sharp=1, chosen_on_blurred=1)
    example = np.random.default_rng(0).integers(0, 256, (2, *backend.maker.shape), dtype=np.uint8)
    network = OfSomeClasses(backend.network, CLASSES)
    write_bundle(network, rule, backend.maker, folder, batches=[example], origin=Origin(backend="native"))
    return next(folder.glob("*.onnx"))


def decode(file: Path, *, flags: int = cv2.IMREAD_COLOR_RGB) -> tuple[int, ...]:
    """Every pixel of a JPEG, by the fastest decoder there is here."""
    cv2.setNumThreads(1)
    pixels: NDArray[np.uint8] = cv2.imdecode(np.fromfile(file, np.uint8), flags)  # type: ignore[assignment]
    return pixels.shape


def tasks_of(files: Sequence[Path], model: Path) -> list[Task]:
    """What ``classify`` gives its workers."""
    sha256 = read_manifest(model).model_sha256
    return [
        Task(path=file, size=0, modified_ns=0, model=model, model_sha256=sha256, preset=Preset.MODERATE, device="cpu")
        for file in files
    ]


def all_of(function: Callable[[Any], object], items: Sequence[Any], jobs: int) -> int:
    """Do all of them, or stop at the first that failed."""
    for outcome in parallel_map(function, items, jobs=jobs, ordered=False):
        if outcome.error is not None:
            raise RuntimeError(outcome.error.traceback)
    return len(items)


def peer(files: Sequence[Path]) -> int:
    """As its documentation shows it: a model and a list of files; its own choice of threads."""
    network = _peer_network()
    for found in network.predict([str(file) for file in files], imgsz=224, stream=True, verbose=False, device="cpu"):
        assert found.probs is not None  # noqa: S101 - an answer a photo
    return len(files)


def _peer_network(kept: list[Any] = []) -> Any:  # noqa: B006 - opened once
    if not kept:
        os.environ |= {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_CONFIG_DIR": tempfile.mkdtemp()}
        kept.append(import_module("ultralytics").YOLO("yolov8n-cls.yaml"))
    return kept[0]


def cases_of(name: str, files: Sequence[Path], copies: Sequence[Path], model: Path, jobs: int) -> list[Case]:
    """Everything that is compared on files of one size."""
    tasks = tasks_of(files, model)
    luma = partial(decode, flags=cv2.IMREAD_GRAYSCALE)
    floor, both = f"{name}: {COLOUR}, 1", f"{name}: {COLOUR}, {jobs}"
    return [
        Case(name=floor, run=partial(all_of, decode, files, 1)),
        Case(name=f"{name}: {LUMA}, 1", run=partial(all_of, luma, files, 1), floor=floor),
        Case(name=f"{name}: {OURS}, 1", run=partial(all_of, judge_photo, tasks, 1), floor=floor),
        Case(name=both, run=partial(all_of, decode, files, jobs)),
        Case(name=f"{name}: {OURS}, {jobs}", run=partial(all_of, judge_photo, tasks, jobs), floor=both),
        Case(name=f"{name}: {PEER}", run=partial(peer, copies), floor=both),
    ]


def claims(name: str, timings: Timings, jobs: int) -> list[tuple[str, Spread]]:
    """The ratios that matter, paired by round."""
    one, several = f"{name}: {OURS}, 1", f"{name}: {OURS}, {jobs}"
    return [
        (f"{name}: cost beside {COLOUR}, one process, CPU", timings.ratio(one, f"{name}: {COLOUR}, 1", cpu=True)),
        (f"{name}: cost beside {LUMA}, one process, CPU", timings.ratio(one, f"{name}: {LUMA}, 1", cpu=True)),
        (f"{name}: cost beside {COLOUR}, {jobs} processes, wall", timings.ratio(several, f"{name}: {COLOUR}, {jobs}")),
        (f"{name}: {jobs} processes beside one, faster by", timings.ratio(one, several)),
        (f"{name}: faster than {PEER} by", timings.ratio(f"{name}: {PEER}", several)),
    ]


def print_markdown(names: Sequence[str], timings: Timings, jobs: int) -> None:
    """Photos a second of every way, and the ratios, as a table of a document."""
    rows: dict[str, list[str]] = {}
    for name in names:
        for way in (f"{COLOUR}, 1", f"{LUMA}, 1", f"{OURS}, 1", f"{COLOUR}, {jobs}", f"{OURS}, {jobs}", PEER):
            rate = Spread.of([1000 / ms for ms in timings.wall_ms[f"{name}: {way}"]])
            rows.setdefault(f"{way}: photos/s", []).append(rate.text(1))
        for text, spread in claims(name, timings, jobs):
            rows.setdefault(text.split(": ", 1)[1], []).append(spread.text())
    print(f"\n| {timings.items[f'{names[0]}: {OURS}, 1']} photos of each size | " + " | ".join(names) + " |")
    print("|---" * (1 + len(names)) + "|")
    for text, found in rows.items():
        print(f"| {text} | " + " | ".join(found) + " |")
    print()


def memory(folder: Path, model: Path, count: int) -> list[tuple[int, float]]:
    """Photos done, and megabytes that the process holds, as it classifies so many in one process."""
    files = draw_files(folder, SIZES_PX["2 MP"], DISTINCT)
    process = psutil.Process()
    held = []
    for number, task in enumerate(tasks_of([files[n % DISTINCT] for n in range(count)], model), start=1):
        judge_photo(task)
        if number % max(count // CHECKS, 1) == 0:
            held.append((number, process.memory_info().rss / 1e6))
    return held


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=24, help="files of each size")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", nargs="+", choices=SIZES_PX, default=list(SIZES_PX))
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds")
    parser.add_argument("--smoke", action="store_true", help="a few small photos once")
    parser.add_argument("--memory", type=int, metavar="N", help="classify N photos in one process instead")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    given = parser.parse_args()
    if given.quick:
        given.rounds = QUICK_ROUNDS
    if given.smoke:
        vars(given).update(SMOKE)
    jobs = max(usable_cpu_count(), 2)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model = write_model(folder / "model")
        if given.memory:
            held = memory(folder / "files", model, given.memory)
            print(json.dumps(held) if given.json else "\n".join(f"{n:>7,} photos {mb:8.1f} MB" for n, mb in held))
            return
        cases: list[Case] = []
        for name in given.sizes:
            files = draw_files(folder / name, SIZES_PX[name], given.photos)
            copies = shutil.copytree(folder / name, folder / f"{name} for the peer")  # it may rewrite what it reads
            cases += cases_of(name, files, sorted(Path(copies).iterdir()), model, jobs)
        timings = measure(cases, given.rounds)
        found = [claim for name in given.sizes for claim in claims(name, timings, jobs)]
        if given.json:
            document = {
                "conditions": conditions(timings),
                "cases": as_json(cases, timings),
                "claims": [{"claim": text, **asdict(spread)} for text, spread in found],
            }
            print(json.dumps(document, indent=2))
            return
        print_table(cases, timings, item="photo")
        print_markdown(given.sizes, timings, jobs)
        print_conditions(timings)


if __name__ == "__main__":
    main()
