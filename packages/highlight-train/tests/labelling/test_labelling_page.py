"""The page in a real browser, by its keys and its buttons, and the labels that come of it."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

Served = Any  # the class is in conftest.py, which cannot be imported
Clip = Callable[..., Path]
Serve = Callable[..., Served]
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium on the PATH")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that starts no film by itself: their times are then those that a test sets."""
    fresh = browser.new_context(reduced_motion="reduce")
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab in which no script may fail and nothing may offend against the page's own policy."""
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    yield tab
    assert not faults


@pytest.fixture
def library(tmp_path: Path, make_red_clip: Clip) -> Path:
    """Three clips of four seconds."""
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        make_red_clip(tmp_path / "library" / name, [0.2, 0.8] * 20)
    return tmp_path / "library"


def saved(folder: Path) -> dict[str, Any]:
    """The ``labels.json`` with the names of clips for their paths."""
    document = json.loads((folder / "labels.json").read_text())
    names = {key: [Path(path).name for path in document[key]] for key in ("highlights", "normal")}
    spans = {
        Path(path).name: [(span["start_seconds"], span["end_seconds"]) for span in spans]
        for path, spans in document.get("spans", {}).items()
    }
    return {**names, "spans": spans} if spans else names


def at(page: Page, name: str) -> None:
    """Wait until a clip is shown and can be played."""
    expect(page.locator("#name")).to_have_text(name)
    expect(page.locator("#video")).to_have_js_property("readyState", 4)


def seek(page: Page, seconds: float) -> None:
    page.locator("#video").evaluate(
        "(video, seconds) => new Promise((done) => {"
        " video.addEventListener('seeked', done, {once: true}); video.currentTime = seconds; })",
        seconds,
    )


def all_saved(page: Page) -> None:
    expect(page.locator("#saved")).to_have_text("All labels saved")
    expect(page.locator("#alert")).to_be_hidden()


def test_labels_by_keys_undo_and_reload(tmp_path: Path, library: Path, served: Serve, page: Page) -> None:
    (tmp_path / "labels.json").write_text(json.dumps({"highlights": ["old/x.mp4"], "normal": ["library/a.mp4"]}))
    server = served(library, tmp_path / "labels.json")
    page.goto(server.url)
    at(page, "b.mp4")
    expect(page.locator("#counts")).to_have_text("1 of 3 labelled: 0 highlights, 1 normal")
    assert server.token not in page.url
    assert page.evaluate("document.cookie") == "", "scripts cannot read the token"
    page.keyboard.press("h")
    at(page, "c.mp4")
    page.keyboard.press("n")
    expect(page.locator("#status")).to_have_text("c.mp4: normal. Every clip is labelled or skipped")
    all_saved(page)
    assert saved(tmp_path) == {"highlights": ["x.mp4", "b.mp4"], "normal": ["a.mp4", "c.mp4"]}
    page.keyboard.press("u")
    expect(page.locator("#status")).to_have_text("Undone: c.mp4")
    page.keyboard.press("u")
    at(page, "b.mp4")
    expect(page.locator("#verdict")).to_have_text("Unlabelled")
    page.keyboard.press("u")
    expect(page.locator("#status")).to_have_text("Nothing to undo")
    page.keyboard.press("s")
    at(page, "c.mp4")
    page.keyboard.press("Shift+H")
    all_saved(page)
    assert json.loads((tmp_path / "labels.json").read_text()) == {
        "highlights": ["old/x.mp4", "library/c.mp4"],
        "normal": ["library/a.mp4"],
    }
    page.reload()
    at(page, "c.mp4")
    expect(page.locator("#verdict")).to_have_text("Highlight")
    expect(page.locator("#counts")).to_have_text("2 of 3 labelled: 1 highlight, 1 normal, 1 skipped")
    expect(page.locator(".item .sign")).to_have_text(["N", "S", "H"])


def test_keys_as_fast_as_fingers(tmp_path: Path, served: Serve, page: Page, make_red_clip: Clip) -> None:
    names = [f"{number}.mp4" for number in range(8)]
    for name in names:
        make_red_clip(tmp_path / "library" / name, [0.5] * 5)
    page.goto(served(tmp_path / "library", tmp_path / "labels.json").url)
    expect(page.locator("#name")).to_have_text(names[0])
    for key in "hnhnhnhn":
        page.keyboard.press(key)
    all_saved(page)
    assert saved(tmp_path) == {"highlights": names[::2], "normal": names[1::2]}


def test_spans(tmp_path: Path, library: Path, served: Serve, page: Page) -> None:
    page.goto(served(library, tmp_path / "labels.json").url)
    at(page, "a.mp4")

    def span(start: float, end: float, key: str) -> None:
        seek(page, start)
        page.keyboard.press("i")
        seek(page, end)
        page.keyboard.press("o")
        page.keyboard.press(key)
        expect(page.locator("#status")).to_contain_text(f"to 0:{end:04.1f}: ")

    seek(page, 1.0)
    page.keyboard.press("i")
    page.keyboard.press("h")
    expect(page.locator("#status")).to_have_text("Mark where the span ends (O) first, or drop the mark (Esc)")
    seek(page, 0.5)
    page.keyboard.press("o")
    expect(page.locator("#status")).to_have_text("The end must come after the start, 0:01.0")
    page.keyboard.press("Escape")
    assert not (tmp_path / "labels.json").exists()
    span(1.0, 3.5, "h")
    spans = page.locator("#spans li")
    expect(spans).to_have_text([re.compile("^0:01.0 to 0:03.5")])
    expect(page.locator("#name")).to_have_text("a.mp4")
    span(2.0, 2.5, "n")
    expect(spans).to_have_count(2)
    all_saved(page)
    both = {"highlights": ["a.mp4"], "normal": [], "spans": {"a.mp4": [(1.0, 2.0), (2.5, 3.5)]}}
    assert saved(tmp_path) == both
    page.get_by_role("button", name="Go to the span from 0:02.5 to 0:03.5").click()
    expect(page.locator("#video")).to_have_js_property("currentTime", 2.5)
    page.get_by_role("button", name="Remove the span from 0:01.0 to 0:02.0").click()
    expect(spans).to_have_count(1)
    page.keyboard.press("u")
    expect(spans).to_have_count(2)
    page.reload()
    expect(spans).to_have_text([re.compile("^0:01.0 to 0:02.0"), re.compile("^0:02.5 to 0:03.5")])
    assert saved(tmp_path) == both
    page.keyboard.press("ArrowRight")
    at(page, "b.mp4")
    seek(page, 1.0)
    page.keyboard.press("i")
    seek(page, 2.0)
    page.keyboard.press("o")
    page.keyboard.press("n")
    expect(page.locator("#alert")).to_contain_text("Not saved: no moment of this clip is a highlight yet")
    assert saved(tmp_path) == both


def test_the_space_bar_plays_and_presses_what_has_the_focus(
    tmp_path: Path, library: Path, served: Serve, page: Page
) -> None:
    page.goto(served(library, tmp_path / "labels.json").url)
    at(page, "a.mp4")
    video = page.locator("#video")
    page.keyboard.press("Space")
    expect(video).to_have_js_property("paused", False)
    video.focus()
    page.keyboard.press("Space")
    expect(video).to_have_js_property("paused", True)
    page.locator("#filter").focus()
    page.keyboard.press("Space")
    expect(page.locator("#filter")).to_be_checked()
    expect(video).to_have_js_property("paused", True)
    page.get_by_role("button", name="Skip").focus()
    page.keyboard.press("Space")
    at(page, "b.mp4")
    expect(page.locator("#place")).to_have_text("1 of 2 unlabelled")
    page.get_by_role("button", name="Skip").click()
    at(page, "c.mp4")
    page.keyboard.press("Space")
    expect(video).to_have_js_property("paused", False)
    expect(page.locator("#name")).to_have_text("c.mp4")
    page.keyboard.press("Control+h")
    expect(page.locator("#verdict")).to_have_text("Unlabelled")


def test_two_tabs(tmp_path: Path, library: Path, served: Serve, context: BrowserContext) -> None:
    url = served(library, tmp_path / "labels.json").url
    first, second = context.new_page(), context.new_page()
    for tab in (first, second):
        tab.goto(url)
        at(tab, "a.mp4")
    first.keyboard.press("h")
    all_saved(first)
    expect(second.locator("#verdict")).to_have_text("Highlight")
    expect(second.locator("#counts")).to_have_text("1 of 3 labelled: 1 highlight, 0 normal")
    second.keyboard.press("n")
    expect(first.locator("#counts")).to_have_text("1 of 3 labelled: 0 highlights, 1 normal")
    first.keyboard.press("u")
    at(first, "a.mp4")
    expect(first.locator("#verdict")).to_have_text("Highlight")
    expect(second.locator("#counts")).to_have_text("1 of 3 labelled: 1 highlight, 0 normal")
    assert saved(tmp_path) == {"highlights": ["a.mp4"], "normal": []}


def test_a_clip_that_is_deleted_meanwhile(tmp_path: Path, library: Path, served: Serve, page: Page) -> None:
    page.goto(served(library, tmp_path / "labels.json").url)
    at(page, "a.mp4")
    (library / "b.mp4").unlink()
    page.keyboard.press("ArrowRight")
    stage = page.locator("#stage")
    expect(stage).to_have_attribute("data-state", "failed")
    expect(stage).to_contain_text("b.mp4 is no longer there, or may not be read. Was it moved or deleted?")
    page.keyboard.press("i")
    expect(page.locator("#status")).to_have_text("The clip is not there yet")
    page.keyboard.press("s")
    at(page, "c.mp4")
    expect(stage).to_have_attribute("data-state", "film")
    page.keyboard.press("h")
    all_saved(page)
    assert saved(tmp_path) == {"highlights": ["c.mp4"], "normal": []}


def test_pictures_where_the_browser_cannot_play(tmp_path: Path, served: Serve, page: Page, make_red_clip: Clip) -> None:
    make_red_clip(tmp_path / "library" / "old.avi", [0.2, 0.8] * 20, codec="mpeg4", gop=2)
    (tmp_path / "library" / "text.mp4").write_text("this is no film")
    page.goto(served(tmp_path / "library", tmp_path / "labels.json").url)
    stage = page.locator("#stage")
    expect(stage).to_have_attribute("data-state", "pictures")
    expect(stage).to_contain_text("This browser cannot play this clip")
    page.keyboard.press("i")
    expect(page.locator("#status")).to_have_text("Choose a frame first")
    frames = page.locator("#moments button")
    expect(frames).to_have_count(16)
    times = [float(frame.get_attribute("data-seconds") or "nan") for frame in frames.all()]
    assert times == sorted(times)
    expect(frames.nth(3)).to_have_attribute("aria-label", f"Frame at 0:{times[3]:04.1f}")
    expect(frames.nth(3).locator("img")).to_have_js_property("naturalWidth", 360)
    frames.nth(3).click()
    page.keyboard.press("i")
    frames.nth(9).click()
    page.keyboard.press("o")
    page.keyboard.press("h")
    expect(page.locator("#spans li")).to_have_count(1)
    all_saved(page)
    assert saved(tmp_path)["spans"] == {"old.avi": [(pytest.approx(times[3]), pytest.approx(times[9]))]}
    page.keyboard.press("ArrowRight")
    expect(stage).to_have_attribute("data-state", "failed")
    expect(stage).to_contain_text("This clip cannot be shown: ")


def test_names_of_any_bytes_are_shown_and_kept(tmp_path: Path, library: Path, served: Serve, page: Page) -> None:
    name = os.fsdecode(b'caf\xe9 "it\'s"\n<img src=x onerror=alert(1)>.mp4')
    (library / "a.mp4").rename(library / name)
    page.goto(served(library, tmp_path / "labels.json").url)
    at(page, "b.mp4")
    page.locator(".item").last.click()
    at(page, 'caf\\udce9 "it\'s"\\n<img src=x onerror=alert(1)>.mp4')
    page.keyboard.press("h")
    all_saved(page)
    assert saved(tmp_path) == {"highlights": [name], "normal": []}


def test_the_clips_a_model_doubts_come_first(
    tmp_path: Path, served: Serve, page: Page, make_red_clip: Clip, red_model: Path
) -> None:
    redness = {"a.mp4": 0.5, "b.mp4": 0.95, "c.mp4": 0.3, "d.mp4": 0.15, "e.mp4": 0.62}
    for name, red in redness.items():
        make_red_clip(tmp_path / "library" / name, [red] * 10)
    (tmp_path / "library" / "unreadable.mp4").write_bytes(b"")
    url = served(tmp_path / "library", tmp_path / "labels.json", red_model).url
    page.goto(url)
    every_clip_scored = "The clips that the model is least certain of come first"
    expect(page.locator("#model")).to_have_text(every_clip_scored)
    page.goto(url)  # anew: what was on show before all scores were known kept its place
    expect(page.locator("#model")).to_have_text(every_clip_scored)
    expect(page.locator(".item")).to_have_count(6)
    order = page.locator(".item .caption").all_inner_texts()
    assert order == ["a.mp4", "e.mp4", "c.mp4", "d.mp4", "b.mp4", "unreadable.mp4"]
    at(page, "a.mp4")
    page.keyboard.press("n")
    at(page, "e.mp4")
    expect(page.locator("#score")).to_have_text(re.compile("^model: 0.6[0-4]$"))


def test_what_was_seen_keeps_its_place(still_served: tuple[Served, Path], page: Page) -> None:
    page.goto(still_served[0].url)
    order = page.evaluate(
        """async () => {
          const { reordered } = await import("/static/order.js");
          const scores = { a: 0.9, b: null, c: 0.45, d: 0.5, e: null, f: 0.6 };
          const clips = new Map(Object.keys(scores).map((id, index) => [id, { id, index, score: scores[id] }]));
          return reordered(["a", "b", "c", "d", "e", "f"], clips, (id) => "ce".includes(id));
        }"""
    )
    assert order == ["c", "e", "d", "f", "a", "b"]


def test_nothing_is_said_to_be_saved_that_is_not(tmp_path: Path, library: Path, served: Serve, page: Page) -> None:
    server = served(library, tmp_path / "labels.json")
    page.goto(server.url)
    at(page, "a.mp4")
    page.keyboard.press("h")
    all_saved(page)
    (tmp_path / "labels.json").write_text("not any more")
    page.keyboard.press("n")
    expect(page.locator("#alert")).to_contain_text("is not JSON")
    expect(page.locator("#saved")).to_have_text("Not saved")
    expect(page.locator("#counts")).to_have_text("1 of 3 labelled: 1 highlight, 0 normal")
    assert (tmp_path / "labels.json").read_text() == "not any more"
    (tmp_path / "labels.json").unlink()
    page.keyboard.press("n")
    all_saved(page)
    assert saved(tmp_path) == {"highlights": ["a.mp4"], "normal": ["c.mp4"]}
    server.end()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("h")
    expect(page.locator("#alert")).to_contain_text("Not saved: highlight-train is not running any more")
    expect(page.locator("#counts")).to_have_text("2 of 3 labelled: 1 highlight, 1 normal")


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of somebody else's page on this machine: the same site to cookies, another origin to us."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_page_of_another_site_gets_nothing(
    tmp_path: Path, library: Path, served: Serve, page: Page, elsewhere: str
) -> None:
    """A script of another origin with the user's own cookies: neither labels nor clips."""
    server = served(library, tmp_path / "labels.json")
    page.goto(server.url)
    clip = server.ids()["a.mp4"]

    base = f"http://127.0.0.1:{server.port}/api/clips/{clip}"
    page.goto(elsewhere)
    with page.expect_event("requestfailed") as film:
        page.evaluate("url => { document.body.append(Object.assign(new Image(), {src: url})) }", f"{base}/video")
    assert "ERR_BLOCKED_BY_RESPONSE" in (film.value.failure or "")
    with page.expect_event("requestfailed") as label:
        page.evaluate(
            """url => fetch(url, {method: "POST", mode: "no-cors", credentials: "include",
                body: '{"verdict": "normal"}'}).catch(() => null)""",
            f"{base}/mark",
        )
    assert "ERR_BLOCKED_BY_RESPONSE" in (label.value.failure or "")
    assert not (tmp_path / "labels.json").exists()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_fits_its_window(still_served: tuple[Served, Path], browser: Browser, width: int, scheme: Any) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.goto(still_served[0].url)
    expect(page.locator("#name")).to_have_text("b.mkv")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for button in page.locator("button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 24, "large enough for a finger (WCAG 2.5.8)"
        assert button.evaluate("(button) => (button.getAttribute('aria-label') || button.innerText).trim()")
    for text in ("#counts", "#name", "#place", "#verdict", "[data-key=h]"):
        assert contrast(page, text) >= 4.5, f"{text} can be read (WCAG 1.4.3)"
    context.close()


def test_help_and_focus(still_served: tuple[Served, Path], browser: Browser) -> None:
    context = browser.new_context(viewport=PHONE)  # type: ignore[arg-type]  # its type is not exported
    page = context.new_page()
    page.goto(still_served[0].url)
    expect(page.locator("#name")).to_have_text("b.mkv")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("h")
    expect(page.locator("#verdict")).to_have_text("Unlabelled")
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    page.get_by_role("button", name="Keys").click()
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#help")).to_be_hidden()
    page.locator(".item").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".item").nth(1)).to_be_focused()
    assert page.locator(":focus").evaluate("(item) => getComputedStyle(item).outlineStyle") == "solid"
    context.close()


def contrast(page: Page, selector: str) -> float:
    """Of a text with what lies behind it, 1 to 21 (WCAG 2.2)."""
    ratio = page.locator(selector).evaluate(
        """(element) => {
          const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
          const light = ([r, g, b]) => {
            const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * x + 0.7152 * y + 0.0722 * z;
          };
          let behind = element;
          while (numbers(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
          const [low, high] = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor]
            .map((colour) => light(numbers(colour))).sort((a, b) => a - b);
          return (high + 0.05) / (low + 0.05);
        }"""
    )
    return float(ratio)
