"""A reel as a timeline for editing programs: OpenTimelineIO, and CMX 3600 edit decision lists.

Both formats let clips abut and a dissolve reach into the outgoing clip's further footage: here a dissolve begins where
the incoming clip does, and lasts as long as the two overlap in the film.
"""

from __future__ import annotations

from fractions import Fraction
from os import PathLike
from pathlib import Path

from footage.errors import MissingDependency, printable
from footage.runs.files import atomic_write_text
from highlight_train.reel.plan import Layout, Placed


def write_otio(layout: Layout, path: str | PathLike[str]) -> None:
    """Write an OpenTimelineIO file (``.otio``, JSON) with a track for picture and one for sound.

    Raises:
        MissingDependency: The package opentimelineio is not installed.
        OSError: The folder is missing or not writable, or the disk is full.
    """
    try:
        import opentimelineio as otio
    except ImportError:
        remedy = "uv pip install 'highlight-train[otio]', or write an edit decision list (.edl)"
        raise MissingDependency("timelines need the package opentimelineio", remedy=remedy) from None
    path = Path(path)
    rate = float(layout.rate)

    def time(frames: int) -> otio.opentime.RationalTime:
        return otio.opentime.RationalTime(frames, rate)

    timeline = otio.schema.Timeline(name=printable(path.stem))
    for kind, name in ((otio.schema.TrackKind.Video, "V1"), (otio.schema.TrackKind.Audio, "A1")):
        track = otio.schema.Track(name=name, kind=kind)
        for index, (placed, shown_frames) in enumerate(_shown(layout)):
            cut = placed.cut
            if placed.overlap_frames:
                zero, overlap = time(0), time(placed.overlap_frames)
                dissolve = otio.schema.TransitionTypes.SMPTE_Dissolve
                track.append(otio.schema.Transition(f"dissolve {index}", dissolve, in_offset=zero, out_offset=overlap))
            track.append(
                otio.schema.Clip(
                    name=printable(cut.path.name),
                    media_reference=otio.schema.ExternalReference(target_url=cut.path.absolute().as_uri()),
                    source_range=otio.opentime.TimeRange(time(cut.start_frame), time(shown_frames)),
                    metadata={"highlight_train": {"score": cut.score, "position": index + 1}},
                )
            )
        timeline.tracks.append(track)
    atomic_write_text(path, otio.adapters.write_to_string(timeline, "otio_json"))


def write_edl(layout: Layout, path: str | PathLike[str]) -> None:
    """Write a CMX 3600 edit decision list, non-drop-frame timecode, each source counted from 00:00:00:00.

    Timecode counts whole frames, so 29.97 frames a second are counted as 30. The list does not say the rate: the
    editing program asks for it.

    Raises:
        OSError: The folder is missing or not writable, or the disk is full.
    """
    path = Path(path)
    lines = [f"TITLE: {printable(path.stem)}", "FCM: NON-DROP FRAME", ""]
    record = 0
    before: Placed | None = None
    for number, (placed, shown_frames) in enumerate(_shown(layout), start=1):
        cut, name = placed.cut, printable(placed.cut.path.name)
        source = _times(cut.start_frame, shown_frames, layout.rate)
        recorded = _times(record, shown_frames, layout.rate)
        if placed.overlap_frames and before is not None:
            left_at = _times(before.cut.start_frame + before.cut.frames - placed.overlap_frames, 0, layout.rate)
            lines += [
                f"{number:03}  AX       AA/V  C        {left_at} {_times(record, 0, layout.rate)}",
                f"{number:03}  AX       AA/V  D    {placed.overlap_frames:03} {source} {recorded}",
                f"* FROM CLIP NAME: {printable(before.cut.path.name)}",
                f"* TO CLIP NAME: {name}",
            ]
        else:
            lines += [f"{number:03}  AX       AA/V  C        {source} {recorded}", f"* FROM CLIP NAME: {name}"]
        lines += [f"* SOURCE FILE: {printable(str(cut.path.absolute()))}", ""]
        record += shown_frames
        before = placed
    atomic_write_text(path, "\n".join(lines))


def _shown(layout: Layout) -> list[tuple[Placed, int]]:
    """Each cut with the frames from where it begins to be seen to where the next one does."""
    ends = [*(placed.first_frame for placed in layout.placed[1:]), layout.frames]
    return [(placed, end - placed.first_frame) for placed, end in zip(layout.placed, ends, strict=True)]


def _times(start_frame: int, frames: int, rate: Fraction) -> str:
    return f"{timecode(start_frame, rate)} {timecode(start_frame + frames, rate)}"


def timecode(frame: int, rate: Fraction) -> str:
    """Non-drop-frame timecode, ``HH:MM:SS:FF``; hours go on past 23."""
    a_second = round(rate)
    seconds, rest = divmod(frame, a_second)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{rest:02}"
