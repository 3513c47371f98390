"""The command line of eztrack-tune."""

from __future__ import annotations

from footage.cli.unbuilt import run_unbuilt

PURPOSE = """Run Blender's motion tracker over a library of clips, and write the settings that solve best for each
class of footage, with the evidence."""


def main() -> None:
    """Run the tool on the command line's arguments."""
    run_unbuilt("eztrack-tune", PURPOSE)
