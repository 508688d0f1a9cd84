"""params.yaml: what is meant is read, and each kind of mistake is one line with the key and what it may be."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path

import pytest

from pipeline.common.files import InputError
from pipeline.faces.recipe import LandmarkRecipe
from pipeline.params import Params, load_params
from pipeline.regions.definitions import Edges, PointSet

ORIGINAL = Path(__file__).parent.parent / "params.yaml"


def changed(folder: Path, old: str, new: str) -> Path:
    """A copy of the project's own params.yaml in which the first match of a pattern is replaced."""
    text, changes = re.subn(old, lambda _: new, ORIGINAL.read_text(), count=1)
    assert changes == 1, old
    path = folder / "params.yaml"
    path.write_text(text)
    return path


def read(folder: Path, old: str, new: str) -> Params:
    return load_params(changed(folder, old, new))


def refuse(path: Path) -> str:
    """The message with which the file is refused; it is one line that begins with the file."""
    with pytest.raises(InputError) as caught:
        load_params(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_the_projects_own_file_is_read() -> None:
    params = load_params(ORIGINAL)
    assert params.regions["vanilla"] == "whole"
    assert params.regions["face"] == Edges(left=1, right=17, top=20, bottom=9)
    assert params.chosen is params.recipes[params.recipe]
    assert params.source_folder == Path("data") / params.data.source
    report = params.recipes["report"].classifiers["googlenet"]
    assert (report.learning_rate, report.batch, report.epochs) == (1e-4, 64, 40)


@pytest.mark.parametrize(
    ("text", "points", "margin"),
    [
        ("{points: 49-68, margin: 0.3}", range(49, 69), 0.3),
        ("{points: 49-51 9}", [9, 49, 50, 51], 0.0),
        ("{points: '1, 68', margin: 5}", [1, 68], 5.0),
        ("{points: 31, margin: 0}", [31], 0.0),
    ],
)
def test_point_sets_are_read(tmp_path: Path, text: str, points: list[int], margin: float) -> None:
    region = read(tmp_path, "{points: 49-68, margin: 0.3}", text).regions["mouth"]
    assert isinstance(region, PointSet)
    assert region.points == tuple(points)
    assert region.margin == margin


def test_whole_numbers_stand_for_fractions_and_1e_minus_3_is_a_number(tmp_path: Path) -> None:
    assert read(tmp_path, r"shift: [0-9.]+", "shift: 0").recipes["demo"].classifiers["cnn1"].augment.shift == 0
    assert (
        read(tmp_path, r"learning_rate: [0-9.e-]+", "learning_rate: 1e-3").recipes["demo"].landmarks.learning_rate
        == 1e-3
    )


@pytest.mark.parametrize("head", ["direct", "voting"])
@pytest.mark.parametrize("loss", ["nme", "nme_votes", "wing", "soft_wing", "l1", "l2"])
def test_every_loss_suits_every_head_but_that_of_votes_one_that_does_not_vote(head: str, loss: str) -> None:
    recipe = load_params(ORIGINAL).recipes["demo"].landmarks.model_dump()
    possible = (head, loss) != ("direct", "nme_votes")
    with nullcontext() if possible else pytest.raises(ValueError, match="for head: direct, which does not vote"):
        assert LandmarkRecipe.model_validate({**recipe, "head": head, "loss": loss}).loss == loss


def test_imagenet_weights_fit_the_stem_that_they_were_learnt_with(tmp_path: Path) -> None:
    old, new = "stem: imagenet, pretrained: false", "stem: imagenet, pretrained: true"
    assert read(tmp_path, old, new).recipes["demo"].classifiers["googlenet"].pretrained


def test_1_stands_for_identical_images_alone(tmp_path: Path) -> None:
    assert read(tmp_path, "min_correlation: [0-9.]+", "min_correlation: 1").twins.min_correlation == 1


def test_other_recipes_may_be_added(tmp_path: Path) -> None:
    params = read(tmp_path, "  strong: ", "  mine: ")
    assert list(params.recipes) == ["demo", "report", "mine", "brief"]


WHOLE = "must be whole, {left, right, top, bottom} or {points, margin}"
NAME = "a region's name becomes a file name: use letters, digits and _, a letter first, at most 40"

# What is replaced by what, the key that the message begins with, and what it must say.
MISTAKES = [
    # Unknown keys, on each level, with what there is
    ("recipe: demo", "colour: red\nrecipe: demo", "colour", "unknown key; may be data, twins, recipe, regions"),
    ("data:\n", "data:\n  colour: red\n", "data.colour", "unknown key; may be source"),
    ("train_on:", "train:", "twins.train", "unknown key; may be min_correlation, train_on"),
    (
        "landmarks:\n",
        "landmarks:\n  colour: red\n",
        "landmarks.colour",
        "unknown key; may be provider, mirror, max_error, dlib",
    ),
    ("max_error:", "max_disagreement:", "landmarks.max_disagreement", "unknown key; may be provider"),
    (
        "  demo:  ",
        "  demo:\n    colour: red\n",
        "recipes.demo.colour",
        "unknown key; may be landmarks, views, classifiers",
    ),
    ("{width", "{wdith", "recipes.demo.landmarks.wdith", "unknown key; may be epochs, .*, width, head, loss"),
    (
        r"(?<=demo_cnn {)epochs: \d+",
        "eopchs: 6",
        "recipes.demo.classifiers.cnn1.eopchs",
        "unknown key; may be epochs, batch",
    ),
    (
        "flip:",
        "flop:",
        "recipes.demo.classifiers.cnn1.augment.flop",
        "unknown key; may be flip, rotate, shift, scale, erase, mixup, cutmix",
    ),
    ("points: 49", "pionts: 49", "regions.mouth.pionts", "unknown key; a region is whole, {left"),
    ("left: 1,", "left: 1, points: 3,", "regions.face.points", "unknown key; a region is whole, {left"),
    # Missing ones
    ("recipe: demo ", "", "recipe", "missing; add it"),
    (r"twins: [\s\S]*?(?=recipe)", "", "twins", "missing; add it"),
    ("left: 1,", "", "regions.face.left", "missing; add it"),
    ("{points: 49-68, margin: 0.3}", "{margin: 0.3}", "regions.mouth.points", "missing; add it"),
    (r"(?<=demo_cnn {)epochs: \d+, ", "", "recipes.demo.classifiers.cnn1.epochs", "missing; add it"),
    ("optimizer: adamw, ", "", "recipes.demo.landmarks.optimizer", "missing; add it"),
    ("\n    views: one", "", "recipes.demo.views", "missing; add it"),
    (", mixup: [0-9.]+", "", "recipes.demo.classifiers.cnn1.augment.mixup", "missing; add it"),
    # Another type
    (r"(?<=demo_cnn {)epochs: \d+", "epochs: 6.5", "recipes.demo.classifiers.cnn1.epochs", "valid integer, not 6.5"),
    (r"(?<=demo_cnn {)epochs: \d+", "epochs: '6'", "recipes.demo.classifiers.cnn1.epochs", "valid integer, not '6'"),
    (r"(?<=demo_cnn {)epochs: \d+", "epochs: true", "recipes.demo.classifiers.cnn1.epochs", "valid integer, not True"),
    (r"train_on: \w+", "train_on: 0", "twins.train_on", "valid boolean, not 0"),
    (r"flip: \w+", "flip: 1", "recipes.demo.classifiers.cnn1.augment.flip", "valid boolean, not 1"),
    ("margin: 0.3", "margin: x", "regions.mouth.margin", "valid number, not 'x'"),
    ("margin: 0.3", "margin: .inf", "regions.mouth.margin", "finite number, not inf"),
    ("margin: 0.3", "margin: .nan", "regions.mouth.margin", "not nan"),
    ("left: 1,", "left: true,", "regions.face.left", "valid integer, not True"),
    ("recipe: demo", "recipe: 5", "recipe", "valid string, not 5"),
    (r"networks: \[", "networks: cnn1 #[", "networks", "valid list, not 'cnn1'"),
    (r"seeds: \[0\]", "seeds: 0", "seeds", "valid list, not 0"),
    (r"seeds: \[0\]", "seeds: [a]", "seeds.0", "valid integer, not 'a'"),
    ("49-68", "[49, 68]", "regions.mouth.points", r"must be point numbers and ranges, for example 18-27 37-48, not \["),
    ("49-68", "yes", "regions.mouth.points", "must be point numbers and ranges|neither a point number nor a range"),
    ("vanilla: whole", "vanilla:", "regions.vanilla", f"{WHOLE}, not None"),
    ("vanilla: whole", "vanilla: {}", "regions.vanilla", f"{WHOLE}, not {{}}"),
    ("vanilla: whole", "vanilla: hole", "regions.vanilla", f"{WHOLE}, not 'hole'"),
    # Points and other values out of their range
    ("left: 1,", "left: 0,", "regions.face.left", "greater than or equal to 1, not 0"),
    ("left: 1,", "left: 69,", "regions.face.left", "less than or equal to 68, not 69"),
    ("49-68", "0-68", "regions.mouth.points", "'0-68' is outside 1 to 68"),
    ("49-68", "49-69", "regions.mouth.points", "'49-69' is outside 1 to 68"),
    ("49-68", "0", "regions.mouth.points", "'0' is outside 1 to 68"),
    ("49-68", "69", "regions.mouth.points", "'69' is outside 1 to 68"),
    ("49-68", "68-49", "regions.mouth.points", "'68-49' is outside 1 to 68, or runs backwards"),
    ("49-68", "49-68 oo", "regions.mouth.points", "'oo' is neither a point number nor a range; write for example"),
    ("49-68", "''", "regions.mouth.points", "'' is neither a point number nor a range; write for example"),
    ("margin: 0.3", "margin: -0.1", "regions.mouth.margin", "greater than or equal to 0, not -0.1"),
    ("margin: 0.3", "margin: 5.1", "regions.mouth.margin", "less than or equal to 5, not 5.1"),
    ("source: demo", "source: demmo", "data.source", "'demo' or 'real', not 'demmo'"),
    ("cnn1,", "cnn9,", "networks.0", "'cnn1', 'cnn2', 'cnn3', 'cnn4' or 'googlenet', not 'cnn9'"),
    (r"seeds: \[0\]", "seeds: [-1]", "seeds.0", "greater than or equal to 0, not -1"),
    (r"seeds: \[0\]", "seeds: []", "seeds", "at least 1 item"),
    (r"launcher: python", "launcher: 2", "launcher", "valid string, not 2"),
    (r"launcher: python", "launcher: ''", "launcher", "at least 1 character"),
    (r"min_correlation: [0-9.]+", "min_correlation: 0", "twins.min_correlation", "greater than 0, not 0"),
    (
        r"min_correlation: [0-9.]+",
        "min_correlation: 1.01",
        "twins.min_correlation",
        "less than or equal to 1, not 1.01",
    ),
    (r"provider: \w+", "provider: mtcnn", "landmarks.provider", "'xception', 'dlib' or 'face_alignment', not 'mtcnn'"),
    (r"mirror: \w+", "mirror: 1", "landmarks.mirror", "valid boolean, not 1"),
    (r"max_error: [0-9.]+", "max_error: 0", "landmarks.max_error", "greater than 0, not 0"),
    (r"dlib_model: \S+", "dlib_model: 68", "landmarks.dlib_model", "valid string, not 68"),
    (r"width: [0-9.]+", "width: 1.5", "recipes.demo.landmarks.width", "less than or equal to 1, not 1.5"),
    (r"head: \w+", "head: voter", "recipes.demo.landmarks.head", "'direct' or 'voting', not 'voter'"),
    (r"loss: \w+", "loss: wink", "recipes.demo.landmarks.loss", "'wing', 'soft_wing', 'l1' or 'l2', not 'wink'"),
    (
        "loss: l2",
        "loss: nme_votes",
        "recipes.report.landmarks.loss",
        "must be nme, wing, soft_wing, l1 or l2 for head: direct, which does not vote, not 'nme_votes'$",
    ),
    (r"average: [0-9.]+", "average: 1.0", "recipes.demo.landmarks.average", "less than 1, not 1.0"),
    (r"schedule: \w+", "schedule: cosine", "recipes.demo.landmarks.schedule", "'constant' or 'one_cycle', not"),
    (r"shift: [0-9.]+", "shift: 5", "recipes.demo.classifiers.cnn1.augment.shift", "less than or equal to 1, not 5"),
    (r"optimizer: \w+", "optimizer: sgd", "recipes.demo.landmarks.optimizer", "'adamw' or 'muon', not 'sgd'"),
    (r"views: \w+", "views: two", "recipes.demo.views", "'one', 'mirror' or 'ten', not 'two'"),
    (r" votes: [0-9.]+", " votes: 1.5", "recipes.demo.classifiers.cnn1.votes", "less than or equal to 1, not 1.5"),
    (r" votes: [0-9.]+", " votes: -0.5", "recipes.demo.classifiers.cnn1.votes", "greater than or equal to 0, not -0.5"),
    (r"balance: [0-9.]+", "balance: 1.1", "recipes.demo.classifiers.cnn1.balance", "less than or equal to 1, not 1.1"),
    (
        r"balance: [0-9.]+",
        "balance: -0.1",
        "recipes.demo.classifiers.cnn1.balance",
        "greater than or equal to 0, not -0.1",
    ),
    (r"stem: \w+", "stem: large", "recipes.demo.classifiers.cnn1.stem", "'imagenet' or 'small', not 'large'"),
    (
        "stem: imagenet, pretrained: false",
        "stem: small, pretrained: true",
        "recipes.demo.classifiers.cnn1.pretrained",
        "must be false for stem: small, which ImageNet weights do not fit, not True$",
    ),
    (
        r"first_side: \d+",
        "first_side: 44",
        "recipes.demo.classifiers.cnn1.first_side",
        "should be 24, 32, 40 or 48, not 44",
    ),
    (r"mixup: [0-9.]+", "mixup: -1", "recipes.demo.classifiers.cnn1.augment.mixup", "or equal to 0, not -1"),
    (r"mixup: [0-9.]+", "mixup: .inf", "recipes.demo.classifiers.cnn1.augment.mixup", "finite number, not inf"),
    (r"cutmix: [0-9.]+", "cutmix: -1", "recipes.demo.classifiers.cnn1.augment.cutmix", "or equal to 0, not -1"),
    (
        r"(?<=demo_cnn {)epochs: \d+",
        "epochs: 0",
        "recipes.demo.classifiers.cnn1.epochs",
        "greater than or equal to 1, not 0",
    ),
    # Networks
    ("googlenet: {", "lenet: {", "recipes.demo.classifiers.lenet", "'cnn4' or 'googlenet', not 'lenet'"),
    (r"\n      cnn2: \*demo_cnn", "", "recipes.demo.classifiers.cnn2", "missing; add it, for networks has it"),
    # Names
    ("  mouth:", "  ../x:", "regions.../x", NAME),
    ("  mouth:", "  a/b:", "regions.a/b", NAME),
    ("  mouth:", "  a.b:", "regions.a.b", NAME),
    ("  mouth:", "  'a b':", "regions.a b", NAME),
    ("  mouth:", '  "mouth\\n":', "regions.mouth ", NAME),
    ("  mouth:", "  '':", "regions.", NAME),
    ("  mouth:", f"  {'a' * 41}:", f"regions.{'a' * 41}", NAME),
    ("  mouth:", "  mäulchen:", "regions.mäulchen", NAME),
    ("  mouth:", "  7:", "regions.7", "valid string, not 7"),
    ("  mouth:", "  Face:", "regions", "two names differ only in case; rename one"),
    # What refers to something else
    ("recipe: demo", "recipe: foo", "recipe", r"'foo' is not among recipes \(demo, report, strong, brief\)"),
    ("cnn1,", "cnn2,", "networks", "an entry stands twice; remove one"),
    (r"seeds: \[0\]", "seeds: [0, 1, 0]", "seeds", "an entry stands twice; remove one"),
    # No YAML
    (r"seeds: \[0\]", "seeds: [0", "not valid YAML", r"line \d+"),
    (r"seeds: \[0\]", "seeds: [0]\nseeds: [1]", "not valid YAML", 'duplicate key "seeds"'),
    ("  mouth:", "  face:", "not valid YAML", 'duplicate key "face"'),
    (
        r"seeds: \[0\]",
        "seeds: !!python/object/apply:os.getpid []",
        "not valid YAML",
        "could not determine a constructor",
    ),
]


@pytest.mark.parametrize(("old", "new", "key", "says"), MISTAKES, ids=[new.strip() for _, new, _, _ in MISTAKES])
def test_a_mistake_is_one_line_with_its_key(tmp_path: Path, old: str, new: str, key: str, says: str) -> None:
    message = refuse(changed(tmp_path, old, new))
    assert message.startswith(f"{key}: ")
    assert re.search(says, message.removeprefix(key)), message


@pytest.mark.parametrize("content", ["", "[]", "42", "nothing"])
def test_something_else_than_a_mapping_is_refused_with_all_keys(tmp_path: Path, content: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(content)
    assert refuse(path) == (
        "must hold the keys data, twins, recipe, regions, networks, seeds, launcher, landmarks, recipes"
    )


def test_a_region_mapping_without_regions_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    text, changes = re.subn(r"regions: [\s\S]*?(?=networks)", "regions: {}\n", ORIGINAL.read_text())
    assert changes == 1
    path.write_text(text)
    assert "at least 1 item" in refuse(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "missing; run from the project's folder" in refuse(tmp_path / "params.yaml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(b"data: \xff\xfe")
    assert "not valid YAML" in refuse(path)


@pytest.mark.parametrize(
    ("words", "key"),
    [(("ears", "cnn1", "0"), "regions"), (("face", "cnn9", "0"), "networks"), (("face", "cnn1", "one"), "seeds")],
)
def test_a_cell_that_the_file_does_not_name_is_refused(words: tuple[str, str, str], key: str) -> None:
    with pytest.raises(InputError, match=rf"^params\.yaml: {key}: has no .*, only .*; add it$"):
        load_params(ORIGINAL).cell(*words)


def test_a_cell_is_its_network_and_seed() -> None:
    assert load_params(ORIGINAL).cell("face", "cnn1", "0") == ("cnn1", 0)
