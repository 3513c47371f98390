"""The rules of the house that no linter keeps: what may stand in a committed file, and what a package must have."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = sorted(path.parent for path in (ROOT / "packages").glob("*/pyproject.toml"))
LONGEST_MODULE_LINES = 400

# Written in pieces and with one-letter classes, so that this file does not find itself.
INDEX_HOSTS = (
    "py" + r"pi\.org",
    "python" + r"hosted\.org",
    r"download\.py" + r"torch\.org",
    r"registry\.npm" + r"js\.org",
)
FORBIDDEN = {
    "the host of a package index": "|".join(INDEX_HOSTS),
    "a setting that names a package index": r"index[-]url|registry *= *\"[h]ttp|\"resolved\": *\"[h]ttp|[d]eb http",
    "a path of one machine": r"(?:^|[^A-Za-z0-9_./-])/(?:"
    + "|".join(("work", "farm", "root", "home/[a-z]", "Users/[A-Z]"))
    + ")/",
}


@pytest.fixture(scope="session")
def committed() -> dict[str, str]:
    """The text of every file git holds, by path; the lock in the form that git holds."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not in a git checkout: what is committed cannot be told from what lies about")
    texts = {}
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        if name == "uv.lock" or not path.is_file():
            continue
        content = path.read_bytes()
        if b"\0" not in content:
            texts[name] = content.decode("utf-8")
    return texts


def settings(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_committed_file_holds(what: str, committed: dict[str, str]) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in committed.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found, f"{what}:\n" + "\n".join(found)


def test_the_patterns_find_what_they_are_for() -> None:
    lines = {
        "the host of a package index": "see https://" + "py" + "pi.org/project/numpy",
        "a setting that names a package index": "extra-index-" + "url = 'x'",
        "a path of one machine": "open('" + "/root" + "/video.mp4')",
    }
    assert lines.keys() == FORBIDDEN.keys()
    for what, line in lines.items():
        assert re.search(FORBIDDEN[what], line), what
    assert not re.search(FORBIDDEN["a path of one machine"], "packages/core/root/file, https://host.example/work/file")


def test_the_lock_is_neutral(committed: dict[str, str]) -> None:
    assert "tools/neutral_lock.py" in committed
    done = subprocess.run(
        [sys.executable, "tools/neutral_lock.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_package_is_complete(package: Path, committed: dict[str, str]) -> None:
    described = settings(package / "pyproject.toml")
    project = described["project"]
    module = described["tool"]["uv"]["build-backend"]["module-name"]
    folder = package.relative_to(ROOT).as_posix()
    assert project["license"] == "Apache-2.0"
    assert project["readme"] == "README.md"
    assert len(committed[f"{folder}/README.md"]) > 100
    assert f"{folder}/src/{module}/py.typed" in committed
    assert (package / "LICENSE").read_text(encoding="utf-8") == committed["LICENSE"]
    assert not set(described["tool"]) - {"uv"}, "every tool's settings stand in the root's pyproject.toml"


def test_dangerous_calls_have_one_home() -> None:
    ruff = settings(ROOT / "pyproject.toml")["tool"]["ruff"]["lint"]
    banned = ruff["flake8-tidy-imports"]["banned-api"]
    wanted = {"cv2.VideoCapture", "cv2.imread", "torch.load", "joblib.load", "pickle.load", "pickle.loads"}
    assert wanted <= banned.keys()
    assert "TID" in ruff["select"]
    excused = {path for path, codes in ruff["per-file-ignores"].items() if {"TID", "TID251"} & set(codes)}
    for path in excused:
        assert "*" not in path, f"{path} excuses more than one home from the ban"
        assert (ROOT / path).is_file(), f"{path} is excused and does not exist"


def test_modules_are_short(committed: dict[str, str]) -> None:
    lengths = {
        name: text.count("\n") for name, text in committed.items() if re.match(r"(packages/.*/src|tools)/.*\.py$", name)
    }
    assert lengths
    too_long = {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE_LINES}
    assert not too_long, f"past {LONGEST_MODULE_LINES} lines a module is a design question"


def test_test_files_have_names_of_their_own(committed: dict[str, str]) -> None:
    names = [Path(name).name for name in committed if Path(name).name.startswith("test_")]
    assert len(names) == len(set(names)), sorted({name for name in names if names.count(name) > 1})


def anchors_in(page: str) -> set[str]:
    """The names under which a page's headings can be linked to, as GitHub and GitLab make them."""
    without_code = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ +(.+?) *$", without_code, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_between_pages_lead_somewhere(committed: dict[str, str]) -> None:
    broken = []
    for name, text in committed.items():
        if not name.endswith(".md"):
            continue
        for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)[^)]*\)", text):
            if "://" in target or target.startswith("mailto:"):
                continue
            page = (ROOT / name).parent / target if target else ROOT / name
            if not page.exists() or (anchor and anchor not in anchors_in(page.read_text(encoding="utf-8"))):
                broken.append(f"{name}: {target}{'#' if anchor else ''}{anchor}")
    assert not broken, "\n".join(broken)


def test_a_heading_is_linked_to_by_its_words() -> None:
    page = "# Options of `run`\n\n```text\n# no heading\n```\n\n## run.json and more-so\n"
    assert anchors_in(page) == {"options-of-run", "runjson-and-more-so"}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_the_page_of_licences_names_every_dependency_and_extra(package: Path) -> None:
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", page.lower()))
    project = settings(package / "pyproject.toml")["project"]
    extras: dict[str, list[str]] = project.get("optional-dependencies", {})
    asked = [*project["dependencies"], *(one for several in extras.values() for one in several)]
    names = {re.split(r"[\[<>=!~ ;]", one)[0] for one in asked} - {"footage-core"}
    assert not names - named
    assert not [extra for extra in extras if f"`{project['name']}[{extra}]`" not in page]
