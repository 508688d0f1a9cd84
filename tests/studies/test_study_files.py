"""A study's file: what it names differs, all else stays, and each mistake is one line with its key."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from projects import ROOT, copy_study_settings, set_parameter
from sample_sets import refused

from pipeline.common.settings import read_yaml
from pipeline.data.roles import Folds, Shares
from pipeline.studies.study_file import BASE, StudyFile, merged, names, read_study

HEADER = "study: {reproduces: a report, costs: not measured, printed: [{what: x, value: 50%, on: y}]}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    copy_study_settings()
    return tmp_path


def write_and_read(text: str, drawn: bool = False) -> StudyFile:
    Path("studies/tried.yaml").write_text(text)
    return read_study("tried", drawn)


def read(text: str, drawn: bool = False) -> StudyFile:
    return write_and_read(HEADER + text, drawn)


@pytest.mark.parametrize("name", names(ROOT))
def test_every_study_is_one(name: str) -> None:
    study = read_study(name, False, ROOT)
    drawn = read_study(name, True, ROOT)
    assert study.params.recipe != "demo"
    assert (drawn.params.data.source, drawn.params.recipe) == ("demo", "demo")
    assert set(drawn.params.networks) <= set(study.params.networks)
    assert type(drawn.params.split_rule) is type(study.params.split_rule)
    for network in study.params.networks:
        assert f"{study.params.classifier_recipe(network).epochs} epochs" in study.header.costs
    shown = [printed for printed in study.header.printed if printed.ours]
    assert bool(shown) == (name not in ("ferplus_regions", "regions_elsewhere"))


def test_the_studies_differ_in_what_they_are_about() -> None:
    def study(name: str) -> Any:
        return read_study(name, False, ROOT).params

    assert len(study("full").regions) == 5
    assert study("full").seeds == [0, 1, 2]
    assert study("hkust").split_rule == Folds(folds=5, group="none")
    assert study("hkust_by_twins").split_rule == Folds(folds=5, group="twins")
    recipes = [study(f"picanco_{how}").classifier_recipe("ferplus_cnn") for how in ("majority", "shares", "drawn")]
    assert [(recipe.votes, recipe.draw_labels) for recipe in recipes] == [(0.0, False), (1.0, False), (1.0, True)]
    assert len({recipe.model_copy(update={"votes": 0, "draw_labels": False}) == recipes[0] for recipe in recipes}) == 1
    assert study("diehl").split_rule.group == "none"
    assert study("diehl_by_burst").split_rule.group == "subject"
    variants = [study(f"diehl{how}").classifier_recipe("selfie_cnn") for how in ("", "_augmented", "_l2")]
    assert [(one.augment.shift > 0, one.weight_decay > 0) for one in variants] == [
        (False, False),
        (True, False),
        (False, True),
    ]
    own = [study(f"diehl_{how}").classifier_recipe("selfie_cnn").network for how in ("dropout", "norm")]
    assert [(one.dropout > 0, one.batch_norm) for one in own] == [(True, False), (False, True)]
    drawn = [read_study(f"diehl{how}", True, ROOT) for how in ("", "_augmented", "_l2", "_dropout", "_norm")]
    assert len({str(one.params.classifier_recipe("selfie_cnn")) for one in drawn}) == len(drawn)
    frozen = study("diehl_frozen")
    assert len(frozen.networks) == 6
    assert all(frozen.classifier_recipe(name).network.last_only for name in frozen.networks)
    jaffe = {name: study(f"chalmers_jaffe_{name}") for name in ("folds", "by_person")}
    assert jaffe["by_person"].split_rule == Folds(folds=10, group="subject")
    assert jaffe["by_person"].model_copy(update={"split": Folds(folds=10)}) == jaffe["folds"]


def test_what_is_not_named_stays(project: Path) -> None:
    before, after = read("").params.model_dump(), read("networks: [conv6, conv9, conv4]\n").params.model_dump()
    assert after.pop("networks") == ["conv6", "conv9", "conv4"]
    del before["networks"]
    assert after == before


@pytest.mark.parametrize("name", names(ROOT))
def test_no_study_changes_by_what_the_user_has(project: Path, name: str) -> None:
    shutil.copytree(ROOT / "studies", "studies", dirs_exist_ok=True)
    folder = "{source: real, expressions: folder, settings: {side: 96}, extra: {classes: {sad: sad}}}"
    Path("params.yaml").write_text(f"data: {folder}\nside: 64\nregions: {{hat: whole}}\nstudents: [one]\n")
    assert read_study(name, False) == read_study(name, False, ROOT)


def test_the_base_is_complete() -> None:
    """A key of params.yaml that is left to its default would change with the program."""
    assert read_yaml(ROOT / BASE, "").keys() == read_yaml(ROOT / "params.yaml", "").keys()


def test_only_the_whole_experiment_needs_300w() -> None:
    assert [name for name in names(ROOT) if read_study(name, False, ROOT).params.landmarks.trains] == ["full"]


def test_sections_are_merged_and_single_values_replaced(project: Path) -> None:
    set_parameter("regions", "{vanilla: whole, face: {points: 1-68}, mouth: {points: 49-68, margin: 0.3}}", BASE)
    text = "data: {source: demo}\nregions: {face: null, mouth: {points: 49-68}, eyes: {points: 37-48}}\n"
    study = read(text + "split: {folds: 4}\nrecipes: {others: {classifiers: {conv4: {augment: {rotate: 7}}}}}\n")
    assert (study.params.data.source, study.params.data.expressions) == ("demo", "fer2013")
    assert [*study.params.regions] == ["vanilla", "mouth", "eyes"]
    assert study.params.regions["mouth"].margin == 0
    assert study.params.split_rule == Folds(folds=4)
    recipe = study.params.classifier_recipe("conv4")
    assert (recipe.augment.rotate, recipe.augment.shift, recipe.epochs) == (7, 0, 50)
    assert read("").params.classifier_recipe("conv4").augment.rotate == 0


def test_a_study_that_is_like_another_says_what_differs_from_that(project: Path) -> None:
    own = "networks: [conv6, conv4]\nrecipes: {others: {classifiers: {conv6: {epochs: 3, batch: 8}}}}\n"
    first = read(own + "split: {folds: 4}\ndemo: {networks: [conv4]}\n")
    Path("studies/other.yaml").write_text(Path("studies/tried.yaml").read_text())
    text = "like: other\nrecipes: {others: {classifiers: {conv6: {batch: 9}}}}\n"
    study, drawn = read(text), read(text, drawn=True)
    recipe = study.params.classifier_recipe("conv6")
    assert (recipe.epochs, recipe.batch) == (3, 9)
    assert study.params.model_copy(update={"recipes": {}}) == first.params.model_copy(update={"recipes": {}})
    assert drawn.params.networks == ["conv4"]
    assert read(text + "demo: {networks: [conv4, conv6]}\n", drawn=True).params.networks == ["conv4", "conv6"]


def test_what_a_study_is_like_does_not_say_what_it_says_of_itself(project: Path) -> None:
    read("")
    shutil.copy("studies/tried.yaml", "studies/other.yaml")
    header = write_and_read("study: {reproduces: mine, costs: none}\nlike: other\n").header
    assert (header.reproduces, header.costs, header.printed) == ("mine", "none", [])


@pytest.mark.parametrize(
    ("like", "says"),
    [
        ("tried", "like: there is no other study 'tried'; may be other"),
        ("absent", "like: there is no other study 'absent'; may be other"),
        ("[other]", r"like: there is no other study \['other'\]; may be other"),
        ("other", "like: other is itself like tried; take a study that is like no other"),
    ],
)
def test_what_a_study_cannot_be_like(project: Path, like: str, says: str) -> None:
    Path("studies/other.yaml").write_text(HEADER + "like: tried\n")
    assert re.fullmatch(f"studies/tried.yaml: {says}", refused(read, f"like: {like}\n"))


def test_a_split_takes_no_keys_of_another_form(project: Path) -> None:
    set_parameter("split", "{shares: [0.6, 0.2, 0.2], group: both}", BASE)
    assert read("split: {folds: 4}\n").params.split_rule == Folds(folds=4)
    assert read("").params.split_rule == Shares(shares=(0.6, 0.2, 0.2), group="both")


def test_merging_changes_neither_of_the_two() -> None:
    settings, changes = {"a": {"b": 1, "c": {"d": 2}}}, {"a": {"b": None, "c": {"e": 3}}}
    assert merged(settings, changes, 2) == {"a": {"c": {"e": 3}}}
    assert merged(settings, changes, None) == {"a": {"c": {"d": 2, "e": 3}}}
    assert settings == {"a": {"b": 1, "c": {"d": 2}}}
    assert changes == {"a": {"b": None, "c": {"e": 3}}}


def test_on_drawn_data_it_is_small(project: Path) -> None:
    text = "data: {source: real, expressions: jaffe, settings: {side: 100}}\nseeds: [3, 4]\n"
    drawn = read(text + "split: {folds: 10, group: subject}\ndemo: {networks: [conv6, conv4]}\n", drawn=True).params
    assert (drawn.data.source, drawn.data.expressions, drawn.recipe, drawn.seeds) == ("demo", "fer2013", "demo", [3])
    assert drawn.split_rule == Folds(folds=3, group="subject")
    assert drawn.networks == ["conv6", "conv4"]
    assert drawn.chosen.landmarks.epochs < read("").params.chosen.landmarks.epochs


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("network: [conv4]\n", "network: unknown key; may be data, "),
        ("regions: {face: {left: 1, right: 70, top: 20, bottom: 9}}\n", "regions.face.right: .*, not 70"),
        ("regions: {vanilla: null, face: {points: 1-68}}\n", "reference: 'vanilla' is not among regions"),
        (
            "recipes: {others: {classifiers: {conv4: {epochs: 0}}}}\n",
            "recipes: others.*conv4.epochs: .*, not 0",
        ),
        ("recipe: brief\n", "recipes: brief.classifiers.conv4: missing; add it"),
        ("recipes: 3\n", "demo and recipes must hold keys, "),
        ("data: 3\n", r"data: must be \{source, expressions, "),
        ("? [a]\n: 3\n", ".*"),
        ("data: {source: real\n", "not valid YAML: "),
    ],
)
def test_mistakes_in_the_settings(project: Path, text: str, says: str) -> None:
    assert re.match(f"studies/tried.yaml: {says}", refused(read, text))


def test_a_mistake_in_what_is_for_drawn_data(project: Path) -> None:
    read("demo: {networks: [cnn9]}\n")
    line = refused(read, "demo: {networks: [cnn9]}\n", True)
    assert line.startswith("studies/tried.yaml: demo: networks: there is no 'cnn9'; may be ")


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("3", "study: .*valid dictionary or instance of Header, not 3"),
        ("{costs: x}", "study.reproduces: missing; add it"),
        ("{reproduces: x, cost: y}", "study.cost: unknown key; may be reproduces, "),
        ("{reproduces: x, costs: [y]}", r"study.costs: .*, not \['y'\]"),
    ],
)
def test_mistakes_in_the_header(project: Path, header: str, says: str) -> None:
    Path("studies/tried.yaml").write_text(f"study: {header}\n")
    assert re.match(f"studies/tried.yaml: {says}", refused(read_study, "tried", False))


@pytest.mark.parametrize(
    ("figure", "says"),
    [
        ("", "value: missing; add it"),
        ("values: 3", "values: unknown key; may be what, value, on, ours"),
        ("value: []", "value: must be a figure as it was printed, not "),
        ("value: 1, ours: a/b", "ours: must be REGION/NETWORK/PROTOCOL/SCORE, "),
        ("value: 1, ours: vanilla/conv4/tests/accuracy", "ours: must have one of the protocols validation, "),
        ("value: 1, ours: vanilla/cnn9/test/accuracy", "ours: has 'cnn9', only conv4 are trained"),
        ("value: 1, ours: vanilla/conv4/validation/expected_accuracy", "ours: must have the protocol test, "),
        ("value: 1, ours: vanilla/conv4/outside/accuracy", "ours: has outside, but data has no outside test set"),
        ("value: 1, ours: vanilla/conv4/test/happy/accuracy", "ours: must be REGION/NETWORK/PROTOCOL/SCORE, "),
    ],
)
def test_mistakes_in_a_printed_figure(project: Path, figure: str, says: str) -> None:
    printed = f"{{what: x, on: y, {figure}}}"
    Path("studies/tried.yaml").write_text(f"study: {{reproduces: x, costs: y, printed: [{printed}]}}\n")
    assert re.match(f"studies/tried.yaml: study.printed.0.{says}", refused(read_study, "tried", False))


def test_in_folds_nothing_is_as_reported(project: Path) -> None:
    header = HEADER.replace("on: y", "on: y, ours: vanilla/conv4/as_reported/accuracy")
    line = refused(write_and_read, header + "split: {folds: 4}\n")
    assert line.startswith("studies/tried.yaml: study.printed.0.ours: has as_reported, which nothing is in folds")
    write_and_read(header)


@pytest.mark.parametrize("name", ["absent", "", "../params", "Tried", "tried.yaml"])
def test_there_is_no_such_study(project: Path, name: str) -> None:
    read("")
    assert refused(read_study, name, False) == f"studies: there is no study {name!r}; may be tried"


def test_a_file_without_a_header(project: Path) -> None:
    Path("studies/tried.yaml").write_text("networks: [cnn1]\n")
    assert refused(read_study, "tried", False).startswith("studies/tried.yaml: must hold study, the header, ")
