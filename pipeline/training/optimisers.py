"""What moves the weights: AdamW, Adam or SGD for all, or Muon for the matrices and AdamW for the rest."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Muon, Optimizer

from pipeline.training.recipe import FitRecipe


def optimizers(network: nn.Module, recipe: FitRecipe) -> dict[str, Optimizer]:
    """The optimizers of a network that is where it will be trained; all of them step together.

    Muon moves a layer's matrix by a step whose singular values are all about equally large, so that directions with
    small gradients are learnt too; scaled as AdamW's steps are, it takes the same learning rate. The last layer stays
    with AdamW. Sources: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; for the scale
    Liu et al., "Muon is Scalable for LLM Training", 2025; for convolutions as matrices (outputs, inputs of a place)
    Jordan, "94% on CIFAR-10 in 3.29 seconds", 2024.

    AdamW and Muon shrink the weights beside the step; Adam and SGD add the gradient of a penalty (L2) to the loss's.
    """
    weights = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    # Biases and the scales of batch normalisation do not decay, for there it only slows the fit.
    others = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    hidden, left = (weights[:-1], weights[-1:]) if recipe.optimizer == "muon" else ([], weights)
    groups: list[dict[str, Any]] = [
        {"params": left, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if recipe.optimizer == "sgd":
        return {"sgd": SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum, fused=True)}
    if recipe.optimizer == "adam":
        return {"adam": Adam(groups, lr=recipe.learning_rate, fused=True)}
    found: dict[str, Optimizer] = {"adamw": AdamW(groups, lr=recipe.learning_rate, fused=True)}
    if hidden:
        found["muon"] = _muon(hidden, recipe)
    return found


def _muon(weights: list[nn.Parameter], recipe: FitRecipe) -> Muon:
    """PyTorch's, which takes matrices only: it is lent each weight as one, in the same memory, and its gradient."""
    # `view` raises an error where the memory cannot be shared: a network must lie there as channels_last.
    matrices = [nn.Parameter(_inputs_last(weight.detach()).view(len(weight), -1)) for weight in weights]
    muon = Muon(matrices, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, adjust_lr_fn="match_rms_adamw")

    def lend(*_: object) -> None:
        for matrix, weight in zip(matrices, weights, strict=True):
            matrix.grad = None if weight.grad is None else _inputs_last(weight.grad).reshape(matrix.shape)

    muon.register_step_pre_hook(lend)
    return muon


def _inputs_last(weight: torch.Tensor) -> torch.Tensor:
    """A weight with the axis of its inputs moved to the end, as channels_last has it in memory."""
    return weight.movedim(1, -1)
