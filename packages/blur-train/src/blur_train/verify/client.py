"""A caller of the service, as small as one can be: the standard library's HTTP and a form with files."""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from footage.errors import InputError

CLASSIFY: Final = "/api/v1/blur/classify"
TIMEOUT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said.

    Attributes:
        status: of HTTP.
        body: the JSON document; None where it is none.
    """

    status: int
    body: Any

    @property
    def code(self) -> str:
        """The error's code; empty where there is none."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return str(error.get("code", "")) if isinstance(error, dict) else ""


class Client:
    """Calls one server; every call is a connection of its own."""

    def __init__(self, address: str, key: str | None) -> None:
        """Name the server.

        Args:
            address: such as ``http://127.0.0.1:8000``.
            key: sent as ``X-API-Key``; None sends none.

        Raises:
            InputError: the address is none of HTTP.
        """
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InputError(f"{address!r} is no address of a server", remedy="write it as http://HOST:PORT")
        self.address = address
        self.key = key
        self._parts = parts

    def get(self, path: str) -> Answer:
        """Ask for a path.

        Raises:
            InputError: the server cannot be reached.
        """
        return self._call("GET", path, None, {})

    def send(self, photo: bytes, *, blur_type: str | None = None, preset: str | None = None) -> Answer:
        """Have a photo judged.

        Raises:
            InputError: the server cannot be reached.
        """
        return self._form(f"{CLASSIFY}{_query(blur_type, preset)}", "file", [photo])

    def send_batch(self, photos: Sequence[bytes], *, preset: str | None = None) -> Answer:
        """Have photos judged as a batch.

        Raises:
            InputError: the server cannot be reached.
        """
        return self._form(f"{CLASSIFY}/batch{_query(None, preset)}", "files", photos)

    def _form(self, path: str, field: str, files: Sequence[bytes]) -> Answer:
        boundary = secrets.token_hex(16)
        parts = []
        for number, file in enumerate(files):
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{number}.jpg"\r\n'
            parts += [head.encode("ascii"), b"Content-Type: application/octet-stream\r\n\r\n", file, b"\r\n"]
        body = b"".join([*parts, f"--{boundary}--\r\n".encode("ascii")])
        return self._call("POST", path, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})

    def _call(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        if self.key is not None:
            headers = {**headers, "X-API-Key": self.key}
        make = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        connection = make(str(self._parts.hostname), self._parts.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, self._parts.path.rstrip("/") + path, body, headers)
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise InputError(f"the server does not answer ({error})", where=self.address) from None
        finally:
            connection.close()
        try:
            return Answer(response.status, json.loads(text))
        except (ValueError, RecursionError):
            return Answer(response.status, None)


def _query(blur_type: str | None, preset: str | None) -> str:
    given = [(name, value) for name, value in (("blur_type", blur_type), ("preset", preset)) if value is not None]
    return "?" + "&".join(f"{name}={quote(value)}" for name, value in given) if given else ""
