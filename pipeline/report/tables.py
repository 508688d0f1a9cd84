"""The comparison in words, in rows that a reader sees, and in files that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.common.files import whole_folder, write_bytes, write_json
from pipeline.data.expressions import CLASSES
from pipeline.data.protocols import PROTOCOLS, PURPOSES
from pipeline.evaluation.results import Audit, Landmarks, Results
from pipeline.faces.trials import TEST_SPLITS
from pipeline.params import Params
from pipeline.report.compare import ALL, HEADLINE, LEVEL, MEAN, ORDER, POWER, Comparison
from pipeline.report.reported import REPORTED, why

Rows = list[list[str]]  # the header first, and in each row the name first

SIGNIFICANT = 1 - LEVEL

VIEWS = {"mirror": "itself and its mirror image", "ten": "itself, four shifts of it, and the mirror images of all"}

TEST_NOTE = (
    "Difference: accuracy of the first less the second, in points, with its 95% interval from a bootstrap of twin "
    "groups. McNemar: exact p value (the largest over the seeds). Over seeds: p value that takes images and seeds as "
    "samples. Holm: the p value that counts, adjusted for all pairs of this table. Detectable: the true difference "
    f"that these images would show as significant in {POWER:.0%} of all cases, between networks as trained and before "
    "the adjustment."
)


def answer(comparison: Comparison, params: Params) -> str:
    """The answer in a sentence: the region that validation chooses, and what it is worth on test."""
    reference = comparison.reference
    over = f"over {len(params.networks)} networks" if len(params.networks) > 1 else f"with {params.networks[0]}"
    names = [reference, *(name for name in params.regions if name != reference)]
    chosen_by, tested_by = _means(comparison, "validation"), _means(comparison, HEADLINE)
    # Rounded, so that equal means summed in another order stay equal; the reference wins a tie.
    order = sorted(names, key=lambda name: -round(chosen_by[name]["accuracy"], 12))
    chosen, tested = order[0], tested_by[order[0]]
    reached = (
        f"its test accuracy {over} is {percent(tested['accuracy'])} "
        f"(95% interval {_range(tested['accuracy_low'], tested['accuracy_high'])})"
    )
    if len(order) == 1:
        return f"There is only one region, {chosen}: {reached}."
    if chosen == reference:
        return f"Validation chooses no region over {reference}: {reached}. {_gap(comparison, order[1])}"
    return f"Validation chooses {chosen}: {reached}. {_gap(comparison, chosen)}"


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = table.to_dict("records")  # type: ignore[assignment]
    return records


def _means(comparison: Comparison, protocol: str) -> dict[str, dict[str, Any]]:
    """The scores of the mean over the networks, by region."""
    scores = comparison.scores
    part = scores[(scores["protocol"] == protocol) & (scores["network"] == MEAN)]
    return {row["region"]: row for row in _records(part)}


def _gap(comparison: Comparison, region: str) -> str:
    """A sentence on how a region differs from the reference on test, and for how many networks significantly."""
    pairs = _region_pairs(comparison, HEADLINE)
    of = _records(pairs[(pairs["one"] == region) & (pairs["other"] == comparison.reference)])
    mean = next(row for row in of if row["within"] == MEAN)
    networks = [row for row in of if row["within"] != MEAN]
    # Only those that differ to the same side as the mean.
    agreeing = [row for row in networks if np.sign(row["difference"]) == np.sign(mean["difference"])]
    significant = sum(row["p_holm"] < SIGNIFICANT for row in agreeing)
    if mean["low"] <= 0 <= mean["high"]:
        verdict = "a difference that this test set cannot tell from none"
    elif not significant:
        verdict = "significant with none of the networks alone"
    else:
        verdict = f"significant with {significant} of {len(networks)} networks"
    side = "above" if mean["difference"] >= 0 else "below"
    return (
        f"That of {region} lies {points(abs(mean['difference']))} points {side} that of {comparison.reference} "
        f"(95% interval {_range(mean['low'], mean['high'], signed=True)}), {verdict}."
    )


def _region_pairs(comparison: Comparison, protocol: str) -> pd.DataFrame:
    pairs = _of(comparison.pairs, protocol)
    return pairs[pairs["kind"] == "region"]


def caveat(comparison: Comparison, params: Params) -> str:
    """What the answer rests on, and what it could not have seen."""
    n = _records(_of(comparison.baseline, HEADLINE))[0]["n"]
    seeds = len(params.seeds)
    text = (
        f"Measured on {n:,} test images of the data {params.data.source!r}, recipe {params.recipe!r}, "
        f"{seeds} seed{'s' if seeds > 1 else ''}."
    )
    pairs = _region_pairs(comparison, HEADLINE)
    smallest = [row["detectable"] for row in _records(pairs) if row["within"] != MEAN]
    if smallest and seeds == 1:
        text += (
            f" Between two trained networks this test set shows a difference of {points(float(np.median(smallest)))} "
            f"points in {POWER:.0%} of all cases, smaller ones less often."
        )
    if seeds == 1:
        text += " One seed: how much another start of the training would change is not known."
    if params.chosen.views != "one":
        text += f" Each image (in as_reported: of PrivateTest) was judged by {VIEWS[params.chosen.views]}."
    recipes = {name: params.chosen.classifiers[name] for name in params.networks}
    voted = [f"{name} {recipe.votes:.0%}" for name, recipe in recipes.items() if recipe.votes]
    if voted:
        text += f" FER+'s votes stood in for a part of the labels learnt from: {', '.join(voted)}."
    if params.data.source == "demo":
        text += " The demo's images are drawn: they show that the pipeline works and say nothing about faces."
    return text


def percent(fraction: float) -> str:
    """`0.5349` as `53.5%`; nothing where it is missing."""
    return "" if np.isnan(fraction) else f"{100 * fraction:.1f}%"


def points(difference: float, signed: bool = False) -> str:
    """A difference of two fractions in percentage points: `0.0131` as `1.3`, or signed as `+1.3`."""
    if np.isnan(difference):
        return ""
    rounded = round(100 * difference, 1) + 0.0  # + 0.0 makes -0.0 a plain zero
    return f"{rounded:+.1f}" if signed else f"{rounded:.1f}"


def p_value(p: float) -> str:
    """`0.0312` as `0.031`, `0.00002` as `<0.001`; nothing where there is no test."""
    return "" if np.isnan(p) else "<0.001" if p < 0.001 else f"{p:.3f}"


def _range(low: float, high: float, signed: bool = False) -> str:
    return "" if np.isnan(low) else f"{points(low, signed)} to {points(high, signed)}"


def score_rows(comparison: Comparison, protocol: str, params: Params) -> Rows:
    """The accuracies of one protocol: a row a region, a column a network, and their mean.

    In brackets the difference to the reference in points, with a star where it is significant after Holm's
    adjustment; with several seeds the standard deviation over them behind a plus-minus sign.
    """
    scores = {(row["region"], row["network"]): row for row in _records(_of(comparison.scores, protocol))}
    pairs = {(row["within"], row["one"], row["other"]): row for row in _records(_of(comparison.pairs, protocol))}
    reference = comparison.reference
    rows = [["region", *params.networks, MEAN, "fell back"]]
    for region in params.regions:
        entries = []
        for network in [*params.networks, MEAN]:
            mine, base = scores[region, network], scores[reference, network]
            text = percent(mine["accuracy"])
            if not np.isnan(mine["accuracy_sd"]):
                text += f" ± {points(mine['accuracy_sd'])}"
            if region != reference:
                pair = pairs.get((network, region, reference), {"p_holm": np.nan})
                star = "*" if pair["p_holm"] < SIGNIFICANT else ""
                text += f" ({points(mine['accuracy'] - base['accuracy'], signed=True)}{star})"
            entries.append(text)
        rows.append([region, *entries, percent(scores[region, MEAN]["fell_back"])])
    baseline = _records(_of(comparison.baseline, protocol))[0]
    blank = [""] * len(params.networks)
    return [*rows, [f"always {baseline['label']}", *blank, percent(baseline["accuracy"]), ""]]


def _of(table: pd.DataFrame, protocol: str) -> pd.DataFrame:
    return table[table["protocol"] == protocol]


def pair_rows(comparison: Comparison, protocol: str, kind: str) -> Rows:
    """Every paired difference of one protocol; kind is region or network."""
    pairs = _of(comparison.pairs, protocol)
    part = pairs[pairs["kind"] == kind]
    seeds = part["over_seeds"].notna().any()
    within = "network" if kind == "region" else "region"
    tests = ["McNemar", *(["over seeds"] if seeds else []), "Holm"]
    rows = [[within, "pair", "difference", "95% interval", *tests, "detectable"]]
    for row in _records(part):
        tests = [p_value(row["mcnemar"]), *([p_value(row["over_seeds"])] if seeds else []), p_value(row["p_holm"])]
        ends = _range(row["low"], row["high"], signed=True)
        pair = f"{row['one']} - {row['other']}"
        difference = points(row["difference"], signed=True)
        rows.append([row["within"], pair, difference, ends, *tests, points(row["detectable"])])
    return rows


def omnibus_rows(comparison: Comparison, protocol: str) -> Rows:
    """Cochran's Q: are all regions of a network, or all networks on a region, right equally often?"""
    rows = [["within", "of all", "seed", "p", "Holm"]]
    for row in _records(_of(comparison.omnibus, protocol)):
        rows.append([row["within"], f"{row['kind']}s", str(row["seed"]), p_value(row["p"]), p_value(row["p_holm"])])
    return rows


def leak_rows(comparison: Comparison) -> Rows:
    """How far test images with a twin in Training or PublicTest move each accuracy."""
    rows = [["network", "region", "test", "with a twin", "without (test_unique)", "shift", "95% interval"]]
    scores = _accuracies(comparison)
    for row in _records(comparison.leak):
        entries = [scores[HEADLINE, row["region"], row["network"]], row["known"], row["unknown"]]
        shift = points(row["shift"], signed=True)
        ends = _range(row["low"], row["high"], signed=True)
        rows.append([row["network"], row["region"], *map(percent, entries), shift, ends])
    return rows


def _accuracies(comparison: Comparison) -> dict[tuple[str, str, str], float]:
    return {(row["protocol"], row["region"], row["network"]): row["accuracy"] for row in _records(comparison.scores)}


def calibration_rows(comparison: Comparison) -> Rows:
    """How true the probabilities are on test, before and after a temperature that was fitted on PublicTest."""
    rows = [["network", "region", "seed", "ECE", "temperature", "ECE with it", "log loss", "log loss with it"]]
    for row in _records(comparison.calibration):
        errors = [percent(row["ece"]), f"{row['temperature']:.2f}", percent(row["ece_fitted"])]
        losses = [f"{row['log_loss']:.3f}", f"{row['log_loss_fitted']:.3f}"]
        rows.append([row["network"], row["region"], str(row["seed"]), *errors, *losses])
    return rows


def fusion_rows(comparison: Comparison, protocol: str) -> Rows:
    """Models of several regions joined, beside the best single one. All that was chosen was chosen on PublicTest."""
    rows = [
        ["network", "method", "accuracy", "95% interval", "macro F1", "gain", "95% interval of it", "Holm", "members"]
    ]
    for row in _records(_of(comparison.fusion, protocol)):
        scores = [percent(row["accuracy"]), _range(row["low"], row["high"]), f"{row['macro_f1']:.3f}"]
        gain = [
            points(row["gain"], signed=True),
            "" if np.isnan(row["gain"]) else _range(row["gain_low"], row["gain_high"], True),
        ]
        rows.append([row["network"], row["method"], *scores, *gain, p_value(row["p_holm"]), _shorten(row["members"])])
    return rows


def _shorten(members: str, most: int = 4) -> str:
    """The first members of a mixture, and how many more there are."""
    names = members.split(" + ")
    return members if len(names) <= most else f"{' + '.join(names[:most])} and {len(names) - most} more"


def reported_rows(comparison: Comparison, params: Params) -> Rows:
    """The original report's table beside ours, where we have the same region and network."""
    scores = _accuracies(comparison)
    protocols = ("as_reported", HEADLINE, "test_unique")
    rows = [["region", "network", "report, as printed", "its predictions on test", *(f"ours, {p}" for p in protocols)]]
    for line in REPORTED:
        ours = [scores.get((protocol, line.region, line.network), np.nan) for protocol in protocols]
        theirs = [f"{line.printed:.0%}", "" if line.recomputed is None else percent(line.recomputed)]
        rows.append([line.region, line.network, *theirs, *map(percent, ours)])
    return rows


def landmark_rows(landmarks: Landmarks) -> Rows:
    """The errors of whoever found points: a row a provider, subset and view; the crops follow the first."""
    rows = [["points by", "subset, view", "faces", "NME", "AUC to 10%", "failures above 10%"]]
    for provider, subsets in landmarks.providers.items():
        for subset, views in subsets.items():
            for view, scores in views.items():
                errors = [f"{100 * scores.nme:.2f}%", f"{scores.auc:.3f}", percent(scores.failure_rate)]
                rows.append([provider, f"{subset}, {view}", f"{scores.n:,}", *errors])
    return rows


def landmark_note(landmarks: Landmarks) -> str:
    """What the errors mean, and how well bad points are known to be bad."""
    trust = landmarks.trust
    text = (
        "Mean error of the 68 points on the test faces, normalised by the inter-ocular distance (NME). grey_48 shows "
        "the faces as the expression images do: 48 pixels, grey, loosely framed."
    )
    if trust.auc is not None:
        text += (
            f" On {trust.n:,} test images with occlusion, blur, rotation and pictures without a face added, the "
            f"expected error tells errors above {trust.limit:.0%} from the rest with an area under the ROC curve of "
            f"{trust.auc:.3f}."
        )
    if "dlib" in landmarks.providers:
        text += " dlib's usual file was trained on 300-W, these test images included."
    return text


def audit_rows(audit: Audit) -> Rows:
    """What the audit counted in each split."""
    splits = list(audit.images)
    counts = {
        "images": audit.images,
        "identical to another image": audit.copies.rows_per_split,
        "identical or nearly so": audit.twins.rows_per_split,
        "groups of identical images, all in this split": audit.copies.groups_within,
        "groups of twins, all in this split": audit.twins.groups_within,
        "constant": audit.constant,
        "nearly constant": audit.nearly_constant,
        "left out of training": audit.left_out_of_training,
    }
    if audit.no_face is not None:
        counts["no face, say most FER+ voters"] = audit.no_face
    rows = [[name, *(f"{count[split]:,}" for split in splits)] for name, count in counts.items()]
    return [["counted", *splits], *rows]


def group_rows(audit: Audit) -> Rows:
    """How the groups of identical images, and of twins, lie across the splits, and whose labels conflict."""
    kinds = (audit.copies, audit.twins)
    rows = [["counted", "identical", "identical or nearly so"]]
    for name, field in (
        ("groups of more than one image", "groups"),
        ("images in them", "rows"),
        ("images of the largest group", "largest"),
        ("groups whose labels conflict", "conflicting_groups"),
        ("images in those", "conflicting_rows"),
        ("test images with a twin in Training or PublicTest", "test_rows_known"),
        ("of these, in a group whose labels conflict", "test_rows_known_with_other_label"),
    ):
        rows.append([name, *(f"{getattr(kind, field):,}" for kind in kinds)])
    for name in audit.copies.groups_across:
        rows.append([f"groups across {name.replace('+', ' and ')}", *(f"{k.groups_across[name]:,}" for k in kinds)])
    return rows


def markdown_table(rows: Rows) -> str:
    """A table that reads as Markdown and, its columns being aligned, as plain text."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = ["-" * max(1, widths[0]), *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = []
    for row in [rows[0], rule, *rows[1:]]:
        numbers = [text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)]
        lines.append(f"| {' | '.join([row[0].ljust(widths[0]), *numbers])} |\n")
    return "".join(lines)


def summary(comparison: Comparison, params: Params) -> str:
    """The answer for the terminal."""
    rows = score_rows(comparison, HEADLINE, params)
    lines = [answer(comparison, params), caveat(comparison, params), "", markdown_table(rows)]
    return "\n".join([*lines, *_joined(comparison)])


def _joined(comparison: Comparison) -> list[str]:
    """What joining regions adds, in a sentence; none where there is nothing to join."""
    fused = _records(_of(comparison.fusion, HEADLINE))
    if not fused:
        return []
    pool = ALL if ALL in {row["network"] for row in fused} else fused[0]["network"]
    mine = {row["method"]: row for row in fused if row["network"] == pool}
    single, joined = mine["best single"], mine["fitted weights"]
    return [
        f"Joined with weights fitted on validation, the models of {pool} reach {percent(joined['accuracy'])} on test, "
        f"{points(joined['gain'], signed=True)} points ({_range(joined['gain_low'], joined['gain_high'], True)}) "
        f"beside the best single one, {single['members']}."
    ]


def markdown(comparison: Comparison, results: Results, params: Params) -> str:
    """`reports/comparison.md`: the answer and the tables behind it."""
    parts = [f"# Comparison of regions\n\n**{answer(comparison, params)}** {caveat(comparison, params)}\n"]

    def add(title: str, text: str, rows: Rows) -> None:
        if len(rows) > 1:
            parts.append(f"## {title}\n\n{text}\n\n{markdown_table(rows)}")

    sizes = {row["protocol"]: row["n"] for row in _records(comparison.baseline)}
    for protocol in ORDER:
        add(
            f"Protocol {protocol}",
            f"{PURPOSES[protocol]} {sizes[protocol]:,} images ({' + '.join(PROTOCOLS[protocol])}). Accuracy, and in "
            f"brackets its difference to {comparison.reference} in points; * significant after Holm's adjustment.",
            score_rows(comparison, protocol, params),
        )
    add("Differences between regions", TEST_NOTE, pair_rows(comparison, HEADLINE, "region"))
    add("What leaks", "Test images with a twin in Training or PublicTest.", leak_rows(comparison))
    add("Regions joined", "Chosen on PublicTest, measured on test.", fusion_rows(comparison, HEADLINE))
    add("Calibration", "On test; the temperature is fitted on PublicTest.", calibration_rows(comparison))
    add("Beside the original report", why(), reported_rows(comparison, params))
    add(
        "Landmarks",
        landmark_note(results.landmarks),
        landmark_rows(results.landmarks),
    )
    add("Audit of the data set", "Images by split.", audit_rows(results.audit))
    add("Images that occur more than once", "Nearly: see `twins` in params.yaml.", group_rows(results.audit))
    return "\n".join(parts)


def save_tables(reports: Path, comparison: Comparison, results: Results, params: Params) -> None:
    """Write `comparison.md`, and the folders `comparison` (CSV), `metrics` and `plots` (for DVC)."""
    write_bytes(reports / "comparison.md", markdown(comparison, results, params).encode())
    with whole_folder(reports / "comparison") as part:
        for name, table in vars(comparison).items():
            if isinstance(table, pd.DataFrame):
                _write_csv(part / f"{name}.csv", table)
    with whole_folder(reports / "metrics") as part:
        for protocol in ("validation", "test"):
            for network in params.networks:
                table = comparison.scores
                scores = table[(table["protocol"] == protocol) & (table["network"] == network)]
                by_region = scores.set_index("region")["accuracy"].round(4).to_dict()
                write_json(part / protocol / f"{network}.json", by_region)
        # The two test sets alone: every further number would be a column of `dvc exp show`.
        errors = {
            f"landmark_nme_{subset}": round(views["grey_48"].nme, 4)
            for subset, views in results.landmarks.providers[results.landmarks.provider].items()
            if subset in TEST_SPLITS
        }
        write_json(part / "landmarks.json", errors)
    with whole_folder(reports / "plots") as part:
        for name, plot in plots(comparison, results).items():
            (part / name).parent.mkdir(exist_ok=True)
            _write_csv(part / name, plot)


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")


def plots(comparison: Comparison, results: Results) -> dict[str, pd.DataFrame]:
    """The tables behind `dvc plots show`, by the name of their file.

    A cell has files of its own, since DVC's templates draw all rows of a file as one curve, and count them
    into one confusion matrix (hence one row a test image). They also stack bars of the same label, hence the
    column `bar`.
    """
    scores = comparison.scores
    wanted = (scores["protocol"] == HEADLINE) & (scores["network"] != MEAN)
    accuracy = scores.loc[wanted, ["region", "network", "accuracy"]]
    files = {"test_accuracy.csv": accuracy.assign(bar=accuracy["network"] + " " + accuracy["region"])}
    names = np.array(CLASSES)
    for cell, matrix in comparison.confusion.items():
        file = f"{cell.region}-{cell.network}-{cell.seed}.csv"
        files[f"learning_curves/{file}"] = results.curves[cell]
        counts = np.array(matrix)
        actual, predicted = np.repeat(np.argwhere(counts >= 0), counts.ravel(), axis=0).T
        files[f"confusion_test/{file}"] = pd.DataFrame({"actual": names[actual], "predicted": names[predicted]})
    return files
