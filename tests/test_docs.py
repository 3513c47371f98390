"""The documentation is run: its commands, its Python, the help it shows, the columns and keys it lists.

A ```` ```console ```` block is run line by line (lines that begin with ``$ ``) and a ```` ```python ```` block as a
program, page by page and in order, in a folder that holds a small synthetic clip and a finished run on it. ``VIDEO``
stands for the clip. A block that must not be run has ``<!-- not run: REASON -->`` on the line before it.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from blur_train import cli as blur_cli
from eztrack_tune import cli as eztrack_cli
from flexpatch_train import cli as flexpatch_cli
from footage.synthetic.scenes import Scene
from footage.tool import cli as footage_cli
from highlight_train import cli as highlight_cli
from video_train import cli as video_cli

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
TOOL_PAGE = ROOT / "docs" / "tools" / "flexpatch-train.md"
FORMATS = ROOT / "docs" / "formats"

LANGUAGES_RUN = ("console", "python")
FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]+) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)

MAINS = {
    "blur-train": blur_cli.main,
    "eztrack-tune": eztrack_cli.main,
    "flexpatch-train": flexpatch_cli.main,
    "footage": footage_cli.main,
    "highlight-train": highlight_cli.main,
    "video-train": video_cli.main,
}
CLIP = "videos/clip.mp4"
FINISHED_BY = "uv run flexpatch-train run VIDEO"
"""It makes the folder that every page's commands run in, so no page runs it again."""
SIZE, FRAMES = (320, 180), 120
NETWORK_SIZE = (320, 192)
MID_FRAME = FRAMES // 2
FEWEST_WORDS = 4
"""In which a picture can be told."""


@dataclass(frozen=True)
class Ended:
    code: int | str
    out: str
    err: str


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    reason_not_to_run: str | None


def blocks_of(page: Path) -> list[Block]:
    found = FENCE.finditer(page.read_text(encoding="utf-8"))
    return [Block(match["language"], match["text"], match["reason"]) for match in found]


def runnable(page: Path) -> list[Block]:
    return [b for b in blocks_of(page) if b.language in LANGUAGES_RUN and b.reason_not_to_run is None]


def commands_in(block: Block) -> list[str]:
    return [line.removeprefix("$ ") for line in block.text.splitlines() if line.startswith("$ ")]


def table_after(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table after a line, its head and rule left out."""
    _, found, rest = f"\n{page.read_text(encoding='utf-8')}".partition(f"\n{heading}\n")
    assert found, f"{page.name} has no line {heading!r}"
    lines = rest[rest.index("\n|") + 1 :].split("\n\n", 1)[0].splitlines()
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def names_in(rows: list[list[str]]) -> list[str]:
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row[0])]


def run_command(line: str, folder: Path) -> Ended:
    """Run a command of a page in a folder, in this process: starting Python anew would take most of the time."""
    words = shlex.split(line)
    is_run = words[:2] == ["uv", "run"] and words[2] in MAINS
    assert is_run, f"not run by this test, so its block must say why: {line}"
    arguments = [CLIP if word == "VIDEO" else word for word in words[3:]]
    for word in arguments:
        if word in FILES_OF_A_USER and not (folder / word).exists():
            FILES_OF_A_USER[word](folder / word)
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        patch.setattr("sys.argv", words[2:3] + arguments)
        with pytest.raises(SystemExit) as ending:
            MAINS[words[2]]()
    return Ended(ending.value.code or 0, out.getvalue(), err.getvalue())


def run_programs(texts: list[str], folder: Path) -> None:
    """Run blocks of a page, each with names of its own, in one process: imports take most of their time."""
    each = "import json, sys\nfor text in json.load(sys.stdin):\n    exec(compile(text, text, 'exec'), {})"
    done = subprocess.run(
        [sys.executable, "-c", each],
        input=json.dumps(texts),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def scene(seed: int = 5) -> Scene:
    """Large objects that hardly move, with small ones passing before them: something to lose, for every detector."""
    rng = np.random.default_rng(seed)
    slow = Scene.random(rng, size=SIZE, objects=8, frames=FRAMES, object_height=(0.3, 0.4), speed_px_per_frame=(0, 0.1))
    fast = Scene.random(rng, size=SIZE, objects=30, frames=FRAMES, speed_px_per_frame=(2, 4), noise=2.0)
    passing = tuple(dataclasses.replace(item, identity=item.identity + len(slow.objects)) for item in fast.objects)
    return dataclasses.replace(fast, objects=(*slow.objects, *passing))


def write_other_video(path: Path) -> None:
    scene(seed=6).write_video(path)


def write_truth(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    scene().write_mot(path, minimum_visibility=0.2)


def write_detections(path: Path) -> None:
    """The true boxes as detections: without identities, with a score that is no flag."""
    path.parent.mkdir(exist_ok=True)
    truth = path.with_name("truth.txt")
    scene().write_mot(truth, minimum_visibility=0.5)
    rows = [line.split(",") for line in truth.read_text(encoding="utf-8").splitlines()]
    path.write_text("".join(f"{row[0]},-1,{','.join(row[2:6])},0.9\n" for row in rows), encoding="utf-8")


def write_network(path: Path) -> None:
    """A network that finds the slow objects where they are halfway, whatever it sees."""
    pytest.importorskip("onnx", reason="onnx writes the network that stands for a user's")
    from networks import constant_network

    boxes = scene().boxes_at(MID_FRAME)[:8] + [0, (NETWORK_SIZE[1] - SIZE[1]) / 2] * 2
    rows = np.hstack([boxes, np.full((len(boxes), 1), 0.9), np.zeros((len(boxes), 1))]).astype(np.float32)
    constant_network(path, rows[None], shape=(1, 3, NETWORK_SIZE[1], NETWORK_SIZE[0]), names="{0: 'person'}")


def write_labels(path: Path) -> None:
    """Two labelled clips, at their places beside the file."""
    write_other_video(path.parent / "videos/other.mp4")
    path.write_text(json.dumps({"highlights": [CLIP], "normal": ["videos/other.mp4"]}), encoding="utf-8")


def copy_run(path: Path) -> None:
    shutil.copytree(path.parent / "flexpatch_training", path)


FILES_OF_A_USER: dict[str, Callable[[Path], None]] = {
    "gt/gt.txt": write_truth,
    "labels.json": write_labels,
    "deeper_tree": copy_run,
    "det/det.txt": write_detections,
    "videos/other.mp4": write_other_video,
    "yolov8n.onnx": write_network,
}


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clip and a finished run on it."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / CLIP).parent.mkdir()
    scene().write_video(folder / CLIP)
    ended = run_command(FINISHED_BY, folder)
    assert ended.code == 0, ended.err
    return folder


def test_the_pages_hold_what_is_run() -> None:
    by_page = {page.relative_to(ROOT).as_posix(): [block.language for block in runnable(page)] for page in PAGES}
    assert by_page["README.md"] == ["console"]
    assert by_page["docs/learn/first-hour.md"].count("console") >= 6
    assert by_page["docs/formats/model.md"] == ["python"] * 4 + ["console"]


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if runnable(p)], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_shows_works(page: Path, finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "at-the-user"
    shutil.copytree(finished, folder)
    for language, blocks in itertools.groupby(runnable(page), key=lambda block: block.language):
        if language == "python":
            run_programs([block.text for block in blocks], folder)
            continue
        for block in blocks:
            assert commands_in(block), f"a console block of {page.name} has no line that begins with `$ `"
            for line in commands_in(block):
                if line != FINISHED_BY:
                    ended = run_command(line, folder)
                    assert ended.code == 0, f"{line}\n{ended.out}{ended.err}"


@pytest.mark.slow
def test_the_demo_is_what_the_readme_says(tmp_path: Path) -> None:
    ended = run_command("uv run flexpatch-train demo", tmp_path)
    assert ended.code == 0, ended.err
    folder = tmp_path / "flexpatch_demo"
    missing = [name for name in names_in(table_after(README, "## What comes out")) if not (folder / name).is_file()]
    assert not missing
    quoted = re.search(r"<!-- the demo's first sentence -->\n((?:>.*\n)+)", README.read_text(encoding="utf-8"))
    assert quoted is not None
    sentence = " ".join(line.removeprefix(">").strip() for line in quoted[1].splitlines())
    # Figures may differ a little between processors and versions of the libraries; the words may not.
    assert re.sub(r"\d+", "0", sentence) == re.sub(r"\d+", "0", ended.out.splitlines()[0])


def test_the_readme_shows_the_help_as_it_is() -> None:
    ended = subprocess.run(
        [sys.executable, "tools/readme_help.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("verb", ["run", "demo", "check", "evaluate", "watch", "doctor"])
def test_every_option_is_explained(verb: str, tmp_path: Path) -> None:
    helped = run_command(f"uv run flexpatch-train {verb} --help", tmp_path).out
    options = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", helped, re.MULTILINE)) - {"--help"}
    assert options
    told = TOOL_PAGE.read_text(encoding="utf-8")
    assert not {option for option in options if f"`{option}`" not in told}
    if verb == "run":
        listed = set(names_in(table_after(TOOL_PAGE, "## Options of `run`"))) - {"VIDEO", "-o"}
        assert listed == options


def test_the_table_of_options_gives_the_defaults(tmp_path: Path) -> None:
    helped = " ".join(run_command("uv run flexpatch-train run --help", tmp_path).out.split())
    for names, default, _ in table_after(TOOL_PAGE, "## Options of `run`"):
        option = re.findall(r"--[a-z-]+", names)
        shown = default.strip("`")
        if option and shown and shown != "all":
            stated = re.search(rf"{option[0]} .*?\[default: ([^;\]]+)", helped)
            assert stated is not None, option
            assert stated[1] == shown


def test_the_columns_are_those_of_the_table() -> None:
    from flexpatch_train.table import COLUMNS

    assert names_in(table_after(FORMATS / "training-data.md", "## training_data.csv")) == list(COLUMNS)


@pytest.mark.slow
def test_the_keys_are_those_of_the_files(finished: Path) -> None:
    folder = finished / "flexpatch_training"
    page = FORMATS / "run-folder.md"
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    first_frame = json.loads((folder / "detections.jsonl").read_text(encoding="utf-8").splitlines()[1])
    manifest = json.loads((folder / "flexpatch_model.json").read_text(encoding="utf-8"))
    assert set(names_in(table_after(page, "## run.json"))) == set(run)
    assert set(names_in(table_after(page, "## detections.jsonl"))) == set(first_frame)
    assert set(names_in(table_after(page, "## metrics.json"))) == set(metrics)
    inside = names_in(table_after(page, "Inside `held_out` and `cross_validated`:"))
    assert {"what", "purge_frames", *inside} == set(metrics["held_out"])
    assert set(names_in(table_after(page, "### product_curve"))) == set(metrics["product_curve"])
    told = names_in(table_after(FORMATS / "model.md", "## The manifest"))
    assert {name.partition(".")[0] for name in told} == set(manifest)
    assert {name.removeprefix("details.") for name in told if name.startswith("details.")} == set(manifest["details"])
    files = names_in(table_after(page, "# The run folder"))
    assert {path.name for path in folder.iterdir()} <= set(files)


def test_pictures_are_small_shown_and_told_in_words() -> None:
    pictures = [path for path in (ROOT / "docs" / "images").iterdir() if path.suffix in {".jpg", ".png"}]
    assert pictures
    assert not [path.name for path in pictures if path.stat().st_size > 150_000]
    shown = [found for page in PAGES for found in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text("utf-8"))]
    assert not [path.name for path in pictures if not any(Path(file).name == path.name for _, file in shown)]
    assert not [file for words, file in shown if len(words.split()) < FEWEST_WORDS]


@pytest.mark.parametrize("page", sorted(FORMATS.glob("*.md")), ids=lambda page: page.stem)
def test_a_page_about_files_says_which_stay_as_they_are(page: Path) -> None:
    assert page.name == "stability.md" or "\n## Stability\n" in page.read_text(encoding="utf-8")
