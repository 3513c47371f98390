"""A reader of joblib files that runs nothing the file asks for.

A pickle is a program for a small stack machine, and ``pickle.load`` executes it. This module executes only the part
that describes data: numbers, strings, lists, dictionaries, arrays, and objects of the classes on an allow-list, made
without calling their constructors. A name in the file stays a :class:`Global` (two strings) until the allow-list gives
it a meaning, so nothing is ever imported because a file said so.

joblib writes arrays outside the pickle: an object of ``NumpyArrayWrapper`` describes one, and its bytes follow the
BUILD instruction that completes the description. Arrays of objects follow as a second, complete pickle, which older
joblib hands to plain ``pickle.load``; here it goes through the same reader with no classes at all.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from footage.errors import ModelError, UntrustedModel
from footage.persistence._arrays import (
    SCALARS,
    array_from_bytes,
    byte_count,
    check_dtype,
    complete_dtype,
    object_array,
    plain_dtype,
    scalar,
)


@dataclass(frozen=True, slots=True)
class Global:
    """A name in a pickle: a statement about something, not the thing."""

    module: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What a pickle may ask for besides plain data and numpy arrays.

    Attributes:
        calls: functions that stand in for the callables a pickle names; each checks its own arguments.
        classes: classes of which empty instances may be made.
        set_state: completes an instance with the state the file holds; raises ModelError when the state is not sound.
    """

    calls: Mapping[Global, Callable[..., object]] = field(default_factory=dict)
    classes: Mapping[Global, type] = field(default_factory=dict)
    set_state: Callable[[object, object], None] | None = None


@dataclass(slots=True)
class _Pending:
    """Something whose content comes with a later BUILD; the memo may already refer to it."""

    kind: str
    value: object = None


_NDARRAY = Global("numpy", "ndarray")
_WRAPPER = Global("joblib.numpy_pickle", "NumpyArrayWrapper")
_DTYPE = Global("numpy", "dtype")
_RECONSTRUCT = [Global(f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")]
_SCALAR = [Global(f"numpy.{core}.multiarray", "scalar") for core in ("core", "_core")]
_FROMBUFFER = [Global(f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")]
_NUMPY = {_NDARRAY, _WRAPPER, _DTYPE, *_RECONSTRUCT, *_SCALAR, *_FROMBUFFER}

_LITERALS: dict[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_PUSHES_ARGUMENT = frozenset(
    (
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "BINFLOAT",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
    )
)
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_joblib(data: bytes, allowed: Allowed) -> object:
    """Rebuild the one object in an uncompressed joblib (or plain pickle) file.

    Raises:
        UntrustedModel: the file asks for a name, an instruction or a memory layout outside the allow-list.
        ModelError: the file is cut short, damaged, or not a pickle.
    """
    try:
        return _Machine(io.BytesIO(data), len(data), allowed).run()
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        OverflowError,
        MemoryError,
        RecursionError,
    ) as error:
        raise ModelError(f"is damaged or not a joblib file ({error})") from error


class _Machine:
    """The stack machine of one pickle."""

    def __init__(self, stream: io.BytesIO, size: int, allowed: Allowed, *, objects_only: bool = False) -> None:
        self._stream = stream
        self._size = size
        self._allowed = allowed
        self._plain_only = objects_only
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, object] = {}

    def run(self) -> object:
        """Execute to STOP and return what lies on the stack."""
        for opcode, argument, _ in pickletools.genops(self._stream):
            name = opcode.name
            if name == "STOP":
                return self._plain(self._stack.pop())
            self._step(name, argument)
        raise ModelError("is cut short")

    def _step(self, name: str, argument: Any) -> None:
        if name in _PUSHES_ARGUMENT:
            self._stack.append(argument)
        elif name in _LITERALS:
            self._stack.append(_LITERALS[name])
        elif name in _TUPLES:
            self._collapse(len(self._stack) - _TUPLES[name])
        else:
            action = getattr(self, f"_do_{name.lower()}", None)
            if action is None:
                raise UntrustedModel(f"uses the pickle instruction {name}, which no model file of ours needs")
            action(argument)

    @staticmethod
    def _plain(value: object) -> object:
        """A pending value once it is complete."""
        if isinstance(value, _Pending):
            if value.value is None:
                raise ModelError("holds an array or type that is never completed")
            return value.value
        return value

    def _pop_mark(self) -> list[Any]:
        start = self._marks.pop()
        items = [self._plain(item) for item in self._stack[start:]]
        del self._stack[start:]
        return items

    def _collapse(self, start: int) -> None:
        if start < 0:
            raise ModelError("is damaged: a tuple is longer than the stack")
        items = tuple(self._plain(item) for item in self._stack[start:])
        self._stack[start:] = [items]

    def _do_proto(self, version: int) -> None:
        if version not in range(2, 6):
            raise ModelError(f"is written in pickle protocol {version}, expected 2 to 5")

    def _do_frame(self, size: int) -> None:
        """Frames only help buffering; the length is not needed."""

    def _do_mark(self, _: None) -> None:
        self._marks.append(len(self._stack))

    def _do_tuple(self, _: None) -> None:
        items = self._pop_mark()
        self._stack.append(tuple(items))

    def _do_empty_list(self, _: None) -> None:
        self._stack.append([])

    def _do_empty_dict(self, _: None) -> None:
        self._stack.append({})

    def _do_append(self, _: None) -> None:
        item = self._plain(self._stack.pop())
        self._top(list).append(item)

    def _do_appends(self, _: None) -> None:
        items = self._pop_mark()
        self._top(list).extend(items)

    def _do_setitem(self, _: None) -> None:
        value, key = self._plain(self._stack.pop()), self._stack.pop()
        self._set_items([key, value])

    def _do_setitems(self, _: None) -> None:
        self._set_items(self._pop_mark())

    def _set_items(self, items: list[Any]) -> None:
        target = self._top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Tuples as keys could nest so that hashing one takes for ever.
            if not isinstance(key, SCALARS):
                raise UntrustedModel(f"has a dictionary key of type {type(key).__name__}")
            target[key] = value

    def _top(self, kind: type) -> Any:
        top = self._stack[-1]
        if type(top) is not kind:
            raise UntrustedModel(f"changes an object of type {type(top).__name__} as if it were a {kind.__name__}")
        return top

    def _do_pop(self, _: None) -> None:
        self._stack.pop()

    def _do_memoize(self, _: None) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _do_binput(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    _do_long_binput = _do_binput

    def _do_binget(self, index: int) -> None:
        value = self._memo[index]
        self._stack.append(value.value if isinstance(value, _Pending) and value.value is not None else value)

    _do_long_binget = _do_binget

    def _do_global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._push_global(module, name)

    def _do_stack_global(self, _: None) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._push_global(module, name)

    def _push_global(self, module: object, name: object) -> None:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise ModelError("is damaged: a name is not text")
        found = Global(module, name)
        if found not in _NUMPY and found not in self._allowed.calls and found not in self._allowed.classes:
            raise UntrustedModel(
                f"asks for {module}.{name}, which no model file of ours needs; nothing was executed",
                remedy="use a model file that you made yourself or that footage wrote",
            )
        self._stack.append(found)

    def _do_reduce(self, _: None) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        if not isinstance(function, Global) or type(arguments) is not tuple:
            raise UntrustedModel(f"calls an object of type {type(function).__name__}")
        if function == _DTYPE:
            result: object = _Pending("dtype", plain_dtype(arguments[0]))
        elif function in _RECONSTRUCT and arguments[0] == _NDARRAY:
            result = _Pending("array")
        elif function in _SCALAR:
            result = scalar(*arguments)
        elif function in _FROMBUFFER:
            buffer, dtype, shape, order = arguments
            result = array_from_bytes(buffer, dtype, shape, order)
        elif function in self._allowed.calls:
            result = self._allowed.calls[function](*arguments)
        else:
            raise UntrustedModel(f"calls {function.module}.{function.name}")
        self._stack.append(result)

    def _do_newobj(self, _: None) -> None:
        arguments, cls = self._stack.pop(), self._stack.pop()
        if cls == _WRAPPER and arguments == ():
            self._stack.append(_Pending("joblib array"))
        elif isinstance(cls, Global) and cls in self._allowed.classes and arguments == ():
            made = self._allowed.classes[cls]
            self._stack.append(object.__new__(made))
        else:
            shown = f"{cls.module}.{cls.name}" if isinstance(cls, Global) else type(cls).__name__
            raise UntrustedModel(f"makes an object of {shown} in a way that is not allowed")

    def _do_build(self, _: None) -> None:
        state, target = self._plain(self._stack.pop()), self._stack[-1]
        if isinstance(target, _Pending):
            target.value = self._complete(target, state)
            self._stack[-1] = target.value
        elif self._allowed.set_state is not None:
            self._allowed.set_state(target, state)
        else:
            raise UntrustedModel(f"sets the state of an object of type {type(target).__name__}")

    def _complete(self, target: _Pending, state: Any) -> object:
        if target.kind == "dtype":
            return complete_dtype(target.value, state)
        if target.kind == "array":
            _, shape, dtype, fortran, content = state
            if isinstance(dtype, np.dtype) and dtype.kind == "O" and self._plain_only:
                return object_array(content, shape)
            return array_from_bytes(content, dtype, shape, "F" if fortran else "C")
        return self._read_wrapped(state)

    def _read_wrapped(self, state: Any) -> NDArray[Any]:
        """Read the array whose bytes follow a joblib wrapper."""
        if self._plain_only or not isinstance(state, dict) or state.get("subclass") != _NDARRAY:
            raise UntrustedModel("holds an array of a kind that is not a plain numpy array")
        dtype, shape, order = self._plain(state["dtype"]), state["shape"], state["order"]
        if isinstance(dtype, np.dtype) and dtype.kind == "O":
            nested = _Machine(self._stream, self._size, Allowed(), objects_only=True).run()
            if not isinstance(nested, np.ndarray) or nested.shape != shape:
                raise ModelError("holds an array of objects that is not what it says")
            return nested
        checked = check_dtype(dtype)
        if state.get("numpy_array_alignment_bytes") is not None:
            self._read_exactly(self._read_exactly(1)[0])
        return array_from_bytes(self._read_exactly(byte_count(checked, shape)), checked, shape, order)

    def _read_exactly(self, count: int) -> bytes:
        # Asked before reading, so that a false shape cannot make numpy allocate more than the file holds.
        if count > self._size - self._stream.tell():
            raise ModelError("is cut short: an array ends beyond the end of the file")
        return self._stream.read(count)
