"""The command line of blur-train."""

from __future__ import annotations

from footage.cli.unbuilt import run_unbuilt

PURPOSE = """Learn from folders of photos to tell sharp ones from three kinds of blur, and write an ONNX classifier
with the means to serve it."""


def main() -> None:
    """Run the tool on the command line's arguments."""
    run_unbuilt("blur-train", PURPOSE)
