"""Weights from files, real and hostile, and backbones that take them."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import SqueezeNet1_1_Weights, get_model

from footage.errors import InputError, MissingDependency, ModelError, UntrustedModel
from footage.training.backbones import backbone_names, build_classifier, load_pretrained
from footage.training.devices import resolve_device
from footage.training.weights import imagenet_state_dict, load_strictly, read_state_dict

SMALL = "squeezenet1_1"


class Hostile:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch hacked",)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_hostile_file_is_refused_by_name_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, legacy: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "model.pth"
    torch.save({"fc.weight": Hostile()}, file, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(UntrustedModel, match=r"model\.pth: asks for (posix|nt)\.system"):
        read_state_dict(file)
    assert not (tmp_path / "hacked").exists()


def test_a_bare_pickle_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "model.pth"
    file.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(ModelError, match=r"model\.pth"):
        read_state_dict(file)
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("content", [b"", b"no weights at all", b"PK\x03\x04 cut short"])
def test_damaged_files_are_told_plainly(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.pth"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.pth: (is no file of weights|cannot be read as weights)"):
        read_state_dict(file)


def test_a_missing_file_and_one_without_weights(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        read_state_dict(tmp_path / "absent.pth")
    torch.save({"epoch": 3}, tmp_path / "other.pth")
    with pytest.raises(ModelError, match="no state dict"):
        read_state_dict(tmp_path / "other.pth")


def test_checkpoints_of_other_trainers_are_opened(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "state_dict": {"module.a": torch.ones(2)}}, tmp_path / "ddp.pth")
    assert list(read_state_dict(tmp_path / "ddp.pth")) == ["a"]


def test_another_architecture_and_another_head_are_named(tmp_path: Path) -> None:
    torch.save(get_model("mobilenet_v3_small", weights=None).state_dict(), tmp_path / "other.pth")
    classifier = build_classifier(SMALL, 2)
    with pytest.raises(ModelError, match=r"other\.pth: is not of squeezenet1_1: lacks \d+ of its tensors \(features"):
        load_pretrained(classifier, SMALL, tmp_path / "other.pth")
    torch.save(build_classifier(SMALL, 3).network.state_dict(), tmp_path / "three.pth")
    with pytest.raises(ModelError, match=r"three\.pth: is not of .*has the shape \(3, 256\), expected \(2, 256\)"):
        load_pretrained(classifier, SMALL, tmp_path / "three.pth")


def test_a_refused_file_changes_nothing(tmp_path: Path) -> None:
    classifier = build_classifier(SMALL, 2)
    before = {name: tensor.clone() for name, tensor in classifier.network.state_dict().items()}
    other = dict(build_classifier(SMALL, 3).network.state_dict())
    with pytest.raises(ModelError):
        load_strictly(classifier.network, other, what=SMALL, where="three.pth")
    assert all(torch.equal(tensor, before[name]) for name, tensor in classifier.network.state_dict().items())


@pytest.mark.parametrize("name", ["squeezenet1_1", "mobilenet_v3_small", "resnet18", "shufflenet_v2_x0_5"])
def test_the_body_takes_imagenet_weights_and_the_head_stays_new(tmp_path: Path, name: str) -> None:
    torch.manual_seed(0)
    pretrained = get_model(name, weights=None)
    torch.save(pretrained.state_dict(), tmp_path / "imagenet.pth")
    classifier = build_classifier(name, 2)
    head = {key: tensor.clone() for key, tensor in classifier.head().state_dict().items()}
    assert load_pretrained(classifier, name, tmp_path / "imagenet.pth") == f"weights from {tmp_path / 'imagenet.pth'}"
    loaded, given = classifier.network.state_dict(), pretrained.state_dict()
    shared = [key for key in loaded if not key.startswith(f"{classifier.head_name}.")]
    assert len(shared) >= len(given) - 2
    assert all(torch.equal(loaded[key], given[key]) for key in shared)
    assert all(torch.equal(tensor, head[key]) for key, tensor in classifier.head().state_dict().items())
    assert classifier(torch.zeros((3, 64, 64, 3), dtype=torch.uint8)).shape == (3, 2)
    own = {id(parameter) for parameter in classifier.head().parameters()}
    body = {id(parameter) for parameter in classifier.body_parameters()}
    assert not own & body
    assert own | body == {id(parameter) for parameter in classifier.parameters()}


def test_the_head_is_the_one_that_users_know() -> None:
    classifier = build_classifier("resnet18", 2)
    assert {"fc.1.weight", "fc.4.weight"} <= classifier.network.state_dict().keys()
    assert [type(layer).__name__ for layer in classifier.head().children()] == [
        "Dropout",
        "Linear",
        "ReLU",
        "Dropout",
        "Linear",
    ]
    assert "mean" not in classifier.state_dict(), "normalisation is no weight"


def test_the_whole_file_is_taken_where_it_has_our_head(tmp_path: Path) -> None:
    trained = build_classifier(SMALL, 2)
    torch.save(trained.network.state_dict(), tmp_path / "model.pth")
    classifier = build_classifier(SMALL, 2)
    assert load_pretrained(classifier, SMALL, tmp_path / "model.pth").endswith("head included")
    pictures = torch.randint(0, 255, (2, 64, 64, 3), dtype=torch.uint8)
    assert torch.equal(classifier.eval()(pictures), trained.eval()(pictures))


def test_real_imagenet_weights_tell_what_is_in_a_photo(shared_data: Path) -> None:
    """The genuine head goes, and what the body sees of a real photo stays."""
    from footage.video.images import read_image

    file = shared_data / "cls" / "mobilenet_v2_imagenet.pth"
    whole = get_model("mobilenet_v2", weights=None)
    load_strictly(whole, read_state_dict(file), what="mobilenet_v2", where=file)
    classifier = build_classifier("mobilenet_v2", 2)
    load_pretrained(classifier, "mobilenet_v2", file)
    photo = torch.from_numpy(np.ascontiguousarray(read_image(shared_data / "img" / "cat_720p.jpg")[::3, ::5]))[None]
    scaled = (photo.permute(0, 3, 1, 2) / 255 - classifier.mean) / classifier.std
    with torch.inference_mode():
        seen = whole.eval().features(scaled).mean((2, 3))
        ours = classifier.eval().network.get_submodule("features")(scaled).mean((2, 3))
        best = int(whole(scaled).argmax())
    torch.testing.assert_close(ours, seen)
    names = (shared_data / "cls" / "imagenet_labels_1000.txt").read_text().splitlines()
    assert "cat" in names[best] or "tabby" in names[best] or "lynx" in names[best], names[best]


def test_downloaded_weights_are_taken_from_where_torch_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    kept = get_model(SMALL, weights=None).state_dict()
    torch.save(kept, folder / Path(SqueezeNet1_1_Weights.DEFAULT.url).name)
    state, words = imagenet_state_dict(SMALL)
    assert words == "SqueezeNet1_1_Weights.IMAGENET1K_V1"
    assert all(torch.equal(state[name], tensor) for name, tensor in kept.items())


def test_without_a_network_it_says_so_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(MissingDependency, match=r"ImageNet weights of resnet18 could not be downloaded .*give a file"):
        load_pretrained(build_classifier("resnet18", 2), "resnet18", None)


@pytest.mark.parametrize("name", ["resnet1800", "inception_v3", "fasterrcnn_resnet50_fpn", ""])
def test_what_is_no_backbone_is_refused_with_a_suggestion(name: str) -> None:
    with pytest.raises(InputError, match="choose one such as"):
        build_classifier(name, 2)


def test_many_backbones_are_known() -> None:
    assert {"resnet18", "mobilenet_v2", "efficientnet_b0", "vit_b_16", "swin_t", "convnext_tiny"} <= {*backbone_names()}


def test_devices_are_the_one_asked_for_or_none() -> None:
    assert resolve_device("cpu").name == "cpu"
    assert resolve_device("auto").name in {"cpu", "cuda:0", "mps"}
    with pytest.raises(MissingDependency, match=r"cannot compute on cuda:99: torch .* finds (no GPU|\d+ GPUs?)"):
        resolve_device("cuda:99")
    with pytest.raises(ValueError, match="expected auto, cpu"):
        resolve_device("gpu")
