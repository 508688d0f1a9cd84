"""Sheets of what is inside a classifier: its filters, its activations, saliency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from pipeline.classifiers.classifier_file import Classifier
from pipeline.common.files import write_json
from pipeline.inside.layers import (
    Maps,
    activations,
    deepest_layer,
    find_layer,
    first_convolution,
    first_filters,
    map_layers,
)
from pipeline.inside.looking import as_seen
from pipeline.inside.saliency import SIMILAR, explain
from pipeline.report.sheets.canvas import PAPER, Pixels, grid, resize, save_png, titled

TILE = 96  # pixels that an image is shown with beside its activations
LARGE = 150  # and above its saliency
SMALL = 48  # pixels that a filter or a map is shown with
MOST = 64  # filters or maps of a sheet

POSITIVE, NEGATIVE = (194, 65, 12), (11, 99, 189)  # as the page has them
WHITE = (255, 255, 255)


def signed(values: npt.NDArray[np.floating], most: float) -> Pixels:
    """Numbers as colours: white is 0, warm is more, cool is less, full colour is `most`: (H, W) to (H, W, 3)."""
    share = np.clip(values / most if most > 0 else values * 0, -1, 1)[..., None]
    poles = np.where(share >= 0, np.array(POSITIVE), np.array(NEGATIVE))
    colours: Pixels = np.rint(np.array(WHITE) + np.abs(share) * (poles - np.array(WHITE))).astype(np.uint8)
    return colours


def filters_sheet(filters: npt.NDArray[np.float32]) -> Pixels:
    """The filters of the first layer, one scale for all; of three channels as colours about middle grey."""
    most = float(np.abs(filters).max())
    tiles = []
    for each in filters[:MOST]:
        if len(each) == 3:
            drawn = np.rint(127.5 + 127.5 * each.transpose(1, 2, 0) / most).astype(np.uint8)
        else:
            drawn = signed(each.mean(axis=0), most)
        tiles.append(np.kron(drawn, np.ones((SMALL // drawn.shape[0] or 1,) * 2 + (1,), np.uint8)))
    title = f"Filters of the first layer, {_of(len(filters))}; full colour is {most:.2g}"
    return titled(title, grid(np.stack(tiles), 16))


def activations_sheet(images: Pixels, names: Sequence[str], maps: npt.NDArray[np.float32], layer: str) -> Pixels:
    """What a layer makes of images, a row an image; one scale a sheet, for all images and maps.

    Args:
        images: (N, side, side) or (N, side, side, 3).
        names: of them.
        maps: (N, maps, height, width).
        layer: its name.
    """
    shown = maps[:, np.argsort(-maps.std(axis=(0, 2, 3)), kind="stable")[:16]]
    most = float(np.abs(shown).max())
    size = (TILE, TILE)
    rows = []
    for image, name, of in zip(images, names, shown, strict=True):
        tiles = [resize(image, size), *(resize(signed(each, most), size) for each in of)]
        rows.append(titled(name, grid(np.stack(tiles), 17)))
    title = f"{layer}: the {shown.shape[1]} of {maps.shape[1]} maps that vary most; full colour is {most:.2g}"
    return titled(title, np.concatenate(rows))


def saliency_sheet(
    images: Pixels, names: Sequence[str], found: Mapping[str, tuple[npt.NDArray[np.float32], float]]
) -> Pixels:
    """Images and below them what their answers hang on, a row a method; one scale a method, for all images.

    Args:
        images: (N, side, side) or (N, side, side, 3).
        names: of them.
        found: see `saliency.explain`; what hardly changes with random weights is not drawn.
    """
    size = (LARGE, LARGE)
    columns = len(images)
    rows = [grid(np.stack([resize(image, size) for image in images]), columns, names)]
    for method, (maps, similar) in found.items():
        check = f"rank correlation with random weights {similar:.2f}"
        if similar >= SIMILAR:
            empty = np.full((columns, 1, LARGE, 3), PAPER, np.uint8)
            rows.append(
                titled(f"{method}: not shown, it hardly changes with random weights ({check})", grid(empty, columns))
            )
            continue
        # The largest single pixels would leave all others pale.
        most = float(np.quantile(np.abs(maps), 0.99))
        drawn = [resize(signed(each, most), size) for each in maps]
        rows.append(
            titled(f"{method}: warm speaks for the class, cool against it ({check})", grid(np.stack(drawn), columns))
        )
    return np.concatenate(rows)


def draw_inside(folder: Path, classifier: Classifier, images: Pixels, names: Sequence[str], layer: str | None) -> str:
    """Write `filters.png`, `activations.png` (of the first convolution and of `layer`), `saliency.png`, and
    `looked.json`, which says at which layer.

    Args:
        folder: an empty one.
        classifier: what is looked into.
        images: (N, side, side) or (N, side, side, 3), as it takes them.
        names: of them.
        layer: for activations and Grad-CAM; left out: the deepest one whose maps have cells enough.

    Returns:
        the layers that may be asked for, a line each.

    Raises:
        InputError: there is no such layer, or the network has no convolution.
    """
    network, seen = classifier.network, as_seen(images)
    layers = map_layers(network, classifier.shape)
    chosen = find_layer(layers, layer, classifier.header.network) if layer else deepest_layer(layers)
    said = classifier.probabilities(images)
    answers = said.argmax(axis=1)
    captions = [
        f"{name}: {classifier.classes[code]} {of[code]:.0%}"
        for name, code, of in zip(names, answers, said, strict=True)
    ]
    save_png(folder / "filters.png", filters_sheet(first_filters(network)))
    looked_at = dict.fromkeys((first_convolution(network, layers), chosen))
    sheets = [activations_sheet(images, captions, activations(network, seen, name), name) for name in looked_at]
    width = max(sheet.shape[1] for sheet in sheets)
    padded = [np.pad(each, ((0, 0), (0, width - each.shape[1]), (0, 0)), constant_values=PAPER[0]) for each in sheets]
    save_png(folder / "activations.png", np.concatenate(padded))
    found = explain(network, seen, torch.from_numpy(answers), chosen)
    save_png(folder / "saliency.png", saliency_sheet(images, captions, found))
    similar = {name: round(value, 3) for name, (_, value) in found.items()}
    looked = {"layer": chosen, "layers": list(layers), "similar_to_random": similar, "limit": SIMILAR}
    write_json(folder / "looked.json", looked)
    return layer_lines(layers)


def layer_lines(layers: Mapping[str, Maps]) -> str:
    """The layers that may be asked for, a line each."""
    return "\n".join(f"{name}: {of.many} maps of {of.height} x {of.width}" for name, of in layers.items())


def _of(count: int) -> str:
    return f"{min(MOST, count)} of {count}" if count > MOST else f"{count}"
