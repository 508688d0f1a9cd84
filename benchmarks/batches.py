"""Images per second in onnxruntime: some at a time, and one at a time, by the networks of `exported/`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from benchmarks import side_by_side
from pipeline.faces.squares import INPUT
from pipeline.use.models import load_models

COUNT = 64
SIZES = (16, 8, 32, 1)


def by(
    session: onnxruntime.InferenceSession, images: npt.NDArray[np.float32], size: int
) -> tuple[int, Callable[[], object]]:
    """How many images there are, and what asks about so many at a time."""
    name = session.get_inputs()[0].name

    def ask() -> None:
        for start in range(0, len(images), size):
            session.run(None, {name: images[start : start + size]})

    return len(images), ask


def main() -> None:
    models = load_models(Path("exported"))
    asked = {"landmarks": (models.landmarks, (1, INPUT, INPUT))}
    for one in models.classifiers:
        asked[one.about.name] = one.session, (one.about.channels, one.about.side, one.about.side)
    for name, (session, shape) in asked.items():
        images = np.random.default_rng(0).integers(0, 256, (COUNT, *shape)).astype(np.float32)
        side_by_side(name, "images", {f"{size} at a time": by(session, images, size) for size in SIZES}, rounds=5)


if __name__ == "__main__":
    main()
