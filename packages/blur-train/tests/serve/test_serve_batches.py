"""Batches without a queue: taken at once, done in this process, asked for by their owner until they expire."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blur_train.decision import Preset
from blur_train.serve.answers import FailedItem
from blur_train.serve.jobs import Job, LocalJobs, Spool
from blur_train.serve.judging import ModelHolder
from blur_train.serve.options import Limits

MakeClient = Callable[..., Any]
MakePhoto = Callable[..., bytes]
BATCH = "/api/v1/blur/classify/batch"
WAIT_SECONDS = 30


def photos(*contents: bytes) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("files", (f"{index}.jpg", content, "image/jpeg")) for index, content in enumerate(contents)]


def finished(client: Any, job_id: str, **settings: Any) -> dict[str, Any]:
    """The results of a batch once it is finished."""
    ends_at = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < ends_at:
        data: dict[str, Any] = client.get(f"{BATCH}/{job_id}/results", **settings).json()["data"]
        if data["status"] == "finished":
            return data
        threading.Event().wait(0.01)
    pytest.fail(f"the batch was not finished within {WAIT_SECONDS} s: {data}")


def test_a_batch_gives_every_photo_one_result(client: Any, make_photo: MakePhoto, brightness: dict[str, int]) -> None:
    contents = [make_photo(grey) for grey in brightness.values()]
    answer = client.post(BATCH, files=photos(*contents, b"junk", contents[0][:-30], b""))
    assert answer.status_code == 202
    taken = answer.json()["data"]
    assert (taken["total"], taken["done"], taken["failed"]) == (7, 0, 0)
    assert answer.headers["location"] == f"{BATCH}/{taken['job_id']}"
    results = finished(client, taken["job_id"])
    assert (results["total"], results["done"], results["failed"]) == (7, 7, 3)
    assert [item["index"] for item in results["items"]] == list(range(7))
    assert [item["filename"] for item in results["items"]] == [f"{index}.jpg" for index in range(7)]
    assert [item["predicted_class"] for item in results["items"][:4]] == list(brightness)
    codes = [item["error"]["code"] for item in results["items"][4:]]
    assert codes == ["unsupported_media_type", "truncated_image", "empty_file"]
    status = client.get(f"{BATCH}/{taken['job_id']}").json()["data"]
    assert status == {name: value for name, value in results.items() if name != "items"}
    assert list(client.parts.spool.folder.iterdir()) == []


def test_a_batch_may_ask_for_one_type(client: Any, make_photo: MakePhoto, brightness: dict[str, int]) -> None:
    files = photos(make_photo(brightness["motion_blurred"]), make_photo(brightness["sharp"]))
    job_id = client.post(f"{BATCH}?blur_type=motion_blurred", files=files).json()["data"]["job_id"]
    items = finished(client, job_id)["items"]
    assert [(item["blur_type"], item["detected"]) for item in items] == [
        ("motion_blurred", True),
        ("motion_blurred", False),
    ]


def test_batches_are_their_owners(make_client: MakeClient, make_photo: MakePhoto) -> None:
    first, second = {"X-API-Key": "first key of many"}, {"X-API-Key": "second key of many"}
    client = make_client(keys=(first["X-API-Key"], second["X-API-Key"]))
    job_id = client.post(BATCH, files=photos(make_photo(1)), headers=first).json()["data"]["job_id"]
    assert finished(client, job_id, headers=first)["done"] == 1
    for path in (f"{BATCH}/{job_id}", f"{BATCH}/{job_id}/results"):
        assert client.get(path, headers=second).json()["error"]["code"] == "job_not_found"


def test_batches_are_bounded(make_client: MakeClient, make_photo: MakePhoto) -> None:
    client = make_client(Limits(batch_items=3, batch_bytes=20_000, max_bytes=2_000, pending_items=5))
    small = make_photo(1)
    assert client.post(BATCH, files=photos(small, small, small)).status_code == 202
    too_many = client.post(BATCH, files=photos(small, small, small, small))
    assert (too_many.status_code, too_many.json()["error"]["code"]) == (413, "batch_too_large")
    too_large = client.post(BATCH, files=photos(b"x" * 30_000))
    assert (too_large.status_code, too_large.json()["error"]["code"]) == (413, "request_too_large")
    one_too_large = client.post(BATCH, files=photos(small, b"x" * 2_001)).json()["data"]["job_id"]
    assert finished(client, one_too_large)["items"][1]["error"]["code"] == "file_too_large"
    assert client.post(BATCH).json()["error"]["code"] == "unsupported_media_type"


class Held(ModelHolder):
    """A model that is not there before it is let go."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.free = threading.Event()

    def get(self) -> Any:
        assert self.free.wait(WAIT_SECONDS)
        return super().get()


def job_of(number: int, photos: int, expires_at: float) -> Job:
    names = tuple(str(index) for index in range(photos))
    return Job(
        job_id=f"{number:032x}", owner="me", filenames=names, blur_type=None, preset=Preset.MODERATE,
        expires_at=expires_at,
    )  # fmt: skip


def test_what_waits_is_bounded_and_expires(brightness_model: Path, tmp_path: Path, make_photo: MakePhoto) -> None:
    now = 1_000.0
    spool, model = Spool(tmp_path / "spool"), Held(brightness_model)
    jobs = LocalJobs(spool, model, Limits(pending_items=3), threads=1, now=lambda: now)
    jobs.submit(job_of(1, 2, 2_000))
    with pytest.raises(Exception, match="wait already"):
        jobs.submit(job_of(2, 2, 2_000))
    assert jobs.find(f"{2:032x}") is None
    assert jobs.find(f"{1:032x}") is not None
    now = 2_000.0
    assert jobs.find(f"{1:032x}") is None
    model.free.set()
    jobs.close()


def test_a_photo_that_cannot_be_judged_for_any_reason_has_an_error(
    brightness_model: Path, tmp_path: Path, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, model = Spool(tmp_path / "spool"), Held(brightness_model)
    jobs = LocalJobs(spool, model, Limits(), threads=1)
    spool.path(f"{1:032x}", 0).parent.mkdir()
    spool.path(f"{1:032x}", 0).write_bytes(make_photo(1))
    jobs.submit(job_of(1, 2, time.time() + 1_000))  # the second has no photo in the spool

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("blur_train.serve.judging.read_photo", fail)
    model.free.set()
    jobs._pool.shutdown(wait=True)
    found = jobs.find(f"{1:032x}")
    assert found is not None
    assert sorted(found[1]) == [0, 1]
    assert all(isinstance(item, FailedItem) and item.error.code == "internal_error" for item in found[1].values())


def test_the_spool_forgets_what_nobody_knows(tmp_path: Path) -> None:
    import os

    spool = Spool(tmp_path)
    for number, age in ((1, 100), (2, 10_000)):
        spool.path(f"{number:032x}", 0).parent.mkdir()
        spool.path(f"{number:032x}", 0).write_bytes(b"x")
        then = time.time() - age
        os.utime(spool.folder / f"{number:032x}", (then, then))
    (tmp_path / "somebody else's").mkdir()
    os.utime(tmp_path / "somebody else's", (1, 1))
    spool.sweep(1_000)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{1:032x}", "somebody else's"]
