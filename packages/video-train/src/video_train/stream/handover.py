"""From the thread that reads to the one that computes: a few clips wait, and the newest win."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Handover(Generic[Item]):
    """A short queue between two threads.

    Attributes:
        dropped: items that were thrown away because newer ones came.
    """

    def __init__(self, room: int, *, keep_all: bool) -> None:
        """Begin empty.

        Args:
            room: how many items wait at most.
            keep_all: make the giving thread wait where there is no room, instead of throwing the oldest away.
        """
        self.dropped = 0
        self._room, self._keep_all = room, keep_all
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, item: Item) -> None:
        """Give an item; after ``close`` it goes nowhere."""
        with self._changed:
            while self._keep_all and len(self._items) >= self._room and not self._closed:
                self._changed.wait()
            if self._closed:
                return
            if len(self._items) >= self._room:
                self._items.popleft()
                self.dropped += 1
            self._items.append(item)
            self._changed.notify_all()

    def get(self, timeout_seconds: float) -> Item | None:
        """Take the oldest item that waits; None where none came in time, or none will."""
        with self._changed:
            if not self._items and not self._closed:
                self._changed.wait(timeout_seconds)
            if not self._items:
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """No more items come; those that wait can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def over(self) -> bool:
        """Whether it is closed and empty."""
        with self._changed:
            return self._closed and not self._items


def wait_for(finished: threading.Event) -> None:
    """Wait until a thread that reads from a source says that it has finished, also after another Ctrl-C.

    Closing the source under it would end the process. It is not long: no read takes more than the source's patience.
    An event and not ``Thread.join``: before Python 3.13 a join that is interrupted takes the thread for ended.
    """
    while not finished.is_set():
        with contextlib.suppress(KeyboardInterrupt):
            finished.wait()
