"""The labelling page served by a process of its own, as its user starts it."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

START = """
import sys
from pathlib import Path
from footage.cli.console import talk
from highlight_train.labelling.command import LabelOptions, serve

library, labels, *model = map(Path, sys.argv[1:])
sys.exit(serve(LabelOptions(library=library, labels=labels, model=model[0] if model else None), talk))
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Served:
    """A server that is running."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.url = process.stdout.readline().strip()
        parts = urlsplit(self.url)
        assert parts.hostname == "127.0.0.1"
        assert parts.port is not None
        self.port = parts.port
        self.token = parse_qs(parts.query)["token"][0]
        self.cookie = {"Cookie": f"highlight_train_{self.port}={self.token}"}

    def ask(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        body: object = None,
        cookie: bool = True,
    ) -> Answer:
        """One request on a connection of its own; the path is sent as it is, ``..`` and all."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {**(self.cookie if cookie else {}), **(headers or {})}
        data = None
        if body is not None:
            data = json.dumps(body)
            sent = {"Content-Type": "application/json", **sent}
        connection.request(method, path, body=data, headers=sent)
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(response.status, names, response.read())
        connection.close()
        return answer

    def ids(self) -> dict[str, str]:
        """The clips' ids by their names."""
        return {clip["name"]: clip["id"] for clip in self.ask("/api/library").json()["clips"]}

    def end(self) -> tuple[int, str, str]:
        """Press Ctrl-C; the exit code, and the rest of what it wrote on both streams."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


def _start(library: Path, labels: Path, *model: Path) -> Served:
    command = [sys.executable, "-c", START, str(library), str(labels), *map(str, model)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=labels.parent)
    assert process.stdout is not None
    return Served(process)


@pytest.fixture
def served() -> Iterator[Callable[..., Served]]:
    """``served(library, labels[, model])`` starts a server, which ends with the test."""
    running: list[Served] = []

    def start(*given: Path) -> Served:
        running.append(_start(*given))
        return running[-1]

    yield start
    for one in running:
        code, _, errors = one.end()
        assert code == 0, errors
        assert "Traceback" not in errors, errors


@pytest.fixture(scope="module")
def still_served(
    tmp_path_factory: pytest.TempPathFactory, make_red_clip: Callable[..., Path]
) -> Iterator[tuple[Served, Path]]:
    """A server for tests that change nothing, and its library of two clips."""
    folder = tmp_path_factory.mktemp("served")
    library = folder / "library"
    make_red_clip(library / "day" / "a.mp4", [0.1, 0.9] * 10)
    make_red_clip(library / "b.mkv", [0.5] * 10)
    (folder / "secret.mp4").write_bytes(b"not in the library")
    server = _start(library, folder / "labels.json")
    yield server, library
    code, _, errors = server.end()
    assert code == 0, errors
    assert "Traceback" not in errors
