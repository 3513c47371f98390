"""What a server is asked to do, and how much it lets in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blur_train.classifier import MODEL_FOLDER

MEGABYTE: Final = 1_000_000
_FORM_OVERHEAD_BYTES: Final = 2_000
"""What a part of a form adds to its file: boundary, headers, and the file's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is let in; everything beyond is refused with an answer that says so.

    Attributes:
        max_bytes: of a photo.
        max_pixels: of a photo, by its header.
        min_side_px: of a photo's shorter side.
        batch_items: photos in a batch.
        batch_bytes: of a whole batch.
        pending_items: photos of all batches that wait for their turn.
        waiting: requests that wait for a thread, beside those that have one.
        client_requests: requests that one client (a key, or an address where there are no keys) may have under way;
            None for as many as there is room for.
        body_seconds: how long a client may take to send its request.
        answer_seconds: how long a photo may take to be judged.
        result_seconds: how long a batch's results are kept, from when it was taken.
    """

    max_bytes: int = 32 * MEGABYTE
    max_pixels: int = 64_000_000
    min_side_px: int = 64
    batch_items: int = 500
    batch_bytes: int = 2_000 * MEGABYTE
    pending_items: int = 20_000
    waiting: int = 16
    client_requests: int | None = None
    body_seconds: float = 60.0
    answer_seconds: float = 30.0
    result_seconds: int = 86_400

    @property
    def body_bytes(self) -> int:
        """Bytes of a request with one photo."""
        return self.max_bytes + _FORM_OVERHEAD_BYTES

    @property
    def batch_body_bytes(self) -> int:
        """Bytes of a request with a batch."""
        return self.batch_bytes + _FORM_OVERHEAD_BYTES * self.batch_items


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """A server.

    Attributes:
        model: the folder of an exported classifier, or its ``.onnx`` file.
        host: the address to listen on.
        port: 0 takes a free one.
        keys: what callers must send as ``X-API-Key``; none lets everybody in who can reach the address.
        broker: the address of a Redis; None does batches in this process.
        spool: the folder in which the photos of batches wait; workers must see it under the same path. None makes one
            that goes with the server.
        threads: photos that are judged at once.
        device: where the model runs.
        limits: what is let in.
    """

    model: Path = MODEL_FOLDER
    host: str = "127.0.0.1"
    port: int = 8000
    keys: tuple[str, ...] = ()
    broker: str | None = None
    spool: Path | None = None
    threads: int = 1
    device: str = "cpu"
    limits: Limits = Limits()
