"""The verb ``scan``: look at every clip of a library, judge it, and hold some out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2

from eztrack_tune.classes import Difficulty, footage_class
from eztrack_tune.scan.judge import difficulty, motion_type
from eztrack_tune.scan.measure import MOST_FRAMES, look_at
from eztrack_tune.scan.record import (
    SCAN_FILE,
    TUNING,
    LeftOut,
    Scan,
    ScannedClip,
    clip_document,
    clip_of,
    read_scan,
    sides_of,
    write_scan,
)
from eztrack_tune.scan.report import lay_out
from eztrack_tune.scan.split import deal
from footage.cli.progress import Progress
from footage.dataset.discover import find_media
from footage.dataset.manifest import content_sha256, quick_fingerprint
from footage.errors import DatasetError, InputError, VideoError
from footage.parallel import parallel_map
from footage.runs.directory import RunDirectory
from footage.runs.files import atomic_write_text

CSV_FILE = "clips.csv"
REPORT_FILE = "report.html"
JOURNAL_FILE = "clips.jsonl"
SMOKE_CLIPS = 3
_CLASS_FOLDER = re.compile(r"(?:SD|720p|HD|2K|4K)_(?:24|25|30|60|120)fps", re.IGNORECASE)

Tell = Callable[[str], None]
MakeProgress = Callable[[int, int], Progress]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """What to scan, and how.

    Attributes:
        library: files, folders and globs.
        output: the folder for everything written.
        most_frames: look at the first so many frames of each clip.
        jobs: worker processes; None for one a core.
        seed: decides among clips of a class and difficulty which are held out.
        max_clips: look at so many clips only; None for all.
    """

    library: tuple[Path, ...]
    output: Path
    most_frames: int = MOST_FRAMES
    jobs: int | None = None
    seed: int = 0
    max_clips: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPlan:
    """What a scan would do.

    Attributes:
        files: video files that were found.
        size_bytes: of all of them.
        left_out: what was given and is no video.
    """

    files: int
    size_bytes: int
    left_out: tuple[LeftOut, ...]


def plan(options: ScanOptions) -> ScanPlan:
    """Find the clips without opening them.

    Raises:
        DatasetError: there is none.
    """
    files, left_out = _found(options)
    return ScanPlan(files=len(files), size_bytes=sum(file.stat().st_size for file in files), left_out=tuple(left_out))


def run(options: ScanOptions, *, tell: Tell, make_progress: MakeProgress) -> Scan:
    """Look at every clip, and write ``scan.json``, ``clips.csv`` and the report.

    A clip that cannot be used is left out with its reason. Killed and called again, it goes on with the next clip.

    Raises:
        DatasetError: there is no video, or none that can be used.
        InputError: another process is working in the output folder.
    """
    files, left_out = _found(options)
    with RunDirectory(options.output).open(tool="eztrack-tune", seed=options.seed) as folder:
        earlier = _earlier(folder.file(SCAN_FILE), tell)
        clips = _look_at_all(files, options, folder, left_out, make_progress)
        unique = _without_copies(clips, left_out)
        if not unique:
            why = f"; {left_out[0].path}: {left_out[0].reason}" if left_out else ""
            raise DatasetError(f"none of {len(files)} files can be used{why}", remedy="check that the clips play")
        dealt = deal(unique, seed=options.seed, known=earlier)
        scan = Scan(clips=tuple(dealt), left_out=tuple(sorted(left_out, key=lambda one: one.path)))
        write_scan(scan, folder.file(SCAN_FILE))
        atomic_write_text(folder.file(CSV_FILE), _csv(scan))
        lay_out(scan).write(folder.file(REPORT_FILE))
        folder.finish(clips=len(scan.clips), left_out=scan.left_out)
    return scan


def _found(options: ScanOptions) -> tuple[list[Path], list[LeftOut]]:
    discovery = find_media(options.library)
    left_out = [LeftOut(path=str(one.path), reason=one.reason) for one in discovery.skipped]
    return [file.absolute() for file in discovery.files[: options.max_clips]], left_out


def _earlier(file: Path, tell: Tell) -> dict[str, str]:
    """The sides that an earlier scan in this folder dealt."""
    if not file.exists():
        return {}
    try:
        return sides_of(read_scan(file).clips)
    except DatasetError as error:
        tell(f"warning: the earlier scan is not used, and clips may change sides: {error}")
        return {}


def _look_at_all(
    files: list[Path],
    options: ScanOptions,
    folder: RunDirectory,
    left_out: list[LeftOut],
    make_progress: MakeProgress,
) -> list[ScannedClip]:
    """Look at the clips that the journal lacks, in worker processes."""
    done: dict[str, tuple[str, dict[str, object]]] = {}
    with folder.journal({"most_frames": options.most_frames, "measures": 1}, name=JOURNAL_FILE) as journal:
        for record in journal:
            done[str(record["path"])] = (str(record["fingerprint"]), record)
        fingerprints = {file: _fingerprint(file, left_out) for file in files}
        wanted = [file for file in files if fingerprints[file] is not None]
        waiting = [file for file in wanted if done.get(str(file), ("", {}))[0] != fingerprints[file]]
        with make_progress(len(wanted), len(wanted) - len(waiting)) as shown:
            work = _Look(most_frames=options.most_frames)
            for outcome in parallel_map(work, waiting, jobs=options.jobs, ordered=False):
                if outcome.value is None:
                    reason = outcome.error.message if outcome.error else "gave nothing"
                    left_out.append(LeftOut(path=str(outcome.item), reason=reason))
                    shown.fail()
                    continue
                record = {"path": str(outcome.item), "fingerprint": fingerprints[outcome.item], "clip": outcome.value}
                journal.append(record)
                done[str(outcome.item)] = (str(fingerprints[outcome.item]), record)
                shown.advance()
        journal_records = [done[str(file)][1] for file in wanted if str(file) in done]
    return [_recorded(record) for record in journal_records]


def _recorded(record: dict[str, object]) -> ScannedClip:
    values = record["clip"]
    if not isinstance(values, dict):
        raise InputError("the journal holds an entry that is none", remedy="remove the journal and scan again")
    return clip_of(values)


def _fingerprint(file: Path, left_out: list[LeftOut]) -> str | None:
    try:
        return quick_fingerprint(file)
    except InputError as error:
        left_out.append(LeftOut(path=str(file), reason=error.what))
        return None


@dataclass(frozen=True, slots=True)
class _Look:
    """The work on one clip, in a worker process."""

    most_frames: int

    def __call__(self, path: Path) -> dict[str, object]:
        cv2.setNumThreads(1)  # as many clips at once as there are cores: threads inside would only wait
        return clip_document(_scanned(path, self.most_frames))


def _scanned(path: Path, most_frames: int) -> ScannedClip:
    """Look at one clip.

    Raises:
        VideoError: it cannot be used.
    """
    looked = look_at(path, most_frames=most_frames)
    try:
        footage = footage_class(looked.width, looked.height, float(looked.rate))
    except InputError as error:
        raise VideoError(error.what, where=path, remedy=error.remedy) from error
    how_hard, why = difficulty(looked.measures)
    folders = [part.name for part in path.parents]
    labelled_class = next((name for name in folders if _CLASS_FOLDER.fullmatch(name)), None)
    labelled = next((name.lower() for name in folders if name.lower() in set(Difficulty)), None)
    return ScannedClip(
        path=path,
        content_sha256=content_sha256(path),
        width=looked.width,
        height=looked.height,
        fps=float(looked.rate),
        duration_seconds=looked.duration_seconds,
        footage=footage,
        difficulty=how_hard,
        why_not_easy=why,
        motion=motion_type(looked.measures),
        measures=looked.measures,
        hashes=looked.hashes,
        labelled_class=labelled_class,
        labelled_difficulty=None if labelled is None else Difficulty(labelled),
        side=TUNING,
    )


def _without_copies(clips: list[ScannedClip], left_out: list[LeftOut]) -> list[ScannedClip]:
    """One clip for each content."""
    kept: dict[str, ScannedClip] = {}
    for clip in sorted(clips, key=lambda clip: clip.path):
        first = kept.setdefault(clip.content_sha256, clip)
        if first is not clip:
            left_out.append(LeftOut(path=str(clip.path), reason=f"is the same file as {first.path}"))
    return list(kept.values())


def _csv(scan: Scan) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["path", "class", "finer_class", "portrait", "width", "height", "fps", "difficulty", "motion", "side", "notes"]
    )
    for clip in scan.clips:
        footage = clip.footage
        writer.writerow(
            [
                clip.path,
                footage.name,
                footage.finer,
                "yes" if footage.portrait else "no",
                clip.width,
                clip.height,
                f"{clip.fps:.3f}".rstrip("0").rstrip("."),
                clip.difficulty.value,
                clip.motion.value,
                clip.side,
                "; ".join(clip.disagreements),
            ]
        )
    return text.getvalue()
