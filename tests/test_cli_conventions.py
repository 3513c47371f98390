"""The grammar that every verb of every console script keeps: found by walking the parsers, run in this process."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from footage.cli.app import DISTRIBUTIONS

ROOT = Path(__file__).resolve().parent.parent
ENTRIES = {
    name: entry.partition(":")[0]
    for path in sorted((ROOT / "packages").glob("*/pyproject.toml"))
    for name, entry in tomllib.loads(path.read_text())["project"].get("scripts", {}).items()
}
TOOLS = sorted(ENTRIES)
PARSERS: dict[str, Any] = {name: typer.main.get_command(importlib.import_module(ENTRIES[name]).app) for name in TOOLS}
EXAMPLE = re.compile(r"Usage: .*?\n\n +Example: (?P<example>.+?)\n\n", re.DOTALL)


@dataclass(frozen=True)
class Verb:
    """A command with its place: ``("footage", "runs", "verify")``."""

    path: tuple[str, ...]
    command: Any

    def __str__(self) -> str:
        return " ".join(self.path)

    def options(self) -> dict[str, Any]:
        given = [one for one in self.command.params if one.param_type_name == "option"]
        return {name: one for one in given for name in one.opts if name.startswith("--")}


def walk(command: Any, path: tuple[str, ...]) -> Iterator[Verb]:
    if not hasattr(command, "commands"):
        yield Verb(path, command)
        return
    for name, below in command.commands.items():
        yield from walk(below, (*path, name))


VERBS = [verb for name in TOOLS for verb in walk(PARSERS[name], (name,))]
IDS = [str(verb) for verb in VERBS]
every_verb = pytest.mark.parametrize("verb", VERBS, ids=IDS)

SERVERS = {"blur-train serve", "blur-train serve-worker", "highlight-train label"}
"""They work until Ctrl-C: there is no result to print, nothing to plan, and a few items mean nothing."""

NO_DRY_RUN = {
    **dict.fromkeys(SERVERS, "works until Ctrl-C"),
    **{f"{tool} doctor": "only looks" for tool in TOOLS},
    **{f"{tool} demo": "the same work each time, which --smoke makes short" for tool in TOOLS},
    "flexpatch-train check": "only looks",
    "flexpatch-train watch": "one video, drawn while it is read; --smoke ends after 60 frames",
    "footage probe": "only looks",
    "footage compare": "only looks",
    "footage runs compare": "only looks",
    "footage runs verify": "only looks",
    "video-train export": "seconds, one model",
}
READS_RECORDS = "reads records of numbers and is done in seconds"
NO_SMOKE = {
    **dict.fromkeys(SERVERS, "works until Ctrl-C"),
    **{verb: "only looks" for verb, reason in NO_DRY_RUN.items() if reason == "only looks"},
    **{f"eztrack-tune {verb}": READS_RECORDS for verb in ("aggregate", "validate", "anonymize", "community")},
    "eztrack-tune apply": "one file",
    "eztrack-tune submit": "one file",
    "highlight-train create-reel": "one film, of as many clips as --top says",
    "highlight-train test-video": "one video, of as many pictures as --samples says",
    "video-train export": "seconds, one model",
}

OTHER_MEANING = {
    "--annotations": "where from-frames takes labels from when there is no list",
    "--backend": "of a network, or of a tracker",
    "--batch-size": "counts what each trainer learns from",
    "--blender": "demo tracks without one by default",
    "--bpy": "demo tracks without one by default",
    "--broker": "the worker must name the server's",
    "--classes": "those trained, or those detected",
    "--detector": "watch has fewer",
    "--epochs": "counts what each trainer learns from",
    "--frames": "looked at, or tracked",
    "--json": "watch prints an object a frame while it works",
    "--keys": "those accepted, or the one sent",
    "--labels": "written, or measured on",
    "--max-frames": "of a video learned from, evaluated or watched",
    "--model": "each tool's own; of flexpatch-train run what is fitted",
    "--mot-root": "beside videos, or alone",
    "--output": "a file; folders are --output-dir",
    "--patience": "of a training in epochs, of a stream in seconds",
    "--port": "label listens on this machine only",
    "--processes": "that serve, or that train",
    "--rate": "of pictures taken, or of a video written",
    "--side": "of a split, or of a square",
    "--size": "of most clips, or of the frames",
    "--spool": "the worker must name the server's",
    "--teacher": "a network to train, or a trained one",
    "--to": "a file, or an address",
    "--weights": "of a network to train, or a detector's file",
    "--windows": "evaluate takes training's number by default",
    "--yes": "what is done without asking",
}
"""Options whose name means something else, or something more, in another verb; every other name has one meaning."""

OTHER_DEFAULT = {
    "--backend": "another meaning",
    "--batch-size": "clips take more memory than photos",
    "--classes": "evaluate compares on people, as the public benchmarks do",
    "--epochs": "that of blur-train goes by the backend",
    "--device": "a service answers alike on every machine: the processor unless told otherwise",
    "--labels": "another meaning",
    "--learning-rate": "each network's own",
    "--max-frames": "learning from all of a video takes long; watching and evaluating mean all of it",
    "--model": "each tool's own",
    "--output": "each verb's own",
    "--output-dir": "each verb's own",
    "--patience": "another meaning; that of blur-train goes by the backend",
    "--port": "a service has a place, a page takes a free one",
    "--rate": "another meaning",
    "--seed": "42 where the trainers that these replace had it, else 0",
    "--side": "another meaning",
    "--teacher": "another meaning",
    "--weights": "another meaning; that of blur-train goes by the backend",
    "--windows": "another meaning",
}


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def run(capsys: pytest.CaptureFixture[str], *command: str) -> Ended:
    """A command line as the console script runs it, in this process."""
    module: ModuleType = importlib.import_module(ENTRIES[command[0]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", list(command))
        with pytest.raises(SystemExit) as ending:
            module.main()
    out, err = capsys.readouterr()
    return Ended(int(ending.value.code or 0), out, err)


def run_script(tool: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    script = Path(sys.executable).parent / (f"{tool}.exe" if os.name == "nt" else tool)
    return subprocess.run(
        [script, *arguments], capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment}
    )


def test_all_tools_are_there() -> None:
    assert TOOLS == ["blur-train", "eztrack-tune", "flexpatch-train", "footage", "highlight-train", "video-train"]
    assert len(VERBS) >= 50


@pytest.mark.parametrize("tool", TOOLS)
def test_help_of_the_script_goes_to_stdout(tool: str) -> None:
    ended = run_script(tool, "-h")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"Usage: {tool}")
    assert "\x1b" not in ended.stdout


@pytest.mark.parametrize("tool", TOOLS)
def test_help_of_a_tool_lists_its_verbs_and_where_to_start(tool: str, capsys: pytest.CaptureFixture[str]) -> None:
    ended = run(capsys, tool, "--help")
    assert (ended.code, ended.err) == (0, "")
    for name in PARSERS[tool].commands:
        assert re.search(rf"^  {name} +[A-Z]", ended.out, re.MULTILINE), name
    assert f"Start with: {tool} " in ended.out
    assert {"demo", "doctor"} <= set(PARSERS[tool].commands) or tool == "footage"


@pytest.mark.parametrize("tool", TOOLS)
def test_version_is_the_packages(tool: str, capsys: pytest.CaptureFixture[str]) -> None:
    ended = run(capsys, tool, "--version")
    assert (ended.code, ended.out, ended.err) == (0, f"{tool} {version(DISTRIBUTIONS.get(tool, tool))}\n", "")


@pytest.mark.parametrize("tool", TOOLS)
def test_completion_lists_verbs_and_options(tool: str) -> None:
    variable = f"_{tool.replace('-', '_').upper()}_COMPLETE"

    def complete(words: str) -> set[str]:
        asked = {variable: "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        return set(run_script(tool, **asked).stdout.split())

    assert complete(f"{tool} ") == set(PARSERS[tool].commands)
    verb = next(verb for verb in VERBS if verb.path[0] == tool and len(verb.path) == 2)
    assert complete(f"{verb} --") >= set(verb.options()) - {"--help"}


@pytest.mark.parametrize("tool", TOOLS)
def test_bash_completes_with_the_script_that_is_shown(tool: str) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash on the PATH")
    script = run_script(tool, "--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1").stdout
    verb = next(verb for verb in VERBS if verb.path[0] == tool and len(verb.path) == 2)
    name = verb.path[1]
    # What readline does at a tab: it calls the registered function with the command, the word and the one before.
    typed = f"""{script}
        function=$(complete -p {tool} | sed -E 's/.* -F ([^ ]+) .*/\\1/')
        COMP_WORDS=({tool} {name[:2]}); COMP_CWORD=1; $function {tool} {name[:2]} {tool}; echo "${{COMPREPLY[*]}}"
        COMP_WORDS=({tool} {name} --he); COMP_CWORD=2; $function {tool} --he {name}; echo "${{COMPREPLY[*]}}"
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        [bash, "--noprofile", "--norc"],
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PATH": path},
    )
    verbs, options = ended.stdout.splitlines()
    assert name in verbs.split(), ended.stderr
    assert all(word.startswith(name[:2]) for word in verbs.split())
    assert options.split() == ["--help"], ended.stderr


@every_verb
def test_help_begins_with_an_example_that_the_parser_takes(verb: Verb, capsys: pytest.CaptureFixture[str]) -> None:
    ended = run(capsys, *verb.path, "--help")
    assert (ended.code, ended.err) == (0, "")
    found = EXAMPLE.match(ended.out)
    assert found is not None, ended.out
    words = found["example"].split()
    assert tuple(words[: len(verb.path)]) == verb.path
    verb.command.make_context(str(verb), words[len(verb.path) :])  # raises where it does not parse
    assert "Example" not in ended.out[found.end() :]


@every_verb
def test_every_option_is_explained(verb: Verb) -> None:
    for one in verb.command.params:
        if one.name != "help":
            assert one.help, one.name
            assert one.help.endswith((".", ")", "person,car")), one.help


@every_verb
def test_an_unknown_option_is_one_line_and_what_to_do(verb: Verb, capsys: pytest.CaptureFixture[str]) -> None:
    ended = run(capsys, *verb.path, "--no-such-option")
    assert (ended.code, ended.out) == (2, "")
    line, hint = ended.err.splitlines()
    assert line.startswith("error: no such option: --no-such-option")
    assert hint == f"hint: {verb} --help lists what it takes"


@pytest.mark.parametrize("tool", TOOLS)
def test_an_unknown_verb_is_one_line_and_what_to_do(tool: str, capsys: pytest.CaptureFixture[str]) -> None:
    ended = run(capsys, tool, "no-such-verb")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "error: no such command 'no-such-verb'",
        f"hint: {tool} --help lists what it takes",
    ]


@pytest.mark.parametrize("tool", TOOLS)
def test_nothing_at_all_shows_the_help(tool: str, capsys: pytest.CaptureFixture[str]) -> None:
    ended = run(capsys, tool)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"Usage: {tool}")


@every_verb
def test_results_come_as_json_too(verb: Verb) -> None:
    assert ("--json" in verb.options()) != (str(verb) in SERVERS)


@every_verb
def test_long_work_can_be_planned_and_tried(verb: Verb) -> None:
    assert ("--dry-run" in verb.options()) != (str(verb) in NO_DRY_RUN)
    assert ("--smoke" in verb.options()) != (str(verb) in NO_SMOKE)


def meanings(what: str) -> dict[str, set[tuple[Any, ...]]]:
    """What each option name of two verbs or more means, or defaults to, over all tools."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for verb in VERBS:
        for name, option in verb.options().items():
            if name != "--help":
                meaning = (option.metavar, option.help, option.multiple, option.is_flag, tuple(option.opts))
                found.setdefault(name, []).append(meaning if what == "meaning" else (str(option.default),))
    return {name: set(uses) for name, uses in found.items() if len(uses) > 1}


@pytest.mark.parametrize(("what", "excused"), [("meaning", OTHER_MEANING), ("default", OTHER_DEFAULT)])
def test_one_name_means_one_thing(what: str, excused: dict[str, str]) -> None:
    differing = {name for name, uses in meanings(what).items() if len(uses) > 1}
    assert differing == set(excused)


def missing_inputs(verb: Verb) -> list[str]:
    """A command line whose every input is a path or a word that leads nowhere."""
    arguments = []
    for one in verb.command.params:
        if one.param_type_name == "argument" and one.required:
            arguments.append(f"nowhere/{one.name}")
        elif one.required or (one.name == "model" and one.metavar in {"FILE", "FOLDER"}):
            arguments += [one.opts[0], f"nowhere/{one.name}"]
    return arguments


NEEDS_NO_INPUT = {
    **{f"{tool} {verb}": "draws or looks at its own" for tool in TOOLS for verb in ("demo", "doctor")},
    "blur-train serve": "answers that it has no model, until there is one",
}


@pytest.mark.parametrize("verb", [verb for verb in VERBS if str(verb) not in NEEDS_NO_INPUT], ids=str)
def test_missing_input_is_one_line_and_what_to_do(
    verb: Verb, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = run(capsys, *verb.path, *missing_inputs(verb))
    assert ended.code in {1, 2}, ended
    assert ended.out == ""
    assert "Traceback" not in ended.err
    assert "unexpected" not in ended.err
    said = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert len(said) == 1, ended.err
    assert [line for line in ended.err.splitlines() if line.startswith("hint: ")], ended.err
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not left, f"a command that failed at once left {left}"
