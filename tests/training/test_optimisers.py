"""The optimizers: each weight is moved by one of them, and Muon moves a convolution as the matrix that it is."""

from __future__ import annotations

import copy
from typing import Any, cast

import pytest
import torch
from new_networks import new_network
from torch import nn
from torch.optim import Optimizer

from pipeline.faces.network import landmark_network
from pipeline.training.optimisers import optimizers
from pipeline.training.recipe import FitRecipe
from pipeline.training.schedules import schedules

RATE = 0.01


def make_recipe(optimizer: str, **changes: Any) -> FitRecipe:
    usual = {
        "epochs": 5, "batch": 8, "learning_rate": RATE, "weight_decay": 0.0, "optimizer": optimizer,
        "schedule": "one_cycle", "ema_decay": 0.0, "patience": 5, "precision": "fp32",
    }  # fmt: skip
    return FitRecipe.model_validate({**usual, **changes})


def small() -> nn.Sequential:
    """Convolutions of several kinds, as the training loop lays them into memory: by channels last."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(),
        nn.Conv2d(6, 6, 3, groups=6, bias=False), nn.Conv2d(6, 8, 1), nn.ReLU(),
        nn.Conv2d(8, 12, (3, 2)), nn.Flatten(), nn.Linear(48, 10), nn.ReLU(),
        nn.Linear(10, 3),
    )  # fmt: skip
    return channels_last(network)


def channels_last(network: nn.Sequential) -> nn.Sequential:
    network.to(memory_format=torch.channels_last)
    return network


def weights(network: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in network.parameters() if parameter.ndim > 1]


def decays(optimizer: Optimizer) -> dict[torch.Tensor, float]:
    return {parameter: group["weight_decay"] for group in optimizer.param_groups for parameter in group["params"]}


def moved_by(optimizer: Optimizer) -> list[torch.Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def rates(moving: dict[str, Optimizer]) -> list[float]:
    return [group["lr"] for optimizer in moving.values() for group in optimizer.param_groups]


def learn(network: nn.Module, moving: dict[str, Optimizer], steps: range) -> None:
    """A few steps as the training loop does them."""
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        images, targets = torch.randn(4, 1, 8, 7, generator=generator), torch.randn(4, 3, generator=generator)
        network.zero_grad(set_to_none=True)
        (network(images) - targets).square().mean().backward()
        for optimizer in moving.values():
            optimizer.step()


def test_adamw_alone_moves_every_parameter_and_decays_weights_only() -> None:
    network = small()
    moving = optimizers(network, make_recipe("adamw", weight_decay=0.3))
    assert list(moving) == ["adamw"]
    assert decays(moving["adamw"]) == {one: 0.3 if one.ndim > 1 else 0.0 for one in network.parameters()}
    assert set(rates(moving)) == {RATE}


def test_muon_takes_all_weights_but_the_last_and_leaves_the_rest_to_adamw() -> None:
    network = small()
    moving = optimizers(network, make_recipe("muon", weight_decay=0.3))
    assert list(moving) == ["adamw", "muon"]
    *hidden, last = weights(network)
    assert decays(moving["adamw"]) == {last: 0.3, **{one: 0.0 for one in network.parameters() if one.ndim == 1}}
    assert [tuple(matrix.shape) for matrix in moved_by(moving["muon"])] == [
        (6, 9), (6, 9), (8, 6), (12, 48), (10, 48),
    ]  # fmt: skip
    assert [matrix.data_ptr() for matrix in moved_by(moving["muon"])] == [weight.data_ptr() for weight in hidden]
    assert set(decays(moving["muon"]).values()) == {0.3}
    assert set(rates(moving)) == {RATE}


def test_a_network_of_one_layer_is_left_to_adamw() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    moving = optimizers(network, make_recipe("muon"))
    assert list(moving) == ["adamw"]
    assert len(moved_by(moving["adamw"])) == 2


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_adam_and_sgd_move_every_parameter_and_a_penalty_of_the_weights_pulls_at_them(optimizer: str) -> None:
    """Without a gradient of the loss what is left is that of `weight_decay` / 2 times the squared weights."""
    network = small()
    before = copy.deepcopy(network.state_dict())
    moving = optimizers(network, make_recipe(optimizer, weight_decay=0.3, momentum=0.5))
    assert list(moving) == [optimizer]
    assert decays(moving[optimizer]) == {one: 0.3 if one.ndim > 1 else 0.0 for one in network.parameters()}
    for _ in range(2):
        network.zero_grad()
        sum(parameter.sum() * 0 for parameter in network.parameters()).backward()  # type: ignore[union-attr]
        moving[optimizer].step()
    name, weight = next((name, one) for name, one in network.named_parameters() if one.ndim > 1)
    first = before[name] - RATE * 0.3 * before[name]
    second = first - RATE * (0.3 * first + 0.5 * 0.3 * before[name])
    if optimizer == "sgd":
        torch.testing.assert_close(weight.detach(), second)
    else:  # Adam's first steps are as long as the rate, whatever the gradient
        large = before[name].abs() > 3 * RATE
        steps = (before[name] - weight.detach())[large].abs()
        torch.testing.assert_close(steps, torch.full_like(steps, 2 * RATE), rtol=0.02, atol=0)


@pytest.mark.parametrize("optimizer", ["adamw", "muon", "adam", "sgd"])
def test_a_step_moves_every_parameter_of_the_network(optimizer: str) -> None:
    network = small()
    before = copy.deepcopy(network.state_dict())
    learn(network, optimizers(network, make_recipe(optimizer)), range(2))
    for name, parameter in network.named_parameters():
        assert not torch.equal(parameter, before[name]), name


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_a_convolution_moves_as_a_linear_layer_with_its_matrix_does(memory_format: torch.memory_format) -> None:
    """Also where its gradient does not lie in memory as the weight does."""
    torch.manual_seed(0)
    convolution, linear = nn.Conv2d(5, 4, (3, 2), bias=False), nn.Linear(30, 4, bias=False)
    with torch.no_grad():
        linear.weight.copy_(as_matrix(convolution.weight))
    one, other = (channels_last(nn.Sequential(layer, nn.Linear(1, 1))) for layer in (convolution, linear))
    recipe = make_recipe("muon", weight_decay=0.5)
    moving = [optimizers(network, recipe)["muon"] for network in (one, other)]
    for _ in range(3):
        gradient = torch.randn(4, 5, 3, 2)
        convolution.weight.grad = gradient.contiguous(memory_format=memory_format)
        linear.weight.grad = as_matrix(gradient)
        for optimizer in moving:
            optimizer.step()
        assert torch.equal(as_matrix(convolution.weight), linear.weight)


def as_matrix(weight: torch.Tensor) -> torch.Tensor:
    """A row for each output: the places of the kernel one after another, and of each all inputs."""
    return weight.detach().permute(0, 2, 3, 1).reshape(len(weight), -1).clone()


def test_a_step_goes_about_equally_far_in_all_directions_of_the_gradient() -> None:
    network = nn.Sequential(nn.Linear(12, 8, bias=False), nn.Linear(8, 2))
    optimizer = optimizers(network, make_recipe("muon"))["muon"]
    weight = weights(network)[0]
    before = weight.detach().clone()
    torch.manual_seed(0)
    rows, _, columns = torch.linalg.svd(torch.randn(8, 12), full_matrices=False)
    weight.grad = rows @ torch.diag(torch.logspace(0, -1.5, 8)) @ columns
    optimizer.step()
    along = torch.diag(rows.T @ (before - weight.detach()) @ columns.T)
    assert along.min() > 0.5 * along.max()


@pytest.mark.parametrize("shape", [(64, 16), (16, 64), (8, 4, 3, 3)])
def test_a_step_is_about_as_long_as_one_of_adamw(shape: tuple[int, ...]) -> None:
    """Which moves each number by the learning rate at first, and by about a fifth of it later on."""
    torch.manual_seed(0)
    layer = nn.Conv2d(shape[1], shape[0], 3) if len(shape) == 4 else nn.Linear(shape[1], shape[0])
    network = channels_last(nn.Sequential(layer, nn.Linear(1, 1)))
    weight, before = layer.weight, layer.weight.detach().clone()
    weight.grad = 1e3 * torch.randn(shape)  # of whatever size
    optimizers(network, make_recipe("muon"))["muon"].step()
    step = (weight.detach() - before).square().mean().sqrt().item()
    assert step == pytest.approx(0.2 * RATE, rel=0.3)


def test_a_weight_without_a_gradient_stays() -> None:
    network = small()
    moving = optimizers(network, make_recipe("muon", weight_decay=0.5))
    learn(network, moving, range(1))
    network.zero_grad(set_to_none=True)
    before = copy.deepcopy(network.state_dict())
    for optimizer in moving.values():
        optimizer.step()
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_network_that_does_not_lie_in_memory_as_it_must_is_no_silent_copy() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(RuntimeError, match="view"):
        optimizers(network, make_recipe("muon"))


@pytest.mark.parametrize("name", ["cnn1", "googlenet", "xception"])
def test_muon_finds_the_matrices_of_the_projects_own_networks(name: Any) -> None:
    network = (
        landmark_network(points=68, width=0.125, head="voting")
        if name == "xception"
        else new_network(name, **cast(Any, {"stem": "small"} if name == "googlenet" else {}))
    )
    network.to(memory_format=torch.channels_last)
    moving = optimizers(network, make_recipe("muon"))
    hidden = weights(network)[:-1]
    assert [matrix.data_ptr() for matrix in moved_by(moving["muon"])] == [weight.data_ptr() for weight in hidden]
    assert [len(matrix) for matrix in moved_by(moving["muon"])] == [len(weight) for weight in hidden]


# Schedules


def test_every_optimizer_has_a_cycle_of_its_own_with_the_same_peak() -> None:
    recipe = make_recipe("muon")
    moving = optimizers(small(), recipe)
    found = schedules(moving, recipe, steps=50)
    assert list(found) == ["adamw_schedule", "muon_schedule"]
    seen = []
    for _ in range(50):
        seen.append(rates(moving))
        for optimizer in moving.values():
            optimizer.step()
        for schedule in found.values():
            schedule.step()
    assert all(len(set(step)) == 1 and len(step) == 3 for step in seen)  # two groups of AdamW's, one of Muon's
    cycle = [step[0] for step in seen]
    assert cycle.index(max(cycle)) == 9  # a fifth of the time warming up
    assert max(cycle) == pytest.approx(RATE)
    assert cycle[0] < RATE / 20
    assert cycle[-1] < RATE / 1000
    assert cycle == sorted(cycle[:10]) + sorted(cycle[10:], reverse=True)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_constant_rate_has_no_schedule(optimizer: str) -> None:
    recipe = make_recipe(optimizer, schedule="constant")
    moving = optimizers(small(), recipe)
    assert schedules(moving, recipe, steps=50) == {}
    assert set(rates(moving)) == {RATE}


# Saved and gone on with


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_optimizers_go_on_from_their_saved_state_as_if_there_had_been_no_break(optimizer: str) -> None:
    recipe = make_recipe(optimizer, weight_decay=0.1)
    whole = small()
    moving = optimizers(whole, recipe)
    learn(whole, moving, range(3))
    saved = copy.deepcopy({name: part.state_dict() for name, part in moving.items()})
    weights_then = copy.deepcopy(whole.state_dict())
    learn(whole, moving, range(3, 6))

    resumed, forgetful = small(), small()
    going_on, anew = optimizers(resumed, recipe), optimizers(forgetful, recipe)
    for network in (resumed, forgetful):
        network.load_state_dict(weights_then)
    for name, part in going_on.items():
        part.load_state_dict(saved[name])
    learn(resumed, going_on, range(3, 6))
    learn(forgetful, anew, range(3, 6))
    for name, parameter in whole.named_parameters():
        assert torch.equal(parameter, resumed.get_parameter(name)), name
        assert not torch.equal(parameter, forgetful.get_parameter(name)), name
