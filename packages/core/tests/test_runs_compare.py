"""Two runs whose folders hold what no trainer of one kind writes together: what is told, left out and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from footage.errors import InputError
from footage.runs.compare import compare_runs
from footage.runs.saved import as_interval, figures, leaves, read_answers, read_run
from footage.tool import compared

FINISHED = "2026-01-01T00:00:00+00:00"
LABELLED = "side,file,group,label,predicted_class"
SCORED = "clip,group,clip_label,clip_score"


def run(folder: Path, *, metrics: object = None, table: list[str] | None = None, **record: Any) -> Path:
    """A run's folder of a record and, where given, figures and answers."""
    folder.mkdir()
    whole = {"format_version": 1, "tool": "blur-train", "seed": 0, "settings": {}, "finished": FINISHED, **record}
    (folder / "run.json").write_text(json.dumps(whole))
    if metrics is not None:
        (folder / "metrics.json").write_text(json.dumps(metrics))
    if table is not None:
        (folder / "predictions.csv").write_text("\n".join([*table, ""]))
    return folder


def interval(low: float | None, high: float | None) -> dict[str, object]:
    return {"estimate": 0.5, "low": low, "high": high, "n": 9, "groups": 3, "reason": None}


def test_figures_in_one_run_or_without_an_interval_are_not_held_against_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(
        tmp_path / "a", metrics={"both": interval(0.4, 0.6), "open": interval(None, None), "old": interval(0, 1)}
    )
    second = run(tmp_path / "b", metrics={"both": interval(0.6, 0.7), "open": interval(0.1, 0.2)})
    found = {one.name: one for one in compare_runs(first, second).figures}
    assert [found[name].overlap for name in ("both", "open", "old")] == [True, None, None]
    assert found["old"].second is None
    compared.show(first, second, as_json=False)
    assert "2 figures stand in both, 1 in one only" in capsys.readouterr().out


def test_runs_of_other_tools_files_and_items_are_warned_about(tmp_path: Path) -> None:
    first = run(tmp_path / "a", table=[LABELLED, "test,1.jpg,g,sharp,sharp"], data_sha256="0")
    second = run(
        tmp_path / "b",
        table=[LABELLED, "test,1.jpg,g,sharp,blurred", "test,2.jpg,g,sharp,sharp"],
        tool="video-train",
        data_sha256="1",
    )
    found = compare_runs(first, second)
    assert found.notes == (
        "the runs are of two tools, blur-train and video-train: hardly a figure means the same in both",
        "the runs began with different files: their figures may be of different exams",
        "1 items were answered by one of the runs only and are left out of the flips",
    )
    assert found.answers is not None
    assert (found.answers.items, found.answers.only_first, found.answers.only_second) == (1, 0, 1)
    assert (found.answers.mended, found.answers.broken) == (0, 1)


def test_without_a_common_answer_that_is_what_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = run(tmp_path / "a", table=[LABELLED, "test,1.jpg,g,sharp,sharp"])
    second = run(tmp_path / "b", table=[LABELLED, "test,2.jpg,g,sharp,sharp"])
    bare = run(tmp_path / "c")
    for other in (second, bare):
        found = compare_runs(first, other)
        assert found.answers is None
        assert found.notes == ("there is no item that both runs saved an answer on",)
    compared.show(first, bare, as_json=False)
    assert "answered differently" not in capsys.readouterr().out


def test_without_the_truth_flips_are_listed_and_not_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"{number:02}.jpg" for number in range(12)]
    first = run(
        tmp_path / "a", table=["path,predicted_class", *(f"{name},sharp" for name in names)], settings={"x": "y" * 80}
    )
    second = run(tmp_path / "b", table=["path,predicted_class", *(f"{name},blurred" for name in names)])
    found = compare_runs(first, second).answers
    assert found is not None
    assert (len(found.flips), found.mended, found.broken, found.gain) == (12, None, None, None)
    compared.show(first, second, as_json=False)
    shown = capsys.readouterr().out
    assert "and 2 more: --json lists them all" in shown
    assert "from wrong to right" not in shown
    assert "y" * 47 + "\N{HORIZONTAL ELLIPSIS}" in shown.replace("\n", "")


def test_a_score_is_no_answer_without_a_threshold(tmp_path: Path) -> None:
    scored = run(tmp_path / "a", table=[SCORED, "x,g,1,0.7", "y,g,0,0.2"])
    assert read_answers(read_run(scored)) == {}
    manifest = {"model_file": "m", "model_sha256": "0", "metrics": {}}
    (scored / "a.json").write_text("[]")
    (scored / "b.json").write_text("{no json")
    (scored / "c.json").write_text(json.dumps({**manifest, "details": None}))
    assert read_answers(read_run(scored)) == {}
    (scored / "d.json").write_text(json.dumps({**manifest, "details": {"threshold": 0.7}}))
    answers = read_answers(read_run(scored))
    assert [(key, one.answer, one.label) for key, one in answers.items()] == [(("x",), "1", "1"), (("y",), "0", "0")]


def test_a_table_of_other_columns_has_no_answers(tmp_path: Path) -> None:
    assert read_answers(read_run(run(tmp_path / "a", table=["name,value", "x,1"]))) == {}
    assert read_answers(read_run(run(tmp_path / "b", table=[]))) == {}


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("run.json", b"{no json", r"run\.json: is not JSON .*; run the command that wrote it again"),
        ("run.json", b"[1]", r"run\.json: is not a JSON object; run the command that wrote it again"),
        ("metrics.json", b"\xff\xfe", r"metrics\.json: is not JSON"),
        ("metrics.json", b"[" * 200_000, r"metrics\.json: is not JSON"),
        ("predictions.csv", b"path,predicted_class\n\xff,sharp\n", r"predictions\.csv: cannot be read as a table"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, file: str, content: bytes, said: str) -> None:
    folder = run(tmp_path / "a")
    (folder / file).write_bytes(content)
    with pytest.raises(InputError, match=said):
        compare_runs(folder, folder)


def test_what_is_no_folder_of_a_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="this is a file, not the folder of a run"):
        read_run(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"it has no run\.json; name a folder that has one"):
        read_run(tmp_path / "empty")


def test_figures_are_found_wherever_they_stand() -> None:
    document = {"models": [{"name": "tree", "f1": interval(0.1, 0.2)}, {"f1": interval(0.3, 0.4)}, []], "n": 3}
    assert list(figures(document)) == ["models.tree.f1", "models.1.f1"]
    assert dict(leaves(document))["models.2"] == []
    assert dict(leaves(document))["n"] == 3


@pytest.mark.parametrize("changed", [{"low": "0.1"}, {"high": True}, {"estimate": [1]}])
def test_what_only_looks_like_a_figure_is_none(changed: dict[str, object]) -> None:
    assert as_interval({**interval(0.1, 0.2), **changed}) is None
    assert as_interval({"estimate": 1, "low": 0}) is None


def test_counts_of_another_kind_are_left_out() -> None:
    found = as_interval({**interval(0.1, 0.2), "n": "many", "groups": "some", "reason": 5})
    assert found is not None
    assert (found.n, found.groups, found.reason) == (0, None, None)
