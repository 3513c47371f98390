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
from sklearn.tree import DecisionTreeClassifier

from flexpatch_train.detectors.onnx import OnnxDetector
from flexpatch_train.labels import LABELS
from flexpatch_train.table import feature_matrix, label_array
from flexpatch_train.train import TreeOptions, age_frames, fit_tree

MODELS = ("yolov8n_int8.onnx", "yolox_nano.onnx")
CONFIDENCE = 0.25
NAMES = {"as_shipped": "original as shipped", "boxes_read_right": "original, boxes read right"}
Columns = Callable[[pd.DataFrame], Floats]
OURS = "ours, from linked detections"
RIVAL = "original, boxes read right, all training frames"


def fit_ours(train: pd.DataFrame) -> Predict:
    """Our model, from rows with ``iou_label``."""
    return of_tree(fit_tree(feature_matrix(train), label_array(train), TreeOptions()), feature_matrix)


def of_tree(tree: DecisionTreeClassifier, columns: Columns, risk: Columns | None = None) -> Predict:
    """A tree as a predictor; boxes are ranked by its probability of failure, or by ``risk`` where that is given."""

    def predict(table: pd.DataFrame) -> Answer:
        features = columns(table)
        of_class = dict(zip(tree.classes_, tree.predict_proba(features).T, strict=True))
        failure = np.clip(sum((of_class.get(label, 0.0) for label in LABELS[:2]), np.zeros(len(table))), 0.0, 1.0)
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
        tree = fit_tree(column(train)[:, None], labels, TreeOptions())
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
    annotated = known(train).assign(iou_label=lambda table: table["true_label"])
    ours = {OURS: fit_ours(train), "ours, from human ground truth": fit_ours(annotated)}
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
        scored = [score(name, rows, predict, resamples) for name, predict in (ours | baselines(train)).items()]
        for name, predict in originals.items():
            scored.append(score(f"{name} *", as_original, predict, resamples))
            scored.append(score(f"{name} **", rows, predict, resamples))
        print_scores(f"{place}, boxes of our tracker", rows, scored)
        gain = macro_f1_gain((rows, ours[OURS]), (as_original, originals[RIVAL]), resamples)
        print(f"  macro-F1 of {OURS}, minus {RIVAL} *: {gain.text(group='object')}\n")
        for variant in VARIANTS:
            own = test(material.originals[variant], begins="frame")
            mine = {name: predict for name, predict in originals.items() if name.startswith(NAMES[variant])}
            scored = [score(name, own, predict, resamples) for name, predict in mine.items()]
            print_scores(f"{place}, boxes of the tracker: {NAMES[variant]}", own, scored)


def print_labels(name: str, material: Material) -> None:
    """Whether labels made without annotation are right, and how many tracks are kept."""
    ours = material.ours
    tables = {
        "ours": (ours, len(ours.drop_duplicates(["start_frame", "frame"]))),
        **{NAMES[variant]: (table, table["frame"].nunique()) for variant, table in material.originals.items()},
    }
    first = {
        f"{key}, first {FIRST_FRAMES} frames": _first(table) for key, (table, _) in tables.items() if key != "ours"
    }
    for key, (table, frames) in (tables | first).items():
        shares = table["iou_label"].value_counts(normalize=True)
        both = table[table["iou_label"].notna() & table["true_label"].notna()]
        equal = (both["iou_label"] == both["true_label"]).mean()
        print(
            f"  {name:<12}{key:<46}"
            + "".join(f"{shares.get(label, 0.0):>8.0%}" for label in LABELS)
            + f"{equal:>10.1%}{len(both):>8}{len(table) / frames:>10.1f}{material.detections_a_frame:>8.1f}"
            + f"{len(table) / frames / material.detections_a_frame:>8.2f}"
        )


def _first(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    first = table[table["frame"] < FIRST_FRAMES]
    return first, first["frame"].nunique()


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
            detector = OnnxDetector(arguments.data / "det" / model, confidence=CONFIDENCE, device="cpu")
            pets, tud = (
                prepare(arguments.data / "mot" / video, arguments.data / "mot" / truth, detector, cache)
                for video, truth in (SEQUENCES[arguments.size], SEQUENCES["TUD-Campus"])
            )
            print(f"=== detections of {model}, confidence {CONFIDENCE} ===")
            print(
                f"  {'labels':<58}"
                + "".join(f"{label:>8}" for label in LABELS)
                + f"{'as human':>10}{'n':>8}{'tracks':>10}{'found':>8}{'ratio':>8}"
            )
            print_labels("PETS09-S2L1", pets)
            print_labels("TUD-Campus", tud)
            print()
            compare(pets, tud, arguments.resamples)
    print(
        "*  the original's tree on its own features, measured of our boxes\n"
        "** the original's tree on our features, column by column: what it would see dropped into our runtime\n"
        "tracks, found: boxes followed and objects detected a frame; ours are those of one start"
    )


if __name__ == "__main__":
    main()
