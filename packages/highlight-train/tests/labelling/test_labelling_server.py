"""The server without a browser: bytes and ranges of clips, and everything that it refuses."""

from __future__ import annotations

import io
import json
import os
import socket
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from footage.errors import DatasetError, InputError, ModelError
from highlight_train.labelling.command import LabelOptions, serve

Served = Any  # the class is in conftest.py, which cannot be imported
Clip = Callable[..., Path]
Serve = Callable[..., Served]
Still = tuple[Served, Path]


def test_ranges_are_the_bytes_of_the_file(still_served: Still) -> None:
    server, library = still_served
    content = (library / "day" / "a.mp4").read_bytes()
    path = f"/api/clips/{server.ids()['day/a.mp4']}/video"
    size = len(content)

    @given(st.integers(0, size - 1), st.none() | st.integers(0, 2 * size))
    @settings(max_examples=40)
    def check(start: int, end: int | None) -> None:
        if end is not None and end < start:
            start, end = end, start
        answer = server.ask(path, {"Range": f"bytes={start}-{'' if end is None else end}"})
        last = size - 1 if end is None else min(end, size - 1)
        assert (answer.status, answer.body) == (206, content[start : last + 1])
        assert answer.headers["content-range"] == f"bytes {start}-{last}/{size}"
        assert int(answer.headers["content-length"]) == last + 1 - start

    @given(st.integers(1, 2 * size))
    @settings(max_examples=15)
    def check_suffix(length: int) -> None:
        answer = server.ask(path, {"Range": f"bytes=-{length}"})
        assert (answer.status, answer.body) == (206, content[-length:])

    check()
    check_suffix()
    whole = server.ask(path)
    assert (whole.status, whole.body, whole.headers["accept-ranges"]) == (200, content, "bytes")
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["cache-control"] == "no-store", "a library of terabytes has no business in a browser's cache"
    beyond = server.ask(path, {"Range": f"bytes={size}-"})
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{size}")


def test_head_tells_the_size_only(still_served: Still) -> None:
    server, library = still_served
    path = f"/api/clips/{server.ids()['b.mkv']}/video"
    size = (library / "b.mkv").stat().st_size
    answer = server.ask(path, method="HEAD")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", str(size))
    ranged = server.ask(path, {"Range": "bytes=2-5"}, method="HEAD")
    assert (ranged.status, ranged.body, ranged.headers["content-length"]) == (206, b"", "4")


def test_a_range_of_a_file_that_has_changed_since(tmp_path: Path, served: Serve, make_red_clip: Clip) -> None:
    clip = make_red_clip(tmp_path / "library" / "a.mp4", [0.5] * 10)
    server = served(tmp_path / "library", tmp_path / "labels.json")
    path = f"/api/clips/{server.ids()['a.mp4']}/video"
    tag = server.ask(path, method="HEAD").headers["etag"]
    same = {"Range": "bytes=0-3", "If-Range": tag}
    assert server.ask(path, same).status == 206
    assert server.ask(path, {**same, "If-Range": '"another"'}).status == 200
    make_red_clip(clip, [0.1, 0.9] * 10)
    changed = server.ask(path, same)
    assert (changed.status, changed.body) == (200, clip.read_bytes())
    assert changed.headers["etag"] != tag


def test_pictures_of_clips(still_served: Still) -> None:
    server, _ = still_served
    clip = f"/api/clips/{server.ids()['day/a.mp4']}"
    thumbnail = server.ask(f"{clip}/thumbnail")
    assert thumbnail.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(thumbnail.body)).size == (120, 90)
    sheet = server.ask(f"{clip}/moments").json()
    assert sheet["duration_seconds"] == pytest.approx(2.0)
    assert sheet["times_seconds"] == sorted(set(sheet["times_seconds"]))
    for number, seconds in enumerate(sheet["times_seconds"]):
        picture = Image.open(io.BytesIO(server.ask(f"{clip}/moments/{number}").body)).convert("RGB")
        assert picture.size == (360, 270)
        red = picture.getpixel((180, 135))
        assert isinstance(red, tuple)
        assert red[0] == pytest.approx(255 * (0.1, 0.9)[round(seconds * 10) % 2], abs=12), "the picture of that time"
    assert server.ask(f"{clip}/moments/{len(sheet['times_seconds'])}").status == 404
    assert server.ask(f"{clip}/moments/-1").status == 404


def test_without_the_token_nothing_is_served(still_served: Still) -> None:
    server, _ = still_served
    paths = ["/", "/static/page.js", "/api/library", f"/api/clips/{server.ids()['b.mkv']}/video", "/nowhere"]
    port = server.port
    for path in paths:
        for wrong in ({}, {"Cookie": f"highlight_train_{port}=no"}, {"Cookie": f"highlight_train_{port}=\xe9"}):
            answer = server.ask(path, wrong, cookie=False)
            assert answer.status == 401
            assert b"the address that highlight-train printed" in answer.body
            assert "set-cookie" not in answer.headers
    assert server.ask("/?token=no", cookie=False).status == 401
    assert server.ask("/?token=", cookie=False).status == 401
    assert server.ask(f"/api/library?token={server.token}", cookie=False).status == 401, "the address is for the page"
    assert server.ask("/api/undo", method="POST", body={}, cookie=False).status == 401


def test_the_address_gives_a_cookie_that_no_script_and_no_other_site_can_use(still_served: Still) -> None:
    server, _ = still_served
    page = server.ask(f"/?token={server.token}", cookie=False)
    assert page.status == 200
    assert b"<title>Label clips</title>" in page.body
    name, *attributes = page.headers["set-cookie"].split("; ")
    assert name == f"highlight_train_{server.port}={server.token}"
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Strict"}
    assert server.ask("/", {"Cookie": f"other=1; {name}"}, cookie=False).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1:{port}.evil.example", ""]
)
def test_a_foreign_host_is_refused(still_served: Still, host: str) -> None:
    server, _ = still_served
    for path in ("/api/library", f"/?token={server.token}"):
        assert server.ask(path, {"Host": host.format(port=server.port)}).status in {400, 403}
    assert server.ask("/api/library", {"Host": f"localhost:{server.port}"}).status == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}", "http://127.0.0.1"]
)
def test_a_foreign_origin_is_refused(still_served: Still, origin: str) -> None:
    server, _ = still_served
    origin = origin.format(port=server.port)
    assert server.ask("/api/library", {"Origin": origin}).status == 403
    assert server.ask("/api/undo", {"Origin": origin}, method="POST", body={}).status == 403
    own = {"Origin": f"http://127.0.0.1:{server.port}"}
    assert server.ask("/api/undo", own, method="POST", body={}).status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_pages_may_not_even_embed_a_clip(still_served: Still, site: str) -> None:
    server, _ = still_served
    path = f"/api/clips/{server.ids()['b.mkv']}/video"
    assert server.ask(path, {"Sec-Fetch-Site": site}).status == 403
    assert server.ask(path, {"Sec-Fetch-Site": "same-origin"}).status == 200
    link = server.ask(f"/?token={server.token}", {"Sec-Fetch-Site": site}, cookie=False)
    assert link.status == 200, "the printed address may be a link in a terminal that is a web page"


@pytest.mark.parametrize(
    "clip",
    [
        "../secret.mp4",
        "..%2Fsecret.mp4",
        "%2e%2e%2fsecret.mp4",
        "%2e%2e/%2e%2e/secret.mp4",
        "{folder}/secret.mp4",
        "day/a.mp4",
        "day%2Fa.mp4",
        "0" * 16,
        "%00",
        "",
    ],
)
def test_only_clips_of_the_library_are_served(still_served: Still, clip: str) -> None:
    server, library = still_served
    clip = clip.format(folder=str(library.parent).replace("/", "%2F"))
    for what in ("video", "thumbnail", "moments"):
        answer = server.ask(f"/api/clips/{clip}/{what}")
        assert answer.status == 404
        assert b"not in the library" not in answer.body
    assert server.ask(f"/api/clips/{clip}/mark", method="POST", body={"verdict": "normal"}).status in {404, 405}
    assert server.ask(f"/static/../{clip}").status == 404
    assert server.ask("/static/%2e%2e/app.py").status == 404


def test_every_answer_has_the_security_headers(still_served: Still) -> None:
    server, _ = still_served
    clip = server.ids()["b.mkv"]
    for path in ("/", "/static/page.css", "/api/library", f"/api/clips/{clip}/video", "/nowhere", "/?token=no"):
        for answer in (server.ask(path), server.ask(path, cookie=False), server.ask(path, {"Host": "evil.example"})):
            assert answer.headers["content-security-policy"].startswith("default-src 'self';")
            assert "unsafe" not in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"verdict": "great"},
        {"verdict": "normal", "path": "/etc/passwd"},
        {"verdict": "highlight", "span": [1.0]},
        {"verdict": "highlight", "span": [-1.0, 2.0]},
        {"verdict": "highlight", "span": [float("nan"), 2.0]},
        {"verdict": "highlight", "span": [0.0, float("inf")]},
        {"verdict": "highlight", "span": [2.0, 1.0]},
        ["highlight"],
    ],
)
def test_what_is_no_label_is_refused(still_served: Still, body: object) -> None:
    server, library = still_served
    answer = server.ask(f"/api/clips/{server.ids()['b.mkv']}/mark", method="POST", body=body)
    assert answer.status in {409, 422}
    assert not (library.parent / "labels.json").exists()


def test_names_of_any_bytes(tmp_path: Path, served: Serve, make_red_clip: Clip) -> None:
    library = tmp_path / "library"
    library.mkdir()
    plain = make_red_clip(tmp_path / "plain.mp4", [0.5] * 10)
    name = os.fsdecode(b'caf\xe9 "it\'s"\n<b>&.mp4')
    plain.rename(library / name)
    server = served(library, tmp_path / "labels.json")
    ((shown, clip),) = server.ids().items()
    assert shown == 'caf\\udce9 "it\'s"\\n<b>&.mp4'
    assert server.ask(f"/api/clips/{clip}/video").body == (library / name).read_bytes()
    assert server.ask(f"/api/clips/{clip}/thumbnail").status == 200
    assert server.ask(f"/api/clips/{clip}/mark", method="POST", body={"verdict": "highlight"}).status == 200
    assert json.loads((tmp_path / "labels.json").read_text())["highlights"] == [str(library / name)]


def test_ctrl_c_ends_it_with_everything_saved(tmp_path: Path, served: Serve, make_red_clip: Clip) -> None:
    make_red_clip(tmp_path / "library" / "a.mp4", [0.5] * 10)
    (tmp_path / "library" / "dangling.mp4").symlink_to("nowhere")
    server = served(tmp_path / "library", tmp_path / "labels.json")
    clip = f"/api/clips/{server.ids()['a.mp4']}"
    server.ask(f"{clip}/mark", method="POST", body={"verdict": "highlight"})
    os.truncate(tmp_path / "library" / "a.mp4", 50_000_000)
    film = HTTPConnection("127.0.0.1", server.port, timeout=30)
    film.request("GET", f"{clip}/video", headers=server.cookie)
    with closing(film), socket.create_connection(("127.0.0.1", server.port)):
        assert film.getresponse().read(10), "a browser that has enough of the film for now, and does not read on"
        code, out, err = server.end()
    assert (code, out) == (0, ""), "the address is the only line on standard output"
    assert "left out: " in err
    assert "dangling.mp4: is a link that leads nowhere" in err
    assert err.endswith(f"ended; the labels are in {tmp_path / 'labels.json'}\n")
    assert len(json.loads((tmp_path / "labels.json").read_text())["highlights"]) == 1


def test_a_film_that_shrinks_while_it_is_sent(tmp_path: Path, served: Serve, make_red_clip: Clip) -> None:
    clip = make_red_clip(tmp_path / "library" / "a.mp4", [0.5] * 10)
    os.truncate(clip, 50_000_000)
    server = served(tmp_path / "library", tmp_path / "labels.json")
    film = HTTPConnection("127.0.0.1", server.port, timeout=30)
    film.request("GET", f"/api/clips/{server.ids()['a.mp4']}/video", headers=server.cookie)
    with closing(film):
        response = film.getresponse()
        response.read(10)
        os.truncate(clip, 100_000)
        with pytest.raises(IncompleteRead):
            response.read()
    assert server.ask("/api/library").status == 200
    _, _, err = server.end()
    assert "a request failed: " in err
    assert "Content-Length" in err


def test_what_cannot_be_served_is_one_error(tmp_path: Path, red_model: Path) -> None:
    (tmp_path / "library").mkdir()
    options = LabelOptions(library=tmp_path / "library", labels=tmp_path / "labels.json")
    with pytest.raises(DatasetError, match="no files with the extensions"):
        serve(options, print)
    (tmp_path / "library" / "a.mp4").write_bytes(b"x")
    (tmp_path / "labels.json").write_text("[]")
    with pytest.raises(DatasetError, match="has neither a list of highlights nor one of normal clips"):
        serve(options, print)
    (tmp_path / "labels.json").unlink()
    with pytest.raises(ModelError):
        serve(LabelOptions(library=options.library, labels=options.labels, model=tmp_path / "no.onnx"), print)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen on port {port}"):
            serve(LabelOptions(library=options.library, labels=options.labels, port=port), print)
    with pytest.raises(InputError, match="cannot listen on port 99999"):
        serve(LabelOptions(library=options.library, labels=options.labels, port=99999), print)
