"""What all but the last layer of a frozen network makes of a region's images, on disk: computed once for all seeds,
folds and students.

`data/embeddings/REGION/NETWORK.npz`. Of a network that is trained as a whole it says that, and nothing else. Torch is
imported only where something is computed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.classifiers import networks
from pipeline.classifiers.network_settings import Shape
from pipeline.classifiers.recipe import ClassifierRecipe
from pipeline.common.arrays import load_arrays, save_arrays
from pipeline.common.files import InputError

if TYPE_CHECKING:
    from torch import nn

    from pipeline.data.expressions import Expressions

FROZEN = {"frozen": ("bool", (1,))}
ORIGIN = dict.fromkeys(("images", "network", "weights"), ("U", (1,)))


@dataclass(frozen=True)
class Embeddings:
    """What the body of a frozen network makes of images.

    Attributes:
        values: (N, features).
        images: SHA-256 of the folder that holds the images.
        network: its name, its settings and its precision, as JSON.
        weights: SHA-256 of the body's weights, see `digest_body`.
        path: of the file.
    """

    values: npt.NDArray[np.float32]
    images: str
    network: str
    weights: str
    path: Path


def embed(
    path: Path, name: str, recipe: ClassifierRecipe[Any], expressions: Expressions, images: str, title: str
) -> Embeddings:
    """Look at every image once.

    Args:
        path: of the file that they shall be in.
        name: of a network that is frozen, see `networks`.
        expressions: N images, N at least 1.
        images: SHA-256 of their folder.
        title: for the progress bar.

    Raises:
        InputError: its weights cannot be had, or it gives values that are not finite.
    """
    from pipeline.classifiers.applying import embeddings

    body = networks.build(name, recipe.network, Shape.of(expressions)).get_submodule("body")
    weights = digest_body(body)
    values = embeddings(body, expressions.images, recipe.precision, title)
    if not np.isfinite(values).all():
        raise InputError(f"recipes.yaml: {name}: its weights give values that are not finite; take others, or fp32")
    return Embeddings(values, images, describe(name, recipe), weights, path)


def digest_body(body: nn.Module) -> str:
    """SHA-256 of all that a network's body computes with: its weights, and levels that no file of weights holds."""
    from pipeline.common.weights import digest_state

    everything = {**dict(body.named_parameters()), **dict(body.named_buffers())}
    return digest_state({name: value.detach().cpu().contiguous() for name, value in everything.items()})


def save_embeddings(found: Embeddings) -> None:
    """Write the file whole."""
    origin = {name: np.array([getattr(found, name)]) for name in ORIGIN}
    save_arrays(found.path, frozen=np.array([True]), **origin, values=found.values)


def save_none(path: Path) -> None:
    """Write that a network is trained as a whole: the same bytes whatever its images and settings are."""
    save_arrays(path, frozen=np.array([False]))


def load_embeddings(path: Path, name: str, recipe: ClassifierRecipe[Any], images: str, count: int) -> Embeddings | None:
    """Read what `save_embeddings` wrote; None of a network that is trained as a whole, whose file is not looked at.

    Args:
        name, recipe: of the network.
        images: SHA-256 of the folder of the images that are trained on.
        count: of these.

    Raises:
        InputError: it is missing, damaged, or of other images or settings.
    """
    if not recipe.network.last_only:
        return None
    remedy = "delete it and run `dvc repro`"
    if not load_arrays(path, FROZEN)["frozen"][0]:
        raise InputError(f"{path}: is of a network that is not frozen; {remedy}")
    origin = {key: str(value[0]) for key, value in load_arrays(path, ORIGIN).items()}
    if origin["images"] != images:
        raise InputError(f"{path}: was computed of other images than {name} is trained on; {remedy}")
    if origin["network"] != describe(name, recipe):
        raise InputError(f"{path}: was computed with other settings than recipes.yaml has for {name}; {remedy}")
    values = load_arrays(path, {"values": ("float32", (count, None))})["values"]
    if not np.isfinite(values).all():
        raise InputError(f"{path}: has a value that is not finite; {remedy}")
    return Embeddings(values=values, path=path, **origin)


def describe(name: str, recipe: ClassifierRecipe[Any]) -> str:
    """A network and what of its recipe decides what its body makes of an image, as JSON."""
    settings = recipe.network.model_dump(mode="json")
    return json.dumps({"name": name, "settings": settings, "precision": recipe.precision}, sort_keys=True)
