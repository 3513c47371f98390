"""Archives of sessions that cannot be trusted: what is wrong is named, and the rest is read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from eztrack_tune.sessions import read
from eztrack_tune.sessions.read import read_sessions

Make = Callable[..., dict[str, object]]
Write = Callable[[Path, object], Path]


def archive(path: Path, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(f"{name}.json", content)
    return path


def said_of(folder: Path, make_session: Make, write_json: Write) -> str:
    """What is said of the one thing that is wrong, while the good session beside it is read."""
    write_json(folder / "good.json", make_session())
    found = read_sessions((folder,))
    assert len(found.sessions) == 1
    (skipped,) = found.skipped
    return f"{skipped.path.relative_to(folder)}: {skipped.reason}"


def test_a_bomb_is_not_unpacked(
    tmp_path: Path, make_session: Make, write_json: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "LARGEST_BYTES", 2**20)
    archive(tmp_path / "bomb.zip", first=b"[]" + b" " * 2**19, second=b" " * 2**20)
    assert said_of(tmp_path, make_session, write_json) == "bomb.zip: unpacks to more than 1 MiB"


def test_a_file_too_large_is_not_read(
    tmp_path: Path, make_session: Make, write_json: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "LARGEST_BYTES", 2**20)
    (tmp_path / "large.json").write_bytes(b" " * (2**20 + 1))
    assert said_of(tmp_path, make_session, write_json) == "large.json: is larger than 1 MiB"


def test_a_damaged_archive_is_named(tmp_path: Path, make_session: Make, write_json: Write) -> None:
    (tmp_path / "damaged.zip").write_bytes(b"PK\x03\x04 and no more")
    assert said_of(tmp_path, make_session, write_json) == "damaged.zip: is no ZIP archive, or is damaged"


def test_an_entry_that_wants_a_password_is_named(tmp_path: Path, make_session: Make, write_json: Write) -> None:
    content = bytearray(archive(tmp_path / "locked.zip", secret=b"{}").read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1  # "encrypted", in both of its headers
    (tmp_path / "locked.zip").write_bytes(content)
    assert zipfile.ZipFile(io.BytesIO(content)).infolist()[0].flag_bits & 1
    said = said_of(tmp_path, make_session, write_json)
    assert said.startswith("locked.zip/secret.json: cannot be unpacked (")


def test_a_link_to_nowhere_is_named(tmp_path: Path, make_session: Make, write_json: Write) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "nowhere.json")
    write_json(tmp_path / "good.json", make_session())
    found = read_sessions((tmp_path / "good.json", tmp_path / "link.json"))
    assert len(found.sessions) == 1
    assert [skipped.path.name for skipped in found.skipped] == ["link.json"]
