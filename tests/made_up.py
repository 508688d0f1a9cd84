"""Made-up results: in memory, and as the folder of reports that they would be read from.

Forty images; happy is the commonest class. Row 30 is a copy of the train row 8, row 33 nearly that of the
validation row 21 (of another label), and rows 35 and 36 are copies of each other: of the ten test images two are known.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from pipeline.classifiers.cells import Cell
from pipeline.common.files import write_bytes, write_json
from pipeline.data.audit import audit
from pipeline.data.expressions import About, Expressions
from pipeline.data.protocols import PROTOCOLS, scored, unique_rows
from pipeline.data.roles import NO_FOLD, Roles
from pipeline.data.twins import Twins
from pipeline.demo.shape import Shape, neutral_points
from pipeline.evaluation.answer_rows import AnswerRows
from pipeline.evaluation.predictions import Predictions
from pipeline.evaluation.results import CURVES, SAME, Audit, Landmarks, PointScores, Results, TrustScores
from pipeline.evaluation.scores import classification
from pipeline.faces.trials import VIEWS, FaceTests
from pipeline.inside.part_values import Asked, PartValues
from pipeline.params import Params, load_params
from pipeline.regions.overlap import box_overlap
from pipeline.report import sample
from pipeline.report.sections.looks import SHEETS

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
ROLE = np.repeat(["train", "validation", "test"], [20, 10, 10])
ROLES = Roles(ROLE, ROLE == "validation")
LABELS = np.array([3] * 8 + 2 * [0, 1, 2, 4, 5, 6] + 2 * [0, 1, 2, 3, 3, 3, 3, 4, 5, 6], np.uint8)

# 1x1 pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
)
PICTURES = ("expressions/classes.png", "expressions/audit.png", "landmarks/error_curves.png")
SOURCES = {
    "expressions": {"path": "fer2013.csv", "files": 1, "bytes": 301072766, "sha256": "ab12"},
    "ferplus": None,
    "faces": {"path": "ibug_300W_large_face_landmark_dataset", "files": 14000, "bytes": 1900000000, "sha256": "cd34"},
}

MOUTH = {"points": "49-68", "margin": 0.3}
FACE = {"left": 1, "right": 17, "top": 20, "bottom": 9}


def make_params(data: str = "real", **changes: Any) -> Params:
    """params.yaml with two regions, two networks and two seeds; the first region is the reference."""
    content = load_params(Path(__file__).parents[1] / "params.yaml").model_dump(mode="json")
    content |= {"data": {"source": data, "expressions": "fer2013"}, "recipe": "report"}
    content |= {"regions": {"vanilla": "whole", "face": FACE}, "networks": ["cnn1", "cnn2"], "seeds": [0, 1], **changes}
    whole = [name for name, region in content["regions"].items() if region == "whole"]
    content["atlas"] = {"region": (whole or ["vanilla"])[0], "networks": content["networks"], "images": "all"}
    if content["reference"] not in content["regions"]:
        content["reference"] = next(iter(content["regions"]))
    return Params.model_validate(content)


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


def made_up_probabilities(params: Params, seed: int = 0) -> npt.NDArray[np.float32]:
    """(regions, networks, seeds, N, 7): noise, and in it some knowledge of the labels, more in every next region."""
    shape = len(params.regions), len(params.networks), len(params.seeds), len(LABELS), 7
    odds = np.random.default_rng(seed).normal(size=shape)
    odds[..., np.arange(len(LABELS)), LABELS] += np.linspace(1, 2, shape[0])[:, None, None, None]
    probabilities: npt.NDArray[np.float32] = (np.exp(odds) / np.exp(odds).sum(axis=-1, keepdims=True)).astype(
        np.float32
    )
    return probabilities


def sure_probabilities(answers: npt.ArrayLike, sureness: float = 0.7) -> npt.NDArray[np.float32]:
    """Probabilities that name these classes: (...) to (..., 7)."""
    rest = (1 - sureness) / 6
    probabilities: npt.NDArray[np.float32] = (rest + (sureness - rest) * np.eye(7)[np.asarray(answers)]).astype(
        np.float32
    )
    return probabilities


def probabilities_right(public: npt.ArrayLike, private: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Sure probabilities that are right on the first so many of the ten validation and of test rows.

    The counts are (regions, networks, seeds). Of train rows the first half is right. Wrong is called the next class.
    """
    counts = np.broadcast_arrays(10, 0, public, private)
    right = np.concatenate([np.arange(10) < count[..., np.newaxis] for count in counts], axis=-1)
    return sure_probabilities(np.where(right, LABELS, (LABELS + 1) % 7))


def make_results(params: Params, probabilities: npt.NDArray[np.float32] | None = None) -> Results:
    """What the earlier stages might have left; `probabilities` are (regions, networks, seeds, 40, 7)."""
    curves = {
        cell: pd.DataFrame({"step": [0, 1]} | {name: [0.5, 0.6 + 0.1 * cell.seed] for name in CURVES})
        for cell in cells_of(params)
    }
    fell_back = np.zeros((len(params.regions), len(LABELS)), np.bool_)
    for row, region in enumerate(params.regions.values()):
        if region != "whole":
            fell_back[row, [0, 1, 2, 3, 30, 31]] = True  # two test images, and twice as many train images
    point_scores = {
        "full_resolution": PointScores(n=1554, nme=0.0456, auc=0.56789, failure_rate=0.0625),
        "grey_48": PointScores(n=1554, nme=0.0612, auc=0.41, failure_rate=0.105),
    }
    return Results(
        classes=CLASSES,
        row=np.arange(len(LABELS), dtype=np.int32),
        role=ROLE,
        fold=np.full(len(LABELS), NO_FOLD, np.int32),
        groups=TWINS,
        unique=unique_rows(ROLE, TWINS),
        labels=LABELS,
        fell_back=fell_back,
        probabilities=made_up_probabilities(params) if probabilities is None else probabilities,
        curves=curves,
        overlap={name: box_overlap(FACE_TESTS, region) for name, region in params.regions.items()},
        landmarks=Landmarks(
            provider="xception",
            providers={"xception": {"common": point_scores, "challenging": point_scores}},
            trust=TrustScores(n=100, limit=0.08, auc=0.95, caught=0.9, lost=0.1),
        ),
        audit=make_audit(),
    )


def with_twins(results: Results, twins: npt.NDArray[np.int32]) -> Results:
    """The same, but with other twins."""
    return replace(results, groups=twins, unique=unique_rows(results.role, twins))


FOLDS = 4  # row 0 is in fold 0, row 1 in fold 1, ...; the next fold validates


def make_fold_results(params: Params, test_seed: int = 0) -> Results:
    """The same rows in folds: forty answers as each is tested, and forty more as each is validated.

    Rows 8 and 30 are twins in two folds, 35 and 36 too, 21 and 33 in one.
    """
    plain, turn = make_results(params), np.arange(len(LABELS)) % FOLDS
    roles = []
    for fold in range(FOLDS):
        role = np.full(len(turn), "train", "U10")
        role[turn == (fold + 1) % FOLDS], role[turn == fold] = "validation", "test"
        roles.append(Roles(role, role == "validation"))
    whole = Roles(np.full(len(turn), "test"), np.zeros(len(turn), np.bool_), tuple(roles))
    asked = AnswerRows.of(whole, TWINS)
    said = [made_up_probabilities(params, seed) for seed in (test_seed, 100)]
    return replace(
        plain,
        **vars(asked),
        groups=TWINS[asked.row],
        labels=LABELS[asked.row],
        fell_back=plain.fell_back[:, asked.row],
        probabilities=np.concatenate(said, axis=3),
        curves={cell._replace(fold=fold): of for cell, of in plain.curves.items() for fold in range(FOLDS)},
        audit=make_audit(roles=whole),
    )


OUTSIDE_LABELS = np.array([3, 3, 3, 4, 4, 0], np.uint8)
TAKEN = {"name": "web", "images": {"smile": 3, "cry": 2, "cross": 1, "smug": 4}}
SCORED_AS = {"smile": "happy", "cry": "sad", "cross": "angry", "smug": None}


def with_outside(results: Results, params: Params) -> Results:
    """The same with six images of an outside test set behind them, of four people; half of the answers are right."""
    many, count = len(OUTSIDE_LABELS), len(results.labels)
    said = sure_probabilities(np.where(np.arange(many) % 2 == 0, OUTSIDE_LABELS, (OUTSIDE_LABELS + 1) % 7))
    shape = results.probabilities.shape[:3]
    return replace(
        results,
        row=np.arange(count + many, dtype=np.int32),
        role=np.concatenate([results.role, np.full(many, "outside")]),
        fold=np.full(count + many, NO_FOLD, np.int32),
        groups=np.concatenate([results.groups, np.array([100, 100, 101, 102, 102, 103], np.int32)]),
        unique=np.concatenate([results.unique, np.full(many, True)]),
        labels=np.concatenate([results.labels, OUTSIDE_LABELS]),
        fell_back=np.concatenate([results.fell_back, np.zeros((len(params.regions), many), np.bool_)], axis=1),
        probabilities=np.concatenate([results.probabilities, np.broadcast_to(said, (*shape, *said.shape))], axis=3),
        audit=_with_outside_counted(results.audit),
    )


def _with_outside_counted(audit: Audit) -> Audit:
    """The same of a data set with these images behind it, none of which has a twin."""
    counted = audit.model_dump(mode="json")
    counted["images"]["outside"] = len(OUTSIDE_LABELS)
    counted["classes"]["outside"] = dict(
        zip(CLASSES, np.bincount(OUTSIDE_LABELS, minlength=len(CLASSES)).tolist(), strict=True)
    )
    of_none = [counted["constant"], counted["nearly_constant"], counted["no_face"]]
    for of in (counted["copies"], counted["twins"]):
        of_none += [of["groups_within"], of["rows_per_role"]]
        of["groups_across"] |= {f"{names}+outside": 0 for names in [*of["groups_across"], *audit.images]}
    for each in filter(None, of_none):
        each["outside"] = 0
    return Audit.model_validate(counted)


def make_audit(voted: bool = True, roles: Roles = ROLES) -> Audit:
    """Of noise: one constant image in train, one with hardly any contrast in validation, no face in row 39."""
    count = len(LABELS)
    images = np.random.default_rng(0).integers(0, 256, (count, 48, 48)).astype(np.uint8)
    images[10], images[22] = 7, images[22] // 64
    about = About(name="made up", classes=CLASSES, splits={"learn": "train", "tune": "validation", "judge": "test"})
    votes = np.zeros((count, 0), np.uint16)
    if voted:
        about = about.model_copy(update={"votes": {"neutral": "neutral", "nobody": None}, "no_face": "nobody"})
        votes = np.tile(np.array([10, 0], np.uint16), (count, 1))
        votes[39] = 4, 6
    split = np.repeat(list(about.splits), [20, 10, 10])
    expressions = Expressions(about, images, LABELS, votes, split, np.full(count, ""))
    return Audit.model_validate(audit(expressions, roles, Twins(COPIES, TWINS)))


def make_face_tests() -> FaceTests:
    """Six faces whose points are found almost where they are."""
    rng = np.random.default_rng(0)
    true = {view: rng.uniform(0.2 * side, 0.8 * side, (6, 68, 2)).astype(np.float32) for view, side in VIEWS.items()}
    found = {view: points + rng.normal(0, 0.5, points.shape).astype(np.float32) for view, points in true.items()}
    images = {view: np.zeros((6, side, side), np.uint8) for view, side in VIEWS.items()}
    return FaceTests(np.full(6, "helen"), np.full(6, "common"), images, true, found)


FACE_TESTS = make_face_tests()


def write_atlas(reports: Path, results: Results, params: Params) -> None:
    """What the stages atlas and look_inside leave: made-up answers to all test images but one.

    They follow from what the first cell says of an image, in whatever row it stands.
    """
    rows = np.flatnonzero(results.role == "test").astype(np.int32)
    rows = rows[results.groups[rows] != results.groups[rows].min()]
    said = results.probabilities[0, 0, 0, rows].astype(np.float64)
    points = np.repeat(frontal_face()[None], len(rows), axis=0)
    rng = np.random.default_rng(0)
    for network in params.atlas.networks:
        for seed in params.seeds:
            cell = Cell(params.atlas.region, network, seed)
            asked = Asked(
                region=cell.region,
                network=network,
                seed=seed,
                classes=list(results.classes),
                parts=list(params.parts),
                fillings=["blur", "noise"],
                test=len(rows) + 1,
                trusted=len(rows),
            )
            mixed = said @ (100 * rng.random((said.shape[1], 2 * 2 ** len(params.parts)))) % 1
            values = mixed.astype(np.float32).reshape(len(rows), 2, -1)
            called = (values[..., : 1 + len(params.parts)] * len(results.classes)).astype(np.uint8)
            found = PartValues(asked, rows, results.labels[rows], results.groups[rows], points, values, called)
            found.save(reports / f"inside/atlas/{network}-{seed}")
            sheets = reports / "inside/sheets" / cell.path
            for name in SHEETS:
                write_bytes(sheets / f"{name}.png", PNG)
            write_json(sheets / "looked.json", {"similar_to_random": {"Grad-CAM at 5": 0.1}, "limit": 0.5})


def frontal_face(side: int = 48) -> npt.NDArray[np.float32]:
    """The demo's average face, (68, 2), in the middle of an image."""
    face = neutral_points(Shape())
    span = np.ptp(face, axis=0).max()
    middle = (face.max(axis=0) + face.min(axis=0)) / 2
    placed: npt.NDArray[np.float32] = ((face - middle) / span * 0.6 * side + 0.55 * side).astype(np.float32)
    return placed


def write_reports(reports: Path, results: Results, params: Params) -> None:
    """Write the folder as the stages before `compare` leave it."""
    flat = results.probabilities.reshape(-1, *results.probabilities.shape[3:])
    regions = list(params.regions)
    for cell, probabilities in zip(cells_of(params), flat, strict=True):
        scores = {}
        for protocol in PROTOCOLS:
            if protocol == "as_reported" and results.folds:
                continue
            of = scored(results.role, results.unique, protocol)
            if of.any():
                scores[protocol] = classification(results.labels[of], probabilities[of], results.classes)
        folder = reports / "classifiers" / cell.path
        made = {**cell._asdict(), "data": params.data.source, "recipe": params.recipe, "protocols": scores}
        write_json(folder / "metrics.json", made)
        fell_back = results.fell_back[regions.index(cell.region)]
        same = {name: getattr(results, name) for name in SAME}
        Predictions(**same, twins=results.groups, fell_back=fell_back, probabilities=probabilities).save(
            folder / "predictions.parquet"
        )
    for cell, table in results.curves.items():
        of_cell = reports / f"training/{cell.region}/{cell.network}-{cell.seed}"
        curves = (of_cell if cell.fold is None else of_cell / f"fold-{cell.fold}") / "plots/metrics"
        curves.mkdir(parents=True)
        for name in CURVES:
            table[["step", name]].to_csv(curves / f"{name}.tsv", sep="\t", index=False)
    for name in regions:
        write_bytes(reports / f"regions/{name}.png", PNG)
    FACE_TESTS.save(reports / "landmarks/points.npz")
    write_json(reports / "landmarks/metrics.json", results.landmarks.model_dump(mode="json"))
    write_json(reports / "expressions/audit.json", results.audit.model_dump(mode="json"))
    if "outside" in results.role:
        write_json(reports / "expressions/outside.json", {**TAKEN, "scored_as": SCORED_AS})
    for name in PICTURES:
        write_bytes(reports / name, PNG)
    write_atlas(reports, results, params)


@contextmanager
def quickly() -> Iterator[None]:
    """Compare with few draws, and without the search for garbage that statsmodels starts with every adjustment."""
    gc.freeze()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample, "DRAWS", 200)
        yield
    gc.unfreeze()


def change(path: Path, **changes: Any) -> None:
    """Replace fields of a JSON file."""
    write_json(path, {**json.loads(path.read_text()), **changes})


def random_faces(count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Images of noise (count, 48, 48), and 68 points in each."""
    rng = np.random.default_rng(0)
    images = rng.integers(60, 190, (count, 48, 48), np.uint8)
    return images, rng.uniform(8, 40, (count, 68, 2)).astype(np.float32)


def has_colour(image: npt.NDArray[np.uint8], colour: tuple[int, int, int]) -> bool:
    return bool((image == colour).all(axis=-1).any())
