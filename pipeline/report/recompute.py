"""Published predictions held against published scores, by whoever has the data set, whose labels are not published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.common.files import InputError, read_json
from pipeline.data.expressions import Expressions
from pipeline.evaluation.scores import classification


def recompute(folder: Path, expressions: Expressions) -> pd.DataFrame:
    """Score what `publish` wrote once more.

    Published probabilities are in half precision, so that an image whose two best classes are as good as equally likely
    may change sides.

    Args:
        folder: with `predictions.parquet` and `metrics.json`.
        expressions: the data set that the predictions are of.

    Returns:
        for every cell, validation and test: region, network, seed, protocol, n, published and recomputed accuracy, and
        the number of images that this is apart.

    Raises:
        InputError: a file is missing or damaged, or of another data set.
    """
    path = folder / "predictions.parquet"
    try:
        table = pd.read_parquet(path)
        cells = [(cell["region"], cell["network"], cell["seed"], cell["protocols"]) for cell in _cells(folder)]
        rows, role = table["row"].to_numpy(), _roles(table, expressions)
    except FileNotFoundError:
        raise InputError(f"{path}: missing; run `make publish` to make it") from None
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise InputError(f"{path}: no published predictions ({error}); restore it with git") from None
    if rows.max(initial=0) >= len(expressions):
        raise InputError(f"{path}: is of more images than {expressions.about.name} here has; take the same data set")
    records = []
    for region, network, seed, protocols in cells:
        columns = [f"{region}/{network}-{seed}/p_{name}" for name in expressions.about.classes]
        probabilities = table[columns].to_numpy(np.float32)
        for protocol in ("validation", "test"):
            of = role == protocol
            found = classification(expressions.labels[rows[of]], probabilities[of], expressions.about.classes)
            published, n = protocols[protocol]["accuracy"], protocols[protocol]["n"]
            cell = {"region": region, "network": network, "seed": seed, "protocol": protocol, "n": n}
            apart = round(abs(published - found["accuracy"]) * n)
            records.append({**cell, "published": published, "recomputed": found["accuracy"], "images_apart": apart})
    return pd.DataFrame(records)


def _cells(folder: Path) -> list[dict[str, Any]]:
    content = read_json(folder / "metrics.json")
    if not isinstance(content, list):
        raise InputError(f"{folder / 'metrics.json'}: does not list the cells; restore it with git")
    return content


def _roles(table: pd.DataFrame, expressions: Expressions) -> npt.NDArray[np.str_]:
    """What each published row was for. Earlier versions published the name of its split."""
    if "role" in table:
        return table["role"].to_numpy().astype(str)
    return table["split"].map(expressions.about.splits).to_numpy().astype(str)
