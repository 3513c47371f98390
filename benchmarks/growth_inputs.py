"""Many small inputs, no two the same, and models that cost next to nothing: so that what the tools add can be seen.

Files are made of a few drawn ones, each with its number in a part that no decoder looks at: a comment of a JPEG, a free
box behind a video.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
from hardening.media import coded
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from blur_train.classes import CLASSES
from blur_train.classifier import MODEL_NAME, NAMES_FILE, RULE, TASK
from blur_train.decision import DecisionRule, Points, Preset
from blur_train.evidence import WholeEvidence
from eztrack_tune.classes import Difficulty
from eztrack_tune.settings import SETTING_NAMES, SIX
from eztrack_tune.synthetic.clips import SyntheticClip
from footage.persistence.bundle import ModelInput, ModelManifest, save_manifest
from footage.synthetic.drawing import texture
from highlight_train.preprocess import described

FILES_A_FOLDER = 1000
"""As cameras and photographers keep them."""
DISTINCT = 8
PHOTO_PX = (96, 72)
CLIP_PX, CLIP_FRAMES = (240, 136), 8
SETTINGS_A_CLIP = 5
SIDE_PX = 64
_COMMENT = b"\xff\xfe"


def numbered_jpeg(data: bytes, number: int) -> bytes:
    """A JPEG with a comment that no other has (ITU-T T.81, B.2.4.5), behind its first marker."""
    text = f"{number:08d}".encode("ascii")
    return data[:2] + _COMMENT + struct.pack(">H", 2 + len(text)) + text + data[2:]


def numbered_video(data: bytes, number: int) -> bytes:
    """An MP4 file with a free box behind it (ISO 14496-12, 8.1.2) that no other has."""
    return data + struct.pack(">I4sQ", 16, b"free", number)


def fill(folder: Path, count: int, suffix: str, content: Callable[[int], bytes]) -> Path:
    """Write so many files, a thousand a folder, unless they are there."""
    done = folder / ".complete"
    if not done.is_file():
        for number in range(count):
            path = folder / f"{number // FILES_A_FOLDER:03d}" / f"{number:06d}{suffix}"
            if number % FILES_A_FOLDER == 0:
                path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content(number))
        done.touch()
    return folder


def photos(folder: Path, count: int) -> Path:
    """Drawn photos of 96 x 72 px."""
    drawn = []
    for number in range(DISTINCT):
        picture = texture(np.random.default_rng(number), PHOTO_PX, contrast=0.3 + 0.08 * number)
        _, data = cv2.imencode(".jpg", picture)
        drawn.append(data.tobytes())
    return fill(folder, count, ".jpg", lambda number: numbered_jpeg(drawn[number % DISTINCT], number))


def videos(folder: Path, count: int) -> Path:
    """Videos of 160 x 96 px and one to three seconds, two keyframes a second."""
    drawn = []
    for number in range(DISTINCT):
        path = folder.with_name(f".{folder.name}-{number}.mp4")
        path.parent.mkdir(parents=True, exist_ok=True)
        coded(path, frames=12 + 3 * number)
        drawn.append(path.read_bytes())
        path.unlink()
    return fill(folder, count, ".mp4", lambda number: numbered_video(drawn[number % DISTINCT], number))


def clips(folder: Path, trials: int) -> Path:
    """Clips for so many trials: eight frames, a camera that travels, every clip another file."""
    drawn = []
    for number in range(DISTINCT):
        path = folder.with_name(f".{folder.name}-{number}.mp4")
        path.parent.mkdir(parents=True, exist_ok=True)
        clip = SyntheticClip.random(
            np.random.default_rng(number), Difficulty.EASY, size=CLIP_PX, frames=CLIP_FRAMES, fps=24
        )
        clip.write_video(path)
        drawn.append(path.read_bytes())
        path.unlink()
        path.with_suffix(".camera.json").unlink()
    count = trials // SETTINGS_A_CLIP
    return fill(folder, count, ".mp4", lambda number: numbered_video(drawn[number % DISTINCT], number))


def matrix(path: Path) -> Path:
    """The settings to try on a clip: with what ships today there are five."""
    rows = [[str(one.as_dict()[name]) for name in SETTING_NAMES] for one in SIX[: SETTINGS_A_CLIP - 1]]
    path.write_text("\n".join(",".join(row) for row in [list(SETTING_NAMES), *rows]) + "\n", encoding="utf-8")
    return path


def highlight_model(folder: Path) -> Path:
    """A model of ``highlight-train`` whose score is how red a picture is."""
    side = SIDE_PX
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "axes"], ["means"], keepdims=0),
        helper.make_node("Gather", ["means", "channel"], ["red"], axis=1),
        helper.make_node("Mul", ["red", "scale"], ["highlight"]),
        helper.make_node("Sub", ["one", "highlight"], ["normal"]),
        helper.make_node("Concat", ["normal", "highlight"], ["probabilities"], axis=1),
    ]
    constants: dict[str, NDArray[np.generic]] = {
        "axes": np.array([1, 2], np.int64),
        "channel": np.array([0], np.int64),
        "scale": np.array(1 / 255, np.float32),
        "one": np.array(1, np.float32),
    }
    file = _write(folder / "model.onnx", nodes, constants, side=side, classes=2)
    manifest = ModelManifest(
        task="highlight",
        classes=("normal", "highlight"),
        input=ModelInput(shape=(None, side, side, 3), preprocessing=described(side)),
        output="probabilities",
        training_data_sha256="0" * 64,
        split_sha256="0" * 64,
        metrics={},
        libraries={},
    )
    save_manifest(manifest, file)
    return file


def blur_model(folder: Path) -> Path:
    """A model of ``blur-train`` that goes by how bright a whole photo is."""
    maker = WholeEvidence()
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "axes"], ["means"], keepdims=0),
        helper.make_node("Reshape", ["means", "column"], ["mean"]),
        helper.make_node("Sub", ["mean", "greys"], ["away"]),
        helper.make_node("Mul", ["away", "away"], ["squared"]),
        helper.make_node("Div", ["squared", "steepness"], ["cost"]),
        helper.make_node("Neg", ["cost"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    constants: dict[str, NDArray[np.generic]] = {
        "axes": np.array([1, 2, 3], np.int64),
        "column": np.array([-1, 1], np.int64),
        "greys": np.array([[100, 120, 140, 160]], np.float32),
        "steepness": np.array(60, np.float32),
    }
    file = _write(folder / MODEL_NAME, nodes, constants, side=maker.shape[0], classes=len(CLASSES))
    points = dict.fromkeys(Preset, Points((0.5, 0.5, 0.5)))
    rule = DecisionRule(temperature=1.0, false_positives=0.005, points=points, chosen_on_sharp=1, chosen_on_blurred=1)
    manifest = ModelManifest(
        task=TASK,
        classes=CLASSES,
        input=ModelInput(shape=(None, *maker.shape), preprocessing=maker.described()),
        output="probabilities",
        training_data_sha256="0" * 64,
        split_sha256="0" * 64,
        metrics={},
        libraries={},
        details={RULE: rule.document()},
    )
    save_manifest(manifest, file)
    (folder / NAMES_FILE).write_text(json.dumps(CLASSES))
    return folder


def _write(
    file: Path, nodes: list[onnx.NodeProto], constants: dict[str, NDArray[np.generic]], *, side: int, classes: int
) -> Path:
    graph = helper.make_graph(
        nodes,
        "stand-in",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", side, side, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", classes])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), file)
    return file
