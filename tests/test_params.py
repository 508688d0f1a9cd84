"""params.yaml and recipes.yaml: what is meant is read, and each mistake is one line with its key and what it may be."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.hydra import apply_overrides

from pipeline.classifiers import networks
from pipeline.classifiers.cells import Cell
from pipeline.classifiers.recipe import ClassifierRecipe
from pipeline.common.files import InputError
from pipeline.data.roles import Shares
from pipeline.faces.recipe import LandmarkRecipe
from pipeline.params import RENAMED, Params, load_params
from pipeline.regions.definitions import Edges, PointSet

ROOT = Path(__file__).parents[1]
ORIGINAL = ROOT / "params.yaml"
RECIPES = "recipes.yaml"


def changed(folder: Path, old: str, new: str, file: str = "params.yaml") -> Path:
    """A copy of the project's own two files in which the first match of a pattern in one of them is replaced.

    Returns:
        the path of params.yaml.
    """
    for name in ("params.yaml", RECIPES):
        text = (ROOT / name).read_text()
        if name == file:
            text, changes = re.subn(old, lambda _: new, text, count=1)
            assert changes == 1, old
        (folder / name).write_text(text)
    return folder / "params.yaml"


def read(folder: Path, old: str, new: str, file: str = "params.yaml") -> Params:
    return load_params(changed(folder, old, new, file))


def classifier_recipe(params: Params, recipe: str, network: str) -> ClassifierRecipe[Any]:
    """That of a network in a recipe, whichever is chosen."""
    return params.model_copy(update={"recipe": recipe}).classifier_recipe(network)


def refuse(path: Path, file: str = "params.yaml") -> str:
    """The message with which params.yaml is refused; it is one line that begins with the file where the mistake is."""
    with pytest.raises(InputError) as caught:
        load_params(path)
    message = str(caught.value)
    assert "\n" not in message
    beginning = f"{path.with_name(file)}: "
    assert message.startswith(beginning)
    return message.removeprefix(beginning)


def test_the_projects_own_files_are_read() -> None:
    params = load_params(ORIGINAL)
    assert params.regions["vanilla"] == "whole"
    assert params.regions["face"] == Edges(left=1, right=17, top=20, bottom=9)
    assert params.chosen is params.recipes[params.recipe]
    assert params.source_folder == Path("data") / params.data.source
    assert params.split_rule == "official"
    report = classifier_recipe(params, "report", "googlenet")
    assert (report.learning_rate, report.batch, report.epochs) == (1e-4, 64, 40)


def test_a_networks_recipe_is_that_of_the_chosen_recipe() -> None:
    params = load_params(ORIGINAL)
    for network, epochs in (("cnn3", [4, 40]), ("googlenet", [7, 40])):
        assert [classifier_recipe(params, recipe, network).epochs for recipe in ("demo", "report")] == epochs


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
    whole = read(tmp_path, r"shift: [0-9.]+", "shift: 0", RECIPES)
    assert classifier_recipe(whole, "demo", "cnn1").augment.shift == 0
    power = read(tmp_path, r"learning_rate: [0-9.e-]+", "learning_rate: 1e-3", RECIPES)
    assert power.recipes["demo"].landmarks.learning_rate == 1e-3


@pytest.mark.parametrize("head", ["direct", "voting"])
@pytest.mark.parametrize("loss", ["nme", "nme_votes", "wing", "soft_wing", "l1", "l2"])
def test_every_loss_suits_every_head_but_that_of_votes_one_that_does_not_vote(head: str, loss: str) -> None:
    recipe = load_params(ORIGINAL).recipes["demo"].landmarks.model_dump()
    possible = (head, loss) != ("direct", "nme_votes")
    with nullcontext() if possible else pytest.raises(ValueError, match="for head: direct, which does not vote"):
        assert LandmarkRecipe.model_validate({**recipe, "head": head, "loss": loss}).loss == loss


def test_imagenet_weights_fit_the_stem_that_they_were_learnt_with(tmp_path: Path) -> None:
    params = read(tmp_path, "stem: imagenet", "stem: imagenet\n        pretrained: true", RECIPES)
    assert classifier_recipe(params, "brief", "googlenet").network.pretrained


def test_1_stands_for_identical_images_alone(tmp_path: Path) -> None:
    assert read(tmp_path, "min_correlation: [0-9.]+", "min_correlation: 1").twins.min_correlation == 1


def test_other_recipes_may_be_added(tmp_path: Path) -> None:
    params = read(tmp_path, "\nstrong:", "\nmine:", RECIPES)
    assert list(params.recipes) == ["demo", "report", "mine", "brief", "others"]


@pytest.mark.parametrize(
    ("group", "seed", "rest"),
    [("none", 0, ""), ("twins", 0, ", group: twins"), ("subject", 0, ", group: subject"), ("both", 3, ", group: both")],
)
def test_a_split_may_be_drawn(tmp_path: Path, group: str, seed: int, rest: str) -> None:
    rest += f", seed: {seed}" if seed else ""
    params = read(tmp_path, "split: official", f"split: {{shares: [0.7, 0.1, 0.2]{rest}}}")
    assert params.split_rule == Shares.model_validate({"shares": (0.7, 0.1, 0.2), "group": group, "seed": seed})


@pytest.mark.parametrize("side", [16, 48, 512])
def test_images_have_16_to_512_pixels(tmp_path: Path, side: int) -> None:
    assert read(tmp_path, "side: 48", f"side: {side}").side == side


WHOLE = r"must be whole, {left, right, top, bottom}, {box}, {align: eyes}, {pixels}, {like} or {points, margin}"
SPLIT = r"must be official, {shares: \[0.6, 0.2, 0.2\], group: none, twins, subject or both} or {folds: 5, group: ...}"
DATA = "source, expressions, settings, extra, outside"
SPLIT_KEYS = "unknown key; may be shares or folds, group, seed"
NETWORKS = ", ".join(networks.names())
NAME = "a region's name becomes a file name: use letters, digits and _, a letter first, at most 40"

# In params.yaml: what is replaced by what, the key that the message begins with, and what it must say.
MISTAKES = [
    # Unknown keys, on each level, with what there is
    ("recipe: demo", "colour: red\nrecipe: demo", "colour", "unknown key; may be data, .*, recipe, .*, landmarks$"),
    (
        "data:\n",
        "data:\n  colour: red\n",
        "data.colour",
        f"unknown key; may be {DATA}$",
    ),
    ("settings: {}", "settings: {side: 64}", "data.settings.side", "unknown key; docs/your_images.md has what each"),
    ("settings: {}", "settings: 5", "data.settings", "must be {}, not 5"),
    (
        "split: official",
        "split: {share: [0.6, 0.2, 0.2]}",
        "split.share",
        "unknown key; may be shares or folds, group, seed$",
    ),
    ("train_on:", "train:", "twins.train", "unknown key; may be min_correlation, train_on$"),
    ("landmarks:\n", "landmarks:\n  colour: red\n", "landmarks.colour", "unknown key; may be provider, .*, max_error$"),
    ("max_error:", "max_disagreement:", "landmarks.max_disagreement", "unknown key; may be provider"),
    ("points: 49", "pionts: 49", "regions.mouth.pionts", "unknown key; a region is whole, {left"),
    ("left: 1,", "left: 1, points: 3,", "regions.face.points", "unknown key; a region is whole, {left"),
    # Missing ones
    ("recipe: demo ", "", "recipe", "missing; add it"),
    (r"twins: [\s\S]*?(?=side)", "", "twins", "missing; add it"),
    (r"\n  expressions: \w+", "", "data.expressions", "missing; add it"),
    ("split: official", "", "split", "missing; add it"),
    ("split: official", "split: {group: twins}", "split.shares", "missing; add it"),
    ("split: official", "split: {shares: [0.6, 0.4]}", "split.shares.2", "missing; add it"),
    ("side: 48", "", "side", "missing; add it"),
    ("reference: vanilla", "", "reference", "missing; add it"),
    ("left: 1,", "", "regions.face.left", "missing; add it"),
    ("{points: 49-68, margin: 0.3}", "{margin: 0.3}", "regions.mouth.points", "missing; add it"),
    # Another type
    (
        r"data:[\s\S]*?(?=\nsplit)",
        "data: demo",
        "data",
        f"must be {{{DATA}}}, not 'demo'",
    ),
    (r"train_on: \w+", "train_on: 0", "twins.train_on", "valid boolean, not 0"),
    ("side: 48", "side: 48.0", "side", "valid integer, not 48.0"),
    ("margin: 0.3", "margin: x", "regions.mouth.margin", "valid number, not 'x'"),
    ("margin: 0.3", "margin: .inf", "regions.mouth.margin", "finite number, not inf"),
    ("margin: 0.3", "margin: .nan", "regions.mouth.margin", "not nan"),
    ("left: 1,", "left: true,", "regions.face.left", "valid integer, not True"),
    ("recipe: demo", "recipe: 5", "recipe", "valid string, not 5"),
    ("reference: vanilla", "reference: 5", "reference", "valid string, not 5"),
    (r"networks: \[", "networks: cnn1 #[", "networks", "valid list, not 'cnn1'"),
    (r"seeds: \[0\]", "seeds: 0", "seeds", "valid list, not 0"),
    (r"seeds: \[0\]", "seeds: [a]", "seeds.0", "valid integer, not 'a'"),
    ("49-68", "[49, 68]", "regions.mouth.points", r"must be point numbers and ranges, for example 18-27 37-48, not \["),
    ("49-68", "yes", "regions.mouth.points", "must be point numbers and ranges|neither a point number nor a range"),
    ("vanilla: whole", "vanilla:", "regions.vanilla", f"{WHOLE}, not None"),
    ("vanilla: whole", "vanilla: {}", "regions.vanilla", f"{WHOLE}, not {{}}"),
    ("vanilla: whole", "vanilla: hole", "regions.vanilla", f"{WHOLE}, not 'hole'"),
    ("split: official", "split:", "split", f"{SPLIT}, not None"),
    ("split: official", "split: random", "split", f"{SPLIT}, not 'random'"),
    ("split: official", "split: [0.6, 0.2, 0.2]", "split", rf"{SPLIT}, not \[0.6"),
    ("split: official", "split: {shares: [a, 0.5, 0.2]}", "split.shares.0", "valid number, not 'a'"),
    ("vanilla: whole", "vanilla: {box: 5}", "regions.vanilla.box", "not 5"),
    ("vanilla: whole", "vanilla: {like: nose}", "regions.vanilla.like", r"'nose' is not among regions \(vanilla, face"),
    ("vanilla: whole", "vanilla: {like: vanilla}", "regions.vanilla.like", "must be like a region that is a box"),
    ("fallback: whole", "fallback: crop", "fallback", "'whole' or 'drop', not 'crop'"),
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
    (
        "expressions: fer2013",
        "expressions: fer2014",
        "data.expressions",
        "ck_plus, fer2013, .*, not 'fer2014'",
    ),
    ("split: official", "split: {shares: [0.6, 0.2, 0.3]}", "split", "must have shares whose sum is 1, not "),
    ("split: official", "split: {shares: [0.8, 0.2, 0.0]}", "split.shares.2", "greater than 0, not 0.0"),
    ("split: official", "split: {folds: 2}", "split.folds", "greater than or equal to 3, not 2"),
    (
        "split: official",
        "split: {folds: 5, shares: [0.6, 0.2, 0.2]}",
        "split.shares",
        "unknown key; may be shares or folds, group",
    ),
    ("settings: {}", "extra: {classes: {}}", "data.extra.classes", "at least 1 item"),
    ("settings: {}", "outside: {expressions: x}", "data.outside.expressions", "must be one of ck_plus, .*, not 'x'"),
    (
        "settings: {}",
        "outside: {expressions: folder, settings: {x: 1}}",
        "data.outside.settings.x",
        "unknown key; docs/",
    ),
    ("settings: {}", "outside: {classes: {}}", "data.outside.expressions", "missing; add it"),
    ("settings: {}", "extra: {folder: x}", "data.extra.folder", "unknown key; may be classes, cut$"),
    ("split: official", "split: {shares: [1, 0.5, 0.5]}", "split.shares.0", "less than 1, not 1"),
    (
        "split: official",
        "split: {shares: [0.6, 0.2, 0.2], group: person}",
        "split.group",
        "'none', 'twins', 'subject' or 'both', not 'person'",
    ),
    ("split: official", "split: {shares: [0.6, 0.2, 0.2], seed: -1}", "split.seed", "or equal to 0, not -1"),
    ("side: 48", "side: 15", "side", "greater than or equal to 16, not 15"),
    ("side: 48", "side: 513", "side", "less than or equal to 512, not 513"),
    ("cnn1,", "cnn9,", "networks", f"there is no 'cnn9'; may be {NETWORKS}$"),
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
    (
        r"provider: \w+",
        "provider: mtcnn",
        "landmarks.provider",
        "dlib, face_alignment, pretrained, xception, not 'mtcnn'",
    ),
    (
        r"compare: \[\]",
        "compare: [mtcnn]",
        "landmarks.compare.0",
        "dlib, face_alignment, pretrained, xception, not 'mtcnn'",
    ),
    (r"mirror: \w+", "mirror: 1", "landmarks.mirror", "valid boolean, not 1"),
    (r"max_error: [0-9.]+", "max_error: 0", "landmarks.max_error", "greater than 0, not 0"),
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
    ("recipe: demo", "recipe: foo", "recipe", r"'foo' is not in recipes.yaml \(demo, report, strong, brief, others\)"),
    ("reference: vanilla", "reference: nose", "reference", r"'nose' is not among regions \(vanilla, face, mouth\)"),
    ("cnn1,", "cnn2,", "networks", "an entry stands twice; remove one"),
    (r"seeds: \[0\]", "seeds: [0, 1, 0]", "seeds", "an entry stands twice; remove one"),
    # Parts and the atlas
    ("nose: {points", "nose: {pionts", "parts.nose.pionts", "unknown key; a part is {points, margin}, forehead"),
    ("nose: {points: 28-36", "nose: {points: 28-70", "parts.nose.points", "'28-70' is outside 1 to 68"),
    (r"\[37-42, 43-48\]", "[]", "parts.eyes.points", r"for example 28-36 or \[37-42, 43-48\], not \[\]"),
    ("forehead: forehead", "forehead: hair", "parts.forehead", "must be {points, .*, face or rest, not 'hair'"),
    ("  outside: rest", "", "parts", "must have one part that is rest, as the last"),
    ("forehead: forehead", "forehead: rest", "parts", "must have one part that is rest, as the last"),
    ("  nose:", "  the nose:", "parts", "must have names of letters, digits and _, a letter first"),
    ("  nose:", "  a: face\n  b: face\n  nose:", "parts", "must be 2 to 8 parts"),
    ("images: 10", "images: 0", "atlas.images", "must be a whole number from 1, or all, not 0"),
    ("images: 10", "images: some", "atlas.images", "must be a whole number from 1, or all, not 'some'"),
    ("region: vanilla", "region: mouth", "atlas.region", "'mouth' is not a region that is whole; take vanilla"),
    ("vanilla: whole", "vanilla: {points: 1-68}", "atlas.region", "is not a region that is whole; add vanilla: whole"),
    (r"cnn2, googlenet\]  ", "cnn9]", "atlas.networks", r"networks has \(cnn1, .*\), each once, not cnn9"),
    (r"cnn2, googlenet\]  ", "cnn2, cnn2]", "atlas.networks", "each once, not cnn2, cnn2"),
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


CNN1 = "demo.classifiers.cnn1"
EPOCHS = r"(?<=&demo_cnn\n      )epochs: \d+"

# The same in recipes.yaml.
RECIPE_MISTAKES = [
    # Unknown keys, on each level, with what there is
    (
        "demo:\n",
        "demo:\n  colour: red\n",
        "demo.colour",
        "unknown key; may be landmarks, test_time_augmentation, classifiers$",
    ),
    ("    width:", "    wdith:", "demo.landmarks.wdith", "unknown key; may be epochs, .*, width, head, loss$"),
    ("    cnn1:", "    lenet:", "demo.classifiers.lenet", f"unknown key; may be {NETWORKS}$"),
    (EPOCHS, "eopchs: 6", f"{CNN1}.eopchs", "unknown key; may be epochs, .*, augment, network$"),
    (
        "flip:",
        "flop:",
        f"{CNN1}.augment.flop",
        "unknown key; may be flip, rotate, shift, scale, erase, mixup, cutmix$",
    ),
    (
        "stem: small",
        "steam: small",
        "strong.classifiers.googlenet.network.steam",
        "unknown key; may be stem, pretrained, first_side$",
    ),
    ("network: {}", "network: {stem: small}", f"{CNN1}.network.stem", "unknown key; network takes none$"),
    # What the keys of another section are called, where a recipe has its name
    (
        "demo:\n",
        "split: {colour: red}\ndemo:\n",
        "split.colour",
        "unknown key; may be landmarks, test_time_augmentation, classifiers$",
    ),
    # Missing ones
    (rf"{EPOCHS}\n +", "", f"{CNN1}.epochs", "missing; add it"),
    (r"\n    optimizer: adamw", "", "demo.landmarks.optimizer", "missing; add it"),
    (r"\n  test_time_augmentation: none", "", "demo.test_time_augmentation", "missing; add it"),
    (r"\n +mixup: [0-9.]+", "", f"{CNN1}.augment.mixup", "missing; add it"),
    (r"\n +network: {}", "", f"{CNN1}.network", "missing; add it"),
    (r"\n    cnn2: {<<: \*demo_cnn}", "", "demo.classifiers.cnn2", "missing; add it, for networks has it"),
    # Another type
    (EPOCHS, "epochs: 6.5", f"{CNN1}.epochs", "valid integer, not 6.5"),
    (EPOCHS, "epochs: '6'", f"{CNN1}.epochs", "valid integer, not '6'"),
    (EPOCHS, "epochs: true", f"{CNN1}.epochs", "valid integer, not True"),
    (r"flip: \w+", "flip: 1", f"{CNN1}.augment.flip", "valid boolean, not 1"),
    ("network: {}", "network:", f"{CNN1}.network", "must be {}, not None"),
    (r"cnn2: {<<: \*demo_cnn}", "cnn2: 2", "demo.classifiers.cnn2", "must be {epochs, .*, network}, not 2"),
    ("demo:\n", "mine: 2\ndemo:\n", "mine", "must be {landmarks, test_time_augmentation, classifiers}, not 2"),
    ("demo:\n", "7: {}\ndemo:\n", "7", "valid string, not 7"),
    # Values out of their range
    (r"width: [0-9.]+", "width: 1.5", "demo.landmarks.width", "less than or equal to 1, not 1.5"),
    (r"head: \w+", "head: voter", "demo.landmarks.head", "'direct' or 'voting', not 'voter'"),
    (r"loss: \w+", "loss: wink", "demo.landmarks.loss", "'wing', 'soft_wing', 'l1' or 'l2', not 'wink'"),
    (
        "loss: l2",
        "loss: nme_votes",
        "report.landmarks.loss",
        "must be nme, wing, soft_wing, l1 or l2 for head: direct, which does not vote, not 'nme_votes'$",
    ),
    (r"ema_decay: [0-9.]+", "ema_decay: 1.0", "demo.landmarks.ema_decay", "less than 1, not 1.0"),
    (r"schedule: \w+", "schedule: cosine", "demo.landmarks.schedule", "'one_cycle' or 'plateau', not"),
    (r"shift: [0-9.]+", "shift: 5", f"{CNN1}.augment.shift", "less than or equal to 1, not 5"),
    (r"optimizer: \w+", "optimizer: lion", "demo.landmarks.optimizer", "'muon', 'adam' or 'sgd', not 'lion'"),
    (
        r"test_time_augmentation: \w+",
        "test_time_augmentation: one",
        "demo.test_time_augmentation",
        "'none', 'mirror' or 'ten', not 'one'",
    ),
    (r" votes: [0-9.]+", " votes: 1.5", f"{CNN1}.votes", "less than or equal to 1, not 1.5"),
    (r" votes: [0-9.]+", " votes: -0.5", f"{CNN1}.votes", "greater than or equal to 0, not -0.5"),
    (r"class_weights: [0-9.]+", "class_weights: 1.1", f"{CNN1}.class_weights", "less than or equal to 1, not 1.1"),
    (r"class_weights: [0-9.]+", "class_weights: -0.1", f"{CNN1}.class_weights", "or equal to 0, not -0.1"),
    ("stem: small", "stem: large", "strong.classifiers.googlenet.network.stem", "'imagenet' or 'small', not 'large'"),
    (
        "stem: small",
        "stem: small\n        pretrained: true",
        "strong.classifiers.googlenet.network.pretrained",
        "must be false for stem: small, which ImageNet weights do not fit, not True$",
    ),
    ("first_side: 32", "first_side: 44", "strong.classifiers.googlenet.network.first_side", "multiple of 8, not 44"),
    ("first_side: 32", "first_side: 8", "strong.classifiers.googlenet.network.first_side", "or equal to 16, not 8"),
    (r"mixup: [0-9.]+", "mixup: -1", f"{CNN1}.augment.mixup", "or equal to 0, not -1"),
    (r"mixup: [0-9.]+", "mixup: .inf", f"{CNN1}.augment.mixup", "finite number, not inf"),
    (r"cutmix: [0-9.]+", "cutmix: -1", f"{CNN1}.augment.cutmix", "or equal to 0, not -1"),
    (EPOCHS, "epochs: 0", f"{CNN1}.epochs", "greater than or equal to 1, not 0"),
    # No YAML
    ("demo:\n", "demo:\n  - 1\n", "not valid YAML", r"line \d+"),
    ("\nreport:", "\ndemo:", "not valid YAML", 'duplicate key "demo"'),
    (r"\*demo_cnn", "*demo_nnc", "not valid YAML", "undefined alias"),
]

# Keys that an earlier version had: the file, before what they are put, the key, and what the message must say.
EARLIER = [
    (
        "params.yaml",
        "mirror: false",
        "dlib_model: a.dat",
        "landmarks.dlib_model",
        "put the file into pretrained/dlib, and list dlib under compare",
    ),
    (RECIPES, "test_time_augmentation: none", "views: one", "demo.views", "called test_time_augmentation now: none,"),
    (RECIPES, "head: voting", "average: 0.9", "demo.landmarks.average", "called ema_decay now"),
    (RECIPES, "votes: 0.0", "average: 0.9", f"{CNN1}.average", "called ema_decay now"),
    (RECIPES, "votes: 0.0", "balance: 0.5", f"{CNN1}.balance", "called class_weights now"),
    (RECIPES, "votes: 0.0", "stem: small", f"{CNN1}.stem", "stands in network: {stem: ...} of googlenet now"),
    (RECIPES, "votes: 0.0", "pretrained: true", f"{CNN1}.pretrained", "in network: {pretrained: ...} of googlenet now"),
    (RECIPES, "votes: 0.0", "first_side: 32", f"{CNN1}.first_side", "in network: {first_side: ...} of googlenet now"),
]


@pytest.mark.parametrize(("old", "new", "key", "says"), MISTAKES, ids=[new.strip() for _, new, _, _ in MISTAKES])
def test_a_mistake_is_one_line_with_its_key(tmp_path: Path, old: str, new: str, key: str, says: str) -> None:
    message = refuse(changed(tmp_path, old, new))
    assert message.startswith(f"{key}: ")
    assert re.search(says, message.removeprefix(key)), message


@pytest.mark.parametrize(
    ("old", "new", "key", "says"), RECIPE_MISTAKES, ids=[new.strip() for _, new, _, _ in RECIPE_MISTAKES]
)
def test_a_mistake_in_a_recipe_is_one_line_with_the_recipes_name(
    tmp_path: Path, old: str, new: str, key: str, says: str
) -> None:
    message = refuse(changed(tmp_path, old, new, RECIPES), RECIPES)
    assert message.startswith(f"{key}: ")
    assert re.search(says, message.removeprefix(key)), message


@pytest.mark.parametrize(("file", "before", "line", "key", "says"), EARLIER, ids=[key for *_, key, _ in EARLIER])
def test_a_key_of_an_earlier_version_is_told_what_became_of_it(
    tmp_path: Path, file: str, before: str, line: str, key: str, says: str
) -> None:
    place = re.search(rf"\n +(?={re.escape(before)})", (ROOT / file).read_text())
    assert place
    message = refuse(changed(tmp_path, place[0] + before, place[0] + line + place[0] + before, file), file)
    assert message.startswith(f"{key}: ")
    assert says in message
    assert message.endswith("; see CHANGELOG.md")


def test_every_key_that_is_told_of_is_tried_above() -> None:
    assert {key.rpartition(".")[2] for *_, key, _ in EARLIER} == {key for _, key in RENAMED}


@pytest.mark.parametrize(
    ("old", "new", "file"),
    [
        ("left: 1,", "left: 1, stem: 2,", "params.yaml"),
        ("train_on:", "balance:", "params.yaml"),
        ("flip:", "average:", RECIPES),
        ("network: {}", "network: {first_side: 32}", RECIPES),
    ],
)
def test_where_an_earlier_version_had_no_such_key_it_is_unknown(tmp_path: Path, old: str, new: str, file: str) -> None:
    assert ": unknown key; " in refuse(changed(tmp_path, old, new, file), file)


def test_a_params_yaml_that_still_holds_its_recipes_is_told_where_they_stand_now(tmp_path: Path) -> None:
    """Whatever else has changed since: this comes first."""
    says = "recipes: they stand in recipes.yaml now; move yours there; see CHANGELOG.md"
    earlier = """
data: {source: demo}
twins: {min_correlation: 0.85, train_on: true}
recipe: demo
regions: {vanilla: whole}
networks: [cnn1]
seeds: [0]
launcher: python
landmarks: {provider: xception, mirror: false, max_error: 0.12, dlib_model: models/dlib.dat}
recipes:
  demo:
    landmarks: {width: 0.15, average: 0.95}
    views: one
    classifiers: {cnn1: {epochs: 3, balance: 0.0, stem: imagenet}}
"""
    for text in (earlier, f"{ORIGINAL.read_text()}\nrecipes: {{}}\n"):
        path = tmp_path / "params.yaml"
        path.write_text(text)
        assert refuse(path) == says


@pytest.mark.parametrize("content", ["", "[]", "42", "nothing", "{}"])
def test_something_else_than_a_mapping_is_refused_with_all_keys(tmp_path: Path, content: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(content)
    assert refuse(path) == (
        "must hold the keys data, split, twins, side, recipe, regions, reference, networks, seeds, fallback, students, "
        "parts, atlas, launcher, landmarks"
    )


@pytest.mark.parametrize("content", ["", "[]", "42", "nothing", "{}"])
def test_a_recipes_yaml_without_recipes_is_refused(tmp_path: Path, content: str) -> None:
    path = changed(tmp_path, "side: 48", "side: 48")
    (tmp_path / RECIPES).write_text(content)
    assert refuse(path, RECIPES) == "must hold recipes by name"


def test_a_region_mapping_without_regions_is_refused(tmp_path: Path) -> None:
    assert "at least 1 item" in refuse(changed(tmp_path, r"regions: [\s\S]*?(?=reference)", "regions: {}\n"))


@pytest.mark.parametrize("file", ["params.yaml", RECIPES])
def test_a_missing_file_is_named(tmp_path: Path, file: str) -> None:
    path = changed(tmp_path, "side: 48", "side: 48")
    (tmp_path / file).unlink()
    assert "missing; run from the project's folder" in refuse(path, file)


@pytest.mark.parametrize("file", ["params.yaml", RECIPES])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, file: str) -> None:
    path = changed(tmp_path, "side: 48", "side: 48")
    (tmp_path / file).write_bytes(b"data: \xff\xfe")
    assert "not valid YAML" in refuse(path, file)


@pytest.mark.parametrize(
    ("words", "key"),
    [(("ears", "cnn1", "0"), "regions"), (("face", "cnn9", "0"), "networks"), (("face", "cnn1", "one"), "seeds")],
)
def test_a_cell_that_the_file_does_not_name_is_refused(words: tuple[str, str, str], key: str) -> None:
    with pytest.raises(InputError, match=rf"^params\.yaml: {key}: has no .*, only .*; add it$"):
        load_params(ORIGINAL).cell(*words)


def test_a_cell_is_its_region_network_and_seed() -> None:
    assert load_params(ORIGINAL).cell("face", "cnn1", "0") == Cell("face", "cnn1", 0)


def test_settings_are_read_without_torch() -> None:
    """Every stage reads them, and torch takes seconds to import."""
    code = "import sys; from pipeline.params import load_params; load_params(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "pipeline.classifiers.networks.googlenet" in loaded.split()
    assert "torch" not in loaded.split()


TRAINED = [
    (recipe, network)
    for recipe, content in load_params(ROOT / "params.yaml").recipes.items()
    for network in networks.names()
    if getattr(content.classifiers, network) is not None
]


@pytest.mark.parametrize("network", networks.names())
def test_the_demo_trains_every_network(network: str) -> None:
    assert ("demo", network) in TRAINED


@pytest.mark.parametrize(("recipe", "network"), TRAINED)
def test_dvc_can_set_a_key_of_one_network(tmp_path: Path, recipe: str, network: str) -> None:
    """`dvc exp run -S recipes.yaml:...`, which leaves what is written as an alias as it was and says nothing."""
    path = changed(tmp_path, "", "")
    before: dict[str, ClassifierRecipe[Any]] = dict(load_params(path).recipes[recipe].classifiers)
    apply_overrides(tmp_path / RECIPES, [f"{recipe}.classifiers.{network}.epochs=77"])
    after: dict[str, ClassifierRecipe[Any]] = dict(load_params(path).recipes[recipe].classifiers)
    assert after.pop(network).epochs == 77
    assert after == {name: own for name, own in before.items() if name != network}


# What is beyond all bounds


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"seeds: 2020-13-45", "not valid YAML"),
        (b"seeds: 0x_", "not valid YAML"),
        (b"seeds: !!int abc", "not valid YAML"),
        (b"seeds: " + b"1" * 5000, "a value of 5,000 characters"),
        (b"seeds: " + b"[" * 3000 + b"]" * 3000, "50 within each other"),
        (
            b"a0: &a0 [x]\n"
            + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)),
            "more than 100,000 values",
        ),
        (b"a: &a [*a]", "stands within what it names"),
        (b"\xff\xfe\xfd", "not valid YAML"),
        (b"a: 1\n" * 300_000, "is larger than 131,072 bytes"),
    ],
)
def test_what_no_settings_are_is_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_params(path)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize("kind", ["folder", "loop"])
def test_what_is_no_file_is_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "params.yaml"
    if kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path.name)
    with pytest.raises(InputError, match=r"params\.yaml: (is a folder|cannot be opened)"):
        load_params(path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        *(
            (r"  face:", f"  {name}:", "on Windows no file may have this name")
            for name in ("CON", "NUL", "aux", "COM1")
        ),
        (r"launcher: python", "launcher: '  '", "launcher: "),
        (r"seeds: \[0\]", "seeds: [2000000000000000]", "seeds"),
    ],
)
def test_settings_that_would_fail_later_are_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert says in str(load_error(changed(tmp_path, old, new)))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [(r"(?m)^brief:", "my.brief:", "a recipe's name"), (r"epochs: 12", "epochs: 100000000000", "epochs")],
)
def test_recipes_that_would_fail_later_are_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert says in str(load_error(changed(tmp_path, old, new, RECIPES)))


def load_error(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        load_params(path)
    return caught.value


# Students


STUDENT = "{name: joined, region: vanilla, network: googlenet, epochs: 7, teachers: [vanilla, face], share: 0.7}"


def test_a_student_learns_from_others(tmp_path: Path) -> None:
    params = read(tmp_path, r"students: \[\]", f"students: [{STUDENT}]")
    assert params.student("joined").teachers == ["vanilla", "face"]
    assert params.sees("joined") == "vanilla"
    assert params.cell("joined", "googlenet", "0") == Cell("joined", "googlenet", 0)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("name: joined", "name: a/b", "'a/b' becomes a file name"),
        (
            "name: joined",
            "name: landmarks",
            "'landmarks' is the name of a region, of another student or of the landmark",
        ),
        ("name: joined", "name: CON", "'CON' becomes a file name"),
        ("name: joined", "name: face", "'face' is the name of a region, of another student"),
        ("region: vanilla", "region: nose", "nose is not among regions or networks"),
        ("network: googlenet", "network: vgg16", "vgg16 is not among regions or networks"),
        ("[vanilla, face]", "[vanilla, nose]", "nose is not among regions or networks"),
        ("[vanilla, face]", "[face, face]", "must name each region once"),
        ("[vanilla, face]", "[]", "teachers and a share above 0 belong together"),
        ("share: 0.7", "share: 0", "teachers and a share above 0 belong together"),
        ("share: 0.7", "share: 1.5", "less than or equal to 1"),
        ("epochs: 7", "epochs: 0", "greater than or equal to 1"),
        ("epochs: 7, ", "", "students.0.epochs: missing; add it"),
        (
            "epochs: 7",
            "epochs: 14",
            "'joined': is trained for 14 epochs, its region's classifiers are not; add a control",
        ),
    ],
)
def test_a_student_that_cannot_be_is_one_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    student = STUDENT.replace(old, new, 1)
    assert says in str(load_error(changed(tmp_path, r"students: \[\]", f"students: [{student}]")))


CONTROL = "{name: control, region: vanilla, network: googlenet, epochs: 14, teachers: []}"


def test_a_student_of_more_epochs_has_a_control_of_as_many(tmp_path: Path) -> None:
    longer = STUDENT.replace("epochs: 7", "epochs: 14")
    other = CONTROL.replace("control", "other").replace("14", "15")
    params = read(tmp_path, r"students: \[\]", f"students: [{longer}, {other}, {CONTROL}]")
    assert params.control(params.student("joined")) == params.student("control")
    recipe = params.student_recipe(params.student("joined"))
    assert (recipe.epochs, recipe.patience) == (14, 14)
    assert recipe.batch == params.classifier_recipe("googlenet").batch


def test_a_student_of_a_network_that_stops_early_has_a_control(tmp_path: Path) -> None:
    path = changed(tmp_path, r"students: \[\]", f"students: [{STUDENT}]")
    recipes = path.with_name("recipes.yaml")
    text = recipes.read_text()
    at = text.index("    googlenet:\n      <<: *demo_cnn\n")
    recipes.write_text(text[:at] + text[at:].replace("patience: 7", "patience: 2", 1))
    assert "add a control" in str(load_error(path))


def test_one_control_is_enough(tmp_path: Path) -> None:
    other = CONTROL.replace("name: control", "name: again")
    says = str(load_error(changed(tmp_path, r"students: \[\]", f"students: [{CONTROL}, {other}]")))
    assert "'again': is the same control as 'control'; remove one" in says


def test_students_and_folds_do_not_go_together(tmp_path: Path) -> None:
    path = changed(tmp_path, r"students: \[\]", f"students: [{STUDENT}]")
    path.write_text(path.read_text().replace("split: official", "split: {folds: 5}"))
    assert "set students: []" in str(load_error(path))
