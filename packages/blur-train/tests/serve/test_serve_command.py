"""Servers and workers as their operators start them, and what keeps them from starting."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from blur_train.cli import app
from blur_train.serve.command import KEYS_VARIABLE, keys_from
from footage.cli.exits import exit_code_of
from footage.errors import FootageError, InputError

TOOL = str(Path(sys.executable).parent / "blur-train")
KEY = "a key of many characters"


def refusal(*arguments: object) -> str:
    """What keeps a command from starting; nothing is said on standard output."""
    ended = CliRunner(env={KEYS_VARIABLE: None}).invoke(app, [*map(str, arguments)])
    assert isinstance(ended.exception, FootageError), ended.exception
    assert exit_code_of(ended.exception) == 1
    assert ended.stdout == ""
    return f"{ended.stderr}{ended.exception}"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_server_ends_when_it_is_told_to(brightness_model: Path, tmp_path: Path, how: signal.Signals) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"# of the shop\n{KEY}\n\n")
    command = [TOOL, "serve", "--port", "0", "--model", str(brightness_model), "--keys", str(keys)]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        address = server.stdout.readline().strip()
        assert httpx.get(f"{address}/ready").status_code == 200
        files = {"file": ("a.jpg", b"x")}
        assert httpx.post(f"{address}/api/v1/blur/classify", files=files).status_code == 401
        answer = httpx.post(f"{address}/api/v1/blur/classify", files=files, headers={"X-API-Key": KEY})
        assert answer.status_code == 415
        server.send_signal(how)
        assert server.wait(30) == 0
        said = server.stderr.read()
    assert "POST /api/v1/blur/classify 415" in said
    assert KEY not in said
    assert "Traceback" not in said
    left = {path.name for path in temporary.iterdir()} - {".ses"}  # which onnxruntime writes when it is imported
    assert not left, "a server that was told to end leaves nothing behind"


def test_a_server_for_everybody_is_refused(brightness_model: Path) -> None:
    said = refusal("serve", "--host", "192.0.2.1", "--port", "0", "--model", brightness_model)
    assert "open to everybody" in said
    assert KEYS_VARIABLE in said


def test_an_address_in_use_is_said(brightness_model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [TOOL, "serve", "--port", str(taken.getsockname()[1]), "--model", str(brightness_model)]
        refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert refused.returncode == 1
    assert "cannot listen on port" in refused.stderr


def test_a_redis_that_is_gone_is_said_without_its_password(brightness_model: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    broker = f"redis://:secret-word@127.0.0.1:{port}/0"
    arguments = ("--broker", broker, "--spool", tmp_path / "spool", "--model", brightness_model)
    for verb in ("serve", "serve-worker"):
        said = refusal(verb, *arguments)
        assert "Redis cannot be reached" in said
        assert "secret-word" not in said


def test_a_queue_needs_a_spool_and_a_worker_a_model(brightness_model: Path, tmp_path: Path) -> None:
    broker = ("--broker", "redis://127.0.0.1:1/0")
    assert "workers need to know" in refusal("serve", *broker, "--model", brightness_model)
    assert "no such model" in refusal("serve-worker", *broker, "--spool", tmp_path, "--model", tmp_path)


def test_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEYS_VARIABLE, raising=False)
    assert keys_from(None) == ()
    monkeypatch.setenv(KEYS_VARIABLE, f"{KEY},{KEY}2")
    assert keys_from(None) == (KEY, f"{KEY}2")
    monkeypatch.setenv(KEYS_VARIABLE, "short")
    with pytest.raises(InputError, match="shorter than 16"):
        keys_from(None)
    file = tmp_path / "keys"
    with pytest.raises(InputError, match="cannot be read"):
        keys_from(file)
    file.write_text("# none\n")
    with pytest.raises(InputError, match="holds no key"):
        keys_from(file)
    file.write_text("clé de plusieurs caractères\n", "utf-8")
    with pytest.raises(InputError, match="not plain ASCII") as refused:
        keys_from(file)
    assert "caract" not in str(refused.value)


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    code = "import sys; sys.modules['fastapi'] = None; sys.argv = ['blur-train', 'serve']\n"
    code += "from blur_train.cli import main; main()"
    refused = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert refused.returncode == 1
    assert "blur-train[serve]" in refused.stderr
