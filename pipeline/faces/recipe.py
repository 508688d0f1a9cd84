"""Settings of the landmark model and its training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from pipeline.training.recipe import FitRecipe


class LandmarkRecipe(FitRecipe):
    """How the landmark model is built and trained."""

    width: Annotated[float, Field(gt=0, le=1)]  # of every layer; 1 is the paper's
    head: Literal["direct", "voting"]  # one linear layer, or every cell of a map votes for every point
    loss: Literal["nme", "nme_votes", "wing", "soft_wing", "l1", "l2"]

    @field_validator("loss")
    @classmethod
    def _votes_need_voters(cls, loss: str, info: ValidationInfo) -> str:
        if loss == "nme_votes" and info.data.get("head") == "direct":
            raise ValueError("must be nme, wing, soft_wing, l1 or l2 for head: direct, which does not vote")
        return loss
