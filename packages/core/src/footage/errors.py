"""Every error that a user can cause or mend, as one tree.

::

    FootageError                 anything a command explains in one line
    ├── InputError               what the user gave cannot be used
    │   ├── VideoError           a video or still that is missing, unreadable or empty
    │   ├── DatasetError         labels, manifests or splits that contradict themselves
    │   └── ModelError           a model file that is missing, of the wrong kind, or changed
    │       └── UntrustedModel   a model file that asks for more than the allow-list permits
    ├── MissingDependency        an optional package, program or device that is not there
    └── GateNotMet               the work was done and the result is not good enough (exit code 3)

The library never names a command-line option: a command that can say which option helps adds it as the hint.
"""

from __future__ import annotations

from os import PathLike, fspath


class FootageError(Exception):
    """An error that says what is wrong, where, and what to do.

    Attributes:
        what: the fact, without a full stop.
        where: the file, the file and time, or the setting it concerns; None where ``what`` says it all.
        remedy: what the user can do about it; None where nothing sensible can be said.
    """

    def __init__(self, what: str, *, where: str | PathLike[str] | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = None if where is None else printable(fspath(where))
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        """One line: ``where: what; remedy``."""
        line = self.what if self.where is None else f"{self.where}: {self.what}"
        line = line if self.remedy is None else f"{line}; {self.remedy}"
        return printable(line)


class InputError(FootageError):
    """What the user gave cannot be used."""


class VideoError(InputError):
    """A video or still is missing, unreadable or empty."""


class DatasetError(InputError):
    """Labels, manifests or splits contradict themselves or are too small."""


class ModelError(InputError):
    """A model file is missing, of the wrong kind, or not the one its manifest describes."""


class UntrustedModel(ModelError):  # noqa: N818 - the name is the statement
    """A model file asks for something outside the allow-list; nothing in it was executed."""


class MissingDependency(FootageError):  # noqa: N818 - the name is the statement
    """An optional package, program or device is not there."""


class GateNotMet(FootageError):  # noqa: N818 - the name is the statement
    """The work was done, and its result does not pass the gate the user set."""


def printable(text: str) -> str:
    """Make any file name or message fit one line of a terminal.

    File names may hold newlines, control characters and bytes that are not UTF-8 (surrogate escapes); those are
    shown as backslash escapes, everything else as it is.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)
