"""Who and what is let in, before a byte of a request's body is read.

An ASGI middleware around the application: it names the request, asks for the key, refuses what is too large or no form,
keeps a bounded number of requests under way, and gives a client only so long to send one.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import time
import uuid
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders

from blur_train.serve.answers import ErrorEnvelope
from blur_train.serve.problems import ApiError, overloaded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from blur_train.serve.metrics import Metrics
    from blur_train.serve.options import Limits

LOGGER: Final = logging.getLogger("blur_train.serve")
API: Final = "/api/"
KEY_HEADER: Final = "x-api-key"
REQUEST_ID_HEADER: Final = "x-request-id"
REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Admission:
    """Middleware that lets in what there is room and leave for."""

    def __init__(
        self, app: ASGIApp, *, keys: tuple[str, ...], limits: Limits, bodies: Mapping[str, int], places: int,
        metrics: Metrics,
    ) -> None:  # fmt: skip
        """Put it around an application.

        Args:
            app: what answers where nothing is refused.
            keys: any of which a caller of the API must send; none lets everybody in.
            limits: what is let in.
            bodies: the paths that take uploads, and how many bytes each may bring.
            places: uploads that may be under way at once.
            metrics: told of every answer.
        """
        self._app = app
        self._keys = [key.encode("utf-8") for key in keys]
        self._limits = limits
        self._bodies = bodies
        self._places = places
        self._metrics = metrics
        self._clients: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        offered = headers.get(REQUEST_ID_HEADER, "")
        request_id = offered if REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status = 500

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                named = MutableHeaders(scope=message)
                named[REQUEST_ID_HEADER] = request_id
                named["cache-control"] = "no-store"
            await send(message)

        try:
            with self._let_in(scope, headers):
                await self._app(scope, self._bounded(scope, receive), send_named)
        except ApiError as refused:
            answer = ErrorEnvelope(request_id=request_id, error=refused.body).model_dump()
            response = JSONResponse(answer, refused.status_code, headers=dict(refused.headers or {}))
            await response(scope, receive, send_named)
        finally:
            self._note(scope, status, time.perf_counter() - started)

    @contextmanager
    def _let_in(self, scope: Scope, headers: Headers) -> Iterator[None]:
        """Refuse, or take a place for as long as the request is under way.

        Raises:
            ApiError: the request is refused.
        """
        if not scope["path"].startswith(API):
            yield
            return
        client = self._client(scope, headers)
        scope["state"]["client"] = client
        if not self._is_upload(scope):
            yield
            return
        self._check_form(headers, self._bodies[scope["path"]])
        if self._clients.total() >= self._places:
            raise overloaded()
        most = self._limits.client_requests
        if most is not None and self._clients[client] >= most:
            message = f"{most} requests of this client are under way already."
            raise ApiError(429, "too_many_requests", message, retry_after_seconds=1)
        self._clients[client] += 1
        try:
            yield
        finally:
            self._clients[client] -= 1
            if not self._clients[client]:
                del self._clients[client]

    def _is_upload(self, scope: Scope) -> bool:
        return scope["method"] == "POST" and scope["path"] in self._bodies

    def _client(self, scope: Scope, headers: Headers) -> str:
        """A name for who asks that tells nothing of the key.

        Raises:
            ApiError: the key is missing or unknown.
        """
        if not self._keys:
            return str((scope.get("client") or ("unknown",))[0])
        offered = headers.get(KEY_HEADER, "").encode("latin-1")
        # Every key is compared, so that the time tells nothing of which came close.
        if sum(hmac.compare_digest(offered, key) for key in self._keys) == 0:
            raise ApiError(401, "unauthorized", "The X-API-Key is missing or unknown.")
        return hashlib.sha256(offered).hexdigest()[:16]

    @staticmethod
    def _check_form(headers: Headers, most_bytes: int) -> None:
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "multipart/form-data":
            raise ApiError(415, "unsupported_media_type", "Send the photo as multipart/form-data.")
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > most_bytes:
            raise ApiError(413, "request_too_large", f"The request has more than {most_bytes:,} bytes.")

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """The request's body, of which no more comes than is allowed, and not for longer."""
        if not self._is_upload(scope):
            return receive
        most_bytes = self._bodies[scope["path"]]
        ends_at = asyncio.get_running_loop().time() + self._limits.body_seconds
        taken = 0
        complete = False

        async def receive_bounded() -> Message:
            nonlocal taken, complete
            if complete:  # what comes now is the end of the connection, which may well come later
                return await receive()
            try:
                async with asyncio.timeout_at(ends_at):
                    message = await receive()
            except TimeoutError:
                message_text = f"The request did not arrive within {self._limits.body_seconds:g} s."
                raise ApiError(408, "too_slow", message_text) from None
            taken += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if taken > most_bytes:
                raise ApiError(413, "request_too_large", f"The request has more than {most_bytes:,} bytes.")
            return message

        return receive_bounded

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or (
            scope["path"] if scope["path"] in self._bodies else "other"
        )
        self._metrics.answered(route, scope["method"], status, seconds)
        LOGGER.info("%s %s %s %d %.1f ms", scope["state"]["request_id"], scope["method"], route, status, 1000 * seconds)
