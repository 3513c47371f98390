"""What watching a video gives: a record a frame, and how it went in all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flexpatch_train.runtime.packing import Packing, PixelBox
from flexpatch_train.runtime.tracked import Tracks
from footage.errors import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedFrame:
    """What the runtime knew and did in one frame.

    Attributes:
        frame: number of the frame, from 0.
        pts_seconds: its presentation time.
        tracks: the objects.
        class_names: the detector's, by class id.
        packing: what went onto the canvas; None where the detector was shown the whole frame.
        frame_size: width and height in pixels.
        detector_pixels: pixels of the picture that the detector was given.
    """

    frame: int
    pts_seconds: float
    tracks: Tracks
    class_names: tuple[str, ...]
    packing: Packing | None
    frame_size: tuple[int, int]
    detector_pixels: int

    def json(self) -> dict[str, object]:
        """The frame as plain JSON values: boxes ``xyxy`` in pixels of the frame, targets in pixels of the canvas."""
        tracks = self.tracks
        rows = zip(
            tracks.object_ids.tolist(),
            tracks.class_ids.tolist(),
            tracks.scores.tolist(),
            tracks.risks.tolist(),
            tracks.boxes.tolist(),
            strict=True,
        )
        return {
            "frame": self.frame,
            "pts_seconds": round(self.pts_seconds, 6),
            "objects": [
                {
                    "object_id": object_id,
                    "class": self.class_names[class_id],
                    "score": round(score, 4),
                    "risk": round(risk, 4),
                    "box": [round(side, 2) for side in box],
                }
                for object_id, class_id, score, risk, box in rows
            ],
            "patches": [{"source": source, "target": target, "kind": kind} for source, target, kind in self._patches()],
            "detector_pixels": self.detector_pixels,
        }

    def _patches(self) -> list[tuple[PixelBox, PixelBox, str]]:
        if self.packing is None:
            whole = (0, 0, *self.frame_size)
            return [(whole, whole, "whole")]
        return [(placed.source, placed.target, placed.patch.kind) for placed in self.packing.placements]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """How watching went.

    Attributes:
        output: the video that was written; None where none was.
        frames: frames watched, at least 1.
        seconds: wall time from the first frame to the last; reading, drawing and writing count too.
        detector_share: pixels given to the detector as a share of all frames' pixels; above 1 where the canvas is
            larger than a frame.
        detector_failures: frames in which the detector gave nothing usable.
        stage_seconds: wall time by stage.
        interrupted: whether the user ended it before the video did.
    """

    output: Path | None
    frames: int
    seconds: float
    detector_share: float
    detector_failures: int
    stage_seconds: dict[str, float]
    interrupted: bool

    @property
    def line(self) -> str:
        """The result in one line."""
        head = "" if self.output is None else f"{printable(str(self.output))}: "
        frames = f"{self.frames} frame{'' if self.frames == 1 else 's'}"
        pixels = f"the detector was shown {self.detector_share:.1%} of the full frames' pixels"
        return f"{head}{frames}, {self.frames / max(self.seconds, 1e-9):.1f} fps, {pixels}"

    @property
    def stages_line(self) -> str:
        """What a frame cost in milliseconds, stage by stage."""
        parts = (f"{stage} {1e3 * spent / self.frames:.1f}" for stage, spent in self.stage_seconds.items())
        return f"ms a frame: {', '.join(parts)}"
