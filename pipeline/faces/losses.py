"""What the landmark model minimises: functions of the found and the true points.

All take what the network gives (N, 68, 3 + cells), see `networks.heads`, and targets (N, 68, 2), as fractions of the
image's side, and give a scalar.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from pipeline.faces import points
from pipeline.faces.network.heads import centres

# The wing losses bend at W and are steepest at 0. In fractions of the image's side; the papers' pixels of 256, roughly.
WING_W, WING_EPSILON = 0.04, 0.008
SOFT_WING_FROM, SOFT_WING_W, SOFT_WING_EPSILON = 0.008, 0.08, 0.002

# Faces seen from the side have eye corners that nearly coincide; they shall not outweigh all others.
LEAST_INTEROCULAR = 0.15

# The cells around a point shall vote for it: how far around, in cells, and how much that counts beside the error.
VOTE_SIGMA, VOTE_WEIGHT = 0.8, 0.02


def nme(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The error that is measured in the end: the mean distance over the distance of the outer eye corners."""
    distance = ((outputs[..., :2] - targets).square().sum(-1) + 1e-6).sqrt().mean(1)
    right, left = points.OUTER_EYE_CORNERS
    interocular = (targets[:, left] - targets[:, right]).norm(dim=-1)
    error: torch.Tensor = (distance / interocular.clamp_min(LEAST_INTEROCULAR)).mean()
    return error


def nme_votes(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The same, and the cross-entropy of the votes' weights with a Gaussian around the true point.

    The error alone is content with any votes whose mean is right; with this it learns in half the epochs where to look.
    Points beyond the image's edge have no cells of their own and are left out of the second part.
    """
    logarithms = outputs[..., 3:]
    cells = round(logarithms.shape[-1] ** 0.5)
    along = centres(cells, outputs)
    near = torch.exp(-0.5 * ((along - targets[..., None]) * (cells / VOTE_SIGMA)).square())  # (N, 68, 2, cells)
    wanted = (near[:, :, 1, :, None] * near[:, :, 0, None, :]).flatten(2)
    total = wanted.sum(-1)
    seen = total > 0.5
    cross_entropy = -(wanted * logarithms).sum(-1) / total.clamp_min(1e-6)
    return nme(outputs, targets) + VOTE_WEIGHT * (cross_entropy * seen).sum() / seen.sum().clamp_min(1)


def wing(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Logarithmic below WING_W, so that small errors still pull (Feng et al., "Wing Loss", CVPR 2018)."""
    distance = (outputs[..., :2] - targets).abs()
    offset = WING_W - WING_W * np.log1p(WING_W / WING_EPSILON)
    return torch.where(distance < WING_W, WING_W * torch.log1p(distance / WING_EPSILON), distance - offset).mean()


def soft_wing(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Linear near 0, logarithmic beyond: Lin et al., "Structure-Coherent Deep Feature Learning", TIP 2021."""
    distance = (outputs[..., :2] - targets).abs()
    offset = SOFT_WING_FROM - SOFT_WING_W * np.log1p(SOFT_WING_FROM / SOFT_WING_EPSILON)
    curved = SOFT_WING_W * torch.log1p(distance / SOFT_WING_EPSILON) + offset
    return torch.where(distance < SOFT_WING_FROM, distance, curved).mean()


def l1(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The mean absolute error."""
    return functional.l1_loss(outputs[..., :2], targets)


def l2(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The mean squared error, with which the original experiment was trained."""
    return functional.mse_loss(outputs[..., :2], targets)


LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "nme": nme, "nme_votes": nme_votes, "wing": wing, "soft_wing": soft_wing, "l1": l1, "l2": l2,
}  # fmt: skip
