"""Images trained on per second: fercrop's loop, and a plain one.

The plain one is what public code does: a Dataset that keeps the CSV's text and parses a row when it is asked for it,
albumentations a sample, a DataLoader with a worker process for each core, and fp32. Both train the same network with
batches of the same size on images of 48 pixels (not on smaller ones at first, as a recipe may), and change them in the
same ways (flip, rotation, scale, shift, erasing). fercrop's does what the recipe says beside, such as soft targets; the
plain one has PyTorch's own layers where fercrop has faster ones that do the same.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from benchmarks import side_by_side
from pipeline.classifiers import networks
from pipeline.classifiers import training as classify
from pipeline.classifiers.layers import Flatten, MaxPool
from pipeline.classifiers.network_settings import Shape
from pipeline.data.roles import Roles
from pipeline.params import load_params
from pipeline.regions.variants import Variant

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # else it asks the network for a newer version at import
import albumentations as A  # noqa: E402

ROUNDS = 3
NETWORKS = {"cnn1": 8192, "googlenet": 2048}  # and how many images a round


class Rows(Dataset[tuple[torch.Tensor, int]]):
    """The rows of fer2013.csv, each parsed and changed when it is asked for."""

    def __init__(self, variant: Variant, recipe: classify.Recipe) -> None:
        self.texts = [" ".join(map(str, image.ravel())) for image in variant.images]
        self.labels = variant.labels
        self.shape = Shape.of(variant)
        how = recipe.augment
        self.change = A.Compose(
            [
                A.HorizontalFlip(p=0.5 * how.flip),
                A.Affine(
                    rotate=(-how.rotate, how.rotate),
                    scale=(1 - how.scale, 1 + how.scale),
                    translate_percent=(-how.shift, how.shift),
                    border_mode=cv2.BORDER_REPLICATE,
                    p=1.0,
                ),
                A.CoarseDropout(
                    num_holes_range=(1, 1), hole_height_range=(0.15, 0.5), hole_width_range=(0.15, 0.5), p=how.erase
                ),
            ]
        )

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        pixels = np.array(list(map(int, self.texts[row].split())), np.uint8).reshape(self.shape.side, self.shape.side)
        changed = self.change(image=pixels)["image"]
        return torch.from_numpy(changed)[None].float() / 127.5 - 1, int(self.labels[row])


def plain(rows: Rows, name: str, recipe: classify.Recipe) -> None:
    """One epoch of the usual loop."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = networks.build(name, recipe.network, rows.shape)
    for place, layer in network.named_children():
        if isinstance(layer, MaxPool):
            setattr(network, place, nn.MaxPool2d(layer.kernel_size, layer.stride))
        elif isinstance(layer, Flatten):
            setattr(network, place, nn.Flatten())
    network.to(device).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate)
    loader = DataLoader(rows, recipe.batch, shuffle=True, drop_last=True, num_workers=os.cpu_count() or 1)
    for images, labels in loader:
        loss = functional.cross_entropy(network(images.to(device)), labels.to(device))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def ours(variant: Variant, role: npt.NDArray[np.str_], name: str, recipe: classify.Recipe) -> None:
    """One epoch of fercrop's, with its validation (on 64 images) and its checkpoint."""
    with TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        roles, path = Roles(role, role == "validation"), Path(folder) / "checkpoint.pt"
        classify.train(variant, roles, "whole", name, recipe, 0, {}, path, lambda *_: None, name)


def main() -> None:
    whole, role = Variant.load(Path("data/variants/vanilla")), Roles.load(Path("data/roles.npz")).role
    recipes: dict[str, classify.Recipe] = dict(load_params().recipes["strong"].classifiers)
    for name, count in NETWORKS.items():
        recipe = recipes[name].model_copy(update={"epochs": 1})
        learnt = np.resize(np.flatnonzero(role == "train"), count)
        judged = np.flatnonzero(role == "validation")[:64]
        rows = np.concatenate([learnt, judged])
        arrays = {key: value[rows] for key, value in vars(whole).items() if isinstance(value, np.ndarray)}
        some = replace(whole, **arrays)
        texts = Rows(replace(some, images=some.images[:count], labels=some.labels[:count]), recipe)
        ways: dict[str, tuple[int, Callable[[], object]]] = {
            f"{name}, fercrop": (count, lambda: ours(some, role[rows], name, recipe)),  # noqa: B023 (called before the next)
            f"{name}, plain": (count, lambda: plain(texts, name, recipe)),  # noqa: B023
        }
        side_by_side(f"training {name}, batches of {recipe.batch}", "images", ways, ROUNDS)


if __name__ == "__main__":
    main()
