"""What stands in a hidden part: no detail, or as much of it in no place."""

from __future__ import annotations

import numpy as np
import pytest
from sample_sets import smooth_images

from pipeline.inside.fillings import FILLINGS, blurred, noise


@pytest.mark.parametrize("name", FILLINGS)
@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_an_image_of_the_same_kind_the_same_every_time(name: str, channels: int) -> None:
    images = smooth_images(3)
    if channels == 3:
        images = np.stack([images, images[::-1], 255 - images], axis=-1)
    filled = FILLINGS[name](images)
    assert filled.dtype == np.uint8
    assert filled.shape == images.shape
    np.testing.assert_array_equal(filled, FILLINGS[name](images))
    assert (filled != images).mean() > 0.9


def test_blur_keeps_where_it_is_light_and_takes_the_detail() -> None:
    images = np.zeros((1, 48, 48), np.uint8)
    images[:, :, 24:] = 200
    stripes = np.tile(np.array([0, 200], np.uint8), (1, 48, 24))
    assert blurred(images)[0, 24, 2] < 20 < 180 < blurred(images)[0, 24, 45]
    assert np.ptp(blurred(stripes)[0].astype(int)) < 20  # a tenth of the contrast, and that at the border


def test_noise_keeps_mean_and_spectrum_and_takes_the_places() -> None:
    images = smooth_images(6) // 2 + 60  # away from black and white, where noise is cut off
    filled = noise(images)
    means = images.mean(axis=(1, 2)), filled.mean(axis=(1, 2))
    np.testing.assert_allclose(*means, atol=3)
    of, by = (np.abs(np.fft.fft2(each - each.mean(axis=(1, 2), keepdims=True))) for each in (images, filled))
    for row in range(6):
        assert np.corrcoef(of[row].ravel(), by[row].ravel())[0, 1] > 0.9
        assert abs(np.corrcoef(images[row].ravel(), filled[row].ravel())[0, 1]) < 0.5
