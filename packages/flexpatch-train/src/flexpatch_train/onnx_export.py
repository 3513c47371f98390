"""A fitted tree, forest or boosting as an ONNX graph that answers as scikit-learn does, row for row.

One ``TreeEnsembleClassifier`` node (ai.onnx.ml) holds all of it: unknown values go where training sent them, and
thresholds and leaves stay in double precision, so that a tie is decided as in scikit-learn. General converters drop the
first, which changes the answer for every row with an unknown value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from flexpatch_train.model import CLASSES
from flexpatch_train.train import Classifier

Floats = NDArray[np.float64]

INPUT = "features"
OUTPUTS = ("label", "probabilities")
_OPSET = {"": 17, "ai.onnx.ml": 3}
_IR_VERSION = 8
_LEAF = -1
_NEVER = -1e30  # a score whose softmax is exactly 0


@dataclass(frozen=True, slots=True)
class _Tree:
    """One tree of an ensemble.

    Attributes:
        feature: int64 ``(nodes,)``, the column that a node asks about.
        threshold: float64 ``(nodes,)``; a value goes left when it is at most this.
        left: int64 ``(nodes,)``, the child; meaningless at a leaf.
        right: likewise.
        missing_left: bool ``(nodes,)``, whether an unknown value goes left.
        is_leaf: bool ``(nodes,)``.
        weights: float64 ``(nodes, classes)``, what a leaf adds to the score of each class.
    """

    feature: NDArray[np.int64]
    threshold: Floats
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    is_leaf: NDArray[np.bool_]
    weights: Floats


def to_onnx(model: Classifier, features: Sequence[str]) -> bytes:
    """The model as a serialised ONNX graph.

    The graph takes ``features``, float64 ``(N, columns)`` with NaN where a value is unknown, and gives ``label``, text
    ``(N,)``, and ``probabilities``, float32 ``(N, 3)`` in the order of ``CLASSES``; a class that the model does not
    know has probability 0.

    Args:
        model: fitted on features that float32 can hold, as ``flexpatch_train.table.feature_matrix`` gives them.
        features: the columns' names, which go into the graph's description.
    """
    columns = np.array([CLASSES.index(str(name)) for name in model.classes_])
    if isinstance(model, HistGradientBoostingClassifier):
        trees, base, transform = *_boosted(model, columns), "SOFTMAX"
    else:
        grown = model.estimators_ if isinstance(model, RandomForestClassifier) else [model]
        trees, base, transform = [_grown(tree, columns, len(grown)) for tree in grown], None, "NONE"
    node = helper.make_node(
        "TreeEnsembleClassifier",
        inputs=[INPUT],
        outputs=list(OUTPUTS),
        domain="ai.onnx.ml",
        **_attributes(trees),
        classlabels_strings=list(CLASSES),
        post_transform=transform,
        **({} if base is None else {"base_values_as_tensor": numpy_helper.from_array(base, "base_values")}),
    )
    graph = helper.make_graph(
        [node],
        "tracking failure",
        [helper.make_tensor_value_info(INPUT, TensorProto.DOUBLE, [None, len(features)])],
        [
            helper.make_tensor_value_info(OUTPUTS[0], TensorProto.STRING, [None]),
            helper.make_tensor_value_info(OUTPUTS[1], TensorProto.FLOAT, [None, len(CLASSES)]),
        ],
        doc_string=f"columns: {', '.join(features)}; NaN where a value is unknown",
    )
    proto = helper.make_model(
        graph,
        producer_name="flexpatch-train",
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in _OPSET.items()],
        ir_version=_IR_VERSION,
    )
    onnx.checker.check_model(proto)
    return bytes(proto.SerializeToString(deterministic=True))


def _grown(tree: DecisionTreeClassifier, columns: NDArray[np.intp], trees: int) -> _Tree:
    """A decision tree that has one of ``trees`` equal votes; its classes go to these columns."""
    nodes = tree.tree_
    weights = np.zeros((nodes.node_count, len(CLASSES)))
    weights[:, columns] = nodes.value[:, 0, :] / trees
    return _Tree(
        feature=np.maximum(nodes.feature, 0),
        threshold=nodes.threshold,
        left=nodes.children_left,
        right=nodes.children_right,
        missing_left=nodes.missing_go_to_left.astype(bool),
        is_leaf=nodes.children_left == _LEAF,
        weights=weights,
    )


def _boosted(model: HistGradientBoostingClassifier, columns: NDArray[np.intp]) -> tuple[list[_Tree], Floats]:
    """The trees of a boosting, and the scores that they add to."""
    # Of two classes scikit-learn keeps one score, the second's; the softmax of (0, score) is its logistic function.
    scored = columns if len(columns) > 2 else columns[1:]
    base = np.full(len(CLASSES), _NEVER)
    base[columns] = 0.0
    base[scored] = np.asarray(model._baseline_prediction, np.float64).ravel()  # noqa: SLF001 - there is no public way; every export is compared with the model
    trees = []
    for iteration in model._predictors:  # noqa: SLF001 - likewise
        for column, predictor in zip(scored, iteration, strict=True):
            nodes = predictor.nodes
            weights = np.zeros((len(nodes), len(CLASSES)))
            weights[:, column] = nodes["value"]
            trees.append(
                _Tree(
                    feature=nodes["feature_idx"].astype(np.int64),
                    threshold=nodes["num_threshold"],
                    left=nodes["left"].astype(np.int64),
                    right=nodes["right"].astype(np.int64),
                    missing_left=nodes["missing_go_to_left"].astype(bool),
                    is_leaf=nodes["is_leaf"].astype(bool),
                    weights=weights,
                )
            )
    return trees, base


def _attributes(trees: Sequence[_Tree]) -> dict[str, Any]:
    """The node's attributes: all trees in flat lists."""
    tree_ids = np.repeat(np.arange(len(trees)), [len(tree.feature) for tree in trees])
    node_ids = np.concatenate([np.arange(len(tree.feature)) for tree in trees])
    is_leaf = np.concatenate([tree.is_leaf for tree in trees])
    weights = np.concatenate([tree.weights for tree in trees])[is_leaf]
    classes = weights.shape[1]

    def joined(name: str) -> NDArray[Any]:
        column = np.concatenate([getattr(tree, name) for tree in trees])
        return np.where(is_leaf, np.zeros(1, column.dtype), column)

    return {
        "nodes_treeids": tree_ids.tolist(),
        "nodes_nodeids": node_ids.tolist(),
        "nodes_modes": ["LEAF" if leaf else "BRANCH_LEQ" for leaf in is_leaf],
        "nodes_featureids": joined("feature").tolist(),
        "nodes_values_as_tensor": numpy_helper.from_array(joined("threshold"), "thresholds"),
        "nodes_truenodeids": joined("left").tolist(),
        "nodes_falsenodeids": joined("right").tolist(),
        "nodes_missing_value_tracks_true": joined("missing_left").astype(int).tolist(),
        "class_treeids": np.repeat(tree_ids[is_leaf], classes).tolist(),
        "class_nodeids": np.repeat(node_ids[is_leaf], classes).tolist(),
        "class_ids": np.tile(np.arange(classes), int(is_leaf.sum())).tolist(),
        "class_weights_as_tensor": numpy_helper.from_array(weights.ravel(), "leaves"),
    }
