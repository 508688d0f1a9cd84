"""The test faces with their true and their found points, seen as photographs and as FER2013 would show them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.common.arrays import load_arrays, save_arrays
from pipeline.common.files import InputError
from pipeline.faces import errors, points
from pipeline.faces.squares import INPUT

# Each view's name and its side in pixels. At 48 pixels the square is jittered: nobody hands over a true box there.
VIEWS = {"full_resolution": INPUT, "grey_48": 48}
TEST_SPLITS = ("common", "challenging")


@dataclass(frozen=True)
class FaceTests:
    """What a detector finds on 300-W's test images.

    Attributes:
        subset: (N,) the collection that a face is from: helen, lfpw, ibug.
        split: (N,) its official test set: common or challenging.
        images: for each view (N, side, side) uint8 grey.
        true: for each view (N, 68, 2) in its pixels.
        found: likewise, by a detector.
    """

    subset: npt.NDArray[np.str_]
    split: npt.NDArray[np.str_]
    images: dict[str, npt.NDArray[np.uint8]]
    true: dict[str, npt.NDArray[np.float32]]
    found: dict[str, npt.NDArray[np.float32]]

    def save(self, path: Path) -> None:
        """Write the file whole."""
        views = {f"{kind}_{view}": getattr(self, kind)[view] for kind in ("images", "true", "found") for view in VIEWS}
        save_arrays(path, subset=self.subset, split=self.split, **views)

    @classmethod
    def load(cls, path: Path) -> FaceTests:
        """Read what `save` wrote. Raises InputError if it is missing or damaged, or a value cannot be."""
        schema: dict[str, tuple[str, tuple[int | None, ...]]] = {"subset": ("U", (None,)), "split": ("U", (None,))}
        for view, side in VIEWS.items():
            schema[f"images_{view}"] = ("uint8", (None, side, side))
            schema[f"true_{view}"] = schema[f"found_{view}"] = ("float32", (None, points.COUNT, 2))
        arrays = load_arrays(path, schema)
        kinds = {kind: {view: arrays[f"{kind}_{view}"] for view in VIEWS} for kind in ("images", "true", "found")}
        tests = cls(arrays["subset"], arrays["split"], **kinds)
        places = [*tests.true.values(), *tests.found.values()]
        for wrong, finding in (
            (not len(tests.split), "holds no face"),
            (not np.isin(tests.split, TEST_SPLITS).all(), f"has a split that is not one of {', '.join(TEST_SPLITS)}"),
            (not all(np.isfinite(of).all() for of in places), "has a point that is not finite"),
        ):
            if wrong:
                raise InputError(f"{path}: {finding}; delete it and run `dvc repro`")
        return tests

    def groups(self) -> dict[str, npt.NDArray[np.bool_]]:
        """The rows of each test set and, where it has several, of each of its collections."""
        groups = {}
        for split in (name for name in TEST_SPLITS if (self.split == name).any()):
            groups[split] = self.split == split
            subsets = sorted(set(self.subset[groups[split]].tolist()))
            if len(subsets) > 1:
                groups.update({f"{split}_{name}": groups[split] & (self.subset == name) for name in subsets})
        return groups

    def errors(self, view: str) -> npt.NDArray[np.float64]:
        """(N,) inter-ocular NME of each face."""
        return errors.nme(self.found[view], self.true[view])

    def errors_by_point(self, view: str) -> npt.NDArray[np.float64]:
        """(N, 68) distance of each point, as a fraction of its face's inter-ocular distance."""
        distances = np.linalg.norm(self.found[view].astype(np.float64) - self.true[view], axis=-1)
        errors: npt.NDArray[np.float64] = distances / points.interocular(self.true[view])[:, None]
        return errors

    def scores(self) -> dict[str, Any]:
        """For each group and view the number of faces, mean NME, AUC and failure rate at 10%."""
        return {
            group: {
                view: {
                    "n": int(rows.sum()),
                    "nme": float(self.errors(view)[rows].mean()),
                    "auc": errors.auc(self.errors(view)[rows]),
                    "failure_rate": errors.failure_rate(self.errors(view)[rows]),
                }
                for view in VIEWS
            }
            for group, rows in self.groups().items()
        }
