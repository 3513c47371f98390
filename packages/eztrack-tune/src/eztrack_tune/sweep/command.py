"""The verb ``sweep``: settings tried on clips, every trial written down as it ends."""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import TextIO

from eztrack_tune.settings import SETTING_NAMES, SIX, TrackerSettings
from eztrack_tune.sweep.agreement import agreements
from eztrack_tune.sweep.findings import Sweep, sort_rows, standings_of
from eztrack_tune.sweep.matrix import read_matrix, settings_for
from eztrack_tune.sweep.options import OPENCV, SweepOptions, TrackerChoice, choose_trackers
from eztrack_tune.sweep.report import lay_out
from eztrack_tune.sweep.rows import Row
from eztrack_tune.sweep.search import Search, Searched
from eztrack_tune.sweep.sources import LeftOut, SweepClip, find_clips
from eztrack_tune.sweep.trials import Trials, count_by_clip
from eztrack_tune.sweep.work import Trial, Work, let_go
from footage.cli.progress import Progress
from footage.runs.directory import RunDirectory
from footage.runs.environment import usable_cpu_count
from footage.runs.files import atomic_text, atomic_write_json

SESSIONS_FOLDER = "sessions"
STILLS_FOLDER = "stills"
CSV_FILE, JSON_FILE, REPORT_FILE = "trials.csv", "trials.json", "report.html"
JOURNAL_FORMAT = 1
_PNG_BYTES_A_PIXEL = 2.0
_SESSION_BYTES = 30_000
_SECONDS_A_MARKER = 0.002
"""Of either tracker on one core, in the middle of the six settings, following back included; rough, as are the next."""
_SECONDS_A_SOLVE = 1.0
_FILLED = 0.6
"""Features found, of those that fit into a picture."""

Tell = Callable[[str], None]
MakeProgress = Callable[[int | None, int], Progress]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a sweep would do.

    Attributes:
        clips: that it would track.
        left_out: files that cannot be used.
        trackers: with their versions.
        trials: in all; of a search, at most.
        disk_bytes: of the decoded frames and the sessions, roughly.
        estimated_seconds: for all trials, roughly.
    """

    clips: int
    left_out: tuple[LeftOut, ...]
    trackers: tuple[str, ...]
    trials: int
    disk_bytes: int
    estimated_seconds: float


def plan(options: SweepOptions) -> Plan:
    """Find the clips and count the trials; nothing is written.

    Raises:
        FootageError: as for ``run``.
    """
    clips, left_out = find_clips(options)
    trackers = choose_trackers(options)
    if options.search_trials is None:
        count = len(_matrix_trials(clips, trackers, options))
    else:
        count = len(clips) * options.search_trials
    pixels = sum(clip.width * clip.height for clip in clips) * options.most_frames
    seconds = fmean(_trial_seconds(clip, options) for clip in clips) * count / (options.jobs or usable_cpu_count())
    return Plan(
        clips=len(clips),
        left_out=tuple(left_out),
        trackers=tuple(f"{tracker.backend} {tracker.version}" for tracker in trackers),
        trials=count,
        disk_bytes=round(pixels * _PNG_BYTES_A_PIXEL) + count * _SESSION_BYTES,
        estimated_seconds=seconds,
    )


def _trial_seconds(clip: SweepClip, options: SweepOptions) -> float:
    fitting = _FILLED * clip.width * clip.height / options.track.min_distance_px**2
    markers = min(fitting, options.track.most_features)
    return markers * options.most_frames * _SECONDS_A_MARKER + _SECONDS_A_SOLVE


def run(options: SweepOptions, *, tell: Tell, make_progress: MakeProgress) -> Sweep:
    """Try settings on clips, and write sessions, tables and a report.

    Killed at any moment, the same call goes on where it was.

    Args:
        options: what to try.
        tell: told what the user should know.
        make_progress: makes the progress display from the number of trials and how many are already done.

    Returns:
        What was found; the files are in ``options.output``.

    Raises:
        DatasetError: there is no clip to track.
        InputError: the matrix or the output folder cannot be used, or the cluster cannot be reached.
        MissingDependency: a tracker is not there.
    """
    started = time.monotonic()
    trackers = choose_trackers(options)
    clips, left_out = find_clips(options)
    names = ", ".join(f"{one.backend} {one.version}" for one in trackers)
    tell(f"{len(clips)} clip{'' if len(clips) == 1 else 's'}, tracked by {names}")
    if all(tracker.backend == OPENCV for tracker in trackers):
        tell("OpenCV's tracker is a stand-in for Blender's: what ships should be found with Blender's")
    settings = {**asdict(options), "trackers": [asdict(tracker) for tracker in trackers]}
    with RunDirectory(options.output).open(tool="eztrack-tune", seed=options.seed, settings=settings) as folder:
        sessions, stills = folder.file(SESSIONS_FOLDER), folder.file(STILLS_FOLDER)
        sessions.mkdir(exist_ok=True)
        work = Work(cache=stills.absolute(), most_frames=options.most_frames, track=options.track)
        with folder.journal(_journal_key(work, trackers)) as journal:
            if journal.restarted_because is not None:
                tell(f"starting anew: {journal.restarted_because}")
            doing = _Doing(options, clips, trackers, make_progress)
            trials = Trials(
                work, journal, sessions, jobs=options.jobs, scheduler=options.scheduler, on_row=doing.advance
            )
            try:
                doing.do(trials)
            except KeyboardInterrupt:
                _write(folder, _sweep(doing, trials, left_out, started, complete=False))
                raise
            finally:
                let_go()
        sweep = _sweep(doing, trials, left_out, started, complete=True)
        _write(folder, sweep)
        if not options.keep_stills:
            shutil.rmtree(stills, ignore_errors=True)
        folder.finish(trials=len(sweep.rows), done_now=sweep.done_now, left_out=sweep.left_out)
    return sweep


class _Doing:
    """The trials of a sweep, one class or one clip after the other."""

    def __init__(
        self,
        options: SweepOptions,
        clips: Sequence[SweepClip],
        trackers: tuple[TrackerChoice, ...],
        make_progress: MakeProgress,
    ) -> None:
        self.options = options
        self.clips = clips
        self.trackers = trackers
        self.searched: dict[str, Searched] = {}
        self.wanted: list[Trial] = []
        self._make_progress = make_progress
        self._progress: Progress | None = None
        self._left: dict[str, int] = {}
        self._trials: Trials | None = None

    def do(self, trials: Trials) -> None:
        """Do all of them."""
        self._trials = trials
        if self.options.search_trials is not None:
            self._search(trials)
            return
        self.wanted = _matrix_trials(self.clips, self.trackers, self.options)
        waiting = trials.waiting(self.wanted)
        self._left = dict(count_by_clip(waiting))
        with self._make_progress(len(self.wanted), len(self.wanted) - len(waiting)) as self._progress:
            trials.do(self.wanted)

    def advance(self, row: Row) -> None:
        """Count a trial that ended, and remove the frames of a clip that has no more."""
        if self._progress is not None:
            if row.failure is None:
                self._progress.advance()
            else:
                self._progress.fail()
        left = self._left.get(row.content_sha256, 0) - 1
        self._left[row.content_sha256] = left
        if left == 0 and not self.options.keep_stills and self._trials is not None:
            self._trials.forget_stills(row.content_sha256)

    def _search(self, trials: Trials) -> None:
        count = self.options.search_trials or 0
        by_class: dict[str, list[SweepClip]] = {}
        for clip in self.clips:
            by_class.setdefault(clip.class_name, []).append(clip)
        with self._make_progress(None, 0) as self._progress:
            for name, clips in by_class.items():
                search = Search(
                    clips, lambda pairs: self._try(trials, pairs), seed=self.options.seed, matrix=_matrix(self.options)
                )
                self.searched[name] = search.run(count)
                for clip in clips:
                    if not self.options.keep_stills:
                        trials.forget_stills(clip.content_sha256)

    def _try(self, trials: Trials, pairs: Sequence[tuple[SweepClip, TrackerSettings]]) -> list[Row]:
        wanted = [Trial(clip=clip, settings=settings, tracker=self.trackers[0]) for clip, settings in pairs]
        self.wanted += wanted
        return trials.do(wanted)


def _matrix_trials(clips: Sequence[SweepClip], trackers: Sequence[TrackerChoice], options: SweepOptions) -> list[Trial]:
    """Every choice on every clip with every tracker, clip by clip, so that a clip's frames and features are shared.

    Within a clip those with the same detection threshold follow each other.
    """
    matrix = _matrix(options)
    return [
        Trial(clip=clip, settings=settings, tracker=tracker)
        for clip in clips
        for tracker in trackers
        for settings in sorted(settings_for(clip.class_name, matrix), key=_by_threshold)
    ]


def _matrix(options: SweepOptions) -> tuple[TrackerSettings, ...]:
    return (SIX if options.matrix is None else read_matrix(options.matrix))[: options.most_settings]


def _by_threshold(settings: TrackerSettings) -> float:
    return settings.threshold


def _journal_key(work: Work, trackers: Sequence[TrackerChoice]) -> dict[str, object]:
    """What the trials depend on beside clip and settings."""
    return {
        "format": JOURNAL_FORMAT,
        "frames": work.most_frames,
        "options": asdict(work.track),
        "trackers": {tracker.backend: tracker.version for tracker in trackers},
    }


def _sweep(doing: _Doing, trials: Trials, left_out: Sequence[LeftOut], started: float, *, complete: bool) -> Sweep:
    wanted = {trial.key for trial in doing.wanted}
    rows = sort_rows([row for key, row in trials.rows.items() if key in wanted])
    backends = [tracker.backend for tracker in doing.trackers]
    return Sweep(
        rows=rows,
        standings=standings_of(rows, doing.searched),
        left_out=(*left_out, *trials.left_out.values()),
        searched=doing.searched,
        agreements=tuple(agreements(rows, (backends[0], backends[1]))) if len(backends) == 2 else (),
        done_now=trials.done_now,
        seconds=time.monotonic() - started,
        complete=complete,
    )


def _write(folder: RunDirectory, sweep: Sweep) -> None:
    atomic_write_json(folder.file(JSON_FILE), {"lead": sweep.lead, "trials": (row.record() for row in sweep.rows)})
    with atomic_text(folder.file(CSV_FILE)) as file:
        _write_csv(sweep.rows, file)
    lay_out(sweep).write(folder.file(REPORT_FILE))


def _write_csv(rows: Sequence[Row], file: TextIO) -> None:
    names = [name for name in Row.__slots__ if name != "settings"]
    writer = csv.DictWriter(file, [*names[:7], *SETTING_NAMES, *names[7:]], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        record = row.record()
        writer.writerow({**{name: record[name] for name in names}, **row.settings.as_dict()})


def files_of(output: Path) -> list[Path]:
    """The files that a user looks at."""
    return [output / name for name in (REPORT_FILE, CSV_FILE, JSON_FILE, SESSIONS_FOLDER)]
