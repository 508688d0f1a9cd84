"""ImageNet networks of timm: with weights of a file, fine-tuned or with a new last layer only, or one line why not."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from classifier_recipes import AUGMENT, make_recipe
from imagenet_weights import MODEL, frozen_recipe, put_weights
from made_up_variants import make_variant
from new_networks import new_network
from pydantic import ValidationError
from safetensors.torch import save_file
from timm import list_pretrained

from pipeline.classifiers import imagenet, networks, training
from pipeline.classifiers.applying import embeddings
from pipeline.classifiers.network_settings import Shape
from pipeline.common.files import InputError

NAMES = {
    "inception_v3": "inception_v3.tv_in1k",
    "densenet121": "densenet121.ra_in1k",
    "vgg16": "vgg16.tv_in1k",
    "mobilenetv2": "mobilenetv2_100.ra_in1k",
    "legacy_xception": "legacy_xception.tf_in1k",
    "resnet50": "resnet50.a1_in1k",
}


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    monkeypatch.setattr(imagenet, "WEIGHTS", tmp_path)
    return put_weights(tmp_path)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(imagenet, "WEIGHTS", tmp_path)
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", fail)
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_url", fail)


@pytest.mark.parametrize("name", NAMES)
def test_a_module_names_a_network_of_timm_whose_weights_there_are(name: str) -> None:
    build_it = networks._module(name).build  # type: ignore[attr-defined]
    assert isinstance(build_it, partial)
    assert build_it.args == (NAMES[name],)
    assert NAMES[name] in list_pretrained()


def test_images_come_as_the_network_knows_them() -> None:
    network = new_network("mobilenetv2")  # of side 48
    seen: list[torch.Tensor] = []
    network.get_submodule("body.body").register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    levels = torch.tensor([-1.0, 1.0])
    network.eval()(levels[:, None, None, None].expand(-1, 1, 48, 48))
    (shown,) = seen
    assert shown.shape == (2, 3, 224, 224)
    expected = [[-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225], [(1 - 0.485) / 0.229, 0.544 / 0.224, 0.594 / 0.225]]
    torch.testing.assert_close(shown.mean((2, 3)), torch.tensor(expected), atol=1e-4, rtol=1e-4)


def test_many_images_are_looked_at_in_parts() -> None:
    torch.manual_seed(0)
    network = new_network("mobilenetv2").eval()
    sizes: list[int] = []
    network.get_submodule("body.body").register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    images = torch.rand(33, 1, 8, 8) * 2 - 1
    with torch.inference_mode():
        together, alone = network(images), network(images[32:])
    assert sizes == [32, 1, 1]
    torch.testing.assert_close(together[32:], alone, atol=1e-5, rtol=1e-4)


def test_weights_of_a_file_are_taken_over_and_the_last_layer_is_new(weights: dict[str, torch.Tensor]) -> None:
    network = new_network("mobilenetv2", classes=5, pretrained=True)
    state = network.get_submodule("body.body").state_dict()
    assert "classifier.weight" not in state
    for name, value in state.items():
        assert torch.equal(value, weights[name]), name
    assert network.get_parameter("last.1.weight").shape == (5, 1280)


def test_weights_that_cannot_be_had_are_one_line(offline: None, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        new_network("mobilenetv2", pretrained=True)
    assert str(caught.value) == (
        f"recipes.yaml: pretrained: true needs the weights of {MODEL}, which could not be had (no network); "
        f"put model.safetensors from https://huggingface.co/timm/{MODEL} at {tmp_path}/{MODEL}.safetensors, "
        "or set pretrained: false"
    )


@pytest.mark.parametrize("content", [b"garbage", None])
def test_a_damaged_file_or_one_of_another_network_is_one_line(
    weights: dict[str, torch.Tensor], tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / f"{MODEL}.safetensors"
    if content is None:
        save_file({"conv_stem.weight": torch.zeros(1, 3, 3, 3)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        new_network("mobilenetv2", pretrained=True)
    assert str(caught.value) == f"{path}: damaged, or of another network; delete it, or set pretrained: false"


def test_a_network_that_cannot_see_such_small_images_is_one_line() -> None:
    with pytest.raises(InputError, match=r"network.side: inception_v3.tv_in1k cannot see images of 40 pixels; leave"):
        networks.build("inception_v3", imagenet.Settings(side=40), Shape(7, 1, 48))


def test_what_has_learnt_nothing_is_not_kept() -> None:
    with pytest.raises(ValidationError, match="must be false for pretrained: false"):
        imagenet.Settings(frozen=True)


def test_a_network_to_fill_with_weights_needs_none() -> None:
    settings = imagenet.Settings(pretrained=True, frozen=True, side=64)
    assert settings.to_fill() == imagenet.Settings(side=64)


# Frozen


def test_all_of_a_network_that_is_not_frozen_is_trained(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    made = make_variant((8, 4, 0))
    recipe = make_recipe("mobilenetv2", network={"pretrained": True, "side": 32}, epochs=1)
    network, _ = training.train(
        made.variant, made.roles, "whole", "mobilenetv2", recipe, 0, {}, tmp_path / "a.pt", lambda *_: None, "tuned"
    )
    state = network.get_submodule("body.body").state_dict()
    assert not torch.equal(state["conv_stem.weight"], weights["conv_stem.weight"])


def test_a_frozen_network_is_not_shown_changed_images() -> None:
    with pytest.raises(ValidationError, match="must not be frozen where augment changes images"):
        frozen_recipe(augment={**AUGMENT, "flip": True})


def test_embeddings_do_not_depend_on_what_they_are_computed_with() -> None:
    torch.manual_seed(0)
    body = new_network("mobilenetv2").get_submodule("body")
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8), np.uint8)
    whole = embeddings(body, images, "fp32", "all")
    assert whole.shape == (5, 1280)
    np.testing.assert_allclose(embeddings(body, images[3:], "fp32", "some"), whole[3:], atol=1e-5)
