"""The landmark model's network; `landmark_network` is all that the rest of fercrop needs of it."""

from __future__ import annotations

from pipeline.faces.network.xception import Xception


def landmark_network(*, points: int, width: float, head: str) -> Xception:
    """A new landmark model with random weights.

    Args:
        points: how many it finds.
        width: of every layer, as a fraction of the paper's.
        head: direct or voting, see `heads`.

    Returns:
        A module from (N, 1, height, width) images in -1..1 to (N, points, 3 + cells): x, y, spread and votes.
    """
    return Xception(points, width, head)
