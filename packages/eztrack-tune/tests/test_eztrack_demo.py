"""The demo: its short form goes all the way, and its add-on file is one that apply can edit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eztrack_tune.aggregate.means import mean_interval
from eztrack_tune.apply.source import read_table
from eztrack_tune.demo.library import write_addon
from eztrack_tune.settings import SHIPPED_DEFAULTS

Run = Callable[..., tuple[int, str, str]]


def test_the_addons_file_holds_todays_table(tmp_path: Path) -> None:
    write_addon(tmp_path / "tracker.py")
    assert read_table(tmp_path / "tracker.py") == SHIPPED_DEFAULTS


@pytest.mark.slow
def test_a_few_clips_go_through_the_whole_workflow(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("demo", "--smoke", "--json", "-o", "demo")
    assert code == 0
    document = json.loads(out)
    assert "says nothing about your footage" in document["what_it_is"]
    assert all((tmp_path / file).is_file() for file in document["files"])
    assert document["files"][-1] == str(Path("demo/defaults/report.html"))


@pytest.mark.parametrize("clips", [1, 2, 3, 8])
def test_an_interval_of_few_clips(clips: int) -> None:
    values = np.random.default_rng(clips).normal(1, 0.1, clips)
    names = [f"clip {number}" for number in range(clips)]
    found = mean_interval(values, np.ones(clips), names, np.random.default_rng(0))
    assert found.estimate == pytest.approx(values.mean())
    assert found.confidence == 0.95
    if clips == 1:
        assert found.low is None
    else:
        assert found.low is not None
        assert found.high is not None
        assert values.min() - 1e-12 <= found.low <= found.high <= values.max() + 1e-12
