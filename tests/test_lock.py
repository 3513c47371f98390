"""The lock: what the filter makes of it, and what uv makes of that, against small package indexes run by the tests."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(__file__).resolve().parents[1] / "tools" / "neutral_lock.py"

_spec = importlib.util.spec_from_file_location("neutral_lock", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
neutral_lock = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(neutral_lock)


def lock_of(index: str, files: str, *, extras: str = "", backwards: bool = False) -> str:
    """A lock as uv writes it, with the addresses of one index."""
    wheels = [f"demo-1.0-cp31{minor}-cp31{minor}-{platform}.whl" for minor in (1, 2) for platform in ("linux", "win32")]
    markers = ["python_full_version < '3.12'", "python_full_version >= '3.12'"]
    if backwards:
        markers.reverse()
    marker_lines = "\n".join(f'    "{marker}",' for marker in markers)
    wheel_lines = "\n".join(
        f'    {{ url = "{files}/{name}", hash = "sha256:{hashlib.sha256(name.encode()).hexdigest()}"{extras} }},'
        for name in wheels
    )
    return f"""version = 1
revision = 5
requires-python = ">=3.11"
resolution-markers = [
{marker_lines}
]

[options]
exclude-newer = "2026-01-01T00:00:00Z"

[[package]]
name = "demo"
version = "1.0"
source = {{ registry = "{index}" }}
dependencies = [
    {{ name = "other", version = "2", source = {{ registry = "{index}" }}, marker = "python_full_version < '3.12'" }},
]
sdist = {{ url = "{files}/demo-1.0%2Blocal.tar.gz", hash = "sha256:00"{extras} }}
wheels = [
{wheel_lines}
]

[[package]]
name = "member"
version = "0.1.0"
source = {{ virtual = "." }}
dependencies = [
    {{ name = "demo" }},
]

[package.metadata]
requires-dist = [{{ name = "demo", specifier = ">=1" }}]

[package.metadata.requires-dev]
dev = [{{ name = "demo" }}]
"""


def test_two_indexes_give_one_lock() -> None:
    one = lock_of("https://one.example/simple", "https://one.example/packages/ab/cd", extras=", size = 12")
    two = lock_of(
        "https://two.example/a/b/simple/",
        "https://files.two.example/x",
        extras=', upload-time = "2026-01-01T00:00:00Z"',
        backwards=True,
    )
    assert neutral_lock.neutral(one) == neutral_lock.neutral(two)
    assert neutral_lock.findings_of_form(neutral_lock.neutral(one)) == []


def test_versions_names_and_hashes_stay() -> None:
    lock = tomllib.loads(neutral_lock.neutral(lock_of("https://one.example/simple", "https://one.example/p")))
    demo, member = lock["package"]
    assert (demo["version"], member["version"]) == ("1.0", "0.1.0")
    assert demo["source"] == {"registry": neutral_lock.NEUTRAL_INDEX}
    assert demo["sdist"] == {"filename": "demo-1.0+local.tar.gz", "hash": "sha256:00"}
    assert len(demo["wheels"]) == 4
    for wheel in demo["wheels"]:
        assert wheel["hash"] == "sha256:" + hashlib.sha256(wheel["filename"].encode()).hexdigest()
    assert "options" not in lock
    assert "metadata" not in member
    assert member["dependencies"] == [{"name": "demo"}]


@given(
    index=st.from_regex(
        r"https?://[a-z]{1,8}(\.[a-z]{2,5}){1,2}(:[0-9]{2,4})?(/[a-z0-9-]{1,6}){0,3}/?", fullmatch=True
    ),
    extras=st.sampled_from(["", ", size = 1", ', size = 1, upload-time = "2026-01-01T00:00:00Z"']),
    line_ending=st.sampled_from(["\n", "\r\n"]),
)
def test_neutral_is_a_fixed_point_without_addresses(index: str, extras: str, line_ending: str) -> None:
    once = neutral_lock.neutral(lock_of(index, index + "files", extras=extras).replace("\n", line_ending))
    assert neutral_lock.neutral(once) == once
    assert set(re.findall(r"https?://[^\"]*", once)) == {neutral_lock.NEUTRAL_INDEX}


def test_the_filter_reads_standard_input() -> None:
    lock = lock_of("https://one.example/simple", "https://one.example/p")
    done = subprocess.run([sys.executable, SCRIPT], input=lock.encode(), capture_output=True, check=True)
    assert done.stdout.decode() == neutral_lock.neutral(lock)


def test_the_form_check_names_addresses_missing_hashes_and_other_text() -> None:
    full = lock_of("https://one.example/simple", "https://one.example/p")
    committed = neutral_lock.neutral(full)
    assert any("https://one.example/p/demo-1.0" in finding for finding in neutral_lock.findings_of_form(full))
    without_hash = committed.replace(', hash = "sha256:00"', "")
    assert neutral_lock.findings_of_form(without_hash) == ["demo 1.0: demo-1.0+local.tar.gz has no hash"]
    timed = committed.replace('hash = "sha256:00"', 'hash = "sha256:00", size = 3')
    assert neutral_lock.findings_of_form(timed) == ["it differs from what the filter makes of it"]


def test_the_resolution_check_tells_harm_from_form() -> None:
    full = lock_of("https://one.example/simple", "https://one.example/p")
    committed = neutral_lock.neutral(full)
    assert neutral_lock.findings_of_resolution(committed, full) == ([], [])

    found, _ = neutral_lock.findings_of_resolution(committed, full.replace("sha256:00", "sha256:ff"))
    assert found == ["demo 1.0: demo-1.0+local.tar.gz has the hash sha256:ff, locked is sha256:00"]

    found, _ = neutral_lock.findings_of_resolution(committed, full.replace('version = "1.0"', 'version = "1.1"'))
    assert found == ["demo 1.0 is locked and was not resolved", "demo 1.1 was resolved and is not locked"]

    found, _ = neutral_lock.findings_of_resolution(committed, full.replace("cp312-linux", "cp313-linux"))
    assert found == ["demo 1.0: the file demo-1.0-cp312-cp313-linux.whl is not locked"]

    fewer = re.sub(r"    \{ url[^\n]*win32[^\n]*\n", "", full)
    found, remarks = neutral_lock.findings_of_resolution(committed, fewer)
    assert (found, remarks) == ([], ["demo 1.0: this index lacks 2 of the 5 locked files"])

    found, remarks = neutral_lock.findings_of_resolution(committed, full.replace("revision = 5", "revision = 6"))
    assert found == []
    assert len(remarks) == 1


# What uv itself does with a neutral lock.


class Index:
    """A package index served from a folder: pages under `simple`, files under a folder of its own choice."""

    def __init__(self, root: Path, files: str, url: str) -> None:
        self.root = root
        self.files = files
        self.url = f"{url}/simple"

    def publish(self, name: str, version: str, *, content: str = "") -> None:
        """Add or replace a release: one wheel with one module."""
        wheel = self.root / self.files / f"{name}-{version}-py3-none-any.whl"
        wheel.parent.mkdir(parents=True, exist_ok=True)
        info = f"{name}-{version}.dist-info"
        members = {
            f"{name}.py": content,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = [
            f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
            f"{len(text.encode())}\n"
            for path, text in members.items()
        ]
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, text in {**members, f"{info}/RECORD": "".join([*record, f"{info}/RECORD,,\n"])}.items():
                archive.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), text)
        page = self.root / "simple" / name / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(
            "".join(
                f'<a href="../../{self.files}/{file.name}#sha256={hashlib.sha256(file.read_bytes()).hexdigest()}">'
                f"{file.name}</a>\n"
                for file in sorted((self.root / self.files).glob(f"{name}-*.whl"))
            )
        )


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass


@pytest.fixture
def indexes(tmp_path: Path) -> Iterator[tuple[Index, Index]]:
    """Two indexes with the same two releases, at other addresses and with other file paths."""
    servers: list[ThreadingHTTPServer] = []
    made: list[Index] = []
    for name, files in (("first", "files"), ("second", "store/ab/cd")):
        root = tmp_path / name
        (root / "simple").mkdir(parents=True)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        made.append(Index(root, files, f"http://127.0.0.1:{server.server_address[1]}"))
        made[-1].publish("pinned", "1.0")
    yield made[0], made[1]
    for server in servers:
        server.shutdown()
        server.server_close()


def run(folder: Path, *command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program in ``folder``, away from the settings of the person or machine that runs the tests."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("UV", "GIT_", "VIRTUAL_ENV"))}
    identity = {
        f"GIT_{who}_{what}": "test@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    environment = (
        kept | identity | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "NO_PROXY": "127.0.0.1"}
    )
    return subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=check
    )


def uv(folder: Path, index: Index, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run uv in ``folder`` with ``index`` as the only index and a cache of its own."""
    found = os.environ.get("UV") or shutil.which("uv")
    if found is None:
        pytest.skip("uv is not installed: run the tests with `uv run pytest`")
    options = (
        "--no-config",
        "--default-index",
        index.url,
        "--cache-dir",
        str(folder.with_name(folder.name + "-cache")),
    )
    return run(folder, found, *command, *options, "--python", sys.executable, check=check)


def check(folder: Path, mode: str) -> subprocess.CompletedProcess[str]:
    return run(folder, sys.executable, SCRIPT, mode, check=False)


def install_filter(folder: Path) -> None:
    run(folder, "git", "config", "filter.neutral-lock.clean", f'"{sys.executable}" "{SCRIPT}"')


@pytest.fixture
def project(tmp_path: Path, indexes: tuple[Index, Index]) -> Path:
    """A git repository whose lock was made with the first index and committed through the filter."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "member"\nversion = "0.1.0"\nrequires-python = ">=3.11"\ndependencies = ["pinned>=1"]\n'
    )
    (folder / ".gitattributes").write_text("uv.lock filter=neutral-lock\n")
    (folder / ".gitignore").write_text(".venv/\n")
    run(folder, "git", "init", "--quiet")
    install_filter(folder)
    uv(folder, indexes[0], "lock")
    run(folder, "git", "add", ".")
    run(folder, "git", "commit", "--quiet", "--message", "start")
    return folder


def clone(project: Path, name: str) -> Path:
    run(project.parent, "git", "clone", "--quiet", project, name)
    return project.parent / name


def test_a_synced_checkout_with_the_filter_stays_clean(project: Path, indexes: tuple[Index, Index]) -> None:
    assert indexes[0].url in (project / "uv.lock").read_text()
    assert "127.0.0.1" not in run(project, "git", "show", "HEAD:uv.lock").stdout

    second = clone(project, "second-clone")
    install_filter(second)
    uv(second, indexes[1], "sync")
    assert f'"{indexes[1].url}"' in (second / "uv.lock").read_text()
    assert indexes[0].url not in (second / "uv.lock").read_text()
    # git calls a file modified for its size alone, without asking the filter, until it has seen the file once.
    run(second, "git", "add", "uv.lock")
    assert run(second, "git", "status", "--porcelain").stdout == ""
    uv(second, indexes[1], "sync", "--locked")
    (second / "uv.lock").touch()
    assert run(second, "git", "status", "--porcelain").stdout == ""
    for mode in ("--check", "--check-resolved", "--check-installed"):
        done = check(second, mode)
        assert done.returncode == 0, done.stdout


def test_a_newer_release_does_not_move_a_clone(project: Path, indexes: tuple[Index, Index]) -> None:
    indexes[1].publish("pinned", "1.1")
    cloned = clone(project, "late-clone")
    uv(cloned, indexes[1], "sync")
    assert [found.name for found in cloned.glob(".venv/**/pinned-*.dist-info")] == ["pinned-1.0.dist-info"]
    # Without the filter the addresses show as a change; the check sees through them.
    assert run(cloned, "git", "status", "--porcelain").stdout == " M uv.lock\n"
    assert check(cloned, "--check-installed").returncode == 0

    uv(cloned, indexes[1], "sync", "--upgrade")
    done = check(cloned, "--check-installed")
    assert done.returncode == 1
    assert "pinned 1.1 was resolved and is not locked" in done.stdout
    assert "pinned 1.1 is installed, locked is 1.0" in done.stdout


def test_a_replaced_file_is_found_before_anything_is_installed(project: Path, indexes: tuple[Index, Index]) -> None:
    indexes[1].publish("pinned", "1.0", content="print('not what was locked')\n")
    cloned = clone(project, "deceived-clone")
    # uv takes the new hash without a word: the check is what notices.
    uv(cloned, indexes[1], "lock")
    done = check(cloned, "--check-resolved")
    assert done.returncode == 1
    assert "pinned-1.0-py3-none-any.whl has the hash" in done.stdout
    assert not (cloned / ".venv").exists()


def test_a_neutral_lock_needs_one_resolution(project: Path, indexes: tuple[Index, Index]) -> None:
    cloned = clone(project, "impatient-clone")
    for refused in (("sync", "--frozen"), ("sync", "--locked"), ("lock", "--check")):
        assert uv(cloned, indexes[0], *refused, check=False).returncode != 0
    uv(cloned, indexes[0], "sync")
    assert uv(cloned, indexes[0], "sync", "--frozen").returncode == 0


def test_an_empty_environment_is_not_called_right(project: Path) -> None:
    done = check(project, "--check-installed")
    assert done.returncode == 1
    assert "nothing is installed in .venv" in done.stdout


def test_a_plain_sync_brings_every_group_but_the_one_whose_licence_asks_something() -> None:
    settings = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert {*settings["tool"]["uv"]["default-groups"], "ultralytics"} == set(settings["dependency-groups"])
