"""Which images are looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sample_sets import refused
from tiny_networks import classifier_of, tiny_network

from pipeline.inside.looking import as_seen, own_images, typical_rows
from pipeline.inside.mean_face import mean_faces, upright

GREY = classifier_of(tiny_network(), ("happy", "sad"), 16)
COLOUR = classifier_of(tiny_network(), ("happy", "sad"), 16, channels=3)


def test_the_typical_image_of_a_class_has_the_median_probability() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 1], np.uint8)
    happy = np.array([0.0, 0.9, 0.5, 0.1, 0.3, 0.9, 0.6], np.float32)
    probabilities = np.stack([happy, 1 - happy], axis=1)
    tested = np.array([1, 2, 3, 4, 5, 6])
    assert typical_rows(tested, labels, probabilities).tolist() == [2, 6]


@pytest.mark.parametrize(("mode", "size"), [("L", (16, 16)), ("RGB", (40, 30)), ("P", (9, 17)), ("RGBA", (16, 16))])
def test_images_of_any_kind_become_what_the_classifier_takes(tmp_path: Path, mode: str, size: tuple[int, int]) -> None:
    path = tmp_path / "face.png"
    Image.new("RGB", size, (204, 204, 204)).convert(mode).save(path)
    for classifier, shape in ((GREY, (2, 16, 16)), (COLOUR, (2, 16, 16, 3))):
        images = own_images([path, path], classifier)
        assert images.shape == shape
        np.testing.assert_allclose(images, 204, atol=1)


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    path = tmp_path / "face.png"
    assert refused(own_images, [path], GREY) == f"{path}: missing; give the path of another image"
    path.write_bytes(b"\x89PNG\r\n\x1a\nno more")
    for broken in (path, tmp_path):
        said = refused(own_images, [broken], GREY)
        assert said.startswith(f"{broken}: ")
        assert said.endswith("give the path of another image")


def test_images_are_seen_as_networks_see_them() -> None:
    seen = as_seen(np.array([[[0, 255]]], np.uint8))
    torch.testing.assert_close(seen, torch.tensor([[[[-1.0, 1.0]]]]))


def test_mean_faces_do_not_depend_on_place_size_and_turn() -> None:
    rng = np.random.default_rng(0)
    face = rng.normal(size=(68, 2)).astype(np.float32)
    turned = 3 * face @ np.array([[0.6, 0.8], [-0.8, 0.6]], np.float32) + [20, 10]
    one, other = upright(np.stack([face, turned.astype(np.float32)]))
    np.testing.assert_allclose(one, other, atol=1e-4)
    np.testing.assert_allclose(one[[36, 45]], [[-0.5, 0], [0.5, 0]], atol=1e-6)
    means = mean_faces(np.stack([face, turned, -face]).astype(np.float32), np.array([2, 2, 5], np.uint8))
    assert list(means) == [2, 5]
    np.testing.assert_allclose(means[2], one, atol=1e-4)
