"""A small library whose scores are known, and a scan of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from footage.cli.progress import Progress
from highlight_train.batch.classify import run
from highlight_train.batch.findings import Scan
from highlight_train.batch.options import BatchOptions

REDNESS = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)


@pytest.fixture(scope="session")
def six_clips(tmp_path_factory: pytest.TempPathFactory, make_red_clip: Callable[..., Path]) -> Path:
    """A library of six steady clips of six seconds, in two folders; never change it."""
    folder = tmp_path_factory.mktemp("six")
    for number, red in enumerate(REDNESS):
        make_red_clip(folder / f"day {number % 2}" / f"clip{number}.mp4", [red] * 60)
    return folder


@pytest.fixture
def scan() -> Callable[[BatchOptions], Scan]:
    """Run a scan without talk."""

    def scan_now(options: BatchOptions) -> Scan:
        return run(
            options,
            tell=lambda _: None,
            make_progress=lambda total, done: Progress(
                total, "videos", "scoring", already_done=done, log_every_seconds=1e9
            ),
        )

    return scan_now


@pytest.fixture
def highlights_of() -> Callable[[Path], dict[str, Any]]:
    """The content of a folder's ``highlights.json`` without the time it was made."""

    def read(folder: Path) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((folder / "highlights.json").read_bytes())
        del document["processed_at"]
        return document

    return read
