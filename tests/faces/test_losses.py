"""The losses of the landmark model against the papers' formulas and the measure that they stand for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch

from pipeline.faces import errors
from pipeline.faces import losses as point_losses
from pipeline.faces.losses import LEAST_INTEROCULAR, LOSSES, VOTE_SIGMA, VOTE_WEIGHT, nme, nme_votes
from pipeline.faces.points import COUNT, OUTER_EYE_CORNERS

CELLS = 16


def faces(count: int = 3, interocular: float = 0.4) -> torch.Tensor:
    """Points (N, 68, 2) as fractions of the side."""
    places = torch.rand(count, COUNT, 2, generator=torch.Generator().manual_seed(0)) * 0.8 - 0.4
    for corner, x in zip(OUTER_EYE_CORNERS, (-0.5, 0.5), strict=True):
        places[:, corner] = torch.tensor([x * interocular, -0.1])
    return places


def outputs(places: torch.Tensor, votes: torch.Tensor | None = None) -> torch.Tensor:
    """What a network would give: places, a spread of no meaning, and the logarithms of the votes' weights."""
    parts = [places, torch.full_like(places[..., :1], 9)]
    return torch.cat(parts if votes is None else [*parts, votes], dim=-1)


def votes_at(row: int, column: int, places: torch.Tensor, weight: float = 0.99) -> torch.Tensor:
    """One cell has most of the weight, the others share the rest."""
    weights = torch.full((*places.shape[:2], CELLS**2), (1 - weight) / (CELLS**2 - 1))
    weights[..., row * CELLS + column] = weight
    return weights.log()


def at_cell(row: float, column: float) -> torch.Tensor:
    """Faces whose points all lie in the middle of one cell, but for the eye corners."""
    places = faces(1)
    places[:] = torch.tensor([(column + 0.5) / CELLS - 0.5, (row + 0.5) / CELLS - 0.5])
    return places


def shifted(distance: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs that are off by this in both directions, and targets."""
    targets = torch.zeros(1, COUNT, 2)
    signs = torch.ones(COUNT, 2)
    signs[::2] = -1
    return outputs(targets + distance * signs), targets


def wing_formula(x: npt.NDArray[np.float64], w: float, epsilon: float) -> npt.NDArray[np.float64]:
    """Feng et al., equation 5."""
    constant = w - w * np.log(1 + w / epsilon)
    return np.where(x < w, w * np.log(1 + x / epsilon), x - constant)


def soft_wing_formula(
    x: npt.NDArray[np.float64], first: float, second: float, epsilon: float
) -> npt.NDArray[np.float64]:
    """Lin et al., equation 4: |x| below w1, w2 ln(1 + |x| / epsilon) + B beyond, B such that it is continuous."""
    constant = first - second * np.log(1 + first / epsilon)
    return np.where(x < first, x, second * np.log(1 + x / epsilon) + constant)


def test_nme_is_the_measure_where_faces_are_wide() -> None:
    targets = faces(5)
    found = targets + 0.1 * torch.randn(targets.shape, generator=torch.Generator().manual_seed(1))
    expected = errors.nme(found.numpy(), targets.numpy()).mean()
    assert nme(outputs(found), targets).item() == pytest.approx(expected, rel=1e-3)


def test_faces_from_the_side_count_no_more_than_the_narrowest_allowed() -> None:
    narrow, least = faces(1, interocular=0.01), faces(1, interocular=LEAST_INTEROCULAR)
    one, other = (nme(outputs(face + 0.05), face).item() for face in (narrow, least))
    assert one == pytest.approx(other, rel=1e-4)
    wide = faces(1, interocular=2 * LEAST_INTEROCULAR)
    assert nme(outputs(wide + 0.05), wide).item() == pytest.approx(other / 2, rel=1e-4)


def test_every_face_counts_by_its_own_eyes() -> None:
    """The mean of the faces' errors, not the mean distance over the mean of the eyes' distances."""
    targets = torch.cat([faces(1, interocular=0.2), faces(1, interocular=0.6)])
    distance = 0.05 * 2**0.5
    expected = (distance / 0.2 + distance / 0.6) / 2
    assert nme(outputs(targets + 0.05), targets).item() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("name", LOSSES)
def test_the_best_is_to_be_right_and_the_gradient_there_is_finite(name: str) -> None:
    targets = faces(2)
    votes = torch.zeros(2, COUNT, CELLS**2).log_softmax(-1)
    right = outputs(targets, votes).requires_grad_()
    best = LOSSES[name](right, targets)
    best.backward()  # type: ignore[no-untyped-call]
    assert right.grad is not None
    assert right.grad.isfinite().all()
    for shift in (0.004, 0.03, 0.3):
        assert LOSSES[name](outputs(targets + shift, votes), targets) > best
        assert LOSSES[name](outputs(targets - shift, votes), targets) > best


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"nme_votes"}))
def test_spread_and_votes_play_no_part(name: str) -> None:
    targets = faces(2)
    plain, more = outputs(targets + 0.1), outputs(targets + 0.1, torch.randn(2, COUNT, 9))
    more[..., 2] = torch.inf
    assert LOSSES[name](plain, targets) == LOSSES[name](more, targets)


def test_the_wing_loss_is_the_papers() -> None:
    w = point_losses.WING_W
    distances = np.array([0, w / 3, 0.999 * w, 1.001 * w, 5 * w])
    expected = wing_formula(distances, w, point_losses.WING_EPSILON)
    found = [point_losses.wing(*shifted(distance)).item() for distance in distances]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_soft_wing_loss_is_the_papers() -> None:
    first = point_losses.SOFT_WING_FROM
    distances = np.array([0, first / 3, 0.999 * first, 1.001 * first, 5 * first, 50 * first])
    expected = soft_wing_formula(distances, first, point_losses.SOFT_WING_W, point_losses.SOFT_WING_EPSILON)
    found = [point_losses.soft_wing(*shifted(distance)).item() for distance in distances]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("loss", "bend"),
    [(point_losses.wing, point_losses.WING_W), (point_losses.soft_wing, point_losses.SOFT_WING_FROM)],
)
def test_wings_do_not_jump_where_they_bend(
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], bend: float
) -> None:
    below, above = (loss(*shifted(bend * factor)).item() for factor in (1 - 1e-4, 1 + 1e-4))
    assert below < above
    assert above - below < 1e-3 * bend


def test_l1_and_l2_are_means_over_all_coordinates() -> None:
    targets = faces(2)
    change = torch.randn(targets.shape, generator=torch.Generator().manual_seed(2))
    given = outputs(targets + change)
    assert LOSSES["l1"](given, targets).item() == pytest.approx(change.abs().mean().item(), rel=1e-5)
    assert LOSSES["l2"](given, targets).item() == pytest.approx(change.square().mean().item(), rel=1e-5)


# Votes


def cross_entropy(given: torch.Tensor, targets: torch.Tensor) -> float:
    """What the votes add to the error."""
    return (nme_votes(given, targets) - nme(given, targets)).item() / VOTE_WEIGHT


def test_the_right_cell_is_the_best_to_vote_for() -> None:
    """Rows are y: a cell that is right but for row and column exchanged is not."""
    targets = at_cell(4, 11)

    def loss(row: int, column: int) -> float:
        return cross_entropy(outputs(targets, votes_at(row, column, targets)), targets)

    losses = np.array([[loss(row, column) for column in range(CELLS)] for row in range(CELLS)])
    assert divmod(int(losses.argmin()), CELLS) == (4, 11)
    assert losses[4, 11] < losses[4, 12] < losses[4, 13]
    assert losses[11, 4] == pytest.approx(losses.max(), rel=1e-3)


def test_the_cross_entropy_is_that_with_a_gaussian_around_the_point() -> None:
    targets = faces(2)
    votes = torch.randn(2, COUNT, CELLS**2, generator=torch.Generator().manual_seed(3)).log_softmax(-1)
    along = np.arange(CELLS) + 0.5
    terms = []
    for face, logarithms in zip(targets.double().numpy(), votes.double().numpy(), strict=True):
        for (x, y), logarithm in zip((face + 0.5) * CELLS, logarithms, strict=True):
            wanted = np.exp(-((along[None] - x) ** 2 + (along[:, None] - y) ** 2) / (2 * VOTE_SIGMA**2))
            terms.append(-(wanted.ravel() / wanted.sum() * logarithm).sum())
    assert cross_entropy(outputs(targets, votes), targets) == pytest.approx(np.mean(terms), rel=1e-3)


def test_no_votes_are_better_than_those_of_the_gaussian() -> None:
    targets = at_cell(6.3, 9.8)
    votes = torch.zeros(1, COUNT, CELLS**2, requires_grad=True)
    descent = torch.optim.Adam([votes], lr=0.3)
    for _ in range(150):
        descent.zero_grad()
        nme_votes(outputs(targets, votes.log_softmax(-1)), targets).backward()  # type: ignore[no-untyped-call]
        descent.step()
    learnt = votes.detach().softmax(-1)[0, 0].reshape(CELLS, CELLS)
    cells = torch.arange(CELLS)
    assert (learnt.sum(0) * cells).sum().item() == pytest.approx(9.8, abs=0.1)
    assert (learnt.sum(1) * cells).sum().item() == pytest.approx(6.3, abs=0.1)
    assert (learnt.sum(0) * (cells - 9.8) ** 2).sum().item() == pytest.approx(VOTE_SIGMA**2, abs=0.1)


def test_points_beyond_the_image_are_left_out_of_the_votes() -> None:
    targets = at_cell(4, 11)
    votes = votes_at(4, 11, targets)
    alone = cross_entropy(outputs(targets, votes), targets)
    targets[:, :40, 0] = 0.8
    votes[:, :40] = -50  # as wrong as can be
    assert cross_entropy(outputs(targets, votes), targets) == pytest.approx(alone, rel=1e-3)
    targets[:, :, 0] = -7
    given = outputs(targets, votes).requires_grad_()
    loss = nme_votes(given, targets)
    assert loss.item() == pytest.approx(nme(given, targets).item())
    loss.backward()  # type: ignore[no-untyped-call]
    assert given.grad is not None
    assert given.grad.isfinite().all()


def test_points_at_the_images_edge_do_vote() -> None:
    targets = at_cell(4, 15.5)
    right, wrong = (cross_entropy(outputs(targets, votes_at(4, column, targets)), targets) for column in (15, 12))
    assert right < wrong
