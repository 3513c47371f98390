from __future__ import annotations

import os
from pathlib import Path

import pytest

from footage.dataset.discover import IMAGE_EXTENSIONS, find_media
from footage.errors import DatasetError


def make(folder: Path, *names: str) -> list[Path]:
    made = [folder / name for name in names]
    for file in made:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return made


def test_folders_are_searched_with_everything_below(tmp_path: Path) -> None:
    wanted = make(tmp_path, "b.mp4", "day 1/a.MOV", "day 1/deep/c.mkv")
    make(tmp_path, "notes.txt", "day 1/a.srt", ".hidden.mp4", ".trash/d.mp4")
    found = find_media(tmp_path)
    assert found.files == tuple(sorted(wanted))
    assert found.skipped == ()


def test_extensions_can_be_chosen(tmp_path: Path) -> None:
    _, photo = make(tmp_path, "a.mp4", "b.JPG")
    assert find_media(tmp_path, IMAGE_EXTENSIONS).files == (photo,)


def test_files_folders_and_globs_mix_and_count_once(tmp_path: Path) -> None:
    a, b, c = make(tmp_path, "one/a.mp4", "one/b.mp4", "two/c.mp4")
    given: list[str | Path] = [
        a,
        tmp_path / "one",
        str(tmp_path / "t*" / "*.mp4"),
        str(tmp_path / "**" / "*.mp4"),
        tmp_path,
    ]
    assert find_media(given).files == (a, b, c)
    assert find_media(reversed(given)).files == (a, b, c)


def test_a_name_with_glob_characters_that_exists_is_taken_as_it_is(tmp_path: Path) -> None:
    (odd,) = make(tmp_path, "clip [1].mp4")
    make(tmp_path, "clip 1.mp4")
    assert find_media(str(odd)).files == (odd,)


def test_what_cannot_be_used_is_listed_with_its_reason(tmp_path: Path) -> None:
    a, text = make(tmp_path, "a.mp4", "notes.txt")
    dangling = tmp_path / "gone.mp4"
    dangling.symlink_to(tmp_path / "nowhere")
    found = find_media([a, text, tmp_path / "missing.mp4", str(tmp_path / "*.avi"), dangling])
    assert found.files == (a,)
    reasons = {skipped.path.name: skipped.reason for skipped in found.skipped}
    assert reasons["missing.mp4"] == "does not exist"
    assert reasons["*.avi"] == "matches nothing"
    assert reasons["gone.mp4"] == "is a link that leads nowhere"
    assert reasons["notes.txt"].startswith("has none of the extensions")


def test_links_that_go_round_in_circles_end(tmp_path: Path) -> None:
    (a,) = make(tmp_path, "lib/a.mp4")
    (tmp_path / "lib" / "again").symlink_to(tmp_path / "lib")
    (tmp_path / "lib" / "self.mp4").symlink_to(tmp_path / "lib" / "self.mp4")
    found = find_media(tmp_path)
    assert found.files == (a,)
    assert [s.reason for s in found.skipped] == ["is a link that leads nowhere"]


def test_a_linked_file_counts_once(tmp_path: Path) -> None:
    (a,) = make(tmp_path, "a.mp4")
    (tmp_path / "z.mp4").symlink_to(a)
    assert find_media(tmp_path).files == (a,)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    (a,) = make(tmp_path, "a.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    found = find_media(tmp_path)
    assert found.files == (a,)
    assert [s.reason for s in found.skipped] == ["is not a regular file"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may read everything")
def test_a_folder_that_may_not_be_read_is_recorded(tmp_path: Path) -> None:
    a, locked = make(tmp_path, "a.mp4", "locked/b.mp4")
    locked.parent.chmod(0)
    try:
        found = find_media(tmp_path)
    finally:
        locked.parent.chmod(0o700)
    assert found.files == (a,)
    assert "Permission denied" in found.skipped[0].reason


def test_names_that_are_not_utf8_are_found(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9.mp4"
    try:
        with open(raw, "wb") as file:  # noqa: PTH123 - a Path cannot be made of these bytes in one step
            file.write(b"x")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert [os.fsencode(f) for f in find_media(tmp_path).files] == [raw]


def test_nothing_found_is_an_error_that_says_where(tmp_path: Path) -> None:
    make(tmp_path, "notes.txt")
    with pytest.raises(DatasetError, match=r"no files with the extensions .*mp4"):
        find_media(tmp_path)
    with pytest.raises(DatasetError, match=r"nope\.mp4: does not exist"):
        find_media(tmp_path / "nope.mp4")
    with pytest.raises(DatasetError, match="in nothing"):
        find_media([])
