"""Images that occur more than once are found however they were saved, different faces are not joined, and the test
images that are known elsewhere are those that one counts by hand."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from scipy.ndimage import gaussian_filter

from pipeline.common.arrays import save_arrays
from pipeline.common.files import InputError
from pipeline.data import twin_search
from pipeline.data.pictures import resized
from pipeline.data.roles import OUTSIDE, ROLES
from pipeline.data.twin_search import find_copies, find_twins
from pipeline.data.twins import Twins, known_rows
from pipeline.demo import fer
from pipeline.params import load_params

Image = npt.NDArray[np.uint8]

DEFAULT = load_params(Path(__file__).parents[2] / "params.yaml").twins.min_correlation


def shaded_images(count: int, side: int = 48) -> Image:
    """Light and shade, and details as large as those of a face at 48 pixels."""
    noise = np.random.default_rng(0).normal(0, 1, (2, count, side, side))
    shade, detail = (
        np.stack([cv2.GaussianBlur(image, (0, 0), size) * size for image in part])
        for part, size in zip(noise, (6, 2), strict=True)
    )
    return np.asarray((128 + 130 * shade + 70 * detail).clip(0, 255), np.uint8)


def demo_faces(count: int) -> Image:
    """Faces of that many people."""
    return np.stack([fer.draw_face(fer.NAMES[seed % 7], np.random.default_rng([7, seed]))[0] for seed in range(count)])


def waves(*degrees: float) -> Image:
    """Images of which any two have a correlation that is the cosine of the angle between them, and 0 when mirrored.

    The waves are so short that no shade is left in them.
    """
    wave = np.sin(2 * np.pi * (np.arange(48) + 0.5) / 4)
    across, down = wave[np.newaxis].repeat(48, axis=0), wave[:, np.newaxis].repeat(48, axis=1)
    angles = np.deg2rad(degrees)[:, np.newaxis, np.newaxis]
    return np.asarray(np.rint(128 + 80 * (np.cos(angles) * across + np.sin(angles) * down)), np.uint8)


def saved_twice(count: int) -> Image:
    """So many images of grey spots, each also a pixel further left and mirrored, lightened."""
    once = shaded_images(count)
    again = [lightened(np.roll(image, -1, axis=1)[:, ::-1]) for image in once]
    return np.concatenate([once, again])


@pytest.fixture
def in_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some images are searched as many would be."""
    monkeypatch.setattr(twin_search, "CELL", 10)


def test_twins_of_many_images_are_those_that_share_a_cell(in_cells: None) -> None:
    found = find_twins(saved_twice(150), DEFAULT).twins
    np.testing.assert_array_equal(found, np.tile(np.arange(150), 2))


def candidates(images: Image) -> list[tuple[int, int]]:
    """The pairs that are correlated, whatever comes of it."""
    squares = twin_search._squares(images)
    held = twin_search._in_cells(squares, twin_search._landmarks(images, squares))
    one, other = twin_search._candidates(held, held)
    return [*zip(one.tolist(), other.tolist(), strict=True)]


def test_of_many_images_few_pairs_are_correlated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin_search, "CELL", 4)
    monkeypatch.setattr(twin_search, "CANDIDATE", -1.0)  # whatever is correlated is a pair
    found = candidates(shaded_images(400))
    assert 0 < len(found) < 0.5 * 400 * 399 / 2
    assert all(one < other for one, other in found)
    assert len(set(found)) == len(found)


def test_no_cell_holds_a_large_part_of_the_images() -> None:
    """All are like one, some more and some less; those that are more so would be the nearest of nearly half of them."""
    rng = np.random.default_rng(0)
    own, shared = (twin_search._standardised(rng.normal(0, 1, (count, 100)).astype(np.float32)) for count in (4000, 1))
    share = rng.uniform(0, 0.9, (4000, 1))
    rows = twin_search._standardised((share * shared + np.sqrt(1 - share**2) * own).astype(np.float32))
    assert np.bincount(twin_search._nearest(rows, rows[:100]).ravel()).max() < 4000 / 3


@pytest.mark.parametrize("count", [1, 9, 10, 119])
def test_of_few_images_all_pairs_are_correlated(monkeypatch: pytest.MonkeyPatch, in_cells: None, count: int) -> None:
    monkeypatch.setattr(twin_search, "CANDIDATE", -1.0)
    assert candidates(shaded_images(count)) == [*combinations(range(count), 2)]


def test_the_order_of_many_images_does_not_matter(in_cells: None) -> None:
    images = saved_twice(100)
    order = np.random.default_rng(0).permutation(len(images))
    found, again = find_twins(images, DEFAULT).twins, find_twins(images[order], DEFAULT).twins
    np.testing.assert_array_equal(found[order][:, None] == found[order], again[:, None] == again)


def lightened(image: Image) -> Image:
    return np.asarray(np.clip(0.8 * image + 45, 0, 255), np.uint8)


def darkened(image: Image) -> Image:
    return np.asarray(np.clip(1.1 * image - 30, 0, 255), np.uint8)


def shifted_across(image: Image) -> Image:
    return np.concatenate([image[:, 1:], image[:, -1:]], axis=1)


def shifted_down(image: Image) -> Image:
    return np.concatenate([image[:1], image[:-1]])


def shifted_both_ways(image: Image) -> Image:
    return np.pad(image, ((1, 0), (0, 1)), "edge")[:-1, 1:]


def mirrored(image: Image) -> Image:
    return image[:, ::-1]


def saved_as_jpeg(image: Image) -> Image:
    return fer.compressed(image, 40)


def watermarked(image: Image) -> Image:
    drawn = image.copy()
    cv2.putText(drawn, "photo", (4, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.35, 255, 1, cv2.LINE_AA)
    return cv2.addWeighted(image, 0.75, drawn, 0.25, 0).astype(np.uint8)


def mirrored_and_darkened(image: Image) -> Image:
    return saved_as_jpeg(darkened(mirrored(image)))


IN_PLACE = [lightened, darkened, mirrored, saved_as_jpeg, watermarked, mirrored_and_darkened]


def parts(groups: npt.NDArray[np.int32], names: npt.NDArray[np.int64] | None = None) -> set[frozenset[int]]:
    """The groups as sets of rows; with `names` the rows are called by these."""
    names = np.arange(len(groups)) if names is None else names
    return {frozenset(names[groups == group].tolist()) for group in np.unique(groups)}


@pytest.mark.parametrize("change", [*IN_PLACE, shifted_across, shifted_down, shifted_both_ways])
def test_finds_an_image_that_was_changed(change: Callable[[Image], Image]) -> None:
    images = shaded_images(12)
    found = find_twins(np.concatenate([images, np.stack([change(image) for image in images])]), DEFAULT)
    assert found.twins.tolist() == [*range(12), *range(12)]
    assert found.copies.tolist() == list(range(24))


@pytest.mark.parametrize("side", [36, 49, 96, 256])
@pytest.mark.parametrize("change", [darkened, mirrored, shifted_both_ways])
def test_finds_a_changed_image_of_any_side(change: Callable[[Image], Image], side: int) -> None:
    """What was changed at 48 pixels is found at any side, since it is compared at 48."""
    images = shaded_images(12)
    every = np.concatenate([images, np.stack([change(image) for image in images])])
    found = find_twins(np.stack([resized(image, side) for image in every]), DEFAULT)
    assert found.twins.tolist() == [*range(12), *range(12)]


def test_large_images_are_not_held_in_memory_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    saved = np.lib.format.open_memmap(tmp_path / "images.npy", "w+", np.uint8, (150, 256, 256, 3))
    saved[:] = rng.integers(0, 256, saved.shape, np.uint8)
    tracemalloc.start()
    found = find_twins(np.asarray(saved), DEFAULT)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(np.unique(found.twins)) == 150
    assert most < saved.nbytes / 5


@pytest.mark.parametrize("side", [48, 49])
def test_an_edge_that_only_one_of_two_mirrored_images_has_counts_alike_in_either_order(side: int) -> None:
    image = np.asarray(100 + (shaded_images(1, side)[0] - 128.0) / 8, np.uint8)
    edged = image.copy()
    edged[:, -1] += 60
    pair = np.stack([edged, mirrored(image)])
    assert find_twins(pair, 0.5).twins.tolist() == find_twins(pair[::-1], 0.5).twins.tolist()


@pytest.mark.parametrize("side", [48, 49])
def test_finds_a_changed_image_in_colour(side: int) -> None:
    grey = shaded_images(12, side)
    images = np.stack([grey, grey // 2, 255 - grey // 2], axis=-1)
    found = find_twins(np.concatenate([images, darkened(images[:, :, ::-1])]), DEFAULT)
    assert found.twins.tolist() == [*range(12), *range(12)]
    assert found.copies.tolist() == list(range(24))


def test_copies_agree_in_every_channel() -> None:
    images = np.stack([shaded_images(3)] * 3, axis=-1)
    images[1], images[2] = images[0], images[0]
    images[2, 47, 47, 2] ^= 1
    assert find_copies(images).tolist() == [0, 0, 1]


@pytest.mark.parametrize("change", IN_PLACE)
def test_finds_a_face_that_was_changed(change: Callable[[Image], Image]) -> None:
    images = demo_faces(12)
    found = find_twins(np.concatenate([images, np.stack([change(image) for image in images])]), DEFAULT)
    assert found.twins.tolist() == [*range(12), *range(12)]


def test_different_people_are_no_twins() -> None:
    assert find_twins(demo_faces(120), DEFAULT).twins.tolist() == list(range(120))


@pytest.mark.parametrize(("min_correlation", "joined"), [(0.90, True), (0.94, True), (0.96, False), (0.99, False)])
def test_the_threshold_is_a_correlation(min_correlation: float, joined: bool) -> None:
    pair = waves(0, np.rad2deg(np.arccos(0.95)))
    assert find_twins(pair, min_correlation).twins.tolist() == ([0, 0] if joined else [0, 1])


def test_light_and_shade_alone_make_no_twins() -> None:
    """Two faces under one light: their grey levels correlate, their details do not."""
    shade = 40 * np.sin(np.pi * np.arange(48) / 47)
    images = np.rint(128 + 2 * shade + 12 * (waves(0, 90) - 128.0) / 80).astype(np.uint8)
    one, other = images.reshape(2, -1)
    assert np.corrcoef(one, other)[0, 1] > 0.85
    assert find_twins(images, 0.2).twins.tolist() == [0, 1]


def test_opposite_images_are_no_twins() -> None:
    images = np.concatenate([shaded_images(1), waves(90)])  # the second is its own mirror image
    assert find_twins(np.concatenate([images, 255 - images]), 0.5).twins.tolist() == [0, 1, 2, 3]


def test_twins_of_a_twin_are_in_its_group() -> None:
    """The first and the third have a correlation of 0.87 only."""
    assert find_twins(waves(0, 30), 0.94).twins.tolist() == [0, 1]
    assert find_twins(waves(0, 30, 15), 0.94).twins.tolist() == [0, 0, 0]
    assert find_twins(waves(0, 30, 15, 90, 75, 60), 0.94).twins.tolist() == [0, 0, 0, 1, 1, 1]


def mixed() -> Image:
    """40 images: copies, near twins and others, in no order."""
    images = shaded_images(20)
    again = np.concatenate([images[:8], np.stack([mirrored_and_darkened(image) for image in images[4:16]])])
    every = np.concatenate([images, again])
    return every[np.random.default_rng(1).permutation(len(every))]


def test_groups_do_not_depend_on_the_order_of_the_rows() -> None:
    images = mixed()
    found = find_twins(images, DEFAULT)
    sizes = sorted(len(part) for part in parts(found.twins))
    assert sizes == [1] * 4 + [2] * 12 + [3] * 4
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(images))
        other = find_twins(images[order], DEFAULT)
        assert parts(other.twins, order) == parts(found.twins)
        assert parts(other.copies, order) == parts(found.copies)


@pytest.mark.parametrize("chunk", [1, 3, 7, 39, 40])
def test_groups_do_not_depend_on_how_many_rows_are_compared_at_a_time(
    monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    images = mixed()
    whole = find_twins(images, DEFAULT)
    for name in ("CHUNK", "PAIRS"):
        monkeypatch.setattr(twin_search, name, chunk)
    found = find_twins(images, DEFAULT)
    assert found.twins.tolist() == whole.twins.tolist()
    assert found.copies.tolist() == whole.copies.tolist()


def test_details_agree_as_far_as_they_correlate_at_the_best_shift() -> None:
    """Against scipy's blur and numpy's correlation, also of images without much contrast."""
    rng = np.random.default_rng(0)
    smooth = gaussian_filter(rng.normal(0, 1, (40, 48, 48)), (0, 1.5, 1.5))
    contrasts = np.where(np.arange(40) % 4, 150, 12)[:, None, None]
    images = (128 + contrasts * smooth).clip(0, 255).astype(np.uint8)
    images[20:] = np.roll(images[:20], (1, -2), (1, 2))
    one, other = np.arange(40), (np.arange(40) + rng.choice([0, 7, 20], 40)) % 40
    levels = images.astype(np.float64)
    details = levels - gaussian_filter(levels, (0, twin_search.SHADE, twin_search.SHADE), mode="reflect")
    expected = [
        max(
            np.corrcoef(details[a, 2:46, 2:46].ravel(), details[b, y : y + 44, x : x + 44].ravel())[0, 1]
            for y, x in np.ndindex(5, 5)
        )
        for a, b in zip(one, other, strict=True)
    ]
    found = twin_search._agreement(images, images, one, other)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert min(expected) < 0.3


def test_groups_are_numbered_by_first_appearance() -> None:
    a, b, c, d = shaded_images(4)
    images = np.stack([c, a, c, mirrored(a), d, b, saved_as_jpeg(c), a])
    found = find_twins(images, DEFAULT)
    assert found.copies.tolist() == [0, 1, 0, 2, 3, 4, 5, 1]
    assert found.twins.tolist() == [0, 1, 0, 1, 2, 3, 0, 1]
    assert found.copies.dtype == found.twins.dtype == np.int32


def test_a_group_of_twins_holds_whole_groups_of_copies() -> None:
    found = find_twins(mixed(), DEFAULT)
    for copies in parts(found.copies):
        assert len(set(found.twins[sorted(copies)].tolist())) == 1


def test_1_finds_identical_images_alone() -> None:
    images = mixed()
    found = find_twins(images, 1)
    assert found.twins.tolist() == found.copies.tolist() == find_copies(images).tolist()
    assert len(parts(found.copies)) == 32
    dark = shaded_images(20) // 2
    lighter = find_twins(np.concatenate([dark, dark + 5]), 1)  # a correlation of 1, but for rounding
    assert lighter.twins.tolist() == list(range(40))


def test_copies_are_equal_in_every_pixel() -> None:
    images = np.zeros((4, 48, 48), np.uint8)
    images[1, 47, 47] = 1
    images[2, 0, 0] = 1
    assert find_copies(images).tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize("others", [0, 5])
def test_images_without_contrast_have_only_copies(others: int) -> None:
    """Even ones, and one pattern that is too faint to be seen; with other images and without."""
    even = np.full((1, 48, 48), 100, np.uint8)
    faint = np.rint(waves(0) / 30).astype(np.uint8)  # 2 to 6 grey levels
    images = np.concatenate([even, even + 1, even, faint, faint + 20, faint, shaded_images(others + 1)[1:]])
    found = find_twins(images, 0.5)
    assert found.twins[:6].tolist() == [0, 1, 0, 2, 3, 2]
    assert find_twins(np.concatenate([waves(0), waves(0) // 2]), DEFAULT).twins.tolist() == [0, 0]


def test_an_image_that_averages_to_an_even_one_has_only_copies() -> None:
    board = (np.indices((48, 48)).sum(axis=0) % 2 * 200).astype(np.uint8)
    images = np.stack([board, 200 - board, board, *shaded_images(2)])
    assert find_twins(images, 0.5).twins.tolist()[:3] == [0, 1, 0]


def test_saved_is_loaded_and_the_same_bytes(tmp_path: Path) -> None:
    twins = find_twins(mixed(), DEFAULT)
    twins.save(tmp_path / "one.npz")
    twins.save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    loaded = Twins.load(tmp_path / "one.npz")
    for name, array in vars(twins).items():
        np.testing.assert_array_equal(getattr(loaded, name), array)
        assert getattr(loaded, name).dtype == array.dtype


def test_refuses_another_file(tmp_path: Path) -> None:
    path = tmp_path / "twins.npz"
    with pytest.raises(InputError, match="missing; run `dvc repro` to make it"):
        Twins.load(path)
    save_arrays(path, copies=np.zeros(3, np.int32))
    with pytest.raises(InputError, match="holds no array 'twins'; delete it"):
        Twins.load(path)
    save_arrays(path, copies=np.zeros(3, np.int32), twins=np.zeros(2, np.int32))
    with pytest.raises(InputError, match="differ in length; delete it"):
        Twins.load(path)


def test_test_images_with_a_twin_in_another_role_are_known() -> None:
    cases = [  # role, group, known
        ("train", 0, False),  # twin of a test image
        ("train", 1, False),  # twin of a validation image
        ("train", 2, False),
        ("validation", 1, False),
        ("validation", 4, False),
        ("unused", 7, False),
        ("test", 0, True),
        ("test", 4, True),
        ("test", 7, True),
        ("test", 5, False),  # twins of each other
        ("test", 5, False),
        ("test", 6, False),
        ("test", 8, False),  # twin of an outside image
        ("outside", 8, False),
        ("outside", 2, True),
    ]
    role, groups, known = zip(*cases, strict=True)
    assert set(role) == {*ROLES, OUTSIDE}
    assert known_rows(np.array(groups, np.int32), np.array(role)).tolist() == list(known)
