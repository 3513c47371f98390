"""Motion without weights: moving objects under still and moving cameras, and nothing where nothing moves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from flexpatch_train.detections import Detections
from flexpatch_train.detectors.camera import Break, camera_motion
from flexpatch_train.detectors.motion import MotionDetector
from flexpatch_train.mot import ground_truth, read_mot
from footage.errors import ModelError
from footage.metrics.boxes import iou_matrix
from footage.synthetic.drawing import texture
from footage.synthetic.scenes import MovingBox, Scene
from footage.video import open_video

SIZE = (480, 270)


def crossing(pan: tuple[float, float] = (0.0, 0.0), *, frames: int = 70, noise: float = 2.0, seed: int = 0) -> Scene:
    """Three objects that cross the picture apart from each other under a camera that pans."""
    rng = np.random.default_rng(seed)
    empty = Scene.random(rng, size=SIZE, objects=0, frames=frames, pan_px_per_frame=pan, noise=noise)
    starts = [((40.0, 60.0), (2.5, 0.2)), ((430.0, 140.0), (-3.0, 0.1)), ((60.0, 220.0), (3.5, -0.2))]
    objects = tuple(
        MovingBox(
            identity=i,
            texture=texture(rng, (36, 48)),
            position=position,
            velocity=(velocity[0] + pan[0], velocity[1] + pan[1]),
            size=(36.0, 48.0),
        )
        for i, (position, velocity) in enumerate(starts, start=1)
    )
    return Scene(
        size=SIZE,
        frame_count=frames,
        background=empty.background,
        origin=empty.origin,
        pan_px_per_frame=pan,
        objects=objects,
        noise=noise,
        seed=seed,
    )


def run(detector: MotionDetector, images: Iterable[NDArray[np.uint8]], first: int = 0) -> list[Detections]:
    return [detector.detect(image, frame_index=i) for i, image in enumerate(images, start=first)]


def matched(found: Detections, truth: NDArray[np.float64], overlap: float) -> int:
    """How many true boxes have a detection of their own, greedily by overlap."""
    ious = iou_matrix(found.boxes, truth)
    count = 0
    while ious.size and ious.max() >= overlap:
        row, column = np.unravel_index(ious.argmax(), ious.shape)
        ious[row], ious[:, column] = 0, 0
        count += 1
    return count


@pytest.mark.parametrize("pan", [(0.0, 0.0), (2.5, 0.5), (-6.0, 1.0), (0.2, -0.1)])
def test_moving_objects_are_found_under_any_pan(pan: tuple[float, float]) -> None:
    frames = [crossing(pan).render(i) for i in range(70)]
    results = run(MotionDetector(), [frame.image for frame in frames])
    after_start = list(zip(results, frames, strict=True))[3:]
    hits = sum(matched(found, frame.boxes, 0.3) for found, frame in after_start)
    truths = sum(len(frame.boxes) for _, frame in after_start)
    found_count = sum(len(found) for found, _ in after_start)
    assert hits / truths > 0.85
    assert hits / found_count > 0.7


@pytest.mark.parametrize("pan", [(0.0, 0.0), (3.3, 0.7), (-7.0, 2.0), (0.2, 0.1)])
@pytest.mark.parametrize("noise", [0.0, 5.0])
def test_a_scene_without_objects_gives_nothing(pan: tuple[float, float], noise: float) -> None:
    rng = np.random.default_rng(4)
    scene = Scene.random(rng, size=SIZE, objects=0, frames=40, pan_px_per_frame=pan, noise=noise)
    results = run(MotionDetector(), (scene.render(i).image for i in range(40)))
    assert sum(map(len, results)) <= 1


def test_a_turning_camera_gives_nothing() -> None:
    plane = texture(np.random.default_rng(5), (800, 600), contrast=0.5)
    images = []
    for i in range(30):
        turn = cv2.getRotationMatrix2D((400, 300), 0.5 * i, 1.0 + 0.002 * i)
        images.append(np.asarray(cv2.warpAffine(plane, turn, (800, 600))[165:435, 160:640], np.uint8))
    assert sum(map(len, run(MotionDetector(), images))) <= 1


def test_large_pictures_are_answered_in_their_own_pixels() -> None:
    """A picture twice as large gives boxes twice as large."""
    images = [crossing(frames=30).render(i).image for i in range(30)]
    large = [np.repeat(np.repeat(image, 2, axis=0), 2, axis=1) for image in images]
    small_boxes, large_boxes = run(MotionDetector(), images)[-1].boxes, run(MotionDetector(), large)[-1].boxes
    assert len(small_boxes) == len(large_boxes) == 3
    assert iou_matrix(small_boxes * 2, large_boxes).max(axis=1).min() > 0.8


def test_two_runs_are_the_same() -> None:
    images = [crossing((2.5, 0.5), frames=40).render(i).image for i in range(40)]
    for one, other in zip(run(MotionDetector(), images), run(MotionDetector(), images), strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.scores, other.scores)


@pytest.mark.parametrize("pan", [(0.0, 0.0), (1.5, 0.5)])
def test_its_memory_is_enough_to_go_on(pan: tuple[float, float]) -> None:
    """After as many frames as it says, a run that starts late answers exactly like one that never stopped."""
    scene = crossing(pan, frames=MotionDetector.memory_frames + 25)
    images = [scene.render(i).image for i in range(scene.frame_count)]
    late = scene.frame_count - MotionDetector.memory_frames - 10
    unbroken = run(MotionDetector(), images)
    resumed = run(MotionDetector(), images[late:], first=late)
    for one, other in zip(unbroken[-10:], resumed[-10:], strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.scores, other.scores)


def test_a_gap_in_the_frames_starts_anew() -> None:
    images = [crossing().render(i).image for i in range(20)]
    detector = MotionDetector()
    run(detector, images[:19])
    assert len(detector.detect(images[19], frame_index=25)) == 0


def test_a_cut_is_no_motion() -> None:
    one, other = crossing(seed=1), crossing(seed=2)
    images = [one.render(i).image for i in range(12)] + [255 - other.render(i).image for i in range(12)]
    results = run(MotionDetector(), images)
    assert len(results[12]) == 0
    assert sum(len(found) for found in results[14:]) > 10


def test_a_plain_wall_does_not_pan_with_what_crosses_it() -> None:
    """Every corner in the picture belongs to the object, and still the object is what moves."""
    skin = texture(np.random.default_rng(0), (90, 120))
    hits = 0
    for i, found in enumerate(run(MotionDetector(), _on_a_wall(skin, 20))):
        hits += matched(found, np.array([[20.0 + 6 * i, 60, 110 + 6 * i, 180]]), 0.5)
    assert hits >= 15


def _on_a_wall(skin: NDArray[np.uint8], frames: int) -> Iterator[NDArray[np.uint8]]:
    for i in range(frames):
        image = np.full((270, 480, 3), 128, np.uint8)
        image[60:180, 20 + 6 * i : 110 + 6 * i] = skin
        yield image


@pytest.mark.parametrize("shape", [(270, 480, 3), (1, 1, 3), (3, 900, 3), (900, 3, 3)])
def test_pictures_without_anything_in_them(shape: tuple[int, int, int]) -> None:
    for value in (0, 128, 255):
        assert sum(map(len, run(MotionDetector(), [np.full(shape, value, np.uint8)] * 4))) == 0


def test_scores_and_confidence() -> None:
    images = [crossing(frames=30).render(i).image for i in range(30)]
    every = run(MotionDetector(confidence=0.0), images)[-1]
    assert ((every.scores >= 0) & (every.scores <= 1)).all()
    bar = float(np.median(every.scores))
    assert len(run(MotionDetector(confidence=bar), images)[-1]) == np.count_nonzero(every.scores >= np.float32(bar))
    with pytest.raises(ModelError, match="cannot tell person"):
        MotionDetector(classes=("person",))
    assert MotionDetector(classes=("moving",)).class_names == ("moving",)


def test_camera_motion_is_measured_to_a_fraction_of_a_pixel() -> None:
    plane = cv2.cvtColor(texture(np.random.default_rng(7), (600, 400)), cv2.COLOR_RGB2GRAY)
    shift = np.array([[1, 0, -3.4], [0, 1, 1.7]])
    moved = np.asarray(cv2.warpAffine(plane, shift, (600, 400)), np.uint8)
    found = camera_motion(np.asarray(plane[50:350, 50:550], np.uint8), moved[50:350, 50:550])
    assert not isinstance(found, Break)
    corner = found @ [250, 150, 1]
    np.testing.assert_allclose(corner[:2] / corner[2], [246.6, 151.7], atol=0.1)


def test_a_still_camera_is_exactly_still() -> None:
    scene = crossing()
    one, other = (np.asarray(cv2.cvtColor(scene.render(i).image, cv2.COLOR_RGB2GRAY), np.uint8) for i in (4, 5))
    np.testing.assert_array_equal(camera_motion(one, other), np.eye(3))


def test_people_in_real_footage(shared_data: Path) -> None:
    """Far from a trained detector, and far better than nothing: pedestrians before a fixed camera."""
    folder = shared_data / "mot" / "PETS09-S2L1"
    objects = ground_truth(read_mot(folder / "gt" / "gt.txt"), where="gt").objects
    detector = MotionDetector()
    hits = truths = found_count = 0
    with open_video(folder / "PETS09-S2L1_480x360.mp4") as reader:
        for frame in reader.frames(0, 150):
            found = detector.detect(frame.image, frame_index=frame.index)
            truth = objects.of_frame(frame.index + 1).boxes
            hits += matched(found, truth, 0.4)
            truths += len(truth)
            found_count += len(found)
    assert hits / truths > 0.6
    assert hits / found_count > 0.55
