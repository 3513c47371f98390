"""Video that is still coming: files that grow, a local HTTP server, and what must not be opened."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from footage.errors import VideoError
from footage.video.live import STALLED, LiveVideo, shown
from footage.video.moments import read_moments
from footage.video.reader import open_video

FRAMES, RATE, GROUP = 40, 20, 10
PIECES = 8


def write(path: Path, container: str | None = None, options: dict[str, str] | None = None) -> Path:
    """Forty frames, each of its own shade, with a keyframe every ten."""
    with av.open(str(path), "w", format=container, options=options or {}) as output:
        coding = {"g": str(GROUP), "sc_threshold": "0", "bf": "2"}
        stream = output.add_stream("libx264", rate=RATE, options=coding)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(FRAMES):
            picture = np.full((48, 64, 3), 6 * number, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode(None))
    return path


KINDS = {
    ".ts": {},
    ".mkv": {},
    ".mp4": {"movflags": "frag_keyframe+empty_moov+default_base_moof"},
}


@contextmanager
def growing(whole: Path, path: Path) -> Iterator[None]:
    """A file that gets a piece more again and again until all is there."""
    data = whole.read_bytes()
    edges = [len(data) * number // PIECES for number in range(PIECES + 1)]
    path.touch()
    over = threading.Event()

    def grow() -> None:
        with path.open("wb") as file:
            for start, end in pairwise(edges):
                file.write(data[start:end])
                file.flush()
                over.wait(0.03)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


@contextmanager
def serving(data: bytes, path: str = "/live.ts", location: str | None = None) -> Iterator[str]:
    """A local server that sends a video in pieces, without saying how long it is."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200 if location is None else 302)
            if location is not None:
                self.send_header("Location", location)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(data), 1000):
                piece = data[at : at + 1000]
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's own name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{path}"
    finally:
        server.shutdown()
        server.server_close()


def squares(video: LiveVideo) -> list[NDArray[np.uint8]]:
    return [frame.squeezed(16) for frame in video.frames(threading.Event())]


@pytest.mark.parametrize("suffix", KINDS)
def test_a_growing_file_gives_every_frame_as_the_finished_one(suffix: str, tmp_path: Path) -> None:
    whole, path = write(tmp_path / f"whole{suffix}", options=KINDS[suffix]), tmp_path / f"growing{suffix}"
    with growing(whole, path), LiveVideo(str(path), patience_seconds=1.0) as video:
        assert (video.size, video.rate, video.codec) == ((64, 48), Fraction(RATE), "h264")
        found = [(frame.pts_seconds, frame.squeezed(16)) for frame in video.frames(threading.Event())]
        assert video.ended is not None
    times = [seconds for seconds, _ in found]
    assert times == pytest.approx([number / RATE for number in range(FRAMES)], abs=2e-3)
    wanted = read_moments(whole, np.array(times) + 0.005, size=(16, 16))
    for (_, picture), frame in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(picture, frame.image)


def test_an_http_source_that_ends(tmp_path: Path) -> None:
    with serving(write(tmp_path / "whole.ts").read_bytes()) as address, LiveVideo(address) as video:
        assert len(squares(video)) == FRAMES
        assert video.ended == "the source ended"


def test_a_source_that_stalls_is_over(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.ts")
    with LiveVideo(str(whole), patience_seconds=0.3) as video:
        assert len(squares(video)) == FRAMES
        assert video.ended == f"{STALLED} 0.3 s"


def test_stopping_ends_it(tmp_path: Path) -> None:
    stop = threading.Event()
    with LiveVideo(str(write(tmp_path / "whole.ts")), patience_seconds=0.3) as video:
        for number, _ in enumerate(video.frames(stop)):
            if number == 5:
                stop.set()
        assert (number, video.ended) == (5, "stopped")


def test_a_recording_loses_nothing(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.ts")
    with LiveVideo(str(whole), patience_seconds=0.3) as video:
        files = list(video.record(tmp_path, "part", segment_seconds=0.8, stop=threading.Event()))
    assert [file.name for file in files] == ["part-0000.mkv", "part-0001.mkv"]
    recorded = []
    for file in files:
        with open_video(file) as part:
            frames = list(part.frames())
            assert frames[0].pts_seconds == 0.0
            recorded += [frame.image for frame in frames]
    with open_video(whole) as original:
        for ours, theirs in zip(recorded, original.frames(), strict=True):
            np.testing.assert_array_equal(ours, theirs.image)


def test_a_stopped_recording_is_a_whole_file(tmp_path: Path) -> None:
    stop = threading.Event()
    with LiveVideo(str(write(tmp_path / "whole.ts")), patience_seconds=0.3) as video:
        segments = video.record(tmp_path, "part", segment_seconds=0.4, stop=stop)
        first = next(segments)
        stop.set()
        rest = list(segments)
    assert not list(tmp_path.glob(".*"))
    for file in (first, *rest):
        with open_video(file) as part:
            assert sum(1 for _ in part.frames()) >= 1


def test_an_address_cannot_make_us_read_files_of_this_machine(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.ts")
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{secret}\n#EXT-X-ENDLIST\n"
    with serving(playlist.encode(), "/live.m3u8") as address, pytest.raises(VideoError):
        LiveVideo(address, patience_seconds=2)
    with serving(b"", location=f"file://{secret}") as address, pytest.raises(VideoError):
        LiveVideo(address, patience_seconds=2)


def test_a_file_cannot_make_us_open_addresses(tmp_path: Path) -> None:
    with serving(write(tmp_path / "whole.ts").read_bytes()) as address:
        playlist = tmp_path / "list.m3u8"
        playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{address}\n#EXT-X-ENDLIST\n")
        with pytest.raises(VideoError):
            LiveVideo(str(playlist), patience_seconds=1)


@pytest.mark.parametrize("source", ["http://127.0.0.1:9/none.ts", "none.ts", "nonsense://x/y"])
def test_what_is_not_there_is_said(source: str) -> None:
    with pytest.raises(VideoError, match="cannot be opened"):
        LiveVideo(source, patience_seconds=1)


def test_passwords_are_not_shown() -> None:
    assert shown("rtsp://me:secret@camera.example/live") == "rtsp://camera.example/live"
    assert shown("folder/me@home.ts") == "folder/me@home.ts"
    with pytest.raises(VideoError) as refused:
        LiveVideo("http://me:secret@127.0.0.1:9/none.ts", patience_seconds=1)
    assert "secret" not in str(refused.value)
