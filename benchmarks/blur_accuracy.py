"""How right blur-train's native network is beside the usual ways: all learned and measured on the same drawn photos.

``python -m benchmarks.blur_accuracy SETS RUN`` draws the sets where they are missing, trains every rival, chooses each
one's operating points on the same calibration photos, and looks once at the sealed test set. ``--sharp FOLDER`` adds
real sharp photos, blurred as a whole by us; ``--real FOLDER`` photos of real scenes, each sharp (``*_S``), defocused
(``*_F``) and moved (``*_M``).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from benchmarks.blur_native import logits_of
from benchmarks.blur_sets import DrawnSet, draw_photos, draw_set, open_set
from benchmarks.blur_textures import files_in
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import Tensor, nn

from blur_train.classes import CLASSES
from blur_train.decision import DecisionRule, choose, probabilities_of
from blur_train.evaluation.hand import FEATURES, LAPLACIAN, focus_features
from blur_train.evaluation.measure import SHARP, Measured, PartScore, Truth, mcnemar, measure, share
from blur_train.evaluation.rivals import rival_logits
from blur_train.evidence import LONG_SIDE_PX, WHOLE_PX, TileEvidence, WholeEvidence
from blur_train.models.backends import make_backend
from blur_train.photos import read_photo
from blur_train.train.fitting import smoothed_loss
from footage.metrics.classification import balanced_accuracy
from footage.runs.files import atomic_write_json
from footage.training.loop import Validation, fit
from footage.training.network import HeadedNetwork

NATIVE = "native network"
Ask = Callable[[DrawnSet], NDArray[np.float64]]
"""From a set to logits ``(N, 4)``."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way of answering: its name, how it answers for a set, and for a photo."""

    name: str
    ask: Ask
    ask_photo: Callable[[NDArray[np.uint8]], NDArray[np.float64]]


def by_network(name: str, network: nn.Module, kind: str) -> Way:
    """A network that sees the tiles or the small picture."""

    def ask(photos: DrawnSet) -> NDArray[np.float64]:
        return logits_of(network, photos.evidence if kind == "tiles" else photos.whole)

    def ask_photo(image: NDArray[np.uint8]) -> NDArray[np.float64]:
        maker = TileEvidence() if kind == "tiles" else WholeEvidence()
        return logits_of(network, maker.of(image).array[None])

    return Way(name, ask, ask_photo)


def by_measures(name: str, train: DrawnSet, *, size: int, how: str) -> Way:
    """Measures of focus at full size (0) or at 224 px (1), and a support vector machine or one number."""
    columns: list[int] | slice = [LAPLACIAN] if how == "one" else slice(None)
    labels = train.labels.astype(np.intp)
    known = train.hand[:, size].astype(np.float64)
    model = make_pipeline(StandardScaler(), SVC(C=10, class_weight="balanced"))
    if how == "svm":
        model.fit(known, labels)

    def answer(features: NDArray[np.float64]) -> NDArray[np.float64]:
        if how == "one":
            return rival_logits(known, labels, features, columns=columns)
        # One score a class; the temperature makes probabilities of them, as of every way's logits.
        return np.asarray(model.decision_function(features))

    def ask_photo(image: NDArray[np.uint8]) -> NDArray[np.float64]:
        px = (LONG_SIDE_PX, WHOLE_PX)[size]
        return answer(focus_features(image, long_side_px=px).astype(np.float64).reshape(1, FEATURES))

    return Way(name, lambda photos: answer(photos.hand[:, size].astype(np.float64)), ask_photo)


class _Small:
    """The small pictures of a set as examples."""

    def __init__(self, photos: DrawnSet, vary: Callable[..., NDArray[np.uint8]]) -> None:
        self._photos, self._vary = photos, vary

    @property
    def labels(self) -> NDArray[np.int64]:
        return self._photos.labels

    @property
    def weights(self) -> NDArray[np.float64]:
        return np.ones(len(self._photos.labels))

    def load(self, index: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        return self._vary(np.array(self._photos.whole[index]), rng)


class _InBfloat16(HeadedNetwork):
    """A network that learns in bfloat16 where that is the faster one, and answers in float32."""

    def __init__(self, network: HeadedNetwork) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training):
            logits: Tensor = self.network(images)
        return logits

    def head(self) -> nn.Module:
        return self.network.head()


def seed_recipe(train: DrawnSet, val: DrawnSet, run: Path, *, epochs: int, start: str) -> Way:
    """YOLOv8n-cls at 224 px with the hyperparameters of the seed; fewer epochs where so many take too long."""
    backend = make_backend("ultralytics", weights=start, seed=0)
    network = _InBfloat16(backend.network)
    recipe = replace(backend.recipe, epochs=epochs, patience=None, warmup_epochs=min(3.0, epochs / 10))

    def validate(network: nn.Module) -> Validation:
        logits = logits_of(network, val.whole)
        p = probabilities_of(logits)[np.arange(len(val.labels)), val.labels]
        return Validation(balanced_accuracy(val.labels, logits.argmax(axis=1)), float(-np.log(p + 1e-9).mean()))

    run.mkdir(parents=True, exist_ok=True)
    fit(
        network,
        _Small(train, backend.vary),
        validate,
        recipe,
        device=torch.device("cpu"),
        checkpoint=run / "yolo.pth",
        key={"epochs": epochs, "photos": len(train.rows)},
        criterion=smoothed_loss(backend.label_smoothing),
        on_step=lambda _: None,
        on_epoch=lambda record: print(f"yolo epoch {record.epoch + 1}: {record.val_metric:.3f}", flush=True),
    )
    return by_network(f"YOLOv8n-cls at 224 px, {epochs} epochs", network, "whole")


def truth_of(photos: DrawnSet) -> Truth:
    """What is true of a set."""
    return Truth(
        labels=photos.labels.astype(np.intp),
        groups=np.array([row["group"] for row in photos.rows]),
        kinds=tuple(row["edge_case"] for row in photos.rows),
        cameras=(None,) * len(photos.rows),
        widths_px=tuple(row["width_px"] for row in photos.rows),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a way reached on the test set.

    Attributes:
        measured: by the rule chosen on the calibration photos.
        likeliest: its most probable classes, ``(N,)``.
        rule: its operating points.
    """

    measured: Measured
    likeliest: NDArray[np.intp]
    rule: DecisionRule


def outcome_of(way: Way, rule: DecisionRule, test: DrawnSet) -> Outcome:
    """Look at a test set, with operating points chosen elsewhere."""
    logits = way.ask(test)
    measured = measure(way.name, truth_of(test), probabilities_of(logits, rule.temperature), rule)
    return Outcome(measured=measured, likeliest=logits.argmax(axis=1), rule=rule)


def _line(part: PartScore) -> str:
    values = (part.accuracy, part.called_blurred, part.called_sharp)
    return f"  {part.name:<18}" + "".join(
        f"{'-':>30}" if one.estimate is None else f"{one.text(percent=True, digits=1):>30}" for one in values
    )


def show(outcomes: list[Outcome], test: DrawnSet) -> None:
    """Print the figures of every way, and of the first in full."""
    truth = truth_of(test)
    labels, widths = truth.labels, np.array([width or np.nan for width in truth.widths_px])
    for outcome in outcomes:
        way, right = outcome.measured, outcome.likeliest == labels
        above, below = widths >= 2.5, widths < 2.5
        print(f"\n{way.name}")
        print(f"  most probable class right   {share(right).text(percent=True, digits=1)}")
        print(f"    width from 2.5 px         {share(right[above]).text(percent=True, digits=1)}")
        print(f"    width below 2.5 px        {share(right[below]).text(percent=True, digits=1)}")
        print(f"    sharp                     {share(right[labels == SHARP]).text(percent=True, digits=1)}")
        print(f"  by operating points         {way.accuracy.text(percent=True, digits=1)}")
        print(f"    sharp called blurred      {way.false_positives.text(percent=True, digits=1)}")
        print(f"    blurred called sharp      {way.missed.text(percent=True, digits=1)}")
        print(f"  calibration error           {way.calibration_error.text(digits=3)}")
        if outcome is not outcomes[0]:
            mine = outcomes[0].likeliest == labels
            only_mine, only_other, p = mcnemar(mine, right)
            print(
                f"  against the {outcomes[0].measured.name}: errors {int((~mine).sum())} and {int((~right).sum())}, "
                f"right alone {only_mine} and {only_other}, McNemar p = {p:.2g}"
            )
    own = outcomes[0].measured
    print(f"\n{own.name}, by operating points: right, sharp called blurred, blurred called sharp")
    for part in (*own.by_kind, *own.by_width):
        print(_line(part))
    print(own.confusion)


def show_real(ways: list[Way], rules: list[DecisionRule], folder: Path) -> list[dict[str, object]]:
    """What every way says of real photos whose scenes are there sharp, defocused and moved."""
    found: list[dict[str, object]] = []
    for file in sorted(path for path in folder.iterdir() if path.stem[-2:] in {"_S", "_F", "_M"}):
        image = read_photo(file).image
        said = {}
        for way, rule in zip(ways, rules, strict=True):
            p = probabilities_of(way.ask_photo(image), rule.temperature)
            said[way.name] = {
                "by_operating_points": CLASSES[int(rule.predict(p)[0])],
                "most_probable": CLASSES[int(p.argmax())],
                "sharp": round(float(p[0, SHARP]), 4),
            }
        found.append({"photo": file.name, **said})
        print(file.name, {name: (one["by_operating_points"], one["sharp"]) for name, one in said.items()})
    return found


def main() -> None:
    """Train, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, help="folder of the drawn sets")
    parser.add_argument("run", type=Path, help="folder of the trainings' state and of accuracy.json")
    parser.add_argument("--native", default="drawn", help="the native network's weights: drawn, or a file")
    parser.add_argument("--yolo-epochs", type=int, default=100, help="0 leaves YOLOv8n-cls out")
    parser.add_argument("--scenes", type=int, default=2000, help="to learn from: those that the drawn weights saw")
    parser.add_argument("--textures", type=Path, help="folder of photos whose surfaces are learned from too")
    parser.add_argument("--as-drawn", action="store_true", help="measure on what is drawn so far, and draw nothing")
    parser.add_argument("--sharp", type=Path, help="folder of real sharp photos that nothing was learned from")
    parser.add_argument("--real", type=Path, help="folder of real photos named *_S, *_F and *_M")
    given = parser.parse_args()
    opened = open_set if given.as_drawn else draw_set
    val, calibration, test = (opened(given.sets, name) for name in ("val", "calibration", "test"))
    train = (
        open_set(given.sets, "train")
        if given.as_drawn
        else draw_set(given.sets, "train", most_scenes=given.scenes, textures=files_in(given.textures))
    )
    ways = [by_network(NATIVE, make_backend("native", weights=given.native).network, "tiles")]
    if given.yolo_epochs:
        ways.append(seed_recipe(train, val, given.run, epochs=given.yolo_epochs, start="none"))
    ways += [
        by_measures("measures of focus at full size, SVM", train, size=0, how="svm"),
        by_measures("measures of focus at 224 px, SVM", train, size=1, how="svm"),
        by_measures("variance of the Laplacian", train, size=0, how="one"),
    ]
    given.run.mkdir(parents=True, exist_ok=True)
    rules = [choose(way.ask(calibration), calibration.labels) for way in ways]
    tests = {"test": test}
    if given.sharp is not None:
        tests["photos"] = draw_photos(given.sets, files_in(given.sharp))
    document: dict[str, object] = {"learned_from": len(train.rows), "chosen_on": len(calibration.rows)}
    for name, photos in tests.items():
        print(f"\n== {name}: {len(photos.rows)} photos")
        outcomes = [outcome_of(way, rule, photos) for way, rule in zip(ways, rules, strict=True)]
        show(outcomes, photos)
        document[name] = {
            "photos": len(photos.rows),
            "ways": [
                {
                    "measured": one.measured,
                    "rule": one.rule.document(),
                    "most_probable_right": share(one.likeliest == photos.labels),
                }
                for one in outcomes
            ],
        }
    if given.real is not None:
        document["real"] = show_real(ways, rules, given.real)
    atomic_write_json(given.run / "accuracy.json", document)


if __name__ == "__main__":
    main()
