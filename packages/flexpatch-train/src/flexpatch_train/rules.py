"""A tree as rules to read: what it asks, and what it then says."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.tree import DecisionTreeClassifier

_LEAF = -1


def readable_rules(tree: DecisionTreeClassifier, names: Sequence[str]) -> str:
    """The tree as indented text; questions whose answers all say the same are left out.

    Args:
        tree: a fitted classifier.
        names: of its features, in column order.

    Returns:
        Lines such as ``ncc <= 0.412``, then ``otherwise``, with the label and the number of training rows at the ends.
    """
    nodes = tree.tree_
    says = [str(tree.classes_[index]) for index in nodes.value[:, 0, :].argmax(axis=1)]

    def only_answer(node: int) -> str | None:
        if nodes.children_left[node] == _LEAF:
            return says[node]
        left, right = only_answer(nodes.children_left[node]), only_answer(nodes.children_right[node])
        return left if left == right else None

    def lines(node: int, depth: int) -> list[str]:
        indent = "    " * depth
        answer = only_answer(node)
        if answer is not None:
            return [f"{indent}-> {answer} ({nodes.n_node_samples[node]} rows)"]
        question = f"{names[nodes.feature[node]]} <= {nodes.threshold[node]:.3f}"
        unknown = "" if not nodes.missing_go_to_left[node] else " or unknown"
        left = lines(nodes.children_left[node], depth + 1)
        right = lines(nodes.children_right[node], depth + 1)
        return [f"{indent}{question}{unknown}", *left, f"{indent}otherwise", *right]

    return "\n".join(lines(0, 0))
