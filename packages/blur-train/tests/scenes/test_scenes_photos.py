"""Drawn photos are what their truth says, and nothing but blur tells their classes apart."""

from __future__ import annotations

from dataclasses import asdict

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from blur_train.classes import BLUR_TYPES, CLASSES, BlurClass, EdgeCase
from blur_train.optics.light import to_linear
from blur_train.prepare.probe import probe_thumbnails
from blur_train.scenes.cases import LABELS, MILD_MIX_PX, WIDTH_PX, Case, Way, draw_case
from blur_train.scenes.collages import material
from blur_train.scenes.photo import SyntheticPhoto, draw_photo
from blur_train.scenes.real import camera_for_photo, scene_of_photo
from blur_train.scenes.scene import FAMILIES, OPEN_FAMILIES, SEALED_FAMILIES, draw_scene

SMALL_PX = 256


def photo(case: Case, seed: int = 0, px: int = SMALL_PX, family: str = "library_portrait") -> SyntheticPhoto:
    return draw_photo(np.random.default_rng(seed), case, families=[family], long_side_px=px)


def detail(image: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return float(np.abs(cv2.Laplacian(grey, cv2.CV_32F))[where].mean())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_draws_a_subject_before_its_place(family: str) -> None:
    shapes = set()
    for seed in range(3):
        drawn = photo(Case(label=BlurClass.SHARP), seed, 192, family)
        height, width = drawn.subject_mask.shape
        shapes.add((height, width))
        assert drawn.image.shape == (height, width, 3)
        assert max(height, width) == 192
        assert 0.02 < drawn.subject_mask.mean() < 0.8
        x0, y0, x1, y1 = drawn.subject_box
        assert drawn.subject_mask[y0:y1, x0:x1].sum() == drawn.subject_mask.sum()
        assert drawn.image.std() > 5
        assert drawn.family == family
    assert len({photo(Case(label=BlurClass.SHARP), seed, 192, family).jpeg for seed in range(3)}) == 3


def test_the_same_seed_gives_the_same_file() -> None:
    first, second = (draw_photo(np.random.default_rng(5), long_side_px=SMALL_PX) for _ in range(2))
    assert first.jpeg == second.jpeg
    for name in ("label", "way", "radius_px", "motion_px", "group", "camera"):
        assert getattr(first, name) == getattr(second, name)


def test_another_class_changes_neither_scene_nor_camera() -> None:
    drawn = [photo(Case(label=label)) for label in BlurClass]
    for one in drawn[1:]:
        assert (one.subject_mask == drawn[0].subject_mask).all()
        assert (one.group, one.camera) == (drawn[0].group, drawn[0].camera)
    # In light, not in file values: those of a mixture are brighter than the mixture of those.
    small = [cv2.resize(to_linear(one.image), (12, 8), interpolation=cv2.INTER_AREA) for one in drawn]
    assert all(np.abs(one - small[0]).mean() < 0.006 for one in small)


def test_sealed_families_share_nothing_with_open_ones() -> None:
    assert set(SEALED_FAMILIES) | set(OPEN_FAMILIES) == set(FAMILIES)
    words = [{part for name in names for part in name.split("_")} for names in (SEALED_FAMILIES, OPEN_FAMILIES)]
    assert not words[0] & words[1]
    drawn = {draw_scene(np.random.default_rng(seed), long_side_px=64).family for seed in range(40)}
    assert drawn <= set(OPEN_FAMILIES)


def test_a_subject_can_stand_in_another_familys_place() -> None:
    own, guest = (
        draw_scene(np.random.default_rng(4), "studio_bottle", long_side_px=SMALL_PX, subject_of=name)
        for name in (None, "night_sign")
    )
    assert own.family == guest.family == "studio_bottle"
    assert (own.layers.coverage != guest.layers.coverage).any()
    # Light and shade are drawn after the subject: the place is the same but for them.
    ratio = guest.layers.background / np.maximum(own.layers.background, 1e-4)
    assert np.corrcoef(own.layers.background.ravel(), guest.layers.background.ravel())[0, 1] > 0.5
    assert cv2.GaussianBlur(ratio, (0, 0), 2)[10:-10, 10:-10].std() < 1.5
    with pytest.raises(ValueError, match="no scene of the family"):
        draw_scene(np.random.default_rng(0), "studio_bottle", subject_of="moon")


def test_collages_hold_materials_that_run_one_way() -> None:
    """What looks like a motion and is none: in a sharp picture some textures are far smoother along one direction."""
    uneven = []
    for seed in range(40):
        texture = material(np.random.default_rng(seed), (256, 256), 0.5)
        assert abs(float(texture.mean())) < 0.6
        across, down = (float(np.abs(np.diff(texture, axis=axis)).mean()) + 1e-6 for axis in (0, 1))
        uneven.append(max(across, down) / min(across, down))
    assert sum(one > 2.5 for one in uneven) >= 4
    assert sum(one < 1.3 for one in uneven) >= 4


def test_a_blur_of_the_subject_stays_with_the_subject() -> None:
    sharp = photo(Case(label=BlurClass.SHARP), px=512)
    soft = photo(Case(label=BlurClass.DEFOCUSED_OBJECT_PORTRAIT, way=Way.SUBJECT_DEFOCUS, width_px=9), px=512)
    assert soft.radius_px == pytest.approx(9 * 512 / 1536)
    assert soft.motion_px is None
    mask = sharp.subject_mask.astype(np.uint8)
    inside, outside = cv2.erode(mask, np.ones((9, 9))) > 0, cv2.dilate(mask, np.ones((61, 61))) == 0
    assert detail(soft.image, inside) < 0.75 * detail(sharp.image, inside)
    # Same noise, same JPEG blocks: farther out than blur and blocks reach, not one pixel differs.
    assert outside.mean() > 0.05
    assert (soft.image[outside] == sharp.image[outside]).all()


def test_bokeh_and_panning_leave_the_subject_sharp() -> None:
    sharp = photo(Case(label=BlurClass.SHARP), px=512)
    inside = cv2.erode(sharp.subject_mask.astype(np.uint8), np.ones((45, 45))) > 0
    for case in (EdgeCase.BOKEH, EdgeCase.PANNING):
        edge = photo(Case(label=BlurClass.SHARP, edge_case=case), px=512)
        assert (edge.radius_px, edge.motion_px, edge.width_px) == (None, None, None)
        assert (edge.image[inside] == sharp.image[inside]).all()
        assert detail(edge.image, ~edge.subject_mask) < 0.9 * detail(sharp.image, ~sharp.subject_mask)


def test_the_wider_the_blur_the_less_detail() -> None:
    widths = (1.3, 3, 7, 14)
    for way, label in LABELS.items():
        if label is not BlurClass.SHARP and not way.value.endswith("_mix"):
            cases = [Case(label=label, way=way, width_px=width) for width in widths]
            drawn = [photo(case, px=512, family="studio_bottle") for case in cases]
            left = [detail(one.image, one.subject_mask) for one in drawn]
            assert left == sorted(left, reverse=True), way
            assert [one.width_px for one in drawn] == pytest.approx(widths, rel=0.01)


def test_cases_hold_to_the_label_rules() -> None:
    assert set(LABELS.values()) == set(BlurClass)
    assert set(LABELS) == set(Way)
    for bad in (
        {"label": BlurClass.MOTION_BLURRED, "edge_case": EdgeCase.BOKEH},
        {"label": BlurClass.SHARP, "edge_case": EdgeCase.MILD_MIX},
        {"label": BlurClass.SHARP, "way": Way.CAMERA_SHAKE},
        {"label": BlurClass.SHARP, "edge_case": EdgeCase.BOKEH, "way": Way.PANNING},
        {"label": BlurClass.MOTION_BLURRED, "width_px": 0.0},
    ):
        with pytest.raises(ValueError, match="no photo is"):
            Case(**bad)


def test_a_swing_is_drawn_where_it_is_asked_for_only() -> None:
    assert Way.SWING not in Case(label=BlurClass.MOTION_BLURRED).ways
    swung = photo(Case(label=BlurClass.MOTION_BLURRED, way=Way.SWING, width_px=6), px=512)
    assert swung.motion_px == swung.background_motion_px
    assert swung.width_px == pytest.approx(6)


def test_conditions_are_as_frequent_in_every_class() -> None:
    rng = np.random.default_rng(1)
    shares = {}
    for label in BlurClass:
        cases = [draw_case(rng, label).edge_case for _ in range(1500)]
        for condition in (EdgeCase.NOISE, EdgeCase.LOW_LIGHT, EdgeCase.LOW_TEXTURE):
            shares[label, condition] = cases.count(condition) / len(cases)
    assert min(shares.values()) > 0.11
    assert max(shares.values()) < 0.17


def test_drawn_widths_fill_the_range_they_are_stated_for() -> None:
    rng = np.random.default_rng(2)
    for label in (BlurClass.DEFOCUSED_BLURRED, BlurClass.MOTION_BLURRED):
        widths = np.array([Case(label=label).drawn(rng)[1] for _ in range(400)])
        assert widths.min() >= WIDTH_PX[0]
        assert widths.max() <= WIDTH_PX[1]
        assert 0.2 < (widths < 2.5).mean() < 0.35
        mixes = [Case(label=label, edge_case=EdgeCase.MILD_MIX).drawn(rng)[1] for _ in range(100)]
        assert MILD_MIX_PX[0] <= min(mixes) <= max(mixes) <= MILD_MIX_PX[1]


def test_low_texture_low_light_and_noise_are_what_they_say() -> None:
    plain = photo(Case(label=BlurClass.SHARP), px=512)
    flat, dark, noisy = (
        photo(Case(label=BlurClass.SHARP, edge_case=case), px=512)
        for case in (EdgeCase.LOW_TEXTURE, EdgeCase.LOW_LIGHT, EdgeCase.NOISE)
    )
    everywhere = np.ones(plain.subject_mask.shape, bool)
    assert detail(flat.image, everywhere) < 0.5 * detail(plain.image, everywhere)
    assert dark.image.mean() < 0.6 * plain.image.mean()
    assert detail(noisy.image, everywhere) > detail(plain.image, everywhere)
    assert {one.label for one in (flat, dark, noisy)} == {BlurClass.SHARP}


@pytest.mark.slow
def test_a_thumbnail_tells_nothing_about_the_class() -> None:
    labels = [list(BlurClass)[index % 4] for index in range(240)]
    drawn = [
        draw_photo(
            np.random.default_rng((9, index)), draw_case(np.random.default_rng((8, index)), label), long_side_px=64
        )
        for index, label in enumerate(labels)
    ]
    small = [cv2.resize(one.image, (24, 24), interpolation=cv2.INTER_AREA) for one in drawn]
    thumbnails = np.asarray(small, dtype=np.uint8)
    groups = [one.group for one in drawn]
    classes = [label.value for label in labels]
    found = probe_thumbnails(thumbnails, classes, groups, np.random.default_rng(0))
    assert found.passes, found.text()
    # The same photos, were the class the place where they were taken.
    by_place = [CLASSES[FAMILIES.index(one.family) % 4] for one in drawn]
    confounded = probe_thumbnails(thumbnails, by_place, groups, np.random.default_rng(0))
    assert not confounded.passes, confounded.text()


def test_a_real_photo_is_blurred_where_its_mask_says() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (400, 600, 3), dtype=np.uint8)
    mask = np.zeros((400, 600), bool)
    mask[100:300, 200:400] = True
    scene = scene_of_photo(image, mask, group="g")
    camera = camera_for_photo(np.random.default_rng(1))
    drawn = draw_photo(rng, Case(label=BlurClass.DEFOCUSED_OBJECT_PORTRAIT, width_px=8), scene, camera=camera)
    assert drawn.group == "g"
    margin = scene.margin_px
    assert drawn.image.shape == (400 - 2 * margin, 600 - 2 * margin, 3)
    assert drawn.subject_box == (200 - margin, 100 - margin, 400 - margin, 300 - margin)
    assert drawn.radius_px == pytest.approx(8 * (600 - 2 * margin) / 1536)
    inside = cv2.erode(drawn.subject_mask.astype(np.uint8), np.ones((9, 9))) > 0
    assert detail(drawn.image, inside) < 0.5 * detail(drawn.image, ~drawn.subject_mask)


def test_a_photo_without_a_mask_has_its_subject_in_the_middle() -> None:
    scene = scene_of_photo(np.full((300, 200, 3), 90, np.uint8), group="g")
    assert scene.layers.coverage[150, 100] == 1
    assert scene.layers.coverage[5, 5] == 0


@pytest.mark.parametrize("mask", [np.zeros((300, 200), bool), np.ones((300, 200), bool), np.zeros((200, 300), bool)])
def test_a_mask_that_shows_no_subject_is_refused(mask: NDArray[np.bool_]) -> None:
    with pytest.raises(ValueError, match="mask"):
        scene_of_photo(np.full((300, 200, 3), 90, np.uint8), mask, group="g")


def test_no_such_family_and_too_small_are_refused() -> None:
    with pytest.raises(ValueError, match="no scene of the family 'moon'"):
        draw_scene(np.random.default_rng(0), "moon")
    with pytest.raises(ValueError, match="at 20 px"):
        draw_scene(np.random.default_rng(0), long_side_px=20)


def test_the_camera_of_a_real_photo_keeps_its_exposure() -> None:
    for seed in range(5):
        camera = camera_for_photo(np.random.default_rng(seed))
        assert (camera.exposure, camera.vignetting) == (1.0, 0.0)
        dark = camera_for_photo(np.random.default_rng(seed), EdgeCase.LOW_LIGHT)
        assert dark.exposure < 0.4
        assert asdict(dark)["jpeg_quality"] == camera.jpeg_quality


def test_the_classes_are_those_of_the_files_in_index_order() -> None:
    assert CLASSES == ("defocused_blurred", "defocused_object_portrait", "motion_blurred", "sharp")
    assert [one.value for one in BlurClass] == sorted(CLASSES)
    assert set(BLUR_TYPES) == set(CLASSES) - {"sharp"}
