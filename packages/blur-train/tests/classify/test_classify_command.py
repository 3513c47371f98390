"""Every photo one answer, whatever happens on the way; originals stay as they are."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from blur_train.classes import CLASSES
from blur_train.classify.classify import Answers, plan, run
from blur_train.classify.command import show
from blur_train.classify.options import ClassifyOptions, Sidecars
from blur_train.classify.outputs import COLUMNS, xmp
from blur_train.classify.work import Row, Task, judge_photo
from blur_train.decision import Preset
from footage.cli.exits import ExitCode
from footage.cli.progress import Progress
from footage.errors import DatasetError, ModelError

TOOL = Path(sys.executable).parent / "blur-train"


def write_photo(path: Path, grey: int, size: tuple[int, int] = (96, 80)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = io.BytesIO()
    Image.fromarray(np.full((size[1], size[0], 3), grey, np.uint8)).save(file, "JPEG")
    path.write_bytes(file.getvalue() + b"behind the end")  # which some libraries "repair" in place
    return path


def quiet(total: int | None, done: int) -> Progress:
    return Progress(total, "photos", "judging", already_done=done, log_every_seconds=1e9)


def run_quietly(options: ClassifyOptions) -> tuple[Answers, list[str]]:
    told: list[str] = []
    return run(options, tell=told.append, make_progress=quiet), told


@pytest.fixture
def options(tmp_path: Path, brightness_model: Path, brightness: dict[str, int]) -> ClassifyOptions:
    """Eight photos in two folders, two of each class, and two that are none."""
    for name, grey in brightness.items():
        write_photo(tmp_path / "photos" / "day 1" / f"{name}.jpg", grey)
        write_photo(tmp_path / "photos" / "day 2" / f"{name}.jpg", grey)
    (tmp_path / "photos" / "cut.jpg").write_bytes((tmp_path / "photos" / "day 1" / "sharp.jpg").read_bytes()[:-40])
    (tmp_path / "photos" / "notes.png").write_text("no picture")
    return ClassifyOptions(photos=(tmp_path / "photos",), model=brightness_model, output=tmp_path / "answers", jobs=1)


def states(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_answers(options: ClassifyOptions) -> None:
    before = states(options.photos[0])
    answers, _ = run_quietly(options)
    assert states(options.photos[0]) == before
    assert [row.path for row in answers.rows] == sorted(options.photos[0].rglob("*.*g"))
    assert answers.counts == dict.fromkeys(CLASSES, 2)
    assert all(row.predicted_class == row.path.stem for row in answers.rows if row.error is None)
    assert {row.path.name: row.problem for row in answers.failed} == {
        "cut.jpg": "truncated",
        "notes.png": "unsupported",
    }
    assert answers.lead == "6 of 8 photos are blurred; 2 could not be judged"


def test_the_table_and_the_document_say_the_same(options: ClassifyOptions) -> None:
    answers, _ = run_quietly(options)
    with (options.output / "answers.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    document = json.loads((options.output / "answers.json").read_text())
    assert document["classes"] == list(CLASSES)
    assert tuple(table[0]) == COLUMNS
    for row, cells, entry in zip(answers.rows, table, document["photos"], strict=True):
        assert cells["path"] == entry["path"] == str(row.path)
        assert cells["predicted_class"] == (entry["predicted_class"] or "")
        assert cells["problem"] == (entry["problem"] or "")
        if row.error is None:
            assert float(cells["confidence"]) == pytest.approx(entry["confidence"], abs=1e-6)
            assert sum(float(cells[f"p_{name}"]) for name in CLASSES) == pytest.approx(1, abs=1e-5)
            assert [name for name in CLASSES[:3] if cells[f"detected_{name}"] == "true"] == (
                [] if row.predicted_class == "sharp" else [row.predicted_class]
            )


def test_several_processes_give_the_same(options: ClassifyOptions) -> None:
    alone, _ = run_quietly(options)
    together, _ = run_quietly(replace(options, jobs=2, output=options.output.with_name("two")))
    assert together.rows == alone.rows


def test_what_is_known_is_not_judged_again(options: ClassifyOptions, brightness: dict[str, int]) -> None:
    first, _ = run_quietly(options)
    again, told = run_quietly(options)
    assert (again.rows, again.judged_now) == (first.rows, 2)  # what failed is tried again
    assert told == ["8 of 10 photos have their answer from an earlier run"]
    write_photo(options.photos[0] / "day 1" / "sharp.jpg", brightness["motion_blurred"], (98, 80))
    changed, _ = run_quietly(options)
    assert changed.judged_now == 3
    assert changed.counts["motion_blurred"] == 3


def test_another_preset_or_model_starts_anew(
    options: ClassifyOptions, make_brightness_model: Callable[[Path], Path], tmp_path: Path
) -> None:
    run_quietly(options)
    answers, told = run_quietly(replace(options, preset=Preset.STRICT))
    assert answers.judged_now == 10
    assert "another preset" in told[0]


def test_a_plan_changes_nothing(options: ClassifyOptions) -> None:
    found = plan(options)
    assert (found.photos, found.known) == (10, 0)
    assert found.estimated_seconds is not None
    assert not options.output.exists()
    run_quietly(options)
    before = states(options.output)
    assert plan(options).known == 8
    assert plan(replace(options, preset=Preset.LENIENT)).known == 0
    assert states(options.output) == before


@pytest.mark.parametrize("kind", [Sidecars.JSON, Sidecars.XMP])
@pytest.mark.parametrize("beside", [False, True])
def test_sidecars(options: ClassifyOptions, kind: Sidecars, beside: bool) -> None:
    before = states(options.photos[0])
    options = replace(options, sidecars=kind, beside=beside)
    for _ in range(2):  # the second run replaces its own
        answers, _ = run_quietly(options)
        assert answers.sidecars_refused == ()
    root = options.photos[0] if beside else options.output / "sidecars"
    written = sorted(str(path.relative_to(root)) for path in root.rglob(f"*.{kind.value}"))
    assert written == sorted(f"day {day}/{name}.jpg.{kind.value}" for day in (1, 2) for name in CLASSES)
    after = states(options.photos[0])
    assert {path: after[path] for path in before} == before
    one = (root / "day 1" / f"motion_blurred.jpg.{kind.value}").read_text("utf-8")
    if kind is Sidecars.JSON:
        assert json.loads(one)["answer"]["predicted_class"] == "motion_blurred"
    else:
        packet = ET.fromstring(one)  # noqa: S314 - our own
        (keyword,) = packet.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li")
        assert keyword.text == "blur-train:motion_blurred"
        assert float(next(iter(packet[0])).attrib["{urn:blur-train:answer:1}Confidence"]) > 0.5


def test_a_sidecar_of_another_program_stays(options: ClassifyOptions) -> None:
    theirs = options.photos[0] / "day 1" / "sharp.jpg.xmp"
    theirs.write_text("<x:xmpmeta x:xmptk='another'/>")
    answers, _ = run_quietly(replace(options, sidecars=Sidecars.XMP, beside=True))
    assert theirs.read_text() == "<x:xmpmeta x:xmptk='another'/>"
    assert [path.name for path, _ in answers.sidecars_refused] == ["sharp.jpg"]


def test_odd_names_fit_into_xml_and_tables(options: ClassifyOptions) -> None:
    odd = options.photos[0] / 'a "b" <c>&,\n.jpg'
    write_photo(odd, 220)
    answers, _ = run_quietly(replace(options, sidecars=Sidecars.XMP))
    assert odd in [row.path for row in answers.rows]
    with (options.output / "answers.csv").open(newline="") as file:
        assert str(odd) in [cells["path"] for cells in csv.DictReader(file)]
    ET.fromstring(xmp(Row(path=odd, predicted_class="sharp", confidence=1.0)))  # noqa: S314 - our own


def test_what_cannot_work_is_said(options: ClassifyOptions, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model"):
        run_quietly(replace(options, model=tmp_path / "nothing"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no files"):
        run_quietly(replace(options, photos=(tmp_path / "empty",)))


def test_a_model_that_fails_ends_the_run(options: ClassifyOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    from blur_train.classifier import BlurClassifier

    def fail(*_: Any, **__: Any) -> None:
        raise ModelError("is broken")

    monkeypatch.setattr(BlurClassifier, "decide", fail)
    with pytest.raises(ModelError, match="is broken"):
        run_quietly(options)


def test_show_prints_one_document(options: ClassifyOptions, capsys: pytest.CaptureFixture[str]) -> None:
    assert show(options, dry_run=False, as_json=True) == ExitCode.SOME_INPUTS_FAILED
    document = json.loads(capsys.readouterr().out)
    assert document["counts"] == dict.fromkeys(CLASSES, 2)
    assert len(document["photos"]) == 10
    assert show(options, dry_run=True, as_json=True) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["known"] == 8


def test_the_command(options: ClassifyOptions, tmp_path: Path) -> None:
    command = [
        str(TOOL),
        "classify",
        *map(str, options.photos),
        "--model",
        str(options.model),
        "-o",
        str(options.output),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == ExitCode.SOME_INPUTS_FAILED, ended.stderr
    assert ended.stdout.startswith("6 of 8 photos are blurred; 2 could not be judged\n")
    assert ended.stdout.splitlines()[-2:] == [str(options.output / name) for name in ("answers.csv", "answers.json")]


def test_killed_and_started_again_every_photo_has_one_answer(options: ClassifyOptions) -> None:
    for number in range(150):
        write_photo(options.photos[0] / "many" / f"{number:04d}.jpg", 220, (1200, 900))
    command = [
        str(TOOL),
        "classify",
        *map(str, options.photos),
        "--model",
        str(options.model),
        "-o",
        str(options.output),
    ]
    journal = options.output / "journal.jsonl"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as one:
        while not journal.exists() or len(journal.read_bytes().splitlines()) < 20:
            assert one.poll() is None
        os.killpg(one.pid, signal.SIGKILL)
    answers, _ = run_quietly(options)
    assert 0 < answers.judged_now < 150
    assert len({row.path for row in answers.rows}) == len(answers.rows) == 160
    assert answers.counts["sharp"] == 152
    recorded = [json.loads(line)["row"]["path"] for line in journal.read_text().splitlines()[1:]]
    assert len([path for path in recorded if "many" in path]) == 150


def test_a_row_is_the_decision_itself(options: ClassifyOptions, brightness_model: Path) -> None:
    from blur_train.classifier import BlurClassifier, model_file
    from blur_train.photos import read_photo
    from footage.persistence.bundle import read_manifest

    path = options.photos[0] / "day 1" / "sharp.jpg"
    classifier = BlurClassifier.open(brightness_model, device="cpu")
    (decision,) = classifier.decide([classifier.evidence(read_photo(path).image)])
    file = model_file(brightness_model)
    row = judge_photo(
        Task(
            path=path, size=0, modified_ns=0, model=file, model_sha256=read_manifest(file).model_sha256,
            preset=Preset.MODERATE, device="cpu",
        )
    )  # fmt: skip
    assert (row.predicted_class, row.confidence) == (decision.predicted_class, decision.confidence)
    assert (row.probabilities, row.detected) == (decision.probabilities, decision.detected)
