"""The figures of the report: curves and matrices, drawn by matplotlib, as the bytes of a PNG file."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator


def confusion_png(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> bytes:
    """A confusion matrix as a PNG: a row a true class, a column a predicted one, in percent of the row.

    Args:
        matrix: counts, K by K; a class without any row stays blank.
        classes: K names.
    """
    counts = np.asarray(matrix, float)
    totals = counts.sum(axis=1, keepdims=True)
    percent = 100 * np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    figure, axes = _figure(1.5 + 0.75 * len(classes), 1.1 + 0.65 * len(classes))
    axes.imshow(percent, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for row, column in np.argwhere(counts > 0):
        share = percent[row, column]
        axes.text(column, row, f"{share:.0f}", ha="center", va="center", color="white" if share > 55 else "black")
    axes.set_xticks(range(len(classes)), classes)
    names = [f"{name} ({total:.0f})" for name, total in zip(classes, totals[:, 0], strict=True)]
    axes.set_yticks(range(len(classes)), names)
    axes.set(xlabel="predicted", ylabel="true (images)", title="Percent of each true class")
    return _png(figure)


def curves_png(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    title: str,
    ylabel: str,
    xlabel: str = "epoch",
) -> bytes:
    """Named curves of (steps, values) as a PNG."""
    figure, axes = _figure(7, 4)
    for name, (steps, values) in curves.items():
        axes.plot(steps, values, label=name, marker="." if len(steps) < 30 else None)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.grid(alpha=0.3)
    if len(curves) > 1:
        axes.legend(frameon=False)
    return _png(figure)


def error_curves_png(errors: Mapping[str, npt.NDArray[np.floating[Any]]], limit: float) -> bytes:
    """Cumulative error curves as a PNG: the share of faces whose error is at most x, for x up to `limit`.

    Args:
        errors: by label, normalised mean errors (N,) as fractions.
        limit: where the axis ends.
    """
    figure, axes = _figure(7, 4.5)
    for name, values in errors.items():
        below = np.sort(values[values <= limit])
        heights = np.arange(len(below) + 1) / len(values)
        x, y = [0, *below, limit], [*heights, heights[-1]]
        label = f"{name} (n = {len(values)})"
        axes.step(np.multiply(100, x), np.multiply(100, y), where="post", label=label)
    axes.set(xlim=(0, 100 * limit), ylim=(0, 100), title="Cumulative error of the landmarks")
    axes.set(xlabel="mean error, % of the inter-ocular distance", ylabel="faces, %")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="best")
    return _png(figure)


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    """A figure of one plot, sizes in inches. Not through pyplot, which keeps every figure and looks for a
    display."""
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    return figure, figure.subplots()


def _png(figure: Figure) -> bytes:
    """The figure's bytes, the same for the same figure: no version of the software in it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
