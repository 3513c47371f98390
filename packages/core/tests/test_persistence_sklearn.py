from __future__ import annotations

import gzip
import io
import lzma
import os
import pickle
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from footage.errors import ModelError, UntrustedModel
from footage.persistence.sklearn import load_estimator, save_estimator

_rng = np.random.default_rng(0)
X = _rng.normal(size=(120, 5))
Y = np.array(["high", "low", "medium"])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0.3)]

CLASSIFIERS = {
    "tree": DecisionTreeClassifier(max_depth=5, min_samples_split=10, class_weight="balanced", random_state=42),
    "forest": RandomForestClassifier(7, random_state=0),
    "extra trees": ExtraTreesClassifier(5, random_state=0),
    "boosting": HistGradientBoostingClassifier(max_iter=12, random_state=0),
    "boosting that stops early": HistGradientBoostingClassifier(max_iter=9, early_stopping=True, random_state=0),
    "logistic": LogisticRegression(),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
    "calibrated": CalibratedClassifierCV(DecisionTreeClassifier(max_depth=3, random_state=0), cv=3),
    "isotonic": CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=3),
    "dummy": DummyClassifier(),
    "tree with a generator": DecisionTreeClassifier(random_state=np.random.RandomState(1)),
}
LABELS = {
    "text": Y,
    "objects": Y.astype(object),
    "two classes": Y == "low",
    "numbers": np.unique(Y, return_inverse=True)[1],
}


@pytest.fixture(scope="module")
def tree() -> Any:
    return clone(CLASSIFIERS["tree"]).fit(X, Y)


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_plain_joblib_files_come_back_with_equal_predictions(tmp_path: Path, name: str, labels: str) -> None:
    model = clone(CLASSIFIERS[name]).fit(X, LABELS[labels])
    joblib.dump(model, tmp_path / "m.joblib")
    found = load_estimator(tmp_path / "m.joblib")
    assert type(found) is type(model)
    assert np.array_equal(found.predict(X), model.predict(X))
    assert np.array_equal(found.predict_proba(X), model.predict_proba(X))
    assert found.classes_.dtype == model.classes_.dtype
    assert found.get_params().keys() == model.get_params().keys()


@pytest.mark.parametrize(
    "model",
    [DecisionTreeRegressor(), RandomForestRegressor(4), HistGradientBoostingRegressor(max_iter=5)],
    ids=lambda m: type(m).__name__,
)
def test_regressors_come_back(tmp_path: Path, model: Any) -> None:
    model.fit(X, X[:, 0] * 2)
    joblib.dump(model, tmp_path / "m.joblib")
    assert np.array_equal(load_estimator(tmp_path / "m.joblib").predict(X), model.predict(X))


@pytest.mark.parametrize("compress", [3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)], ids=str)
def test_compressed_files_come_back(tmp_path: Path, tree: Any, compress: Any) -> None:
    joblib.dump(tree, tmp_path / "m.joblib", compress=compress)
    assert np.array_equal(load_estimator(tmp_path / "m.joblib").predict(X), tree.predict(X))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_pickle_protocol_joblib_can_write_is_read(tmp_path: Path, tree: Any, protocol: int) -> None:
    joblib.dump(tree, tmp_path / "m.joblib", protocol=protocol)
    if protocol == 2:
        # Bytes are written as a call to a codec there, which is not on the list.
        with pytest.raises(UntrustedModel, match=r"_codecs\.encode"):
            load_estimator(tmp_path / "m.joblib")
    else:
        assert np.array_equal(load_estimator(tmp_path / "m.joblib").predict(X), tree.predict(X))


@pytest.mark.parametrize("name", ["tree", "forest", "boosting", "pipeline"])
def test_saved_models_come_back_and_joblib_reads_them_too(tmp_path: Path, name: str) -> None:
    model = clone(CLASSIFIERS[name]).fit(X, Y)
    save_estimator(model, tmp_path / "m.joblib")
    for found in (load_estimator(tmp_path / "m.joblib"), joblib.load(tmp_path / "m.joblib")):  # noqa: TID251 - ours
        assert np.array_equal(found.predict_proba(X), model.predict_proba(X))
    assert [file.name for file in tmp_path.iterdir()] == ["m.joblib"]


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.joblib", "b.joblib"):
        save_estimator(clone(CLASSIFIERS["forest"]).fit(X, Y), tmp_path / name)
    first = (tmp_path / "a.joblib").read_bytes()
    assert first == (tmp_path / "b.joblib").read_bytes()
    save_estimator(load_estimator(tmp_path / "a.joblib"), tmp_path / "c.joblib")
    assert first == (tmp_path / "c.joblib").read_bytes()


def test_the_same_training_in_another_process_gives_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np\n"
        "from sklearn.tree import DecisionTreeClassifier\n"
        "from footage.persistence.sklearn import save_estimator\n"
        "x = np.random.default_rng(0).normal(size=(200, 5))\n"
        "y = np.array(['high', 'low'])[(x[:, 0] > 0).astype(int)]\n"
        "save_estimator(DecisionTreeClassifier(max_depth=5, random_state=42).fit(x, y), sys.argv[1])\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.joblib")], check=True, env=environment)
    x = np.random.default_rng(0).normal(size=(200, 5))
    y = np.array(["high", "low"])[(x[:, 0] > 0).astype(int)]
    save_estimator(DecisionTreeClassifier(max_depth=5, random_state=42).fit(x, y), tmp_path / "b.joblib")
    assert (tmp_path / "a.joblib").read_bytes() == (tmp_path / "b.joblib").read_bytes()


def test_a_model_of_another_scikit_learn_is_read_with_a_warning_that_names_it(tmp_path: Path, tree: Any) -> None:
    joblib.dump(tree, tmp_path / "m.joblib")
    data = (tmp_path / "m.joblib").read_bytes()
    version = sklearn.__version__.encode()
    other = b"0" + version[1:]
    assert data.count(version) == 1
    (tmp_path / "m.joblib").write_bytes(data.replace(version, other))
    with pytest.warns(UserWarning, match=rf"m\.joblib: was written by scikit-learn {other.decode()}, read by"):
        found = load_estimator(tmp_path / "m.joblib")
    assert np.array_equal(found.predict(X), tree.predict(X))


def test_an_estimator_outside_the_list_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UntrustedModel, match="KNeighborsClassifier"):
        save_estimator(KNeighborsClassifier().fit(X, Y), tmp_path / "m.joblib")
    with pytest.raises(UntrustedModel, match="FunctionTransformer"):
        save_estimator(make_pipeline(FunctionTransformer(), LogisticRegression()).fit(X, Y), tmp_path / "m.joblib")
    with pytest.raises(ModelError, match="type dict, not a model"):
        save_estimator({"a": 1}, tmp_path / "m.joblib")
    assert list(tmp_path.iterdir()) == []


# Hostile files. Each would make a marker file if anything in it ran.


class Call:
    """Pickles to a call of any function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function = function
        self.arguments = arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.function, self.arguments


def payloads(marker: Path) -> dict[str, tuple[object, str]]:
    """What to pickle, and the name the refusal must give."""
    unpickle = pickle.loads  # noqa: TID251 - only named, never called
    touch = f"open({str(marker)!r}, 'w').close()"
    shell = f"touch '{marker}'"
    return {
        "os.system": (Call(os.system, shell), r"(posix|nt)\.system"),
        "eval": (Call(eval, touch), r"builtins\.eval"),
        "exec": (Call(exec, touch), r"builtins\.exec"),
        "Popen": (Call(subprocess.Popen, ["touch", str(marker)]), r"subprocess\.Popen"),
        "getattr": (Call(getattr, Call(__import__, "os"), "system"), r"builtins\.getattr"),
        "import": (Call(__import__, "antigravity"), r"builtins\.__import__"),
        "pickle in pickle": (Call(unpickle, pickle.dumps(Call(os.system, shell))), r"_pickle\.loads"),
        "joblib in joblib": (Call(joblib.load, str(marker)), r"joblib\.numpy_pickle\.load"),  # noqa: TID251 - not called
        "inside a list": ([1, {"a": (Call(os.system, shell),)}], r"(posix|nt)\.system"),
        "numpy's tester": (Call(np.testing.assert_equal, 1, 1), r"numpy\.testing"),
    }


NAMES = list(payloads(Path("marker")))


@pytest.mark.parametrize(
    "writer", [joblib.dump, lambda o, p: p.write_bytes(pickle.dumps(o, 4))], ids=["joblib", "pickle"]
)
@pytest.mark.parametrize("name", NAMES)
def test_calls_are_refused_by_name_and_not_made(
    tmp_path: Path, name: str, writer: Callable[[object, Path], None]
) -> None:
    marker = tmp_path / "marker"
    payload, said = payloads(marker)[name]
    writer(payload, tmp_path / "m.joblib")
    with pytest.raises(UntrustedModel, match=said) as caught:
        load_estimator(tmp_path / "m.joblib")
    assert str(caught.value).startswith(str(tmp_path / "m.joblib"))
    assert not marker.exists()


def test_the_payloads_would_run_if_they_were_loaded(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    for name in ("os.system", "eval", "pickle in pickle"):
        pickle.loads(pickle.dumps(payloads(marker)[name][0], 4))  # noqa: S301, TID251 - shows that the test can fail
        assert marker.exists(), name
        marker.unlink()


@pytest.mark.parametrize("name", NAMES)
def test_calls_inside_a_real_model_are_refused(tmp_path: Path, tree: Any, name: str) -> None:
    marker = tmp_path / "marker"
    model = clone(tree).fit(X, Y)
    model.extra = payloads(marker)[name][0]
    joblib.dump(model, tmp_path / "m.joblib")
    with pytest.raises(UntrustedModel):
        load_estimator(tmp_path / "m.joblib")
    assert not marker.exists()


@pytest.mark.parametrize("name", NAMES)
def test_calls_nested_in_an_array_of_objects_are_refused(tmp_path: Path, tree: Any, name: str) -> None:
    marker = tmp_path / "marker"
    model = clone(tree).fit(X, Y)
    payload = np.empty(1, dtype=object)
    payload[0], said = payloads(marker)[name]
    model.classes_ = payload
    joblib.dump(model, tmp_path / "m.joblib")
    with pytest.raises(UntrustedModel, match=said):
        load_estimator(tmp_path / "m.joblib")
    assert not marker.exists()


def test_a_dotted_name_is_not_followed(tmp_path: Path) -> None:
    # STACK_GLOBAL of an allowed module with a path through an allowed class.
    for module, name in (("sklearn.tree._classes", "DecisionTreeClassifier.fit"), ("sklearn.pipeline", "os.system")):
        data = b"\x80\x04" + b"".join(b"\x8c" + bytes([len(t)]) + t.encode() for t in (module, name)) + b"\x93."
        (tmp_path / "m.joblib").write_bytes(data)
        with pytest.raises(UntrustedModel, match=name.replace(".", r"\.")):
            load_estimator(tmp_path / "m.joblib")


def short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def glob(module: str, name: str) -> bytes:
    return short(module) + short(name) + b"\x93"


TREE = glob("sklearn.tree._classes", "DecisionTreeClassifier")
OPEN = b"\x80\x04"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        # Sets attributes of a class, not of an instance.
        (OPEN + TREE + b"N}" + short("predict") + b"N\x73\x86b.", "Global|state"),
        (OPEN + TREE + b"}" + short("predict") + b"Nsb.", "Global|state"),
        # An instance whose method is replaced, whose class is changed, whose slots are set.
        (OPEN + TREE + b")\x81}" + short("predict") + b"Nsb.", r"replaces DecisionTreeClassifier\.predict"),
        (OPEN + TREE + b")\x81}" + short("__class__") + b"Nsb.", r"replaces DecisionTreeClassifier\.__class__"),
        (OPEN + TREE + b")\x81N}" + short("a") + b"Ns\x86b.", "not a dictionary"),
        # Constructors and other calls of allowed names.
        (OPEN + TREE + b")R.", "calls sklearn"),
        (OPEN + TREE + b"K\x01\x85\x81.", "makes an object of sklearn"),
        (OPEN + glob("numpy", "ndarray") + b"K\x05\x85R.", r"calls numpy\.ndarray"),
        (OPEN + glob("numpy", "ndarray") + b"K\x05\x85\x81.", r"makes an object of numpy\.ndarray"),
        (OPEN + b"K\x05)R.", "calls an object of type int"),
        # Items put into things that are neither list nor dictionary.
        (OPEN + TREE + b")\x81K\x01K\x02s.", "changes an object of type DecisionTreeClassifier"),
        (OPEN + TREE + b")\x81K\x01a.", "changes an object of type DecisionTreeClassifier"),
        # Instructions that no model needs: extension registry, persistent names, old-style instances.
        (OPEN + b"\x82\x01.", "instruction EXT1"),
        (OPEN + b"K\x01Q.", "instruction BINPERSID"),
        (OPEN + b"(ios\nsystem\n.", "instruction INST"),
        (OPEN + b"(" + TREE + b"o.", "instruction OBJ"),
        (OPEN + b"\x96" + struct.pack("<Q", 2**62) + b".", "damaged|instruction BYTEARRAY8"),
        # Keys that take for ever to hash.
        (OPEN + b"})K\x01s.", "dictionary key of type tuple"),
        # Old names for the same danger.
        (OPEN + b"cos\nsystem\n.", r"os\.system"),
    ],
)
def test_tricks_with_allowed_names_are_refused(tmp_path: Path, program: bytes, said: str) -> None:
    (tmp_path / "m.joblib").write_bytes(program)
    with pytest.raises(ModelError, match=said):
        load_estimator(tmp_path / "m.joblib")
    assert callable(DecisionTreeClassifier.predict)


def dtype_state(kind: str, flags: int, names: object = None, fields: object = None) -> Call:
    class Dtype(Call):
        def __reduce__(self) -> Any:
            return np.dtype, (kind, False, True), (3, "|", None, names, fields, 8, 8, flags)

    return Dtype(None)


def array_of(dtype: object, content: object, shape: tuple[int, ...] = (1,)) -> Call:
    class Array(Call):
        def __reduce__(self) -> Any:
            from numpy._core.multiarray import _reconstruct

            return _reconstruct, (np.ndarray, (0,), b"b"), (1, shape, dtype, False, content)

    return Array(None)


@pytest.mark.parametrize(
    "payload",
    [
        # Objects that claim to be plain bytes: numpy would take the bytes for addresses.
        array_of(dtype_state("O8", 0), b"\x41" * 8),
        array_of(dtype_state("V8", 0, ("a",), {"a": (dtype_state("O8", 0), 0)}), b"\x41" * 8),
        array_of(dtype_state("O8", 63), [1]),
        array_of(dtype_state("M8", 0), b"\x41" * 8),
    ],
    ids=["objects as bytes", "a field of objects as bytes", "objects", "dates"],
)
def test_arrays_of_anything_but_numbers_and_text_are_refused(tmp_path: Path, payload: object) -> None:
    (tmp_path / "m.joblib").write_bytes(pickle.dumps(payload, 4))
    with pytest.raises(UntrustedModel, match="array"):
        load_estimator(tmp_path / "m.joblib")


@pytest.mark.parametrize(
    "payload",
    [
        array_of(np.dtype("f8"), b"\x41" * 7),
        array_of(np.dtype("f8"), b"\x41" * 8, (-1,)),
        array_of(np.dtype("f8"), b"\x41" * 8, (2**40, 2**40)),
        array_of(dtype_state("V8", 0, ("a",), {"a": (np.dtype("f8"), 4)}), b"\x41" * 8),
    ],
    ids=["too short", "negative", "huge", "field beyond the end"],
)
def test_arrays_that_do_not_have_their_bytes_are_refused(tmp_path: Path, payload: object) -> None:
    (tmp_path / "m.joblib").write_bytes(pickle.dumps(payload, 4))
    with pytest.raises(ModelError, match="is damaged"):
        load_estimator(tmp_path / "m.joblib")


def test_a_wrapped_array_longer_than_the_file_is_refused_before_memory_is_taken(tmp_path: Path, tree: Any) -> None:
    joblib.dump(tree, tmp_path / "m.joblib")
    data = (tmp_path / "m.joblib").read_bytes()
    # The shape of the class names, (3,), becomes (2**31 - 1,).
    at = data.index(b"K\x03\x85")
    (tmp_path / "m.joblib").write_bytes(data[:at] + b"J\xff\xff\xff\x7f\x85" + data[at + 3 :])
    with pytest.raises(ModelError, match="cut short"):
        load_estimator(tmp_path / "m.joblib")


def change_state(model: Any, change: Callable[[dict[str, Any]], None]) -> Any:
    """A tree whose pickled nodes are changed, as in an edited file."""
    from sklearn.tree._tree import Tree

    state = model.tree_.__getstate__()
    state = {**state, "nodes": state["nodes"].copy(), "values": state["values"].copy()}
    change(state)
    arguments = model.tree_.__reduce__()[1]

    class Edited(Call):
        def __reduce__(self) -> Any:
            return Tree, arguments, state

    copied = clone(model)
    vars(copied).update(vars(model))
    copied.tree_ = Edited(None)
    return copied


def node(field: str, index: int, value: int) -> Callable[[dict[str, Any]], None]:
    def change(state: dict[str, Any]) -> None:
        state["nodes"][field][index] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (node("left_child", 0, 10**6), "lead outside"),
        (node("right_child", 0, -5), "lead outside"),
        (node("left_child", 1, 0), "lead outside"),
        (node("feature", 0, 5), "feature that does not exist"),
        (node("feature", 0, -7), "feature that does not exist"),
        (lambda s: s.update(node_count=10**6), "contradict"),
        (lambda s: s.update(values=s["values"][:1]), "values do not have the shape"),
        (lambda s: s.update(values=s["values"].astype("f4")), "values do not have the shape"),
        (lambda s: s.update(nodes=s["nodes"][:0], node_count=0), "without nodes"),
    ],
    ids=["left", "right", "circle", "feature", "negative feature", "count", "values", "value type", "empty"],
)
def test_a_tree_that_would_read_outside_itself_is_refused(
    tmp_path: Path, tree: Any, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    joblib.dump(change_state(tree, change), tmp_path / "m.joblib")
    with pytest.raises(ModelError, match=said):
        load_estimator(tmp_path / "m.joblib")


def test_a_tree_that_never_got_its_nodes_is_refused(tmp_path: Path, tree: Any) -> None:
    model = clone(tree)
    vars(model).update(vars(tree))
    model.tree_ = Call(type(tree.tree_), *tree.tree_.__reduce__()[1])
    joblib.dump(model, tmp_path / "m.joblib")
    with pytest.raises(ModelError, match="tree without nodes"):
        load_estimator(tmp_path / "m.joblib")


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [
        ("tree", "n_features_in_", np.arange(5)),
        ("tree", "tree_", "a tree"),
        ("boosting", "_predictors", 7),
        ("boosting", "_predictors", [[None]]),
        ("pipeline", "steps", []),
        ("pipeline", "steps", 3),
    ],
)
def test_models_with_parts_of_the_wrong_kind_are_refused(
    tmp_path: Path, name: str, attribute: str, value: object
) -> None:
    model = clone(CLASSIFIERS[name]).fit(X, Y)
    vars(model)[attribute] = value
    joblib.dump(model, tmp_path / "m.joblib")
    with pytest.raises(ModelError, match=r"parts missing|not a model that predicts"):
        load_estimator(tmp_path / "m.joblib")


def test_a_tree_in_a_model_of_fewer_features_is_refused(tmp_path: Path, tree: Any) -> None:
    model = change_state(tree, lambda _: None)
    model.n_features_in_ = 3
    joblib.dump(model, tmp_path / "m.joblib")
    with pytest.raises(ModelError, match="a tree of 5 features in a model of 3"):
        load_estimator(tmp_path / "m.joblib")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("left", 10**6, "lead outside"),
        ("right", 0, "lead outside"),
        ("feature_idx", 5, "beyond the model's 5"),
        ("feature_idx", -1, "feature that does not exist"),
        ("is_categorical", 1, "categorical"),
    ],
)
def test_a_boosted_tree_that_would_read_outside_itself_is_refused(
    tmp_path: Path, field: str, value: int, said: str
) -> None:
    model = clone(CLASSIFIERS["boosting"]).fit(X, Y)
    nodes = model._predictors[0][0].nodes
    nodes[field][0] = value
    joblib.dump(model, tmp_path / "m.joblib")
    with pytest.raises(ModelError, match=said):
        load_estimator(tmp_path / "m.joblib")


def bombs() -> dict[str, bytes]:
    zeros = b"\x80\x04" + b"\0" * 20_000_000
    return {"zlib": zlib.compress(zeros), "gzip": gzip.compress(zeros), "xz": lzma.compress(zeros)}


@pytest.mark.parametrize("kind", ["zlib", "gzip", "xz"])
def test_a_compressed_bomb_is_refused_at_the_limit(tmp_path: Path, kind: str) -> None:
    (tmp_path / "m.joblib").write_bytes(bombs()[kind])
    with pytest.raises(ModelError, match="larger than 1 MiB"):
        load_estimator(tmp_path / "m.joblib", max_bytes=2**20)


def test_a_large_file_is_refused_at_the_limit(tmp_path: Path, tree: Any) -> None:
    joblib.dump(tree, tmp_path / "m.joblib")
    with pytest.raises(ModelError, match="larger than"):
        load_estimator(tmp_path / "m.joblib", max_bytes=100)


def test_a_file_cut_anywhere_is_refused(tmp_path: Path, tree: Any) -> None:
    joblib.dump(tree, tmp_path / "whole.joblib")
    data = (tmp_path / "whole.joblib").read_bytes()
    for end in range(0, len(data), 7):
        (tmp_path / "m.joblib").write_bytes(data[:end])
        with pytest.raises(ModelError):
            load_estimator(tmp_path / "m.joblib")


def test_a_compressed_file_cut_anywhere_is_refused(tmp_path: Path, tree: Any) -> None:
    for compress in (("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)):
        joblib.dump(tree, tmp_path / "whole.joblib", compress=compress)
        data = (tmp_path / "whole.joblib").read_bytes()
        for end in range(1, len(data) - 40, 97):
            (tmp_path / "m.joblib").write_bytes(data[:end])
            with pytest.raises(ModelError):
                load_estimator(tmp_path / "m.joblib")


_DUMPED = io.BytesIO()
joblib.dump(DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, Y), _DUMPED)


@settings(max_examples=300)
@pytest.mark.filterwarnings("ignore:.*was written by scikit-learn")
@given(st.lists(st.tuples(st.integers(0, len(_DUMPED.getvalue()) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_files_are_explained_or_still_models(tmp_path_factory: Any, edits: list[tuple[int, int]]) -> None:
    data = bytearray(_DUMPED.getvalue())
    for at, value in edits:
        data[at] = value
    file = tmp_path_factory.getbasetemp() / "damaged.joblib"
    file.write_bytes(data)
    try:
        model = load_estimator(file)
    except ModelError:
        return
    # Whatever passed the checks may predict nonsense, but stays inside its arrays: a crash would end the test run.
    tree = getattr(model, "tree_", None)
    if tree is not None and tree.n_features == X.shape[1]:
        assert len(tree.predict(X.astype(np.float32))) == len(X)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"feature,label\n1,high\n", "is not a joblib file"),
        (b"\x93NUMPY", "is not a joblib file"),
        (b"\x80\x04", "damaged or not a joblib file"),
        (b"\x80\x04N.", "type NoneType, not a model"),
        (b"\x80\x09N.", "protocol 9"),
        (b"\x78\x9c rubbish", "compressed and damaged"),
        (b"\x1f\x8b rubbish", "compressed and damaged"),
        (b"ZF0x00000", "format that is not read"),
    ],
)
def test_what_is_no_model_is_explained(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "m.joblib").write_bytes(content)
    with pytest.raises(ModelError, match=said):
        load_estimator(tmp_path / "m.joblib")


def test_a_missing_file_and_a_folder_are_explained(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.joblib: there is no such file"):
        load_estimator(tmp_path / "gone.joblib")
    with pytest.raises(ModelError, match="cannot be read"):
        load_estimator(tmp_path)


def test_models_do_not_share_arrays_with_the_file(tmp_path: Path, tree: Any) -> None:
    joblib.dump(tree, tmp_path / "m.joblib")
    found = load_estimator(tmp_path / "m.joblib")
    classes: NDArray[Any] = found.classes_
    assert classes.flags.writeable
    assert not isinstance(classes, np.memmap)
