"""Which rows make up the batches of an epoch."""

from __future__ import annotations

import math

import torch

from pipeline.common.files import InputError


def count_batches(rows: int, batch: int) -> int:
    """How many batches of at most this size an epoch of so many rows has."""
    return math.ceil(rows / batch)


def split_batches(order: torch.Tensor, batch: int, share: slice) -> list[torch.Tensor]:
    """The rows of each batch, every row once.

    Batches are of nearly equal size, instead of one small rest at the end: of a single image batch normalisation knows
    no variance, and a few rows would move the weights as far as many do.

    Args:
        order: (N,), row numbers in the order in which they are taken.
        batch: the most rows of a batch.
        share: which rows of each batch this process takes.

    Raises:
        InputError: a batch has fewer rows than there are processes.
    """
    batches = torch.tensor_split(order, count_batches(len(order), batch))
    if min(map(len, batches)) < (share.step or 1):
        raise InputError(
            f"params.yaml: launcher: {share.step} processes cannot share batches of {len(batches[-1])} rows"
        )
    return [rows[share] for rows in batches]
