"""How well tracking failure is predicted, ours beside the way of the first FlexPatch trainer, on human ground truth.

Everyone gets the same frames and the same detections. Everyone learns without annotation, as a user would: the
original from its own labels, ours from detections linked into identities. Everyone is judged by what really became of
a box: its overlap with the annotated object that it was set out on. PETS09-S2L1 is cut in time, with a gap and no
object on both sides; TUD-Campus is left out of training whole.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from benchmarks.failure_scores import Answer, Floats, Predict, failed, macro_f1_gain, print_scores, score
from benchmarks.failure_tables import SEQUENCES, VARIANTS, Cut, Material, known, prepare
from benchmarks.original_recipe import FIRST_FRAMES, fit_original
from sklearn.metrics import cohen_kappa_score
from sklearn.tree import DecisionTreeClassifier

from flexpatch_train.calibrate import fit_calibration
from flexpatch_train.detectors.onnx import OnnxDetector
from flexpatch_train.labels import LABELS
from flexpatch_train.table import feature_matrix, label_array
from flexpatch_train.train import ModelOptions, age_frames, failure_probability, fit_model, predictor

MODELS = ("yolov8n_int8.onnx", "yolox_nano.onnx")
CONFIDENCE = 0.25
CLASSES = ("person",)
"""The annotation is of pedestrians."""
NAMES = {"as_shipped": "original as shipped", "boxes_read_right": "original, boxes read right"}
Columns = Callable[[pd.DataFrame], Floats]
OURS = {
    "ours: tree, the five features": ModelOptions(),
    "ours: tree, extended features": ModelOptions(features="extended"),
    "ours: forest, extended features": ModelOptions(kind="forest", features="extended"),
    "ours: boosting, extended features": ModelOptions(kind="boosting", features="extended"),
}


def fit_ours(train: pd.DataFrame, options: ModelOptions) -> Predict:
    """Our model as a run makes it: fitted to ``iou_label``, its probability of failure calibrated on the same rows."""
    model = fit_model(train, options)
    calibrate = fit_calibration(train, options, np.random.default_rng(options.random_state))
    labels_of = predictor(model, options)

    def predict(table: pd.DataFrame) -> Answer:
        raw = failure_probability(model, feature_matrix(table, options.feature_names))
        return Answer(labels_of(table), raw, raw if calibrate is None else calibrate(raw))

    return predict


def of_tree(tree: DecisionTreeClassifier, columns: Columns, risk: Columns | None = None) -> Predict:
    """A bare tree as a predictor; it ranks boxes by its probability of failure, or by ``risk`` where that is given."""

    def predict(table: pd.DataFrame) -> Answer:
        features = columns(table)
        failure = failure_probability(tree, features)
        labels = np.asarray(tree.predict(features), np.str_)
        return Answer(labels, failure if risk is None else risk(table), failure)

    return predict


def baselines(train: pd.DataFrame) -> dict[str, Predict]:
    """What any model must beat: fitted on the same rows as ours. The oracle knows the answer, and bounds the recall."""
    labels = label_array(train)
    names, counts = np.unique(labels, return_counts=True)
    rate = float(failed(train["iou_label"]).mean())

    def majority(table: pd.DataFrame) -> Answer:
        constant = np.full(len(table), rate)
        return Answer(np.full(len(table), names[np.argmax(counts)]), constant, constant)

    def random(table: pd.DataFrame) -> Answer:
        rng = np.random.default_rng(0)
        return Answer(rng.choice(labels, len(table)), rng.random(len(table)), None)

    def oracle(table: pd.DataFrame) -> Answer:
        truth = failed(table["true_label"]).astype(np.float64)
        return Answer(table["true_label"].to_numpy(np.str_), truth, truth)

    def unlike(table: pd.DataFrame) -> Floats:
        # Nothing to compare by (a patch without contrast) is as bad as no likeness.
        return 1 - table["ncc"].fillna(0.0).to_numpy(np.float64)

    def one_column(column: Columns) -> Predict:
        tree = DecisionTreeClassifier(max_depth=5, min_samples_split=10, class_weight="balanced", random_state=42)
        tree.fit(column(train)[:, None], labels)
        return of_tree(tree, lambda table: column(table)[:, None], column)

    return {
        "always the majority": majority,
        "confidence only": one_column(lambda table: 1 - table["confidence"].to_numpy(np.float64)),
        "time since detection": one_column(age_frames),
        "1 - NCC": one_column(unlike),
        "random": random,
        "oracle": oracle,
    }


def fit_originals(pets: Material, cut: Cut) -> dict[str, Predict]:
    """The original's trees, by variant and by how many frames they saw."""
    trees = {}
    for variant in VARIANTS:
        train = cut.train(pets.originals[variant])
        first = train[train["frame"] < FIRST_FRAMES]
        trees[f"{NAMES[variant]}, first {FIRST_FRAMES} frames"] = of_tree(fit_original(first), feature_matrix)
        trees[f"{NAMES[variant]}, all training frames"] = of_tree(fit_original(train), feature_matrix)
    return trees


def compare(pets: Material, tud: Material, resamples: int) -> None:
    """Learn on the first part of PETS09-S2L1; judge on its end and on TUD-Campus."""
    cut = Cut.of(pets.ours)
    train = cut.train(pets.ours)
    ours = {name: fit_ours(train, options) for name, options in OURS.items()}
    annotated = known(train).assign(iou_label=lambda table: table["true_label"])
    taught = {f"{name}, human labels": fit_ours(annotated, options) for name, options in OURS.items()}
    originals = fit_originals(pets, cut)
    held_out = f"frames {cut.first_test_frame} and later" if cut.by_time else "some objects, in the same frames"
    print(
        f"trained on {len(train)} boxes (ours) up to frame {cut.last_train_frame} of {train['clip'].iloc[0]}; "
        f"tested on {held_out}, {len(cut.test_objects)} objects that were not trained on, and on TUD-Campus\n"
    )
    for place, material, test in (
        ("PETS09-S2L1, held out", pets, cut.test),
        ("TUD-Campus", tud, lambda table, **_: known(table)),
    ):
        rows, as_original = test(material.ours), test(material.ours_measured_as_original)
        rivals = {f"{name} *": (as_original, predict) for name, predict in originals.items()}
        rivals |= {f"{name} **": (rows, predict) for name, predict in originals.items()}
        judged = {name: (rows, predict) for name, predict in (ours | taught | baselines(train)).items()} | rivals
        scored = {name: score(name, *one, resamples) for name, one in judged.items()}
        print_scores(f"{place}, boxes of our tracker", rows, list(scored.values()))
        best = max(rivals, key=lambda name: scored[name].macro_f1.estimate or 0.0)
        for name in ours:
            gain = macro_f1_gain(judged[name], judged[best], resamples).text(group="object")
            print(f"  macro-F1 of {name}, minus the best of the originals, {best}: {gain}")
        print()
        for variant in VARIANTS:
            own = test(material.originals[variant], begins="frame")
            mine = {name: predict for name, predict in originals.items() if name.startswith(NAMES[variant])}
            heading = f"{place}, boxes of the tracker: {NAMES[variant]}"
            print_scores(heading, own, [score(name, own, predict, resamples) for name, predict in mine.items()])


def print_labels(name: str, material: Material) -> None:
    """Whether labels made without annotation are right, and how many tracks are kept."""
    tables = {"ours": material.ours}
    for variant, table in material.originals.items():
        tables[NAMES[variant]] = table
        tables[f"{NAMES[variant]}, first {FIRST_FRAMES} frames"] = table[table["frame"] < FIRST_FRAMES]
    for key, table in tables.items():
        # Ours starts anew every some frames: those of one start are what a frame holds.
        frames = len(table.drop_duplicates(["start_frame", "frame"])) if key == "ours" else table["frame"].nunique()
        tracks, found = len(table) / frames, material.detections_a_frame
        both = known(table[table["iou_label"].notna()])
        equal = float((both["iou_label"] == both["true_label"]).mean())
        kappa = float(cohen_kappa_score(both["iou_label"], both["true_label"]))
        own, true = (_shares(both[column]) for column in ("iou_label", "true_label"))
        print(
            f"  {name:<14}{key:<46}{_shares(table['iou_label'].dropna()):>14}{own:>14}{true:>14}"
            f"{equal:>9.1%}{kappa:>7.2f}{len(both):>8}{tracks:>9.1f}{found:>7.1f}{tracks / found:>7.2f}"
        )


def _shares(labels: pd.Series) -> str:
    """High, medium and low in per cent."""
    return " / ".join(f"{100 * (labels == label).mean():.0f}" for label in LABELS)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How well tracking failure is predicted, beside the original's way.")
    default = os.environ.get("FOOTAGE_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default), help="folder with mot/ and det/")
    parser.add_argument("--size", choices=list(SEQUENCES)[:2], default="480x360", help="of PETS09-S2L1")
    parser.add_argument("--cache", type=Path, help="folder that keeps detections for the next run")
    parser.add_argument("--resamples", type=int, default=500, help="of whole objects (default: %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache = arguments.cache or Path(folder)
        cache.mkdir(parents=True, exist_ok=True)
        for model in MODELS:
            path = arguments.data / "det" / model
            detector = OnnxDetector(path, confidence=CONFIDENCE, classes=CLASSES, device="cpu")
            pets, tud = (
                prepare(arguments.data / "mot" / video, arguments.data / "mot" / truth, detector, cache)
                for video, truth in (SEQUENCES[arguments.size], SEQUENCES["TUD-Campus"])
            )
            print(f"=== {', '.join(CLASSES)} found by {model}, confidence {CONFIDENCE} ===")
            print(
                f"  {'labels: high / medium / low, in %':<60}{'all boxes':>14}{'annotated':>14}{'in truth':>14}"
                f"{'equal':>9}{'kappa':>7}{'n':>8}{'tracks':>9}{'found':>7}{'ratio':>7}"
            )
            print_labels("PETS09-S2L1", pets)
            print_labels("TUD-Campus", tud)
            print()
            compare(pets, tud, arguments.resamples)
    print(
        "*  the original's tree on its own features, measured of our boxes\n"
        "** the original's tree on our features, column by column: what it would see dropped into our runtime\n"
        "all boxes, annotated: labels without annotation, of all boxes and of those whose fate the annotation knows\n"
        "tracks, found: boxes followed and objects detected a frame; ours are those of one start"
    )


if __name__ == "__main__":
    main()
