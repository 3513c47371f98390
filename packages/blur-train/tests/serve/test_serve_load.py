"""More than there is room for: refused at the door, and nothing grows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from blur_train.serve import judging
from blur_train.serve.judging import ModelHolder
from blur_train.serve.options import Limits

MakeClient = Callable[..., Any]
MakePhoto = Callable[..., bytes]
CLASSIFY = "/api/v1/blur/classify"


class Door:
    """Holds every photo that is judged until it is opened; tells when one came."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open = threading.Event()
        self.came = threading.Semaphore(0)
        judge = judging.judge

        def judge_behind_door(*given: Any, **settings: Any) -> Any:
            self.came.release()
            assert self.open.wait(30)
            return judge(*given, **settings)

        monkeypatch.setattr("blur_train.serve.engine.judge", judge_behind_door)


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    return Door(monkeypatch)


def ask(client: httpx.AsyncClient, photo: bytes, **headers: str) -> Any:
    return client.post(CLASSIFY, files={"file": ("a.jpg", photo, "image/jpeg")}, headers=headers)


def test_what_has_no_place_is_refused_at_once(make_client: MakeClient, make_photo: MakePhoto, door: Door) -> None:
    client = make_client(Limits(waiting=2), threads=1)

    async def crowd(caller: httpx.AsyncClient) -> list[httpx.Response]:
        inside = [asyncio.create_task(ask(caller, make_photo(220))) for _ in range(3)]
        await asyncio.to_thread(door.came.acquire)
        refused = [await ask(caller, make_photo(220)) for _ in range(4)]
        assert (await caller.get("/health")).status_code == 200
        door.open.set()
        return [*await asyncio.gather(*inside), *refused]

    answers = client.run(crowd)
    assert [answer.status_code for answer in answers] == [200] * 3 + [503] * 4
    assert all(answer.json()["error"]["code"] == "overloaded" for answer in answers[3:])
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers[3:])
    assert client.send(make_photo(220)).status_code == 200


def test_one_client_does_not_take_every_place(make_client: MakeClient, make_photo: MakePhoto, door: Door) -> None:
    keys = ("a key of many characters", "b key of many characters")
    client = make_client(Limits(waiting=5, client_requests=1), keys=keys, threads=1)

    async def crowd(caller: httpx.AsyncClient) -> list[httpx.Response]:
        first = asyncio.create_task(ask(caller, make_photo(220), **{"X-API-Key": keys[0]}))
        await asyncio.to_thread(door.came.acquire)
        again = await ask(caller, make_photo(220), **{"X-API-Key": keys[0]})
        other = asyncio.create_task(ask(caller, make_photo(220), **{"X-API-Key": keys[1]}))
        door.open.set()
        return [await first, again, await other]

    first, again, other = client.run(crowd)
    assert (first.status_code, again.status_code, other.status_code) == (200, 429, 200)
    assert again.json()["error"]["code"] == "too_many_requests"


def test_a_photo_that_takes_too_long_keeps_its_place(
    make_client: MakeClient, make_photo: MakePhoto, door: Door
) -> None:
    client = make_client(Limits(waiting=0, answer_seconds=0.05), threads=1)
    late = client.send(make_photo(220))
    assert (late.status_code, late.json()["error"]["code"]) == (503, "timed_out")
    assert client.send(make_photo(220)).json()["error"]["code"] == "overloaded"  # its thread still works on it
    door.open.set()


def test_a_model_is_opened_once(brightness_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from blur_train.classifier import BlurClassifier

    opened = []
    original = BlurClassifier.open

    def count(*given: Any, **settings: Any) -> Any:
        opened.append(given)
        return original(*given, **settings)

    monkeypatch.setattr(BlurClassifier, "open", count)
    holder = ModelHolder(brightness_model)
    threads = [threading.Thread(target=holder.get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1
