"""Files that are either complete or not there: written under a temporary name in the same folder, then renamed."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from footage.runs.jsonable import json_pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray


@contextmanager
def atomic_path(path: str | PathLike[str]) -> Iterator[Path]:
    """A temporary name to write to, renamed to ``path`` when the block ends well and removed when it does not.

    The temporary file lies in the same folder (a rename cannot cross disks) and keeps the suffix of ``path``, which
    some writers go by. A symbolic link is followed: the file it names is replaced, not the link.

    Args:
        path: the file to make or replace.

    Yields:
        The name to write the content to; the writer makes the file.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(21, os.strerror(21), str(target))
    temporary = target.with_name(f".{secrets.token_hex(6)}.partial{target.suffix[:16]}")
    try:
        yield temporary
        _sync(temporary)
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def atomic_write_bytes(path: str | PathLike[str], data: bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, never a part, even after a power cut.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full; ``path`` is then as it was.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def atomic_write_array(path: str | PathLike[str], array: NDArray[Any]) -> None:
    """Write a ``.npy`` file as ``atomic_write_bytes`` does.

    Args:
        path: the file to make or replace.
        array: of any shape; NumPy's own writing to a file tells a full disk by a number of bytes alone.

    Raises:
        OSError: as for ``atomic_write_bytes``.
    """
    import numpy as np

    whole = io.BytesIO()
    np.save(whole, array)
    atomic_write_bytes(path, whole.getvalue())


def atomic_write_text(path: str | PathLike[str], text: str) -> None:
    """Write UTF-8 text as ``atomic_write_bytes`` does; line ends stay as they are, file-name bytes come back as bytes.

    Raises:
        OSError: as for ``atomic_write_bytes``.
    """
    atomic_write_bytes(path, text.encode("utf-8", "surrogateescape"))


@contextmanager
def atomic_text(path: str | PathLike[str]) -> Iterator[TextIO]:
    """A text file to write line by line, for what is too long to be held; it appears as ``atomic_write_text``'s does.

    Yields:
        The file; UTF-8, line ends and file-name bytes as for ``atomic_write_text``.

    Raises:
        OSError: as for ``atomic_write_bytes``.
    """
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
    ):
        yield file


def atomic_write_json(path: str | PathLike[str], value: object) -> None:
    """Write one indented JSON document as ``atomic_write_bytes`` does; non-finite floats become null.

    Args:
        path: the file to make or replace.
        value: as for :func:`footage.runs.jsonable.json_pieces`: long lists are written entry by entry.

    Raises:
        OSError: as for ``atomic_write_bytes``.
        TypeError: ``value`` holds something without a JSON form; ``path`` is then as it was.
    """
    with atomic_text(path) as file:
        file.writelines(json_pieces(value))
        file.write("\n")


def _sync(path: Path) -> None:
    """Bring a file's content to the disk before its name changes: else a power cut may leave an empty file."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Bring the rename itself to the disk. Where a system cannot open folders the rename is still atomic."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
