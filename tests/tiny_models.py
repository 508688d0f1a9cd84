"""Models that have not been trained, exported: all that leads from a photograph to an expression, in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from made_up_variants import CLASSES, make_variant

from pipeline.classifiers import networks
from pipeline.classifiers.cells import Cell
from pipeline.classifiers.classifier_file import Classifier, load_classifier, save_classifier
from pipeline.classifiers.network_settings import Shape
from pipeline.common.files import write_json
from pipeline.faces.network import landmark_network
from pipeline.faces.trust import Trust
from pipeline.params import load_params
from pipeline.use.export import export_classifier, export_landmarks
from pipeline.use.models import ABOUT, LANDMARKS, TRUST, About, Framing

PARAMS = Path(__file__).parents[1] / "params.yaml"


def tiny_landmarks(spread: float = 0.05) -> torch.nn.Module:
    """A landmark model that was never trained; its points spread about as widely as a face's by default."""
    torch.manual_seed(0)
    network = landmark_network(points=68, width=0.05, head="voting").eval()
    for module in network.modules():  # as they come after training: not all of them 0 and 1
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.running_mean is not None
            module.running_mean.uniform_(-0.2, 0.2)
    votes = network.get_submodule("head.votes").weight
    assert isinstance(votes, torch.Tensor)
    with torch.no_grad():
        votes.mul_(spread)
    return network


def tiny_classifier(path: Path) -> Classifier:
    """A classifier that was never trained."""
    torch.manual_seed(0)
    recipe = load_params(PARAMS).classifier_recipe("cnn1")
    recipe = recipe.model_copy(update={"network": networks.settings_of("cnn1")(), "precision": "fp32"})
    scores = {"validation": {"accuracy": 0.5, "log_loss": 1.5}}
    cell = Cell("vanilla", "cnn1", 0)
    variant = make_variant().variant
    network = networks.build("cnn1", networks.settings_of("cnn1")(), Shape.of(variant))
    save_classifier(path, network, variant, cell, recipe, "ab12", 2, scores)
    return load_classifier(path)


def write_about(folder: Path, classifier: Classifier) -> None:
    """Export a classifier, and say in the folder that there is no other."""
    about = About(
        classes=CLASSES,
        side=48,
        framing=Framing(x=0.5, y=0.5, extent=0.8),
        max_error=0.4,
        classifiers=(export_classifier(classifier, folder, drawn=True),),
    )
    write_json(folder / ABOUT, about.model_dump(mode="json"))


def write_models(folder: Path) -> None:
    """All files of a folder of models."""
    export_landmarks(tiny_landmarks(), "voting", folder / LANDMARKS)
    Trust("xception", np.array([0.0, 0.5]), np.array([0.0, 0.5])).save(folder / TRUST)
    write_about(folder, tiny_classifier(folder / "a.safetensors"))
