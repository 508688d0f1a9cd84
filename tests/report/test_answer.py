"""The answer in words, worked by hand from made-up studies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from made_up import make_params, make_results
from studies import THREE, Found, altered, by_hand, find, find_right

from pipeline.params import Params
from pipeline.report.answer import answer, caveat
from pipeline.report.study import MEAN


def answer_of(found: Found) -> str:
    return answer(found.study, found.scored, found.tested.pairs)


def caveat_of(found: Found, params: Params | None = None) -> str:
    study = replace(found.study, params=params or found.study.params)
    return caveat(study, found.scored, found.tested.pairs)


def with_scores(found: Found, where: dict[str, Any], **values: Any) -> Found:
    return found._replace(scored=replace(found.scored, scores=altered(found.scored.scores, where, **values)))


def with_pairs(found: Found, pairs: pd.DataFrame) -> Found:
    return found._replace(tested=replace(found.tested, pairs=pairs))


def with_gap(found: Found, low: float, high: float, p_values: dict[str, float], one: str = "face") -> Found:
    """Give face's lead over vanilla this interval, and these p values by network; and face's accuracy an interval."""
    of = {"protocol": "test", "kind": "region", "one": one, "other": "vanilla"}
    pairs = altered(found.tested.pairs, {**of, "within": MEAN}, low=low, high=high)
    for network, p in p_values.items():
        pairs = altered(pairs, {**of, "within": network}, p_holm=p)
    interval = {"accuracy_low": 0.4, "accuracy_high": 0.9}
    return with_scores(with_pairs(found, pairs), {"protocol": "test", "network": MEAN}, **interval)


# The answer


REACHED = "Validation chooses face: its test accuracy over 2 networks is 67.5% (95% interval 40.0 to 90.0). "


@pytest.mark.parametrize(
    ("low", "high", "p_values", "verdict"),
    [
        (-0.02, 0.17, {"cnn1": 0.01}, "-2.0 to +17.0), a difference that this test set cannot tell from none."),
        (0.0, 0.15, {"cnn1": 0.01}, "+0.0 to +15.0), a difference that this test set cannot tell from none."),
        (-0.02, 0.0, {"cnn1": 0.01}, "-2.0 to +0.0), a difference that this test set cannot tell from none."),
        (0.01, 0.15, {"cnn1": 0.051}, "+1.0 to +15.0), significant with none of the networks alone."),
        (0.01, 0.15, {"cnn1": 0.049}, "+1.0 to +15.0), significant with 1 of 2 networks."),
        # cnn2 is worse on face: that it is so for sure does not speak for face.
        (0.01, 0.15, {"cnn1": 0.001, "cnn2": 0.001}, "+1.0 to +15.0), significant with 1 of 2 networks."),
        (0.01, 0.15, {"cnn2": 0.001}, "+1.0 to +15.0), significant with none of the networks alone."),
    ],
)
def test_the_answer_when_another_region_is_chosen(
    low: float, high: float, p_values: dict[str, float], verdict: str
) -> None:
    comparison = with_gap(by_hand(), low, high, {"cnn1": 0.9, "cnn2": 0.9, **p_values})
    gap = "That of face lies 7.5 points above that of vanilla (95% interval "
    assert answer_of(comparison) == REACHED + gap + verdict


def test_the_answer_counts_all_networks_that_differ_for_sure() -> None:
    params = make_params()
    lower, higher = [(3, 3), (4, 4)], [(8, 8), (6, 6)]
    comparison = with_gap(find_right(params, [lower, higher], [lower, higher]), 0.1, 0.6, {"cnn1": 0.02, "cnn2": 0.04})
    assert answer_of(comparison).endswith("significant with 2 of 2 networks.")


def test_the_answer_when_the_region_chosen_turns_out_worse() -> None:
    """Face is ahead on validation and behind on test."""
    params = make_params()
    lower, higher = [(3, 3), (4, 4)], [(8, 8), (6, 6)]
    comparison = with_gap(find_right(params, [lower, higher], [higher, lower]), -0.6, -0.1, {"cnn1": 0.02, "cnn2": 0.3})
    assert answer_of(comparison) == (
        "Validation chooses face: its test accuracy over 2 networks is 35.0% (95% interval 40.0 to 90.0). "
        "That of face lies 35.0 points below that of vanilla (95% interval -60.0 to -10.0), "
        "significant with 1 of 2 networks."
    )


def test_the_answer_when_the_reference_is_chosen() -> None:
    """The second of validation is named, here mouth, not that of test, and how it differs on test."""
    params = make_params(regions=THREE, networks=["cnn2"], seeds=[0])
    comparison = find_right(params, [[[5]], [[7]], [[4]]], [[[3]], [[8]], [[9]]])
    comparison = with_gap(comparison, -0.8, -0.2, {"cnn2": 0.01}, one="mouth")
    assert answer_of(comparison) == (
        "Validation chooses no region over vanilla: its test accuracy with cnn2 is 80.0% (95% interval 40.0 to 90.0). "
        "That of mouth lies 50.0 points below that of vanilla (95% interval -80.0 to -20.0), "
        "significant with 1 of 1 networks."
    )


def test_the_reference_wins_a_tie() -> None:
    params = make_params(regions=THREE, networks=["cnn1", "cnn2"], seeds=[0, 1, 2])
    # The same mean, but summed in another order mouth's comes out higher by the last bit.
    public = [[[3, 6, 5], [8, 3, 1]], [[8, 6, 5], [3, 3, 1]], [[1, 3, 3], [5, 6, 8]]]
    comparison = find_right(params, public, public)
    means = comparison.scored.scores.query("protocol == 'validation' and network == 'mean'").set_index("region")[
        "accuracy"
    ]
    assert means["mouth"] > means["vanilla"]
    said = answer_of(comparison)
    assert said.startswith("Validation chooses no region over vanilla")
    assert "That of mouth lies 0.0 points above that of vanilla" in said


def test_validation_chooses_by_the_mean_over_the_networks() -> None:
    """Face has the best network, mouth the best mean; vanilla, the reference, the first place in no way."""
    params = make_params(regions=THREE, seeds=[0])
    public = [[[7], [7]], [[5], [5]], [[9], [4]]]
    assert answer_of(find_right(params, public, public)).startswith("Validation chooses mouth:")


def test_the_answer_with_one_region() -> None:
    params = make_params(regions={"vanilla": "whole"}, networks=["cnn1"], seeds=[0])
    comparison = find_right(params, [[[6]]], [[[7]]])
    comparison = with_scores(comparison, {"protocol": "test"}, accuracy_low=0.4, accuracy_high=0.9)
    assert answer_of(comparison) == (
        "There is only one region, vanilla: its test accuracy with cnn1 is 70.0% (95% interval 40.0 to 90.0)."
    )


# The caveat


MEASURED = "Measured on 10 test images of the data 'real', recipe 'report', 2 seeds."


def test_the_caveat_names_the_median_of_what_can_be_detected_with_a_network() -> None:
    params = make_params(regions=THREE, networks=["cnn1", "googlenet"], seeds=[0])
    found = find(make_results(params), params)
    of = {"protocol": "test", "kind": "region", "other": "vanilla"}
    pairs = found.tested.pairs.assign(detectable=0.9)  # of other protocols and kinds, and of the mean
    pairs = altered(pairs, {**of, "one": "face", "within": "cnn1"}, detectable=0.01)
    pairs = altered(pairs, {**of, "one": "face", "within": "googlenet"}, detectable=0.02)
    pairs = altered(pairs, {**of, "one": "mouth", "within": "cnn1"}, detectable=0.03)
    pairs = altered(pairs, {**of, "one": "mouth", "within": "googlenet"}, detectable=0.054)
    # The pairs of face and mouth have 0.9: of six the third and the fourth are 0.03 and 0.054.
    text = caveat_of(with_pairs(found, pairs))
    assert "Between two trained networks this test set shows a difference of 4.2 points in 80% of all cases" in text


def test_the_caveat_of_several_seeds_leaves_out_what_one_training_could_show() -> None:
    assert caveat_of(by_hand()) == MEASURED


def test_the_caveat_of_one_seed() -> None:
    params = make_params(regions={"vanilla": "whole"}, seeds=[3])
    text = caveat_of(find_right(params, [[[6], [6]]], [[[6], [6]]]))
    assert text == (
        "Measured on 10 test images of the data 'real', recipe 'report', 1 seed."
        " One seed: how much another start of the training would change is not known."
    )


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
    told = f"{MEASURED} Test-time augmentation: each validation and test image was judged by itself"
    text = caveat_of(by_hand(), with_recipe(params, augmented="mirror"))
    assert text == f"{told} and its mirror image."
    text = caveat_of(by_hand(), with_recipe(params, augmented="ten"))
    assert text == f"{told}, four shifts of it, and the mirror images of all."


def test_the_caveat_says_which_networks_learnt_from_votes() -> None:
    params = by_hand().study.params
    text = caveat_of(by_hand(), with_recipe(params, cnn2=0.25))
    assert text == f"{MEASURED} Votes stood in for a part of the labels learnt from: cnn2 25%."
    text = caveat_of(by_hand(), with_recipe(params, cnn1=1.0, cnn2=0.25, googlenet=0.5))  # googlenet is not compared
    assert text.endswith(" cnn1 100%, cnn2 25%.")


def test_the_caveat_of_the_demo() -> None:
    text = caveat_of(by_hand(), make_params(data="demo", recipe="demo"))
    assert text.startswith("Measured on 10 test images of the data 'demo', recipe 'demo', 2 seeds.")
    assert text.endswith(" The demo's images are drawn: they show that the pipeline works and say nothing about faces.")
    assert "One seed" not in text
