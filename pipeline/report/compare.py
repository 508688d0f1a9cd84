"""The comparison: what every network reaches on every region, how sure the differences are, and what joining adds.

Everything here follows from the stored predictions. Whatever is chosen (a region, weights, a temperature) is chosen on
PublicTest and then measured on PrivateTest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.data.expressions import CLASSES
from pipeline.data.protocols import PROTOCOLS, rows
from pipeline.data.twins import known_rows
from pipeline.evaluation import calibration, fusion, significance
from pipeline.evaluation.calibration import Bin
from pipeline.evaluation.results import Cell, Crop, Results
from pipeline.evaluation.scores import classification
from pipeline.params import Params

# The protocol that answers; the others stand beside it.
HEADLINE = "test"
ORDER = (HEADLINE, *(protocol for protocol in PROTOCOLS if protocol != HEADLINE))

# Where intervals and tests make sense: as_reported is no sample of unseen images.
SAMPLED = ("test", "test_unique", "validation")
TESTED = ("test", "test_unique")

DRAWS = 2000  # of the bootstrap: an interval's end then moves by a tenth of its half-width from seed to seed
LEVEL = 0.95
POWER = 0.8

MEAN = "mean"  # stands for the mean over all networks
ALL = "all networks"  # stands for the models of all networks taken together

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """The answer as tidy tables. Scores and differences are fractions; `low` and `high` bound a 95% interval.

    Attributes:
        reference: the region that the others are compared with.
        scores: protocol, region, network (or `MEAN`), seeds, n, accuracy, accuracy_low, accuracy_high, accuracy_sd
            (over seeds, missing with one), macro_f1, macro_f1_low, macro_f1_high, fell_back.
        baseline: protocol, n, label (the commonest class of Training, given to every image), accuracy, macro_f1.
        pairs: of two regions with one network, or two networks on one region: protocol, kind (region or network),
            within, one, other, difference (accuracy of one less other), low, high, macro_f1_difference,
            macro_f1_low, macro_f1_high, mcnemar (exact p; the largest over the seeds), over_seeds (p; missing with
            one seed), p (the one of the two that counts: over_seeds if there is one), detectable (the true
            difference that would be found with a probability of 80%) and p_holm (p adjusted for all pairs of the
            protocol and kind). Of the mean over the networks there are no p values.
        omnibus: Cochran's Q over all regions (or networks): protocol, kind, within, seed, p, p_holm.
        leak: region, network, known (accuracy on PrivateTest rows with a twin in Training or PublicTest; missing
            without such rows), unknown (the others), shift (test less test_unique) with low and high.
        calibration: region, network, seed, temperature (fitted on PublicTest), and on PrivateTest ece, ece_fitted,
            log_loss, log_loss_fitted.
        reliability: of each region and network, all seeds together, on PrivateTest.
        fusion: models of several regions joined: network (or `ALL`), method, members, protocol,
            n, accuracy, low, high, macro_f1, gain (over the best single model's), gain_low, gain_high, p, p_holm.
        selection: the path of the greedy selection: network, step, added, validation_accuracy, kept.
        confusion: of each cell on PrivateTest, a row a true class.
    """

    reference: str
    scores: pd.DataFrame
    baseline: pd.DataFrame
    pairs: pd.DataFrame
    omnibus: pd.DataFrame
    leak: pd.DataFrame
    calibration: pd.DataFrame
    reliability: dict[tuple[str, str], list[Bin]]
    fusion: pd.DataFrame
    selection: pd.DataFrame
    confusion: dict[Cell, list[list[int]]]


@dataclass(frozen=True)
class Sample:
    """The rows of one protocol, and what every cell says of them.

    Attributes:
        rows: (N,), which of the data set.
        labels, groups: (n,).
        predicted: (regions, networks, seeds, n).
        weights: (draws, n), how often each row occurs in each bootstrap draw.
        actual: the scores (1, regions, networks + 1), means over the seeds; the last network is the mean of all.
        drawn: the same in each draw, (draws, regions, networks + 1).
    """

    rows: Bools
    labels: npt.NDArray[np.uint8]
    groups: npt.NDArray[np.int32]
    predicted: npt.NDArray[np.uint8]
    weights: npt.NDArray[np.float32]
    actual: significance.Draws
    drawn: significance.Draws

    @property
    def correct(self) -> Bools:
        return np.asarray(self.predicted == self.labels)


def reference_region(params: Params) -> str:
    """What the other regions are compared with: the first that is the whole image, else the first."""
    return next((name for name, region in params.regions.items() if region == "whole"), next(iter(params.regions)))


def compare(results: Results, params: Params) -> Comparison:
    """Compare all cells.

    Raises:
        InputError: a protocol scores no rows.
    """
    predicted = results.chances.argmax(axis=-1).astype(np.uint8)
    samples = {protocol: _sample(results, predicted, protocol) for protocol in SAMPLED}
    pairs = pd.concat([_pairs(samples[protocol], protocol, params) for protocol in TESTED])
    omnibus = pd.concat([_omnibus(samples[protocol], protocol, params) for protocol in TESTED])
    fused, selection = _fuse(results, samples, params)
    return Comparison(
        reference_region(params),
        _scores(results, predicted, samples, params),
        _baseline(results),
        pairs.reset_index(drop=True),
        omnibus.reset_index(drop=True),
        _leak(results, samples[HEADLINE], params),
        _calibration(results, params),
        _reliability(results, params),
        fused,
        selection,
        {
            cell: _classification(results, samples[HEADLINE].rows, place)["confusion"]
            for cell, place in _cells(params).items()
        },
    )


Place = tuple[int, int, int]


def _cells(params: Params) -> dict[Cell, Place]:
    """Where each cell lies in the first three axes of `Results.chances`."""
    return {
        Cell(region, network, seed): (i, k, s)
        for i, region in enumerate(params.regions)
        for k, network in enumerate(params.networks)
        for s, seed in enumerate(params.seeds)
    }


def _classification(results: Results, scored: Bools, place: Place) -> dict[str, Any]:
    return classification(results.labels[scored], results.chances[place][scored])


def _sample(results: Results, predicted: npt.NDArray[np.uint8], protocol: str) -> Sample:
    scored = rows(results.split, results.twins, protocol)
    labels, groups, answers = results.labels[scored], results.twins[scored], predicted[..., scored]
    weights = significance.resample(groups, DRAWS, seed=0)
    return Sample(
        scored,
        labels,
        groups,
        answers,
        weights,
        _average(labels, answers, np.ones((1, len(labels)), np.float32)),
        _average(labels, answers, weights),
    )


def _average(
    labels: npt.NDArray[np.uint8], predicted: npt.NDArray[np.uint8], weights: npt.NDArray[np.float32]
) -> significance.Draws:
    """The scores (draws, regions, networks + 1): means over the seeds, and behind the networks their mean."""

    def means(scores: Floats) -> Floats:
        networks = scores.reshape(len(scores), *predicted.shape[:3]).mean(axis=-1)
        return np.concatenate([networks, networks.mean(axis=-1, keepdims=True)], axis=-1)

    draws = significance.bootstrap(labels, predicted.reshape(-1, len(labels)), weights)
    return significance.Draws(means(draws.accuracy), means(draws.macro_f1))


def _interval(samples: Floats) -> tuple[float, float]:
    low, high = significance.interval(samples, LEVEL)
    return float(low), float(high)


def _scores(
    results: Results, predicted: npt.NDArray[np.uint8], samples: dict[str, Sample], params: Params
) -> pd.DataFrame:
    records = []
    for protocol in ORDER:
        scored = rows(results.split, results.twins, protocol)
        labels, answers = results.labels[scored], predicted[..., scored]
        actual = _average(labels, answers, np.ones((1, len(labels)), np.float32))
        correct = (answers == labels).mean(axis=-1)  # (regions, networks, seeds)
        by_seed = np.concatenate([correct, correct.mean(axis=1, keepdims=True)], axis=1)
        for i, region in enumerate(params.regions):
            for k, network in enumerate([*params.networks, MEAN]):
                record: dict[str, Any] = {"protocol": protocol, "region": region, "network": network}
                record |= {"seeds": len(params.seeds), "n": len(labels)}
                record |= {"accuracy": actual.accuracy[0, i, k], "macro_f1": actual.macro_f1[0, i, k]}
                if protocol in samples:
                    drawn = samples[protocol].drawn
                    record["accuracy_low"], record["accuracy_high"] = _interval(drawn.accuracy[:, i, k])
                    record["macro_f1_low"], record["macro_f1_high"] = _interval(drawn.macro_f1[:, i, k])
                if len(params.seeds) > 1:
                    record["accuracy_sd"] = by_seed[i, k].std(ddof=1)
                record["fell_back"] = fell_back_share(results.crops[region], PROTOCOLS[protocol])
                records.append(record)
    columns = ["protocol", "region", "network", "seeds", "n", "accuracy", "accuracy_low", "accuracy_high"]
    columns += ["accuracy_sd", "macro_f1", "macro_f1_low", "macro_f1_high", "fell_back"]
    return pd.DataFrame(records, columns=columns)


def fell_back_share(crop: Crop, splits: tuple[str, ...]) -> float:
    """The share of the images of these splits that were kept whole; 0 if there are none."""
    return sum(crop.fell_back[split] for split in splits) / max(1, sum(crop.images[split] for split in splits))


def _baseline(results: Results) -> pd.DataFrame:
    commonest = int(np.bincount(results.labels[results.split == "Training"], minlength=len(CLASSES)).argmax())
    records = []
    for protocol in ORDER:
        labels = results.labels[rows(results.split, results.twins, protocol)]
        certain = np.tile(np.eye(len(CLASSES), dtype=np.float32)[commonest], (len(labels), 1))
        found = classification(labels, certain)
        scores = {name: found[name] for name in ("n", "accuracy", "macro_f1")}
        records.append({"protocol": protocol, "label": CLASSES[commonest], **scores})
    return pd.DataFrame(records)


def _pairs(sample: Sample, protocol: str, params: Params) -> pd.DataFrame:
    records = []
    for kind, within, one, other, a, b in _pairings(params):
        drawn, actual = sample.drawn, sample.actual
        record: dict[str, Any] = {"protocol": protocol, "kind": kind, "within": within, "one": one, "other": other}
        record["difference"] = (actual.accuracy[0][a] - actual.accuracy[0][b]).item()
        draws = drawn.accuracy[:, *a] - drawn.accuracy[:, *b]
        record["low"], record["high"] = _interval(draws)
        record["macro_f1_difference"] = (actual.macro_f1[0][a] - actual.macro_f1[0][b]).item()
        record["macro_f1_low"], record["macro_f1_high"] = _interval(drawn.macro_f1[:, *a] - drawn.macro_f1[:, *b])
        if (kind, within) != ("region", MEAN):  # a region may be called that
            record |= _test(sample.correct[a], sample.correct[b], sample.groups)
        records.append({**record, "detectable": significance.detectable(draws, 1 - LEVEL, POWER)})
    columns = ["protocol", "kind", "within", "one", "other", "difference", "low", "high", "macro_f1_difference"]
    columns += ["macro_f1_low", "macro_f1_high", "mcnemar", "over_seeds", "p", "detectable"]
    return _adjust(pd.DataFrame(records, columns=columns), "kind")


def _pairings(params: Params) -> Iterator[tuple[str, str, str, str, tuple[int, int], tuple[int, int]]]:
    """Every pair that is compared: kind, within, one, other, and where both lie among (regions, networks + 1).

    The reference region is the other of its pairs, so that their differences say what a region adds to it.
    """
    regions, networks = list(params.regions), list(params.networks)
    ordered = sorted(range(len(regions)), key=lambda i: regions[i] != reference_region(params))
    for k, network in enumerate([*networks, MEAN]):
        for j, i in combinations(ordered, 2):
            yield "region", network, regions[i], regions[j], (i, k), (j, k)
    for i, region in enumerate(regions):
        for m, k in combinations(range(len(networks)), 2):
            yield "network", region, networks[k], networks[m], (i, k), (i, m)


def _test(correct: Bools, other: Bools, groups: npt.NDArray[np.int32]) -> dict[str, float]:
    """The p values of a pair whose answers are right or wrong (seeds, n); `p` is the one that counts."""
    mcnemar = max(significance.mcnemar(a, b) for a, b in zip(correct, other, strict=True))
    if len(correct) == 1:
        return {"mcnemar": mcnemar, "p": mcnemar}
    if len(np.unique(groups)) == 1:  # all of them twins, as good as one image
        return {"mcnemar": mcnemar, "p": np.nan}
    over_seeds = significance.over_seeds(correct, other, groups)
    return {"mcnemar": mcnemar, "over_seeds": over_seeds, "p": over_seeds}


def _adjust(table: pd.DataFrame, *family: str) -> pd.DataFrame:
    """Add p_holm: p adjusted for all tests that agree in the columns `family`."""
    table["p_holm"] = np.nan
    tested = table[table["p"].notna()]
    for _, part in tested.groupby(list(family), sort=False):
        table.loc[part.index, "p_holm"] = significance.holm(part["p"].tolist())
    return table


def _omnibus(sample: Sample, protocol: str, params: Params) -> pd.DataFrame:
    records: list[dict[str, Any]] = []
    regions, networks = list(params.regions), list(params.networks)
    for s, seed in enumerate(params.seeds):
        of = {"protocol": protocol, "seed": seed}
        correct = sample.correct[:, :, s]
        if len(regions) > 1:
            for k, network in enumerate(networks):
                p = significance.cochran_q(correct[:, k].T)
                records.append({**of, "kind": "region", "within": network, "p": p})
        if len(networks) > 1:
            for i, region in enumerate(regions):
                p = significance.cochran_q(correct[i].T)
                records.append({**of, "kind": "network", "within": region, "p": p})
    table = pd.DataFrame(records, columns=["protocol", "kind", "within", "seed", "p"])
    return _adjust(table, "kind", "seed")


def _leak(results: Results, sample: Sample, params: Params) -> pd.DataFrame:
    """How far the test rows that have a twin elsewhere move each accuracy."""
    known = known_rows(results.twins, results.split)[sample.rows]
    parts = {}
    for name, of in (("known", known), ("unknown", ~known)):
        if of.any():
            ones = np.ones((1, int(of.sum())), np.float32)
            parts[name] = _average(sample.labels[of], sample.predicted[..., of], ones).accuracy[0]
    # A draw may hold no unknown row only where hardly any is there.
    weights = sample.weights[:, ~known]
    usable = weights.any(axis=1)
    drawn = _average(sample.labels[~known], sample.predicted[..., ~known], weights[usable]).accuracy
    shifts = sample.drawn.accuracy[usable] - drawn
    records = []
    for i, region in enumerate(params.regions):
        for k, network in enumerate([*params.networks, MEAN]):
            record = {"region": region, "network": network, **{name: part[i, k] for name, part in parts.items()}}
            record["shift"] = sample.actual.accuracy[0, i, k] - record["unknown"]
            record["low"], record["high"] = _interval(shifts[:, i, k])
            records.append(record)
    return pd.DataFrame(records, columns=["region", "network", "known", "unknown", "shift", "low", "high"])


def _calibration(results: Results, params: Params) -> pd.DataFrame:
    chosen_on, test = rows(results.split, results.twins, "validation"), rows(results.split, results.twins, HEADLINE)
    records = []
    for cell, place in _cells(params).items():
        chances = results.chances[place]
        temperature = calibration.fit_temperature(results.labels[chosen_on], chances[chosen_on])
        fitted = calibration.apply_temperature(chances[test], temperature)
        labels = results.labels[test]
        records.append(
            {
                **cell._asdict(),
                "temperature": temperature,
                "ece": calibration.expected_calibration_error(labels, chances[test]),
                "ece_fitted": calibration.expected_calibration_error(labels, fitted),
                "log_loss": calibration.log_loss(labels, chances[test]),
                "log_loss_fitted": calibration.log_loss(labels, fitted),
            }
        )
    return pd.DataFrame(records)


def _reliability(results: Results, params: Params) -> dict[tuple[str, str], list[Bin]]:
    test = rows(results.split, results.twins, HEADLINE)
    labels = np.tile(results.labels[test], len(params.seeds))
    return {
        (region, network): calibration.reliability(labels, results.chances[i, k][:, test].reshape(len(labels), -1))
        for i, region in enumerate(params.regions)
        for k, network in enumerate(params.networks)
    }


def _fuse(results: Results, samples: dict[str, Sample], params: Params) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Join the regions' models of each network, and then the models of all networks."""
    records: list[dict[str, Any]] = []
    path: list[dict[str, Any]] = []
    for network, names, chances in _pools(results, params):
        chosen_on = samples["validation"].rows
        labels, seen = results.labels[chosen_on], chances[:, :, chosen_on]
        best, steps = fusion.best_single(seen, labels), fusion.select_forward(seen, labels)
        many = len(names)
        selected = [step.candidate for step in steps if step.kept]
        weights = {
            "best single": np.eye(many)[best],
            "equal weights": np.full(many, 1 / many),
            "fitted weights": fusion.fit_weights(seen, labels),
            "forward selection": np.isin(np.arange(many), selected) / len(selected),
        }
        fused = {method: fusion.fuse(chances, share) for method, share in weights.items()}
        for protocol, sample in samples.items():
            records += [
                {"network": network, "method": method, "members": _members(names, weights[method]), **record}
                for method, record in _score_fused(fused, sample, protocol).items()
            ]
        path += [
            {
                "network": network,
                "step": number,
                "added": names[step.candidate],
                "validation_accuracy": step.accuracy,
                "kept": step.kept,
            }
            for number, step in enumerate(steps, 1)
        ]
    columns = ["network", "method", "members", "protocol", "n", "accuracy", "low", "high", "macro_f1"]
    columns += ["gain", "gain_low", "gain_high", "p"]
    table = _adjust(pd.DataFrame(records, columns=columns), "protocol")
    return table, pd.DataFrame(path, columns=["network", "step", "added", "validation_accuracy", "kept"])


def _pools(results: Results, params: Params) -> Iterator[tuple[str, list[str], npt.NDArray[np.float32]]]:
    """What is joined: a name, the candidates' names, and their probabilities (candidates, seeds, N, 7)."""
    regions, networks = list(params.regions), list(params.networks)
    if len(regions) > 1:
        for k, network in enumerate(networks):
            yield network, regions, results.chances[:, k]
    if len(networks) > 1:
        names = [f"{region} {network}" for region in regions for network in networks]
        yield ALL, names, results.chances.reshape(-1, *results.chances.shape[2:])


def _members(names: list[str], weights: Floats) -> str:
    """The candidates with a weight worth telling, the largest first: `face 0.62 + mouth 0.38`."""
    shares = [(name, weight) for name, weight in zip(names, weights.tolist(), strict=True) if weight >= 0.005]
    shares.sort(key=lambda share: -share[1])
    return shares[0][0] if len(shares) == 1 else " + ".join(f"{name} {weight:.2f}" for name, weight in shares)


def _score_fused(fused: dict[str, npt.NDArray[np.float32]], sample: Sample, protocol: str) -> dict[str, dict[str, Any]]:
    """The scores of each method (seeds, N, 7) on one protocol, beside those of the first, the best single model."""
    predicted = np.stack([chances[:, sample.rows].argmax(axis=-1).astype(np.uint8) for chances in fused.values()])
    correct = predicted == sample.labels  # (methods, seeds, n)
    # Shaped as one region with many networks.
    ones = np.ones((1, len(sample.labels)), np.float32)
    actual = _average(sample.labels, predicted[np.newaxis], ones)
    drawn = _average(sample.labels, predicted[np.newaxis], sample.weights)
    records: dict[str, dict[str, Any]] = {}
    for m, method in enumerate(fused):
        low, high = _interval(drawn.accuracy[:, 0, m])
        record: dict[str, Any] = {"protocol": protocol, "n": len(sample.labels), "accuracy": actual.accuracy[0, 0, m]}
        record |= {"low": low, "high": high, "macro_f1": actual.macro_f1[0, 0, m]}
        if m and protocol in TESTED:
            record["gain"] = actual.accuracy[0, 0, m] - actual.accuracy[0, 0, 0]
            record["gain_low"], record["gain_high"] = _interval(drawn.accuracy[:, 0, m] - drawn.accuracy[:, 0, 0])
            record["p"] = _test(correct[m], correct[0], sample.groups)["p"]
        records[method] = record
    return records
