"""The application called without a network, and photos whose answer is known."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import httpx
import numpy as np
import pytest
from PIL import Image

from blur_train.serve.app import Parts, make_app
from blur_train.serve.jobs import LocalJobs, Spool
from blur_train.serve.judging import ModelHolder
from blur_train.serve.options import Limits

Value = TypeVar("Value")


class Client:
    """Calls an application in an event loop of its own; what it raises is answered as 500, as on a network."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._loop = asyncio.new_event_loop()
        transport = httpx.ASGITransport(make_app(parts), raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://test")

    def run(self, work: Callable[[httpx.AsyncClient], Awaitable[Value]]) -> Value:
        async def done() -> Value:
            return await work(self._client)

        return self._loop.run_until_complete(done())

    def request(self, method: str, path: str, **settings: object) -> httpx.Response:
        return self.run(lambda client: client.request(method, path, **settings))  # type: ignore[arg-type] # as given

    def get(self, path: str, **settings: object) -> httpx.Response:
        return self.request("GET", path, **settings)

    def post(self, path: str, **settings: object) -> httpx.Response:
        return self.request("POST", path, **settings)

    def send(self, data: bytes, query: str = "", **settings: object) -> httpx.Response:
        files = {"file": ("photo.jpg", data, "image/jpeg")}
        return self.post(f"/api/v1/blur/classify{query}", files=files, **settings)

    def close(self) -> None:
        self._loop.run_until_complete(self._client.aclose())
        self._loop.close()
        self.parts.jobs.close()


@pytest.fixture
def make_client(brightness_model: Path, tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """``make_client(limits=…, keys=…, model=…)`` gives a client of an application of its own."""
    clients: list[Client] = []

    def make(
        limits: Limits | None = None, keys: tuple[str, ...] = (), model: Path = brightness_model, threads: int = 1
    ) -> Client:
        limits = limits or Limits()
        spool = Spool(tmp_path / f"spool {len(clients)}")
        holder = ModelHolder(model)
        jobs = LocalJobs(spool, holder, limits, threads=threads)
        parts = Parts(model=holder, jobs=jobs, spool=spool, limits=limits, keys=keys, threads=threads)
        clients.append(Client(parts))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    """A client of an application that lets everybody in."""
    return make_client()


def grey_photo(grey: int, size: tuple[int, int] = (96, 80), kind: str = "JPEG", **settings: object) -> bytes:
    """A photo of one grey, which the brightness model knows."""
    file = io.BytesIO()
    Image.fromarray(np.full((size[1], size[0], 3), grey, np.uint8)).save(file, kind, **settings)
    return file.getvalue()


@pytest.fixture(scope="session")
def make_photo() -> Callable[..., bytes]:
    """``make_photo(grey, size, kind, **settings)`` gives the bytes of a photo of one grey."""
    return grey_photo
