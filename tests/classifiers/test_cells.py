"""A cell is called the same wherever its files are and wherever it is spoken of."""

from __future__ import annotations

import pytest

from pipeline.classifiers.cells import Cell


@pytest.mark.parametrize(
    ("cell", "name", "path"),
    [
        (Cell("mouth", "cnn1", 0), "mouth cnn1 0", "mouth/cnn1-0"),
        (Cell("lower_face", "googlenet", 12), "lower_face googlenet 12", "lower_face/googlenet-12"),
        (Cell("mouth", "cnn1", 0, fold=0), "mouth cnn1 0 0", "mouth/cnn1-0-0"),
        (Cell("mouth", "cnn1", 3, fold=2), "mouth cnn1 3 2", "mouth/cnn1-3-2"),
    ],
)
def test_a_cell_has_a_name_and_a_path(cell: Cell, name: str, path: str) -> None:
    assert (cell.name, cell.path) == (name, path)


def test_cells_that_differ_have_paths_that_differ() -> None:
    cells = [
        Cell(region, network, seed, fold)
        for region in ("eyes", "mouth")
        for network in ("cnn1", "cnn2")
        for seed in (0, 1, 10)
        for fold in (None, 0, 1)
    ]
    assert len({cell.path for cell in cells}) == len({cell.name for cell in cells}) == len(cells)
