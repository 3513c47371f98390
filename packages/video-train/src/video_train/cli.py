"""The command line of video-train."""

from __future__ import annotations

from footage.cli.unbuilt import run_unbuilt

PURPOSE = """Train a small video classifier straight from video files, distilled from a larger teacher, and measure
what the teacher added."""


def main() -> None:
    """Run the tool on the command line's arguments."""
    run_unbuilt("video-train", PURPOSE)
