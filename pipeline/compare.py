"""The answer: what every network reaches on every region, and how far that is from the reference region."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.expressions import CLASSES
from pipeline.face_tests import TEST_SPLITS
from pipeline.files import InputError, read_json, whole_folder, write_bytes, write_json
from pipeline.params import Params
from pipeline.protocols import PROTOCOLS, PURPOSES

# The protocol that answers; the others stand beside it.
HEADLINE = "test"
ORDER = (HEADLINE, *(protocol for protocol in PROTOCOLS if protocol != HEADLINE))

CURVES = ("train_loss", "validation_loss", "validation_accuracy")

Rows = list[list[str]]


class Record(BaseModel):
    """A JSON file that an earlier stage wrote, or a part of one; other fields in it are not used."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, allow_inf_nan=False)


class Scores(Record):
    """How good one classifier is under one protocol; see `measure.classification`."""

    n: int
    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    confusion: list[list[int]]


class Cell(Record):
    """One network trained on one region with one seed; `metrics.json` of the stage evaluate."""

    region: str
    network: str
    seed: int
    data: str
    recipe: str
    protocols: dict[str, Scores]

    @property
    def name(self) -> str:
        return f"{self.region} {self.network} {self.seed}"


class Crop(Record):
    """How one region was cut; `REGION.json` of the stage crop."""

    fell_back: dict[str, int]
    images: dict[str, int]
    iou: dict[str, dict[str, float]]


class PointScores(Record):
    """How good the landmarks are, as fractions of the inter-ocular distance; see `measure`."""

    n: int
    nme: float
    auc: float
    failure_rate: float


class Landmarks(Record):
    """`metrics.json` of the stage evaluate_landmarks: by subset, then by view (see `face_tests`)."""

    subsets: dict[str, dict[str, PointScores]]


class Twins(Record):
    """How many images of the data set are pixel for pixel the same."""

    groups: int
    rows: int
    groups_across_splits: int
    test_rows_also_in_training_or_validation: int


class Counts(Record):
    """`expressions.json` of the stage prepare_expressions."""

    images: dict[str, int]
    classes: dict[str, dict[str, int]]
    twins: Twins


@dataclass(frozen=True)
class Results:
    """All that the comparison is made from, regions, networks and seeds in the order of params.yaml.

    Attributes:
        cells: one a region, network and seed.
        curves: for the name of each cell a table of the columns step and `CURVES`, a row an epoch.
        crops: by region.
        landmarks: by subset, then by view.
        counts: of the expression data set.
    """

    cells: list[Cell]
    curves: dict[str, pd.DataFrame]
    crops: dict[str, Crop]
    landmarks: dict[str, dict[str, PointScores]]
    counts: Counts


def read_results(reports: Path, params: Params) -> Results:
    """Read what params.yaml asks for, and nothing else that may lie in the folder.

    Raises:
        InputError: a file is missing, of another shape, or was made with other settings than params.yaml has.
    """
    cells, curves = [], {}
    for region in params.regions:
        for network in params.networks:
            for seed in params.seeds:
                name = f"{region}/{network}-{seed}"
                cell = _read_cell(reports / "classifiers" / name / "metrics.json", params)
                cells.append(cell)
                curves[cell.name] = _read_curves(reports / "training" / name / "plots/metrics")
    _check_sizes(reports, cells)
    return Results(
        cells,
        curves,
        {region: _read_crop(reports / f"regions/{region}.json") for region in params.regions},
        _read(Landmarks, reports / "landmarks/metrics.json", "subsets").subsets,
        _read(Counts, reports / "expressions.json"),
    )


Kind = TypeVar("Kind", bound=Record)


def _read(kind: type[Kind], path: Path, key: str | None = None) -> Kind:
    """Read and check a record; with `key` the file is that one field of it."""
    content = read_json(path)
    try:
        return kind.model_validate(content if key is None else {key: content})
    except ValidationError as error:
        finding = error.errors()[0]
        where = ".".join(str(part) for part in finding["loc"])
        raise InputError(f"{path}: {where}: {finding['msg']}; delete it and run `dvc repro`") from None


def _read_cell(path: Path, params: Params) -> Cell:
    cell = _read(Cell, path)
    region, folder = path.parts[-3:-1]
    if (cell.region, f"{cell.network}-{cell.seed}") != (region, folder):
        raise InputError(f"{path}: is of {cell.name}; delete it and run `dvc repro`")
    if (cell.data, cell.recipe) != (params.data.source, params.recipe):
        raise InputError(
            f"{path}: made from data {cell.data!r} by recipe {cell.recipe!r}, but params.yaml has "
            f"{params.data.source!r} and {params.recipe!r}; run `dvc repro`"
        )
    for protocol in PROTOCOLS:
        if protocol not in cell.protocols:
            raise InputError(f"{path}: holds no protocol {protocol}; delete it and run `dvc repro`")
        counts = np.array(cell.protocols[protocol].confusion, dtype=object)
        if counts.shape != (len(CLASSES), len(CLASSES)) or counts.sum() != cell.protocols[protocol].n:
            raise InputError(
                f"{path}: protocols.{protocol}.confusion does not count n images in {len(CLASSES)} classes; "
                "delete it and run `dvc repro`"
            )
    return cell


def _check_sizes(reports: Path, cells: list[Cell]) -> None:
    """Scores are compared only if they were measured on equally many images."""
    for cell in cells:
        for protocol in PROTOCOLS:
            n, first = cell.protocols[protocol].n, cells[0].protocols[protocol].n
            if n != first:
                path = reports / f"classifiers/{cell.region}/{cell.network}-{cell.seed}/metrics.json"
                raise InputError(
                    f"{path}: {protocol} has {n} images, but {first} in {cells[0].name}; "
                    f"delete {reports}/classifiers and run `dvc repro`"
                )


def _read_crop(path: Path) -> Crop:
    crop = _read(Crop, path)
    splits = {split for protocol in PROTOCOLS.values() for split in protocol}
    if not (splits <= crop.images.keys() and splits <= crop.fell_back.keys()):
        raise InputError(f"{path}: does not count {', '.join(sorted(splits))}; delete it and run `dvc repro`")
    return crop


def _read_curves(folder: Path) -> pd.DataFrame:
    """The learning curves of one cell, from DVCLive's files."""
    columns = []
    for name in CURVES:
        path = folder / f"{name}.tsv"
        try:
            columns.append(pd.read_csv(path, sep="\t").set_index("step")[name].astype(float))
        except FileNotFoundError:
            raise InputError(f"{path}: missing; run `dvc repro` to make it") from None
        except (ValueError, KeyError):
            raise InputError(f"{path}: no curve of step and {name}; delete it and run `dvc repro`") from None
        if not columns[-1].index.equals(columns[0].index):
            raise InputError(f"{path}: has other steps than {CURVES[0]}.tsv; delete {folder} and run `dvc repro`")
    return pd.concat(columns, axis=1).reset_index()


def reference_region(params: Params) -> str:
    """What the other regions are compared with: the first that is the whole image, else the first."""
    return next((name for name, region in params.regions.items() if region == "whole"), next(iter(params.regions)))


def compare(results: Results, reference: str) -> pd.DataFrame:
    """The comparison as a tidy table, one row a protocol, region and network, the headline first.

    Columns: protocol, region, network, seeds (how many), n (images scored), accuracy, accuracy_sd,
    balanced_accuracy, macro_f1 (means over the seeds; sd is the sample standard deviation over them, missing
    with one), difference (of accuracy to `reference`, same protocol and network), fell_back (share of the
    images scored that kept no crop for want of landmarks to trust). All are fractions.
    """
    scores = pd.DataFrame(
        [
            {
                "protocol": protocol,
                "region": cell.region,
                "network": cell.network,
                "seed": cell.seed,
                **cell.protocols[protocol].model_dump(exclude={"confusion"}),
            }
            for protocol in ORDER
            for cell in results.cells
        ]
    )
    table = (
        scores.groupby(["protocol", "region", "network"], sort=False)
        .agg(
            seeds=("seed", "count"),
            n=("n", "first"),
            accuracy=("accuracy", "mean"),
            accuracy_sd=("accuracy", "std"),
            balanced_accuracy=("balanced_accuracy", "mean"),
            macro_f1=("macro_f1", "mean"),
        )
        .reset_index()
    )
    of_reference = table[table["region"] == reference].set_index(["protocol", "network"])["accuracy"]
    pairs = pd.MultiIndex.from_frame(table[["protocol", "network"]])
    table["difference"] = table["accuracy"] - of_reference.reindex(pairs).to_numpy()
    table["fell_back"] = [
        fell_back_share(results.crops[region], PROTOCOLS[protocol])
        for protocol, region in zip(table["protocol"], table["region"], strict=True)
    ]
    return table


def fell_back_share(crop: Crop, splits: tuple[str, ...]) -> float:
    """The share of the images of these splits that were kept whole; 0 if there are none."""
    return sum(crop.fell_back[split] for split in splits) / max(1, sum(crop.images[split] for split in splits))


def answer(table: pd.DataFrame, params: Params) -> str:
    """The answer in a sentence: the region with the best mean accuracy over the networks."""
    reference = reference_region(params)
    scores = table[table["protocol"] == HEADLINE].pivot(index="region", columns="network", values="accuracy")
    # Rounded, so that equal means summed in another order stay equal; the reference wins a tie.
    means = scores.mean(axis=1).round(12).loc[[reference, *(name for name in params.regions if name != reference)]]
    best = str(means.idxmax())
    networks = scores.shape[1]
    over = f"over {networks} networks" if networks > 1 else f"of {params.networks[0]}"
    reached = f"mean test accuracy {over} is {percent(means[best])}"
    if len(means) == 1:
        return f"There is only one region, {best}: {reached}."
    if best == reference:
        others = means.drop(reference)
        below = means[reference] - others.max()
        return (
            f"No region beats {reference}: {reached}, and {others.idxmax()} comes next, {points(below)} points lower."
        )
    higher = int(np.sum(scores.loc[best].to_numpy() > scores.loc[reference].to_numpy()))
    return (
        f"The best region is {best}: {reached}, {points(means[best] - means[reference])} points higher than "
        f"on {reference} and higher with {higher} of {networks} network{'s' if networks > 1 else ''}."
    )


def caveat(table: pd.DataFrame, params: Params) -> str:
    """What the answer rests on."""
    n = table.loc[table["protocol"] == HEADLINE, "n"].iloc[0]
    seeds = len(params.seeds)
    text = (
        f"Bare differences, without intervals: {n:,} test images of the data {params.data.source!r}, "
        f"recipe {params.recipe!r}, {seeds} seed{'s' if seeds > 1 else ''}."
    )
    if params.data.source == "demo":
        text += " The demo's images are drawn: they show that the pipeline works and say nothing about faces."
    return text


def percent(fraction: float) -> str:
    """`0.5349` as `53.5%`."""
    return f"{100 * fraction:.1f}%"


def points(difference: float, signed: bool = False) -> str:
    """A difference of two fractions in percentage points: `0.0131` as `1.3`, or signed as `+1.3`."""
    rounded = round(100 * difference, 1) + 0.0  # + 0.0 makes -0.0 a plain zero
    return f"{rounded:+.1f}" if signed else f"{rounded:.1f}"


def score_rows(table: pd.DataFrame, protocol: str, params: Params) -> Rows:
    """What a reader sees of a protocol: a row a region, the header first.

    The columns are the networks, their mean, and the share of images that fell back. An entry is the accuracy
    in percent and, but for the reference, in brackets the difference to it in points.
    """
    part = table[table["protocol"] == protocol].set_index(["region", "network"])
    reference = reference_region(params)
    rows = [["region", *params.networks, "mean", "fell back"]]
    for region in params.regions:
        mine = part.loc[region]
        pairs = [*zip(mine["accuracy"], mine["difference"], strict=True)]
        pairs.append((mine["accuracy"].mean(), mine["difference"].mean()))
        entries = [
            percent(accuracy) if region == reference else f"{percent(accuracy)} ({points(difference, signed=True)})"
            for accuracy, difference in pairs
        ]
        rows.append([region, *entries, percent(mine["fell_back"].iloc[0])])
    return rows


def landmark_rows(landmarks: dict[str, dict[str, PointScores]]) -> Rows:
    """The landmark model's errors: a row a subset and view, the header first."""
    rows = [["subset, view", "faces", "NME", "AUC to 10%", "failures above 10%"]]
    for subset, views in landmarks.items():
        for view, scores in views.items():
            errors = [f"{100 * scores.nme:.2f}%", f"{scores.auc:.3f}", percent(scores.failure_rate)]
            rows.append([f"{subset}, {view}", f"{scores.n:,}", *errors])
    return rows


def markdown_table(rows: Rows) -> str:
    """A table that reads as Markdown and, its columns being aligned, as plain text."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = []
    for row in [rows[0], rule, *rows[1:]]:
        numbers = [text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)]
        lines.append(f"| {' | '.join([row[0].ljust(widths[0]), *numbers])} |\n")
    return "".join(lines)


def summary(table: pd.DataFrame, params: Params) -> str:
    """The answer for the terminal."""
    rows = score_rows(table, HEADLINE, params)
    return f"{answer(table, params)}\n{caveat(table, params)}\n\n{markdown_table(rows)}"


def markdown(table: pd.DataFrame, results: Results, params: Params) -> str:
    """`reports/comparison.md`: the answer, a table a protocol, and the landmarks it rests on."""
    reference = reference_region(params)
    parts = [f"# Comparison of regions\n\n**{answer(table, params)}** {caveat(table, params)}\n"]
    for protocol in ORDER:
        n = table.loc[table["protocol"] == protocol, "n"].iloc[0]
        parts.append(
            f"## {protocol}\n\n{PURPOSES[protocol]} {n:,} images ({' + '.join(PROTOCOLS[protocol])}). "
            f"Accuracy, and in brackets its difference to {reference} in points.\n\n"
            f"{markdown_table(score_rows(table, protocol, params))}"
        )
    parts.append(
        "## Landmarks\n\nMean error of the 68 points on the test faces, normalised by the inter-ocular "
        f"distance (NME).\n\n{markdown_table(landmark_rows(results.landmarks))}"
    )
    return "\n".join(parts)


def save_tables(reports: Path, table: pd.DataFrame, results: Results, params: Params) -> None:
    """Write `comparison.csv`, `comparison.md`, and the folders `metrics` and `plots` that DVC shows."""
    write_bytes(
        reports / "comparison.csv",
        table.to_csv(index=False, float_format="%.6f", lineterminator="\n").encode(),
    )
    write_bytes(reports / "comparison.md", markdown(table, results, params).encode())
    with whole_folder(reports / "metrics") as part:
        for protocol in ("validation", "test"):
            for network in params.networks:
                scores = table[(table["protocol"] == protocol) & (table["network"] == network)]
                by_region = scores.set_index("region")["accuracy"].round(4).to_dict()
                write_json(part / protocol / f"{network}.json", by_region)
        # The two test sets alone: every further number would be a column of `dvc exp show`.
        errors = {
            f"landmark_nme_{subset}": round(views["grey_48"].nme, 4)
            for subset, views in results.landmarks.items()
            if subset in TEST_SPLITS
        }
        write_json(part / "landmarks.json", errors)
    with whole_folder(reports / "plots") as part:
        for name, plot in plots(table, results).items():
            (part / name).parent.mkdir(exist_ok=True)
            plot.to_csv(part / name, index=False, float_format="%.6g", lineterminator="\n")


def plots(table: pd.DataFrame, results: Results) -> dict[str, pd.DataFrame]:
    """The tables behind `dvc plots show`, by the name of their file.

    A cell has files of its own, since DVC's templates draw all rows of a file as one curve, and count them
    into one confusion matrix (hence one row a test image). They also stack bars of the same label, hence the
    column `bar`.
    """
    accuracy = table.loc[table["protocol"] == HEADLINE, ["region", "network", "accuracy"]]
    files = {"test_accuracy.csv": accuracy.assign(bar=accuracy["network"] + " " + accuracy["region"])}
    names = np.array(CLASSES)
    for cell in results.cells:
        file = f"{cell.region}-{cell.network}-{cell.seed}.csv"
        files[f"learning_curves/{file}"] = results.curves[cell.name]
        counts = np.array(cell.protocols[HEADLINE].confusion)
        actual, predicted = np.repeat(np.argwhere(counts >= 0), counts.ravel(), axis=0).T
        files[f"confusion_test/{file}"] = pd.DataFrame({"actual": names[actual], "predicted": names[predicted]})
    return files
