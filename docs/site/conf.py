"""How the pages of this repository become a site: `just docs`.

The source is the whole checkout, of which only the pages are taken, so that links between the README and docs/ are the
same here, in a checkout and where the repository is hosted.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

project = "footage"
author = "The footage authors"
release = tomllib.loads((ROOT / "packages/core/pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
version = release

root_doc = "docs/site/index"
extensions = ["myst_parser"]
include_patterns = [
    "README.md",
    "benchmarks/README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/*.md",
    "docs/**/*.md",
]
source_suffix = {".md": "markdown"}

# Anchors as the hosts of repositories make them, to the depth that pages link to.
myst_heading_anchors = 4
# A fence of an unknown language is shown as it is.
suppress_warnings = ["misc.highlighting_failure"]
nitpicky = True

html_theme = "furo"
html_title = f"footage {release}"
html_show_copyright = False
html_show_sphinx = False
