"""How far long work has come: one moving line on a terminal, a log line now and then elsewhere, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

LOG_EVERY_SECONDS = 5.0
MINUTE_SECONDS = 60
HOUR_SECONDS = 3600


class Progress:
    """Counts what is done and what failed, and shows it. Use as a context manager.

    Attributes:
        done: items finished so far, the failed ones among them.
        failed: items that failed so far.
    """

    def __init__(
        self,
        total: int | None,
        unit: str,
        description: str,
        *,
        already_done: int = 0,
        log_every_seconds: float = LOG_EVERY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total = total
        self.unit = unit
        self.description = description
        self.done = already_done
        self.failed = 0
        self._already_done = already_done
        self._log_every_seconds = log_every_seconds
        self._clock = clock
        self._started_at = self._logged_at = clock()
        self._display: RichProgress | None = None
        self._task: TaskID | None = None

    def advance(self, count: int = 1) -> None:
        """Count items that were done."""
        self.done += count
        self._show()

    def fail(self, count: int = 1) -> None:
        """Count items that failed; they count as done too."""
        self.failed += count
        self.advance(count)

    def line(self) -> str:
        """The state in words: done/total, rate, elapsed, time left, failures."""
        elapsed = self._clock() - self._started_at
        worked = self.done - self._already_done
        rate = worked / elapsed if elapsed > 0 else 0.0
        amount = f"{self.done:,}" if self.total is None else f"{self.done:,}/{self.total:,}"
        parts = [f"{self.description}: {amount} {self.unit}"]
        if self.total:
            parts.append(f"{min(self.done / self.total, 1.0):.0%}")
        if worked and rate:
            parts.append(format_rate(rate, self.unit))
        parts.append(f"{format_duration(elapsed)} elapsed")
        if self.total is not None and worked and rate and self.done < self.total:
            parts.append(f"{format_duration((self.total - self.done) / rate)} left")
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        return ", ".join(parts)

    def __enter__(self) -> Self:
        self._started_at = self._logged_at = self._clock()
        if sys.stderr.isatty():
            self._start_display()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._display is not None:
            self._show()
            self._display.stop()
            self._display = None
        else:
            self._log()

    def _show(self) -> None:
        if self._display is not None and self._task is not None:
            self._display.update(self._task, completed=self.done, description=self.line())
        elif self._clock() - self._logged_at >= self._log_every_seconds:
            self._log()

    def _log(self) -> None:
        self._logged_at = self._clock()
        sys.stderr.write(f"{self.line()}\n")
        sys.stderr.flush()

    def _start_display(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (BarColumn(bar_width=24), TextColumn("{task.description}", markup=False))
        self._display = Progress(*columns, console=Console(stderr=True), transient=False)
        self._task = self._display.add_task(self.line(), total=self.total, completed=self.done)
        self._display.start()


def progress(total: int | None, unit: str, description: str, *, already_done: int = 0) -> Progress:
    """Show the progress of long work.

    Args:
        total: the number of items, None where it is not known.
        unit: what is counted, in the plural: ``frames``.
        description: what is being done: ``reading``.
        already_done: items that an earlier run finished; they count as done and not towards the rate.
    """
    return Progress(total, unit, description, already_done=already_done)


def format_duration(seconds: float) -> str:
    """A duration as a person says it: ``4.2 s``, ``3:07``, ``1:02:45``."""
    if seconds < MINUTE_SECONDS - 0.05:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    hours, rest = divmod(whole, HOUR_SECONDS)
    minutes, left = divmod(rest, MINUTE_SECONDS)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def format_rate(per_second: float, unit: str) -> str:
    """A rate with its unit, by the second or, where that is below one, by the minute."""
    if per_second >= 1:
        return f"{per_second:,.0f} {unit}/s" if per_second >= 99.95 else f"{per_second:.1f} {unit}/s"
    return f"{per_second * MINUTE_SECONDS:.1f} {unit}/min"
