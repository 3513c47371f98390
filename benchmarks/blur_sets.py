"""Drawn photos for the blur benchmark: what every rival needs of each, kept in arrays, and the truth about it.

Scenes of the sealed families are in the test set only; two of the open families choose epochs and operating points, the
others are learned from. :func:`draw_photos` makes a sealed set of real sharp photos: blur of the whole picture, since
their subjects are not known. A set that was broken off goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from benchmarks.blur_textures import with_lights, with_real_texture
from numpy.typing import NDArray

from blur_train.classes import CLASSES, BlurClass, EdgeCase
from blur_train.evaluation.hand import FEATURES, focus_features
from blur_train.evidence import CELLS, LONG_SIDE_PX, PLANES, TILE_PX, WHOLE_PX, TileEvidence, WholeEvidence
from blur_train.models.taught import CELL_KINDS, UNKNOWN
from blur_train.optics.camera import draw_camera, draw_processing
from blur_train.photos import read_photo
from blur_train.scenes.cases import MILD_PX, Case, Way, draw_case, log_uniform
from blur_train.scenes.photo import SyntheticPhoto, draw_photo
from blur_train.scenes.real import camera_for_photo, scene_of_photo
from blur_train.scenes.scene import OPEN_FAMILIES, SEALED_FAMILIES, draw_scene

CHOOSING_FAMILIES = ("city_car", "garden_flower")
LEARNING_FAMILIES = tuple(name for name in OPEN_FAMILIES if name not in CHOOSING_FAMILIES)

COLLAGE = "scrap_cutout"
MIXED_SHARE, COLLAGE_SHARE, REAL_SHARE = 0.7, 0.3, 0.6
"""How often a scene to learn from borrows another family's subject, how often each is a collage, and how often it has
real surfaces."""
PROCESSED_SHARE = 0.7
"""How often a photo to learn from is of any camera that there may be."""
FAR_PX = (14.0, 30.0)
"""How wide a blur to learn from is where it is wider than those that are measured."""

Rows = list[dict[str, Any]]
JOURNAL_FILE = "rows.jsonl"


@dataclass(frozen=True, slots=True)
class Plan:
    """A set.

    Attributes:
        name: of its folder.
        textured: how many scenes have texture.
        untextured: how many have little.
        families: of the scenes.
        seed: draws all.
        learned: whether weights learn from it.
        far: how often its blurs are wider than those that are measured.
        unbroken: how often a subject whose surface is the background's is of its brightness too: a real photo, blurred
            in part.
    """

    name: str
    textured: int
    untextured: int
    families: tuple[str, ...]
    seed: int
    learned: bool = False
    far: float = 0.0
    unbroken: float = 0.0


PLANS = {
    "train": Plan("train", 1700, 300, LEARNING_FAMILIES, 21, learned=True, far=0.15),
    "more": Plan("more", 850, 150, LEARNING_FAMILIES, 22, learned=True, far=0.3, unbroken=0.6),
    "swings": Plan("swings", 160, 0, LEARNING_FAMILIES, 23, learned=True, unbroken=0.6),
    "lights": Plan("lights", 130, 0, LEARNING_FAMILIES, 24, learned=True, unbroken=0.6),
    "val": Plan("val", 50, 10, CHOOSING_FAMILIES, 12),
    "calibration": Plan("calibration", 300, 160, CHOOSING_FAMILIES, 13),
    "test": Plan("test", 250, 110, SEALED_FAMILIES, 14),
}
LEARNED = tuple(name for name, plan in PLANS.items() if plan.learned)


def cases_of(plan: Plan, textured: bool, rng: np.random.Generator) -> Iterator[Case]:
    """The photos that are made of one scene."""
    blurred = [one for one in BlurClass if one is not BlurClass.SHARP]
    if plan.name == "swings":
        for _ in range(2):
            width_px = log_uniform(rng, (MILD_PX, FAR_PX[1]))
            yield Case(label=BlurClass.MOTION_BLURRED, way=Way.SWING, width_px=width_px)
        yield Case(label=BlurClass.SHARP, edge_case=EdgeCase.PANNING)
        yield Case(label=BlurClass.SHARP, way=Way.STILL)
        return
    if plan.name == "lights":
        for way in (Way.SWING, Way.CAMERA_SHAKE):
            width_px = log_uniform(rng, (MILD_PX, FAR_PX[1]))
            yield Case(label=BlurClass.MOTION_BLURRED, way=way, width_px=width_px)
        yield Case(label=BlurClass.DEFOCUSED_BLURRED)
        yield Case(label=BlurClass.DEFOCUSED_OBJECT_PORTRAIT)
        yield Case(label=BlurClass.SHARP, edge_case=EdgeCase.PANNING if rng.random() < 0.5 else EdgeCase.BOKEH)
        yield Case(label=BlurClass.SHARP, way=Way.STILL)
        return
    if plan.learned or plan.name == "val":
        again = (BlurClass.SHARP, BlurClass.MOTION_BLURRED) if plan.name == "more" else ()
        for label in (*BlurClass, *again):
            yield _far(rng, plan, _within(draw_case(rng, label), textured))
        return
    if textured:
        yield Case(label=BlurClass.SHARP, edge_case=EdgeCase.BOKEH)
        yield Case(label=BlurClass.SHARP, edge_case=EdgeCase.PANNING)
        yield Case(label=BlurClass.SHARP, edge_case=EdgeCase.NOISE)
        dark = EdgeCase.LOW_LIGHT if rng.random() < 0.4 else None
        yield Case(label=BlurClass.SHARP, edge_case=dark, way=Way.STILL)
    else:
        yield Case(label=BlurClass.SHARP, edge_case=EdgeCase.LOW_TEXTURE)
        yield Case(label=BlurClass.SHARP, edge_case=EdgeCase.LOW_TEXTURE)
    count = 2 if plan.name == "test" and textured else 1
    for label in rng.permutation(np.array(blurred))[:count]:
        yield _within(draw_case(rng, BlurClass(label)), textured)


def _within(case: Case, textured: bool) -> Case:
    """The case with the texture that its scene has."""
    if not textured:
        return Case(label=case.label, edge_case=EdgeCase.LOW_TEXTURE)
    if case.edge_case is EdgeCase.LOW_TEXTURE:
        return Case(label=case.label)
    return case


def _far(rng: np.random.Generator, plan: Plan, case: Case) -> Case:
    """Now and then a blur that is wider, to learn from."""
    if not plan.far or case.label is BlurClass.SHARP or case.edge_case is EdgeCase.MILD_MIX:
        return case
    return replace(case, width_px=log_uniform(rng, FAR_PX)) if rng.random() < plan.far else case


def photos_of(plan: Plan, textures: Sequence[Path], scene_number: int) -> Iterator[SyntheticPhoto]:
    """The photos of one scene of a set; the same whenever they are drawn."""
    rng = np.random.default_rng((plan.seed, scene_number))
    textured = scene_number % (plan.textured + plan.untextured) < plan.textured
    place, subject = plan.families[scene_number % len(plan.families)], None
    if plan.learned or plan.name == "calibration":
        place = _learned_from(rng, place)
        subject = _learned_from(rng, str(rng.choice(plan.families))) if rng.random() < MIXED_SHARE else place
    scene = draw_scene(rng, place, low_texture=not textured, subject_of=subject)
    if plan.learned and textured and textures and rng.random() < REAL_SHARE:
        scene = with_real_texture(rng, scene, textures, unbroken=plan.unbroken)
    if plan.name == "lights":
        scene = with_lights(rng, scene)
    for case in cases_of(plan, textured, rng):
        camera = None
        if plan.learned and rng.random() < PROCESSED_SHARE:
            camera = draw_processing(rng, draw_camera(rng, case.edge_case))
        yield draw_photo(rng, case, scene, camera=camera)


def _learned_from(rng: np.random.Generator, family: str) -> str:
    return COLLAGE if rng.random() < COLLAGE_SHARE else family


def photos_from(file: Path, seed: int, number: int) -> Iterator[SyntheticPhoto]:
    """A real sharp photo, taken anew: sharp, noisy, dark, and twice each out of focus and shaken as a whole."""
    rng = np.random.default_rng((seed, number))
    scene = scene_of_photo(read_photo(file).image, group=file.stem)
    sharp = [
        Case(label=BlurClass.SHARP, edge_case=case, way=Way.STILL) for case in (EdgeCase.NOISE, EdgeCase.LOW_LIGHT)
    ]
    blurred = [
        Case(label=BlurClass.DEFOCUSED_BLURRED, way=Way.WHOLE_DEFOCUS),
        Case(label=BlurClass.MOTION_BLURRED, way=Way.CAMERA_SHAKE),
    ]
    for case in (Case(label=BlurClass.SHARP, way=Way.STILL), *sharp, *blurred, *blurred):
        yield draw_photo(rng, case, scene, camera=camera_for_photo(rng, case.edge_case))


def _photos_from(files: Sequence[Path], seed: int, number: int) -> Iterator[SyntheticPhoto]:
    return photos_from(files[number], seed, number)


def truth_of(photo: SyntheticPhoto, boxes: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Each cell's kind of blur, and the share of its tile that shows the subject, 0 to 255: ``(CELLS,)`` each."""
    scale = LONG_SIDE_PX / max(photo.image.shape[:2])
    layers = [
        _kind(photo.background_radius_px, photo.background_motion_px, scale),
        _kind(photo.radius_px, photo.motion_px, scale),
    ]
    total = cv2.integral(photo.subject_mask.astype(np.uint8))
    x0, y0, x1, y1 = np.rint(boxes).astype(int).T
    share = (total[y1, x1] - total[y0, x1] - total[y1, x0] + total[y0, x0]) / ((x1 - x0) * (y1 - y0))
    kinds = np.full(CELLS, UNKNOWN, np.uint8)
    kinds[share < 0.03] = layers[0]
    kinds[share > 0.9] = layers[1]
    if layers[0] == layers[1]:
        kinds[:] = layers[0]
    return kinds, np.rint(share * 255).astype(np.uint8)


def _kind(radius_px: float | None, motion_px: float | None, scale: float) -> int:
    radius, half = (radius_px or 0.0) * scale, (motion_px or 0.0) * scale / 2
    if max(radius, half) == 0:
        return CELL_KINDS.index("sharp")
    name = "defocus" if radius >= half else "motion"
    return CELL_KINDS.index(f"mild {name}" if max(radius, half) < MILD_PX else name)


class DrawnSet:
    """A set on disk.

    Attributes:
        rows: the truth about each photo.
        evidence: uint8 ``(N, PLANES, TILE_PX, TILE_PX)``.
        whole: uint8 ``(N, 224, 224, 3)``.
        hand: features at full size and at 224 px, float32 ``(N, 2, FEATURES)``.
        kinds: of the cells, uint8 ``(N, CELLS)``.
        subject: likewise, share of the tile times 255.
    """

    def __init__(self, folder: Path, plan: Plan, rows: Rows) -> None:
        count = len(rows)
        self.rows = rows
        self.labels = np.array([CLASSES.index(row["label"]) for row in rows], np.int64)
        self.evidence = _array(folder, "evidence", plan)[:count]
        self.whole = _array(folder, "whole", plan)[:count]
        self.hand = np.asarray(_array(folder, "hand", plan)[:count])
        self.kinds = np.asarray(_array(folder, "kinds", plan)[:count])
        self.subject = np.asarray(_array(folder, "subject", plan)[:count])


_SHAPES: dict[str, tuple[tuple[int, ...], type]] = {
    "evidence": ((PLANES, TILE_PX, TILE_PX), np.uint8),
    "whole": ((WHOLE_PX, WHOLE_PX, 3), np.uint8),
    "hand": ((2, FEATURES), np.float32),
    "kinds": ((CELLS,), np.uint8),
    "subject": ((CELLS,), np.uint8),
}
_MOST_A_SCENE = 7


def _array(folder: Path, name: str, plan: Plan) -> Any:
    path = folder / plan.name / f"{name}.npy"
    shape, dtype = _SHAPES[name]
    if path.exists():
        return np.load(path, mmap_mode="r+")
    rows = (plan.textured + plan.untextured) * _MOST_A_SCENE
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(rows, *shape))


def open_set(folder: Path, name: str) -> DrawnSet:
    """A set as far as it is drawn: scenes are drawn in random order, so a part of a set is a sample of it."""
    return DrawnSet(folder, PLANS[name], _rows(folder / name / JOURNAL_FILE))


def _rows(journal: Path) -> Rows:
    return [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []


def draw_set(folder: Path, name: str, *, most_scenes: int | None = None, textures: Sequence[Path] = ()) -> DrawnSet:
    """Draw a set, or go on with it, and open it; ``textures`` are photos whose surfaces ``train`` has too."""
    plan = PLANS[name]
    scenes = plan.textured + plan.untextured
    wanted = np.random.default_rng(plan.seed).permutation(scenes)[:most_scenes].tolist()
    return _draw(folder, plan, wanted, partial(photos_of, plan, tuple(textures)))


def draw_photos(folder: Path, files: Sequence[Path]) -> DrawnSet:
    """Take real sharp photos anew, or go on with it, and open the set."""
    plan = Plan("photos", len(files), 0, (), 16)
    return _draw(folder, plan, range(len(files)), partial(_photos_from, tuple(files), plan.seed))


def _draw(folder: Path, plan: Plan, wanted: Sequence[int], make: Callable[[int], Iterator[SyntheticPhoto]]) -> DrawnSet:
    (folder / plan.name).mkdir(parents=True, exist_ok=True)
    journal = folder / plan.name / JOURNAL_FILE
    rows = _rows(journal)
    done = {row["scene"] for row in rows}
    arrays = {key: _array(folder, key, plan) for key in _SHAPES}
    left = [number for number in wanted if number not in done]
    for number, drawn in zip(left, _in_processes(make, left), strict=True):
        new: Rows = []
        for seen, told in drawn:
            place = len(rows) + len(new)
            for key, value in seen.items():
                arrays[key][place] = value
            new.append({"scene": number, **told})
        rows += new
        with journal.open("a") as lines:
            lines.write("".join(f"{json.dumps(row)}\n" for row in new))
        if len(rows) % 50 < len(new):
            print(f"{plan.name}: {len(rows)} photos", flush=True)
    # They were drawn in this order: those that are wanted come first.
    return DrawnSet(folder, plan, rows[: sum(row["scene"] in set(wanted) for row in rows)])


Drawn = list[tuple[dict[str, NDArray[Any]], dict[str, Any]]]


def _in_processes(make: Callable[[int], Iterator[SyntheticPhoto]], numbers: Sequence[int]) -> Iterator[Drawn]:
    """What is kept of the photos of every scene, in order, drawn on all cores."""
    with ProcessPoolExecutor(initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        yield from pool.map(partial(_drawn, make), numbers)


def _drawn(make: Callable[[int], Iterator[SyntheticPhoto]], number: int) -> Drawn:
    return [(_seen(photo), _told(photo)) for photo in make(number)]


def _seen(photo: SyntheticPhoto) -> dict[str, NDArray[Any]]:
    """What the rivals see of a photo, and the truth about its cells."""
    tiles = TileEvidence().of(photo.image)
    assert tiles.boxes is not None  # noqa: S101 - tiles have boxes
    kinds, subject = truth_of(photo, tiles.boxes)
    hand = [focus_features(photo.image, long_side_px=side) for side in (LONG_SIDE_PX, WHOLE_PX)]
    return {
        "evidence": tiles.array,
        "whole": WholeEvidence().of(photo.image).array,
        "hand": np.stack(hand),
        "kinds": kinds,
        "subject": subject,
    }


def _told(photo: SyntheticPhoto) -> dict[str, Any]:
    return {
        "label": photo.label.value,
        "edge_case": None if photo.edge_case is None else photo.edge_case.value,
        "way": photo.way.value,
        "width_px": photo.width_px,
        "family": photo.family,
        "group": photo.group,
    }
