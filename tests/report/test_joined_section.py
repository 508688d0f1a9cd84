"""Models joined, against scikit-learn and direct calls."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from made_up import FACE, LABELS, make_params, make_results, sure_probabilities
from sklearn.metrics import f1_score
from statsmodels.stats.multitest import multipletests
from studies import (
    ROWS,
    THREE,
    Found,
    altered,
    approx,
    as_lines,
    by_hand,
    drawn,
    find,
    find_right,
    one_seed,
    row_of,
    worth,
)

from pipeline.evaluation import fusion
from pipeline.evaluation.results import Results
from pipeline.evaluation.uncertainty import estimate
from pipeline.report.page import render
from pipeline.report.sections.joined import fusion_rows, section, sentence
from pipeline.report.study import ALL

METHODS = ["best single", "equal weights", "fitted weights", "forward selection"]


def pool_of(results: Results, network: str) -> tuple[list[str], npt.NDArray[np.float32]]:
    """The candidates' names and probabilities (candidates, seeds, N, 7)."""
    if network == ALL:
        names = [f"{region} {name}" for region in THREE for name in ("cnn1", "cnn2")]
        return names, np.stack([results.probabilities[i, k] for i in range(3) for k in range(2)])
    return list(THREE), np.stack([results.probabilities[i, ["cnn1", "cnn2"].index(network)] for i in range(3)])


def test_every_network_and_all_together_are_joined_in_four_ways(found: Found) -> None:
    rows = found.fused.fusion[["network", "protocol", "method"]].itertuples(index=False, name=None)
    protocols = ["test", "test_unique", "test_cut", "validation_unique", "validation"]
    assert list(rows) == list(product(["cnn1", "cnn2", ALL], protocols, METHODS))


@pytest.mark.parametrize("network", ["cnn1", "cnn2", ALL])
@pytest.mark.parametrize("protocol", ["test", "test_unique", "validation"])
def test_joined_models_are_scored_beside_the_best_single_one(
    found: Found, results: Results, network: str, protocol: str
) -> None:
    _, probabilities = pool_of(results, network)
    rows, seen = ROWS[protocol], probabilities[:, :, 20:30]
    kept = [step.candidate for step in fusion.select_forward(seen, LABELS[20:30]) if step.kept]
    best = fusion.best_single(seen, LABELS[20:30])
    weights = {
        "best single": np.eye(len(probabilities))[best],
        "equal weights": np.ones(len(probabilities)) / len(probabilities),
        "fitted weights": fusion.fit_weights(seen, LABELS[20:30]),
        "forward selection": np.array([one in kept for one in range(len(probabilities))]) / len(kept),
    }
    draws = drawn(rows).astype(np.float64)
    draws /= draws.sum(axis=1, keepdims=True)
    singles = (probabilities[best][:, rows].argmax(axis=-1) == LABELS[rows]).astype(np.float64)
    for method, shares in weights.items():
        answers = np.einsum("k,ksnc->snc", shares, probabilities[:, :, rows].astype(float)).argmax(axis=-1)
        right = (answers == LABELS[rows]).astype(np.float64)  # (seeds, n)
        row = row_of(found.fused.fusion, network=network, method=method, protocol=protocol)
        assert (row["n"], row["accuracy"]) == (len(rows), approx(right.mean()))
        f1s = [f1_score(LABELS[rows], one, labels=range(7), average="macro", zero_division=0) for one in answers]
        assert row["macro_f1"] == approx(np.mean(f1s))
        alone, gain = (
            estimate(of.mean(axis=1)[None], (draws @ of.T)[:, None], groups=worth(rows))
            for of in (right, right - singles)
        )
        assert [row["low"], row["high"]] == approx([alone.low, alone.high])
        if method == "best single" or protocol.startswith("validation"):
            assert np.isnan([row[name] for name in ("gain", "gain_low", "gain_high", "p", "p_holm")]).all()
        else:
            told = [row[name] for name in ("gain", "gain_low", "gain_high", "p")]
            assert told == approx([gain.value, gain.low, gain.high, gain.p])


def test_with_one_seed_gains_are_not_tested() -> None:
    assert one_seed().fused.fusion[["p", "p_holm"]].isna().all(axis=None)
    assert fusion_rows(one_seed().fused.fusion, "test")[0][-2:] == ["95% interval of it", "members"]


def test_gains_are_adjusted_for_all_of_a_protocol(found: Found) -> None:
    for protocol in ("test", "test_unique"):
        part = found.fused.fusion[found.fused.fusion["protocol"] == protocol].dropna(subset="p")
        assert len(part) == 3 * 3  # pools and methods
        assert part["p_holm"].tolist() == approx(multipletests(part["p"], method="holm")[1].tolist())


def test_the_path_of_the_selection_is_told(found: Found, results: Results) -> None:
    for network in ("cnn1", "cnn2", ALL):
        names, probabilities = pool_of(results, network)
        path = found.fused.selection[found.fused.selection["network"] == network]
        steps = fusion.select_forward(probabilities[:, :, 20:30], LABELS[20:30])
        assert path["step"].tolist() == list(range(1, len(names) + 1))
        assert path["added"].tolist() == [names[step.candidate] for step in steps]
        assert path["validation_accuracy"].tolist() == approx([step.accuracy for step in steps])
        assert path["kept"].tolist() == [step.kept for step in steps]


def test_members_are_named_with_their_weights(found: Found, results: Results) -> None:
    names, probabilities = pool_of(results, "cnn1")
    told = found.fused.fusion[(found.fused.fusion["network"] == "cnn1") & (found.fused.fusion["protocol"] == "test")]
    members = told.set_index("method")["members"]
    assert members["best single"] == names[fusion.best_single(probabilities[:, :, 20:30], LABELS[20:30])]
    assert members["equal weights"] == "mouth 0.33 + vanilla 0.33 + face 0.33"
    weights = fusion.fit_weights(probabilities[:, :, 20:30], LABELS[20:30])
    order = sorted(range(3), key=lambda one: -weights[one])
    assert members["fitted weights"] == " + ".join(
        f"{names[one]} {weights[one]:.2f}" for one in order if weights[one] > 0.005
    )
    kept = found.fused.selection[(found.fused.selection["network"] == "cnn1") & found.fused.selection["kept"]]["added"]
    for name in THREE:
        assert (name in members["forward selection"]) == (name in set(kept))


def test_a_candidate_of_all_networks_is_named_by_region_and_network() -> None:
    """Only face with cnn1 knows anything."""
    right = np.zeros((2, 2, 1), int)
    right[1, 0] = 10
    params = make_params(seeds=[0])
    found = find_right(params, right, right).fused.fusion
    for network, name in (("cnn1", "face"), (ALL, "face cnn1")):
        row = row_of(found, network=network, method="best single", protocol="test")
        assert (row["members"], row["accuracy"]) == (name, 1)


def test_what_each_is_sure_of_adds_up() -> None:
    """Each region knows its half of the classes and does not know of the others: together they know all."""
    params = make_params(networks=["cnn1"], seeds=[0])
    probabilities = np.stack([sure_probabilities(np.where(half, LABELS, 6), 0.9) for half in (LABELS < 3, LABELS >= 3)])
    unsure = np.stack([LABELS >= 3, LABELS < 3])
    probabilities[unsure] = 1 / 7
    found = find(make_results(params, probabilities[:, np.newaxis, np.newaxis]), params).fused.fusion
    row = row_of(found, network="cnn1", method="equal weights", protocol="test")
    # Where neither knows, the first class is named: all of the angry ones are right with either region.
    assert row["accuracy"] == 1
    assert row["gain"] == approx(2 / 10)


# As they are read


def test_joined_models_as_they_are_read() -> None:
    found = by_hand()
    of = {"network": "cnn2", "protocol": "test"}
    single = {"accuracy": 0.6, "low": 0.31, "high": 0.9, "macro_f1": 0.45678, "members": "vanilla"}
    joined = {**single, "gain": -0.0123, "gain_low": -0.0456, "gain_high": 0.0, "p_holm": 0.0314}
    joined["members"] = "a 0.30 + b 0.30 + c 0.20 + d 0.10 + e 0.06 + f 0.04"
    table = altered(found.fused.fusion, {**of, "method": "best single"}, **single)
    table = altered(table, {**of, "method": "fitted weights"}, **joined)
    rows = as_lines(fusion_rows(table, "test"))
    assert rows[0] == "network; method; accuracy; 95% interval; macro F1; gain; 95% interval of it; Holm; members"
    assert "cnn2; best single; 60.0%; 31.0 to 90.0; 0.457; ; ; ; vanilla" in rows
    more = "a 0.30 + b 0.30 + c 0.20 + d 0.10 and 2 more"
    assert f"cnn2; fitted weights; 60.0%; 31.0 to 90.0; 0.457; -1.2; -4.6 to +0.0; 0.031; {more}" in rows
    assert len(rows) == 1 + 3 * 4


def test_four_members_are_all_named() -> None:
    found = by_hand()
    four = "a 0.30 + b 0.30 + c 0.20 + d 0.20"
    rows = fusion_rows(found.fused.fusion.assign(members=four), "test")
    assert {row[-1] for row in rows[1:]} == {four}


def test_the_selection_ends_at_its_ring() -> None:
    found = by_hand()
    page = render(section(found.study, found.fused))
    for network, steps in found.fused.selection.groupby("network"):
        last = steps[steps["kept"]].iloc[-1]
        hint = f"{network}, step {last['step']}: with {last['added']} {100 * last['validation_accuracy']:.1f}%"
        assert re.search(rf'<title>{hint}</title></circle><circle class="line-\d ring"', page)
    assert page.count(' ring"') == found.fused.selection["network"].nunique()


def test_the_sentence_for_the_terminal() -> None:
    of = {"network": ALL, "protocol": "test"}
    gain = {"accuracy": 0.8123, "gain": 0.0123, "gain_low": -0.01, "gain_high": 0.034}
    table = altered(by_hand().fused.fusion, {**of, "method": "fitted weights"}, **gain)
    table = altered(table, {**of, "method": "best single"}, members="face cnn1")
    assert sentence(table) == (
        "Joined with weights fitted on validation, the models of all networks reach 81.2% on test, "
        "+1.2 points (-1.0 to +3.4) beside the best single one, face cnn1."
    )


def test_the_sentence_of_one_network_is_of_its_regions() -> None:
    params = make_params(networks=["cnn2"])
    assert "the models of cnn2 reach" in sentence(find(make_results(params), params).fused.fusion)


def test_one_model_is_joined_with_nothing() -> None:
    params = make_params(networks=["cnn2"], regions={"face": FACE})
    found = find(make_results(params), params)
    assert sentence(found.fused.fusion) == ""
    assert "There is only one model, and so nothing to join." in render(section(found.study, found.fused))
