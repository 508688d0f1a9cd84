"""Made-up results: in memory, and as the folder of reports that they would be read from.

Forty images; happy is the commonest class. Row 30 is a copy of the Training row 8, row 33 nearly that of the
PublicTest row 21 (of another label), and rows 35 and 36 are copies of each other: of the ten test images two are known.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from pipeline.common.files import write_bytes, write_json
from pipeline.data.audit import audit
from pipeline.data.expressions import SIDE, VOTES, Expressions
from pipeline.data.protocols import PROTOCOLS, rows
from pipeline.data.twins import Twins
from pipeline.evaluation.predictions import Predictions
from pipeline.evaluation.results import CURVES, Audit, Cell, Crop, Landmarks, PointScores, Results, TrustScores
from pipeline.evaluation.scores import classification
from pipeline.params import Params, load_params
from pipeline.report import compare

SPLIT = np.repeat(["Training", "PublicTest", "PrivateTest"], [20, 10, 10])
LABELS = np.array([3] * 8 + 2 * [0, 1, 2, 4, 5, 6] + 2 * [0, 1, 2, 3, 3, 3, 3, 4, 5, 6], np.uint8)

# 1x1 pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)
PICTURES = ("expressions/classes.png", "expressions/audit.png", "landmarks/error_curves.png")
SOURCES = {
    "expressions": {"path": "fer2013.csv", "files": 1, "bytes": 301072766, "sha256": "ab12"},
    "ferplus": None,
    "faces": {"path": "ibug_300W_large_face_landmark_dataset", "files": 14000, "bytes": 1900000000, "sha256": "cd34"},
}

MOUTH = {"points": "49-68", "margin": 0.3}
FACE = {"left": 1, "right": 17, "top": 20, "bottom": 9}


def make_params(**changes: Any) -> Params:
    """params.yaml with two regions, two networks and two seeds."""
    content = load_params(Path(__file__).parents[1] / "params.yaml").model_dump(mode="json")
    content |= {"data": {"source": "real"}, "recipe": "report", "regions": {"vanilla": "whole", "face": FACE}}
    return Params.model_validate({**content, "networks": ["cnn1", "cnn2"], "seeds": [0, 1], **changes})


def cells_of(params: Params) -> list[Cell]:
    return [
        Cell(region, network, seed) for region in params.regions for network in params.networks for seed in params.seeds
    ]


def groups_of(*pairs: tuple[int, int]) -> npt.NDArray[np.int32]:
    """Every row alone, but for these pairs."""
    first = np.arange(len(LABELS))
    for one, other in pairs:
        first[other] = one
    return np.unique(first, return_inverse=True)[1].astype(np.int32)


COPIES = groups_of((8, 30), (35, 36))
TWINS = groups_of((8, 30), (35, 36), (21, 33))


def made_up_chances(params: Params, seed: int = 0) -> npt.NDArray[np.float32]:
    """(regions, networks, seeds, N, 7): noise, and in it some knowledge of the labels, more in every next region."""
    shape = len(params.regions), len(params.networks), len(params.seeds), len(LABELS), 7
    odds = np.random.default_rng(seed).normal(size=shape)
    odds[..., np.arange(len(LABELS)), LABELS] += np.linspace(1, 2, shape[0])[:, None, None, None]
    chances: npt.NDArray[np.float32] = (np.exp(odds) / np.exp(odds).sum(axis=-1, keepdims=True)).astype(np.float32)
    return chances


def sure_chances(answers: npt.ArrayLike, sureness: float = 0.7) -> npt.NDArray[np.float32]:
    """Chances that name these classes: (...) to (..., 7)."""
    rest = (1 - sureness) / 6
    chances: npt.NDArray[np.float32] = (rest + (sureness - rest) * np.eye(7)[np.asarray(answers)]).astype(np.float32)
    return chances


def chances_right(public: npt.ArrayLike, private: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Sure chances that are right on the first so many of the ten rows of PublicTest and of PrivateTest.

    The counts are (regions, networks, seeds). Of Training the first half is right. Wrong is called the next class.
    """
    counts = np.broadcast_arrays(10, 0, public, private)
    right = np.concatenate([np.arange(10) < count[..., np.newaxis] for count in counts], axis=-1)
    return sure_chances(np.where(right, LABELS, (LABELS + 1) % 7))


def make_results(params: Params, chances: npt.NDArray[np.float32] | None = None) -> Results:
    """What the earlier stages might have left; `chances` are (regions, networks, seeds, 40, 7)."""
    curves = {
        cell: pd.DataFrame({"step": [0, 1]} | {name: [0.5, 0.6 + 0.1 * cell.seed] for name in CURVES})
        for cell in cells_of(params)
    }
    crops = {region: make_crop(fallen=0 if what == "whole" else 2) for region, what in params.regions.items()}
    point_scores = {
        "full_resolution": PointScores(n=1554, nme=0.0456, auc=0.56789, failure_rate=0.0625),
        "grey_48": PointScores(n=1554, nme=0.0612, auc=0.41, failure_rate=0.105),
    }
    return Results(
        split=SPLIT,
        twins=TWINS,
        labels=LABELS,
        chances=made_up_chances(params) if chances is None else chances,
        curves=curves,
        crops=crops,
        landmarks=Landmarks(
            provider="xception",
            providers={"xception": {"common": point_scores, "challenging": point_scores}},
            trust=TrustScores(n=100, limit=0.08, auc=0.95, caught=0.9, lost=0.1),
        ),
        audit=make_audit(),
    )


def make_crop(fallen: int) -> Crop:
    """As many test images as `fallen` were kept whole, and twice as many of Training."""
    return Crop(
        fell_back={"Training": 2 * fallen, "PublicTest": 0, "PrivateTest": fallen},
        images={"Training": 20, "PublicTest": 10, "PrivateTest": 10},
        iou={"common": {"full_resolution": 0.9, "grey_48": 0.8}},
    )


def make_audit(voted: bool = True) -> Audit:
    """Of noise: one constant image in Training, one with hardly any contrast in PublicTest, no face in row 39."""
    count = len(LABELS)
    images = np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE)).astype(np.uint8)
    images[10], images[22] = 7, images[22] // 64
    votes = np.zeros((count, len(VOTES)), np.uint8)
    votes[:, 0] = 10 * voted
    votes[39] = 6 * voted * np.eye(len(VOTES), dtype=np.uint8)[VOTES.index("NF")]
    for_training = (SPLIT == "Training") & (np.arange(count) != 8)
    return Audit.model_validate(audit(Expressions(images, LABELS, votes, SPLIT, for_training), Twins(COPIES, TWINS)))


def write_reports(reports: Path, results: Results, params: Params) -> None:
    """Write the folder as the stages before `compare` leave it."""
    flat = results.chances.reshape(-1, *results.chances.shape[3:])
    for cell, chances in zip(cells_of(params), flat, strict=True):
        scores = {}
        for protocol in PROTOCOLS:
            scored = rows(results.split, results.twins, protocol)
            scores[protocol] = classification(results.labels[scored], chances[scored])
        folder = reports / f"classifiers/{cell.region}/{cell.network}-{cell.seed}"
        made = {**cell._asdict(), "data": params.data.source, "recipe": params.recipe, "protocols": scores}
        write_json(folder / "metrics.json", made)
        Predictions(results.split, results.twins, results.labels, chances).save(folder / "predictions.parquet")
        curves = reports / f"training/{cell.region}/{cell.network}-{cell.seed}/plots/metrics"
        curves.mkdir(parents=True)
        for name in CURVES:
            results.curves[cell][["step", name]].to_csv(curves / f"{name}.tsv", sep="\t", index=False)
    for region, crop in results.crops.items():
        what = params.regions[region]
        record = {"region": what if what == "whole" else what.model_dump(mode="json"), **crop.model_dump(mode="json")}
        write_json(reports / f"regions/{region}.json", record)
        write_bytes(reports / f"regions/{region}.png", PNG)
    write_json(reports / "landmarks/metrics.json", results.landmarks.model_dump(mode="json"))
    write_json(reports / "expressions/audit.json", results.audit.model_dump(mode="json"))
    for name in PICTURES:
        write_bytes(reports / name, PNG)


@contextmanager
def quickly() -> Iterator[None]:
    """Compare with few draws, and without the search for garbage that statsmodels starts with every adjustment."""
    gc.freeze()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "DRAWS", 200)
        yield
    gc.unfreeze()


def change(path: Path, **changes: Any) -> None:
    """Replace fields of a JSON file."""
    write_json(path, {**json.loads(path.read_text()), **changes})
