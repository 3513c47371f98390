"""The command line: parses, calls one function, prints its record."""

from __future__ import annotations

from footage.cli.app import make_app, run_app

app = make_app(
    "blur-train",
    "Learn from folders of photos to tell sharp ones from three kinds of blur, and classify photos by it.",
    epilog="Start with: blur-train prepare PHOTOS dataset, or blur-train demo",
)


def main() -> None:
    """The console script."""
    run_app(app)


if __name__ == "__main__":
    main()
