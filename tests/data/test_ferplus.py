"""FER+ as a data set of its own: eight classes, the label by most votes, no row without a vote for one of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sample_sets import refused

from pipeline.data import readers
from pipeline.data.expressions import Expressions
from pipeline.data.readers import ferplus
from pipeline.data.sources import Sources, find_sources, record_sources

CLASSES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
USAGE = ("Training", "Training", "PublicTest", "PrivateTest", "Training")
VOTES = [
    [4, 0, 0, 1, 3, 1, 1, 0, 0, 0],  # neutral
    [0, 0, 0, 0, 0, 0, 0, 0, 8, 2],  # nobody saw an expression
    [0, 0, 0, 0, 0, 0, 0, 6, 4, 0],  # contempt
    [0, 0, 3, 3, 0, 0, 0, 0, 0, 4],  # surprise and sadness alike, and most saw no face
    [0, 1, 0, 0, 0, 0, 0, 0, 9, 0],  # happiness, by one vote
]


def read(folder: Path) -> Expressions:
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 48))
    rows = [f"0,{' '.join(map(str, image.ravel()))},{usage}" for image, usage in zip(images, USAGE, strict=True)]
    (folder / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]) + "\n")
    names = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    votes = [f"{usage},,{','.join(map(str, row))}" for usage, row in zip(USAGE, VOTES, strict=True)]
    (folder / "fer2013new.csv").write_text("\n".join([f"Usage,Image name,{names}", *votes]) + "\n")
    record_sources(folder / "sources.json", find_sources(folder, [ferplus.WANTED]))
    own = readers.settings_of("ferplus").model_validate({})
    return readers.read("ferplus", Sources.load(folder / "sources.json"), own)


def test_the_label_is_what_most_people_saw(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert found.about.classes == CLASSES
    assert [found.about.classes[label] for label in found.labels] == ["neutral", "contempt", "surprise", "happiness"]


def test_rows_on_which_nobody_saw_an_expression_are_left_out(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert found.split.tolist() == ["Training", "PublicTest", "PrivateTest", "Training"]
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 48))
    np.testing.assert_array_equal(found.images, images[[0, 2, 3, 4]])
    assert ferplus.account(Sources({}), found) == [
        "FER+: 4 rows; 35,883 of those published are left out, or are not there"
    ]


def test_votes_for_the_eight_classes_are_shares_and_the_others_are_kept(tmp_path: Path) -> None:
    found = read(tmp_path)
    kept = [VOTES[row] for row in (0, 2, 3, 4)]
    assert found.votes.tolist() == kept
    assert found.class_votes.tolist() == [row[:8] for row in kept]
    assert found.about.no_face == "NF"
    found.save(tmp_path / "saved")
    assert Expressions.load(tmp_path / "saved").about == found.about


def test_votes_and_images_are_both_needed(tmp_path: Path) -> None:
    read(tmp_path)
    (tmp_path / "fer2013new.csv").unlink()
    assert refused(find_sources, tmp_path, [ferplus.WANTED]).startswith(
        f"{tmp_path}: missing FER2013 (fer2013.csv, published at Kaggle) with its FER+ votes (fer2013new.csv"
    )
