"""Images cut to a region per second: fercrop's way, and one image at a time with scikit-image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from skimage.transform import resize

from benchmarks import side_by_side
from pipeline.data.expressions import Expressions
from pipeline.faces.located import Located
from pipeline.params import load_params
from pipeline.regions.boxes import boxes
from pipeline.regions.cutting import Cut, cut
from pipeline.regions.definitions import follows_points

FEW = 500  # for the slow way


def one_by_one(images: npt.NDArray[np.uint8], where: npt.NDArray[np.float32], side: int) -> npt.NDArray[np.uint8]:
    """Slice at whole pixels, resize bicubically."""
    cuts = []
    for image, box in zip(images, where, strict=True):
        x0, y0, x1, y1 = np.round(box + 0.5).astype(int)
        part = image[y0:y1, x0:x1]
        cuts.append(resize(part, (side, side), order=3, preserve_range=True))  # type: ignore[no-untyped-call]
    return np.stack(cuts).clip(0, 255).astype(np.uint8)


def main() -> None:
    images = Expressions.load(Path("data/expressions")).images
    side = images.shape[1]
    points = Located.load(Path("data/landmarks.npz")).points
    for name, region in load_params().regions.items():
        if not follows_points(region):
            continue
        usable = np.isfinite(points).all((1, 2))
        shown, where = images[usable], boxes(points[usable], region, (side, side))
        ways = {
            "fercrop": (len(shown), lambda shown=shown, where=where: cut(shown, Cut.upright(where), side)),
            "one by one": (FEW, lambda shown=shown, where=where: one_by_one(shown[:FEW], where[:FEW], side)),
        }
        side_by_side(f"cutting {name}", "images", ways)


if __name__ == "__main__":
    main()
