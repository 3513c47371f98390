"""Training the native network on drawn photos, whose every cell is known: which blur is where, and the subject.

A photo's class is one word for 64 cells. Drawn photos tell more, and what they tell is learned beside it: each cell's
blur from its description alone, and whether it shows the subject from what the judgement makes of it. The two heads for
that are left behind when training ends.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name every reader of torch code expects
from numpy.typing import NDArray
from torch import Tensor, nn

from blur_train.evidence import CELLS, PLANES, TILE_PX
from blur_train.models.native import ENCODED, WIDTH, NativeNetwork
from footage.training.batches import Part
from footage.training.network import HeadedNetwork

CELL_KINDS = ("sharp", "mild defocus", "defocus", "mild motion", "motion")
UNKNOWN = 255
"""Kind of a cell that shows subject and background at once."""

_CELL_WEIGHT, _SUBJECT_WEIGHT = 0.6, 0.3
_SMOOTHING = 0.05


class Taught(NamedTuple):
    """What the network gives in training, beside what is true of the cells it looked at.

    Attributes:
        logits: of the photos, ``(N, classes)``.
        kinds: logits of the cells' kinds, ``(N, cells, len(CELL_KINDS))``.
        subject: logits of the cells' showing the subject, ``(N, cells)``.
        true_kinds: int64 ``(N, cells)``, ``UNKNOWN`` where it is.
        true_subject: in [0, 1], ``(N, cells)``.
    """

    logits: Tensor
    kinds: Tensor
    subject: Tensor
    true_kinds: Tensor
    true_subject: Tensor


def with_truth(
    array: NDArray[np.uint8], kinds: NDArray[np.uint8], subject: NDArray[np.uint8], cells: NDArray[np.intp]
) -> NDArray[np.uint8]:
    """Evidence with what is true of its cells in one more plane, ``(PLANES + 1, TILE_PX, TILE_PX)``.

    Args:
        array: the evidence.
        kinds: of each cell of the photo as it was drawn, ``(CELLS,)``.
        subject: share of its tile that shows the subject, 0 to 255, likewise.
        cells: which of those cells each cell of the evidence is, ``(CELLS,)``.
    """
    joined = np.empty((PLANES + 1, TILE_PX, TILE_PX), np.uint8)
    joined[:PLANES] = array
    joined[PLANES, 0], joined[PLANES, 1] = kinds[cells], subject[cells]
    return joined


class TaughtNetwork(HeadedNetwork):
    """A native network with two more heads in training; in evaluation it gives logits.

    Attributes:
        native: the network that is kept.
    """

    def __init__(self, native: NativeNetwork, *, cells_a_step: int = CELLS, bfloat16: bool = False) -> None:
        super().__init__()
        self.native = native
        self.kind = nn.Linear(ENCODED, len(CELL_KINDS))
        self.subject = nn.Linear(WIDTH, 1)
        self._cells_a_step = cells_a_step
        self._bfloat16 = bfloat16

    def forward(self, evidence: Tensor) -> Tensor | Taught:
        """Logits of evidence in evaluation; in training, of :func:`with_truth`, all that is taught."""
        if not self.training:
            logits: Tensor = self.native(evidence)
            return logits
        # Some of the cells are enough for a step: it costs half, and no cell can be relied on to be there.
        cells = torch.sort(torch.randperm(CELLS)[: self._cells_a_step]).values.to(evidence.device)
        truth, evidence = evidence[:, PLANES], evidence[:, :PLANES]
        with torch.autocast(evidence.device.type, torch.bfloat16, enabled=self._bfloat16):
            encoded = self.native.encoded(evidence, cells)
        encoded = encoded.float()
        seen = self.native.seen(encoded, evidence[:, -1], cells)
        return Taught(
            logits=self.native.judgement.votes(seen).sum(dim=1),
            kinds=self.kind(encoded),
            subject=self.subject(seen).squeeze(2),
            true_kinds=truth[:, 0, cells].long(),
            true_subject=truth[:, 1, cells].float() / 255,
        )

    def head(self) -> nn.Module:
        """The judgement."""
        return self.native.judgement


def taught_loss(output: Taught, part: Part) -> Tensor:
    """The loss of every photo, ``(n,)``: of its class, of its cells' kinds, of where its subject is."""
    labels = part.labels.to(output.logits.device)
    photo = F.cross_entropy(output.logits.float(), labels, reduction="none", label_smoothing=_SMOOTHING)
    known = output.true_kinds != UNKNOWN
    each = F.cross_entropy(
        output.kinds.flatten(0, 1), torch.where(known, output.true_kinds, 0).flatten(), reduction="none"
    )
    cell = (each.reshape(known.shape) * known).sum(dim=1) / known.sum(dim=1).clamp(min=1)
    where = F.binary_cross_entropy_with_logits(output.subject, output.true_subject, reduction="none").mean(dim=1)
    return photo + _CELL_WEIGHT * cell + _SUBJECT_WEIGHT * where
