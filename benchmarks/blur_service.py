"""The service under load on loopback: latency and throughput at rising concurrency, from a second process.

``python -m benchmarks.blur_service`` from the root of the repository starts ``blur-train serve`` as its operator does,
and callers in this process that send photos as event clients do: 1600 px, JPEG quality 80. Callers wait for their
answer before they ask again; refusals are counted by code, and a caller that is refused waits as long as it was told
to, at most a second. Every answer is compared with the model's own. ``--smoke`` only shows that all of it runs.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import numpy as np
import psutil
from benchmarks.blur_photos import write_model
from benchmarks.measuring import processor
from PIL import Image

from blur_train.classifier import BlurClassifier
from blur_train.photos import read_photo
from blur_train.scenes.photo import draw_photo

KEY = "a key for the benchmark only"
PATH = "/api/v1/blur/classify"
UPLOAD_PX = 1600
UPLOAD_QUALITY = 80
DISTINCT = 6
LONGEST_WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What was seen with so many callers.

    Attributes:
        callers: at once.
        seconds: how long they called.
        answered: photos judged.
        refused: by status and code.
        wrong: answers that are not the model's own.
        p50_ms: half of the answers took no longer.
        p95_ms: likewise 95 %.
        p99_ms: likewise 99 %.
        server_mb: memory that the server held at the end.
    """

    callers: int
    seconds: float
    answered: int
    refused: dict[str, int]
    wrong: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    server_mb: float

    @property
    def rate(self) -> float:
        """Photos judged a second."""
        return self.answered / self.seconds


def uploads() -> list[bytes]:
    """Photos as clients send them."""
    made = []
    for number in range(DISTINCT):
        photo = draw_photo(np.random.default_rng((11, number)), long_side_px=UPLOAD_PX)
        file = io.BytesIO()
        Image.fromarray(photo.image).save(file, "JPEG", quality=UPLOAD_QUALITY)
        made.append(file.getvalue())
    return made


async def load(address: str, photos: Sequence[bytes], truth: Sequence[str], callers: int, seconds: float) -> Level:
    """So many callers for so long."""
    latencies: list[float] = []
    refused: Counter[str] = Counter()
    wrong = 0
    ends_at = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=callers)

    async def call(client: httpx.AsyncClient, number: int) -> None:
        nonlocal wrong
        while time.monotonic() < ends_at:
            number = (number + 1) % len(photos)
            started = time.perf_counter()
            answer = await client.post(PATH, files={"file": ("photo.jpg", photos[number], "image/jpeg")})
            if answer.status_code == 200:
                latencies.append(1000 * (time.perf_counter() - started))
                wrong += answer.json()["data"]["predicted_class"] != truth[number]
            else:
                refused[f"{answer.status_code} {answer.json()['error']['code']}"] += 1
                await asyncio.sleep(min(float(answer.headers.get("retry-after", 0)), LONGEST_WAIT_SECONDS))

    async with httpx.AsyncClient(
        base_url=address, headers={"X-API-Key": KEY}, limits=limits, timeout=60, trust_env=False
    ) as client:
        began = time.perf_counter()
        await asyncio.gather(*(call(client, number) for number in range(callers)))
        took = time.perf_counter() - began
        page = (await client.get("/metrics")).text
    held = next(
        float(line.split()[1]) for line in page.splitlines() if line.startswith("process_resident_memory_bytes")
    )
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return Level(
        callers=callers,
        seconds=took,
        answered=len(latencies),
        refused=dict(refused),
        wrong=wrong,
        p50_ms=cuts[49],
        p95_ms=cuts[94],
        p99_ms=cuts[98],
        server_mb=held / 1e6,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64])
    parser.add_argument("--seconds", type=float, default=15, help="at each level")
    parser.add_argument("--smoke", action="store_true", help="two levels, two seconds each")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    given = parser.parse_args()
    if given.smoke:
        given.callers, given.seconds = [1, 32], 2.0
    with tempfile.TemporaryDirectory() as folder:
        model = write_model(Path(folder))
        classifier = BlurClassifier.open(model, device="cpu")
        photos = uploads()
        truth = [
            classifier.decide([classifier.evidence(read_photo(one, luma=classifier.by_luma).image)])[0].predicted_class
            for one in photos
        ]
        command = [sys.executable, "-m", "blur_train.cli", "serve", "--port", "0", "--model", folder]
        log = (Path(folder) / "log").open("w")
        environment = {**os.environ, "BLUR_TRAIN_API_KEYS": KEY}
        with log, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment) as server:
            assert server.stdout is not None  # noqa: S101 - asked for above
            address = server.stdout.readline().strip()
            try:
                asyncio.run(load(address, photos, truth, 2, 2.0))  # warms it up; not counted
                busy = psutil.cpu_percent(None)
                levels = [asyncio.run(load(address, photos, truth, n, given.seconds)) for n in given.callers]
                busy = psutil.cpu_percent(None)
            finally:
                server.terminate()
    if given.json:
        print(json.dumps({"levels": [asdict(one) for one in levels], "load_average": os.getloadavg()[0]}, indent=2))
        return
    print("| callers | photos/s | p50 ms | p95 ms | p99 ms | server MB | wrong answers | answers | refused |")
    print("|---" * 9 + "|")
    for one in levels:
        refused = ", ".join(f"{count} x {what}" for what, count in one.refused.items()) or "none"
        print(
            f"| {one.callers} | {one.rate:.1f} | {one.p50_ms:.0f} | {one.p95_ms:.0f} | {one.p99_ms:.0f} "
            f"| {one.server_mb:.0f} | {one.wrong} | {one.answered} | {refused} |"
        )
    size_kb = statistics.mean(len(photo) for photo in photos) / 1000
    print(
        f"\nphotos: {UPLOAD_PX} px, JPEG quality {UPLOAD_QUALITY}, {size_kb:.0f} kB each; {given.seconds:g} s a level"
    )
    print(f"machine: {processor()}, {os.cpu_count()} cores, {busy:.0f} % busy, load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
