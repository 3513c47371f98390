"""``highlight-train create-reel``: from a list of highlights to a film, and to timelines for editors."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from footage.cli.progress import Progress
from footage.dataset.discover import Skipped
from footage.errors import DatasetError, InputError, printable
from footage.runs.files import atomic_path, atomic_write_json
from highlight_train.highlights import read_highlights
from highlight_train.reel.check import check_reel
from highlight_train.reel.choose import Chosen, choose, common_rate, common_size
from highlight_train.reel.ffmpeg import find_ffmpeg
from highlight_train.reel.plan import Cut, Layout, Order, Transitions, plan_reel, transition_frames
from highlight_train.reel.render import Film, Rendered, render
from highlight_train.reel.timeline import write_edl, write_otio

DEFAULT_TOP = 20
SHORTEST_REEL_SECONDS = 1.0
FORMAT_VERSION = 1

Tell = Callable[[str], None]
MakeProgress = Callable[[int | None, int], Progress]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReelOptions:
    """What to make a reel of, and how.

    Attributes:
        highlights: the ``highlights.json``.
        output: the film, ``.mp4``; its sidecar has the same name with ``.json``.
        top: how many clips at most; None for 20, or with a duration for as many as it takes.
        min_score: the least score of a clip, in [0, 1].
        duration_seconds: how long the reel shall be, at least 1; None for as long as its moments are.
        transitions: crossfades of half a second, or hard cuts.
        order: as scored, or by the time when the files were last written.
        size: (width, height) in pixels, both even; None for the size that most clips have.
        rate: frames a second; None for the rate that most clips have.
        otio: also write an OpenTimelineIO timeline here.
        edl: also write a CMX 3600 edit decision list here.
    """

    highlights: Path
    output: Path
    top: int | None = None
    min_score: float = 0.0
    duration_seconds: float | None = None
    transitions: Transitions = "crossfade"
    order: Order = "score"
    size: tuple[int, int] | None = None
    rate: Fraction | None = None
    otio: Path | None = None
    edl: Path | None = None

    @property
    def sidecar(self) -> Path:
        """Where sources, times and scores are written."""
        return self.output.with_suffix(".json")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReelPlan:
    """What would be made.

    Attributes:
        layout: the cuts and their places.
        size: (width, height) in pixels.
        left_out: clips that were good enough and cannot be used.
    """

    layout: Layout
    size: tuple[int, int]
    left_out: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reel:
    """What was made.

    Attributes:
        files: the film, its sidecar, and the timelines that were asked for.
        layout: the cuts as they are in the film.
        size: (width, height) in pixels.
        notes: what is to know of a clip in it, by its path.
        left_out: clips that were good enough and are not in it.
    """

    files: tuple[Path, ...]
    layout: Layout
    size: tuple[int, int]
    notes: dict[Path, str]
    left_out: tuple[Skipped, ...]


def plan(options: ReelOptions) -> ReelPlan:
    """Choose clips and lengths; files are opened and nothing is written.

    Raises:
        DatasetError: The list is bad, no clip in it is good enough, or none of those can be opened.
        InputError: An option makes no sense.
    """
    _check(options)
    listed = read_highlights(options.highlights).highlights
    top = DEFAULT_TOP if options.top is None and options.duration_seconds is None else options.top
    chosen = choose(listed, top=top, min_score=options.min_score, duration_seconds=options.duration_seconds)
    if not chosen.candidates:
        raise _empty(options, len(listed), chosen)
    _check_targets(options, chosen)
    layout = plan_reel(
        chosen.candidates,
        rate=options.rate or common_rate(chosen.infos),
        transitions=options.transitions,
        order=options.order,
        duration_seconds=options.duration_seconds,
    )
    return ReelPlan(layout=layout, size=options.size or common_size(chosen.infos), left_out=chosen.left_out)


def create_reel(options: ReelOptions, *, tell: Tell, make_progress: MakeProgress) -> Reel:
    """Make a reel, check it, and write its sidecar and timelines.

    Args:
        options: what of, and how.
        tell: told what is chosen and what is left out.
        make_progress: makes the progress display from the number of cuts and how many are already done.

    Raises:
        DatasetError: as ``plan``, or no cut could be made.
        InputError: as ``plan``.
        MissingDependency: There is no ffmpeg that can be used.
        FootageError: The disk is full, or the film is not what was planned.
    """
    planned = plan(options)
    ffmpeg = find_ffmpeg()
    tell(f"ffmpeg: {ffmpeg.reason}")
    for skipped in planned.left_out:
        tell(f"left out: {skipped.path}: {skipped.reason}")
    cuts = [placed.cut for placed in planned.layout.placed]
    film = Film(
        size=planned.size,
        rate=planned.layout.rate,
        overlap_frames=transition_frames(planned.layout.rate, options.transitions),
    )
    tell(f"making {summary(planned.layout, planned.size)}")
    with atomic_path(options.output) as temporary, make_progress(len(cuts), 0) as progress:

        def on_cut(cut: Cut, reason: str | None) -> None:
            if reason is None:
                progress.advance()
            else:
                tell(f"left out: {cut.path}: {reason}")
                progress.fail()

        rendered = render(cuts, film, temporary, ffmpeg=ffmpeg, on_cut=on_cut)
        check_reel(temporary, rendered.layout, film.size, ffmpeg)
    for path, note in rendered.notes.items():
        tell(f"note: {path}: {note}")
    reel = _reel(options, planned, rendered)
    _write_companions(options, reel)
    return reel


def summary(layout: Layout, size: tuple[int, int]) -> str:
    """A reel in a line: cuts, duration, size, rate."""
    count = len(layout.placed)
    rate = f"{float(layout.rate):.2f}".rstrip("0").rstrip(".")
    cuts = "1 cut" if count == 1 else f"{count} cuts"
    return f"{cuts}, {float(layout.duration_seconds):.2f} s, {size[0]}x{size[1]} at {rate} frames/s"


def _reel(options: ReelOptions, planned: ReelPlan, rendered: Rendered) -> Reel:
    files = (options.output, options.sidecar, options.otio, options.edl)
    return Reel(
        files=tuple(file for file in files if file is not None),
        layout=rendered.layout,
        size=planned.size,
        notes=rendered.notes,
        left_out=(*planned.left_out, *rendered.left_out),
    )


def _write_companions(options: ReelOptions, reel: Reel) -> None:
    atomic_write_json(options.sidecar, record(reel, options))
    if options.otio is not None:
        write_otio(reel.layout, options.otio)
    if options.edl is not None:
        write_edl(reel.layout, options.edl)


def record(made: Reel | ReelPlan, options: ReelOptions) -> dict[str, object]:
    """The content of the sidecar: where every second of the reel comes from."""
    layout = made.layout
    notes = made.notes if isinstance(made, Reel) else {}

    def seconds(frames: int) -> float:
        return round(float(frames / layout.rate), 6)

    return {
        "format_version": FORMAT_VERSION,
        "reel": options.output.name,
        "highlights": os.path.abspath(options.highlights),  # noqa: PTH100 - Path.absolute keeps ".."
        "size": made.size,
        "rate": layout.rate,
        "frames": layout.frames,
        "duration_seconds": seconds(layout.frames),
        "cuts": [
            {
                "position": position,
                "path": placed.cut.path,
                "score": placed.cut.score,
                "start_seconds": seconds(placed.cut.start_frame),
                "end_seconds": seconds(placed.cut.start_frame + placed.cut.frames),
                "reel_start_seconds": seconds(placed.first_frame),
                "reel_end_seconds": seconds(placed.end_frame),
                "crossfade_seconds": seconds(placed.overlap_frames),
                "note": notes.get(placed.cut.path),
            }
            for position, placed in enumerate(layout.placed, start=1)
        ],
        "left_out": made.left_out,
    }


def _check(options: ReelOptions) -> None:
    if options.output.suffix.lower() != ".mp4":
        raise InputError("a reel is an .mp4 file", where=options.output, remedy="give it a name that ends in .mp4")
    if options.top is not None and options.top < 1:
        raise InputError(f"a reel of the best {options.top} clips is empty", remedy="ask for at least 1")
    wanted = options.duration_seconds
    if wanted is not None and not SHORTEST_REEL_SECONDS <= wanted < float("inf"):
        raise InputError(f"a reel cannot be {wanted:g} s long", remedy="ask for 1 s or more")
    if options.size is not None and (min(options.size) < 2 or any(side % 2 for side in options.size)):
        raise InputError(f"{options.size[0]}x{options.size[1]} is no size for a film", remedy="give even numbers")
    if options.rate is not None and not 1 <= options.rate <= 240:
        raise InputError(f"{options.rate} frames a second cannot be made", remedy="give 1 to 240")
    folder = options.output.absolute().parent
    if not folder.is_dir():
        raise InputError("there is no such folder", where=folder, remedy="make it, or choose another output")


def _check_targets(options: ReelOptions, chosen: Chosen) -> None:
    """Refuse to write over what is read, or over one output with another."""
    inputs = {os.path.realpath(path) for path in (options.highlights, *(each.path for each in chosen.candidates))}
    written: set[str] = set()
    for path in (options.output, options.sidecar, options.otio, options.edl):
        real = None if path is None else os.path.realpath(path)
        if path is None or real is None:
            continue
        if real in inputs:
            raise InputError("this file is read, and would be replaced", where=path, remedy="choose another output")
        if real in written:
            raise InputError("two results would have this name", where=path, remedy="choose another output")
        written.add(real)


def _empty(options: ReelOptions, listed: int, chosen: Chosen) -> DatasetError:
    if chosen.left_out:
        first = chosen.left_out[0]
        count = len(chosen.left_out)
        what = f"none of the {count} clips can be used; the first, {printable(str(first.path))}: {first.reason}"
        return DatasetError(what, where=options.highlights, remedy="check that the clips are where the list says")
    if listed:
        what = f"none of the {listed} highlights has a score of {options.min_score:g} or more"
        return DatasetError(what, where=options.highlights, remedy="ask for a lower score")
    return DatasetError("there are no highlights in it", where=options.highlights, remedy="scan a library first")
