"""Settings of the training loop."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.common.settings import Section


class FitRecipe(Section):
    """What the training loop needs to know, whatever it trains."""

    epochs: Annotated[int, Field(ge=1, le=10_000)]
    batch: Annotated[int, Field(ge=1, le=65_536)]
    learning_rate: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)]  # of adam and sgd a penalty of half of it times the squared weights
    optimizer: Literal["adamw", "muon", "adam", "sgd"]
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9  # of sgd
    schedule: Literal["constant", "one_cycle", "plateau"]
    plateau_patience: Annotated[int, Field(ge=1)] = 10  # epochs without a better score before the rate is cut
    plateau_factor: Annotated[float, Field(gt=0, lt=1)] = 0.1  # what is left of it then
    ema_decay: Annotated[float, Field(ge=0, lt=1)]  # of the exponential moving average of the weights; 0 is none
    keep: Literal["best", "last"] = "best"  # which epoch's weights: those of the best validation score, or the last
    patience: Annotated[int, Field(ge=1)]  # epochs without a better validation score before it stops, if best is kept
    precision: Literal["auto", "fp32", "bf16"]
