"""A tree as text and as a picture says what the tree answers, and nothing else."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from flexpatch_train.labels import LABELS
from flexpatch_train.rules import Node, read_tree, readable_rules
from flexpatch_train.tree_drawing import BAR_PX, MOST_LEVELS, ROW_PX, draw_tree
from footage.report.page import Page

NAMES = ("ncc", 'a<b & "c"', "accel")
SVG = "{http://www.w3.org/2000/svg}"


def rows(seed: int, count: int = 600) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Features, some unknown, and labels that follow from two of them but for some noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 3))
    score = x[:, 0] + 0.5 * x[:, 1] ** 2 + 0.5 * rng.normal(size=count)
    x[rng.random(count) < 0.1, 0] = np.nan
    return x, np.array(LABELS)[np.digitize(score, [0.0, 1.0])]


def grown(seed: int = 0, depth: int | None = 5) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=depth, class_weight="balanced", random_state=0).fit(*rows(seed))


def ends(node: Node) -> list[Node]:
    return [node] if node.question is None else [*ends(node.question.yes), *ends(node.question.no)]


def end_of(node: Node, row: NDArray[np.float64]) -> Node:
    while node.question is not None:
        asked, value = node.question, row[NAMES.index(node.question.feature)]
        is_yes = asked.unknown_is_yes if np.isnan(value) else np.float32(value) <= asked.threshold
        node = asked.yes if is_yes else asked.no
    return node


def elements(svg: str, name: str) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter(SVG + name))  # noqa: S314 - our own


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in elements(svg, "text")]


@given(st.integers(0, 50), st.integers(1, 7))
def test_reading_the_tree_answers_as_the_tree_does(seed: int, depth: int) -> None:
    tree = grown(seed, depth)
    root = read_tree(tree, NAMES)
    unseen, _ = rows(seed + 1000, 60)
    assert [end_of(root, row).says for row in unseen] == tree.predict(unseen).tolist()
    assert sum(end.rows for end in ends(root)) == root.rows == 600
    assert root.levels <= depth


def test_no_question_is_left_whose_answers_all_say_the_same() -> None:
    def check(node: Node) -> set[str]:
        if node.question is None:
            return {node.says}
        said = check(node.question.yes) | check(node.question.no)
        assert len(said) > 1
        return said

    tree = grown()
    root = read_tree(tree, NAMES)
    check(root)
    assert len(ends(root)) < tree.get_n_leaves()
    rules = readable_rules(tree, NAMES)
    assert rules.count("->") == len(ends(root))
    assert rules.splitlines()[0].startswith("ncc <= ")


def test_every_end_stands_in_the_picture_once_in_its_order() -> None:
    tree = grown()
    svg = draw_tree(tree, NAMES)
    expected = [
        f"{end.says} {100 * end.shares[end.says]:.0f} %, {end.rows} row" for end in ends(read_tree(tree, NAMES))
    ]
    shown = [(text, element.get("y")) for text, element in zip(texts(svg), elements(svg, "text"), strict=True)]
    found = [(text, float(y or 0)) for text, y in shown if " %, " in text]
    assert [text.removesuffix("s") for text, _ in found] == expected
    assert np.diff([y for _, y in found]) == pytest.approx(ROW_PX)
    height = float(ET.fromstring(svg).attrib["viewBox"].split()[3])  # noqa: S314 - our own
    assert found[-1][1] < height


def test_bars_are_as_long_as_the_shares_the_tree_answers_with() -> None:
    x = np.repeat([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]], [10, 30], axis=0)
    y = np.repeat(["high", "low", "low", "medium"], [8, 2, 20, 10])
    tree = DecisionTreeClassifier(random_state=0).fit(x, y)
    svg = draw_tree(tree, NAMES)
    bars = [float(one.get("width") or 0) for one in elements(svg, "rect") if one.get("height") == f"{BAR_PX[1]:g}"]
    assert bars == pytest.approx([part * BAR_PX[0] for part in (0.8, 0.2, 1 / 3, 2 / 3)], abs=0.1)
    assert {"high 80 %, 10 rows", "low 67 %, 30 rows", "40 training rows"} <= set(texts(svg))
    assert {"ncc \N{LESS-THAN OR EQUAL TO} 0.5", "> 0.5"} <= set(texts(svg))
    widths = [float(one.get("stroke-width") or 0) for one in elements(svg, "path")]
    assert widths[1] == pytest.approx(3 * widths[0])


def test_a_deep_tree_ends_after_some_levels_and_says_how_many_follow() -> None:
    tree = grown(depth=None)
    svg = draw_tree(tree, NAMES)
    root = read_tree(tree, NAMES)
    assert root.levels > MOST_LEVELS
    shown = [text for text in texts(svg) if " %, " in text]
    assert len(shown) <= 2**MOST_LEVELS
    assert any(text.endswith("levels") for text in shown)
    assert f"+ {root.levels} levels" in texts(draw_tree(tree, NAMES, levels=0))[-1]


def test_a_tree_that_always_says_the_same_is_one_bar() -> None:
    x, _ = rows(0, 20)
    svg = draw_tree(DecisionTreeClassifier().fit(x, ["low"] * 20), NAMES)
    assert elements(svg, "path") == []
    assert "low 100 %, 20 rows" in texts(svg)


def test_a_question_mark_stands_where_unknown_values_go() -> None:
    tree = grown(depth=1)
    asked = read_tree(tree, NAMES).question
    assert asked is not None
    assert not any("?" in text for text in texts(draw_tree(tree, NAMES)))
    marked = [text for text in texts(draw_tree(tree, NAMES, unknown={asked.feature})) if "?" in text]
    assert len(marked) == 1
    assert marked[0].startswith(asked.feature) == asked.unknown_is_yes


def test_it_goes_into_a_page_with_its_rules_in_words() -> None:
    tree = grown()
    svg = draw_tree(tree, NAMES)
    assert svg == draw_tree(tree, NAMES)
    assert elements(svg, "desc")[0].text == readable_rules(tree, NAMES)
    assert any(NAMES[1] in text for text in texts(svg))
    page = Page("title", "lead").figure(svg, "a tree").html()
    assert 'aria-label="a tree"' in page
    assert "a&lt;b &amp;" in page
