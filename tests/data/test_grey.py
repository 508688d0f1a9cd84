"""Grey levels are those that a viewer sees, and contrast is their standard deviation."""

from __future__ import annotations

import tracemalloc

import numpy as np

from pipeline.data.grey import BLOCK, contrast, grey_on_disk, to_grey


def test_grey_levels_of_a_whole_data_set_are_those_of_each_image_and_not_in_memory() -> None:
    images = np.random.default_rng(0).integers(0, 256, (100, 80, 80, 3), np.uint8)
    tracemalloc.start()
    found = grey_on_disk(images)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(found, to_grey(images))
    assert most < found.nbytes / 5
    assert grey_on_disk(found) is found


def test_contrast_is_the_standard_deviation() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 48, 48)).astype(np.uint8)
    images[0] = 255
    np.testing.assert_allclose(contrast(images), images.reshape(20, -1).std(axis=1), atol=1e-9)
    assert contrast(images)[0] == 0


def test_contrast_of_many_images_is_that_of_each() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2 * BLOCK + 5, 6, 6, 3), np.uint8)
    np.testing.assert_array_equal(contrast(images), [contrast(image[None])[0] for image in images])


def test_contrast_of_many_images_in_colour_makes_no_grey_ones_of_all_of_them() -> None:
    images = np.zeros((2000, 100, 100, 3), np.uint8)
    tracemalloc.start()
    contrast(images)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < images.nbytes / 5


def test_contrast_of_a_large_image_does_not_overflow() -> None:
    image = np.zeros((1, 1024, 1024), np.uint8)
    image[:, :512] = 255
    assert contrast(image).tolist() == [127.5]


def test_contrast_of_colour_is_that_of_its_grey_levels() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 9, 9, 3)).astype(np.uint8)
    np.testing.assert_array_equal(contrast(images), contrast(to_grey(images)))
    assert (contrast(np.full((2, 9, 9, 3), (200, 10, 90), np.uint8)) == 0).all()


def test_grey_levels_weigh_red_green_and_blue_as_television_does() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 7, 8, 3)).astype(np.uint8)
    found = to_grey(images)
    assert (found.shape, found.dtype) == ((5, 7, 8), np.dtype(np.uint8))
    np.testing.assert_allclose(found, images @ [0.299, 0.587, 0.114], atol=0.51)


def test_grey_images_stay_as_they_are() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 7, 8)).astype(np.uint8)
    assert to_grey(images) is images
