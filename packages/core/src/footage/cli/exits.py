"""What a command's exit code says, the same in every tool."""

from __future__ import annotations

from enum import IntEnum

from footage.errors import FootageError, GateNotMet


class ExitCode(IntEnum):
    """Exit codes of every tool."""

    DONE = 0
    """The work is done."""
    FAILED = 1
    """It failed, and standard error says why."""
    USAGE = 2
    """The command line could not be understood."""
    GATE_NOT_MET = 3
    """The work is done, and its result is below the gate the user set."""
    SOME_INPUTS_FAILED = 4
    """The work is done; some inputs failed and are listed."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C; the command that goes on was printed."""


def exit_code_of(error: FootageError) -> ExitCode:
    """The exit code for an error that a command explains."""
    return ExitCode.GATE_NOT_MET if isinstance(error, GateNotMet) else ExitCode.FAILED
