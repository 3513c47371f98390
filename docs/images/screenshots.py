"""Make the pictures of reports and of the labelling page anew: `uv run python docs/images/screenshots.py`.

It runs four demos (minutes), opens what they leave in Chromium and cuts out what the pages explain. The
demos draw their own footage, so the pictures are free of rights. With `--demos FOLDER` demos that lie there are taken.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from footage.runs.files import atomic_write_bytes

HERE = Path(__file__).resolve().parent
TOOLS = ("flexpatch-train", "eztrack-tune", "highlight-train", "video-train")
LARGEST_BYTES = 150_000
MARGIN_PX = 24
COLOURS = 128
"""As many as a page of text and bars needs; photos are kept as JPEG."""
JPEG_QUALITY = 72
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")


@dataclass(frozen=True, slots=True)
class Shot:
    """A part of a report, and the picture it becomes.

    Attributes:
        picture: the file's name.
        report: the report, within the folder of the demos.
        first: a selector of what is at its top.
        last: a selector of what is at its bottom.
        width: of the page.
        scale: pixels of the picture for one of the page, so that text is sharp.
    """

    picture: str
    report: str
    first: str
    last: str
    width: int = 860
    scale: float = 1.5


TOP, FIRST_FIGURE, WRONG = "header", "figure >> nth=0", "#where-it-is-wrong"
SHOTS = (
    Shot("report-top.png", "flexpatch_demo/report.html", TOP, FIRST_FIGURE),
    Shot("report-scores.png", "flexpatch_demo/report.html", "#scores h2", "#scores .note >> nth=0"),
    Shot("report-mistakes.jpg", "flexpatch_demo/report.html", f"{WRONG} h2", f"{WRONG} figure >> nth=1", scale=1.25),
    Shot(
        "report-tree.png",
        "flexpatch_demo/report.html",
        "#the-decision-tree h2",
        "#the-decision-tree figure >> nth=1",
        1060,
    ),
    Shot("eztrack-defaults.png", "eztrack_demo/defaults/report.html", TOP, "figure >> nth=1", 1060),
    Shot("highlight-scores.jpg", "highlight_demo/scores/report.html", TOP, FIRST_FIGURE),
    Shot("video-evaluation.png", "video_demo/evaluation/report.html", TOP, FIRST_FIGURE),
)
LABELLING = "labelling.jpg"
LABELLING_WIDTH, LABELLING_HEIGHT = 1100, 720
PLAYABLE = 4
"""The `readyState` of a film that is there."""
PATIENCE_MS = 30_000
KEYS = "hnnh"
"""Pressed before the picture is taken: the first clips of the demo as a pilot might judge them."""


def run_missing(demos: Path) -> None:
    """Run the demos that are not in the folder."""
    for tool in TOOLS:
        name = f"{tool.split('-')[0]}_demo"
        if not (demos / name).is_dir():
            subprocess.run([tool, "demo", "-o", demos / name], cwd=demos, check=True)


def encode(png: bytes, name: str) -> bytes:
    """A screenshot as a small file: few colours for a page of text, JPEG where there are photos."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    buffer = io.BytesIO()
    if name.endswith(".jpg"):
        image.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    else:
        image.quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def save(png: bytes, name: str) -> None:
    """Write a picture into this folder."""
    data = encode(png, name)
    if len(data) > LARGEST_BYTES:
        raise SystemExit(f"{name} has {len(data)} bytes, more than the {LARGEST_BYTES} a page should carry")
    atomic_write_bytes(HERE / name, data)
    print(f"{HERE / name}: {len(data)} bytes")  # noqa: T201 - a script's result


def cut(page: Page, shot: Shot) -> bytes:
    """The part of a page from the top of one element to the bottom of another."""
    first, last = (page.locator(selector).first.bounding_box() for selector in (shot.first, shot.last))
    if first is None or last is None:
        raise SystemExit(f"{shot.report} has no {shot.first} or no {shot.last}")
    top = max(first["y"] - MARGIN_PX, 0)
    height = last["y"] + last["height"] + MARGIN_PX - top
    return page.screenshot(full_page=True, clip={"x": 0, "y": top, "width": shot.width, "height": height})


def take_reports(browser: Browser, demos: Path) -> None:
    """Take the pictures of the reports."""
    for shot in SHOTS:
        page = browser.new_page(viewport={"width": shot.width, "height": 900}, device_scale_factor=shot.scale)
        page.goto((demos / shot.report).as_uri())
        save(cut(page, shot), shot.picture)
        page.close()


@contextmanager
def labelling(library: Path) -> Iterator[str]:
    """The address of the labelling page while it is served; its labels go nowhere."""
    with tempfile.TemporaryDirectory() as scratch:
        command = ["highlight-train", "label", str(library), "--labels", str(Path(scratch) / "labels.json")]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            yield server.stdout.readline().strip() if server.stdout is not None else ""
        finally:
            server.terminate()
            server.communicate(timeout=30)


def take_labelling(browser: Browser, demos: Path) -> None:
    """Take the picture of the labelling page, some clips labelled."""
    with labelling(demos / "highlight_demo" / "flights") as address:
        size = ViewportSize(width=LABELLING_WIDTH, height=LABELLING_HEIGHT)
        page = browser.new_page(viewport=size, reduced_motion="reduce")
        page.goto(address)
        for key in KEYS:
            expect(page.locator("#video")).to_have_js_property("readyState", PLAYABLE, timeout=PATIENCE_MS)
            page.keyboard.press(key)
        expect(page.locator("#saved")).to_have_text("All labels saved", timeout=PATIENCE_MS)
        expect(page.locator("#video")).to_have_js_property("readyState", PLAYABLE, timeout=PATIENCE_MS)
        page.wait_for_load_state("networkidle")
        save(page.screenshot(), LABELLING)
        page.close()


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description="Make the pictures of reports anew.")
    parser.add_argument("--demos", type=Path, help="folder of demos, finished or to be run; else a scratch folder")
    given: Path | None = parser.parse_args().demos
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("there is no Chromium on the PATH")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        demos = (given or Path(scratch)).resolve()
        run_missing(demos)
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM))
        take_reports(browser, demos)
        take_labelling(browser, demos)
        browser.close()


if __name__ == "__main__":
    main()
