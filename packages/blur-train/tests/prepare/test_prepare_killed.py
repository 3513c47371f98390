"""Killed in the middle and started again, in two processes: nothing is lost, nothing is there twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from blur_train.classes import CLASSES
from blur_train.prepare.manifest import read_prepared

PHOTOS = 160


def lines(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


@pytest.mark.slow
def test_killed_while_it_works_it_goes_on(tmp_path: Path, make_pixels: Any, save_photo: Any) -> None:
    photos, out, journal = tmp_path / "photos", tmp_path / "dataset", "written.jsonl"
    for index in range(PHOTOS):
        save_photo(photos / CLASSES[index % 4] / f"{index}.jpg", make_pixels(index, side=200))
    command = [sys.executable, "-m", "blur_train.cli", "prepare", str(photos), str(out), "-j", "2", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        # The journal's first line is its key.
        while lines(out / journal) < 12 and process.poll() is None:
            time.sleep(0.005)
        # The whole group: its worker processes too.
        os.killpg(process.pid, signal.SIGKILL)
    (out / "train" / "sharp").mkdir(parents=True, exist_ok=True)
    (out / "train" / "sharp" / ".0123456789ab.partial.jpg").write_bytes(b"half")  # as a kill may leave one
    there = lines(out / journal)
    assert there >= 12
    before = (out / journal).read_bytes().splitlines()[: there - 1]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert (out / journal).read_bytes().splitlines()[: len(before)] == before
    prepared = read_prepared(out)
    assert len(prepared.photos) == PHOTOS
    assert len({photo.source for photo in prepared.photos}) == PHOTOS
    assert sum(sum(counts.values()) for counts in json.loads(done.stdout)["photos"].values()) == PHOTOS
    assert not list(out.rglob(".*.partial*"))
    assert {path.relative_to(out).as_posix() for path in out.rglob("*.jpg")} == {p.file for p in prepared.photos}
