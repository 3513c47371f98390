"""No verb opens a connection to another machine, unless its user gave an address or asked for weights by name.

Every verb of every tool runs as a user starts it, on what the tools' demos leave behind, while an audit hook refuses
all addresses but this machine's in its process and in those that it starts.
"""

from __future__ import annotations

import os
import re
import select
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
from networks import constant_network
from tests.test_cli_conventions import VERBS

GUARD = Path(__file__).parent / "no_network"
SCRIPTS = Path(sys.executable).parent
READY_SECONDS = 90

WORK = {
    "flexpatch-train": [
        "demo --smoke -o flexpatch",
        "doctor",
        "run flexpatch/scene.mp4 --smoke -o trained",
        "check flexpatch/flexpatch_model.joblib",
        "watch flexpatch/scene.mp4 --smoke --model flexpatch/flexpatch_model.joblib -o watched.mp4 --weights yolo.onnx",
        "evaluate flexpatch/flexpatch_model.joblib --mot-root mot --weights yolo.onnx --smoke -o evaluated",
    ],
    "highlight-train": [
        "demo --smoke -o highlight",
        "doctor",
        "prepare-dataset highlight/labels.json prepared --smoke",
        "train highlight/dataset --smoke --weights none --backbone mobilenet_v3_small --side 32 -o trained-again",
        "test-video 'highlight/{VIDEO}' highlight/training --samples 3 --report moments.html",
        "batch-classify highlight/flights highlight/training scores --smoke -j 1",
        "evaluate highlight/training --smoke -o measured",
        "create-reel highlight/scores/highlights.json reel.mp4 --min-score 0",
    ],
    "eztrack-tune": [
        "demo --smoke -o eztrack",
        "doctor",
        "scan eztrack/library --smoke -o scanned",
        "sweep eztrack/scan --tracker opencv --smoke -o swept -j 1",
        "aggregate eztrack/sweep/sessions -o defaults",
        "validate eztrack/defaults eztrack/sweep/sessions -o validated",
        "apply eztrack/defaults --to eztrack/smart_tracker.py --dry-run",
        "anonymize eztrack/sweep/sessions -o contribution.json",
        "submit contribution.json --dry-run --to http://127.0.0.1:9",
        "community contribution.json --backend opencv -o together",
    ],
    "video-train": [
        "demo --smoke -o video",
        "doctor",
        "train --video-dir video/videos --smoke --no-distill --student tiny3d --student-weights none -o taught",
        "evaluate video/training --video-dir video/videos --smoke -o judged",
        "predict video/training video/videos --smoke -o labels.csv",
        "export video/training shipped",
        "from-frames frames converted --smoke",
        "stream 'video/{VIDEO}' --model video/training --smoke",
    ],
    "blur-train": [
        "demo --smoke -o blur",
        "doctor",
        "synth photos drawn --smoke",
        "prepare blur/drawn prepared --smoke --audit",
        "train blur/dataset --smoke -o learned",
        "evaluate blur/dataset --model blur/models/blur_classifier --smoke -o measured",
        "export blur/training exported --dataset blur/dataset --smoke",
        "classify photos --model blur/models/blur_classifier -o answers -j 1",
        "verify blur/dataset/test --model blur/models/blur_classifier --smoke",
    ],
    "footage": [
        "probe scene.mp4",
        "sample scene.mp4 --count 2 -o sampled",
        "doctor",
        "runs verify first",
        "runs compare first first",
        "compare first first",
    ],
}
"""What is run of each tool, in this order; no exit code but those that a user is told of is taken."""
SERVERS = {
    "highlight-train label": "label highlight/flights --labels given.json",
    "blur-train serve": "serve --model blur/models/blur_classifier --port 0",
}
NEEDS_AN_ADDRESS = {"blur-train serve-worker": "works for the broker whose address it is given; tests/serve runs it"}


@dataclass
class Place:
    """Where the commands of a tool run, and what they tried to reach."""

    folder: Path
    said: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(GUARD),
            "NETWORK_ATTEMPTS": str(self.attempts),
            "HOME": str(self.folder),
        }

    @property
    def attempts(self) -> Path:
        return self.folder / "attempts.txt"

    def run(self, tool: str, line: str) -> None:
        words = [self._filled(word) for word in shlex.split(line)]
        ended = subprocess.run(
            [str(SCRIPTS / tool), *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode in {0, 3, 4}, f"{tool} {line}\n{ended.stderr[-2000:]}"
        assert "Traceback" not in ended.stderr, f"{tool} {line}\n{ended.stderr[-2000:]}"

    def _filled(self, word: str) -> str:
        if "{VIDEO}" not in word:
            return word
        below = self.folder / word.partition("/")[0]
        return str(min(below.rglob("*.mp4")))

    def refused(self) -> str:
        return self.attempts.read_text() if self.attempts.exists() else ""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder with what some verbs take and no demo leaves behind."""
    for name in ("photos", "frames/wave/1", "mot/scene/gt"):
        (tmp_path / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(4):
        picture = cv2.resize(rng.integers(0, 256, (30, 45, 3), dtype=np.uint8), (600, 400))
        cv2.imwrite(str(tmp_path / "photos" / f"{number}.jpg"), picture)
        cv2.imwrite(str(tmp_path / "frames/wave/1" / f"{number:03d}.jpg"), picture)
    boxes = np.array([[[100, 60, 180, 160, 0.9, 0], [300, 80, 360, 200, 0.9, 0]]], np.float32)
    constant_network(tmp_path / "yolo.onnx", boxes, shape=(1, 3, 384, 640), names="{0: 'person'}")
    return Place(tmp_path)


def test_the_guard_refuses_other_machines_and_tells_of_it(place: Place) -> None:
    tries = (
        "import socket\n"
        "def attempt(ask, *arguments):\n"
        "    try:\n        ask(*arguments)\n    except OSError as error:\n        print(error)\n"
        "attempt(socket.create_connection, ('192.0.2.1', 80), 1)\n"
        "attempt(socket.getaddrinfo, 'pypi.test', 443)\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(server.getsockname(), 1)\n"
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', \"import socket; socket.getaddrinfo('child.test', 1)\"], stderr=-3)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", tries], env=place.environment, capture_output=True, text=True, check=True
    )
    assert said.stdout.count("no network here") == 2
    assert re.findall(r"'([\w.]+)'", place.refused()) == ["192.0.2.1", "pypi.test", "child.test"]


def test_every_verb_is_run_or_said_why_not() -> None:
    run = {f"{tool} {_verb(line)}" for tool, lines in WORK.items() for line in lines}
    assert run | SERVERS.keys() | NEEDS_AN_ADDRESS.keys() == {str(verb) for verb in VERBS}


def _verb(line: str) -> str:
    words = line.split()
    return " ".join(words[:2]) if words[0] == "runs" else words[0]


@pytest.mark.slow
@pytest.mark.parametrize("tool", WORK)
def test_no_verb_reaches_for_another_machine(place: Place, tool: str) -> None:
    if tool == "footage":
        place.run("flexpatch-train", "demo --smoke -o first")
        (place.folder / "scene.mp4").write_bytes((place.folder / "first" / "scene.mp4").read_bytes())
    for line in WORK[tool]:
        place.run(tool, line)
        if line.startswith("demo") and tool == "flexpatch-train":
            _as_mot_sequence(place.folder)
    for verb, line in SERVERS.items():
        if verb.startswith(tool):
            _serve_for_a_moment(place, tool, line)
    assert not place.refused()


def _as_mot_sequence(folder: Path) -> None:
    """The demo's scene as a sequence that ``evaluate`` takes."""
    sequence = folder / "mot" / "scene"
    (sequence / "gt" / "gt.txt").write_bytes((folder / "flexpatch" / "scene_gt.txt").read_bytes())
    (sequence / "scene.mp4").write_bytes((folder / "flexpatch" / "scene.mp4").read_bytes())


def _serve_for_a_moment(place: Place, tool: str, line: str) -> None:
    words = [str(SCRIPTS / tool), *shlex.split(line)]
    told = ""
    # Unbuffered: what a buffer had taken already, select would not see.
    with subprocess.Popen(
        words, cwd=place.folder, env=place.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
    ) as server:
        assert server.stdout is not None
        try:
            while "http://127.0.0.1" not in told:
                ready, _, _ = select.select([server.stdout], [], [], READY_SECONDS)
                heard = os.read(server.stdout.fileno(), 4096) if ready else b""
                assert heard, f"{line} did not come up: {told}"
                told += heard.decode("utf-8", "replace")
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=READY_SECONDS)
        finally:
            server.kill()  # whatever went wrong, nobody waits for it
    assert server.returncode in {0, 130}, told
