"""A small prepared data set of drawn photos, and one training on it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from blur_train.classes import BlurClass
from blur_train.prepare.manifest import Prepared, PreparedPhoto, write_prepared
from blur_train.scenes.cases import draw_case
from blur_train.scenes.photo import draw_photo
from blur_train.scenes.scene import draw_scene
from blur_train.train.command import TrainOptions, train
from footage.cli.progress import progress

SCENES = {"train": 4, "val": 2, "calibration": 2, "test": 3}
LONG_SIDE_PX = 256


@pytest.fixture(scope="session")
def drawn_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set whose every scene has a photo of each class."""
    folder = tmp_path_factory.mktemp("drawn") / "dataset"
    rng = np.random.default_rng(5)
    photos: list[PreparedPhoto] = []
    for side, scenes in SCENES.items():
        for _ in range(scenes):
            scene = draw_scene(rng, long_side_px=LONG_SIDE_PX)
            for label in BlurClass:
                drawn = draw_photo(rng, draw_case(rng, label), scene)
                file = folder / side / label.value / f"{scene.group}.jpg"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(drawn.jpeg)
                sha256 = hashlib.sha256(drawn.jpeg).hexdigest()
                photos.append(
                    PreparedPhoto(
                        file=file.relative_to(folder).as_posix(),
                        side=side,
                        label=label,
                        edge_case=drawn.edge_case,
                        group=scene.group,
                        sha256=sha256,
                        source=str(file),
                        source_sha256=sha256,
                        radius_px=drawn.radius_px,
                        motion_px=drawn.motion_px,
                        camera="ACME One" if len(photos) % 2 else None,
                        width=drawn.image.shape[1],
                        height=drawn.image.shape[0],
                    )
                )
    write_prepared(Prepared(settings={}, photos=tuple(sorted(photos, key=lambda one: one.file)), left_out=()), folder)
    return folder


@pytest.fixture(scope="session")
def trained(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short training of the native network from random weights."""
    output = tmp_path_factory.mktemp("trained") / "run"
    options = TrainOptions(dataset=drawn_dataset, output=output, weights="none", epochs=1, device="cpu", jobs=1)
    train(options, tell=lambda _: None, make_progress=lambda total, _: progress(total, "items", "testing"))
    return output
