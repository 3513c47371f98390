"""Trains the native network on drawn photos whose every cell is known: the weights that come with blur-train.

``python -m benchmarks.blur_native SETS RUN --save FILE`` draws the sets where they are missing and goes on with a
training that was broken off. Families of scenes that choose epochs, and the sealed ones, are not learned from. The
weights that ship were made in six goes, the first broken off after three of its epochs, each later one from the one
before::

    python -m benchmarks.blur_native SETS ONE --textures PHOTOS --epochs 22 --bfloat16 --save one.pth
    python -m benchmarks.blur_native SETS TWO --textures PHOTOS --epochs 12 --cells 24 --bfloat16 --save two.pth \
        --start one.pth --decay 0.01
    python -m benchmarks.blur_native SETS THREE --textures PHOTOS --epochs 10 --cells 24 --bfloat16 --save three.pth \
        --start two.pth --rate 1.5e-3 --decay 0.01 --seed 1
    python -m benchmarks.blur_native SETS FOUR --textures PHOTOS --learn train more --epochs 11 --cells 24 --bfloat16 \
        --save four.pth --start three.pth --rate 1.5e-3 --decay 0.01 --seed 3
    python -m benchmarks.blur_native SETS FIVE --textures PHOTOS --learn train more swings --scenes 1000 --epochs 3 \
        --cells 24 --bfloat16 --save five.pth --start four.pth --rate 7e-4 --decay 0.01 --seed 5
    python -m benchmarks.blur_native SETS SIX --textures PHOTOS --learn train more swings lights --scenes 700 \
        --epochs 2 --cells 24 --bfloat16 --save six.pth --start five.pth --rate 7e-4 --decay 0.01 --seed 6
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from benchmarks.blur_sets import LEARNED, DrawnSet, draw_set
from benchmarks.blur_textures import files_in
from numpy.typing import NDArray
from torch import nn

from blur_train.classes import CLASSES
from blur_train.decision import probabilities_of
from blur_train.evaluation.measure import SHARP
from blur_train.models.augment import varied_tiles
from blur_train.models.native import NativeNetwork
from blur_train.models.taught import TaughtNetwork, taught_loss, with_truth
from footage.metrics.classification import balanced_accuracy
from footage.training.checkpoint import EpochRecord
from footage.training.loop import Validation, fit
from footage.training.randomness import seed_torch_at
from footage.training.recipe import Recipe
from footage.training.weights import load_strictly, read_state_dict, save_state_dict

SHARP_WEIGHT = 1.6
BATCH = 16


class TaughtPhotos:
    """The photos of some sets with the truth about their cells, varied."""

    def __init__(self, sets: Sequence[DrawnSet]) -> None:
        self.labels = np.concatenate([one.labels for one in sets])
        self._places = [(one, index) for one in sets for index in range(len(one.labels))]

    @property
    def weights(self) -> NDArray[np.float64]:
        """Sharp photos come more often: they are of more kinds."""
        return np.where(self.labels == SHARP, SHARP_WEIGHT, 1.0)

    def load(self, index: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """One photo's evidence and truth."""
        photos, place = self._places[index]
        array, cells = varied_tiles(photos.evidence[place], rng)
        return with_truth(array, photos.kinds[place], photos.subject[place], cells)


def logits_of(network: nn.Module, inputs: NDArray[np.uint8], batch: int = BATCH) -> NDArray[np.float64]:
    """Logits of all inputs, by a network in evaluation mode."""
    network.eval()
    with torch.inference_mode():
        found = [
            network(torch.from_numpy(np.array(inputs[start : start + batch]))).double().numpy()
            for start in range(0, len(inputs), batch)
        ]
    return np.concatenate(found)


def validator(photos: DrawnSet) -> Callable[[nn.Module], Validation]:
    """Judges a network by its loss: the set is small, and what is right or wrong jumps from epoch to epoch."""

    def validate(network: nn.Module) -> Validation:
        logits = logits_of(network, photos.evidence)
        p, said = probabilities_of(logits), logits.argmax(axis=1)
        loss = -float(np.log(np.maximum(p[np.arange(len(p)), photos.labels], 1e-9)).mean())
        sharp = photos.labels == SHARP
        return Validation(
            None,
            loss,
            also={
                "balanced accuracy": balanced_accuracy(photos.labels, said),
                "sharp called blurred": float((said[sharp] != SHARP).mean()),
                "blurred called sharp": float((said[~sharp] == SHARP).mean()),
            },
        )

    return validate


def train_native(
    learned: Sequence[DrawnSet],
    val: DrawnSet,
    run: Path,
    recipe: Recipe,
    *,
    cells: int,
    bfloat16: bool,
    start: Path | None = None,
) -> NativeNetwork:
    """Train, from random weights or from a file of them, and give the network of the best epoch."""
    seed_torch_at(recipe.seed, 1)
    native = NativeNetwork(len(CLASSES))
    if start is not None:
        load_strictly(native, read_state_dict(start), what="the native network", where=start)
    network = TaughtNetwork(native, cells_a_step=cells, bfloat16=bfloat16)
    network.to(memory_format=torch.channels_last)  # a quarter less time
    run.mkdir(parents=True, exist_ok=True)
    fit(
        network,
        TaughtPhotos(learned),
        validator(val),
        recipe,
        device=torch.device("cpu"),
        checkpoint=run / "checkpoint.pth",
        key={
            "recipe": asdict(recipe),
            "photos": [len(one.rows) for one in learned],
            "cells": cells,
            "bfloat16": bfloat16,
            "start": None if start is None else str(start),
        },
        criterion=taught_loss,
        on_step=lambda step: print(f"step {step}", flush=True) if step % 50 == 0 else None,
        on_epoch=_tell,
    )
    return native


def _tell(record: EpochRecord) -> None:
    also = ", ".join(f"{name} {value:.3f}" for name, value in record.also.items())
    print(f"epoch {record.epoch + 1}: loss {record.train_loss:.4f}, val {record.val_loss:.4f}, {also}", flush=True)


def main() -> None:
    """Train and save the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, help="folder of the drawn sets")
    parser.add_argument("run", type=Path, help="folder of the training's state")
    parser.add_argument("--save", type=Path, required=True, help="the file of weights")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--cells", type=int, default=32, help="cells of each photo that a step looks at")
    parser.add_argument("--bfloat16", action="store_true", help="where the processor computes in it natively")
    parser.add_argument("--learn", nargs="+", choices=LEARNED, default=["train"], help="the sets to learn from")
    parser.add_argument("--scenes", type=int, help="of each set, learn from so many scenes only")
    parser.add_argument("--textures", type=Path, help="folder of photos whose surfaces are learned from too")
    parser.add_argument("--start", type=Path, help="a file of weights to go on from; random ones without it")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--decay", type=float, default=1e-3, help="of the weights")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    recipe = Recipe(
        epochs=given.epochs,
        batch_size=BATCH,
        learning_rate=given.rate,
        body_factor=1.0,
        weight_decay=given.decay,
        warmup_epochs=0.5,
        patience=None,
        seed=given.seed,
    )
    network = train_native(
        [
            draw_set(given.sets, name, most_scenes=given.scenes, textures=files_in(given.textures))
            for name in given.learn
        ],
        draw_set(given.sets, "val"),
        given.run,
        recipe,
        cells=given.cells,
        bfloat16=given.bfloat16,
        start=given.start,
    )
    # Half of the size, and nothing is lost that counts: what is measured is what is read back.
    save_state_dict(network.half(), given.save)
    print(f"weights in {given.save}")


if __name__ == "__main__":
    main()
