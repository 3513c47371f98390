"""Networks that take clips: what they are made of, what they start from, and that they see the order of frames."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models import get_model

from footage.errors import InputError, MissingDependency, ModelError, UntrustedModel
from footage.training.weights import save_state_dict
from video_train.networks.clips import TINY, build_network, check_size, load_pretrained, read_network

SMALL = "shufflenet_v2_x0_5"


def clips(count: int = 2, frames: int = 4, size: int = 64) -> torch.Tensor:
    return torch.from_numpy(
        torch.randint(0, 256, (count, frames, size, size, 3), generator=torch.manual_seed(1)).numpy().astype("uint8")
    )


@pytest.mark.parametrize(
    "name",
    [
        TINY,
        SMALL,
        "mobilenet_v3_small",
        "resnet18",
        "squeezenet1_1",
        "regnet_y_400mf",
        "mnasnet0_5",
        "mc3_18",
        "timm/resnet10t",
    ],
)
def test_every_family_gives_logits_of_any_number_of_clips(name: str) -> None:
    network = build_network(name, 3).eval()
    with torch.inference_mode():
        assert network(clips()).shape == (2, 3)
        assert network(clips(1, 7, 96)).shape == (1, 3)
        assert network.features(clips()).shape == (2, network.top.width)
    head = {id(parameter) for parameter in network.head().parameters()}
    assert {id(p) for p in network.parameters()} - head == {id(p) for p in network.body_parameters()}


@pytest.mark.parametrize("name", [TINY, SMALL])
def test_the_order_of_frames_counts_and_the_company_in_a_batch_does_not(name: str) -> None:
    torch.manual_seed(0)
    network, seen = build_network(name, 3).eval(), clips()
    with torch.inference_mode():
        together, backwards = network(seen), network(seen.flip(1))
        alone = torch.cat([network(seen[:1]), network(seen[1:])])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)
    assert (together - backwards).abs().max() > 1e-4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet1", "no model of torchvision"),
        ("vit_b_16", "gives no feature maps"),
        ("timm/resnet", "no model of timm"),
        ("timm/vit_tiny_patch16_224", "no feature maps|cannot take pictures"),
    ],
)
def test_what_is_no_network_for_clips_is_refused(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_network(name, 2)


def test_too_small_pictures_are_refused() -> None:
    check_size(build_network(TINY, 2), 4, 32)
    with pytest.raises(InputError, match="cannot take clips of 4 frames of 8 px"):
        check_size(build_network("squeezenet1_1", 2), 4, 8)


def test_a_body_comes_from_the_librarys_own_weights(tmp_path: Path) -> None:
    torch.manual_seed(5)
    whole = get_model(SMALL, weights=None)
    save_state_dict(whole, tmp_path / "imagenet.pth")
    network = build_network(SMALL, 2)
    words = load_pretrained(network, tmp_path / "imagenet.pth")
    assert words == f"weights from {tmp_path / 'imagenet.pth'}"
    own = whole.state_dict()
    for key, tensor in network.body.state_dict().items():
        assert torch.equal(tensor, own[key]), key
    with pytest.raises(ModelError, match="is not of resnet18"):
        load_pretrained(build_network("resnet18", 2), tmp_path / "imagenet.pth")


def test_a_timm_body_from_a_file(tmp_path: Path) -> None:
    import timm

    whole = timm.create_model("resnet10t", pretrained=False)
    save_state_dict(whole, tmp_path / "timm.pth")
    network = build_network("timm/resnet10t", 2)
    load_pretrained(network, tmp_path / "timm.pth")
    assert torch.equal(network.body.state_dict()["conv1.0.weight"], whole.state_dict()["conv1.0.weight"])


def test_trained_weights_come_back_with_their_head(tmp_path: Path) -> None:
    network = build_network(TINY, 3).eval()
    save_state_dict(network, tmp_path / "best_student.pt")
    again = read_network(TINY, 3, tmp_path / "best_student.pt")
    assert torch.equal(network(clips()), again(clips()))
    other = build_network(TINY, 3)
    assert load_pretrained(other, tmp_path / "best_student.pt").endswith("head included")
    with pytest.raises(ModelError, match="is not of tiny3d with 4 classes"):
        read_network(TINY, 4, tmp_path / "best_student.pt")
    save_state_dict(torch.nn.Linear(2, 2), tmp_path / "linear.pt")
    with pytest.raises(ModelError, match="not of a network for clips"):
        read_network(TINY, 3, tmp_path / "linear.pt")


def test_hostile_weights_are_not_executed(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (Path(tmp_path / "executed"),))  # type: ignore[return-value]  # it is hostile

    torch.save({"top.linear.weight": Hostile()}, tmp_path / "hostile.pt")
    with pytest.raises(UntrustedModel):
        read_network(TINY, 2, tmp_path / "hostile.pt")
    assert not (tmp_path / "executed").exists()


def test_weights_that_cannot_be_had_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(MissingDependency, match=f"ImageNet weights of {SMALL} could not be downloaded"):
        load_pretrained(build_network(SMALL, 2), None)
    with pytest.raises(MissingDependency, match="weights of timm/resnet10t could not be downloaded"):
        load_pretrained(build_network("timm/resnet10t", 2), None)
    with pytest.raises(ModelError, match="no pretrained weights of tiny3d"):
        load_pretrained(build_network(TINY, 2), None)


def test_real_weights(shared_data: Path) -> None:
    network = build_network("mobilenet_v2", 4)
    before = network.body.state_dict()["features.0.0.weight"].clone()
    load_pretrained(network, shared_data / "cls" / "mobilenet_v2_imagenet.pth")
    assert not torch.equal(before, network.body.state_dict()["features.0.0.weight"])
