"""Every kind of report in a real browser: on a desk and on a phone, light and dark, and on paper.

The reports come from the shortest runs that make them. Each must begin with a sentence and a picture, fit its width, be
readable, say in words what its pictures show, and ask for nothing that is not in the file.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from networks import constant_network
from playwright.sync_api import Browser, Page, Request, sync_playwright

from blur_train import cli as blur_cli
from blur_train.classes import BlurClass
from blur_train.scenes.cases import draw_case
from blur_train.scenes.photo import draw_photo
from blur_train.scenes.scene import draw_scene
from eztrack_tune import cli as eztrack_cli
from flexpatch_train import cli as flexpatch_cli
from footage.video.writer import VideoWriter
from highlight_train import cli as highlight_cli
from video_train import cli as video_cli

MAINS: Mapping[str, Callable[[], None]] = {
    "blur-train": blur_cli.main,
    "eztrack-tune": eztrack_cli.main,
    "flexpatch-train": flexpatch_cli.main,
    "highlight-train": highlight_cli.main,
    "video-train": video_cli.main,
}
KINDS = {
    "blur-train": ("audit", "training", "evaluation"),
    "eztrack-tune": ("scan", "sweep", "aggregate", "validate", "community"),
    "flexpatch-train": ("run", "evaluate"),
    "highlight-train": ("train", "evaluate", "batch-classify", "test-video"),
    "video-train": ("train", "evaluate"),
}
WIDTHS = (1280, 390)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
A4_PX = round((210 - 2 * 14) / 25.4 * 96)
"""What the margins of the style sheet leave of the paper's width."""
LEAST_CONTRAST = 4.5
"""Of text against what is behind it: WCAG 2.2, 1.4.3."""
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
LOOK = (Path(__file__).parent / "look_at_page.js").read_text(encoding="utf-8")
Made = dict[str, Path]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium on the PATH")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM))
        yield launched
        launched.close()


def run(tool: str, *arguments: object, allowed: tuple[int, ...] = (0,)) -> None:
    """A command line as its user types it, in this process: importing torch anew would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", [tool, *map(str, arguments)])
        with pytest.raises(SystemExit) as ending:
            MAINS[tool]()
    assert int(ending.value.code or 0) in allowed, (tool, arguments)


def of_flexpatch(folder: Path) -> Made:
    """A run on a drawn scene; the runtime on a still picture with one object that a network always finds."""
    size, box, frames = (128, 64), (32, 16, 64, 56), 20
    run("flexpatch-train", "demo", "--smoke", "-o", folder / "run")
    still = folder / "mot" / "still"
    (still / "gt").mkdir(parents=True)
    picture = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3)).astype(np.uint8)
    with VideoWriter(still / "still.mp4", size=size, rate=Fraction(25)) as writer:
        for _ in range(frames):
            writer.write(picture)
    x0, y0, x1, y1 = box
    lines = [f"{frame},1,{x0 + 1},{y0 + 1},{x1 - x0},{y1 - y0},1,1,1\n" for frame in range(1, frames + 1)]
    (still / "gt" / "gt.txt").write_text("".join(lines))
    found = np.zeros((1, 20, 6), np.float32)
    found[0, 0] = (*box, 0.9, 0)
    weights = constant_network(folder / "found.onnx", found, names="{0: 'person', 1: 'car'}")
    given = (folder / "run" / "flexpatch_model.joblib", "--mot-root", folder / "mot", "--weights", weights)
    run("flexpatch-train", "evaluate", *given, "-o", folder / "evaluation")
    return {"run": folder / "run" / "report.html", "evaluate": folder / "evaluation" / "evaluation.html"}


def sessions(lifespan: int, pattern: int, *, clips: range) -> list[dict[str, Any]]:
    """Sessions as the add-on's first recorder wrote them; each clip's tracks live a little longer than the last's."""
    settings = {"pattern_size": pattern, "search_size": 91, "correlation": 0.68, "threshold": 0.28}
    every = []
    for clip in clips:
        tracks = [
            {"name": f"Track.{n:03d}", "lifespan": lifespan + clip, "start_frame": 1, "end_frame": lifespan + clip + 1}
            | {"region": "center", "avg_velocity": 0.002, "jitter_score": 0.1, "success": True}
            | {"contributed_to_solve": True, "reprojection_error": 0.3 + n / 100}
            for n in range(16)
        ]
        counts = {"total_tracks": 16, "successful_tracks": 16, "bundle_count": 16}
        picture = {"clip_name": f"clip_{clip}.mp4", "resolution": [1920, 1080], "fps": 24, "frame_count": 100}
        cell = {"center": {"total_tracks": 16, "successful_tracks": 16, "avg_lifespan": 90.0}}
        solve = {"success": True, "solve_error": 0.5, "duration_seconds": 40.0, "region_stats": cell}
        told = {"timestamp": "2025-12-07T19:30:00", "iteration": 1, "dead_zones": [], "sweet_spots": []}
        motion = {"settings": {**settings, "motion_model": "LocRot"}, "tracks": tracks}
        every.append({**counts, **picture, **solve, **told, **motion})
    return every


def of_eztrack(folder: Path) -> Made:
    """A scan and a sweep of drawn clips; the rest from sessions of the add-on in which other settings are better."""
    run("eztrack-tune", "demo", "--smoke", "-o", folder / "demo")
    for name, clips in (("tuning", range(6)), ("held", range(20, 24))):
        (folder / name).mkdir()
        both = [*sessions(60, 17, clips=clips), *sessions(90, 21, clips=clips)]
        (folder / name / "sessions.json").write_text(json.dumps(both))
    run("eztrack-tune", "aggregate", folder / "tuning", "-o", folder / "defaults")
    run("eztrack-tune", "validate", folder / "defaults", folder / "held", "-o", folder / "validation")
    (folder / "shared").mkdir()
    for number in range(2):
        run("eztrack-tune", "anonymize", folder / "tuning", "-o", folder / "shared" / f"{number}.json")
    run("eztrack-tune", "community", folder / "shared", "-o", folder / "community")
    folders = {"scan": "demo/scan", "sweep": "demo/sweep", "aggregate": "defaults", "validate": "validation"}
    return {kind: folder / name / "report.html" for kind, name in {**folders, "community": "community"}.items()}


def of_highlight(folder: Path) -> Made:
    run("highlight-train", "demo", "--smoke", "-o", folder)
    video = min((folder / "flights").rglob("*.mp4"))
    run("highlight-train", "test-video", video, folder / "training", "--report", folder / "one.html")
    return {
        "train": folder / "training" / "report.html",
        "evaluate": folder / "evaluation" / "evaluation.html",
        "batch-classify": folder / "scores" / "report.html",
        "test-video": folder / "one.html",
    }


def of_blur(folder: Path) -> Made:
    """Small photos, each of a scene of its own; the audit may find them too few, says so and fails."""
    rng = np.random.default_rng(5)
    for label in BlurClass:
        for number in range(12):
            file = folder / "photos" / label.value / f"{number:02}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            scene = draw_scene(rng, long_side_px=256)
            file.write_bytes(draw_photo(rng, draw_case(rng, label), scene).jpeg)
    dataset = folder / "dataset"
    shares = ("--val", "0.2", "--test", "0.25", "--calibration", "0.2", "--balance", "0")
    run("blur-train", "prepare", folder / "photos", dataset, "--audit", *shares, "-j", "1", allowed=(0, 3))
    run("blur-train", "train", dataset, "-o", folder / "training", "--weights", "none", "--epochs", "1", "-j", "1")
    run("blur-train", "export", folder / "training", folder / "model", "--dataset", dataset)
    run("blur-train", "evaluate", dataset, "--model", folder / "model", "-o", folder / "evaluation")
    return {
        "audit": dataset / "audit.html",
        "training": folder / "training" / "report.html",
        "evaluation": folder / "evaluation" / "evaluation.html",
    }


def of_video(folder: Path) -> Made:
    run("video-train", "demo", "--smoke", "-o", folder)
    return {"train": folder / "training" / "report.html", "evaluate": folder / "evaluation" / "report.html"}


MAKERS: Mapping[str, Callable[[Path], Made]] = {
    "blur-train": of_blur,
    "eztrack-tune": of_eztrack,
    "flexpatch-train": of_flexpatch,
    "highlight-train": of_highlight,
    "video-train": of_video,
}


def look(page: Page) -> dict[str, Any]:
    """What the page looks like; the keys are told in ``look_at_page.js``."""
    found = page.evaluate(LOOK)
    assert isinstance(found, dict)
    return found


def faults_of(browser: Browser, report: Path) -> list[str]:
    """All that is wrong with a report, in words."""
    faults: list[str] = []

    def asked(request: Request) -> None:
        if request.url != report.as_uri() and not request.url.startswith("data:"):
            faults.append(f"asks for {request.url}")

    for scheme in SCHEMES:
        page = browser.new_page(color_scheme=scheme)
        page.on("console", lambda message: faults.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.on("request", asked)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(report.as_uri())
            faults.extend(f"{scheme}, {width} px: {fault}" for fault in faults_seen(look(page), width))
        page.emulate_media(media="print", color_scheme=scheme)
        page.set_viewport_size({"width": A4_PX, "height": 1000})
        seen = look(page)
        faults.extend(f"{scheme}, on paper: {fault}" for fault in faults_seen(seen, A4_PX))
        faults.extend(f"{scheme}, on paper: cut off: {text}" for text in seen["scrolled"])
        page.close()
    return faults


def faults_seen(seen: dict[str, Any], width: int) -> list[str]:
    faults = [f"{seen['width']} px wide"] if seen["width"] > width else []
    faults += [f"sticks out: {text}" for text in seen["outside"]]
    faults += [f"no words for {picture}" for picture in seen["without_words"]]
    faults += [f"contrast {ratio:.2f}: {text}" for text, ratio in seen["contrasts"] if ratio < LEAST_CONTRAST]
    faults += [] if re.search(r"[.!?]$", seen["lead"]) else [f"begins without a sentence: {seen['lead']!r}"]
    faults += [] if seen["first"] == "picture" else [f"the sentence is followed by {seen['first']}"]
    return faults


@pytest.mark.slow
@pytest.mark.parametrize("tool", sorted(MAKERS))
def test_reports_can_be_read_everywhere(tool: str, browser: Browser, tmp_path: Path) -> None:
    made = MAKERS[tool](tmp_path)
    assert set(made) == set(KINDS[tool])
    faults = {kind: faults_of(browser, report) for kind, report in made.items()}
    assert faults == {kind: [] for kind in made}


def test_every_report_is_of_a_kind_that_is_looked_at() -> None:
    """A new module that lays out a page must be met here too."""
    root = Path(__file__).resolve().parents[1]
    pages = [file for file in root.glob("packages/*/src/**/*.py") if re.search(r"\bPage\(", file.read_text("utf-8"))]
    assert len([page for page in pages if "packages/core" not in page.as_posix()]) == sum(map(len, KINDS.values()))


def test_what_is_wrong_is_seen(browser: Browser, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!doctype html><title>t</title><main><p class=lead>No sentence<table><tr><td>1</table>"
        "<p style='color: #999'>Pale<img src=data:,><svg width=90 height=40><rect width=90 height=40 />"
        "<text y=20 fill=#333>dark</text></svg><div style='width: 2000px'>Wide</div>"
        "<img alt=a src=https://unreachable.invalid/a.png><script>undefined.x</script></main>"
    )
    faults = "\n".join(faults_of(browser, bad))
    for expected in (
        "asks for https://unreachable.invalid/a.png",
        "script: ",
        "light, 1280 px: 2008 px wide",
        "dark, 390 px: sticks out: Wide",
        "light, on paper: sticks out: Wide",
        "no words for <img",
        "no words for <svg",
        "contrast 2.85: Pale",
        "contrast 1.66: dark",
        "begins without a sentence",
        "the sentence is followed by a table",
    ):
        assert expected in faults, faults


@pytest.mark.slow
def test_the_labelling_page_can_be_read_everywhere(browser: Browser, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="the extra label is not installed")
    for name in ("a.mp4", "b.mp4"):
        with VideoWriter(tmp_path / name, size=(128, 64), rate=Fraction(10)) as writer:
            for shade in range(10):
                writer.write(np.full((64, 128, 3), 20 * shade, np.uint8))
    tool = Path(sys.executable).with_name("highlight-train")
    command = [str(tool), "label", str(tmp_path), "--labels", str(tmp_path / "labels.json")]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        asked: list[str] = []
        for scheme in SCHEMES:
            page = browser.new_page(color_scheme=scheme, reduced_motion="reduce")
            page.on("request", lambda request: asked.append(request.url))
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                page.goto(url)
                page.locator(".item").nth(1).wait_for(state="attached")
                seen = look(page)
                assert seen["width"] <= width, (scheme, width)
                assert seen["without_words"] == [], (scheme, width)
                assert [found for found in seen["contrasts"] if found[1] < LEAST_CONTRAST] == [], (scheme, width)
            page.close()
        origin = url.split("/?")[0]
        assert [one for one in asked if not one.startswith((f"{origin}/", "data:", "blob:"))] == []
    finally:
        server.terminate()
        server.communicate(timeout=30)
