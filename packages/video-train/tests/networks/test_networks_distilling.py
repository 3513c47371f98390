"""What a student loses by differing from its teacher, and that each part of it gives a gradient."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from footage.errors import InputError
from footage.training.batches import Part
from video_train.networks.clips import TINY, build_network
from video_train.networks.distilling import Distillation, Student, distillation_losses, from_answers, from_teacher


def test_the_losses_are_the_textbooks() -> None:
    logits, teacher = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [3.0, 0.0]])
    features, taught = torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.tensor([[2.0, 0.0], [-1.0, -1.0]])
    labels, heat = torch.tensor([0, 1]), 3.0

    def only(**weights: float) -> Tensor:
        how = Distillation(**{"alpha": 0.0, "beta": 0.0, "gamma": 0.0, "temperature": heat, **weights})
        return distillation_losses((logits, features), labels, teacher, taught, how)

    torch.testing.assert_close(only(alpha=1.0), torch.tensor([0.0, 2.0]))
    expected = []
    for own, other in zip(logits.tolist(), teacher.tolist(), strict=True):
        p = [math.exp(x / heat) / sum(math.exp(y / heat) for y in other) for x in other]
        q = [math.exp(x / heat) / sum(math.exp(y / heat) for y in own) for x in own]
        expected.append(heat**2 * sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)))
    torch.testing.assert_close(only(beta=1.0), torch.tensor(expected))
    torch.testing.assert_close(only(gamma=1.0), torch.nn.functional.cross_entropy(logits, labels, reduction="none"))
    together = distillation_losses((logits, features), labels, teacher, taught, Distillation())
    torch.testing.assert_close(together, 0.5 * only(alpha=1.0) + only(beta=1.0) + 0.1 * only(gamma=1.0))


def test_the_feature_loss_has_a_gradient_that_does_not_vanish_with_width() -> None:
    sizes = []
    for width in (8, 2048):
        features = torch.randn((4, width), generator=torch.manual_seed(0)).requires_grad_()
        taught = torch.randn((4, width), generator=torch.manual_seed(1))
        how = Distillation(alpha=1.0, beta=0.0, gamma=0.0)
        output = (torch.zeros((4, 2)), features)
        distillation_losses(
            output, torch.zeros(4, dtype=torch.int64), torch.zeros((4, 2)), taught, how
        ).sum().backward()  # type: ignore[no-untyped-call]  # torch
        assert features.grad is not None
        sizes.append(float((features.grad * features.detach().norm(dim=1, keepdim=True)).norm(dim=1).mean()))
    assert 0.5 < sizes[0] < 1.5
    assert 0.5 < sizes[1] < 1.5


def test_a_student_shows_its_features_only_while_it_learns() -> None:
    student = Student(build_network(TINY, 2), 10)
    clips = torch.zeros((2, 3, 32, 32, 3), dtype=torch.uint8)
    logits, features = student.train()(clips)
    assert (logits.shape, features.shape) == ((2, 2), (2, 10))
    assert student.eval()(clips).shape == (2, 2)
    student.head().train()
    assert len(student(clips)) == 2
    body = {id(parameter) for parameter in student.body_parameters()}
    assert body == {id(parameter) for parameter in student.network.body.parameters()}


def test_a_teacher_asked_at_once_and_one_asked_before_say_the_same() -> None:
    torch.manual_seed(0)
    teacher, student = build_network(TINY, 2).eval(), Student(build_network(TINY, 2), 192)
    clips = torch.randint(0, 256, (4, 3, 32, 32, 3)).to(torch.uint8)
    part = Part(0, clips, torch.tensor([0, 1, 1, 0]), torch.tensor([3, 1, 0, 2]))
    with torch.inference_mode():
        features = teacher.features(clips)
        logits = teacher.top.classify(features)
    order = torch.argsort(part.items)
    output, cpu = student.eval().train()(clips), torch.device("cpu")
    live = from_teacher(teacher, Distillation(), cpu)(output, part)
    looked_up = from_answers(logits[order].clone(), features[order].clone(), Distillation(), cpu)(output, part)
    torch.testing.assert_close(live, looked_up)
    live.sum().backward()  # type: ignore[no-untyped-call]  # torch
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert student.projection.weight.grad is not None


@pytest.mark.parametrize(
    "weights",
    [{"alpha": -1.0}, {"alpha": 0.0, "beta": 0.0, "gamma": 0.0}, {"temperature": 0.0}, {"beta": math.inf}],
)
def test_weights_that_teach_nothing_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Distillation(**weights)
