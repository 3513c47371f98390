"""Files of numbers and names as they never should be: each reader takes them or refuses them by name.

``uv run python -m hardening.broken_files`` lets the tools' demos write their files, puts nonsense into one place of one
file at a time (or takes the place away), and reads. It prints the table and ends with 1 where anything but one of the
library's own errors came out.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardening.commands import run

from footage.errors import FootageError

NONSENSE: tuple[Any, ...] = (
    *(None, True, -1, 0, 1e308, float("nan"), float("inf"), 10**30, "", "x", "\ud800", "../..", "9" * 400),
    *([], {}, [[]], [None], {"a": 1}),
)
MOST_OF_A_LIST = 4
"""Entries of a list are alike: so many of each are enough."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A file and what reads it.

    Attributes:
        folder: of the demos' folders, where the file lies among those that are read with it.
        file: its name.
        read: reads it, from the folder.
    """

    folder: str
    file: str
    read: Callable[[Path], object]


def readers() -> Iterator[Reader]:
    """Every reader of a file that a demo writes."""
    from blur_train.classifier import BlurClassifier
    from blur_train.prepare.manifest import read_prepared
    from blur_train.synth.manifest import read_drawn
    from eztrack_tune.aggregate.recommendation import read_defaults
    from eztrack_tune.scan.record import read_scan
    from footage.runs.saved import read_run
    from highlight_train.highlights import read_highlights
    from highlight_train.labels import read_labels
    from highlight_train.prepare.manifest import read_dataset
    from video_train.model import read_model, read_split

    yield Reader("flexpatch-train", "run.json", read_run)
    yield Reader("flexpatch-train", "metrics.json", read_run)
    yield Reader("highlight-train", "labels.json", lambda folder: read_labels(folder / "labels.json"))
    yield Reader("highlight-train/dataset", "manifest.json", read_dataset)
    yield Reader("highlight-train/dataset", "dataset.json", read_dataset)
    yield Reader("highlight-train/training", "run.json", read_run)
    yield Reader(
        "highlight-train/scores", "highlights.json", lambda folder: read_highlights(folder / "highlights.json")
    )
    yield Reader("eztrack-tune/scan", "scan.json", lambda folder: read_scan(folder / "scan.json"))
    yield Reader("eztrack-tune/defaults", "defaults.json", lambda folder: read_defaults(folder / "defaults.json"))
    yield Reader("video-train/training", "split.json", lambda folder: read_split(folder / "split.json"))
    yield Reader("video-train/training", "model.json", read_model)
    yield Reader("blur-train/dataset", "manifest.json", read_prepared)
    yield Reader("blur-train/drawn", "synth.json", read_drawn)
    yield Reader("blur-train/models/blur_classifier", "blur_classifier.json", BlurClassifier.open)


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a document, as the keys and numbers that lead there."""
    yield path
    inner: Mapping[Any, object] = {}
    if isinstance(value, dict):
        inner = value
    elif isinstance(value, list):
        inner = dict(enumerate(value[:MOST_OF_A_LIST]))
    for key, below in inner.items():
        yield from places(below, (*path, key))


def broken(document: object, rng: random.Random) -> object:
    """A copy with nonsense in one place, or without that place."""
    path = rng.choice(list(places(document)))
    nonsense = rng.choice(NONSENSE)
    if not path:
        return nonsense
    changed = copy.deepcopy(document)
    holder: Any = changed
    for key in path[:-1]:
        holder = holder[key]
    if rng.random() < 0.3:
        del holder[path[-1]]
    else:
        holder[path[-1]] = nonsense
    return changed


def faults(reader: Reader, folder: Path, *, tries: int, seed: int) -> list[str]:
    """What came out that should not, of so many broken copies of a file; each kind once.

    Args:
        reader: of the file.
        folder: with the whole file, which is there again afterwards.
        tries: how many copies.
        seed: draws them.

    Raises:
        FootageError: the whole file itself is refused.
    """
    file, rng = folder / reader.file, random.Random(seed)  # noqa: S311 - nothing is secret here
    whole = file.read_bytes()
    reader.read(folder)
    found = set()
    for _ in range(tries):
        file.write_bytes(json.dumps(broken(json.loads(whole), rng)).encode("utf-8", "surrogatepass"))
        try:
            reader.read(folder)
        except FootageError:
            continue
        except Exception as error:  # noqa: BLE001 - these are what is looked for
            found.add(f"{type(error).__name__}: {error}"[:120])
    file.write_bytes(whole)
    return sorted(found)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Nonsense in one place of one file, and read.")
    parser.add_argument("--tries", type=int, default=500, help="broken copies of each file (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="draws them (default: %(default)s)")
    given = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary)
        print("| file | broken copies | faults |\n|---|---|---|")
        for number, reader in enumerate(readers()):
            tool = reader.folder.partition("/")[0]
            if not (made / tool).exists():
                ending = run(tool, "demo", "--smoke", "-o", made / tool, folder=made)
                if ending.fault is not None:
                    raise RuntimeError(f"{ending.command}: {ending.errors}")
            folder = made / "broken"
            shutil.copytree(made / reader.folder, folder)
            found = faults(reader, folder, tries=given.tries, seed=given.seed + number)
            shutil.rmtree(folder)
            bad += len(found)
            print(f"| {reader.folder}/{reader.file} | {given.tries} | {'; '.join(found) or 'none'} |", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
