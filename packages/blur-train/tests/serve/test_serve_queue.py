"""Batches through a real Redis and real Celery workers, which are killed on the way."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from redis import Redis

from blur_train.decision import Preset
from blur_train.serve.answers import FailedItem, FullItem
from blur_train.serve.jobs import Job, Spool
from blur_train.serve.judging import ModelHolder
from blur_train.serve.options import Limits
from blur_train.serve.problems import ApiError
from blur_train.serve.queue import QUEUE, RedisJobs
from blur_train.serve.worker import MOST_ATTEMPTS, ItemWork

MakePhoto = Callable[..., bytes]
BATCH = "/api/v1/blur/classify/batch"
WAIT_SECONDS = 60.0
ITEMS = 80

SERVE = """
import sys
from pathlib import Path
from footage.cli.console import talk
from blur_train.serve.command import serve
from blur_train.serve.options import ServeOptions

model, broker, spool = sys.argv[1:]
sys.exit(serve(ServeOptions(model=Path(model), broker=broker, spool=Path(spool), port=0, threads=1), talk))
"""
WORK = """
import sys
from pathlib import Path
from footage.cli.console import talk
from blur_train.serve.command import work
from blur_train.serve.options import ServeOptions

model, broker, spool = sys.argv[1:]
sys.exit(work(broker, ServeOptions(model=Path(model), spool=Path(spool), threads=1), talk))
"""


def wait_until(is_true: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    ends_at = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > ends_at:
            pytest.fail(f"did not happen within {seconds:g} s")
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def answers(redis: Redis) -> bool:
    with suppress(Exception):
        return bool(redis.ping())
    return False


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis of our own."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        broker = f"redis://127.0.0.1:{port}/0"
        wait_until(lambda: answers(Redis.from_url(broker)))
        yield broker
        process.terminate()


@pytest.fixture
def broker(redis_server: str) -> str:
    """The address of an empty Redis."""
    Redis.from_url(redis_server).flushall()
    return redis_server


class Processes:
    """Servers and workers, each in a process group of its own."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[str]] = []

    def start(self, code: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.started.append(process)
        return process

    def kill(self, process: subprocess.Popen[str]) -> None:
        """As ``kill -9`` of everything at once: nothing is tidied."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def processes() -> Iterator[Processes]:
    started = Processes()
    yield started
    for process in started.started:
        started.kill(process)
        assert process.stdout is not None
        process.stdout.close()


def send_batch(address: str, contents: list[bytes]) -> str:
    files = [("files", (f"{index}.jpg", content, "image/jpeg")) for index, content in enumerate(contents)]
    answer = httpx.post(f"{address}{BATCH}", files=files, timeout=60)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["data"]["job_id"])


def results_of(address: str, job_id: str) -> dict[str, Any]:
    return dict(httpx.get(f"{address}{BATCH}/{job_id}/results", timeout=60).json()["data"])


class Service:
    """A server and a worker that share a Redis and a spool."""

    def __init__(self, processes: Processes, model: Path, broker: str, spool: Path) -> None:
        self.processes, self.broker, self.spool = processes, broker, spool
        self._model = model
        server = processes.start(SERVE, model, broker, spool)
        self.worker = self.start_worker()
        assert server.stdout is not None
        self.address = server.stdout.readline().strip()
        assert self.address.startswith("http://")

    def start_worker(self) -> subprocess.Popen[str]:
        return self.processes.start(WORK, self._model, self.broker, self.spool)


@pytest.fixture
def service(processes: Processes, brightness_model: Path, broker: str, tmp_path: Path) -> Service:
    return Service(processes, brightness_model, broker, tmp_path / "spool")


@pytest.mark.slow
def test_a_batch_outlives_its_workers(service: Service, make_photo: MakePhoto, brightness: dict[str, int]) -> None:
    address, worker = service.address, service.worker
    names = list(brightness)
    # large enough that a worker does not end the batch before it is killed
    large = {name: make_photo(brightness[name], (2000, 1500)) for name in names}
    contents = [large[names[index % 4]] for index in range(ITEMS)]
    contents[7], contents[60] = b"junk", contents[60][:-10]
    job_id = send_batch(address, contents)
    wait_until(lambda: results_of(address, job_id)["done"] >= 0.3 * ITEMS)
    service.processes.kill(worker)
    killed_at = time.monotonic()
    assert results_of(address, job_id)["status"] == "running"
    service.start_worker()
    wait_until(lambda: results_of(address, job_id)["status"] == "finished")
    assert time.monotonic() - killed_at < 60
    results = results_of(address, job_id)
    assert [item["index"] for item in results["items"]] == list(range(ITEMS))
    failed = {item["index"]: item["error"]["code"] for item in results["items"] if "error" in item}
    assert failed == {7: "unsupported_media_type", 60: "truncated_image"}
    said = {item["index"]: item["predicted_class"] for item in results["items"] if "error" not in item}
    assert said == {index: names[index % 4] for index in range(ITEMS) if index not in failed}
    wait_until(lambda: not list(service.spool.iterdir()))
    redis = Redis.from_url(service.broker)
    wait_until(lambda: redis.llen(QUEUE) == 0 and redis.hlen("unacked") == 0)


@pytest.mark.slow
def test_a_photo_whose_process_dies_is_tried_again(service: Service, make_photo: MakePhoto) -> None:
    address, worker = service.address, service.worker
    job_id = send_batch(address, [make_photo(220, (2000, 1500))] * 60)
    wait_until(lambda: results_of(address, job_id)["done"] >= 5)
    (child,) = psutil.Process(worker.pid).children()
    child.kill()  # as the kernel does where memory ends
    wait_until(lambda: results_of(address, job_id)["status"] == "finished")
    results = results_of(address, job_id)
    assert (results["done"], results["failed"]) == (60, 0)


def job_of(photos: int, expires_in_seconds: float = 1_000) -> Job:
    return Job(
        job_id=f"{photos:032x}", owner="me", filenames=("a.jpg",) * photos, blur_type=None, preset=Preset.MODERATE,
        expires_at=time.time() + expires_in_seconds,
    )  # fmt: skip


def put(spool: Spool, job: Job, content: bytes) -> None:
    for index in range(len(job.filenames)):
        path = spool.path(job.job_id, index)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def test_a_task_may_come_twice(broker: str, brightness_model: Path, spool: Spool, make_photo: MakePhoto) -> None:
    jobs = RedisJobs(broker, spool, Limits())
    work = ItemWork(jobs, spool, ModelHolder(brightness_model), Limits())
    job = job_of(2)
    put(spool, job, make_photo(220))
    jobs.submit(job)
    assert work.do(job.job_id, 0, is_last_try=False) is None
    found = jobs.find(job.job_id)
    assert found is not None
    (first,) = found[1].values()
    assert isinstance(first, FullItem)
    put(spool, job, make_photo(40))  # what the second run would see differs: the first result stays
    assert work.do(job.job_id, 0, is_last_try=False) is None
    assert jobs.keep(job, first.model_copy(update={"filename": "another"})) is False
    found = jobs.find(job.job_id)
    assert found is not None
    assert found[1] == {0: first}


def test_a_photo_that_kills_its_workers_is_given_up(
    broker: str, brightness_model: Path, spool: Spool, make_photo: MakePhoto
) -> None:
    jobs = RedisJobs(broker, spool, Limits())
    job = job_of(1)
    put(spool, job, make_photo(220))
    jobs.submit(job)
    for _ in range(MOST_ATTEMPTS):  # each of them began and told nothing
        jobs.attempt(job, 0)
    work = ItemWork(jobs, spool, ModelHolder(brightness_model), Limits())
    assert work.do(job.job_id, 0, is_last_try=False) is None
    found = jobs.find(job.job_id)
    assert found is not None
    assert isinstance(found[1][0], FailedItem)
    assert found[1][0].error.code == "gave_up"


def test_a_model_that_is_missing_is_waited_for_and_then_said(
    broker: str, tmp_path: Path, spool: Spool, make_photo: MakePhoto
) -> None:
    jobs = RedisJobs(broker, spool, Limits())
    job = job_of(1)
    put(spool, job, make_photo(220))
    jobs.submit(job)
    work = ItemWork(jobs, spool, ModelHolder(tmp_path / "no model"), Limits())
    assert "no such model" in str(work.do(job.job_id, 0, is_last_try=False))
    assert work.do(job.job_id, 0, is_last_try=True) is None
    found = jobs.find(job.job_id)
    assert found is not None
    assert isinstance(found[1][0], FailedItem)
    assert found[1][0].error.code == "model_unavailable"


def test_what_is_known_of_a_batch_expires(
    broker: str, spool: Spool, brightness_model: Path, make_photo: MakePhoto
) -> None:
    jobs = RedisJobs(broker, spool, Limits())
    job = job_of(1, expires_in_seconds=900)
    put(spool, job, make_photo(220))
    jobs.submit(job)
    ItemWork(jobs, spool, ModelHolder(brightness_model), Limits()).do(job.job_id, 0, is_last_try=False)
    redis = Redis.from_url(broker)
    keys = list(redis.scan_iter(f"{QUEUE}:job:*"))
    assert len(keys) == 3
    assert all(890 < redis.ttl(key) <= 901 for key in keys)
    redis.delete(*keys)
    assert jobs.find(job.job_id) is None
    put(spool, job, make_photo(220))
    work = ItemWork(jobs, spool, ModelHolder(brightness_model), Limits())
    assert work.do(job.job_id, 0, is_last_try=False) is None  # a task that comes after that finds nothing to do
    assert not spool.path(job.job_id, 0).exists()


def test_a_full_queue_takes_no_more(broker: str, spool: Spool, make_photo: MakePhoto) -> None:
    jobs = RedisJobs(broker, spool, Limits(pending_items=3))
    jobs.submit(job_of(2))
    with pytest.raises(ApiError, match="wait already") as refused:
        jobs.submit(job_of(5))
    assert refused.value.status_code == 503


def test_a_redis_that_is_gone_is_said(spool: Spool) -> None:
    jobs = RedisJobs(f"redis://127.0.0.1:{free_port()}/0", spool, Limits())
    calls: list[Callable[[], object]] = [lambda: jobs.submit(job_of(1)), lambda: jobs.find("0" * 32), jobs.check]
    for call in calls:
        with pytest.raises(ApiError) as refused:
            call()
        assert (refused.value.status_code, refused.value.code) == (503, "queue_unavailable")
