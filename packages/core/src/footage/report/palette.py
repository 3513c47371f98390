"""The colours of figures and sheets, which colour-blind readers can tell apart.

From M. Okabe and K. Ito, "Color Universal Design" (2008); all but yellow, which vanishes on white.
"""

from __future__ import annotations

BLUE = "#0072b2"
SKY = "#56b4e9"
ORANGE = "#e69f00"
GREEN = "#009e73"
VERMILION = "#d55e00"
PURPLE = "#cc79a7"
GREY = "#8a949e"
"""For what is shown only to compare with."""
WHITE = "#ffffff"
"""For marks on pictures only: it vanishes on a light page."""
NAMES = {
    BLUE: "blue",
    SKY: "sky",
    ORANGE: "orange",
    GREEN: "green",
    VERMILION: "vermilion",
    PURPLE: "purple",
    GREY: "grey",
}
"""The names under which a page may replace them."""
SERIES = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE)
"""The order in which series are coloured."""
