"""``flexpatch-train demo``: a scene whose boxes are known exactly, for the whole workflow without any download."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from flexpatch_train.run import RunOptions
from footage.synthetic.scenes import Scene

FRAMES = 600
SIZE = (640, 360)
RATE = Fraction(25)
OBJECTS = 60
PAN_PX_PER_FRAME = (0.6, 0.15)


def demo_options(output: Path, *, seed: int, smoke: bool, tell: Callable[[str], None]) -> RunOptions:
    """Write the scene and its ground truth into ``output`` and say how to run on it.

    Args:
        output: the folder for everything.
        seed: decides the scene.
        smoke: a quarter of the scene.
        tell: told what is being made.

    Returns:
        Options for the embedded motion detector, with labels from the scene's exact boxes.
    """
    output.mkdir(parents=True, exist_ok=True)
    video, truth = output / "scene.mp4", output / "scene_gt.txt"
    frames, objects = (FRAMES // 4, OBJECTS // 3) if smoke else (FRAMES, OBJECTS)
    tell(f"drawing {frames} frames with {objects} objects under a moving camera: {video}")
    scene = Scene.random(
        np.random.default_rng(seed),
        size=SIZE,
        objects=objects,
        frames=frames,
        pan_px_per_frame=PAN_PX_PER_FRAME,
        object_height=(0.12, 0.25),
        speed_px_per_frame=(3.0, 6.0),
        noise=2.0,
    )
    scene.write_video(video, RATE)
    scene.write_mot(truth, minimum_visibility=0.2)
    return RunOptions(
        videos=(video,),
        output=output,
        detector="motion",
        ground_truth=truth,
        max_frames=None,
        truth_is="the exact boxes of the drawn scene",
    )
