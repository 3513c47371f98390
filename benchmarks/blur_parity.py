"""Whether torch, ONNX, the command line and the service give the same decision, from file to answer.

``python -m benchmarks.blur_parity`` draws JPEG files of every class, exports the network that comes with
``blur-train``, and asks every way about every file, the service in full, for each type and in a batch. Beside them it
asks the same model for the luma that comes of a file's colours, in place of the luma that the file stores.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from blur_train.classes import CLASSES, BlurClass
from blur_train.classifier import BlurClassifier
from blur_train.decision import DecisionRule, Points, Preset
from blur_train.export.bundle import Origin, write_bundle
from blur_train.export.parity import by_classifier, by_torch, compare
from blur_train.models.backends import NATIVE, make_backend
from blur_train.models.some_classes import OfSomeClasses
from blur_train.photos import read_photo
from blur_train.scenes.cases import draw_case
from blur_train.scenes.photo import draw_photo
from blur_train.scenes.scene import FAMILIES
from blur_train.verify.command import VerifyOptions, show
from footage.cli.progress import progress
from footage.metrics.intervals import wilson


def draw_files(folder: Path, count: int, long_side_px: int) -> list[Path]:
    """So many photos, a folder for each class."""
    files = []
    for number in range(count):
        rng = np.random.default_rng((17, number))
        label = list(BlurClass)[number % len(CLASSES)]
        photo = draw_photo(rng, draw_case(rng, label), families=FAMILIES, long_side_px=long_side_px)
        files.append(folder / label.value / f"{number:04d}.jpg")
        files[-1].parent.mkdir(parents=True, exist_ok=True)
        files[-1].write_bytes(photo.jpeg)
    return files


def main() -> None:
    """Draw, export, ask and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--side", type=int, default=512, help="long side in pixels")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        files = draw_files(Path(place) / "photos", given.photos, given.side)
        backend = make_backend(NATIVE)
        network, maker = OfSomeClasses(backend.network, CLASSES), backend.maker
        points = {preset: Points((at, at, at)) for preset, at in zip(Preset, (0.9, 0.7, 0.5), strict=True)}
        rule = DecisionRule(
            temperature=1.0, false_positives=0.005, points=points, chosen_on_sharp=1, chosen_on_blurred=1
        )
        seen = [maker.of(read_photo(file, luma=True).image).array[None] for file in files[:8]]
        model = Path(place) / "model"
        write_bundle(network, rule, maker, model, batches=seen, origin=Origin(backend=NATIVE))
        classifier = BlurClassifier.open(model, device="cpu")
        with progress(len(files), "photos", "torch and ONNX") as told:
            parity = compare(
                by_torch(network, maker, rule), by_classifier(classifier), files, luma=maker.by_luma, progress=told
            )
        print(f"torch and ONNX, three presets: {parity.text()}")
        ask = by_classifier(classifier)
        stored, made = ([ask(read_photo(file, luma=luma).image) for file in files] for luma in (True, False))
        flipped = sum(one[1] != other[1] for one, other in zip(stored, made, strict=True))
        away = max(float(np.abs(one[0] - other[0]).max()) for one, other in zip(stored, made, strict=True))
        share = wilson(flipped, len(files)).text(percent=True, digits=1)
        print(
            f"luma as stored and by way of colours, three presets: {share} changed, probabilities by at most {away:.2g}"
        )
        show(VerifyOptions(photos=Path(place) / "photos", model=model, at_least=0.0), dry_run=False, as_json=False)


if __name__ == "__main__":
    main()
