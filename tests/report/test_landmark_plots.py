"""Figures of landmark errors show what they are given, and are the same bytes every time."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.figure import Figure
from PIL import Image

from pipeline.faces import points
from pipeline.faces.trust import TrustTest
from pipeline.report.sheets import landmark_plots


def read(png: bytes) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures before they become PNG."""
    figures: list[Figure] = []

    def keep(figure: Figure) -> bytes:
        figures.append(figure)
        return b""

    monkeypatch.setattr(landmark_plots, "_png", keep)
    return figures


def face() -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).uniform(0, 48, (points.COUNT, 2)).astype(np.float32)


def made_up_trust() -> TrustTest:
    return TrustTest(
        expected=np.array([0.05, 0.2, 0.5, np.inf], np.float32),
        error=np.array([0.04, 3.0, np.inf, np.inf]),
        kind=np.array(["plain", "plain", "pattern", "pattern"]),
    )


def test_error_curves_end_at_the_limit_and_bear_faces_that_were_not_found() -> None:
    errors = np.array([0.02, 0.04, np.inf])
    png = landmark_plots.error_curves({"common": errors}, 0.1)
    assert png == landmark_plots.error_curves({"common": np.array([0.04, 0.5, 0.02])}, 0.1)  # beyond it all alike
    assert b"matplotlib" not in png.lower()
    image = read(png).astype(int)
    blue = (np.abs(image - (31, 119, 180)).sum(axis=2) < 40).nonzero()
    assert blue[1].max() > 0.95 * image.shape[1]  # drawn on to the right end, at two thirds


def test_an_error_curve_is_the_share_of_faces_up_to_each_error(drawn: list[Figure]) -> None:
    errors = np.random.default_rng(0).gamma(3, 0.02, 50)
    landmark_plots.error_curves({"ours": errors, "theirs": errors / 2}, 0.1)
    axes = drawn[0].axes[0]
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["ours (n = 50)", "theirs (n = 50)"]
    for line, values in zip(axes.lines, (errors, errors / 2), strict=True):
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        assert line.get_drawstyle() == "steps-post"
        assert (x[0], x[-1]) == (0, pytest.approx(10))
        for at in np.linspace(0, 9.99, 37):
            assert y[np.searchsorted(x, at, side="right") - 1] == pytest.approx(100 * (values <= at / 100).mean())


def test_each_point_is_drawn_at_its_place_with_its_mean_error(drawn: list[Figure]) -> None:
    errors = np.random.default_rng(1).uniform(0.02, 0.05, (10, points.COUNT))
    errors[:, 56] += 0.1
    landmark_plots.errors_by_point(errors, face())
    axes = drawn[0].axes[0]
    dots = axes.collections[0]
    np.testing.assert_allclose(np.asarray(dots.get_offsets()), face(), atol=1e-6)
    np.testing.assert_allclose(np.asarray(dots.get_array()), 100 * errors.mean(0))
    named = [text.get_text() for text in axes.texts]
    assert len(named) == 5  # the worst of each part
    assert f"57: {100 * errors[:, 56].mean():.1f}%" in named  # users count from 1
    jaw = int(errors[:, :17].mean(0).argmax())
    assert named[0].startswith(f"{jaw + 1}: ")
    assert axes.yaxis_inverted()


def test_trust_shows_images_without_a_face_on_top_and_the_limit(drawn: list[Figure]) -> None:
    landmark_plots.trust(made_up_trust(), 0.08)
    axes = drawn[0].axes[0]
    plain, pattern = (np.asarray(dots.get_offsets()) for dots in axes.collections)
    np.testing.assert_allclose(plain, [[5, 4], [20, 100]], rtol=1e-5)
    np.testing.assert_allclose(pattern[0], [50, 100], rtol=1e-5)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["plain", "pattern", "max_error"]  # type: ignore[union-attr]
    assert np.asarray(axes.lines[0].get_xdata()).tolist() == pytest.approx([8, 8])


def test_figures_are_pictures_and_the_same_every_time() -> None:
    errors = np.random.default_rng(1).uniform(0.02, 0.05, (10, points.COUNT))
    one, other = ((landmark_plots.errors_by_point(errors, face()), landmark_plots.trust(made_up_trust(), 0.08))
                  for _ in range(2))  # fmt: skip
    assert one == other
    for png in one:
        assert read(png).std() > 5
