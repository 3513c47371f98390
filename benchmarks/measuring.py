"""Timing things side by side on a machine that may be busy.

Everything that is compared runs once in every round, each round in another order, so that whatever else the machine
does falls on all of them. Beside wall time stands the CPU time of this process, all threads together, which hardly
changes when other programs take turns on the cores. Figures are medians over the rounds; a ratio is the median of the
ratios within each round.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from footage.runs.environment import environment

MILLISECONDS = 1000.0
SETTLE_SECONDS = 0.05
"""Worker threads spin for some milliseconds after their work: that is not billed to whoever comes next."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and greatest of the same thing measured in every round."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values))

    def text(self, digits: int = 2) -> str:
        """Such as ``14.1 (13.9 to 17.2)``."""
        return f"{self.median:.{digits}f} ({self.least:.{digits}f} to {self.greatest:.{digits}f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One of the things compared.

    Attributes:
        name: short, unique.
        run: does the work and returns over how many items (frames, samples) it went.
        floor: name of the case that this one cannot be cheaper than; None for a floor.
    """

    name: str
    run: Callable[[], int]
    floor: str | None = None


class Timings:
    """Wall and CPU time an item, of every case in every round."""

    def __init__(self) -> None:
        self.wall_ms: dict[str, list[float]] = {}
        self.cpu_ms: dict[str, list[float]] = {}
        self.items: dict[str, int] = {}
        self.load: list[float] = []
        self.others_share: list[float] = []

    @property
    def rounds(self) -> int:
        """How many rounds were timed."""
        return min((len(values) for values in self.wall_ms.values()), default=0)

    def ratio(self, over: str | Sequence[str], under: str | Sequence[str], *, cpu: bool = False) -> Spread:
        """How many times the cost of ``under`` is in ``over``, paired by round; several names are added up."""
        table = self.cpu_ms if cpu else self.wall_ms
        return Spread.of([a / b for a, b in zip(_sums(table, over), _sums(table, under), strict=True)])


def measure(cases: Sequence[Case], rounds: int) -> Timings:
    """Time every case ``rounds`` times, interleaved, after one round that warms caches and is thrown away."""
    timings = Timings()
    for number in range(rounds + 1):
        turn = number % len(cases)
        for case in (*cases[turn:], *cases[:turn]):
            time.sleep(SETTLE_SECONDS)
            busy, wall, cpu = _busy_seconds(), time.perf_counter(), time.process_time()
            items = case.run()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            if number == 0:
                continue
            timings.wall_ms.setdefault(case.name, []).append(wall / items * MILLISECONDS)
            timings.cpu_ms.setdefault(case.name, []).append(cpu / items * MILLISECONDS)
            timings.items[case.name] = items
            now = _busy_seconds()
            if busy is not None and now is not None:
                share = (now - busy - cpu) / (wall * (os.cpu_count() or 1))
                timings.others_share.append(min(max(share, 0.0), 1.0))
        timings.load.append(os.getloadavg()[0])
    return timings


def print_table(cases: Sequence[Case], timings: Timings, *, item: str) -> None:
    """Milliseconds an item of every case and how many times its floor that is."""
    print(f"{f'ms a {item}: median (least to greatest)':<44} {'wall':>24} {'CPU':>24} {'x floor (wall)':>24}  floor")
    for case in cases:
        wall, cpu = Spread.of(timings.wall_ms[case.name]), Spread.of(timings.cpu_ms[case.name])
        ratio = timings.ratio(case.name, case.floor).text() if case.floor else ""
        print(f"{case.name:<44} {wall.text():>24} {cpu.text():>24} {ratio:>24}  {case.floor or ''}".rstrip())


def print_conditions(timings: Timings) -> None:
    """The machine, and how busy it was."""
    about = conditions(timings)
    versions = about["versions"]
    print(f"machine: {about['processor']}, {about['cpu_count']} cores; Python {about['python']}")
    if isinstance(versions, dict):
        print("versions:", ", ".join(f"{name} {number}" for name, number in versions.items()))
    load = Spread.of(timings.load)
    print(f"rounds: {timings.rounds}; load average over a minute, this benchmark included: {load.text(1)}")
    if timings.others_share:
        print(f"share of the cores that other programs took: {Spread.of(timings.others_share).text()}")


def conditions(timings: Timings) -> dict[str, object]:
    """What ``--json`` says about the machine and the rounds."""
    about = environment()
    kept = ("av", "numpy", "onnxruntime", "opencv-python")
    versions = about["versions"]
    return {
        "processor": processor(),
        "cpu_count": about["cpu_count"],
        "python": about["python"],
        "versions": {k: v for k, v in versions.items() if k in kept} if isinstance(versions, dict) else {},
        "rounds": timings.rounds,
        "load_average": asdict(Spread.of(timings.load)),
        "others_share": asdict(Spread.of(timings.others_share)) if timings.others_share else None,
    }


def as_json(cases: Sequence[Case], timings: Timings) -> list[dict[str, object]]:
    """What ``--json`` says about the cases."""
    return [
        {
            "name": case.name,
            "items": timings.items[case.name],
            "wall_ms": asdict(Spread.of(timings.wall_ms[case.name])),
            "cpu_ms": asdict(Spread.of(timings.cpu_ms[case.name])),
            "floor": case.floor,
            "times_floor": asdict(timings.ratio(case.name, case.floor)) if case.floor else None,
        }
        for case in cases
    ]


def processor() -> str:
    """The processor's model as the system names it."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _sums(table: Mapping[str, Sequence[float]], names: str | Sequence[str]) -> list[float]:
    chosen = [names] if isinstance(names, str) else names
    return [sum(values) for values in zip(*(table[name] for name in chosen), strict=True)]


def _busy_seconds() -> float | None:
    """CPU seconds used by all programs, or taken by the machine's host, since the start; None off Linux."""
    counters = Path("/proc/stat")
    if not counters.is_file():
        return None
    # proc(5): user, nice, system, idle, waiting for disks, interrupts, soft interrupts, stolen by the host.
    user, nice, system, _, _, interrupts, soft, stolen, *_ = map(
        int, counters.read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + interrupts + soft + stolen) / os.sysconf("SC_CLK_TCK")
