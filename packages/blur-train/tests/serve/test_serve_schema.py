"""The description of the service is true: a server on an address, asked whatever its own description allows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

KEY = "a key for the description"

SERVE = """
import sys
from pathlib import Path
from footage.cli.console import talk
from blur_train.serve.command import serve
from blur_train.serve.options import ServeOptions

model, key = sys.argv[1:]
sys.exit(serve(ServeOptions(model=Path(model), port=0, threads=1, keys=(key,)), talk))
"""
HOOKS = """
import io

import numpy as np
import schemathesis
from hypothesis import strategies as st
from PIL import Image

def photo(grey, kind):
    file = io.BytesIO()
    Image.fromarray(np.full((64, 64, 3), grey, np.uint8)).save(file, kind)
    return file.getvalue()

photos = st.builds(photo, st.integers(0, 255), st.sampled_from(["JPEG", "PNG", "WEBP"]))
schemathesis.openapi.format("binary", photos)
"""


@pytest.fixture(scope="module")
def address(brightness_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a server of its own."""
    command = [sys.executable, "-c", SERVE, str(brightness_model), KEY]
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("w") as said, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()
        assert server.wait(60) in {0, -15}
    assert "Traceback" not in log.read_text()


def test_what_generators_of_clients_go_by(address: str) -> None:
    described = httpx.get(f"{address}/openapi.json").json()
    files = [schema["properties"] for name, schema in described["components"]["schemas"].items() if "Body_" in name]
    assert [file["format"] for one in files for file in (one.get("file") or one["files"]["items"],)] == ["binary"] * 2
    assert described["components"]["securitySchemes"]["APIKeyHeader"]["name"] == "X-API-Key"
    for path in ("/api/v1/blur/classify", "/api/v1/blur/classify/batch"):
        responses = described["paths"][path]["post"]["responses"]
        assert {"401", "413", "415", "422", "429", "503"} <= set(responses)
        refs = {
            one["content"]["application/json"]["schema"]["$ref"] for code, one in responses.items() if code >= "400"
        }
        assert refs == {"#/components/schemas/ErrorEnvelope"}


@pytest.mark.slow
def test_the_service_is_as_described(address: str, tmp_path: Path) -> None:
    (tmp_path / "photo_hooks.py").write_text(HOOKS)
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json", "-H", f"X-API-Key: {KEY}"]
    command += ["--max-examples=6", "--seed=1", "--no-color"]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path,
        env={"SCHEMATHESIS_HOOKS": "photo_hooks", "PYTHONPATH": str(tmp_path), "PATH": ""},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-6_000:] + ended.stderr[-2_000:]
    assert "No issues found" in ended.stdout, ended.stdout[-2_000:]
    assert "Tested: 7" in ended.stdout
