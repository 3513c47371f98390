"""A tree as rules to read: what it asks, and what it then says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sklearn.tree import DecisionTreeClassifier

_LEAF = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a node asks: whether a feature is at most a threshold.

    Attributes:
        feature: its name.
        threshold: the largest value that still goes to ``yes``.
        unknown_is_yes: whether an unknown value goes to ``yes`` too.
        yes: what follows where it is.
        no: what follows where it is not.
    """

    feature: str
    threshold: float
    unknown_is_yes: bool
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A place in a tree.

    Attributes:
        says: the label with the largest share.
        shares: of each label among the training rows that come here, as the tree weighs them.
        rows: training rows that come here.
        question: what is asked here; None where the tree answers, or where all answers below say the same.
    """

    says: str
    shares: dict[str, float]
    rows: int
    question: Question | None

    @property
    def levels(self) -> int:
        """How many questions are asked one after another from here on, at most."""
        return 0 if self.question is None else 1 + max(self.question.yes.levels, self.question.no.levels)


def read_tree(tree: DecisionTreeClassifier, names: Sequence[str]) -> Node:
    """The tree from its root; questions whose answers all say the same are left out.

    Args:
        tree: a fitted classifier.
        names: of its features, in column order.
    """
    nodes = tree.tree_
    labels = [str(label) for label in tree.classes_]

    def read(at: int) -> Node:
        shares = dict(zip(labels, nodes.value[at, 0].tolist(), strict=True))
        question = None
        if nodes.children_left[at] != _LEAF:
            yes, no = read(nodes.children_left[at]), read(nodes.children_right[at])
            if yes.question is not None or no.question is not None or yes.says != no.says:
                question = Question(
                    feature=names[nodes.feature[at]],
                    threshold=float(nodes.threshold[at]),
                    unknown_is_yes=bool(nodes.missing_go_to_left[at]),
                    yes=yes,
                    no=no,
                )
        says = max(labels, key=lambda label: shares[label])
        return Node(says=says, shares=shares, rows=int(nodes.n_node_samples[at]), question=question)

    return read(0)


def readable_rules(tree: DecisionTreeClassifier, names: Sequence[str]) -> str:
    """The tree as indented text; questions whose answers all say the same are left out.

    Args:
        tree: a fitted classifier.
        names: of its features, in column order.

    Returns:
        Lines such as ``ncc <= 0.412``, then ``otherwise``, with the label and the number of training rows at the ends.
    """

    def lines(node: Node, depth: int) -> list[str]:
        indent = "    " * depth
        question = node.question
        if question is None:
            return [f"{indent}-> {node.says} ({node.rows} rows)"]
        unknown = " or unknown" if question.unknown_is_yes else ""
        return [
            f"{indent}{question.feature} <= {question.threshold:.3f}{unknown}",
            *lines(question.yes, depth + 1),
            f"{indent}otherwise",
            *lines(question.no, depth + 1),
        ]

    return "\n".join(lines(read_tree(tree, names), 0))
