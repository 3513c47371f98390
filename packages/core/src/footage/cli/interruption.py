"""Ctrl-C as a wish that is granted when it suits, for commands that end in no other way."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruption() -> Iterator[Callable[[], bool]]:
    """Hear Ctrl-C without being torn out of whatever is done; pressed again it raises ``KeyboardInterrupt`` as usual.

    For the main thread.

    Yields:
        Whether Ctrl-C was pressed.
    """
    pressed = False

    def hear(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    usual = signal.signal(signal.SIGINT, hear)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, usual)
