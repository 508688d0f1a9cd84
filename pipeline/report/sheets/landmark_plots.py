"""Plots of the landmark errors, as PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from pipeline.faces import points
from pipeline.faces.trust import TrustTest


def error_curves(errors: Mapping[str, npt.NDArray[np.floating[Any]]], limit: float) -> bytes:
    """Cumulative error curves: the share of faces whose error is at most x, for x up to `limit`.

    Args:
        errors: by label, normalised mean errors (N,) as fractions.
        limit: where the axis ends.
    """
    figure = _figure()
    axes = figure.subplots()
    for name, values in errors.items():
        below = np.sort(values[values <= limit])
        heights = np.arange(len(below) + 1) / len(values)
        steps, reached = [0, *below, limit], [*heights, heights[-1]]
        label = f"{name} (n = {len(values)})"
        axes.step(np.multiply(100, steps), np.multiply(100, reached), where="post", label=label)
    axes.set(xlim=(0, 100 * limit), ylim=(0, 100), title="Cumulative error of the landmarks")
    axes.set(xlabel="mean error, % of the inter-ocular distance", ylabel="faces, %")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="best")
    return _png(figure)


def errors_by_point(errors: npt.NDArray[np.floating[Any]], shape: npt.NDArray[np.float32]) -> bytes:
    """The mean error of each point, drawn where the point lies in a mean face: the larger, the worse.

    Args:
        errors: (N, 68), as fractions of the inter-ocular distance.
        shape: (68, 2), the mean face, y down.
    """
    figure = _figure()
    axes = figure.subplots()
    mean = 100 * errors.mean(0)
    for contour, closed in points.CONTOURS:
        line = [*contour, contour[0]] if closed else list(contour)
        axes.plot(*shape[line].T, color="0.85", linewidth=1, zorder=1)
    drawn = axes.scatter(shape[:, 0], shape[:, 1], s=30 * mean, c=mean, cmap="viridis", zorder=2)
    for part in (points.JAW, points.BROWS, points.NOSE, points.EYES, points.LIPS):
        worst = part[int(mean[list(part)].argmax())]
        axes.annotate(f"{worst + 1}: {mean[worst]:.1f}%", shape[worst], (4, 4), textcoords="offset points", fontsize=8)
    figure.colorbar(drawn, label="mean error, % of the inter-ocular distance")
    axes.set(title="Error by point; the worst of each part with its number", xticks=[], yticks=[])
    axes.set_aspect("equal")
    axes.invert_yaxis()
    return _png(figure)


def trust(test: TrustTest, limit: float) -> bytes:
    """Each test image's true error against the expected one, by kind; images without a face on top.

    Args:
        test: what was found on the hard test faces.
        limit: `landmarks.max_error`, drawn as a line.
    """
    figure = _figure()
    axes = figure.subplots()
    top = 100.0
    for kind in dict.fromkeys(test.kind.tolist()):
        rows = test.kind == kind
        true = np.where(np.isfinite(test.error[rows]), 100 * test.error[rows], top)
        axes.scatter(100 * test.expected[rows], np.minimum(true, top), s=5, alpha=0.5, linewidth=0, label=kind)
    axes.axvline(100 * limit, color="0.3", linewidth=1, linestyle="--", label="max_error")
    axes.plot([1, top], [1, top], color="0.7", linewidth=1, zorder=0)
    axes.set(xscale="log", yscale="log", xlim=(1, top), ylim=(1, 1.1 * top), title="Can the expected error be trusted?")
    axes.set(xlabel="expected error, %", ylabel="true error, %; no face: on top")
    axes.legend(frameon=False, loc="lower right", markerscale=3)
    return _png(figure)


def _figure() -> Figure:
    # Not through pyplot, which keeps every figure and looks for a display.
    return Figure(figsize=(7, 4.5), dpi=110, layout="constrained")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    # The same bytes for the same content: no version of the software in it.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
