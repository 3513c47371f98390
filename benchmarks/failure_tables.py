"""The tables that ``flexpatch_accuracy`` learns from and judges on, and how they are cut."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from benchmarks import original_recipe
from benchmarks.original_recipe import Variant, features_of_samples, original_table

from flexpatch_train.detectors.onnx import OnnxDetector
from flexpatch_train.features import FEATURES
from flexpatch_train.holding_out import hold_out
from flexpatch_train.identities import Identities, annotated_timelines, from_ground_truth, link
from flexpatch_train.mot import ground_truth, read_mot
from flexpatch_train.observe import Observation, observe
from flexpatch_train.rollouts import LabelledSample, Rollouts, Sample, label_samples
from flexpatch_train.table import to_table
from footage.dataset.manifest import content_sha256, rows_sha256
from footage.runs.directory import atomic_write_text
from footage.runs.journal import Journal
from footage.video.reader import open_video

SEQUENCES = {
    "480x360": ("PETS09-S2L1/PETS09-S2L1_480x360.mp4", "PETS09-S2L1/gt/gt.txt"),
    "768x576": ("PETS09-S2L1/PETS09-S2L1_001-300_768x576.mp4", "PETS09-S2L1/gt/gt_768x576.txt"),
    "TUD-Campus": ("TUD-Campus/TUD-Campus.mp4", "TUD-Campus/gt/gt.txt"),
}
"""The two sizes of PETS09-S2L1 are the same sequence: a run takes one of them."""
VARIANTS: tuple[Variant, ...] = ("as_shipped", "boxes_read_right")
RECIPE = Path(original_recipe.__file__)
UNNAMED = 1000
"""Added to the number of a linked identity that is none of the annotated objects."""

Key = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What one detector makes of one sequence.

    Attributes:
        detections_a_frame: on average.
        ours: a row a box of our tracker: the project's table, ``iou_label`` from linked detections, ``true_label``
            from the annotation (None where either is not known) and ``track_id`` the annotated object.
        ours_measured_as_original: the same rows with the five features as the original defines them.
        originals: the original's tables.
    """

    detections_a_frame: float
    ours: pd.DataFrame
    ours_measured_as_original: pd.DataFrame
    originals: dict[Variant, pd.DataFrame]


def prepare(video: Path, annotation: Path, detector: OnnxDetector, cache: Path) -> Material:
    """Detect and follow in every way; ``cache`` keeps the detections and the original's tables for the next run."""
    seen = _observed(video, detector, cache)
    frames = len(seen.detections)
    objects = ground_truth(read_mot(annotation), where=annotation).objects
    truth = from_ground_truth(seen.detections, annotated_timelines(objects, frames))
    ours, keys = _our_table(seen, truth, video.stem)
    with open_video(video) as reader:
        measured = features_of_samples(reader, seen.detections, seen.samples)
    as_original = ours.copy()
    as_original[list(FEATURES)] = np.array([measured[key] for key in keys])
    made_from = (*_key_of_detections(video, detector).items(), content_sha256(annotation), content_sha256(RECIPE))
    originals = {}
    for variant in VARIANTS:
        path = cache / f"{rows_sha256(*made_from, variant)[:16]}.csv"
        if not path.is_file():
            with open_video(video) as reader:
                table = original_table(reader, seen.detections, truth, variant, video.stem)
            atomic_write_text(path, table.to_csv(index=False))
        originals[variant] = pd.read_csv(path, float_precision="round_trip")
    return Material(
        detections_a_frame=sum(map(len, seen.detections)) / frames,
        ours=ours,
        ours_measured_as_original=as_original,
        originals=originals,
    )


def _key_of_detections(video: Path, detector: OnnxDetector) -> dict[str, object]:
    return {"video_sha256": content_sha256(video), **detector.describe()}


def _observed(video: Path, detector: OnnxDetector, cache: Path) -> Observation:
    key = _key_of_detections(video, detector)
    path = cache / f"{rows_sha256(*key.items())[:16]}.jsonl"
    with open_video(video) as reader, Journal(path, key) as journal:
        return observe(reader, detector, journal, Rollouts(), max_frames=None, on_frame=lambda: None)


def _key(sample: Sample) -> Key:
    return sample.start_frame, sample.detection, sample.frame


def _our_table(seen: Observation, truth: Identities, clip: str) -> tuple[pd.DataFrame, list[Key]]:
    """Every sample that has a label from either side, with both, and its key."""
    linked = link(seen.detections)
    pseudo, human = ({_key(item.sample): item for item in label_samples(seen.samples, who)} for who in (linked, truth))
    either: dict[Key, LabelledSample] = dict(sorted({**pseudo, **human}.items()))
    table = to_table(list(either.values()), clip)
    table["iou_label"] = [pseudo[key].outcome.label if key in pseudo else None for key in either]
    table["true_label"] = [human[key].outcome.label if key in human else None for key in either]
    objects = [truth.of_detection[start][row] for start, row, _ in either]
    table["track_id"] = [
        item.object_id + UNNAMED if shown is None else shown
        for shown, item in zip(objects, either.values(), strict=True)
    ]
    return table, list(either)


@dataclass(frozen=True, slots=True)
class Cut:
    """What PETS09-S2L1 is cut into; it holds for every tracker's table.

    Attributes:
        last_train_frame: training rows end here.
        first_test_frame: test rows begin here.
        test_objects: no training row is of one of them, every test row is.
        by_time: whether the test rows come from later frames.
    """

    last_train_frame: int
    first_test_frame: int
    test_objects: frozenset[float]
    by_time: bool

    @classmethod
    def of(cls, table: pd.DataFrame) -> Cut:
        """As the project holds out the end of a video."""
        split = hold_out(table, np.random.default_rng(0))
        train, test = table.iloc[split.train], table.iloc[split.test]
        objects = frozenset(test["track_id"].astype(float))
        return cls(int(train["frame"].max()), int(test["start_frame"].min()), objects, split.by_time)

    def train(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows that may be learned from."""
        early = table["frame"] <= self.last_train_frame
        return table[early & ~table["track_id"].isin(self.test_objects) & table["iou_label"].notna()]

    def test(self, table: pd.DataFrame, *, begins: str = "start_frame") -> pd.DataFrame:
        """The rows that are judged; ``begins`` is the column of the first frame that a row depends on."""
        late = table[begins] >= self.first_test_frame
        return known(table[late & table["track_id"].isin(self.test_objects)])


def known(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of which the annotation says what became of them."""
    return table[table["true_label"].notna()]
