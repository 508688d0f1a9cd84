"""The networks are found by name, suit any task, and are those of the report and of their papers, layer by layer."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from pkgutil import iter_modules
from typing import Any
from urllib.error import URLError

import pytest
import torch
from torch import nn

from pipeline.classifiers import networks
from pipeline.classifiers.network_settings import Shape
from pipeline.classifiers.networks import googlenet
from pipeline.common.files import InputError

ROOT = Path(__file__).parents[2]
FACES = Shape(classes=7, channels=1, side=48)


def build(name: str, shape: Shape = FACES, **settings: Any) -> nn.Module:
    return networks.build(name, networks.settings_of(name).model_validate(settings), shape)


# Found by name


def test_the_networks_are_the_modules_that_there_are() -> None:
    assert {"cnn1", "cnn2", "cnn3", "cnn4", "googlenet", "conv4", "mini_xception"} <= set(networks.names())
    assert list(networks.names()) == [module.name for module in iter_modules(networks.__path__)]


@pytest.mark.parametrize("name", networks.names())
@pytest.mark.parametrize("shape", [Shape(5, 3, 64), Shape(2, 1, 16)])
def test_every_network_learns_other_tasks(name: str, shape: Shape) -> None:
    """The second has the smallest images that params.yaml allows."""
    torch.manual_seed(0)
    enlarged = {"side": 96} if "side" in networks.settings_of(name).model_fields else {}
    network = build(name, shape, **enlarged).train()
    images = torch.rand(2, shape.channels, shape.side, shape.side) * 2 - 1
    scores = network(images)
    assert scores.shape == (2, shape.classes)
    scores.square().sum().backward()
    assert all(weights.grad is not None and weights.grad.isfinite().all() for weights in network.parameters())


@pytest.mark.parametrize("name", networks.names())
def test_no_network_has_a_convolution_that_torch_cannot_learn(name: str) -> None:
    """Strided, of 1 x 1 and few channels: its backward pass writes beyond its memory, see `layers.SeparableModule`."""
    convolutions = [each for each in build(name).modules() if isinstance(each, nn.Conv2d)]
    strided = [each for each in convolutions if each.kernel_size == (1, 1) and each.stride != (1, 1)]
    assert all(each.in_channels >= 16 for each in strided)


NEW_NETWORK = """
from pipeline.classifiers.network_settings import NetworkSettings

class Settings(NetworkSettings):
    width: int = 2

def build(settings, shape):
    from torch import nn
    wide = nn.Linear(shape.channels * shape.side**2, settings.width)
    return nn.Sequential(nn.Flatten(), wide, nn.Linear(settings.width, shape.classes))
"""

USE_IT = """
import torch
from pipeline.classifiers import networks
from pipeline.classifiers.network_settings import Shape
from pipeline.params import load_params

settings = load_params().classifier_recipe("tiny").network
network = networks.build("tiny", settings, Shape(5, 3, 8))
print(*networks.names(), tuple(network(torch.zeros(2, 3, 8, 8)).shape), network[1].out_features)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project with one more file, a network, and files that are none."""
    for name in ("pipeline", "stages"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    folder = tmp_path / "pipeline/classifiers/networks"
    (folder / "tiny.py").write_text(NEW_NETWORK)
    for name in ("_cnn5.py", ".#tiny.py", "._tiny.py", "tiny copy.py"):
        (folder / name).write_text("raise AssertionError('not a network')")
    params = (ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(params.replace("networks: [cnn1,", "networks: [tiny,"))
    return tmp_path


def run(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=project, capture_output=True, text=True, check=False)


def test_a_new_file_is_a_new_network(project: Path) -> None:
    recipes = (ROOT / "recipes.yaml").read_text()
    entry = "\n    tiny:\n      <<: *demo_cnn\n      network: {width: 3}\n    cnn2: {<<: *demo_cnn}\n"
    (project / "recipes.yaml").write_text(recipes.replace("\n    cnn2: {<<: *demo_cnn}\n", entry))
    checked = run(project, "-m", "stages.check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert run(project, "-c", USE_IT).stdout == f"{' '.join(sorted([*networks.names(), 'tiny']))} (2, 5) 3\n"


def test_a_new_network_wants_an_entry_in_the_recipe(project: Path) -> None:
    shutil.copy(ROOT / "recipes.yaml", project)
    says = "error: recipes.yaml: demo.classifiers.tiny: missing; add it, for networks has it\n"
    assert run(project, "-m", "stages.check").stderr == says


# CNN 1 to CNN 4


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
    name: str, kernel: int, sides: tuple[int, int, int, int], features: int, hidden: tuple[int, ...]
) -> None:
    network = build(name)
    a, b, c, d = sides
    assert shapes(network, 48) == [
        ("Conv2d", (10, a, a)),
        ("ReLU", (10, a, a)),
        ("MaxPool", (10, b, b)),
        ("Conv2d", (20, c, c)),
        ("ReLU", (20, c, c)),
        ("MaxPool", (20, d, d)),
        ("Flatten", (features,)),
        *linear_layers(*hidden, 7),
    ]
    assert [layer.kernel_size for layer in network.modules() if isinstance(layer, nn.Conv2d)] == [(kernel, kernel)] * 2
    assert [(layer.kernel_size, layer.stride) for layer in network.modules() if isinstance(layer, nn.MaxPool2d)] == [
        (4, 1)
    ] * 2


@pytest.mark.parametrize("name", ["cnn1", "cnn3"])
def test_a_new_network_finds_all_classes_about_equally_likely(name: str) -> None:
    torch.manual_seed(0)
    with torch.inference_mode():
        chances = build(name)(torch.rand(20, 1, 48, 48) * 2 - 1).softmax(1)
    assert chances.min() > 0.05
    assert chances.max() < 0.4


# The networks of other reports


def values(network: nn.Module) -> tuple[int, int]:
    """How many parameters a network has, and how many running statistics."""
    statistics = [value for name, value in network.named_buffers() if "running" in name]
    return sum(map(torch.numel, network.parameters())), sum(map(torch.numel, statistics))


@pytest.mark.parametrize(
    ("name", "shape", "parameters", "statistics"),
    [
        ("conv9", FACES, 1_334_967, 0),
        ("conv6", FACES, 172_455, 0),
        ("conv4", FACES, 324_423, 0),  # printed: 206,439, which its layers do not have
        ("ferplus_cnn", Shape(8, 1, 48), 2_598_732 - 1_896, 1_896),
        ("selfie_cnn", Shape(5, 1, 256), 2_196_933, 0),
        ("mini_xception", FACES, 58_423 - 1_472, 1_472),
        ("small_alexnet", FACES, 4_677_575, 0),
    ],
)
def test_a_network_has_as_many_values_as_its_report_prints(
    name: str, shape: Shape, parameters: int, statistics: int
) -> None:
    assert values(build(name, shape)) == (parameters, statistics)


def block(side: int, *channels: int, normalised: bool = False) -> list[tuple[str, tuple[int, ...]]]:
    """Convolutions that keep the side, each with ReLU, and the pooling after them."""
    names = ["Conv2d", "ReLU", *(["BatchNorm2d"] if normalised else [])]
    layers = [(name, (width, side, side)) for width in channels for name in names]
    return [*layers, ("MaxPool", (channels[-1], side // 2, side // 2))]


@pytest.mark.parametrize(
    ("name", "blocks", "features", "hidden"),
    [
        ("conv9", [(16, 16, 32), (32, 32, 64), (64, 64, 128)], 2048, 556),
        ("conv6", [(16, 32), (32, 64), (64,), (128,)], 512, 56),
        ("conv4", [(16, 32), (64,), (64,)], 1024, 256),
    ],
)
def test_the_networks_of_chalmers_are_the_reports(
    name: str, blocks: list[tuple[int, ...]], features: int, hidden: int
) -> None:
    network = build(name, dropout=0.4)
    assert shapes(network, 48) == [
        ("Inner", (1, 36, 36)),
        *(layer for number, channels in enumerate(blocks) for layer in block(36 >> number, *channels)),
        ("Flatten", (features,)),
        ("Dropout", (features,)),
        ("Linear", (hidden,)),
        ("ReLU", (hidden,)),
        ("Dropout", (hidden,)),
        ("Linear", (7,)),
    ]
    assert {layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)} == {0.4}


def test_picancos_network_is_his() -> None:
    network = build("ferplus_cnn", Shape(8, 1, 48))
    assert shapes(network, 48) == [
        *block(48, 32, 32, normalised=True),
        *block(24, 64, 64, normalised=True),
        ("Dropout", (64, 12, 12)),
        *block(12, 128, 128, normalised=True),
        ("Flatten", (4608,)),
        ("Linear", (500,)),
        ("ReLU", (500,)),
        ("BatchNorm1d", (500,)),
        ("Dropout", (500,)),
        ("Linear", (8,)),
    ]
    assert {layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)} == {0.25}


@pytest.mark.parametrize("batch_norm", [False, True])
def test_diehls_network_is_his_with_its_switches(batch_norm: bool) -> None:
    network = build("selfie_cnn", Shape(5, 1, 256), dropout=0.3, batch_norm=batch_norm)
    *first, last = enumerate((8, 16, 32, 64, 128))
    assert shapes(network, 256) == [
        *(layer for number, width in first for layer in block(256 >> number, width)),
        *block(256 >> last[0], last[1], normalised=batch_norm),
        ("Dropout", (128, 8, 8)),
        ("Flatten", (8192,)),
        ("Linear", (256,)),
        ("ReLU", (256,)),
        ("Linear", (5,)),
    ]
    assert [layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)] == [0.3]


def test_there_are_smaller_ones_of_diehls_network() -> None:
    small = build("selfie_cnn", Shape(5, 1, 64), channels=[4, 6], hidden=3)
    assert values(small)[0] == (9 + 1) * 4 + (9 * 4 + 1) * 6 + (16 * 16 * 6 + 1) * 3 + (3 + 1) * 5


def test_the_modules_of_mini_xception_halve_the_maps_and_widen_them() -> None:
    network = build("mini_xception")
    seen = [(layer, shape) for layer, shape in shapes(network, 48) if layer in ("MaxPool2d", "AdaptiveAvgPool2d")]
    halved = ((16, 22), (32, 11), (64, 6), (128, 3))
    both_ways = [("MaxPool2d", (wide // step, side, side)) for wide, side in halved for step in (1, 2)]
    assert sorted(seen) == sorted([*both_ways, ("AdaptiveAvgPool2d", (7, 1, 1))])  # the shortcut does before it widens
    separable = [one for one in network.modules() if isinstance(one, nn.Conv2d) and one.groups > 1]
    assert [one.groups for one in separable] == [8, 16, 16, 32, 32, 64, 64, 128]
    assert not any(isinstance(layer, nn.Linear) for layer in network.modules())


# GoogLeNet


def test_googlenet_gives_seven_outputs_without_auxiliary_ones() -> None:
    network = build("googlenet")
    assert not any("aux" in name for name, _ in network.named_parameters())
    assert network.train()(torch.zeros(2, 1, 48, 48)).shape == (2, 7)
    assert sum(isinstance(module, nn.Conv2d) for module in network.modules()) == 57  # 3, and 6 in each of 9 modules


def maps(network: nn.Module, side: int) -> dict[str, tuple[int, ...]]:
    """For some modules of GoogLeNet the channels, height and width of what goes into them."""
    seen: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> Any:
        return lambda _, inputs: seen.update({name: tuple(inputs[0].shape[1:])})

    for name in ("conv1", "inception3a", "inception5b"):
        network.get_submodule(f"body.{name}").register_forward_pre_hook(note(name))
    with torch.no_grad():
        network.eval()(torch.zeros(1, 1, side, side))
    return seen


@pytest.mark.parametrize(
    ("stem", "side", "expected"),
    [
        ("imagenet", 48, [(3, 48, 48), (192, 6, 6), (832, 2, 2)]),
        ("small", 48, [(1, 48, 48), (192, 12, 12), (832, 3, 3)]),
        ("small", 32, [(1, 32, 32), (192, 8, 8), (832, 2, 2)]),
    ],
)
def test_the_small_stem_leaves_small_images_twice_as_large(
    stem: str, side: int, expected: list[tuple[int, ...]]
) -> None:
    assert list(maps(build("googlenet", stem=stem), side).values()) == expected


@pytest.mark.parametrize("side", [32, 48])
def test_googlenet_with_the_small_stem_tells_images_of_either_size_apart(side: int) -> None:
    torch.manual_seed(0)
    network = build("googlenet", Shape(5, 1, side), stem="small").train()
    scores = network(torch.randn(3, 1, side, side))
    assert scores.shape == (3, 5)
    assert not torch.allclose(scores[0], scores[1], atol=1e-3)
    assert sum(isinstance(module, nn.Conv2d) for module in network.modules()) == 57


def test_the_small_stem_takes_images_as_they_are() -> None:
    """Without the move from -1..1 to the range of ImageNet, which takes three channels."""
    network = build("googlenet", stem="small")
    seen: list[torch.Tensor] = []
    network.get_submodule("body.conv1").register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    images = torch.rand(2, 1, 48, 48) * 2 - 1
    network.eval()(images)
    assert torch.equal(seen[0], images)


def test_the_stem_is_the_papers_unless_another_is_asked_for() -> None:
    plain, small = build("googlenet"), build("googlenet", stem="small")
    kernels = [network.get_parameter("body.conv1.conv.weight").shape for network in (plain, small)]
    assert kernels == [(64, 3, 7, 7), (64, 1, 3, 3)]


def test_pretrained_weights_that_cannot_be_had_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(InputError) as caught:
        build("googlenet", pretrained=True)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("recipes.yaml: pretrained: true needs https://")
    assert "no network" in message
    assert f"download it into {tmp_path}/checkpoints, or set pretrained: false" in message


def test_pretrained_weights_of_a_damaged_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_garbage(_: str, path: str, *__: object, **___: object) -> None:
        Path(path).write_bytes(b"garbage")

    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", write_garbage)
    with pytest.raises(InputError, match=r"^/.*\.pth: damaged; delete it, or set pretrained: false$"):
        build("googlenet", pretrained=True)


def test_pretrained_weights_are_taken_over_but_for_the_last_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    thousand = build("googlenet", Shape(1000, 1, 48)).get_submodule("body").state_dict()
    published = {**thousand, "aux1.fc1.weight": torch.zeros(1)}
    monkeypatch.setattr(googlenet, "_imagenet_weights", lambda: published)
    network = build("googlenet", pretrained=True)
    state = network.state_dict()
    assert torch.equal(state["body.conv1.conv.weight"], published["conv1.conv.weight"])
    assert torch.equal(
        state["body.inception5b.branch4.1.bn.running_var"], published["inception5b.branch4.1.bn.running_var"]
    )
    assert state["body.fc.weight"].shape == (7, 1024)


def test_a_network_to_fill_with_weights_needs_none_of_imagenets() -> None:
    """All else is kept, for weights fit one stem only."""
    for settings in (googlenet.Settings(pretrained=True, first_side=32), googlenet.Settings(stem="small")):
        assert settings.to_fill() == settings.model_copy(update={"pretrained": False})
        assert not settings.to_fill().pretrained


# Growing images


def growing(first: int, epochs: int, side: int = 48) -> list[int]:
    return googlenet.Settings(first_side=first).sides(side, epochs)


@pytest.mark.parametrize("first", [24, 32, 40])
@pytest.mark.parametrize("epochs", [4, 8, 20, 40, 100])
def test_images_grow_from_the_first_side_and_the_last_quarter_has_all_pixels(first: int, epochs: int) -> None:
    sides = growing(first, epochs)
    assert len(sides) == epochs
    assert sides[0] == first
    assert sides == sorted(sides)
    assert sides[-(epochs // 4) :] == [48] * (epochs // 4)
    assert all(side % googlenet.SIDE_STEP == 0 for side in sides)


def test_images_grow_evenly() -> None:
    assert growing(24, 12) == [24, 24, 24, 32, 32, 32, 40, 40, 40, 48, 48, 48]
    assert growing(32, 8) == [32, 32, 32, 40, 40, 40, 48, 48]
    assert growing(48, 8, side=64) == [48, 48, 48, 56, 56, 56, 64, 64]


@pytest.mark.parametrize("epochs", [1, 2, 3, 5, 6, 7, 10])
@pytest.mark.parametrize("side", [48, 50])
def test_the_last_epoch_has_all_pixels_however_few_there_are(epochs: int, side: int) -> None:
    assert growing(24, epochs, side)[-1] == side


@pytest.mark.parametrize("epochs", [1, 2, 40])
@pytest.mark.parametrize("first", [48, 64])
def test_images_that_start_with_all_pixels_do_not_grow(epochs: int, first: int) -> None:
    assert growing(first, epochs) == [48] * epochs


@pytest.mark.parametrize("name", networks.names())
def test_images_do_not_grow_unless_that_is_asked_for(name: str) -> None:
    assert networks.settings_of(name)().sides(48, 3) == [48] * 3
