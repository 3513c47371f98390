"""How a failing command ends: one line that says what, where and what to do, and the exit code."""

from __future__ import annotations

import errno
import os
import select
import shlex
import shutil
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import typer

from footage.cli.exits import ExitCode, exit_code_of
from footage.errors import FootageError, printable

TRACEBACKS_KEPT = 3
UsageError = typer.BadParameter.__mro__[1]
"""What the parser raises for a command line that it does not understand; typer does not export the name."""
REMEDIES = {
    errno.ENOSPC: "free some disk space, then run the same command again",
    errno.EDQUOT: "the disk quota is used up: free some space, then run the same command again",
    errno.EACCES: "check the permissions of the file and of its folder",
    errno.EPERM: "check the permissions of the file and of its folder",
    errno.EROFS: "choose an output folder on a disk that can be written",
    errno.ENOENT: "check the spelling; folders above a new file must exist",
    errno.EISDIR: "name a file, not a folder",
    errno.ENOTDIR: "a part of this path is a file, not a folder",
    errno.EMFILE: "too many files are open: raise the limit (ulimit -n) or use fewer jobs",
}
"""What to do about the operating system's refusals."""


def end_normally(ending: SystemExit) -> NoReturn:
    """Pass on an exit of the parser or of a command; an interrupt gets the command that goes on.

    A reader that closed our standard output early (``| head``) is nobody's error: it is passed over in silence, as the
    parser does with every broken pipe. Another pipe that broke, a worker's or an encoder's, is told.
    """
    broken = ending.__context__
    if isinstance(broken, BrokenPipeError) and not _output_is_closed():
        say_error(*describe_os_error(broken))
    code = ending.code if isinstance(ending.code, int) else ExitCode.DONE if ending.code is None else ExitCode.FAILED
    if code == ExitCode.INTERRUPTED:
        say_interrupted()
    flush_or_discard()
    sys.exit(code)


def explain(error: BaseException, *, tool: str) -> ExitCode:
    """Say on standard error, in one line and at most a few hints, why a command failed.

    Args:
        error: what ended the command.
        tool: the name of the console script, for the name of the traceback's file.

    Returns:
        The exit code that tells this kind of failure.
    """
    debugging = os.environ.get("FOOTAGE_DEBUG", "") not in {"", "0"}
    if debugging:
        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt):
        say_interrupted()
        return ExitCode.INTERRUPTED
    flush_or_discard()
    if isinstance(error, UsageError):
        _explain_usage(error)
        return ExitCode.USAGE
    if isinstance(error, FootageError):
        line = error.what if error.where is None else f"{error.where}: {error.what}"
        say_error(line, *_hints(error))
        return exit_code_of(error)
    if isinstance(error, OSError):
        say_error(*describe_os_error(error))
    elif isinstance(error, MemoryError):
        say_error("not enough memory", "use fewer jobs, a smaller batch or smaller frames")
    else:
        summary = "".join(traceback.format_exception_only(error)).strip().splitlines()[0]
        where = None if debugging else _write_traceback(error, tool)
        hint = f"this is a fault of {tool}, not yours; the full traceback is in {where}" if where else None
        say_error(f"unexpected {summary}", hint)
    return ExitCode.FAILED


def _explain_usage(error: BaseException) -> None:
    """One line on what was not understood, and the command that shows the options; the help where nothing was given."""
    message = str(getattr(error, "format_message", error.__str__)())
    if "\n" in message:
        sys.stderr.write(f"{message}\n")
        return
    context = getattr(error, "ctx", None)
    hint = None if context is None else f"{context.command_path} --help lists what it takes"
    say_error(message[:1].lower() + message[1:].rstrip("."), hint)


def describe_os_error(error: OSError) -> tuple[str, str | None]:
    """What the operating system refused and where, and what to do about it where that is known."""
    reason = error.strerror
    what = reason[:1].lower() + reason[1:] if reason else str(error) or type(error).__name__
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    line = f"{' -> '.join(names)}: {what}" if names else what
    return line, REMEDIES.get(error.errno) if error.errno is not None else None


def say_error(line: str, *hints: str | None) -> None:
    """Print ``error: ...`` and a ``hint: ...`` line for each hint."""
    sys.stderr.write(f"error: {printable(line)}\n")
    for hint in hints:
        if hint is not None:
            sys.stderr.write(f"hint: {printable(hint)}\n")
    sys.stderr.flush()


def say_interrupted() -> None:
    """Print the command that goes on where this one stopped."""
    sys.stderr.write(f"\ninterrupted; to go on: {resuming_command(sys.argv)}\n")


def resuming_command(argv: list[str]) -> str:
    """The same command as one types it: quoted for the shell, the program by its name where that finds it."""
    program = Path(argv[0])
    found = shutil.which(program.name)
    known = found is not None and Path(found).resolve() == program.resolve()
    if not known:
        return printable(shlex.join(argv))
    # A tool of a project's environment is on the PATH only for as long as `uv run` runs.
    through_uv = ["uv", "run"] if "UV_RUN_RECURSION_DEPTH" in os.environ else []
    return printable(shlex.join([*through_uv, program.name, *argv[1:]]))


def flush_or_discard() -> None:
    """Flush standard output; where its reader is gone, drop what is left so that the interpreter's exit is quiet."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())


def _hints(error: FootageError) -> list[str]:
    notes: list[str] = getattr(error, "__notes__", [])
    return [hint for hint in (error.remedy, *notes) if hint]


def _output_is_closed() -> bool:
    """Whether the reader of standard output or of standard error is gone; true where the system cannot tell."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    for descriptor in (1, 2):
        poll.register(descriptor, 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


def _write_traceback(error: BaseException, tool: str) -> str | None:
    """Write what a report of the fault needs to a file of its own; older ones of the tool are removed but for a few."""
    try:
        _forget_tracebacks(f"{tool}-fault-", keep=TRACEBACKS_KEPT - 1)
        with tempfile.NamedTemporaryFile(
            "w", prefix=f"{tool}-fault-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(f"{shlex.join(sys.argv)}\n\n")
            file.writelines(traceback.format_exception(error))
            return file.name
    except OSError:  # no place for it: the traceback itself is then better than nothing
        traceback.print_exception(error)
        return None


def _forget_tracebacks(prefix: str, *, keep: int) -> None:
    """Remove all but the newest files of tracebacks in the folder for temporary files."""
    found = [(path.stat().st_mtime_ns, path) for path in Path(tempfile.gettempdir()).glob(f"{prefix}*.txt")]
    for _, path in sorted(found)[: max(len(found) - keep, 0)]:
        with suppress(OSError):  # another user's, or gone meanwhile
            path.unlink()
