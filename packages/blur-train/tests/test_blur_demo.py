"""The demo goes through; the doctor looks at what is there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from blur_train.classes import CLASSES
from blur_train.demo.command import show
from blur_train.demo.photos import LONG_SIDE_PX, draw_sharp_photos
from blur_train.doctor import check_pictures, examine
from footage.cli.exits import ExitCode


def test_drawn_photos_do_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    for name, count in (("one", 1), ("two", 2)):
        draw_sharp_photos(tmp_path / name, seed=3, count=count, jobs=1, advance=lambda: None)
    one, two = ((tmp_path / name / "IMG_0001.jpg").read_bytes() for name in ("one", "two"))
    assert one == two != (tmp_path / "two" / "IMG_0002.jpg").read_bytes()
    with (
        Image.open(tmp_path / "one" / "IMG_0001.jpg") as photo,
        Image.open(tmp_path / "one" / "IMG_0001.mask.png") as mask,
    ):
        assert max(photo.size) == LONG_SIDE_PX
        assert photo.size == mask.size
        assert set(np.unique(np.asarray(mask))) == {0, 255}


@pytest.mark.slow
def test_the_demo_goes_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show(tmp_path, seed=0, smoke=True, as_json=True) == ExitCode.DONE
    made = json.loads(capsys.readouterr().out)
    assert sum(made["answers"].values()) > 0
    assert list(made["answers"]) == list(CLASSES)
    files = [Path(file) for file in made["files"]]
    assert all(file.is_file() for file in files)
    assert files[-1].suffix == ".html"
    assert "says nothing about your photos" in made["what_it_is"]


def test_the_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert examine(as_json=True) == ExitCode.DONE
    checks = {one["name"]: one for one in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["pictures (JPEG)"]["ok"]
    assert {"python", "onnxruntime", "torch", "redis-server", "fastapi", "celery", "disk"} <= set(checks)


def test_a_kind_that_cannot_be_written_is_told() -> None:
    found = check_pictures("NO SUCH KIND")
    assert not found.ok
    assert found.remedy is not None
