"""A crowded synthetic scene as a video, with its exact boxes and with the imperfect detections of a detector."""

from __future__ import annotations

import numpy as np
import pytest
from commands import FRAMES, SIZE, Command, Crowd, Ended

from flexpatch_train import cli
from footage.synthetic.scenes import Scene


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    folder = tmp_path_factory.mktemp("crowd")
    rng = np.random.default_rng(7)
    scene = Scene.random(
        rng,
        size=SIZE,
        objects=60,
        frames=FRAMES,
        pan_px_per_frame=(0.3, 0.1),
        object_height=(0.15, 0.3),
        speed_px_per_frame=(2.0, 5.0),
        noise=2.0,
    )
    made = Crowd(folder / "crowd.mp4", folder / "gt.txt", folder / "det.txt")
    scene.write_video(made.video)
    scene.write_mot(made.truth, minimum_visibility=0.2)
    lines = []
    for frame in range(FRAMES):
        drawn = scene.render(frame)
        for box, visible in zip(drawn.boxes, drawn.visibility, strict=True):
            if visible < 0.4 or rng.random() < 0.1:
                continue
            x, y, x1, y1 = box + rng.normal(0, 1.0, 4)
            lines.append(
                f"{frame + 1},-1,{x + 1:.2f},{y + 1:.2f},{x1 - x:.2f},{y1 - y:.2f},{0.4 + 0.6 * visible:.3f}\n"
            )
        if rng.random() < 0.05:
            lines.append(f"{frame + 1},-1,{rng.uniform(1, 400):.2f},{rng.uniform(1, 200):.2f},30,50,0.31\n")
    made.detections.write_text("".join(lines))
    return made


@pytest.fixture
def flexpatch(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run the console script's function in this process, as its user would type it."""

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr("sys.argv", ["flexpatch-train", *map(str, arguments)])
        with pytest.raises(SystemExit) as ending:
            cli.main()
        captured = capfd.readouterr()
        assert "Traceback" not in captured.err
        code = ending.value.code
        return Ended(code if isinstance(code, int) else 0 if code is None else 1, captured.out, captured.err)

    return run
