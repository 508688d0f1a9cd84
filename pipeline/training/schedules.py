"""How the learning rate changes over a training."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR, ReduceLROnPlateau

from pipeline.training.recipe import FitRecipe

WARMING_UP = 0.2  # of the steps
# With fewer steps than this the warming up would last no step, by which PyTorch's schedule divides.
SHORTEST = 6


def schedules(found: dict[str, Optimizer], recipe: FitRecipe, steps: int) -> dict[str, LRScheduler]:
    """How the learning rate of each optimizer changes from step to step, of this many; none if it does not.

    A training of a few steps only has no room for a cycle: its rate is constant.
    """
    if recipe.schedule != "one_cycle" or steps < SHORTEST:
        return {}
    # Warming up, then a cosine down to nothing (Smith & Topin, "Super-Convergence", 2018).
    return {
        f"{name}_schedule": OneCycleLR(
            optimizer, recipe.learning_rate, total_steps=steps, pct_start=WARMING_UP, cycle_momentum=False
        )
        for name, optimizer in found.items()
    }


def plateaus(found: dict[str, Optimizer], recipe: FitRecipe) -> dict[str, ReduceLROnPlateau]:
    """How the learning rate of each optimizer changes after an epoch, given its score; none if it does not.

    It is cut when no epoch has been better for `recipe.plateau_patience` epochs, and again when none has since.
    """
    if recipe.schedule != "plateau":
        return {}
    return {
        f"{name}_plateau": ReduceLROnPlateau(
            optimizer, "max", recipe.plateau_factor, patience=recipe.plateau_patience - 1, threshold=0
        )
        for name, optimizer in found.items()
    }
