"""What an ONNX file says about itself, read from its protobuf encoding before any runtime sees it.

Only as much is understood as it takes to know that it is an ONNX model and which other files it would make the runtime
open. The field numbers are those of onnx.proto3 (ONNX IR version 3 and later).
"""

from __future__ import annotations

from collections.abc import Iterator

from footage.errors import ModelError

# Message -> field number -> message inside. Tensors can stand in the graph, in the attributes of any node (constants,
# branches of If and Loop), in functions and in training information.
_NESTED: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def external_locations(data: bytes) -> list[str]:
    """Names of the other files an ONNX model keeps its weights in, sorted, as they stand in the model.

    Raises:
        ModelError: the bytes are not an ONNX model, or are cut short.
    """
    view = memoryview(data)
    top = {number for number, _ in _fields(view)}
    if not {1, 7} <= top:
        raise ModelError("is not an ONNX model", remedy="give the .onnx file that an export wrote")
    found: set[str] = set()
    waiting: list[tuple[str, memoryview]] = [("model", view)]
    while waiting:
        message, content = waiting.pop()
        inside = _NESTED[message]
        for number, value in _fields(content):
            kind = inside.get(number)
            if kind is None or isinstance(value, int):
                continue
            if kind == "entry":
                key, text = _entry(value)
                if key == "location":
                    found.add(text)
            else:
                waiting.append((kind, value))
    return sorted(found)


def _entry(content: memoryview) -> tuple[str, str]:
    parts = {number: bytes(value) for number, value in _fields(content) if not isinstance(value, int)}
    try:
        return parts.get(1, b"").decode("utf-8"), parts.get(2, b"").decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelError("is damaged: a file name in it is not UTF-8") from error


def _fields(content: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Field number and value of every field of one message; numbers of fixed width are skipped over as 0."""
    position, end = 0, len(content)
    while position < end:
        tag, position = _varint(content, position)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, position = _varint(content, position)
            yield number, value
            continue
        if wire == _BYTES:
            length, position = _varint(content, position)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ModelError("is not an ONNX model", remedy="give the .onnx file that an export wrote")
        if number == 0 or length > end - position:
            raise ModelError("is not an ONNX model, or is cut short", remedy="copy or export the file again")
        yield number, (content[position : position + length] if wire == _BYTES else 0)
        position += length


def _varint(content: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(content):
            raise ModelError("is not an ONNX model, or is cut short", remedy="copy or export the file again")
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ModelError("is not an ONNX model", remedy="give the .onnx file that an export wrote")
