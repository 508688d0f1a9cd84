"""Faces followed from frame to frame, by nothing but where they are."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipeline.use.faces import Face

SAME = 0.2  # intersection over union from which on a face is the one of the frame before
PATIENCE = 1.0  # seconds that a face may be away and still be the same


@dataclass
class Tracker:
    """Follows faces: one that overlaps with a face of a moment ago has its number.

    A number is not used twice. Who goes away for longer than `PATIENCE`, or jumps, comes back with another.
    """

    known: dict[int, tuple[float, npt.NDArray[np.float32]]] = field(default_factory=dict)
    given: int = 0
    before: float = 0

    def follow(self, seconds: float, faces: list[Face]) -> list[int]:
        """The numbers of the faces of a frame, from 1; frames come in the order of their time."""
        since = min(self.before, seconds - PATIENCE)  # however far apart the frames are
        self.before = seconds
        self.known = {one: seen for one, seen in self.known.items() if seen[0] >= since}
        numbers, before = [0] * len(faces), [*self.known]
        if faces and before:
            boxes = np.stack([face.box for face in faces])
            shared = np.stack([overlap(boxes, self.known[one][1]) for one in before], axis=1)
            while shared.max() >= SAME:  # the two that share most first
                row, column = divmod(int(shared.argmax()), len(before))
                numbers[row] = before[column]
                shared[row], shared[:, column] = 0, 0
        for row, face in enumerate(faces):
            if not numbers[row]:
                self.given += 1
                numbers[row] = self.given
            self.known[numbers[row]] = seconds, face.box
        return numbers


def overlap(boxes: npt.NDArray[np.floating], box: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Intersection over union of boxes (N, 4) and one box (4,): (N,); 0 where both are empty."""
    low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
    shared = np.prod(np.maximum(high - low, 0), axis=1, dtype=np.float64)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    return np.asarray(shared / np.maximum(areas - shared, 1e-9), np.float64)
