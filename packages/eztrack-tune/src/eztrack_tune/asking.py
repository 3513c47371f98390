"""A question on the terminal before something is written or sent."""

from __future__ import annotations

import sys

from footage.cli.console import talk
from footage.errors import InputError


class NobodyToAsk(InputError):  # noqa: N818 - the name is the statement
    """A question needs an answer, and standard input is no terminal."""


def agreed(question: str) -> bool:
    """Ask for a yes on standard error; anything else is a no.

    Args:
        question: without the question mark.

    Raises:
        NobodyToAsk: standard input is no terminal.
    """
    if not sys.stdin.isatty():
        raise NobodyToAsk(f"nobody is there to be asked whether to {question}")
    talk(f"{question}? [y/N]")
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
