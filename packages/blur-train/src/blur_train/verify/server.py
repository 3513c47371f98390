"""A server of our own to verify, started as its operator would, on a free port of this machine."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from blur_train.serve.command import KEYS_VARIABLE
from blur_train.verify.client import Client
from footage.errors import InputError

_END_SECONDS: Final = 30.0


@contextmanager
def own_server(model: Path) -> Iterator[Client]:
    """A server with a key that nobody else has, and a caller of it; it ends with the block.

    Raises:
        InputError: it does not start.
    """
    key = secrets.token_hex(16)
    command = [sys.executable, "-m", "blur_train.cli", "serve", "--port", "0", "--model", os.fspath(model)]
    with tempfile.TemporaryFile("w+") as said:
        server = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=said, text=True, env={**os.environ, KEYS_VARIABLE: key}
        )
        try:
            assert server.stdout is not None  # noqa: S101 - asked for above
            address = server.stdout.readline().strip()
            if not address:
                server.wait(_END_SECONDS)
                said.seek(0)
                raise InputError(f"the server did not start: {said.read().strip()[-500:]}")
            yield Client(address, key)
        finally:
            server.terminate()
            try:
                server.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            if server.stdout is not None:
                server.stdout.close()
