"""The networks are those of the report and of their papers, layer by layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from torch import nn

from pipeline.files import InputError
from pipeline.networks import build
from pipeline.networks.xception import GRID, Residual, Separable
from pipeline.params import NetworkName


def shapes(network: nn.Module, side: int) -> list[tuple[str, tuple[int, ...]]]:
    """For each layer without layers in it its name and the shape of what it gives one image, in order of use."""
    seen: list[tuple[str, tuple[int, ...]]] = []

    def note(layer: nn.Module, _: Any, result: torch.Tensor) -> None:
        seen.append((type(layer).__name__, tuple(result.shape[1:])))

    hooks = [layer.register_forward_hook(note) for layer in network.modules() if not list(layer.children())]
    with torch.inference_mode():
        network.eval()(torch.zeros(1, 1, side, side))
    for hook in hooks:
        hook.remove()
    return seen


def linear_layers(*sizes: int) -> list[tuple[str, tuple[int, ...]]]:
    layers: list[tuple[str, tuple[int, ...]]] = [
        layer for size in sizes for layer in (("Linear", (size,)), ("ReLU", (size,)))
    ]
    return layers[:-1]  # no ReLU behind the last


@pytest.mark.parametrize(
    ("name", "kernel", "sides", "features", "hidden"),
    [
        ("cnn1", 5, (44, 41, 37, 34), 23120, (120, 250)),
        ("cnn2", 5, (44, 41, 37, 34), 23120, (250, 120, 120, 120)),
        ("cnn3", 5, (44, 41, 37, 34), 23120, (250, 120, 120, 120, 120, 50, 50)),
        ("cnn4", 3, (46, 43, 41, 38), 38 * 38 * 20, (120, 250)),
    ],
)
def test_the_small_networks_are_the_reports(
    name: NetworkName, kernel: int, sides: tuple[int, int, int, int], features: int, hidden: tuple[int, ...]
) -> None:
    network = build(name, outputs=7)
    a, b, c, d = sides
    assert shapes(network, 48) == [
        ("Conv2d", (10, a, a)),
        ("ReLU", (10, a, a)),
        ("MaxPool2d", (10, b, b)),
        ("Conv2d", (20, c, c)),
        ("ReLU", (20, c, c)),
        ("MaxPool2d", (20, d, d)),
        ("Flatten", (features,)),
        *linear_layers(*hidden, 7),
    ]
    assert [layer.kernel_size for layer in network.modules() if isinstance(layer, nn.Conv2d)] == [(kernel, kernel)] * 2
    assert [(layer.kernel_size, layer.stride) for layer in network.modules() if isinstance(layer, nn.MaxPool2d)] == [
        (4, 1)
    ] * 2


@pytest.mark.parametrize("name", ["cnn1", "cnn3"])
def test_a_new_network_finds_all_classes_about_equally_likely(name: NetworkName) -> None:
    torch.manual_seed(0)
    with torch.inference_mode():
        chances = build(name, outputs=7)(torch.rand(20, 1, 48, 48) * 2 - 1).softmax(1)
    assert chances.min() > 0.05
    assert chances.max() < 0.4


@pytest.fixture(scope="module")
def xception() -> nn.Module:
    return build("xception", outputs=136, width=0.125)


def test_xception_has_36_convolution_layers_in_14_modules(xception: nn.Module) -> None:
    flow = [child for part in (xception.entry, xception.middle, xception.exit) for child in part.children()]  # type: ignore[union-attr]
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


def test_all_but_the_first_and_the_last_module_have_a_linear_shortcut(xception: nn.Module) -> None:
    residuals = [module for module in xception.modules() if isinstance(module, Residual)]
    assert len(residuals) == 12
    halving = [index for index, residual in enumerate(residuals) if not isinstance(residual.shortcut, nn.Identity)]
    assert halving == [0, 1, 2, 11]
    for residual in residuals:
        assert not any(isinstance(layer, nn.ReLU) for layer in residual.shortcut.modules())


def test_separable_convolutions_are_depthwise_then_pointwise(xception: nn.Module) -> None:
    for separable in (module for module in xception.modules() if isinstance(module, Separable)):
        depthwise, pointwise, _ = separable
        assert isinstance(depthwise, nn.Conv2d)
        assert isinstance(pointwise, nn.Conv2d)
        assert depthwise.groups == depthwise.in_channels == depthwise.out_channels
        assert (depthwise.kernel_size, pointwise.kernel_size, pointwise.groups) == ((3, 3), (1, 1), 1)


def test_xception_at_full_width_has_the_papers_channels() -> None:
    with torch.device("meta"):  # shapes alone: 25 million weights need not be drawn
        network = build("xception", outputs=136)
        features = network.entry(torch.empty(1, 1, 128, 128))  # type: ignore[operator]
    assert features.shape == (1, 728, 8, 8)
    pointwise = [module[1].out_channels for module in network.modules() if isinstance(module, Separable)]
    assert pointwise == [128, 128, 256, 256, 728, 728, *[728] * 24, 728, 1024, 1536, 2048]
    assert network.state_dict()["head.weight"].shape == (136, 2048 * GRID * GRID)
    assert round(sum(parameter.numel() for parameter in network.parameters()) / 1e6) == 25


def test_a_narrow_xception_gives_as_many_numbers_at_any_size(xception: nn.Module) -> None:
    with torch.inference_mode():
        for side in (128, 96):
            assert xception.eval()(torch.zeros(2, 1, side, side)).shape == (2, 136)


def test_the_landmark_head_sees_where_a_feature_is(xception: nn.Module) -> None:
    """What averaging over the whole map would lose."""
    maps = xception.exit(xception.middle(xception.entry(torch.zeros(1, 1, 128, 128))))  # type: ignore[operator]
    channels = xception.head.in_features // GRID**2  # type: ignore[union-attr, operator]
    assert maps.shape == (1, channels * 16)
    image = torch.zeros(1, 1, 128, 128)
    image[..., 20:40, 20:40] = 1
    with torch.inference_mode():
        here, there = (xception.eval()(view) for view in (image, image.flip(-1)))
    assert (here - there).abs().max() > 1e-4


def test_googlenet_gives_seven_outputs_without_auxiliary_ones() -> None:
    network = build("googlenet", outputs=7)
    assert not any("aux" in name for name, _ in network.named_parameters())
    assert network.train()(torch.zeros(2, 1, 48, 48)).shape == (2, 7)
    assert sum(isinstance(module, nn.Conv2d) for module in network.modules()) == 57  # 3, and 6 in each of 9 modules


def test_pretrained_weights_that_cannot_be_had_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(InputError) as caught:
        build("googlenet", outputs=7, pretrained=True)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("params.yaml: pretrained: true needs https://")
    assert "no network" in message
    assert f"download it into {tmp_path}/checkpoints, or set pretrained: false" in message


def test_pretrained_weights_of_a_damaged_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_garbage(_: str, path: str, *__: object, **___: object) -> None:
        Path(path).write_bytes(b"garbage")

    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", write_garbage)
    with pytest.raises(InputError, match=r"^/.*\.pth: damaged; delete it, or set pretrained: false$"):
        build("googlenet", outputs=7, pretrained=True)


def test_pretrained_weights_are_taken_over_but_for_the_last_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.networks import googlenet

    torch.manual_seed(0)
    published = {
        **build("googlenet", outputs=1000).get_submodule("body").state_dict(),
        "aux1.fc1.weight": torch.zeros(1),
    }
    monkeypatch.setattr(googlenet, "_imagenet_weights", lambda: published)
    network = build("googlenet", outputs=7, pretrained=True)
    state = network.state_dict()
    assert torch.equal(state["body.conv1.conv.weight"], published["conv1.conv.weight"])
    assert torch.equal(
        state["body.inception5b.branch4.1.bn.running_var"], published["inception5b.branch4.1.bn.running_var"]
    )
    assert state["body.fc.weight"].shape == (7, 1024)
