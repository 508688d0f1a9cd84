"""The atlas as it is read: what parts are worth, in pictures and tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from made_up import MOUTH, make_params, make_results, quickly, write_atlas
from page_reader import Reader
from sample_sets import refused
from studies import Found, find

from pipeline.inside.part_values import PartValues
from pipeline.inside.worth import ALL, BOTH
from pipeline.report.page import render
from pipeline.report.section import Section
from pipeline.report.sections.atlas import Atlas, measure_atlas, section
from pipeline.report.study import Origin

PARAMS = make_params(regions={"vanilla": "whole", "mouth": MOUTH})


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quickly():
        yield


@pytest.fixture(scope="module")
def found(quick: None) -> Found:
    return find(make_results(PARAMS), PARAMS)


@pytest.fixture(scope="module")
def origin(found: Found, tmp_path_factory: pytest.TempPathFactory) -> Origin:
    folder = tmp_path_factory.mktemp("atlas")
    write_atlas(folder, found.results, PARAMS)
    return Origin(folder, folder / "sources.json", None)


@pytest.fixture(scope="module")
def atlas(found: Found, origin: Origin) -> Atlas:
    return measure_atlas(found.study, origin)


@pytest.fixture(scope="module")
def made(found: Found, atlas: Atlas) -> Section:
    return section(found.study, atlas, found.scored)


def test_the_worth_of_a_part_is_that_of_the_stored_answers(atlas: Atlas, origin: Origin) -> None:
    """Mouth of happy test images with cnn2, hidden: from both seeds and fillings."""
    mouth = list(PARAMS.parts).index("mouth")
    lost = []
    for seed in (0, 1):
        values = PartValues.load(origin.reports / f"inside/atlas/cnn2-{seed}")
        happy = values.values[values.labels == 3]
        lost.append((happy[..., 127] - happy[..., 127 - 2**mouth]).mean())
    of = {"network": "cnn2", "method": "hidden", "filling": BOTH, "expression": "happy", "part": "mouth"}
    row = atlas.worth.loc[(atlas.worth[list(of)] == list(of.values())).all(axis=1)].iloc[0]
    assert row["value"] == pytest.approx(sum(lost) / 2, abs=1e-6)


def test_retrained_regions_are_those_of_the_comparison(atlas: Atlas, found: Found) -> None:
    """Test images but the first, whose points are not trusted."""
    results = found.study.results
    happy = [row for row in range(31, 40) if results.labels[row] == 3]
    row = atlas.retrained.query("network == 'cnn1' and expression == 'happy'").iloc[0]
    assert (row["region"], row["n"]) == ("mouth", len(happy))
    assert row["retrained"] == pytest.approx(results.probabilities[1, 0][:, happy, 3].mean(), abs=1e-6)
    assert set(atlas.retrained["network"]) == {"cnn1", "cnn2"}


def test_the_page_shows_a_face_an_expression_and_every_number(made: Section, atlas: Atlas) -> None:
    reader = Reader(f"<main>{render(made, pictures=False)}</main>")
    faces = [svg for svg in reader.of("svg") if svg.get("class") == "face"]
    assert len(faces) == 2 * 6  # the only angry test image is the one that is left out
    assert str(faces[0]["aria-label"]).startswith("disgust: eyes: ")
    matrices = [each for each in reader.of("table") if each.get("class") == "matrix worth"]
    assert len(matrices) == 2
    text = " ".join(reader.text.split())
    assert "9 of the 10 test images" in text
    assert "1 was left out, its points not being trusted" in text
    assert "which chance alone may bring about" in text or "more than chance" in text
    assert reader.table("network", "expression", "images")[6][:3] == ["cnn1", ALL, "9"]
    first = reader.table("network", "part", "Shapley")[0]
    value = atlas.worth.query("network == 'cnn1' and part == 'eyes' and method == 'alone'")
    value = value[(value.filling == BOTH) & (value.expression == ALL)].iloc[0]["value"]
    assert first[-1].startswith(f"{100 * value:+.1f} (")


def test_the_network_that_validation_prefers_comes_first(made: Section, found: Found) -> None:
    accuracies = {n: found.scored.accuracies["validation", "vanilla", n] for n in ("cnn1", "cnn2")}
    assert made.context["best"] == max(accuracies, key=lambda network: accuracies[network])
    assert made.context["shown"][0]["network"] == made.context["best"]


def test_tables_plots_and_markdown_hold_the_same(made: Section, atlas: Atlas) -> None:
    assert made.tables.keys() == {"atlas", "atlas_confusions", "atlas_retrained", "atlas_people"}
    assert {"network", "expression", "people", "classifier"} <= set(made.tables["atlas_people"].columns)
    plot = made.plots["part_worth"]
    assert len(plot) == 2 * 7 * len(PARAMS.parts)
    assert plot["bar"].is_unique
    assert made.blocks[0].rows[0][:3] == ["network", "expression", "images"]


def test_no_photograph_is_on_it(made: Section) -> None:
    assert "<img" not in render(made)
    assert render(made) == render(made, pictures=False)


def test_answers_to_other_parts_or_of_other_classifiers_are_refused(found: Found, tmp_path: Path) -> None:
    write_atlas(tmp_path, found.results, PARAMS)
    origin = Origin(tmp_path, tmp_path, None)
    folder = tmp_path / "inside/atlas/cnn2-1"
    values = PartValues.load(folder)
    for change in ({"seed": 0}, {"parts": list(PARAMS.parts)[::-1]}, {"region": "mouth"}):
        replace(values, asked=values.asked.model_copy(update=change)).save(folder)
        assert refused(measure_atlas, found.study, origin) == (
            f"{folder}: is not of vanilla cnn2 1 and the parts of params.yaml; delete it and run `dvc repro`"
        )
    replace(values, labels=(values.labels + 1) % 7).save(folder)
    assert refused(measure_atlas, found.study, origin) == (
        f"{folder}: of other rows than the predictions; delete it and run `dvc repro`"
    )
    (folder / "asked.json").unlink()
    assert refused(measure_atlas, found.study, origin) == f"{folder}/asked.json: missing; run `dvc repro` to make it"


def test_without_a_region_of_parts_it_says_so(tmp_path: Path) -> None:
    params = make_params()  # the whole image, and a face of edges
    found = find(make_results(params), params)
    write_atlas(tmp_path, found.results, params)
    atlas = measure_atlas(found.study, Origin(tmp_path, tmp_path, None))
    assert not len(atlas.retrained)
    assert "No region of params.yaml shows one or several parts" in render(section(found.study, atlas, found.scored))


@pytest.mark.parametrize(("seeds", "chance"), [([0, 1], "images and seeds"), ([0], "images alone")])
def test_intervals_say_what_they_take_as_samples(tmp_path: Path, seeds: list[int], chance: str) -> None:
    params = make_params(regions={"vanilla": "whole", "mouth": MOUTH}, seeds=seeds)
    found = find(make_results(params), params)
    write_atlas(tmp_path, found.results, params)
    origin = Origin(tmp_path, tmp_path / "sources.json", None)
    context = section(found.study, measure_atlas(found.study, origin), found.scored).context
    assert f"interval over {chance}." in context["note"]
    assert context["agreed"]
    assert all(f"interval over {chance} " in sentence for sentence in context["agreed"])
