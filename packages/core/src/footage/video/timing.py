"""When the frames of a video are shown, read from its packets."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.errors import VideoError
from footage.video._av import packet_times
from footage.video.reader import check_readable


def frame_times(path: str | PathLike[str]) -> NDArray[np.float64]:
    """Presentation times of all frames, seconds from the first one, ascending ``(N,)``; nothing is decoded.

    In a damaged file these are the frames before the damage.

    Raises:
        VideoError: the file cannot be read, or holds no frame with a time.
    """
    check_readable(Path(path), folder=False)
    times = np.array(packet_times(Path(path)), np.float64)
    if not len(times):
        raise VideoError("no frame in it has a time", where=path, remedy="check that it plays, or copy it again")
    return times
