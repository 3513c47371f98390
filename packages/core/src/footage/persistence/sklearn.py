"""scikit-learn models in ``.joblib`` files, read without executing them.

``joblib.load`` runs whatever a file says. :func:`load_estimator` understands the files that ``joblib.dump`` writes for
the estimators listed here, and refuses every other one by the name of what it asks for. Decision trees are also checked
node by node, because scikit-learn follows their child and feature indices without looking.
"""

from __future__ import annotations

import bz2
import gzip
import importlib
import inspect
import io
import lzma
import warnings
import zlib
from collections.abc import Callable
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from joblib.numpy_pickle import NumpyPickler
from sklearn.base import BaseEstimator

from footage.errors import ModelError, UntrustedModel, printable
from footage.persistence._pickle import Allowed, Global, read_joblib
from footage.persistence._trees import check_features, check_predictor_nodes, check_tree_state, make_tree
from footage.runs.files import atomic_write_bytes

MAX_BYTES = 512 * 2**20
"""Largest model read, counted after decompression."""

_CLASSES = {
    "sklearn.tree._classes": (
        "DecisionTreeClassifier",
        "DecisionTreeRegressor",
        "ExtraTreeClassifier",
        "ExtraTreeRegressor",
    ),
    "sklearn.ensemble._forest": (
        "RandomForestClassifier",
        "RandomForestRegressor",
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
    ),
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting": (
        "HistGradientBoostingClassifier",
        "HistGradientBoostingRegressor",
    ),
    "sklearn.ensemble._hist_gradient_boosting.binning": ("_BinMapper",),
    "sklearn.ensemble._hist_gradient_boosting.predictor": ("TreePredictor",),
    "sklearn._loss.loss": ("HalfBinomialLoss", "HalfMultinomialLoss", "HalfSquaredError"),
    "sklearn._loss.link": ("Interval", "IdentityLink", "LogitLink", "MultinomialLogit"),
    "sklearn.linear_model._logistic": ("LogisticRegression",),
    "sklearn.preprocessing._data": ("StandardScaler",),
    "sklearn.preprocessing._label": ("LabelEncoder",),
    "sklearn.pipeline": ("Pipeline",),
    "sklearn.calibration": ("CalibratedClassifierCV", "_CalibratedClassifier", "_SigmoidCalibration"),
    "sklearn.isotonic": ("IsotonicRegression",),
    "sklearn.dummy": ("DummyClassifier",),
}
_LOSSES = ("CyHalfBinomialLoss", "CyHalfMultinomialLoss", "CyHalfSquaredError")
_LOSS_MODULE = "sklearn._loss._loss"


class SpentGenerator:
    """Stands where a model file kept a random generator: a loaded model predicts, it does not go on training."""

    def __repr__(self) -> str:
        return "<a random generator that was not restored>"


def load_estimator(path: str | PathLike[str], *, max_bytes: int = MAX_BYTES) -> Any:
    """Read a scikit-learn estimator without executing anything the file asks for.

    Files written by ``joblib.dump`` (also compressed) are read for decision trees, forests, histogram gradient
    boosting, logistic regression, scalers, pipelines and calibration of these. Generators in them are not restored.

    Args:
        path: the ``.joblib`` file.
        max_bytes: largest content accepted, after decompression.

    Raises:
        UntrustedModel: the file asks for something outside the allow-list; nothing in it was executed.
        ModelError: the file is missing, cut short, too large, not a model, or made by another version of scikit-learn
            in a way that this one cannot use. Another version that seems usable is a warning.
    """
    versions: set[str] = set()
    try:
        estimator = read_joblib(_content(Path(path), max_bytes), _allowed(versions))
        _check_estimator(estimator)
    except UntrustedModel as error:
        raise UntrustedModel(error.what, where=path, remedy=error.remedy) from error
    except ModelError as error:
        raise ModelError(error.what, where=path, remedy=error.remedy) from error
    for version in sorted(versions - {sklearn.__version__}):
        text = f"was written by scikit-learn {version}, read by {sklearn.__version__}: check its predictions"
        warnings.warn(printable(f"{fspath(path)}: {text}"), stacklevel=2)
    return estimator


def save_estimator(estimator: object, path: str | PathLike[str]) -> None:
    """Write an estimator as ``joblib.dump`` does, complete or not at all; the same estimator gives the same bytes.

    The bytes are read back through the allow-list first, so that no file is written that cannot be read.

    Raises:
        UntrustedModel: the estimator holds something outside the allow-list.
        OSError: the folder is missing or not writable, or the disk is full.
    """
    buffer = io.BytesIO()
    pickler = _TidyPickler(buffer, protocol=4)
    # Without back references: which of two equal strings are one object depends on what the process did before.
    pickler.fast = True
    pickler.dump(estimator)
    data = buffer.getvalue()
    _check_estimator(read_joblib(data, _allowed(set())))
    atomic_write_bytes(path, data)


class _TidyPickler(NumpyPickler):  # type: ignore[misc]  # joblib comes without types
    """Writes what ``joblib.dump`` writes, with zeros in the gaps between the fields of tree nodes.

    scikit-learn leaves there whatever the memory held before, and joblib copies field by field into a buffer that is
    not cleared either, so equal trees would differ on disk.
    """

    def save(self, obj: object) -> None:
        if type(obj) is not np.ndarray or obj.dtype.names is None:
            super().save(obj)
            return
        tidy = np.zeros(obj.shape, obj.dtype, order="C")
        for name in obj.dtype.names:
            tidy[name] = obj[name]
        # The same three steps as in the base class, except that the bytes go out as they are, gaps included.
        wrapper = self._create_array_wrapper(tidy)
        super().save(wrapper)
        self.framer.commit_frame(force=True)
        wrapper.write_array(tidy.view(f"V{tidy.itemsize}"), self)


def _content(path: Path, max_bytes: int) -> bytes:
    """The file's content, decompressed, at most ``max_bytes`` long."""
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise ModelError("there is no such file") from error
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror})") from error
    if not data:
        raise ModelError("is empty")
    opener = _decompressor(data)
    if opener is not None:
        try:
            data = opener(data, max_bytes + 1)
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            raise ModelError(f"is compressed and damaged ({error})") from error
    if len(data) > max_bytes:
        raise ModelError(f"is larger than {max_bytes / 2**20:.0f} MiB", remedy="check that it is a model file")
    if data[:1] != b"\x80":
        raise ModelError("is not a joblib file", remedy="give the .joblib file that a training run wrote")
    return data


def _decompressor(data: bytes) -> Callable[[bytes, int], bytes] | None:
    """The function that reads at most so many bytes from a compressed file, by the file's first bytes."""
    if data.startswith((b"\x04\x22\x4d\x18", b"ZF")):
        raise ModelError("is compressed in a format that is not read here", remedy="save it again without compression")
    openers: dict[bytes, Callable[[bytes, int], bytes]] = {
        b"\x1f\x8b": lambda raw, limit: gzip.GzipFile(fileobj=io.BytesIO(raw)).read(limit),
        b"\x78": lambda raw, limit: zlib.decompressobj().decompress(raw, limit),
        b"BZh": lambda raw, limit: bz2.BZ2Decompressor().decompress(raw, limit),
        # The memory limit is for headers that claim a dictionary of gigabytes.
        b"\xfd7zXZ": lambda raw, limit: lzma.LZMADecompressor(memlimit=2**28).decompress(raw, limit),
        b"\x5d\x00": lambda raw, limit: lzma.LZMADecompressor(memlimit=2**28).decompress(raw, limit),
    }
    return next((opener for magic, opener in openers.items() if data.startswith(magic)), None)


def _allowed(versions: set[str]) -> Allowed:
    """The allow-list for the scikit-learn that is installed; versions that wrote the file are added to ``versions``."""
    classes = {
        Global(module, name): getattr(importlib.import_module(module), name)
        for module, names in _CLASSES.items()
        for name in names
    }
    calls: dict[Global, Callable[..., object]] = {Global("sklearn.tree._tree", "Tree"): make_tree}
    losses = importlib.import_module(_LOSS_MODULE)
    for name in _LOSSES:
        calls[Global(_LOSS_MODULE, name)] = getattr(losses, name)
        calls[Global(_LOSS_MODULE, f"__pyx_unpickle_{name}")] = _loss_maker(getattr(losses, name))
    for module, name in (
        ("numpy.random._pickle", "__bit_generator_ctor"),
        ("numpy.random._pickle", "__generator_ctor"),
        ("numpy.random._pickle", "__randomstate_ctor"),
        ("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"),
    ):
        calls[Global(module, name)] = lambda *_: SpentGenerator()
    for module, name in (
        ("numpy.random._pcg64", "PCG64"),
        ("numpy.random._mt19937", "MT19937"),
        ("numpy.random.bit_generator", "SeedSequence"),
    ):
        calls[Global(module, name)] = _refuse_call
    return Allowed(calls=calls, classes=classes, set_state=lambda target, state: _set_state(target, state, versions))


def _refuse_call(*_: object) -> object:
    raise UntrustedModel("calls a class that it may only mention")


def _loss_maker(loss: type) -> Callable[..., object]:
    def make(named: object, _checksum: object, _state: object) -> object:
        if named != Global(_LOSS_MODULE, loss.__name__):
            raise UntrustedModel("makes a loss function of another kind than it names")
        return loss()

    return make


def _set_state(target: object, state: object, versions: set[str]) -> None:
    """Complete an object of an allowed class."""
    if isinstance(target, SpentGenerator):
        return
    kind = type(target)
    if type(target).__module__ == _LOSS_MODULE and state in ((), (None,), None):
        return
    if type(state) is not dict or not all(type(key) is str for key in state):
        raise UntrustedModel(f"gives a {kind.__name__} a state that is not a dictionary")
    if kind.__name__ == "Tree":
        check_tree_state(target, state)
    elif kind.__name__ == "TreePredictor":
        check_predictor_nodes(state.get("nodes"))
    for key in state:
        static = inspect.getattr_static(kind, key, None)
        if key.startswith("__") or callable(static) or isinstance(static, (property, classmethod, staticmethod)):
            raise UntrustedModel(f"replaces {kind.__name__}.{key}")
    if isinstance(target, BaseEstimator):
        versions.add(str(state.get("_sklearn_version", "of an unknown version")))
        # Noted above, so that one line of ours replaces a paragraph for every estimator inside.
        state["_sklearn_version"] = sklearn.__version__
    setter = getattr(target, "__setstate__", None)
    if setter is not None:
        setter(state)
    else:
        vars(target).update(state)


def _check_estimator(estimator: object) -> None:
    """The object is a model, and all trees in it fit the number of features it will let through."""
    try:
        _walk(estimator)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise ModelError(f"holds a model with parts missing or of the wrong kind ({error})") from error


def _walk(estimator: object) -> None:
    if not callable(getattr(estimator, "predict", None)):
        raise ModelError(f"holds an object of type {type(estimator).__name__}, not a model that predicts")
    seen: set[int] = set()
    waiting: list[object] = [estimator]
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, (str, bytes, int, float, np.generic, np.ndarray)):
            continue
        seen.add(id(item))
        if isinstance(item, (list, tuple)):
            waiting.extend(item)
        elif isinstance(item, dict):
            waiting.extend(item.values())
        elif type(item).__module__.startswith("sklearn."):
            check_features(item)
            waiting.extend(getattr(item, "__dict__", {}).values())
