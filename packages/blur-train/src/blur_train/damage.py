"""What is wrong with a picture's file, told by its structure before it is decoded."""

from __future__ import annotations


class NotWhole(Exception):  # noqa: N818 - the name is the statement
    """A file ends too early or contradicts itself; whoever reads it turns this into an error.

    Attributes:
        is_truncated: it ends too early; else it contradicts itself.
    """

    def __init__(self, what: str, *, is_truncated: bool) -> None:
        self.is_truncated = is_truncated
        super().__init__(what)
