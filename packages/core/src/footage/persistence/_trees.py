"""Decision trees checked node by node, because scikit-learn follows child and feature indices without looking.

A tree that passes may still predict nonsense, but every walk from its root ends at a leaf inside its own arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.tree._tree import Tree

from footage.errors import ModelError, UntrustedModel


def make_tree(n_features: object, n_classes: object, n_outputs: object) -> object:
    """An empty tree of checked sizes; its nodes come with :func:`check_tree_state`."""
    sound = (
        type(n_features) is int
        and type(n_outputs) is int
        and 0 < n_features < 2**31
        and isinstance(n_classes, np.ndarray)
        and n_classes.dtype == np.intp
        and n_classes.shape == (n_outputs,)
        and bool(((n_classes > 0) & (n_classes < 2**20)).all())
    )
    if not sound:
        raise ModelError("holds a decision tree with impossible sizes")
    tree: object = Tree(n_features, n_classes, n_outputs)
    return tree


def check_tree_state(tree: Any, state: dict[str, Any]) -> None:
    """Every child lies behind its parent and inside the tree, every feature exists, every node has its values."""
    nodes, values, count = state.get("nodes"), state.get("values"), state.get("node_count")
    if not isinstance(nodes, np.ndarray) or nodes.ndim != 1 or len(nodes) == 0 or type(count) is not int:
        raise ModelError("holds a decision tree without nodes")
    if count != len(nodes) or type(state.get("max_depth")) is not int:
        raise ModelError("holds a decision tree whose sizes contradict each other")
    shape = (count, tree.n_outputs, tree.max_n_classes)
    if not isinstance(values, np.ndarray) or values.shape != shape or values.dtype != np.float64:
        raise ModelError(f"holds a decision tree whose values do not have the shape {shape}")
    left, right = nodes["left_child"], nodes["right_child"]
    inner = left != -1
    _check_links((left[inner], right[inner]), nodes["feature"][inner], np.flatnonzero(inner), count, tree.n_features)


def check_predictor_nodes(nodes: object) -> None:
    """The same for a tree of histogram gradient boosting; its feature count is known only to the whole model."""
    if not isinstance(nodes, np.ndarray) or nodes.ndim != 1 or len(nodes) == 0 or nodes.dtype.names is None:
        raise ModelError("holds a boosted tree without nodes")
    if bool(nodes["is_categorical"].any()):
        raise UntrustedModel("holds a boosted tree with categorical splits, which are not checked and so not read")
    inner = nodes["is_leaf"] == 0
    inside = nodes[inner]
    _check_links(
        (inside["left"].astype(np.int64), inside["right"].astype(np.int64)),
        inside["feature_idx"],
        np.flatnonzero(inner),
        len(nodes),
        None,
    )


def _check_links(
    children: tuple[NDArray[Any], NDArray[Any]],
    feature: NDArray[Any],
    own: NDArray[np.intp],
    count: int,
    n_features: int | None,
) -> None:
    # Children behind their parent also means that no walk from the root can go round in a circle.
    for child in children:
        if ((child <= own) | (child >= count)).any():
            raise ModelError("holds a decision tree whose branches lead outside it")
    if (feature < 0).any() or (n_features is not None and (feature >= n_features).any()):
        raise ModelError("holds a decision tree that asks for a feature that does not exist")


def check_features(estimator: Any) -> None:
    """All trees of a model have nodes and ask only for features that the model lets through."""
    known = getattr(estimator, "n_features_in_", None)
    tree = getattr(estimator, "tree_", None)
    if tree is not None and tree.n_features != known:
        raise ModelError(f"holds a tree of {tree.n_features} features in a model of {known}")
    if tree is not None and tree.node_count < 1:
        raise ModelError("holds a decision tree without nodes")
    for stage in getattr(estimator, "_predictors", ()):
        for predictor in stage:
            nodes = predictor.nodes
            used = nodes["feature_idx"][nodes["is_leaf"] == 0]
            if not isinstance(known, int) or (used >= known).any():
                raise ModelError(f"holds a boosted tree that asks for a feature beyond the model's {known}")
