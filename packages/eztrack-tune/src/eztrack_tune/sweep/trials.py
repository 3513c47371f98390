"""Trials done: those that the journal knows from there, the others by workers; each is written down as it ends."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from eztrack_tune.outcome import Clip, TrackOutcome
from eztrack_tune.sessions.write import write_session
from eztrack_tune.settings import TrackerSettings
from eztrack_tune.sweep.rows import Row, row_from, row_of
from eztrack_tune.sweep.sources import LeftOut
from eztrack_tune.sweep.work import Trial, Work
from eztrack_tune.trackers.frames import stills_folder
from footage.errors import MissingDependency
from footage.parallel import ItemError, parallel_map
from footage.runs.journal import Journal

Key = tuple[str, str, TrackerSettings]
Ended = tuple[Trial, TrackOutcome | None, ItemError | None]


class Trials:
    """Does trials and remembers them.

    Attributes:
        rows: what every trial so far came to.
        done_now: how many were done by this call and not by an earlier one.
        left_out: clips that could not be read, by content.
    """

    def __init__(
        self,
        work: Work,
        journal: Journal,
        sessions: Path,
        *,
        jobs: int | None,
        scheduler: str | None = None,
        on_row: Callable[[Row], None] | None = None,
    ) -> None:
        """Read what the journal knows.

        Args:
            work: what is the same in all trials.
            journal: of this sweep.
            sessions: the folder for session files.
            jobs: worker processes; None takes one a core.
            scheduler: the address of a Dask scheduler whose workers do the work.
            on_row: called with every row that is made now.
        """
        self._work = work
        self._journal = journal
        self._sessions = sessions
        self._jobs = jobs
        self._scheduler = scheduler
        self._on_row = on_row
        self.rows: dict[Key, Row] = {}
        self.done_now = 0
        self.left_out: dict[str, LeftOut] = {}
        for record in journal:
            row = row_from(record)
            if (sessions / row.session).is_file():  # else its session was removed: it is made again
                self.rows[row.key] = row

    def waiting(self, trials: Sequence[Trial]) -> list[Trial]:
        """The trials that are still to do."""
        return [
            trial for trial in trials if trial.key not in self.rows and trial.clip.content_sha256 not in self.left_out
        ]

    def do(self, trials: Sequence[Trial]) -> list[Row]:
        """Do the trials that are still to do.

        Returns:
            The rows of all of them in their order, without those of clips that cannot be read.

        Raises:
            MissingDependency: a tracker cannot be started.
            InputError: the cluster cannot be reached.
        """
        for trial, outcome, error in self._ended(self.waiting(trials)):
            if outcome is not None:
                self._note(trial, outcome)
            else:
                self._fail(trial, error)
        return [self.rows[trial.key] for trial in trials if trial.key in self.rows]

    def forget_stills(self, content_sha256: str) -> None:
        """Remove a clip's decoded frames."""
        shutil.rmtree(stills_folder(self._work.cache, content_sha256, self._work.most_frames), ignore_errors=True)

    def _ended(self, trials: Sequence[Trial]) -> Iterator[Ended]:
        if self._scheduler is not None:
            # The cluster's library is an extra and takes a second to import.
            from eztrack_tune.sweep.cluster import do_on_cluster

            yield from do_on_cluster(trials, self._work, scheduler=self._scheduler)
            return
        for one in parallel_map(self._work, trials, jobs=self._jobs, ordered=False):
            yield one.item, one.value, one.error

    def _note(self, trial: Trial, outcome: TrackOutcome) -> None:
        clip = trial.clip
        path = write_session(self._sessions, outcome, side=clip.side, difficulty=clip.difficulty)
        row = row_of(outcome, clip, path.name)
        self._journal.append(row.record())
        self.rows[row.key] = row
        self.done_now += 1
        if self._on_row is not None:
            self._on_row(row)

    def _fail(self, trial: Trial, error: ItemError | None) -> None:
        """A trial without an outcome: the tracker is missing, the clip cannot be read, or this trial alone is bad."""
        reason = "its worker gave no answer" if error is None else error.message
        if error is not None and error.kind == MissingDependency.__name__:
            raise MissingDependency(reason)
        if error is not None and error.explained:
            self.left_out.setdefault(trial.clip.content_sha256, LeftOut(trial.clip.path, reason))
        else:
            self._note(trial, _failed(trial, self._work.most_frames, reason))


def count_by_clip(trials: Sequence[Trial]) -> Counter[str]:
    """How many trials each clip has."""
    return Counter(trial.clip.content_sha256 for trial in trials)


def _failed(trial: Trial, frame_count: int, reason: str) -> TrackOutcome:
    """The outcome of a trial that ended its worker, or met a fault of ours."""
    of = trial.clip
    clip = Clip(
        path=of.path,
        width=of.width,
        height=of.height,
        fps=of.fps,
        frame_count=frame_count,
        content_sha256=of.content_sha256,
    )
    return TrackOutcome(
        settings=trial.settings,
        applied=None,
        clip=clip,
        tracks=(),
        solve=None,
        seconds=0.0,
        backend=trial.tracker.backend,
        backend_version=trial.tracker.version,
        failure=reason,
    )
