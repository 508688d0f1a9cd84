"""What all sections are about."""

from __future__ import annotations

from made_up import MOUTH, make_params, make_results, quickly
from studies import by_hand

from pipeline.report.study import Study


def test_the_reference_is_the_one_that_was_asked_for() -> None:
    regions = {"mouth": MOUTH, "all": "whole", "b": "whole"}
    for name in regions:
        params = make_params(regions=regions, reference=name)
        with quickly():
            assert Study.of(make_results(params), params).reference == name


def test_the_roles_of_no_test_image_are_those_that_taught_or_chose() -> None:
    assert by_hand().study.elsewhere == ["train", "validation"]
