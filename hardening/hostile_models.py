"""Every verb that loads a model, on every hostile model file: each is refused in one line, and none is executed.

``uv run python -m hardening.hostile_models`` prints the table and ends with 1 where anything in it is a fault. The
file comes with a manifest that gives its right hash, as an attacker would write it; what it would do, were it executed,
is to make a file, and that file must not be there afterwards.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import pickle
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hardening.commands import Outcome, run

MARKER = "executed"
BOMB_BYTES = 4 * 2**30
BLOCK = bytes(2**20)
"""What a bomb unpacks to; it must be refused or fail long before."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a verb made of a file.

    Attributes:
        outcome: in one word.
        why: what is wrong, where something is.
        line: what the verb said.
    """

    outcome: str
    why: str | None
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A verb and the model it loads.

    Attributes:
        verb: as typed.
        source: the folder of a good model, which is copied for each attack.
        model: the file in it that is replaced.
        arguments: of the verb, from the folder of the copy and a folder for what it writes.
        is_good: whether the verb takes the file as it is.
    """

    verb: str
    source: Path
    model: str
    arguments: Callable[[Path, Path], tuple[str | Path, ...]]
    is_good: bool = True


class _Opens:
    """Makes a file where it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.marker, "w")


def _pickled(marker: Path, protocol: int) -> bytes:
    return pickle.dumps({"state_dict": _Opens(marker)}, protocol=protocol)


def _zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"archive/{name}", data)
    return file.getvalue()


@cache
def _zip_bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("archive/version", b"3")
        with archive.open("archive/data.pkl", "w", force_zip64=True) as member:
            for _block in range(BOMB_BYTES // len(BLOCK)):
                member.write(BLOCK)
    return file.getvalue()


@cache
def _zlib_bomb() -> bytes:
    packer = zlib.compressobj(1)
    return b"".join(packer.compress(BLOCK) for _block in range(BOMB_BYTES // len(BLOCK))) + packer.flush()


def _external(place: str) -> bytes:
    """An ONNX model whose weights lie in another file."""
    from onnx import TensorProto, external_data_helper, helper, numpy_helper

    tensor = numpy_helper.from_array(np.zeros(16, np.float32), "weights")
    external_data_helper.set_external_data(tensor, place, offset=0, length=64)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    node = helper.make_node("Add", ["images", "weights"], ["probabilities"])
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [16]) for name in ("images", "probabilities")]
    graph = helper.make_graph([node], "hostile", value[:1], value[1:], [tensor])
    data: bytes = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    return data


GOOD = "nothing: the good file"
"""Not hostile: taken, which shows that the others are refused for what is hostile in them."""
Attack = Callable[[Path], bytes]
FILES: dict[str, Attack] = {
    "pickle, protocol 2": lambda marker: _pickled(marker, 2),
    "pickle, protocol 5": lambda marker: _pickled(marker, 5),
    "pickle in zlib, as joblib writes": lambda marker: zlib.compress(_pickled(marker, 4)),
    "pickle in gzip": lambda marker: gzip.compress(_pickled(marker, 4)),
    "zip as torch writes, pickle inside": lambda marker: _zipped(
        {"data.pkl": _pickled(marker, 2), "version": b"3", "byteorder": b"little"}
    ),
    "zip as TorchScript, code inside": lambda marker: _zipped(
        {"code/__torch__.py": b"op()", "constants.pkl": _pickled(marker, 2), "data.pkl": _pickled(marker, 2)}
    ),
    "zip bomb of 4 GiB": lambda _: _zip_bomb(),
    "zlib bomb of 4 GiB": lambda _: _zlib_bomb(),
    "ONNX, weights in ../secret": lambda _: _external("../secret"),
    "ONNX, weights at an absolute path": lambda _: _external("/etc/hostname"),
    "half of the good file": lambda _: b"",
    "a page of HTML": lambda _: b"<!doctype html><title>Sign in</title>" * 50,
    "random bytes": lambda _: hashlib.shake_256(b"noise").digest(5000),
    "nothing": lambda _: b"",
}
MANIFESTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "manifest with another hash": lambda manifest: {**manifest, "model_sha256": "0" * 64},
    "manifest of another file": lambda manifest: {**manifest, "model_file": "../../secret.onnx"},
    "manifest of another format": lambda manifest: {**manifest, "format_version": 999},
    "manifest that is a list": lambda manifest: [manifest],
    "manifest nested too deeply": lambda _: None,
}


def attacked(target: Target, attack: str, folder: Path, marker: Path) -> Path | None:
    """A copy of a good model with one thing hostile; None where the attack does not apply."""
    copy = folder / "model"
    shutil.copytree(target.source, copy)
    model = copy / target.model
    manifest = model.with_suffix(".json")
    if attack == GOOD:
        return copy if target.is_good else None
    if attack in FILES:
        data = FILES[attack](marker)
        model.write_bytes(model.read_bytes()[: model.stat().st_size // 2] if attack.startswith("half") else data)
        if manifest.is_file():
            _sign(manifest, model)
        return copy
    if not manifest.is_file():
        return None
    document = MANIFESTS[attack](json.loads(manifest.read_bytes()))
    manifest.write_text("[" * 100_000 if document is None else json.dumps(document))
    return copy


def _sign(manifest: Path, model: Path) -> None:
    document = json.loads(manifest.read_bytes())
    document["model_sha256"] = hashlib.sha256(model.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(document))


def matrix(targets: Sequence[Target], attacks: Sequence[str], folder: Path) -> Iterator[tuple[str, str, Cell]]:
    """Each target under each attack, as (attack, verb, cell)."""
    for attack in attacks:
        for target in targets:
            with tempfile.TemporaryDirectory(dir=folder) as place:
                marker = Path(place) / MARKER
                copy = attacked(target, attack, Path(place), marker)
                if copy is None:
                    continue
                given = target.arguments(copy, Path(place) / "out")
                ending = run(*target.verb.split(), *given, folder=folder)
                why = ending.fault
                if marker.exists():
                    why = "EXECUTED"
                elif why is None and (ending.outcome is Outcome.REFUSED) == (attack == GOOD):
                    why = f"exit code {ending.code}: {ending.errors.strip()[-200:]}"
                said = next((line for line in ending.errors.splitlines() if line.startswith("error: ")), "")
                line = said.removeprefix("error: ").replace(f"{place}/", "")
                yield attack, target.verb, Cell(Outcome.FAULT if why else ending.outcome, why, line)


def flexpatch_targets(folder: Path) -> list[Target]:
    """Verbs of flexpatch-train, with a model of its demo."""
    made = _demo("flexpatch-train", folder)
    video = made / "scene.mp4"
    detector = folder / "detector"
    detector.mkdir()
    for name in ("weights.onnx", "weights.pt"):
        (detector / name).write_bytes(b"good" * 100)
    model = "flexpatch_model.joblib"
    few = ("--max-frames", "5")
    return [
        Target(verb="flexpatch-train check", source=made, model=model, arguments=lambda copy, _: (copy / model,)),
        Target(
            verb="flexpatch-train run --weights",
            source=detector,
            model="weights.onnx",
            is_good=False,
            arguments=lambda copy, out: (copy / "weights.onnx", video, *few, "-o", out),
        ),
        Target(
            verb="flexpatch-train run --weights",
            source=detector,
            model="weights.pt",
            is_good=False,
            arguments=lambda copy, out: (copy / "weights.pt", video, *few, "-o", out),
        ),
        Target(
            verb="flexpatch-train watch --weights",
            source=detector,
            model="weights.onnx",
            is_good=False,
            arguments=lambda copy, out: (
                copy / "weights.onnx",
                video,
                "--model",
                made / model,
                *few,
                "-o",
                f"{out}.mp4",
            ),
        ),
    ]


def torch_targets(folder: Path) -> list[Target]:
    """Verbs of the trainers that learn networks, with models of their demos."""
    highlight, blur, video = (_demo(f"{name}-train", folder) for name in ("highlight", "blur", "video"))
    clip = next(highlight.glob("flights/**/*.mp4"))
    photo = next(blur.glob("dataset/test/**/*.jpg"))
    moving = next(video.glob("videos/**/*.mp4"))
    weights = folder / "weights"
    weights.mkdir()
    (weights / "weights.pth").write_bytes(b"good" * 100)

    def onnx(verb: str, source: Path, arguments: Callable[[Path, Path], tuple[str | Path, ...]]) -> Target:
        (model,) = source.glob("*.onnx")
        return Target(verb=verb, source=source, model=model.name, arguments=arguments)

    def fresh(verb: str, arguments: Callable[[Path, Path], tuple[str | Path, ...]]) -> Target:
        return Target(verb=verb, source=weights, model="weights.pth", arguments=arguments, is_good=False)

    shipped = next(path.parent for path in blur.rglob("class_names.json") if path.parent.name != "training")
    scored, clips = highlight / "training", video / "training"
    return [
        onnx("highlight-train test-video", scored, lambda copy, _: (clip, copy / "model.onnx")),
        onnx("highlight-train batch-classify", scored, lambda copy, out: (clip, copy / "model.onnx", out, "-j", "1")),
        onnx("highlight-train evaluate", scored, lambda copy, out: (copy / "model.onnx", "-o", out, "-j", "1")),
        fresh(
            "highlight-train train --weights",
            lambda copy, out: (copy / "weights.pth", highlight / "dataset", "--smoke", "-o", out),
        ),
        onnx("blur-train classify", shipped, lambda copy, out: (photo, "--model", copy, "-o", out, "-j", "1")),
        onnx(
            "blur-train evaluate",
            shipped,
            lambda copy, out: (blur / "dataset", "--model", copy, "-o", out, "-j", "1"),
        ),
        fresh(
            "blur-train train --weights",
            lambda copy, out: (copy / "weights.pth", blur / "dataset", "--backend", "resnet18", "--smoke", "-o", out),
        ),
        Target(
            verb="blur-train export",
            source=blur / "training",
            model="model.pth",
            arguments=lambda copy, out: (copy, out, "--dataset", blur / "dataset"),
        ),
        onnx("video-train predict", clips, lambda copy, _: (copy / "model.onnx", moving, "-j", "1")),
        onnx(
            "video-train evaluate",
            clips,
            lambda copy, out: (copy / "model.onnx", "--video-dir", video / "videos", "-o", out, "-j", "1"),
        ),
        onnx("video-train stream --model", clips, lambda copy, _: (copy / "model.onnx", moving, "--patience", "0.3")),
        Target(
            verb="video-train predict",
            source=clips,
            model="best_student.pt",
            arguments=lambda copy, _: (copy / "best_student.pt", moving, "-j", "1"),
        ),
        Target(
            verb="video-train export",
            source=clips,
            model="best_student.pt",
            arguments=lambda copy, out: (copy, out),
        ),
        fresh(
            "video-train train --student-weights",
            lambda copy, out: (
                *(copy / "weights.pth", "--video-dir", video / "videos", "--no-distill", "--smoke"),
                *("--image-size", "32", "-j", "1", "-o", out),
            ),
        ),
    ]


def _demo(tool: str, folder: Path) -> Path:
    ending = run(tool, "demo", "--smoke", "-o", folder / tool, folder=folder)
    if ending.code != 0:
        raise RuntimeError(f"{ending.command}: {ending.errors}")
    return folder / tool


def main() -> int:
    """Print the table; 1 where a verb took, executed or stumbled over a hostile file."""
    parser = argparse.ArgumentParser(description="Every verb that loads a model, on every hostile model file.")
    parser.add_argument("--only", default="", help="verbs that hold this text")
    only: str = parser.parse_args().only
    faults, cells = [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = [*flexpatch_targets(folder), *torch_targets(folder)]
        targets = [target for target in made if only in target.verb]
        for attack, verb, cell in matrix(targets, [GOOD, *FILES, *MANIFESTS], folder):
            cells += 1
            print(f"{cell.outcome:8}  {attack:36}  {verb:38}  {cell.why or cell.line}", flush=True)
            if cell.why:
                faults.append((attack, verb))
    print(f"{cells} cells, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
