"""Killed at any moment, on one machine or on a cluster, a scan ends with what an undisturbed one finds."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from footage.cli.progress import Progress
from footage.errors import InputError
from highlight_train.batch.classify import plan, run
from highlight_train.batch.cluster import score_on_cluster
from highlight_train.batch.findings import Scan
from highlight_train.batch.journal import ScoreJournal, file_state
from highlight_train.batch.local import score_locally
from highlight_train.batch.options import BatchOptions
from highlight_train.batch.work import scoring_of
from highlight_train.scoring.video import FrameScores

Clip = Callable[..., Path]
RunScan = Callable[[BatchOptions], Scan]
HighlightsOf = Callable[[Path], dict[str, Any]]
CLIPS = 40

_SCAN = """
import sys
from pathlib import Path
from footage.cli.progress import Progress
from highlight_train.batch.classify import run
from highlight_train.batch.options import BatchOptions

class Told(Progress):
    def advance(self, count=1):
        super().advance(count)
        print(self.done, flush=True)

library, model, output = map(Path, sys.argv[1:])
run(
    BatchOptions(library=library, models=(model,), output=output, jobs=2),
    tell=lambda text: None,
    make_progress=lambda total, done: Told(total, "videos", "scoring", already_done=done),
)
"""


class Watched(Progress):
    """A progress that calls back once, when so many videos are done."""

    def __init__(self, total: int | None, done: int, at: int, then: Callable[[], None]) -> None:
        super().__init__(total, "videos", "scoring", already_done=done, log_every_seconds=1e9)
        self._at, self._then, self.called = at, then, False

    def advance(self, count: int = 1) -> None:
        super().advance(count)
        if self.done >= self._at and not self.called:
            self.called = True
            self._then()


@pytest.fixture(scope="module")
def many_clips(tmp_path_factory: pytest.TempPathFactory, make_red_clip: Clip) -> Path:
    """Forty clips, ten kinds, and one broken file; without keyframes to pick, so that each takes a moment."""
    folder = tmp_path_factory.mktemp("many")
    for kind in range(10):
        red = kind / 10 + 0.05
        clip = make_red_clip(folder / f"{kind}" / "0.mp4", [red] * 300, gop=1000, size=(192, 108))
        for copy in range(1, CLIPS // 10):
            shutil.copy(clip, clip.with_name(f"{copy}.mp4"))
    (folder / "broken.mp4").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def undisturbed(many_clips: Path, red_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a scan that nobody killed."""
    out = tmp_path_factory.mktemp("undisturbed")
    options = BatchOptions(library=many_clips, models=(red_model,), output=out, jobs=1)
    run(options, tell=lambda _: None, make_progress=lambda total, done: Watched(total, done, 10**9, lambda: None))
    return out


@pytest.mark.slow
def test_a_scan_killed_three_times_ends_like_an_undisturbed_one(
    many_clips: Path, red_model: Path, undisturbed: Path, tmp_path: Path, highlights_of: HighlightsOf
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-c", _SCAN, str(many_clips), str(red_model), str(out)]
    moments = np.random.default_rng().integers(1, 3, 3).tolist()
    told: list[int] = []
    for moment in moments:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as scanning:
            assert scanning.stdout is not None
            for _ in range(moment):
                line = scanning.stdout.readline()
                assert line, "it ended before it was killed"
                told.append(int(line))
            scanning.send_signal(signal.SIGKILL)
        assert scanning.returncode == -signal.SIGKILL
        assert not (out / "highlights.json").exists()
        options = BatchOptions(library=many_clips, models=(red_model,), output=out)
        assert plan(options).known >= told[-1] - 1, "what was told as done is not done again; one may be broken"
    assert told == sorted(told)
    subprocess.run(command, check=True, stdout=subprocess.PIPE)
    assert highlights_of(out) == highlights_of(undisturbed)
    assert (out / "scores.csv").read_bytes() == (undisturbed / "scores.csv").read_bytes()


def test_an_interrupt_leaves_a_partial_scan_and_the_next_one_completes_it(
    *, many_clips: Path, red_model: Path, undisturbed: Path, tmp_path: Path, highlights_of: HighlightsOf, scan: RunScan
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    options = BatchOptions(library=many_clips, models=(red_model,), output=tmp_path, jobs=1)
    with pytest.raises(KeyboardInterrupt):
        run(options, tell=lambda _: None, make_progress=lambda total, done: Watched(total, done, 12, interrupt))
    partial = highlights_of(tmp_path)
    assert partial["status"] == "partial"
    assert partial["scanned"] == CLIPS + 1
    assert plan(options).known == 12
    scan(options)
    assert highlights_of(tmp_path) == highlights_of(undisturbed)


@pytest.mark.slow
def test_a_worker_process_that_dies_takes_no_file_with_it(
    many_clips: Path, red_model: Path, undisturbed: Path, tmp_path: Path, highlights_of: HighlightsOf
) -> None:
    def kill_a_worker() -> None:
        workers = []
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # what other tests left may be ending just now
                if "loky" in " ".join(child.cmdline()):
                    workers.append(child)
        os.kill(max(workers, key=lambda child: child.cpu_times().user).pid, signal.SIGKILL)

    made: list[Watched] = []

    def watched(total: int | None, done: int) -> Progress:
        made.append(Watched(total, done, 4, kill_a_worker))
        return made[0]

    options = BatchOptions(library=many_clips, models=(red_model,), output=tmp_path, jobs=2)
    run(options, tell=lambda _: None, make_progress=watched)
    assert made[0].called
    assert made[0].done == CLIPS + 1
    assert highlights_of(tmp_path) == highlights_of(undisturbed)


def test_a_file_that_breaks_the_work_in_an_unforeseen_way_fails_alone(six_clips: Path, red_model: Path) -> None:
    files = [file_state(path, six_clips) for path in sorted(six_clips.rglob("*.mp4"))]
    nonsense = type(files[0])(3.5, b"3.5", 1, 1)  # type: ignore[arg-type]  # no path at all: nobody foresaw that
    answers = {
        file.name: answer
        for chunk, given in score_locally([nonsense, *files], scoring_of([red_model]), jobs=1)
        for file, answer in zip(chunk, given, strict=True)
    }
    assert len(answers) == 7
    assert all(isinstance(answers[file.name], FrameScores) for file in files)
    assert "TypeError" in str(answers[b"3.5"])


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Dask scheduler in its own process."""
    pytest.importorskip("distributed", reason="the extra cluster is not installed")
    code = (
        "import asyncio, distributed\n"
        "async def serve():\n"
        "    async with distributed.Scheduler(host='127.0.0.1', port=0, dashboard=False) as scheduler:\n"
        "        print(scheduler.address, flush=True)\n"
        "        await scheduler.finished()\n"
        "asyncio.run(serve())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        yield serving.stdout.readline().strip()
        serving.kill()


def start_worker(scheduler: str) -> subprocess.Popen[str]:
    """A Dask worker of one thread in its own process, which has joined when this returns."""
    code = (
        "import asyncio, sys, distributed\n"
        "async def serve():\n"
        "    async with distributed.Worker(sys.argv[1], nthreads=1, dashboard=False) as worker:\n"
        "        print(worker.address, flush=True)\n"
        "        await worker.finished()\n"
        "asyncio.run(serve())\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", code, scheduler], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    assert worker.stdout.readline().startswith("tcp://")
    return worker


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_half_way_loses_and_repeats_nothing(
    *,
    many_clips: Path,
    red_model: Path,
    undisturbed: Path,
    tmp_path: Path,
    highlights_of: HighlightsOf,
    scheduler: str,
) -> None:
    workers = [start_worker(scheduler) for _ in range(2)]
    killed = Watched(None, 0, CLIPS // 3, lambda: workers[0].send_signal(signal.SIGKILL))
    options = BatchOptions(library=many_clips, models=(red_model,), output=tmp_path, scheduler=scheduler)
    try:
        run(options, tell=lambda _: None, make_progress=lambda _total, _done: killed)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert killed.called
    assert workers[0].returncode == -signal.SIGKILL
    assert killed.done == CLIPS + 1, "every file was answered once"
    assert highlights_of(tmp_path) == highlights_of(undisturbed)
    assert (tmp_path / "scores.csv").read_bytes() == (undisturbed / "scores.csv").read_bytes()
    with ScoreJournal(tmp_path / "journal.sqlite", scoring_of([red_model]).key()) as journal:
        assert len(journal) == CLIPS + 1


@pytest.mark.slow
def test_a_scheduler_that_is_not_there_is_said(six_clips: Path, red_model: Path) -> None:
    pytest.importorskip("distributed", reason="the extra cluster is not installed")
    files = [file_state(path, six_clips) for path in six_clips.rglob("*.mp4")]
    with pytest.raises(InputError, match="cannot be reached"):
        next(score_on_cluster(files, scoring_of([red_model]), scheduler="tcp://127.0.0.1:1"))
    with pytest.raises(InputError, match="cannot be reached"):
        next(score_on_cluster(files, scoring_of([red_model]), scheduler="nonsense://x"))


@pytest.mark.slow
def test_ten_thousand_files_take_no_more_memory_than_a_thousand(
    make_red_clip: Clip, red_model: Path, tmp_path: Path
) -> None:
    count = 10_000
    clip = make_red_clip(tmp_path / "tiny.mp4", [0.9])
    for number in range(count):
        link = tmp_path / "lib" / f"{number // 500}" / f"{number}.mp4"
        if number % 500 == 0:
            link.parent.mkdir(parents=True)
        os.link(clip, link)
    sizes: list[int] = []

    def resident() -> int:
        here = psutil.Process()
        return sum(process.memory_info().rss for process in (here, *here.children(recursive=True)))

    class Weighed(Progress):
        def advance(self, count: int = 1) -> None:
            super().advance(count)
            if self.done % 200 == 0:
                sizes.append(resident())

    found = run(
        BatchOptions(library=tmp_path / "lib", models=(red_model,), output=tmp_path / "out", jobs=2),
        tell=lambda _: None,
        make_progress=lambda total, done: Weighed(total, "videos", "scoring", already_done=done),
    )
    assert len(found.highlights) == found.scanned == count
    early, late = sizes[4], max(sizes[-10:])
    assert late - early < 50e6, f"{early / 1e6:.0f} MB after 1,000 files, {late / 1e6:.0f} MB at the end"
