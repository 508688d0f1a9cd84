"""Saliency: it finds what a network looks at, and what does not depend on the weights is told apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_networks import tiny_network, weight_of
from torch import nn

from pipeline.inside.saliency import (
    SIMILAR,
    explain,
    grad_cam,
    integrated_gradients,
    similarity,
    with_random_weights,
)

IMAGES = torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
CLASSES = torch.tensor([0, 1, 1, 0])


class LooksAtACorner(nn.Module):
    """Says class 1 as the upper left quarter is light, and class 0 as it is dark."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(self.maps.weight)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        level = self.maps(images)[:, :, :8, :8].mean(dim=(1, 2, 3))
        return torch.stack([-level, level], dim=1)


def test_integrated_gradients_lie_where_the_network_looks_with_their_sign() -> None:
    maps = integrated_gradients(LooksAtACorner(), IMAGES.clone().requires_grad_(), CLASSES)
    sign = np.where(CLASSES.numpy() == 1, 1, -1)[:, None, None]
    np.testing.assert_allclose(maps[:, :8, :8], sign * IMAGES[:, 0, :8, :8].numpy() / 64, atol=1e-6)
    assert (maps[:, 8:] == 0).all()
    assert (maps[:, :, 8:] == 0).all()


def test_integrated_gradients_sum_to_the_answer_less_that_to_plain_grey() -> None:
    network = tiny_network()
    maps = integrated_gradients(network, IMAGES.clone().requires_grad_(), CLASSES)
    with torch.inference_mode():
        gained = (network(IMAGES) - network(0 * IMAGES)).gather(1, CLASSES[:, None])[:, 0]
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), gained, atol=0.02 * float(gained.abs().max()))


def test_grad_cam_is_the_weighted_sum_of_the_maps_with_its_sign() -> None:
    """Of one map, the mean gradient times the map; worked out by hand."""
    maps = grad_cam(LooksAtACorner(), IMAGES.clone().requires_grad_(), CLASSES, "maps")
    sign = np.where(CLASSES.numpy() == 1, 1, -1)[:, None, None]
    np.testing.assert_allclose(maps, sign * IMAGES[:, 0].numpy() / 64 * 64 / 256, atol=1e-6)


def test_random_weights_are_others_and_the_network_keeps_its_own() -> None:
    network = tiny_network()
    before = [weight_of(network, layer) for layer in (0, 4)]
    fresh, again = (with_random_weights(network, seed=3) for _ in range(2))
    for layer, weight in zip((0, 4), before, strict=True):
        assert torch.equal(weight_of(network, layer), weight)
        assert not torch.equal(weight_of(fresh, layer), weight)
        assert torch.equal(weight_of(fresh, layer), weight_of(again, layer))


def test_maps_of_learnt_weights_differ_from_those_of_random_ones() -> None:
    """A network that has learnt to look at the left half; the gradients of random weights lie everywhere."""
    network = tiny_network(classes=2)
    images = torch.randn(128, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    labels = (images[:, 0, :, :8].mean(dim=(1, 2)) > 0).long()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-2, weight_decay=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    found = explain(network, IMAGES, CLASSES, "1")
    assert found.keys() == {"Grad-CAM at 1", "integrated gradients"}
    assert found["Grad-CAM at 1"][1] < SIMILAR
    left, right = (np.abs(found["integrated gradients"][0][..., half]).sum() for half in (np.s_[:8], np.s_[8:]))
    assert left > 2 * right


def test_a_map_of_the_image_alone_is_found_out() -> None:
    """Edges, say, whatever the weights are."""
    edges = np.abs(np.diff(IMAGES[:, 0].numpy(), axis=1))
    others = np.random.default_rng(0).normal(size=edges.shape).astype(np.float32)
    assert similarity(edges, -3 * edges) == pytest.approx(1)
    assert similarity(edges, (edges + 0.1 * others).astype(np.float32)) > SIMILAR
    assert abs(similarity(edges, others)) < 0.2
    assert similarity(edges, np.zeros_like(edges)) == 0
