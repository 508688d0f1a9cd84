"""The answer in words, worked by hand from made-up studies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_up import make_params
from scipy import stats
from studies import THREE, Found, altered, by_hand, find_right, row_of

from pipeline.params import Params
from pipeline.report.answer import answer, caveat
from pipeline.report.study import MEAN


def answer_of(found: Found) -> str:
    return answer(found.study, found.scored, found.tested.pairs)


def caveat_of(found: Found, params: Params | None = None) -> str:
    study = replace(found.study, params=params or found.study.params)
    return caveat(study, found.scored)


def with_scores(found: Found, where: dict[str, Any], **values: Any) -> Found:
    return found._replace(scored=replace(found.scored, scores=altered(found.scored.scores, where, **values)))


def with_pairs(found: Found, pairs: pd.DataFrame) -> Found:
    return found._replace(tested=replace(found.tested, pairs=pairs))


def with_gap(found: Found, low: float, high: float, p_values: dict[str, float], one: str = "face") -> Found:
    """Give face's lead over vanilla on test this interval, and these p values by network; and all regions intervals.

    On validation it gets an interval without 0.
    """
    of = {"kind": "region", "other": "vanilla", "one": one}
    pairs = altered(found.tested.pairs, {**of, "within": MEAN, "protocol": "test"}, low=low, high=high)
    sign = np.sign(row_of(pairs, **of, within=MEAN, protocol="validation_unique")["difference"])
    ends = sorted((sign * 0.01, sign * 0.5))
    chosen = {**of, "within": MEAN, "protocol": "validation_unique"}
    pairs = altered(pairs, chosen, low=ends[0], high=ends[1], p_holm=0.049)
    for network, p in p_values.items():
        pairs = altered(pairs, {**of, "within": network, "protocol": "test"}, p_holm=p)
    interval = {"accuracy_low": 0.4, "accuracy_high": 0.9}
    return with_scores(with_pairs(found, pairs), {"protocol": "test", "network": MEAN}, **interval)


# The answer


PREFERRED = "Validation prefers face, 7.5 points above vanilla (95% interval +1.0 to +50.0). "
REACHED = "On test the accuracy of face over 2 networks is 67.5% (95% interval 40.0 to 90.0). "
GAP = "That of face lies 7.5 points above that of vanilla (95% interval "
SURE, UNSURE = "a significant difference", "which cannot be told from none"


@pytest.mark.parametrize(
    ("low", "high", "p_values", "verdict"),
    [
        (-0.02, 0.17, {MEAN: 0.06, "cnn1": 0.01}, f"-2.0 to +17.0), {UNSURE}; with 1 of 2"),
        (0.01, 0.15, {MEAN: 0.049, "cnn1": 0.051}, f"+1.0 to +15.0), {SURE}; with 0 of 2"),
        (0.01, 0.15, {MEAN: 0.05, "cnn1": 0.049}, f"+1.0 to +15.0), {UNSURE}; with 1 of 2"),
        # cnn2 is worse on face: that it is so for sure does not speak for face.
        (0.01, 0.15, {MEAN: 0.01, "cnn1": 0.001, "cnn2": 0.001}, f"+1.0 to +15.0), {SURE}; with 1 of 2"),
        (0.01, 0.15, {MEAN: 0.01, "cnn2": 0.001}, f"+1.0 to +15.0), {SURE}; with 0 of 2"),
    ],
)
def test_the_answer_when_another_region_is_preferred(
    low: float, high: float, p_values: dict[str, float], verdict: str
) -> None:
    comparison = with_gap(by_hand(), low, high, {"cnn1": 0.9, "cnn2": 0.9, **p_values})
    assert answer_of(comparison) == f"{PREFERRED}{REACHED}{GAP}{verdict} networks by itself it is significant."


def test_validation_that_cannot_tell_regions_apart_says_so() -> None:
    comparison = with_gap(by_hand(), 0.01, 0.15, {})
    of = {"protocol": "validation_unique", "kind": "region", "one": "face", "other": "vanilla", "within": MEAN}
    pairs = altered(comparison.tested.pairs, of, low=-0.009, high=0.159, p_holm=0.051)
    assert answer_of(with_pairs(comparison, pairs)).startswith(
        "Validation cannot tell face and vanilla apart: face lies 7.5 points above (95% interval -0.9 to +15.9). On "
    )


def test_the_answer_when_the_preferred_region_turns_out_worse() -> None:
    """Face is ahead on validation and behind on test."""
    params = make_params()
    lower, higher = [(3, 3), (4, 4)], [(8, 8), (6, 6)]
    found = find_right(params, [lower, higher], [higher, lower])
    comparison = with_gap(found, -0.6, -0.1, {MEAN: 0.01, "cnn1": 0.02, "cnn2": 0.3})
    assert answer_of(comparison) == (
        "Validation prefers face, 35.0 points above vanilla (95% interval +1.0 to +50.0). "
        "On test the accuracy of face over 2 networks is 35.0% (95% interval 40.0 to 90.0). "
        "That of face lies 35.0 points below that of vanilla (95% interval -60.0 to -10.0), "
        "a significant difference; with 1 of 2 networks by itself it is significant."
    )


def test_the_answer_when_the_reference_is_preferred_and_there_is_one_seed() -> None:
    """The second of validation is named, here mouth, not that of test, and how it differs on test."""
    params = make_params(regions=THREE, networks=["cnn2"], seeds=[0])
    comparison = find_right(params, [[[5]], [[7]], [[4]]], [[[3]], [[8]], [[9]]])
    comparison = with_gap(comparison, -0.8, -0.2, {}, one="mouth")
    assert answer_of(comparison) == (
        "With one seed no difference between regions can be called significant: another start of the training would "
        "move each of them. On validation mouth lies 20.0 points below vanilla "
        "(95% interval of the images alone -50.0 to -1.0). On test the accuracy of vanilla with cnn2 is 80.0% "
        "(95% interval of the images alone 40.0 to 90.0). That of mouth lies 50.0 points below that of vanilla "
        "(95% interval of the images alone -80.0 to -20.0)."
    )


def test_the_reference_wins_a_tie() -> None:
    params = make_params(regions=THREE, networks=["cnn1", "cnn2"], seeds=[0, 1, 2])
    # The same mean, but summed in another order mouth's comes out higher by the last bit.
    public = [[[3, 6, 5], [8, 3, 1]], [[8, 6, 5], [3, 3, 1]], [[1, 3, 3], [5, 6, 8]]]
    comparison = find_right(params, public, public)
    said = answer_of(comparison)
    assert said.startswith("Validation cannot tell mouth and vanilla apart: mouth lies 0.0 points")
    assert "On test the accuracy of vanilla over 2 networks" in said


def test_validation_chooses_by_the_mean_over_the_networks() -> None:
    """Face has the best network, mouth the best mean; vanilla, the reference, the first place in no way."""
    params = make_params(regions=THREE, seeds=[0])
    public = [[[7], [7]], [[5], [5]], [[9], [4]]]
    assert "On test the accuracy of mouth" in answer_of(find_right(params, public, public))


def test_the_answer_with_one_region() -> None:
    params = make_params(regions={"vanilla": "whole"}, networks=["cnn1"], seeds=[0])
    comparison = find_right(params, [[[6]]], [[[7]]])
    comparison = with_scores(comparison, {"protocol": "test"}, accuracy_low=0.4, accuracy_high=0.9)
    assert answer_of(comparison) == (
        "There is only one region. On test the accuracy of vanilla with cnn1 is 70.0% "
        "(95% interval of the images alone 40.0 to 90.0)."
    )


# The caveat


MEASURED = "Measured on 10 test images of the data 'real', recipe 'report', 2 seeds."


def test_the_caveat_of_several_seeds_tells_their_luck() -> None:
    # Variances of both seeds of four cells, in images of ten: 2, 0, 0 and 0.5.
    deviation = ((0.02 + 0 + 0 + 0.005) / 4) ** 0.5
    low, high = (deviation * (4 / stats.chi2.ppf(tail, 4)) ** 0.5 for tail in (0.975, 0.025))
    assert caveat_of(by_hand()) == MEASURED + (
        f" Another start of the training moves an accuracy by {100 * deviation:.1f} points (standard deviation; "
        f"95% interval {100 * low:.1f} to {100 * high:.1f}). Two seeds are few: where trainings differ much, one of "
        "ten such comparisons calls some network different that is not."
    )


def test_three_seeds_are_enough() -> None:
    counts = np.broadcast_to([5, 6, 7], (2, 2, 3))
    assert "are few" not in caveat_of(find_right(make_params(seeds=[0, 1, 2]), counts, counts))


def test_the_caveat_of_one_seed() -> None:
    params = make_params(regions={"vanilla": "whole"}, seeds=[3])
    text = caveat_of(find_right(params, [[[6], [6]]], [[[6], [6]]]))
    assert text == "Measured on 10 test images of the data 'real', recipe 'report', 1 seed."


def with_recipe(params: Params, **changes: Any) -> Params:
    """The same params with another recipe in use: `augmented` at test time, or the `votes` of a network by its name."""
    content = params.model_dump(mode="json")
    recipe = content["recipes"][params.recipe]
    recipe["test_time_augmentation"] = changes.pop("augmented", "none")
    for name, votes in changes.items():
        recipe["classifiers"][name]["votes"] = votes
    return Params.model_validate(content)


def test_the_caveat_says_how_images_were_augmented_at_test_time() -> None:
    params = by_hand().study.params
    told = " Test-time augmentation: each validation and test image was judged by itself"
    text = caveat_of(by_hand(), with_recipe(params, augmented="mirror"))
    assert text.endswith(f"{told} and its mirror image.")
    text = caveat_of(by_hand(), with_recipe(params, augmented="ten"))
    assert text.endswith(f"{told}, four shifts of it, and the mirror images of all.")


def test_the_caveat_says_which_networks_learnt_from_votes() -> None:
    params = by_hand().study.params
    text = caveat_of(by_hand(), with_recipe(params, cnn2=0.25))
    assert text.endswith(" Votes stood in for a part of the labels learnt from: cnn2 25%.")
    text = caveat_of(by_hand(), with_recipe(params, cnn1=1.0, cnn2=0.25, googlenet=0.5))  # googlenet is not compared
    assert text.endswith(" cnn1 100%, cnn2 25%.")


def test_the_caveat_of_the_demo() -> None:
    text = caveat_of(by_hand(), make_params(data="demo", recipe="demo"))
    assert text.startswith("Measured on 10 test images of the data 'demo', recipe 'demo', 2 seeds.")
    assert text.endswith(" The demo's images are drawn: they show that the pipeline works and say nothing about faces.")
