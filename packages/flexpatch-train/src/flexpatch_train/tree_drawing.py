"""A decision tree as a picture: from left to right, what it asks, how many rows go where, and what it then says.

The text of an SVG for ``footage.report.page``: it takes the page's colours, light or dark, and scrolls where the
screen is narrower than its text can be read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from sklearn.tree import DecisionTreeClassifier

from flexpatch_train.rules import Node, Question, read_tree, readable_rules
from footage.report.palette import BLUE, NAMES, ORANGE, VERMILION

COLOURS = {"high": VERMILION, "medium": ORANGE, "low": BLUE}
MOST_LEVELS = 5
ROW_PX = 27.0
TOP_PX = 26.0
BEND_PX = 26.0
"""How far a branch runs before it lies level and carries its text."""
GAP_PX = 12.0
THICKEST_PX = 18.0
BAR_PX = (78.0, 13.0)
FONT_PX = 12.0
LETTER_PX = 0.62 * FONT_PX
"""Rather too much than too little: the page's font is the reader's."""
SHRINKS_TO = 0.85
"""How far a narrow page may scale the picture down before it scrolls."""
_SCALES_TO = 1.15


@dataclass(frozen=True, slots=True)
class _Placed:
    """A node with its place.

    Attributes:
        node: what is there.
        depth: questions asked before it.
        y: its height in the picture, in pixels.
        children: the answers to its question; none where it is drawn as an end.
    """

    node: Node
    depth: int
    y: float
    children: tuple[_Placed, ...]

    def everything(self) -> Iterator[_Placed]:
        """This and all below it, from top to bottom."""
        yield self
        for child in self.children:
            yield from child.everything()


def draw_tree(
    tree: DecisionTreeClassifier, names: Sequence[str], *, unknown: Collection[str] = (), levels: int = MOST_LEVELS
) -> str:
    """Draw a fitted tree; questions whose answers all say the same are left out.

    Branches are as thick as their share of the training rows. At each end stand the shares of the labels as the tree
    weighs them (with balanced class weights not those of the rows), the label it says, and the number of rows.

    Args:
        tree: a fitted classifier over labels of ``flexpatch_train.labels.LABELS``.
        names: of its features, in column order.
        unknown: the features whose value may be unknown: a question mark stands where those values go.
        levels: how many questions one after another are drawn at most; where more follow, the end says how many.

    Returns:
        The SVG's text, with the rules in words for those who cannot see it.
    """
    root = _place(read_tree(tree, names), 0, levels, _Rows())
    placed = list(root.everything())
    columns = _columns(placed, unknown)
    answers = LETTER_PX * max(len(_said(one.node)) for one in placed if not one.children)
    width = columns[-1] + BAR_PX[0] + GAP_PX + answers
    height = max(one.y for one in placed) + ROW_PX
    parts = [
        _defined(width, height),
        f"<title>Decision tree</title><desc>{escape(readable_rules(tree, names))}</desc>",
        f'<text x="{GAP_PX}" y="13">{_counted(root.node.rows, "training row")}</text>',
        *_legend(columns[-1], [label for label in COLOURS if label in root.node.shares]),
        # One opacity for all: where two branches meet they are no darker.
        '<g fill="none" stroke="currentColor" opacity="0.25">',
        *(_branch(one, child, columns, root.node.rows) for one in placed for child in one.children),
        "</g>",
        *(text for one in placed if one.children for text in _texts(one, columns, root.node.rows, unknown)),
        *(_end(one, columns[-1]) for one in placed if not one.children),
        "</svg>",
    ]
    return "\n".join(parts)


class _Rows:
    """Hands out the heights of the ends, from top to bottom."""

    def __init__(self) -> None:
        self._next = TOP_PX + ROW_PX

    def take(self) -> float:
        y, self._next = self._next, self._next + ROW_PX
        return y


def _place(node: Node, depth: int, levels: int, rows: _Rows) -> _Placed:
    if node.question is None or depth == levels:
        return _Placed(node, depth, rows.take(), ())
    yes, no = (_place(child, depth + 1, levels, rows) for child in (node.question.yes, node.question.no))
    return _Placed(node, depth, (yes.y + no.y) / 2, (yes, no))


def _columns(placed: Sequence[_Placed], unknown: Collection[str]) -> list[float]:
    """Where each depth begins; the last is where the ends stand."""
    columns = [GAP_PX]
    for depth in range(max(one.depth for one in placed)):
        asked = [one.node.question for one in placed if one.depth == depth and one.children]
        letters = max(len(text) for question in asked if question is not None for text in _answers(question, unknown))
        columns.append(columns[-1] + BEND_PX + LETTER_PX * letters + GAP_PX)
    return columns


def _answers(question: Question, unknown: Collection[str]) -> tuple[str, str]:
    """What stands on the two branches."""
    number = f"{question.threshold:.3g}" if abs(question.threshold) < 1000 else f"{question.threshold:.0f}"
    number = number.replace("-", "\N{MINUS SIGN}")
    marks = ("", "")
    if question.feature in unknown:
        marks = (" or ?", "") if question.unknown_is_yes else ("", " or ?")
    return f"{question.feature} \N{LESS-THAN OR EQUAL TO} {number}{marks[0]}", f"> {number}{marks[1]}"


def _defined(width: float, height: float) -> str:
    rules = (
        f"min-width: {SHRINKS_TO * width:.0f}px; max-width: {_SCALES_TO * width:.0f}px; "
        f"font-family: inherit; font-size: {FONT_PX:g}px; fill: currentColor"
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" style="{rules}">'


def _legend(left: float, labels: Sequence[str]) -> Iterator[str]:
    """Which colour is which label."""
    x = left
    for label in labels:
        yield f'<rect x="{x:.1f}" y="4" width="10" height="10" rx="2" fill="{_colour(label)}"/>'
        yield f'<text x="{x + 15:.1f}" y="13">{escape(label)}</text>'
        x += 15 + LETTER_PX * len(label) + GAP_PX


def _branch(one: _Placed, child: _Placed, columns: Sequence[float], all_rows: int) -> str:
    x, end = columns[one.depth], columns[child.depth if child.children else -1] - (0 if child.children else 4)
    middle = x + BEND_PX / 2
    path = f"M{x:.1f} {one.y:.1f}C{middle:.1f} {one.y:.1f} {middle:.1f} {child.y:.1f} {x + BEND_PX:.1f} {child.y:.1f}"
    return f'<path d="{path}H{end:.1f}" stroke-width="{_thickness(child.node.rows, all_rows):.2f}"/>'


def _thickness(rows: int, all_rows: int) -> float:
    return max(THICKEST_PX * rows / all_rows, 1.0)


def _texts(one: _Placed, columns: Sequence[float], all_rows: int, unknown: Collection[str]) -> Iterator[str]:
    """The two answers, each above its branch."""
    if one.node.question is None:
        return
    for child, text in zip(one.children, _answers(one.node.question, unknown), strict=True):
        y = child.y - _thickness(child.node.rows, all_rows) / 2 - 3
        yield f'<text x="{columns[one.depth] + BEND_PX:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _end(one: _Placed, x: float) -> str:
    """The bar of shares, the label and the number of rows."""
    node, (width, height) = one.node, BAR_PX
    bars, left = [], x
    for label in COLOURS:
        part = width * node.shares.get(label, 0.0)
        if part:
            bars.append(
                f'<rect x="{left:.1f}" y="{one.y - height / 2:.1f}" width="{part:.1f}" height="{height:g}" '
                f'fill="{_colour(label)}"/>'
            )
        left += part
    shares = ", ".join(f"{label} {100 * node.shares.get(label, 0.0):.0f} %" for label in COLOURS)
    return (
        f"<g><title>{escape(shares)}</title>{''.join(bars)}"
        f'<text x="{x + width + GAP_PX:.1f}" y="{one.y + 4:.1f}">{escape(_said(node))}</text></g>'
    )


def _said(node: Node) -> str:
    """What stands beside an end."""
    more = f" + {_counted(node.levels, 'level')}" if node.levels else ""
    return f"{node.says} {100 * node.shares[node.says]:.0f} %, {_counted(node.rows, 'row')}{more}"


def _colour(label: str) -> str:
    """The page's own shade of the label's colour, where it has one."""
    return f"var(--{NAMES[COLOURS[label]]}, {COLOURS[label]})"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
