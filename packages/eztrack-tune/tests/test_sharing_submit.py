"""A contribution is shown, and posted to the address given and nowhere else: tried on a server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from eztrack_tune.sharing.submit import check_address
from footage.errors import InputError

Make = Callable[..., Any]
Run = Callable[..., tuple[int, str, str]]
Write = Callable[[Path, object], Path]


@dataclass
class Server:
    """What a server got, and what it answers."""

    address: str
    status: int = 201
    location: str | None = None
    got: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on this machine that keeps what it gets."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            record.got.append((self.command, self.path, dict(self.headers), body))
            self.send_response(record.status)
            if record.location:
                self.send_header("Location", record.location)
            self.end_headers()
            self.wfile.write(b"thanks\n")

        do_POST = do_GET = answer  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            del format, args

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        record = Server(f"http://127.0.0.1:{listening.server_port}/v1/sessions")
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield record
        listening.shutdown()
        thread.join()


@pytest.fixture
def contribution(make_class: Make, run: Run, write_json: Write) -> Path:
    write_json(Path("in") / "a.json", make_class())
    assert run("anonymize", "in")[0] == 0
    return Path("contribution.json")


def test_what_was_shown_is_what_is_sent(server: Server, contribution: Path, run: Run) -> None:
    code, out, err = run("submit", str(contribution), "--to", server.address, "--yes")
    assert (code, err) == (0, "")
    ((method, path, headers, body),) = server.got
    assert (method, path) == ("POST", "/v1/sessions")
    assert out.startswith(body.decode())
    assert f"{len(body)} bytes, 6 sessions of 6 clips" in out
    assert out.endswith("sent; the answer: thanks\n")
    assert json.loads(body) == json.loads(contribution.read_bytes())
    assert {name.lower() for name in headers} <= {
        *("host", "content-type", "content-length", "user-agent", "accept-encoding", "connection")
    }
    assert headers["User-Agent"] == "eztrack-tune"


@pytest.mark.parametrize("arguments", [("--dry-run",), ()])
def test_nothing_is_sent_without_a_yes(
    arguments: tuple[str, ...], server: Server, contribution: Path, run: Run
) -> None:
    code, out, _ = run("submit", str(contribution), "--to", server.address, *arguments)
    assert code == (0 if arguments else 1)
    assert "This is all that would be sent" in out
    assert server.got == []


def test_a_server_that_sends_elsewhere_is_not_followed(server: Server, contribution: Path, run: Run) -> None:
    for status in (301, 302, 303, 307, 308):
        server.status, server.location = status, server.address.replace("/v1/sessions", "/elsewhere")
        code, _, err = run("submit", str(contribution), "--to", server.address, "--yes")
        assert code == 1
        assert "the server sends elsewhere" in err or f"the server answered {status}" in err
    assert {path for _, path, _, _ in server.got} == {"/v1/sessions"}
    assert len(server.got) == 5


def test_a_server_that_does_not_want_it_is_told(server: Server, contribution: Path, run: Run) -> None:
    server.status = 413
    code, _, err = run("submit", str(contribution), "--to", server.address, "--yes")
    assert code == 1
    assert "the server answered 413" in err


def test_no_server_is_told(contribution: Path, run: Run) -> None:
    code, _, err = run("submit", str(contribution), "--to", "http://127.0.0.1:9/", "--yes")
    assert code == 1
    assert "cannot be reached" in err


def test_sessions_as_they_are_cannot_be_sent(server: Server, make_class: Make, run: Run, write_json: Write) -> None:
    write_json(Path("session.json"), make_class()[0])
    code, out, err = run("submit", "session.json", "--to", server.address, "--yes")
    assert (code, out) == (1, "")
    assert "is no contribution" in err
    assert server.got == []


def test_a_key_that_stands_twice_is_not_sent_unseen(server: Server, contribution: Path, run: Run) -> None:
    text = contribution.read_text().replace('"contributor":', '"contributor": "Ada Lovelace", "contributor":', 1)
    contribution.write_text(text)
    assert run("submit", str(contribution), "--to", server.address, "--yes")[0] == 0
    assert b"Ada" not in server.got[0][3]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "example.org",
        "ftp://example.org/",
        "file:///etc/passwd",
        "http://example.org/",
        "http://127.0.0.1.example.org/",
        "https://ada:secret@example.org/",
        "https://example.org:99999/",
        "https://[::1/",
    ],
)
def test_addresses_that_are_refused(address: str) -> None:
    with pytest.raises(InputError):
        check_address(address)


@pytest.mark.parametrize(
    "address", ["https://example.org/v1", "http://localhost:8000/", "http://127.0.0.1/", "http://[::1]:80/"]
)
def test_addresses_that_are_taken(address: str) -> None:
    check_address(address)
