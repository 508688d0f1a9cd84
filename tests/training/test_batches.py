"""Every row is in one batch of an epoch, and no batch is much smaller than the others."""

from __future__ import annotations

import pytest
import torch

from pipeline.common.files import InputError
from pipeline.training.batches import count_batches, split_batches

ALL = slice(0, None, 1)


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 15, 16, 17, 100])
def test_every_row_comes_once_in_batches_of_nearly_equal_size(rows: int) -> None:
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(0))
    batches = split_batches(order, 8, ALL)
    assert torch.equal(torch.cat(batches), order)
    sizes = [len(batch) for batch in batches]
    assert len(sizes) == count_batches(rows, 8)
    assert max(sizes) <= 8
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_share_every_batch(processes: int) -> None:
    order = torch.arange(20)
    shares = [split_batches(order, 8, slice(process, None, processes)) for process in range(processes)]
    for whole, *parts in zip(split_batches(order, 8, ALL), *shares, strict=True):
        assert sorted(torch.cat(parts).tolist()) == whole.tolist()
        assert min(map(len, parts)) >= 1


def test_a_batch_that_is_too_small_to_share_is_refused() -> None:
    with pytest.raises(InputError, match="4 processes cannot share batches of 3 rows"):
        split_batches(torch.arange(3), 8, slice(1, None, 4))
