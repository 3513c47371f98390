"""What callers get: the envelope, its fields, and every refusal with its status and code."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from blur_train.classes import BLUR_TYPES, CLASSES
from blur_train.serve.answers import BlurType
from blur_train.serve.options import Limits

MakeClient = Callable[..., Any]
MakePhoto = Callable[..., bytes]
CLASSIFY = "/api/v1/blur/classify"
BATCH = f"{CLASSIFY}/batch"
KEY = "a key of many characters"


def code_of(answer: Any) -> tuple[int, str]:
    """Status and code of a refusal, after a look at its envelope."""
    body = answer.json()
    assert set(body) == {"success", "request_id", "error"}
    assert body["success"] is False
    assert body["request_id"] == answer.headers["x-request-id"]
    assert set(body["error"]) == {"code", "message"}
    return answer.status_code, body["error"]["code"]


def test_the_blur_types_are_the_classifiers() -> None:
    assert tuple(one.value for one in BlurType) == BLUR_TYPES


@pytest.mark.parametrize("name", CLASSES)
def test_the_full_answer(client: Any, make_photo: MakePhoto, brightness: dict[str, int], name: str) -> None:
    answer = client.send(make_photo(brightness[name], (120, 90)))
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"success", "request_id", "data"}
    assert body["success"] is True
    data = body["data"]
    assert data["predicted_class"] == name
    assert list(data["probabilities"]) == list(CLASSES)
    assert sum(data["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert data["confidence"] == data["probabilities"][name] > 0.5
    assert data["detected"] == {kind: kind == name for kind in BLUR_TYPES}
    assert data["image_dimensions"] == {"width": 120, "height": 90}
    assert data["processing_time_ms"] > 0


@pytest.mark.parametrize("asked", BLUR_TYPES)
@pytest.mark.parametrize("name", CLASSES)
def test_the_targeted_answer(
    client: Any, make_photo: MakePhoto, brightness: dict[str, int], name: str, asked: str
) -> None:
    data = client.send(make_photo(brightness[name]), f"?blur_type={asked}").json()["data"]
    assert (data["blur_type"], data["detected"]) == (asked, name == asked)
    assert (data["blur_type_probability"] > 0.5) is (name == asked)
    assert {"confidence", "image_dimensions", "processing_time_ms"} <= set(data)
    assert "probabilities" not in data


def test_a_photo_is_judged_upright(client: Any, make_photo: MakePhoto) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = client.send(make_photo(220, (120, 90), exif=exif)).json()["data"]
    assert data["image_dimensions"] == {"width": 90, "height": 120}


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "BMP", "AVIF"])
def test_other_kinds_of_picture(client: Any, make_photo: MakePhoto, kind: str) -> None:
    assert client.send(make_photo(220, kind=kind)).json()["data"]["predicted_class"] == "sharp"


def truncated(make: MakePhoto) -> bytes:
    return make(100)[:-40]


def corrupt(make: MakePhoto) -> bytes:
    photo = bytearray(make(100, kind="PNG"))
    photo[60] ^= 0xFF
    return bytes(photo)


def bomb(_: MakePhoto) -> bytes:
    """A PNG of 400 megapixels in some hundred bytes, of which only the header is true."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def animation(_: MakePhoto) -> bytes:
    file = io.BytesIO()
    frames = [Image.fromarray(np.full((80, 80, 3), grey, np.uint8)) for grey in (0, 255)]
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:])
    return file.getvalue()


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (b"", (422, "empty_file")),
        (b"no picture at all", (415, "unsupported_media_type")),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", (415, "unsupported_media_type")),
        (b"%PDF-1.7", (415, "unsupported_media_type")),
        (lambda make: make(1, kind="GIF"), (415, "unsupported_media_type")),
        (truncated, (422, "truncated_image")),
        (corrupt, (422, "corrupt_image")),
        (lambda make: make(100, (40, 200)), (422, "image_too_small")),
        (bomb, (422, "image_too_large")),
        (animation, (422, "animated_image")),
    ],
)
def test_what_is_no_photo_is_refused(
    client: Any, make_photo: MakePhoto, make: Callable[[MakePhoto], bytes] | bytes, expected: tuple[int, str]
) -> None:
    assert code_of(client.send(make if isinstance(make, bytes) else make(make_photo))) == expected


def test_limits_are_said(make_client: MakeClient, make_photo: MakePhoto) -> None:
    client = make_client(Limits(max_bytes=3_000, max_pixels=10_000))
    assert code_of(client.send(b"x" * 10_000)) == (413, "request_too_large")
    assert code_of(client.send(b"x" * 3_001)) == (413, "file_too_large")
    assert code_of(client.send(make_photo(1, (120, 100)))) == (422, "image_too_large")
    assert client.send(make_photo(1, (100, 100))).status_code == 200


def test_a_body_of_unknown_length_is_bounded_too(make_client: MakeClient) -> None:
    client = make_client(Limits(max_bytes=3_000))
    taken = 0

    async def endless() -> Any:
        nonlocal taken
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        while True:
            taken += 1_000
            yield b"x" * 1_000

    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert code_of(client.post(CLASSIFY, content=endless(), headers=headers)) == (413, "request_too_large")
    assert taken < 10_000


def test_a_body_that_does_not_come_is_not_waited_for(make_client: MakeClient) -> None:
    import asyncio

    client = make_client(Limits(body_seconds=0.05))

    async def stalled() -> Any:
        yield b"--b\r\n"
        await asyncio.Event().wait()

    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert code_of(client.post(CLASSIFY, content=stalled(), headers=headers)) == (408, "too_slow")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, (415, "unsupported_media_type")),
        ({"json": {"file": "x"}}, (415, "unsupported_media_type")),
        ({"data": {"file": "x"}}, (415, "unsupported_media_type")),
        ({"files": {"photo": b"x"}}, (422, "invalid_request")),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, (400, "malformed_request")),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=b"}}, (400, "malformed_request")),
        ({"files": [("file", b"x"), ("file", b"y")]}, (413, "batch_too_large")),
    ],
)
def test_what_is_no_form_with_a_file_is_refused(
    client: Any, settings: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert code_of(client.post(CLASSIFY, **settings)) == expected


def test_wrong_queries_and_paths_are_answered_in_the_envelope(client: Any, make_photo: MakePhoto) -> None:
    photo = make_photo(1)
    assert code_of(client.send(photo, "?blur_type=gaussian")) == (422, "invalid_request")
    assert code_of(client.send(photo, "?preset=harsh")) == (422, "invalid_request")
    assert code_of(client.get(CLASSIFY)) == (405, "method_not_allowed")
    assert code_of(client.get("/nothing")) == (404, "not_found")
    assert code_of(client.get(f"{BATCH}/{'0' * 32}")) == (404, "job_not_found")
    assert code_of(client.get(f"{BATCH}/xyz")) == (422, "invalid_request")


def test_a_request_keeps_the_name_it_came_with(client: Any) -> None:
    assert client.get("/health", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    unfit = client.get("/health", headers={"X-Request-ID": "a b"}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", unfit)


@pytest.mark.parametrize("path", [CLASSIFY, BATCH])
def test_callers_need_a_key(make_client: MakeClient, make_photo: MakePhoto, path: str) -> None:
    client = make_client(keys=("another key, unused", KEY))
    files = [("file" if path == CLASSIFY else "files", ("a.jpg", make_photo(220), "image/jpeg"))]
    for headers in ({}, {"X-API-Key": ""}, {"X-API-Key": KEY[:-1]}, {"X-API-Key": KEY.encode() + b"\xff"}):
        assert code_of(client.post(path, files=files, headers=headers)) == (401, "unauthorized")
    assert client.post(path, files=files, headers={"X-API-Key": KEY}).status_code in {200, 202}
    assert client.get("/health").status_code == 200
    assert client.get("/ready").status_code == 200


def test_a_missing_model_is_a_503_until_it_comes(
    make_client: MakeClient, make_photo: MakePhoto, tmp_path: Path, make_brightness_model: Callable[[Path], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    client = make_client(model=tmp_path / "model")
    assert client.get("/health").status_code == 200
    for answer in (client.send(make_photo(1)), client.get("/ready")):
        assert code_of(answer) == (503, "model_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert str(tmp_path) not in answer.text
    make_brightness_model(tmp_path / "model")
    monkeypatch.setattr("blur_train.serve.judging.RETRY_SECONDS", 0.0)
    assert client.get("/ready").json()["classes"] == list(CLASSES)
    assert client.send(make_photo(220)).json()["data"]["predicted_class"] == "sharp"


def test_metrics_tell_what_happened(client: Any, make_photo: MakePhoto) -> None:
    client.send(make_photo(220))
    client.send(make_photo(100)[:-40])
    client.request("BREW", "/health")
    page = client.get("/metrics").text
    assert 'blur_photos_total{predicted_class="sharp"} 1.0' in page
    assert 'blur_photos_refused_total{code="truncated_image"} 1.0' in page
    assert f'blur_requests_total{{method="POST",route="{CLASSIFY}",status="200"}} 1.0' in page
    assert 'method="other"' in page
    assert "BREW" not in page


def test_paths_of_the_callers_make_no_series(client: Any) -> None:
    for number in range(5):
        client.get(f"/nothing/{number}")
        client.get(f"{BATCH}/{number:032x}")
    page = client.get("/metrics").text
    assert "nothing" not in page
    assert 'route="other",status="404"} 5.0' in page
    assert f'route="{BATCH}/{{job_id}}",status="404"}} 5.0' in page
