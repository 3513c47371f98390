"""Errors become one line and an exit code: run as real processes, as users run them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from footage.cli.failures import describe_os_error, resuming_command

TOOL = textwrap.dedent(
    '''
    """A tool with a verb for each way a command can end."""
    import os, sys, time
    from typing import Annotated
    import typer
    from footage.cli.app import hint_on, make_app, run_app
    from footage.cli.console import print_json, result, talk
    from footage.cli.exits import ExitCode
    from footage.cli.options import Device, Json, Seed
    from footage.errors import GateNotMet, VideoError

    app = make_app("footage-core", "Ends in many ways.")

    @app.command()
    def good(json: Json = False, seed: Seed = 0, device: Device = "auto") -> None:
        talk("working")
        print_json({"seed": seed, "device": device}) if json else result("done")

    @app.command()
    def video() -> None:
        with hint_on(VideoError, "pass another file with --input"):
            raise VideoError("no frame could be read", where="clips/a\\nb.mp4", remedy="check that it plays")

    @app.command()
    def gate() -> None:
        raise GateNotMet("recall 0.61 is below the gate 0.70")

    @app.command()
    def some() -> None:
        raise typer.Exit(ExitCode.SOME_INPUTS_FAILED)

    @app.command()
    def bug() -> None:
        {}["the missing key"]

    @app.command()
    def opening(path: str) -> None:
        open(path).read()

    @app.command()
    def filling() -> None:
        with open("/dev/full", "w") as file:
            file.write("x")

    @app.command()
    def writing() -> None:
        for _ in range(100_000):
            result("line")

    @app.command()
    def pipe() -> None:
        reading, writing = os.pipe()
        os.close(reading)
        os.write(writing, b"x")

    @app.command()
    def memory() -> None:
        raise MemoryError

    @app.command()
    def waiting() -> None:
        talk("waiting")
        time.sleep(60)

    run_app(app)
    '''
)


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tool") / "tool.py"
    path.write_text(TOOL)
    return path


def run(tool: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(tool), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment}
    )


def test_results_go_to_stdout_and_talk_to_stderr(tool: Path) -> None:
    ended = run(tool, "good")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "done\n", "working\n")


def test_json_is_one_document_on_stdout(tool: Path) -> None:
    ended = run(tool, "good", "--json", "--seed", "3", "--device", "cuda:1")
    assert ended.returncode == 0
    assert ended.stdout == '{\n  "seed": 3,\n  "device": "cuda:1"\n}\n'


def test_version_is_the_distributions(tool: Path) -> None:
    ended = run(tool, "--version")
    assert ended.returncode == 0
    assert ended.stdout.startswith("footage-core ")


def test_completion_script_is_shown(tool: Path) -> None:
    ended = run(tool, "--show-completion", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert ended.returncode in {0, 2}
    script = run(tool, "--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert script.returncode == 0, script.stderr
    assert "_FOOTAGE_CORE_COMPLETE" in script.stdout


def test_completion_lists_the_verbs(tool: Path) -> None:
    ended = run(tool, _FOOTAGE_CORE_COMPLETE="complete_bash", COMP_WORDS="footage-core ga", COMP_CWORD="1")
    assert ended.stdout.split() == ["gate"]


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["good", "--nonsense"], ["good", "--device", "tpu"], ["good", "--seed", "-1"]]
)
def test_a_wrong_command_line_exits_2(tool: Path, arguments: list[str]) -> None:
    ended = run(tool, *arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("error: ")


def test_an_explained_error_is_one_line_and_its_hints(tool: Path) -> None:
    ended = run(tool, "video")
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.splitlines() == [
        r"error: clips/a\nb.mp4: no frame could be read",
        "hint: check that it plays",
        "hint: pass another file with --input",
    ]


def test_a_gate_not_met_exits_3(tool: Path) -> None:
    ended = run(tool, "gate")
    assert (ended.returncode, ended.stderr) == (3, "error: recall 0.61 is below the gate 0.70\n")


def test_a_command_chooses_its_exit_code(tool: Path) -> None:
    assert run(tool, "some").returncode == 4


def test_a_fault_of_ours_names_the_file_with_the_traceback(tool: Path, tmp_path: Path) -> None:
    ended = run(tool, "bug", TMPDIR=str(tmp_path))
    assert ended.returncode == 1
    first, second = ended.stderr.splitlines()
    assert first == "error: unexpected KeyError: 'the missing key'"
    written = Path(second.rpartition(" ")[2])
    assert written.parent == tmp_path
    assert "KeyError: 'the missing key'" in written.read_text()
    assert "Traceback" in written.read_text()


def test_few_tracebacks_are_kept(tool: Path, tmp_path: Path) -> None:
    for _ in range(5):
        newest = run(tool, "bug", TMPDIR=str(tmp_path))
    kept = list(tmp_path.iterdir())
    assert len(kept) == 3
    assert any(str(path) in newest.stderr for path in kept)


def test_debugging_shows_the_traceback(tool: Path) -> None:
    ended = run(tool, "bug", FOOTAGE_DEBUG="1")
    assert ended.returncode == 1
    assert ended.stderr.startswith("Traceback")


def test_the_systems_refusals_are_one_line(tool: Path, tmp_path: Path) -> None:
    missing = run(tool, "opening", "missing.mp4")
    assert missing.returncode == 1
    assert missing.stderr.startswith("error: missing.mp4: no such file or directory\nhint: ")
    folder = run(tool, "opening", str(tmp_path))
    assert folder.stderr.startswith(f"error: {tmp_path}: is a directory\nhint: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_one_line(tool: Path) -> None:
    ended = run(tool, "filling")
    assert ended.returncode == 1
    assert ended.stderr == (
        "error: no space left on device\nhint: free some disk space, then run the same command again\n"
    )


def test_running_out_of_memory_is_one_line(tool: Path) -> None:
    ended = run(tool, "memory")
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: not enough memory\nhint: ")


@pytest.mark.skipif(os.name != "posix", reason="pipes and signals of POSIX")
def test_a_reader_that_leaves_is_nobodys_error(tool: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(tool), "writing"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 1


@pytest.mark.skipif(os.name != "posix", reason="pipes and signals of POSIX")
def test_another_broken_pipe_is_told(tool: Path) -> None:
    ended = run(tool, "pipe")
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: broken pipe")


@pytest.mark.skipif(os.name != "posix", reason="pipes and signals of POSIX")
def test_an_interrupt_exits_130_and_tells_how_to_go_on(tool: Path) -> None:
    with subprocess.Popen([sys.executable, str(tool), "waiting"], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(60) == 130
    assert said.strip() == f"interrupted; to go on: {tool} waiting"


def test_the_command_that_goes_on_is_quoted_for_the_shell() -> None:
    assert resuming_command(["/nowhere/tool", "run", "my clip.mp4"]) == "/nowhere/tool run 'my clip.mp4'"


def test_under_uv_run_the_command_that_goes_on_begins_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "some-tool"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    assert resuming_command([str(program), "run"]) == "uv run some-tool run"
    monkeypatch.delenv("UV_RUN_RECURSION_DEPTH")
    assert resuming_command([str(program), "run"]) == "some-tool run"


def test_an_os_error_without_a_file_is_told() -> None:
    assert describe_os_error(OSError("broken")) == ("broken", None)
    assert describe_os_error(TimeoutError()) == ("TimeoutError", None)
