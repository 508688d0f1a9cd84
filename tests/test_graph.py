"""dvc.yaml: an edit reruns what depends on it and nothing else, and every stage declares the code it depends on.

DVC itself reproduces a copy of the project in which `python` is a stand-in: it writes a stage's outputs at once, with
content that follows from the command, the declared parameters and the declared deps.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from dvc.dependency import ParamsDependency
from dvc.repo import Repo
from ruamel.yaml import YAML

from pipeline.classifiers import networks
from pipeline.faces.detector_settings import LandmarkSettings
from pipeline.params import load_params

ROOT = Path(__file__).parents[1]
COPIED = ("dvc.yaml", "stages", "pipeline", "pretrained", ".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore")

STAND_IN = """
import hashlib, json, sys
from pathlib import Path

stage = json.loads(Path("plan.json").read_text())[" ".join(["python", *sys.argv[1:]])]
digest = hashlib.sha256(json.dumps([sys.argv[1:], stage["params"]]).encode())
for dep in map(Path, stage["deps"]):
    for path in sorted([dep, *dep.rglob("*")]):
        if path.is_file():
            digest.update(path.read_bytes())
for out in map(Path, stage["outs"]):
    if out == Path("data/regions"):  # a file a region, with the definition of another one that it is like
        regions = stage["params"][0]["regions"]
        out.mkdir(parents=True, exist_ok=True)
        for name, region in regions.items():
            like = region.get("like") if isinstance(region, dict) else None
            (out / f"{name}.json").write_text(json.dumps([region, regions.get(like)]))
        continue
    # Of the other folders written, data/demo is the only one of which a stage reads a named file.
    path = out if out.suffix else out / "sources.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(digest.hexdigest())
with Path("log").open("a") as log:
    print(stage["name"], file=log)
"""

Content = dict[str, Any]


def chosen(params: Content) -> Content:
    recipe: Content = params["recipes"][params["recipe"]]
    return recipe


def widen_mouth(params: Content) -> None:
    params["regions"]["mouth"]["margin"] = 0.4


def add_eyes(params: Content) -> None:
    params["regions"]["eyes"] = {"points": "18-27 37-48", "margin": 0.2}


def add_coarse(params: Content) -> None:
    params["regions"]["coarse"] = {"like": "eyes"}


def widen_eyes(params: Content) -> None:
    params["regions"]["eyes"]["margin"] = 0.3


def remove_eyes(params: Content) -> None:
    del params["regions"]["eyes"], params["regions"]["coarse"]


def drop_what_fell_back(params: Content) -> None:
    params["fallback"] = "drop"


def train_longer(params: Content) -> None:
    for settings in chosen(params)["classifiers"].values():
        settings["epochs"] += 1


def train_one_network_longer(params: Content) -> None:
    chosen(params)["classifiers"]["cnn4"]["epochs"] += 1


def multiply_exactly(params: Content) -> None:
    chosen(params)["classifiers"]["cnn4"]["precision"] = "fp32"


def train_landmarks_longer(params: Content) -> None:
    chosen(params)["landmarks"]["epochs"] += 1


def edit_other_recipe(params: Content) -> None:
    params["recipes"]["other"]["classifiers"]["cnn1"]["epochs"] += 1
    params["recipes"]["other"]["landmarks"]["epochs"] += 1


def trust_less(params: Content) -> None:
    params["landmarks"]["max_error"] = 0.05


def show_more(params: Content) -> None:
    params["side"] = 64


def draw_a_split(params: Content) -> None:
    params["split"] = {"shares": [0.6, 0.2, 0.2], "group": "twins"}


def compare_with_mouth(params: Content) -> None:
    params["reference"] = "mouth"


def switch_to_dlib(params: Content) -> None:
    params["landmarks"]["provider"] = "dlib"


def count_fewer_as_twins(params: Content) -> None:
    params["twins"]["min_correlation"] = 0.98


def augment_at_test_time(params: Content) -> None:
    params["recipes"]["one"]["test_time_augmentation"] = "mirror"


def add_seed(params: Content) -> None:
    params["seeds"].append(1)


def teach_one(params: Content) -> None:
    control = {"name": "control", "region": "vanilla", "network": "cnn1", "epochs": 9, "teachers": []}
    params["students"] = [{**control, "name": "joined", "teachers": ["vanilla", "mouth"], "share": 0.5}, control]


def teach_it_longer(params: Content) -> None:
    for student in params["students"]:
        student["epochs"] = 10


def remove_network(params: Content) -> None:
    params["networks"].remove("cnn4")


def divide_otherwise(params: Content) -> None:
    params["parts"]["mouth"]["margin"] = 0.2


def look_at_more_images(params: Content) -> None:
    params["atlas"]["images"] = "all"


def look_into_another_network(params: Content) -> None:
    params["atlas"]["networks"].append("cnn4")


def look_into_one_network(params: Content) -> None:
    params["atlas"]["networks"].remove("cnn4")


def change_nothing(params: Content) -> None:
    pass


class Step(NamedTuple):
    """An edit of params.yaml, and patterns of the stages that the next `dvc repro` must run, and no others."""

    edit: Callable[[Content], None]
    runs: str


def of_regions(*names: str) -> str:
    return " ".join(f"{stage}@{name}{rest}" for name in names for stage, rest in STAGES_OF_A_REGION.items())


STAGES_OF_A_REGION = {"crop": "", "embed": "-*", "train": "-*", "evaluate": "-*"}
CROPS = "crop@* embed@*"
CELLS = "train@* evaluate@* atlas@* look_inside@* compare"
POINTS = "calibrate_trust evaluate_landmarks locate_landmarks"
STEPS = {
    "first": Step(change_nothing, "*"),
    "again": Step(change_nothing, ""),
    "region edited": Step(
        widen_mouth, "define_regions crop@mouth embed@mouth-* train@mouth-* evaluate@mouth-* compare"
    ),
    "region added": Step(add_eyes, "define_regions crop@eyes embed@eyes-* train@eyes-* evaluate@eyes-* compare"),
    "region like another": Step(add_coarse, f"define_regions {of_regions('coarse')} compare"),
    "what it is like edited": Step(widen_eyes, f"define_regions {of_regions('eyes', 'coarse')} compare"),
    # The definitions are those of a step before, which DVC takes from its cache.
    "regions removed": Step(remove_eyes, "compare"),
    "classifier recipe": Step(train_longer, CELLS),
    "recipe of one network": Step(train_one_network_longer, "train@*-cnn4-* evaluate@*-cnn4-* compare"),
    "precision of one network": Step(multiply_exactly, "embed@*-cnn4 train@*-cnn4-* evaluate@*-cnn4-* compare"),
    "parts": Step(divide_otherwise, "atlas@* compare"),
    "images of the atlas": Step(look_at_more_images, "atlas@* compare"),
    "network of the atlas": Step(look_into_another_network, "atlas@cnn4-* look_inside@cnn4-* compare"),
    "network of the atlas removed": Step(look_into_one_network, "compare"),
    "another recipe": Step(edit_other_recipe, ""),
    "landmark recipe": Step(train_landmarks_longer, f"train_landmarks {POINTS} {CROPS} {CELLS}"),
    # The stand-in writes vanilla's images anew too. The real stage, which follows no points there, writes the same
    # bytes, and then vanilla's cells do not run.
    "landmark trust": Step(trust_less, f"evaluate_landmarks {CROPS} {CELLS}"),
    "side": Step(show_more, f"{CROPS} {CELLS}"),
    "split": Step(draw_a_split, f"prepare_expressions locate_landmarks {CROPS} {CELLS}"),
    "reference": Step(compare_with_mouth, "compare"),
    "fallback": Step(drop_what_fell_back, CELLS),
    # The real prepare_faces writes the same faces for all who need any, and then no landmark model is trained.
    "points by dlib": Step(switch_to_dlib, f"prepare_faces train_landmarks {POINTS} {CROPS} {CELLS}"),
    # The stand-in writes data/expressions.npz anew, and so all that follows runs. The real stage writes the same bytes
    # while train_on is true (see test_stages.py), and then only the cells' evaluate and compare follow.
    "twins": Step(count_fewer_as_twins, f"prepare_expressions locate_landmarks {CROPS} {CELLS}"),
    # Sheets of answers show what evaluate says.
    "test-time augmentation": Step(augment_at_test_time, "evaluate@* look_inside@* compare"),
    "seed added": Step(add_seed, "train@*-1 evaluate@*-1 atlas@*-1 look_inside@*-1 compare"),
    "student added": Step(teach_one, "join_answers@* teach@* evaluate_student@* compare"),
    "student for longer": Step(teach_it_longer, "join_answers@* teach@* evaluate_student@* compare"),
    "network removed": Step(remove_network, "compare"),
}


def edit_a_network(project: Path) -> None:
    path = project / "pipeline/classifiers/networks/cnn1.py"
    path.write_text(path.read_text() + "\n# edited\n")


def add_a_network(project: Path) -> None:
    (project / "pipeline/classifiers/networks/lenet.py").write_text("# new\n")


def add_weights_of_another_detector(project: Path) -> None:
    (project / "pretrained/face_alignment/weights").write_text("of a detector that finds no points at the moment")


def add_imagenet_weights(project: Path) -> None:
    (project / "pretrained/timm/resnet50.a1_in1k.safetensors").write_text("of a network of timm")


# Edits of files, done after those of params.yaml, and what the next `dvc repro` must run.
EDITS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a network edited": (
        edit_a_network,
        "embed@*-cnn1 train@*-cnn1-* evaluate@*-cnn1-* atlas@cnn1-* look_inside@cnn1-* join_answers@* teach@* "
        "evaluate_student@*",
    ),
    "a network added": (add_a_network, ""),
    "weights of a detector added": (add_weights_of_another_detector, "evaluate_landmarks compare"),
    # The stand-in writes something new for every network. Of one that is not frozen the real stage writes the same
    # bytes, and then its cells do not run.
    "ImageNet weights added": (
        add_imagenet_weights,
        f"embed@* {CELLS} join_answers@* teach@* evaluate_student@*",
    ),
}


class Ran(NamedTuple):
    """What a `dvc repro` ran, in order, and which stages there were."""

    ran: list[str]
    stages: list[str]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with two regions and two networks, whatever params.yaml holds at the moment.

    No more than these, since DVC reads and writes the whole of dvc.lock for each stage that it runs.
    """
    root = tmp_path_factory.mktemp("project")
    for name in COPIED:
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (root / "data/raw").mkdir(parents=True)
    shutil.copy(ROOT / "data/raw/README.md", root / "data/raw")
    recipe = next(iter(read_yaml(ROOT / "recipes.yaml").values()))
    params = {
        "data": {"source": "demo", "expressions": "fer2013"},
        "split": "official",
        "twins": {"min_correlation": 0.94, "train_on": True},
        "side": 48,
        "recipe": "one",
        "regions": {"vanilla": "whole", "mouth": {"points": "49-68", "margin": 0.3}},
        "fallback": "whole",
        "students": [],
        "reference": "vanilla",
        "networks": ["cnn1", "cnn4"],
        "seeds": [0],
        "parts": {"mouth": {"points": "49-68", "margin": 0.1}, "outside": "rest"},
        "atlas": {"region": "vanilla", "networks": ["cnn1"], "images": 5},
        "launcher": "python",
        "landmarks": {"provider": "xception", "compare": [], "mirror": False, "max_error": 0.08},
    }
    write_yaml(root / "recipes.yaml", {"one": recipe, "other": recipe})
    write_yaml(root / "params.yaml", params)
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    (root / "bin").mkdir()
    (root / "bin/stand_in.py").write_text(STAND_IN)
    python = root / "bin/python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{root}/bin/stand_in.py" "$@"\n')
    python.chmod(0o755)
    return root


@pytest.fixture(scope="module")
def results(project: Path) -> dict[str, Ran]:
    """What each of `STEPS` ran, done one after another."""
    results = {}
    for name, step in STEPS.items():
        params = {**read_yaml(project / "params.yaml"), "recipes": read_yaml(project / "recipes.yaml")}
        step.edit(params)
        write_yaml(project / "recipes.yaml", params.pop("recipes"))
        write_yaml(project / "params.yaml", params)
        load_params(project / "params.yaml")  # raises an error if the edit is not one that a user could make
        results[name] = repro(project)
    for name, (edit, _) in EDITS.items():
        edit(project)
        results[name] = repro(project)
    return results


def read_yaml(path: Path) -> Content:
    content: Content = YAML(typ="safe").load(path.read_text())
    return content


def write_yaml(path: Path, content: Content) -> None:
    writer = YAML(typ="safe")
    writer.representer.ignore_aliases = lambda data: True
    with path.open("w") as file:
        writer.dump(content, file)


def plan(project: Path) -> dict[str, Content]:
    """What DVC reads in dvc.yaml, by command: name, outs, deps and values of the parameters of each stage."""
    stages = {}
    for stage in Repo(str(project)).index.stages:
        params = [dep.read_params() for dep in stage.deps if isinstance(dep, ParamsDependency)]
        deps = [dep.def_path for dep in stage.deps if not isinstance(dep, ParamsDependency)]
        outs = [out.def_path for out in stage.outs]
        stages[stage.cmd] = {"name": stage.name, "outs": outs, "deps": deps, "params": params}
    return stages


def repro(project: Path) -> Ran:
    stages = plan(project)
    (project / "plan.json").write_text(json.dumps(stages))
    log = project / "log"
    log.write_text("")
    own = {name: str(project / ".dvc/tmp" / name) for name in ("DVC_SITE_CACHE_DIR", "DVC_GLOBAL_CONFIG_DIR")}
    path = f"{project / 'bin'}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        [sys.executable, "-m", "dvc", "repro"],
        cwd=project,
        env={**os.environ, **own, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return Ran(log.read_text().split(), [stage["name"] for stage in stages.values()])


def matching(stages: list[str], patterns: str) -> list[str]:
    """The stages that one of the patterns names; a pattern that names none is a mistake in the test."""
    for pattern in patterns.split():
        assert any(fnmatchcase(stage, pattern) for stage in stages), pattern
    return [stage for stage in stages if any(fnmatchcase(stage, pattern) for pattern in patterns.split())]


@pytest.mark.slow
def test_first_repro_runs_every_stage_once(results: dict[str, Ran]) -> None:
    regions, cells = 2, 2 * 2
    assert len(results["first"].ran) == 8 + regions + 3 * cells + 2 + 1  # the atlas and the sheets of one network


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS)
def test_reruns_what_depends_on_the_edit(results: dict[str, Ran], name: str) -> None:
    ran, stages = results[name]
    assert sorted(ran) == sorted(matching(stages, STEPS[name].runs))


@pytest.mark.slow
@pytest.mark.parametrize("name", EDITS)
def test_reruns_what_depends_on_an_edited_file(results: dict[str, Ran], name: str) -> None:
    ran, stages = results[name]
    expected = matching(stages, EDITS[name][1])
    assert sorted(set(ran) - {"compare"}) == sorted(set(expected) - {"compare"})
    assert ("compare" in ran) == bool(expected)


@pytest.mark.parametrize("name", POINTS.split())
def test_whoever_finds_points_follows_every_setting_of_how(name: str) -> None:
    """All of `landmarks` but which points are good enough, and who else is measured."""
    followed = set(STAGES[name]["params"])
    settings = {f"landmarks.{key}" for key in LandmarkSettings.model_fields.keys() - {"max_error", "compare"}}
    assert settings <= followed or "landmarks" in followed


def test_whoever_may_find_points_is_measured_anew_with_other_weights() -> None:
    """`landmarks.compare` may name any of them; weights of networks that find no points are not among these."""
    detectors = {path.stem for path in (ROOT / "pipeline/faces/detectors").glob("[a-z]*.py")}
    followed = {Path(dep).name for dep in STAGES["evaluate_landmarks"]["deps"] if dep.startswith("pretrained/")}
    assert followed == detectors | {"landmarks.safetensors", "trust.json"}


# From here on: the code that stages declare.

# Scripts that `make` or users run and that no stage is made of.
ON_DEMAND = {
    "check",
    "export_models",
    "leak",
    "learning_rates",
    "preview",
    "publish",
    "recompute",
    "release",
    "simulate",
    "study",
}

# Stages that run the script of another one.
SHARED = {"evaluate_student": "evaluate"}

# Modules that decide nothing about a result: no stage has to declare them.
PLUMBING = {
    "pipeline.training.curves": "writes down what a training reports",
    "pipeline.common.code": "says whether a checkpoint is of this code",
    "pipeline.common.arrays": "puts arrays into files and takes them out unchanged",
    "pipeline.common.records": "hands on JSON files, unchanged or not at all",
    "pipeline.common.ending": "says how a process ended",
    "pipeline.common.files": "puts bytes into files and takes them out unchanged",
    "pipeline.common.given": "takes bytes out of files from outside, unchanged or not at all",
    **dict.fromkeys(
        (
            "pipeline.params",
            "pipeline.common.settings",
            "pipeline.training.recipe",
            "pipeline.faces.recipe",
            "pipeline.faces.detector_settings",
            "pipeline.regions.definitions",
            "pipeline.classifiers.recipe",
            "pipeline.classifiers.network_settings",
        ),
        "hands on params.yaml, whose values DVC follows key by key",
    ),
    "pipeline.common.weights": "puts weights into files and takes them out unchanged",
}

# What describes a file that a stage reads: how it is loaded, and constants of its layout. The file is the dependency,
# and when the code that writes it changes it is written anew.
LAYOUT = {
    "pipeline.classifiers.cells": {"Cell"},
    "pipeline.data.expressions": {"About", "Expressions", "MAX_CLASSES", "Role", "load", "save_images", "save_rows"},
    "pipeline.data.roles": {"NO_FOLD", "OUTSIDE", "ROLES", "Roles"},
    "pipeline.data.outside": {"Taken"},
    "pipeline.data.sources": {"Sources"},
    "pipeline.data.twins": {"Twins"},
    "pipeline.faces.face_images": {"Faces", "SIDE", "SPAN"},
    "pipeline.faces.located": {"Located"},
    "pipeline.faces.points": {"COUNT"},
    "pipeline.regions.variants": {"Variant"},
}

# Packages whose modules are found by their names, and the names in these that are used.
REGISTRIES = {
    "pipeline.classifiers.networks": ("build", "Settings"),
    "pipeline.data.readers": ("WANTED", "read"),
    "pipeline.faces.detectors": ("open_detector",),
    "pipeline.report.sections": ("TAB", "TITLE", "compute", "blocks", "context"),
}

STAGES = {name: stage.get("do", stage) for name, stage in read_yaml(ROOT / "dvc.yaml")["stages"].items()}

Symbol = tuple[str, str]  # a module's full name, and a name in it


def test_every_stage_has_a_script_of_its_name() -> None:
    scripts = {path.stem for path in (ROOT / "stages").glob("*.py")} - {"__init__"}
    assert scripts == STAGES.keys() - SHARED.keys() | ON_DEMAND
    for name, stage in STAGES.items():
        launcher = "${launcher}" if name.startswith(("train", "teach")) else "python"
        script = SHARED.get(name, name)
        assert stage["cmd"].split()[:3] == [launcher, "-m", f"stages.{script}"]
        assert f"stages/{script}.py" in stage["deps"]


@pytest.mark.parametrize("name", STAGES)
def test_declares_the_code_that_its_result_depends_on(name: str) -> None:
    declared = [path for dep in STAGES[name]["deps"] if dep.startswith("pipeline/") for path in expanded(dep)]
    assert all(path.exists() for path in declared)
    needed = {source(module) for module in reached(name) - PLUMBING.keys()}
    missing = {path for path in needed if not any(path.is_relative_to(dep) for dep in declared)}
    assert sorted(str(path.relative_to(ROOT)) for path in missing) == []
    code = [dep for dep in declared if dep.suffix == ".py" or list(dep.rglob("*.py"))]
    unused = {dep for dep in code if not any(path.is_relative_to(dep) for path in needed)}
    assert sorted(str(path.relative_to(ROOT)) for path in unused) == []


def expanded(dep: str) -> list[Path]:
    """The paths that a dep stands for: each network has its own module."""
    if "${" not in dep:
        return [ROOT / dep]
    prefix, suffix = dep.split("${")[0], dep.split("}")[-1]
    return [ROOT / f"{prefix}{name}{suffix}" for name in networks.names()]


def test_follows_names_through_modules() -> None:
    assert {
        "pipeline.classifiers.training",
        "pipeline.training.loop",
        "pipeline.classifiers.networks.cnn1",
        "pipeline.common.device",
    } <= reached("train")
    assert "pipeline.demo.hair" in reached("obtain")  # by way of a package that hands names on
    assert "pipeline.faces.ibug" not in reached("crop")


def reached(stage: str) -> set[str]:
    """The modules of `pipeline` whose names a stage's script uses, directly or through names that these use."""
    script = f"stages.{SHARED.get(stage, stage)}"
    waiting: list[Symbol] = [(script, name) for name in definitions(script)]
    seen: set[Symbol] = set()
    while waiting:
        symbol = waiting.pop()
        module, name = symbol
        if symbol in seen or module in PLUMBING or name in LAYOUT.get(module, ()):
            continue
        seen.add(symbol)
        waiting += uses(module, name)
        if module in REGISTRIES:
            waiting += [
                (f"{module}.{path.stem}", used)
                for path in source(module).parent.glob("*.py")
                for used in REGISTRIES[module]
                if path.stem != "__init__" and used in definitions(f"{module}.{path.stem}")
            ]
    # A package that holds nothing but its docstring decides nothing.
    return {module for module, _ in seen if module.startswith("pipeline.") and len(parsed(module).body) > 1}


def uses(module: str, name: str) -> Iterator[Symbol]:
    """What the definition of a module's name uses of its own module and of others."""
    own, imported = definitions(module), imports(module)
    if name in imported:
        yield imported[name]
    for node in (part for definition in own.get(name, []) for part in evaluated(definition)):
        if isinstance(node, ast.Name) and node.id in own:
            yield module, node.id
        if isinstance(node, ast.Name) and node.id in imported:
            yield imported[node.id]
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported:
            package, alias = imported[node.value.id]
            if source(f"{package}.{alias}").exists():  # a name of an imported module, such as measure.nme
                yield f"{package}.{alias}", node.attr


@cache
def parsed(module: str) -> ast.Module:
    return ast.parse(source(module).read_text())


@cache
def definitions(module: str) -> dict[str, list[ast.stmt]]:
    """The statements at the top of a module that define each of its names; the rest of them under no name."""
    found: dict[str, list[ast.stmt]] = {}
    for statement in parsed(module).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            names = [statement.name]
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        else:
            names = [""]
        for name in names:
            found.setdefault(name, []).append(statement)
    return found


@cache
def imports(module: str) -> dict[str, Symbol]:
    """What a module imports from the pipeline, also inside its functions, by the name that it has there."""
    found = {}
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "pipeline":
            assert node.module is not None
            found.update({alias.asname or alias.name: (node.module, alias.name) for alias in node.names})
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("pipeline") for alias in node.names), f"{module}: use from ... import"
    return found


def evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all below it but annotations, which decide nothing."""
    yield node
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from evaluated(child)


def source(module: str) -> Path:
    """The file of a module, whether or not it exists."""
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


# The order of the packages


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """What `make test` says of the imports of a copy of the project."""
    for name in ("pipeline", "stages", "fercrop"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return check_imports(folder)


def check_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("pipeline/common/files.py", "from pipeline.report import page"),  # upwards
        ("pipeline/data/twins.py", "from pipeline.faces import points"),
        ("pipeline/regions/boxes.py", "import stages.crop"),
        ("pipeline/data/readers/prepared.py", "from pipeline.data.readers import fer2013"),  # sideways
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, module: str, line: str) -> None:
    assert lint(tmp_path).returncode == 0
    path = tmp_path / module
    path.write_text(path.read_text() + f"\n{line}\n")
    found = check_imports(tmp_path)
    assert found.returncode != 0
    assert "BROKEN" in found.stdout
