"""Every verb that reads videos, on every bad video: no traceback, no file lost, and good ones come through.

``uv run python -m hardening.bad_media`` prints the table and ends with 1 where anything in it is a fault. Each verb
that takes one video gets them one after another; each that takes a library gets all at once, and must speak of each.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hardening.commands import Outcome, run
from hardening.media import Medium, write_media

READABLE = {".csv", ".html", ".json", ".jsonl", ".txt", ".md"}


@dataclass(frozen=True, slots=True)
class Cell:
    """What a verb made of a medium.

    Attributes:
        outcome: in one word.
        why: what is wrong, where something is.
    """

    outcome: str
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """Where everything lies.

    Attributes:
        folder: of the work.
        library: the bad media and a good one.
        highlight_model: a model of highlight-train.
        clip_model: a training of video-train.
    """

    folder: Path
    library: Path
    highlight_model: Path
    clip_model: Path


def prepared(folder: Path) -> Bench:
    """Models made by the tools' own demos."""
    for tool in ("highlight-train", "video-train"):
        ending = run(tool, "demo", "--smoke", "-o", folder / tool, folder=folder)
        if ending.code != 0:
            raise RuntimeError(f"{ending.command}: {ending.errors}")
    (model,) = (folder / "highlight-train").glob("**/model.onnx")
    return Bench(folder, folder / "library", model, folder / "video-train" / "training")


Single = Callable[[Bench, Path], tuple[str | Path, ...]]
SINGLE: dict[str, Single] = {
    "footage probe": lambda _, video: (video,),
    "footage sample": lambda bench, video: (video, "--count", "4", "-o", bench.folder / "frames" / video.name[:3]),
    "flexpatch-train run": lambda bench, video: (
        *(video, "--detector", "motion", "--max-frames", "20"),
        *("-o", bench.folder / "flexpatch" / video.name[:3]),
    ),
    "highlight-train test-video": lambda bench, video: (video, bench.highlight_model),
    "video-train stream": lambda bench, video: (video, "--model", bench.clip_model, "--patience", "0.3", "--keep-all"),
}


def singly(bench: Bench, media: dict[Medium, Path], verbs: Sequence[str]) -> Iterator[tuple[str, Medium, Cell]]:
    """Verbs that take one video."""
    for verb in verbs:
        for medium, path in media.items():
            ending = run(*verb.split(), *SINGLE[verb](bench, path), folder=bench.folder)
            yield verb, medium, Cell(ending.outcome, ending.fault)


def _labels(bench: Bench, media: dict[Medium, Path]) -> Path:
    """All media as labelled clips of highlight-train."""
    file = bench.folder / "labels.json"
    paths = [str(path) for path in (bench.library / "good-1.mp4", *media.values())]
    file.write_text(json.dumps({"highlights": paths[::2], "normal": paths[1::2]}))
    return file


def _annotations(bench: Bench, media: dict[Medium, Path]) -> Path:
    """All media as labelled videos of video-train."""
    file = bench.folder / "annotations.json"
    # Those that hold the same pictures would contradict each other in different classes.
    labels = {path: "right" if "turned" in medium.name else "left" for medium, path in media.items()}
    labels[bench.library / "good-1.mp4"] = "left"
    entries = [{"video_id": path.stem, "action_label": label} for path, label in labels.items()]
    file.write_text(json.dumps(entries))
    return file


def _matrix(bench: Bench) -> Path:
    """A single setting, so that a sweep is short."""
    file = bench.folder / "matrix.json"
    setting = {"pattern_size": 15, "search_size": 51, "correlation": 0.7, "threshold": 0.3, "motion_model": "Loc"}
    file.write_text(json.dumps([setting]))
    return file


def _highlights(bench: Bench, media: dict[Medium, Path]) -> Path:
    """All media as highlights that a scan found."""
    file = bench.folder / "highlights.json"
    paths = [bench.library / "good-1.mp4", *media.values()]
    found = [{"path": str(path), "score": 0.9, "timestamp": 0.0} for path in paths]
    document = {"scanned": len(found), "highlights": found, "processed_at": "2026-01-01T00:00:00Z", "status": "done"}
    file.write_text(json.dumps(document))
    return file


Together = Callable[[Bench, dict[Medium, Path], Path], tuple[str | Path, ...]]
TOGETHER: dict[str, Together] = {
    "highlight-train batch-classify": lambda bench, _, out: (bench.library, bench.highlight_model, out, "-j", "1"),
    "highlight-train prepare-dataset": lambda bench, media, out: (_labels(bench, media), out, "-j", "1"),
    "eztrack-tune scan": lambda bench, _, out: (bench.library, "-o", out, "--frames", "10", "-j", "1"),
    "eztrack-tune sweep": lambda bench, _, out: (
        *(bench.library, "--tracker", "opencv", "--frames", "8", "--matrix", _matrix(bench)),
        *("-o", out, "-j", "1"),
    ),
    "highlight-train create-reel": lambda bench, media, out: (
        _highlights(bench, media),
        out.with_suffix(".mp4"),
        *("--top", "100", "--transitions", "none"),
    ),
    "video-train predict": lambda bench, _, out: (
        *(bench.clip_model, bench.library, "-j", "1"),
        *("-o", out.with_suffix(".json")),
    ),
    "video-train evaluate": lambda bench, media, out: (
        *(bench.clip_model, "--video-dir", bench.library, "--annotations", _annotations(bench, media)),
        *("-o", out, "-j", "1"),
    ),
}


def together(bench: Bench, media: dict[Medium, Path], verbs: Sequence[str]) -> Iterator[tuple[str, Medium, Cell]]:
    """Verbs that take a library: each must tell of every file, and do its work on the good one."""
    for verb in verbs:
        out = bench.folder / verb.replace(" ", "-")
        ending = run(*verb.split(), *TOGETHER[verb](bench, media, out), folder=bench.folder)
        told = ending.output + ending.errors + _written(out)
        whole = ending.fault or (None if "good-1" in told else "the good file is lost")
        for medium in media:
            lost = None if f"{medium.stem}-" in told else "lost: nothing tells of it"
            why = whole or lost
            yield verb, medium, Cell(Outcome.FAULT if why else "told", why)


def _written(out: Path) -> str:
    files = [out.with_suffix(".json")] if out.with_suffix(".json").is_file() else []
    files += [file for file in out.rglob("*") if file.suffix in READABLE and file.is_file()] if out.is_dir() else []
    return "\n".join(file.read_text("utf-8", "replace") for file in files)


def matrix(folder: Path, *, heavy: bool, verbs: Sequence[str] | None = None) -> Iterator[tuple[str, Medium, Cell]]:
    """Every verb on every medium.

    Args:
        folder: for everything.
        heavy: with the medium that takes a gigabyte.
        verbs: only these.
    """
    bench = prepared(folder)
    media = write_media(bench.library, heavy=heavy)
    yield from singly(bench, media, [verb for verb in SINGLE if verbs is None or verb in verbs])
    yield from together(bench, media, [verb for verb in TOGETHER if verbs is None or verb in verbs])


def table(cells: Sequence[tuple[str, Medium, Cell]]) -> str:
    """Markdown: a row a medium, a column a verb."""
    verbs, rows = list(dict.fromkeys(verb for verb, _, _ in cells)), dict[str, dict[str, str]]()
    for verb, medium, cell in cells:
        rows.setdefault(medium.name, {})[verb] = cell.outcome
    lines = ["| medium | " + " | ".join(verbs) + " |", "|---" * (len(verbs) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(row.get(verb, "") for verb in verbs) + " |" for name, row in rows.items()]
    return "\n".join(lines)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Every verb that reads videos, on every bad video.")
    parser.add_argument("--verb", action="append", choices=[*SINGLE, *TOGETHER], help="only this; repeatable")
    parser.add_argument("--no-heavy", action="store_true", help="leave out what takes a gigabyte of memory")
    given = parser.parse_args()
    cells = []
    with tempfile.TemporaryDirectory() as temporary:
        for verb, medium, cell in matrix(Path(temporary), heavy=not given.no_heavy, verbs=given.verb):
            cells.append((verb, medium, cell))
            if cell.why:
                print(f"{verb}, {medium.name}: {cell.why}", file=sys.stderr)
    faults = sum(cell.why is not None for _, _, cell in cells)
    print(table(cells))
    media = len({medium.name for _, medium, _ in cells})
    print(f"\n{len(cells)} cases of {media} media: {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
