"""What a model is served is what it was trained on: the runtime's features are the rollouts', bit by bit."""

from __future__ import annotations

import numpy as np
from pictures import moved, texture

from flexpatch_train.detections import Detections
from flexpatch_train.features import EXTENDED_FEATURES
from flexpatch_train.rollouts import Rollouts
from flexpatch_train.runtime.follower import ObjectFollower
from footage.video.types import Frame

SIZE = (320, 240)
DETECT_EVERY = 8
BACKGROUND, SKINS = texture(30), [texture(seed, (60, 100)) for seed in (31, 32, 33)]
SIDES = [(40, 80), (50, 90), (30, 60)]


def boxes_at(t: int) -> np.ndarray:
    """Two objects that cross before a third one, which leaves to the left."""
    corners = [(40 + 4 * t, 50), (160 - 3 * t, 60), (60 - 5 * t, 150)]
    return np.array([[x, y, x + w, y + h] for (x, y), (w, h) in zip(corners, SIDES, strict=True)], np.float64)


def frame_at(t: int) -> Frame:
    gray = moved(BACKGROUND, 1.5 * t, 0.4 * t)
    for skin, box in zip(SKINS, boxes_at(t).astype(int), strict=True):
        x0, y0, x1, y1 = box
        left = max(x0, 0)
        gray[y0:y1, left : max(x1, left)] = skin[: y1 - y0, left - x0 : max(x1, left) - x0]
    # Uneven steps in time, as a live camera gives them.
    return Frame(t, t / 25 + 0.003 * (t % 3), image=np.repeat(gray[..., None], 3, axis=2), gray=gray)


def found_at(t: int) -> Detections:
    """What a detector says; an object's score is its own, and so tells whose features are whose."""
    boxes = boxes_at(t)
    there = boxes[:, 2] > 15
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    return Detections(boxes[there].astype(np.float32), scores[there], np.zeros(int(there.sum()), np.int64))


def test_the_follower_measures_what_the_rollouts_measured() -> None:
    frames = [frame_at(t) for t in range(3 * DETECT_EVERY)]
    rollouts = Rollouts(stride_frames=DETECT_EVERY, horizon_frames=DETECT_EVERY)
    for frame in frames:
        rollouts.feed(frame, found_at(frame.index))
    confidence = EXTENDED_FEATURES.index("confidence")
    trained = {(s.frame, s.features[confidence]): (s.box, s.features) for s in rollouts.samples}
    assert len(trained) == len(rollouts.samples) > 50

    follower = ObjectFollower(SIZE, feature_names=EXTENDED_FEATURES)
    served = {}
    for frame in frames:
        if frame.index:
            follower.follow(frame.gray, frame.pts_seconds - frames[frame.index - 1].pts_seconds)
            for item in follower.objects:
                served[frame.index, item.features[confidence]] = (item.box.copy(), item.features)
                assert item.features[EXTENDED_FEATURES.index("age_frames")] == item.frames_since_detection
        if frame.index % DETECT_EVERY == 0:
            for item in follower.objects:  # what is not detected any more ends here, as its rollout does
                item.misses = 1
            follower.merge(frame.gray, found_at(frame.index), np.array([[0.0, 0.0, *SIZE]]))

    assert served.keys() == trained.keys()
    for key, (box, features) in served.items():
        np.testing.assert_array_equal(box, trained[key][0])
        np.testing.assert_array_equal(features, trained[key][1])
    # The clip exercises what it claims to: crossings, lost points, and every value known somewhere.
    table = np.array([features for _, features in trained.values()])
    assert np.isfinite(table).any(axis=0).all()
    assert np.nanmax(table[:, EXTENDED_FEATURES.index("covered_max")]) > 0.5
    assert np.nanmin(table[:, EXTENDED_FEATURES.index("survival")]) < 0.9


def test_rollouts_of_one_object_do_not_cover_each_other() -> None:
    """Three rollouts a box overlap all but completely in training, and none of them exists in the runtime."""
    still = [Frame(t, t / 25, image=frame_at(0).image, gray=frame_at(0).gray) for t in range(12)]
    rollouts = Rollouts(stride_frames=3, horizon_frames=9)
    for frame in still:
        rollouts.feed(frame, found_at(0).select(np.array([True, False, True])))
    column = EXTENDED_FEATURES.index("covered_max")
    assert len({s.start_frame for s in rollouts.samples if s.frame == 9}) == 3
    assert max(s.features[column] for s in rollouts.samples) < 0.01


def test_an_object_carries_as_many_features_as_were_asked_for() -> None:
    follower = ObjectFollower(SIZE, feature_names=("age_frames", "ncc"))
    frame = frame_at(0)
    follower.merge(frame.gray, found_at(0), np.array([[0.0, 0.0, *SIZE]]))
    for item in follower.objects:
        assert item.features.shape == (2,)
        assert np.isnan(item.features).all()
    follower.follow(frame.gray, 0.04)
    for item in follower.objects:
        np.testing.assert_allclose(item.features, [1.0, 1.0], atol=0.01)
