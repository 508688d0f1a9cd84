"""Recipes for classifiers that learn in seconds."""

from __future__ import annotations

from typing import Any

from pipeline.classifiers.recipe import ClassifierRecipe, recipe_type

AUGMENT = {"flip": False, "rotate": 0, "shift": 0.0, "scale": 0.0, "erase": 0.0, "mixup": 0.0, "cutmix": 0.0}


def make_recipe(of: str = "cnn1", /, **changes: Any) -> ClassifierRecipe[Any]:
    settings = {
        "epochs": 4, "batch": 8, "learning_rate": 1e-3, "weight_decay": 0.01, "optimizer": "adamw",
        "schedule": "constant", "ema_decay": 0.0, "patience": 4, "precision": "fp32", "label_smoothing": 0.0,
        "votes": 0.0, "class_weights": 0.0, "augment": AUGMENT, "network": {},
    }  # fmt: skip
    return recipe_type(of).model_validate({**settings, **changes})
