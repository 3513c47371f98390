"""Reading 1080p H.264: grey, RGB and OpenCV frame by frame; keyframes, seeks and OpenCV's seek for a few samples.

Run with ``python -m benchmarks.decode`` from the root of the repository; ``--video`` measures another file than the
generated one. Everything is interleaved: see ``benchmarks/measuring.py``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from benchmarks.clips import megabits_per_second, write_shots
from benchmarks.measuring import Case, as_json, conditions, measure, print_conditions, print_table
from numpy.typing import NDArray

from footage.video.keyframes import keyframe_times, read_keyframes
from footage.video.reader import open_video

SAMPLE_PX = (224, 224)
BARE = "decode, pixels not touched"
KEYFRAMES = "keyframes nearest to the times"


def read_all(path: Path, stop: int, *, want: Literal["nothing", "gray", "image"], threads: int | None = None) -> int:
    """Read frames in order through the library."""
    count = 0
    with open_video(path, threads=threads) as reader:
        for frame in reader.frames(stop=stop):
            if want != "nothing":
                getattr(frame, want)
            count += 1
    return count


def capture(path: Path) -> cv2.VideoCapture:  # noqa: TID251 - the bare call is what is measured here
    """OpenCV's own reader, without this library around it."""
    return cv2.VideoCapture(str(path))  # noqa: TID251 - the bare call is what is measured here


def opencv_all(path: Path, stop: int, code: int) -> int:
    """Read frames in order with OpenCV alone and convert them from its BGR."""
    opened, count = capture(path), 0
    while count < stop:
        ok, picture = opened.read()
        if not ok:
            break
        cv2.cvtColor(picture, code)
        count += 1
    opened.release()
    return count


def sample_keyframes(path: Path, times: NDArray[np.float64]) -> int:
    """The nearest keyframes, small."""
    return len(read_keyframes(path, times, size=SAMPLE_PX))


def sample_exactly(path: Path, times: NDArray[np.float64]) -> int:
    """The frames shown at the times, small."""
    with open_video(path) as reader:
        for seconds in times:
            cv2.resize(reader.frame_at(float(seconds)).image, SAMPLE_PX, interpolation=cv2.INTER_AREA)
    return len(times)


def sample_opencv(path: Path, times: NDArray[np.float64]) -> int:
    """The same by OpenCV's seek."""
    opened = capture(path)
    for seconds in times:
        opened.set(cv2.CAP_PROP_POS_MSEC, float(seconds) * 1000)
        ok, picture = opened.read()
        if ok:
            cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), SAMPLE_PX, interpolation=cv2.INTER_AREA)
    opened.release()
    return len(times)


def reading_cases(path: Path, frames: int) -> list[Case]:
    """Frames in order."""
    return [
        Case(name=BARE, run=lambda: read_all(path, frames, want="nothing")),
        Case(name="grey", run=lambda: read_all(path, frames, want="gray"), floor=BARE),
        Case(name="grey, 1 thread", run=lambda: read_all(path, frames, want="gray", threads=1), floor=BARE),
        Case(name="RGB", run=lambda: read_all(path, frames, want="image"), floor=BARE),
        Case(name="OpenCV alone, to grey", run=lambda: opencv_all(path, frames, cv2.COLOR_BGR2GRAY), floor=BARE),
        Case(name="OpenCV alone, to RGB", run=lambda: opencv_all(path, frames, cv2.COLOR_BGR2RGB), floor=BARE),
    ]


def sampling_cases(path: Path, samples: int) -> list[Case]:
    """A few small pictures from all over the file."""
    with open_video(path) as reader:
        duration = reader.info.duration_seconds or float(keyframe_times(path)[-1])
    times = (np.arange(samples) + 0.5) * duration / samples
    return [
        Case(name=KEYFRAMES, run=lambda: sample_keyframes(path, times)),
        Case(name="exact frames, seeks", run=lambda: sample_exactly(path, times), floor=KEYFRAMES),
        Case(name="OpenCV's seek", run=lambda: sample_opencv(path, times), floor=KEYFRAMES),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Reading 1080p H.264, in order and by samples.")
    parser.add_argument("--video", type=Path, help="measure this file instead of the generated one")
    parser.add_argument("--frames", type=int, default=60, help="frames read in order (default: %(default)s)")
    parser.add_argument("--shots", type=int, default=6, help="shots of 40 frames in the clip (default: %(default)s)")
    parser.add_argument("--samples", type=int, default=6, help="pictures sampled (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=9, help="times that each is measured (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    arguments = parser.parse_args()
    if min(arguments.frames, arguments.shots, arguments.samples, arguments.rounds) < 1:
        parser.error("every number must be at least 1")
    with tempfile.TemporaryDirectory() as folder:
        if arguments.video is not None:
            path, about = arguments.video, arguments.video.name
        else:
            path = write_shots(Path(folder) / "shots.mp4", shots=arguments.shots, frames_a_shot=40)
            rate = megabits_per_second(path, arguments.shots * 40)
            about = f"{arguments.shots} generated shots of 40 frames, 1080p H.264 at {rate:.1f} Mbit/s"
        reading, sampling = reading_cases(path, arguments.frames), sampling_cases(path, arguments.samples)
        keyframes = len(keyframe_times(path))
        timings = measure([*reading, *sampling], arguments.rounds)
    if arguments.json:
        clip = {"what": about, "keyframes": keyframes}
        cases = as_json([*reading, *sampling], timings)
        print(json.dumps({**conditions(timings), "clip": clip, "cases": cases}, indent=2))
        return
    print(f"clip: {about}; {keyframes} keyframes; {arguments.samples} samples")
    print_conditions(timings)
    print()
    print_table(reading, timings, item="frame")
    print()
    print_table(sampling, timings, item="sample")


if __name__ == "__main__":
    main()
