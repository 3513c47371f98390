"""The audit finds what tells classes apart besides blur, and says so with a code a script can read."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blur_train import cli
from blur_train.classes import CLASSES
from blur_train.prepare.probe import probe_origin, probe_thumbnails


@pytest.fixture
def run_cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """``run_cli("prepare", ...)`` gives the exit code and what was printed."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["blur-train", *arguments])
        with pytest.raises(SystemExit) as ending:
            cli.main()
        shown = capsys.readouterr()
        code = ending.value.code
        return (code if isinstance(code, int) else 0), shown.out, shown.err

    return run


def random_thumbnails(count: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (count, 24, 24, 3), dtype=np.uint8)


LABELS = [CLASSES[index % 4] for index in range(200)]
GROUPS = [f"g{index}" for index in range(200)]


def test_thumbnails_without_a_pattern_are_at_chance() -> None:
    found = probe_thumbnails(random_thumbnails(200), LABELS, GROUPS, np.random.default_rng(0))
    assert found.passes
    assert found.chance == 0.25
    assert found.accuracy is not None
    assert (found.accuracy.n, found.accuracy.groups) == (200, 200)
    assert "at chance" in found.text()
    assert "[" in found.text()


def test_classes_of_different_places_are_found_out() -> None:
    thumbnails = random_thumbnails(200)
    for index, label in enumerate(LABELS):
        thumbnails[index, :12] //= 1 + CLASSES.index(label)  # each class a little darker at the top
    found = probe_thumbnails(thumbnails, LABELS, GROUPS, np.random.default_rng(0))
    assert not found.passes
    assert "tells the classes apart" in found.text()


def test_a_group_is_never_learned_from_and_asked_about() -> None:
    # Every group has its own picture ten times over and a class at random: what is remembered would be right.
    pictures, labels = random_thumbnails(80), np.random.default_rng(3).permutation(np.repeat(np.array(CLASSES), 20))
    thumbnails, groups = np.repeat(pictures, 5, axis=0), np.repeat(np.arange(80).astype(str), 5)
    found = probe_thumbnails(thumbnails, np.repeat(labels, 5).tolist(), groups.tolist(), np.random.default_rng(0))
    assert found.passes, found.text()
    assert found.accuracy is not None
    assert found.accuracy.groups == 80


def test_a_camera_for_each_class_is_found_out() -> None:
    origins: list[dict[str, str | float]] = [{"camera": f"C{CLASSES.index(label)}", "shape": 1.5} for label in LABELS]
    assert not probe_origin(origins, LABELS, GROUPS, np.random.default_rng(0)).passes
    alike: list[dict[str, str | float]] = [{"camera": f"C{index % 3}", "shape": 1.5} for index in range(200)]
    assert probe_origin(alike, LABELS, GROUPS, np.random.default_rng(0)).passes


def test_too_few_groups_are_no_proof_of_anything() -> None:
    groups = [f"g{index % 8}" for index in range(200)]
    found = probe_thumbnails(random_thumbnails(200), LABELS, groups, np.random.default_rng(0))
    assert (found.accuracy, found.passes) == (None, False)
    assert "not run, defocused_blurred has 2 independent groups" in found.text()
    alone = probe_thumbnails(random_thumbnails(40), ["sharp"] * 40, GROUPS[:40], np.random.default_rng(0))
    assert "one class only" in alone.text()


def write_classes(folder: Path, make_pixels: Any, save_photo: Any, *, confounded: bool) -> None:
    for label_index, label in enumerate(CLASSES):
        for index in range(24):
            image = make_pixels(1000 * label_index + index, side=72)
            if confounded:
                image = (image * (0.4 + 0.2 * label_index)).astype(np.uint8)
            # Seconds apart would be a burst.
            taken = datetime(2024, 1, 1) + timedelta(hours=label_index, minutes=index)
            save_photo(folder / label / f"{index}.jpg", image, camera=f"Camera {index % 2}", taken=taken)


def test_an_audit_that_passes_says_so_and_shows_it(
    tmp_path: Path, make_pixels: Any, save_photo: Any, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    write_classes(tmp_path / "photos", make_pixels, save_photo, confounded=False)
    out = tmp_path / "out"
    code, shown, _ = run_cli("prepare", str(tmp_path / "photos"), str(out), "--audit", "-j", "1", "--json")
    document = json.loads(shown)
    assert code == 0
    assert document["audit"]["ready"] is True
    assert [Path(file).name for file in document["files"]] == ["manifest.json", "audit.html"]
    assert all(Path(file).is_file() for file in document["files"])
    written = json.loads((out / "audit.json").read_text())
    assert written["findings"]["groups"] == dict.fromkeys(CLASSES, 24)
    assert {probe["name"] for probe in written["findings"]["probes"]} == {
        "thumbnails of 24 px",
        "camera, size and format",
    }
    page = (out / "audit.html").read_text()
    assert "Nothing but blur tells the classes apart" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_an_audit_that_fails_ends_with_3_and_the_data_set_is_there(
    tmp_path: Path, make_pixels: Any, save_photo: Any, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    write_classes(tmp_path / "photos", make_pixels, save_photo, confounded=True)
    out = tmp_path / "out"
    code, shown, _ = run_cli("prepare", str(tmp_path / "photos"), str(out), "--audit", "-j", "1")
    assert code == 3
    assert "Not ready to learn from: thumbnails of 24 px" in shown
    assert (out / "manifest.json").is_file()


def test_without_an_audit_nothing_is_judged(
    collection: Path, tmp_path: Path, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    out = tmp_path / "out"
    code, shown, told = run_cli("prepare", str(collection), str(out), "-j", "1")
    assert code == 0
    assert shown.splitlines()[-1] == str(out / "manifest.json")
    assert "calibration" in shown
    assert "drawing on the train side" in told
    assert not (out / "audit.html").exists()
    code, shown, _ = run_cli("prepare", str(collection), str(tmp_path / "plan"), "--dry-run", "--json")
    assert (code, json.loads(shown)["photos"]["sharp"]) == (0, 16)
    assert not (tmp_path / "plan").exists()
    code, shown, _ = run_cli("prepare", str(collection), str(tmp_path / "plan"), "--dry-run")
    assert "would look at 45 photos" in shown


def test_unreadable_photos_end_with_4_and_a_bad_folder_with_1(
    collection: Path, tmp_path: Path, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    (collection / "sharp").mkdir()
    (collection / "sharp" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0nothing more")
    code, _, told = run_cli("prepare", str(collection), str(tmp_path / "out"), "-j", "1")
    assert code == 4
    assert "cut.jpg" in told
    code, shown, told = run_cli("prepare", str(tmp_path / "gone"), str(tmp_path / "out2"))
    assert (code, shown) == (1, "")
    assert told.startswith("error: ")
    assert "Traceback" not in told
