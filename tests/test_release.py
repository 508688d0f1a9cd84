"""What comes with the project: the models as they were trained, but for the precision of their weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from projects import copy_settings, write_landmark_model

from pipeline.common.files import InputError
from pipeline.faces.detector_settings import SHIPPED_MODEL
from pipeline.faces.detectors import pretrained, xception
from pipeline.faces.trust import Trust
from pipeline.params import load_params
from stages import release


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    copy_settings()


def test_the_landmark_model_finds_the_same_points(capsys: pytest.CaptureFixture[str]) -> None:
    write_landmark_model()
    Trust("xception", np.array([0.0, 1.0]), np.array([0.0, 0.1])).save(Path("models/trust.json"))
    release.main("landmarks")
    assert "pretrained/landmarks.safetensors: " in capsys.readouterr().out
    settings = load_params().landmarks
    images = np.random.default_rng(0).integers(0, 256, (4, 48, 48)).astype(np.uint8)
    ours, theirs = (module.open_detector(settings)(images, False) for module in (xception, pretrained))
    # Untrained, it says anything.
    assert np.abs(ours.points - theirs.points).max() < 0.02 * np.abs(ours.points).max()
    assert Trust.load(Path("pretrained/trust.json"), "pretrained").error.tolist() == [0.0, 0.1]
    before, after = (path.stat().st_size for path in (xception.MODEL, SHIPPED_MODEL))
    assert after < 0.75 * before


@pytest.mark.parametrize("name", ["mouth/cnn1-0", "../params.yaml", "nothing"])
def test_what_was_not_trained_is_named(name: str) -> None:
    with pytest.raises(InputError, match=r"safetensors: missing"):
        release.main(name)


def test_nothing_to_release_shows_the_usage() -> None:
    with pytest.raises(InputError, match="usage: "):
        release.main()
