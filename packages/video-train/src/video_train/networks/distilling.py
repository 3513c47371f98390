"""Learning from a teacher: its answers, its features, and the labels, weighed against each other."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name every reader of torch code expects
from torch import Tensor, nn

from footage.errors import InputError
from footage.training.batches import Part
from footage.training.network import HeadedNetwork
from video_train.networks.clips import ClipNetwork

Output = tuple[Tensor, Tensor] | Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Distillation:
    """How much a student learns from what (Hinton, Vinyals & Dean, 2015, with a feature loss beside).

    Attributes:
        alpha: weight of 1 - the cosine between the student's projected features and the teacher's; a squared error over
            unit vectors would vanish with their number.
        beta: weight of the Kullback-Leibler divergence between the softened answers, times the square of the
            temperature, which keeps its gradient's size.
        gamma: weight of the labels' cross-entropy.
        temperature: by which logits are divided before the softmax.
    """

    alpha: float = 0.5
    beta: float = 1.0
    gamma: float = 0.1
    temperature: float = 3.0

    def __post_init__(self) -> None:
        """Refuse what teaches nothing.

        Raises:
            InputError: a weight is negative, all are 0, or the temperature is not positive.
        """
        weights = (self.alpha, self.beta, self.gamma)
        if not all(0 <= weight < math.inf for weight in weights) or not any(weights):
            raise InputError("the weights of the losses must be 0 or more, and one of them positive")
        if not 0 < self.temperature < math.inf:
            raise InputError("the temperature must be positive")


class Student(HeadedNetwork):
    """A student that shows its features while it learns; afterwards only its logits.

    Attributes:
        network: what is kept.
        projection: from its features to as many as the teacher has; used in training only.
    """

    def __init__(self, network: ClipNetwork, teacher_features: int) -> None:
        super().__init__()
        self.network = network
        self.projection = nn.Linear(network.top.width, teacher_features)

    def forward(self, clips: Tensor) -> Output:
        """Logits, and in training the projected features too."""
        if not self.training and not self.projection.training:
            logits: Tensor = self.network(clips)
            return logits
        features = self.network.features(clips)
        return self.network.top.classify(features), self.projection(features)

    def head(self) -> nn.Module:
        """The parts that are always trained."""
        return nn.ModuleList([self.network.top, self.projection])


def distillation_losses(
    output: Output, labels: Tensor, teacher_logits: Tensor, teacher_features: Tensor, how: Distillation
) -> Tensor:
    """Loss of every item, ``(n,)``.

    Args:
        output: the student's logits ``(n, classes)`` and projected features ``(n, D)``.
        labels: ``(n,)``.
        teacher_logits: ``(n, classes)``.
        teacher_features: ``(n, D)``.
        how: the weights.
    """
    logits, features = output[0].float(), output[1].float()
    feature = 1 - F.cosine_similarity(features, teacher_features.float(), dim=1)
    soft = F.log_softmax(logits / how.temperature, dim=1)
    wanted = F.log_softmax(teacher_logits.float() / how.temperature, dim=1)
    response = F.kl_div(soft, wanted, reduction="none", log_target=True).sum(1) * how.temperature**2
    task = F.cross_entropy(logits, labels, reduction="none")
    return how.alpha * feature + how.beta * response + how.gamma * task


def from_teacher(teacher: ClipNetwork, how: Distillation, device: torch.device) -> Callable[[Output, Part], Tensor]:
    """A criterion that asks the teacher about the very clips the student sees, augmented as they are."""
    teacher.to(device).eval()

    def criterion(output: Output, part: Part) -> Tensor:
        with torch.inference_mode():
            features = teacher.features(part.images.to(device))
            logits = teacher.top.classify(features)
        return distillation_losses(output, part.labels.to(device), logits.clone(), features.clone(), how)

    return criterion


def from_answers(
    logits: Tensor, features: Tensor, how: Distillation, device: torch.device
) -> Callable[[Output, Part], Tensor]:
    """A criterion that looks up what the teacher said of stored clips before they are augmented.

    Args:
        logits: the teacher's of every item, ``(N, classes)``.
        features: likewise, ``(N, D)``.
        how: the weights.
        device: where the student computes.
    """
    logits, features = logits.to(device), features.to(device)

    def criterion(output: Output, part: Part) -> Tensor:
        items = part.items.to(device)
        return distillation_losses(output, part.labels.to(device), logits[items], features[items], how)

    return criterion
