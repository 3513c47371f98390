"""What a sweep is asked to do, and with which trackers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from eztrack_tune.trackers.blender.environment import BlenderCommand, blender_command
from eztrack_tune.trackers.frames import MOST_FRAMES
from eztrack_tune.trackers.protocol import TrackOptions
from footage.errors import InputError

BLENDER, OPENCV, BOTH = "blender", "opencv", "both"
OUTPUT_FOLDER = Path("eztrack_sweep")


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions:
    """What to try on which clips.

    Attributes:
        sources: clips, folders and globs, or one scan.
        output: the folder for everything written.
        tracker: ``blender``, ``opencv`` or ``both``; None takes Blender where one is named below, else OpenCV.
        executable: Blender itself.
        bpy: the version of its wheel to use instead.
        side: of a scan's clips, ``tuning``, ``held_out`` or ``all``.
        matrix: a file of settings; None takes the six.
        search_trials: settings to try for each class in a search; None tries a matrix.
        most_frames: of each clip, from its beginning.
        track: what is the same in all trials.
        jobs: worker processes; None takes one a core.
        scheduler: the address of a Dask scheduler whose workers do the work.
        keep_stills: leave the decoded frames in the folder.
        seed: of the search.
        most_clips: only so many; None takes all.
        most_settings: of the matrix only so many; None takes all.
    """

    sources: tuple[Path, ...]
    output: Path = OUTPUT_FOLDER
    tracker: str | None = None
    executable: Path | None = None
    bpy: str | None = None
    side: str = "tuning"
    matrix: Path | None = None
    search_trials: int | None = None
    most_frames: int = MOST_FRAMES
    track: TrackOptions = field(default_factory=TrackOptions)
    jobs: int | None = None
    scheduler: str | None = None
    keep_stills: bool = False
    seed: int = 0
    most_clips: int | None = None
    most_settings: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerChoice:
    """A tracker that a worker can start.

    Attributes:
        backend: ``blender`` or ``opencv``.
        version: of the program behind it, as outcomes tell it.
        command: how Blender is started; None for OpenCV.
    """

    backend: str
    version: str
    command: BlenderCommand | None = None


def choose_trackers(options: SweepOptions) -> tuple[TrackerChoice, ...]:
    """The trackers of a sweep, Blender first.

    Raises:
        InputError: OpenCV is wanted and a Blender is named, or a search is to use both.
        MissingDependency: there is no such Blender.
    """
    named = options.executable is not None or options.bpy is not None
    wanted = options.tracker or (BLENDER if named else OPENCV)
    if wanted == OPENCV and named:
        raise InputError("the tracker is OpenCV's, and a Blender is named", remedy="leave one of them out")
    if wanted == BOTH and options.search_trials is not None:
        raise InputError("a search follows one tracker, not both", remedy="compare the trackers on a matrix")
    chosen = []
    if wanted in {BLENDER, BOTH}:
        command = blender_command(executable=options.executable, bpy=options.bpy)
        chosen.append(TrackerChoice(backend=BLENDER, version=command.version, command=command))
    if wanted in {OPENCV, BOTH}:
        # Heavy, and not needed where Blender alone tracks.
        from eztrack_tune.trackers.opencv.tracker import VERSION

        chosen.append(TrackerChoice(backend=OPENCV, version=VERSION))
    return tuple(chosen)
