"""The command line of highlight-train."""

from __future__ import annotations

from footage.cli.unbuilt import run_unbuilt

PURPOSE = """Learn from labelled moments what you call a highlight, score every clip of a video library, and cut a
reel of the best."""


def main() -> None:
    """Run the tool on the command line's arguments."""
    run_unbuilt("highlight-train", PURPOSE)
