"""The landmark model's network is that of its paper, layer by layer, and its heads give what they say."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from pipeline.faces.network import landmark_network
from pipeline.faces.network.heads import Direct, Voting, centres
from pipeline.faces.network.xception import Residual, Separable, Xception


@pytest.fixture(scope="module")
def xception() -> Xception:
    torch.manual_seed(0)
    return landmark_network(points=68, width=0.125, head="direct").eval()


def test_xception_has_36_convolution_layers_in_14_modules(xception: Xception) -> None:
    flow = [child for part in (xception.entry, xception.middle, xception.exit) for child in part.children()]
    modules: list[int] = []  # how many convolution layers each has; those of the shortcuts do not count
    begun = False
    for child in flow:
        if isinstance(child, Residual):
            modules.append(sum(isinstance(layer, Separable) for layer in child.layers))
            begun = False
        elif isinstance(child, Separable | nn.Conv2d):
            modules = [*modules[:-1], modules[-1] + 1] if begun else [*modules, 1]
            begun = True
    assert modules == [2, 2, 2, 2, *[3] * 8, 2, 2]
    assert len(modules) == 14
    assert sum(modules) == 36


def test_all_but_the_first_and_the_last_module_have_a_linear_shortcut(xception: Xception) -> None:
    residuals = [module for module in xception.modules() if isinstance(module, Residual)]
    assert len(residuals) == 12
    halving = [index for index, residual in enumerate(residuals) if not isinstance(residual.shortcut, nn.Identity)]
    assert halving == [0, 1, 2, 11]
    for residual in residuals:
        assert not any(isinstance(layer, nn.ReLU) for layer in residual.shortcut.modules())


def test_separable_convolutions_are_depthwise_then_pointwise(xception: Xception) -> None:
    for separable in (module for module in xception.modules() if isinstance(module, Separable)):
        depthwise, pointwise, _ = separable
        assert isinstance(depthwise, nn.Conv2d)
        assert isinstance(pointwise, nn.Conv2d)
        assert depthwise.groups == depthwise.in_channels == depthwise.out_channels
        assert (depthwise.kernel_size, pointwise.kernel_size, pointwise.groups) == ((3, 3), (1, 1), 1)


def test_xception_at_full_width_has_the_papers_channels() -> None:
    with torch.device("meta"):  # shapes alone: 25 million weights need not be drawn
        network = landmark_network(points=68, width=1.0, head="direct")
        features = network.entry(torch.empty(1, 1, 128, 128))
    assert features.shape == (1, 728, 8, 8)
    pointwise = [module[1].out_channels for module in network.modules() if isinstance(module, Separable)]
    assert pointwise == [128, 128, 256, 256, 728, 728, *[728] * 24, 728, 1024, 1536, 2048]
    assert network.state_dict()["head.linear.weight"].shape == (136, 2048 * 4 * 4)
    assert round(sum(parameter.numel() for parameter in network.parameters()) / 1e6) == 25


@pytest.mark.parametrize(("head", "cells"), [("direct", {128: 0, 96: 0}), ("voting", {128: 16 * 16, 96: 12 * 12})])
def test_landmark_networks_give_place_spread_and_votes_at_any_size(head: str, cells: dict[int, int]) -> None:
    network = landmark_network(points=5, width=0.125, head=head).eval()
    with torch.inference_mode():
        for side, count in cells.items():
            assert network(torch.zeros(2, 1, side, side)).shape == (2, 5, 3 + count)


def test_heads_see_the_maps_at_an_eighth_a_sixteenth_and_a_thirty_second(xception: Xception) -> None:
    seen: list[Any] = []
    hook = xception.head.register_forward_pre_hook(lambda _, given: seen.extend(given))
    with torch.inference_mode():
        xception(torch.zeros(1, 1, 128, 64))
    hook.remove()
    assert [tuple(part.shape[2:]) for part in seen[0]] == [(16, 8), (8, 4), (4, 2)]


def test_the_landmark_head_sees_where_a_feature_is(xception: Xception) -> None:
    """What averaging over the whole map would lose."""
    maps = xception.exit(xception.middle(xception.entry(torch.zeros(1, 1, 128, 128))))
    assert isinstance(xception.head, Direct)
    assert xception.head.linear.in_features == maps.shape[1] * 16
    image = torch.zeros(1, 1, 128, 128)
    image[..., 20:40, 20:40] = 1
    with torch.inference_mode():
        here, there = (xception(view) for view in (image, image.flip(-1)))
    assert (here - there).abs().max() > 1e-4


# Heads


def spike(channels: int, side: int, **cells: tuple[int, int]) -> torch.Tensor:
    """A map of zeros with a one in some cells: c0=(row, column) sets it in channel 0."""
    grid = torch.zeros(1, channels, side, side)
    for name, (row, column) in cells.items():
        grid[0, int(name[1:]), row, column] = 1
    return grid


def voting(points: int, sharpness: float = 100) -> Voting:
    """A head without training: point p is where channel p of the maps is high. Cells that are far too sure."""
    head = Voting((points, points, points), points).eval()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.zero_()
        for module in head.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.fill_((1 + module.eps) ** 0.5)  # the identity
        for channel in range(points):
            for lateral in head.laterals:
                lateral.get_parameter("0.weight")[channel, channel] = 1
            head.votes.weight[channel, channel] = sharpness
        for smooth in head.smooth:
            smooth.get_parameter("1.weight")[:, 0, 1, 1] = 1
            smooth.get_parameter("2.weight").copy_(torch.eye(Voting.CHANNELS)[..., None, None])
    return head


def offset(head: Voting, point: int, x: float, y: float) -> None:
    assert head.votes.bias is not None
    points = head.votes.out_channels // 3
    with torch.no_grad():
        head.votes.bias[points + point], head.votes.bias[2 * points + point] = x, y


def test_a_vote_is_the_cells_place_and_its_offset() -> None:
    head = voting(2)
    offset(head, 0, 0.01, -0.02)
    offset(head, 1, 0.5, 0)  # beyond the image's edge
    with torch.no_grad():
        found = head((spike(2, 16, c0=(3, 10), c1=(15, 15)), torch.zeros(1, 2, 8, 8), torch.zeros(1, 2, 4, 4)))[0]
    expected = [[10.5 / 16 - 0.5 + 0.01, 3.5 / 16 - 0.5 - 0.02], [15.5 / 16, 15.5 / 16 - 0.5]]
    torch.testing.assert_close(found[:, :2], torch.tensor(expected), atol=1e-5, rtol=0)
    assert found[:, 2].max() < 1e-4
    assert found[:, 3:].argmax(1).tolist() == [3 * 16 + 10, 15 * 16 + 15]  # row by row
    torch.testing.assert_close(found[:, 3:].logsumexp(1), torch.zeros(2), atol=1e-5, rtol=0)


def test_votes_that_differ_are_averaged_and_their_spread_is_told() -> None:
    head = voting(1)
    with torch.no_grad():
        one, other = spike(1, 16, c0=(4, 2)), spike(1, 16, c0=(4, 12))
        found = head((one + other, torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 4, 4)))[0, 0]
    assert found[:3].tolist() == pytest.approx([7.5 / 16 - 0.5, 4.5 / 16 - 0.5, 5 / 16], abs=1e-5)


@pytest.mark.parametrize(("level", "wide"), [(1, 2), (2, 4)])
def test_a_cell_of_a_coarser_map_is_several_of_the_finest(level: int, wide: int) -> None:
    maps = [torch.zeros(1, 1, 16 // 2**part, 16 // 2**part) for part in range(3)]
    maps[level][..., 2, 1] = 1
    with torch.no_grad():
        found = voting(1)((maps[0], maps[1], maps[2]))[0, 0]
    side = 16 / wide
    places = torch.arange(wide) / 16
    spread = (2 * places.var(correction=0)).sqrt().item()
    assert found[:3].tolist() == pytest.approx([1.5 / side - 0.5, 2.5 / side - 0.5, spread], abs=1e-5)


def test_votes_against_a_plain_computation() -> None:
    torch.manual_seed(0)
    head = voting(3, sharpness=0).eval()
    nn.init.normal_(head.votes.weight, std=0.3)
    maps = torch.rand(2, 3, 8, 6), torch.rand(2, 3, 4, 3), torch.rand(2, 3, 2, 2)
    with torch.no_grad():
        votes = []
        hook = head.votes.register_forward_hook(lambda _, __, result: votes.append(result))
        found = head(maps)
        hook.remove()
    for image in range(2):
        for point in range(3):
            says, across, down = (votes[0][image, part * 3 + point].double() for part in range(3))
            weights = says.exp() / says.exp().sum()
            x = sum(weights[r, c] * (across[r, c] + (c + 0.5) / 6 - 0.5) for r in range(8) for c in range(6))
            y = sum(weights[r, c] * (down[r, c] + (r + 0.5) / 8 - 0.5) for r in range(8) for c in range(6))
            variance = sum(
                weights[r, c]
                * ((across[r, c] + (c + 0.5) / 6 - 0.5 - x) ** 2 + (down[r, c] + (r + 0.5) / 8 - 0.5 - y) ** 2)
                for r in range(8)
                for c in range(6)
            )
            expected = [float(x), float(y), float(variance) ** 0.5]
            assert found[image, point, :3].tolist() == pytest.approx(expected, abs=1e-5)
            torch.testing.assert_close(found[image, point, 3:], weights.log().flatten().float(), atol=1e-4, rtol=0)


def test_places_are_not_rounded_where_the_rest_is_bfloat16() -> None:
    head = voting(1)
    offset(head, 0, 0.0123, 0)
    maps = spike(1, 16, c0=(3, 10)), torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 4, 4)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        found = head(maps)[0, 0]
    assert found.dtype == torch.float32
    assert found[0].item() == pytest.approx(10.5 / 16 - 0.5 + 0.0123, abs=1e-5)


def test_voters_start_in_the_middle_and_all_alike() -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        maps = torch.rand(1, 8, 16, 16), torch.rand(1, 8, 8, 8), torch.rand(1, 8, 4, 4)
        found = Voting((8, 8, 8), 4)(maps)[0]
    assert found[:, :2].abs().max() < 0.02
    torch.testing.assert_close(found[:, 3:].exp(), torch.full((4, 256), 1 / 256), rtol=0.2, atol=0)


def test_the_spread_of_voters_who_agree_has_a_finite_gradient() -> None:
    head = voting(1, sharpness=1e4)
    head((spike(1, 16, c0=(3, 10)), torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 4, 4))).sum().backward()
    gradients = [parameter.grad for parameter in head.parameters() if parameter.grad is not None]
    assert len(gradients) > 5
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)


def test_the_direct_head_starts_at_the_shape_it_is_given() -> None:
    torch.manual_seed(0)
    head = Direct((4, 8, 16), 5)
    shape = torch.rand(5, 2) - 0.5
    head.start_at(shape)
    with torch.no_grad():
        found = head((torch.zeros(3, 4, 16, 16), torch.zeros(3, 8, 8, 8), torch.rand(3, 16, 4, 4)))
    assert found.shape == (3, 5, 3)
    torch.testing.assert_close(found[..., :2], shape.expand(3, 5, 2), atol=0.1, rtol=0)
    assert not torch.equal(found[0], found[1])  # it can move away
    assert (found[..., 2] == 0).all()


def test_cells_lie_evenly_about_the_middle() -> None:
    assert centres(4, torch.zeros(0)).tolist() == [-0.375, -0.125, 0.125, 0.375]
