"""How far to trust found points: a detector's uncertainty, translated into the error to expect.

It is learnt from faces that no detector of ours was trained on, and from pictures without a face; see `hard_faces`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.common.files import InputError, write_json
from pipeline.common.records import read_json
from pipeline.data.grey import MIN_CONTRAST, contrast
from pipeline.faces.errors import nme
from pipeline.faces.hard_faces import HardFaces

# Points whose error is above this are too bad to cut by.
BAD = 0.08
# What an image without a face counts as, and the worst that a face can: by then no point lies where it belongs.
LOST = 0.5
# Uncertainties are learnt from in so many groups of equal size: enough for the curve's bend, and for a mean each.
GROUPS = 40


@dataclass(frozen=True)
class Trust:
    """A curve from uncertainty to error.

    Attributes:
        provider: the detector that it belongs to.
        uncertainty: ascending.
        error: for each uncertainty the mean error to expect (NME), as a fraction of the inter-ocular distance; from 0
            to `LOST`, never descending.
    """

    provider: str
    uncertainty: npt.NDArray[np.float64]
    error: npt.NDArray[np.float64]

    def expected_error(self, uncertainty: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The error (N,) to expect of each image, between the curve's points and beyond them by its ends."""
        return np.interp(uncertainty, self.uncertainty, self.error).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write `models/trust.json`."""
        write_json(
            path, {"provider": self.provider, "uncertainty": self.uncertainty.tolist(), "error": self.error.tolist()}
        )

    @classmethod
    def load(cls, path: Path, provider: str) -> Trust:
        """Read what `save` wrote. Raises InputError if it is missing, damaged or of another detector than this."""
        content = read_json(path)
        try:
            learnt_for = str(content["provider"])
            uncertainty, error = (np.array(content[key], np.float64) for key in ("uncertainty", "error"))
            whole = uncertainty.ndim == 1 and uncertainty.shape == error.shape and len(uncertainty) > 0
            if not (whole and np.isfinite([uncertainty, error]).all() and (np.diff(uncertainty) > 0).all()):
                raise ValueError
            if error[0] < 0 or error[-1] > LOST or (np.diff(error) < 0).any():
                raise ValueError
        except (KeyError, TypeError, ValueError, OverflowError):
            raise InputError(f"{path}: no curve of trust; delete it and run `dvc repro`") from None
        if learnt_for != provider:
            raise InputError(
                f"{path}: learnt for the points of {learnt_for}, but landmarks.provider is {provider}; run `dvc repro`"
            )
        return cls(provider, uncertainty, error)


@dataclass(frozen=True)
class TrustTest:
    """Expected and true errors of N images, as fractions of the inter-ocular distance.

    Attributes:
        expected: (N,).
        error: (N,), infinite where there is no face.
        kind: (N,), see `hard_faces.KINDS`.
    """

    expected: npt.NDArray[np.float32]
    error: npt.NDArray[np.float64]
    kind: npt.NDArray[np.str_]

    def scores(self, max_error: float) -> dict[str, Any]:
        """How well bad points are told from good ones, ready for JSON.

        `auc` is the area under the ROC curve for telling errors above `limit` from the rest; `caught` is the share of
        those that `max_error` sorts out, `lost` the share of the good that it sorts out with them. `kinds` has for each
        kind the number of images, the median true error (None where most have no face), and the share sorted out.
        """
        from sklearn.metrics import roc_auc_score  # 0.7 s, and needed only here

        bad = np.greater(self.error, BAD)
        out = np.greater(self.expected, max_error)
        kinds = {}
        for kind in dict.fromkeys(self.kind.tolist()):
            rows = self.kind == kind
            median = float(np.median(self.error[rows]))
            kinds[kind] = {
                "n": int(rows.sum()),
                "median_error": median if np.isfinite(median) else None,
                "sorted_out": float(out[rows].mean()),
            }
        return {
            "n": len(self.error),
            "limit": BAD,
            "bad": int(bad.sum()),
            "auc": float(roc_auc_score(bad, np.minimum(self.expected, LOST))) if bad.any() and not bad.all() else None,
            "caught": float(out[bad].mean()) if bad.any() else None,
            "lost": float(out[~bad].mean()) if not bad.all() else None,
            "kinds": kinds,
        }


def true_errors(hard: HardFaces, points: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The NME (N,) of points found in hard faces; infinite where there is no face."""
    faces = np.isfinite(hard.points).all((1, 2))
    errors = np.full(len(hard.points), np.inf)
    errors[faces] = nme(points[faces], hard.points[faces])
    return errors


def learn(provider: str, uncertainty: npt.NDArray[np.float32], error: npt.NDArray[np.float64]) -> Trust:
    """The curve through the means of groups of equal uncertainty, made to ascend by isotonic regression.

    Args:
        provider: the detector's name.
        uncertainty: (N,), what it said of N images.
        error: (N,), the true NME of each; infinite for images without a face.
    """
    from sklearn.isotonic import IsotonicRegression  # 0.7 s, and needed only here

    order = np.argsort(uncertainty, kind="stable")
    groups = [group for group in np.array_split(order, GROUPS) if len(group)]
    middle = np.array([np.median(uncertainty[group]) for group in groups], np.float64)
    mean = np.array([np.minimum(error[group], LOST).mean() for group in groups])
    ascending = IsotonicRegression().fit_transform(middle, mean)
    # Of a level stretch only its middle, so that uncertainties in it are still told apart.
    levels = np.unique(ascending)
    return Trust(provider, np.array([middle[ascending == level].mean() for level in levels]), levels)


def expected_error(
    images: npt.NDArray[np.uint8], uncertainty: npt.NDArray[np.float32], trust: Trust
) -> npt.NDArray[np.float32]:
    """The error (N,) to expect of the points found in each image; infinite where there is nothing to see."""
    return np.where(contrast(images) < MIN_CONTRAST, np.float32(np.inf), trust.expected_error(uncertainty))
