"""Saliency: which pixels a network's answer hangs on, for the eye. The atlas measures; these only illustrate.

Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018: some methods draw much the same whatever the network
has learnt. So every map is drawn once more with random weights, and what hardly changes explains nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import IntegratedGradients, LayerAttribution, LayerGradCam
from scipy.stats import spearmanr
from torch import nn

STEPS = 64  # of the integral
SIMILAR = 0.5  # rank correlation with the map of random weights, from which on a method explains nothing

Maps = npt.NDArray[np.float32]
Method = Callable[[nn.Module, torch.Tensor, torch.Tensor], Maps]


def grad_cam(network: nn.Module, images: torch.Tensor, classes: torch.Tensor, layer: str) -> Maps:
    """Where a layer's maps speak for (above 0) or against a class: Selvaraju et al., "Grad-CAM", ICCV 2017, signed.

    Args:
        network: see `applying.probabilities`; what it gives before the softmax is explained.
        images: (N, channels, side, side) in -1..1.
        classes: (N,), which answer of each.
        layer: its name in the network.

    Returns:
        (N, side, side).
    """
    found = LayerGradCam(network, network.get_submodule(layer)).attribute(images, target=classes)
    large = LayerAttribution.interpolate(found.detach(), images.shape[2:], "bilinear")
    return _flat(large)


def integrated_gradients(network: nn.Module, images: torch.Tensor, classes: torch.Tensor) -> Maps:
    """What each pixel adds on the way from plain middle grey to the image: Sundararajan et al., "Axiomatic
    Attribution for Deep Networks", ICML 2017. See `grad_cam`; colours are summed."""
    return _flat(IntegratedGradients(network).attribute(images, target=classes, n_steps=STEPS, internal_batch_size=64))


def methods(layer: str) -> dict[str, Method]:
    """The methods by their names; Grad-CAM looks at this layer."""
    return {f"Grad-CAM at {layer}": partial(grad_cam, layer=layer), "integrated gradients": integrated_gradients}


def explain(
    network: nn.Module, images: torch.Tensor, classes: torch.Tensor, layer: str
) -> dict[str, tuple[Maps, float]]:
    """The map of each method, and how similar it is to that of the same network with random weights.

    Returns:
        by name: maps (N, side, side), and the mean over the images of the rank correlation of their sizes, without
        signs, which a random answer turns around at will.
    """
    network = deepcopy(network).float().cpu().eval().requires_grad_(False)
    random = with_random_weights(network)
    images = images.detach().clone(memory_format=torch.channels_last).requires_grad_()
    found = {}
    for name, method in methods(layer).items():
        maps, others = method(network, images, classes), method(random, images, classes)
        found[name] = maps, similarity(maps, others)
    return found


def with_random_weights(network: nn.Module, seed: int = 0) -> nn.Module:
    """The same network before it learnt anything: every layer that has a start of its own is started anew."""
    fresh = deepcopy(network)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in fresh.modules():
            if callable(start := getattr(layer, "reset_parameters", None)):
                start()
    return fresh


def similarity(maps: Maps, others: Maps) -> float:
    """The mean rank correlation of two maps of each image, without signs; 0 where one of them is the same all over."""
    found = []
    for one, other in zip(np.abs(maps), np.abs(others), strict=True):
        flat = np.ptp(one) == 0 or np.ptp(other) == 0
        found.append(0.0 if flat else float(spearmanr(one.ravel(), other.ravel()).statistic))
    return float(np.mean(found))


def _flat(maps: torch.Tensor) -> Maps:
    return maps.detach().sum(dim=1).float().numpy()
