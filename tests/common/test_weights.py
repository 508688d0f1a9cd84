"""A network's weights come back with their header, and no foreign file is taken for them."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from pipeline.classifiers.classifier_file import load_classifier
from pipeline.common.files import InputError
from pipeline.common.weights import load_network, save_network
from pipeline.faces.detectors import xception
from pipeline.faces.network import landmark_network

HEADER = {"network": "tiny", "recipe": {"width": 0.25, "epochs": 3}, "validation": {"accuracy": 0.5}}
OPEN = partial(xception.open_model, mirror=False)


def tiny(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


def refuse(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_network(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_weights_and_header_come_back(tmp_path: Path, memory_format: torch.memory_format) -> None:
    network = tiny(0).to(memory_format=memory_format)
    network.train()(torch.randn(2, 3, 3, 3))  # so that there is a running mean
    save_network(tmp_path / "models/a.safetensors", network, HEADER)
    state, header = load_network(tmp_path / "models/a.safetensors")
    assert header == HEADER
    assert state.keys() == network.state_dict().keys()
    for name, value in network.state_dict().items():
        assert state[name].dtype == value.dtype
        assert torch.equal(state[name], value)
    other = tiny(1)
    other.load_state_dict(state)
    images = torch.randn(5, 3, 3, 3)
    assert torch.allclose(other.eval()(images), network.eval()(images), atol=1e-6)


def test_the_same_network_is_the_same_bytes(tmp_path: Path) -> None:
    for name, header in (("a", HEADER), ("b", dict(reversed(HEADER.items())))):
        save_network(tmp_path / name, tiny(0), header)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refuse(tmp_path / "a.safetensors").endswith("missing; run `dvc repro` to make it")


def test_weights_of_another_program_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for metadata in (None, {"format": "pt"}, {"fercrop": "no JSON"}):
        save_file(tiny(0).state_dict(), path, metadata=metadata)
        message = refuse(path)
        assert "no weights of fercrop's" in message
        assert message.endswith("; delete it and run `dvc repro` to make it")


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_network(path, tiny(0), HEADER)
    whole = path.read_bytes()
    for content in (b"", b"text", whole[:4], whole[:100], whole[:-1], whole + b"x"):
        path.write_bytes(content)
        assert "no weights of fercrop's" in refuse(path)


class Trap:
    """Runs code when it is unpickled."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.sprung,)


def test_a_pickle_is_refused_unopened(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    refuse(path)
    torch.save({"weights": Trap(tmp_path / "sprung")}, path)
    refuse(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(("load", "network"), [(load_classifier, "xception"), (OPEN, "cnn1")])
def test_a_model_of_the_other_kind_is_refused(tmp_path: Path, load: Callable[[Path], object], network: str) -> None:
    path = tmp_path / "a.safetensors"
    save_network(path, tiny(0), {**HEADER, "network": network})
    with pytest.raises(
        InputError, match=r"no (classifier of this version|landmark model).*; delete it and run `dvc repro`"
    ):
        load(path)


@pytest.mark.parametrize(("width", "head"), [(0.125, "voting"), (0.25, "direct")])
def test_landmark_weights_of_another_shape_are_refused(tmp_path: Path, width: float, head: str) -> None:
    path = tmp_path / "a.safetensors"
    header = {"network": "xception", "recipe": {"width": width, "head": head, "precision": "fp32"}}
    save_network(path, landmark_network(points=68, width=0.125, head="direct"), header)
    with pytest.raises(InputError, match="weights of another network; delete it"):
        OPEN(path)


def test_a_landmark_model_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    """Which had one kind of head only, and did not name it."""
    path = tmp_path / "a.safetensors"
    save_network(path, tiny(0), {"network": "xception", "recipe": {"width": 0.125}})
    with pytest.raises(InputError, match="delete it and run `dvc repro`"):
        OPEN(path)


def rewrite(path: Path, header: Mapping[str, object], digest: bool) -> None:
    """The same file with another header, with its digest of before or without."""
    with safe_open(path, framework="pt") as file:
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        sha256 = json.loads(file.metadata()["fercrop"])["sha256"]
    said = {**header, **({"sha256": sha256} if digest else {})}
    save_file(state, path, metadata={"fercrop": json.dumps(said)})


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_network(path, tiny(0), HEADER)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        refuse(path)


def test_another_header_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_network(path, tiny(0), HEADER)
    rewrite(path, {**HEADER, "network": "other"}, digest=True)
    assert "does not have the digest that it names" in refuse(path)


def test_a_file_of_an_earlier_version_has_no_digest_and_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_network(path, tiny(0), HEADER)
    rewrite(path, HEADER, digest=False)
    assert "of an earlier version, without a digest" in refuse(path)
    contents: tuple[object, ...] = ([], None, "text")
    for header in contents:
        rewrite_to = tmp_path / "b.safetensors"
        save_file(tiny(0).state_dict(), rewrite_to, metadata={"fercrop": json.dumps(header)})
        assert "no weights of fercrop's" in refuse(rewrite_to)


def test_weights_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    network = tiny(0)
    with torch.no_grad():
        network.state_dict()["0.bias"][0] = float("nan")
    with pytest.raises(InputError, match="weights that are not finite; lower its learning_rate"):
        save_network(tmp_path / "a.safetensors", network, HEADER)
    assert not (tmp_path / "a.safetensors").exists()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "is a folder" in refuse(tmp_path)


@pytest.mark.parametrize("recipe", [None, {}, {"width": "a", "head": "voting"}, {"width": 0.1, "head": "foo"}])
def test_a_landmark_model_whose_recipe_cannot_be_is_one_line(tmp_path: Path, recipe: dict[str, object] | None) -> None:
    path = tmp_path / "a.safetensors"
    save_network(path, tiny(0), {"network": "xception", "recipe": recipe and {"precision": "fp32", **recipe}})
    with pytest.raises(InputError, match="of an earlier version; delete it and run `dvc repro`"):
        OPEN(path)
