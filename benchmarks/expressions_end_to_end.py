"""What expressions lose on the way through photographs: the pipeline's own images against the whole chain of `fercrop`.

`python -m benchmarks.expressions_end_to_end [MODELS [COUNT]]`, in the folder of a finished `dvc repro`: so many of its
test images (all without a number; spread evenly) are asked about

- as the pipeline cuts them, in one view, which is what all else is compared with;
- framed anew by the points that were found in them, as faces in photographs are framed;
- likewise, but with the box from which the points are sought scaled and moved, as by another face detector;
- as a photograph that other people cut: scaled and moved within the frame, its edge repeated, classified as it is and
  framed by its points;
- enlarged and pasted into a larger scene, where a face detector has to find them.

Accuracies are of all images, a face that was not found counted as wrong; differences have 95% intervals by twin group.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from skimage import data
from tqdm import tqdm

from benchmarks.points_end_to_end import box_of
from pipeline.data.expressions import Expressions
from pipeline.data.roles import Roles
from pipeline.data.twins import Twins
from pipeline.evaluation.resampling import interval, resample
from pipeline.faces.located import Located
from pipeline.faces.squares import Squares, boxes_around
from pipeline.use.faces import Found, classify, find, locate, look_at
from pipeline.use.models import Models, load_models
from pipeline.use.tracks import overlap

DRAWS = 2000
SCENE = (720, 540)  # width and height, in pixels
ENLARGED = (3.0, 6.0)  # times, of images of 48 pixels; drawn evenly
FOUND = 0.5  # intersection over union of the box with what the points of the pasted image span
AT_ONCE = 256
# Of boxes and frames: scale, and the move to the right and down as fractions of the side.
FRAMES: list[tuple[float, float, float]] = [(scale, 0, 0) for scale in (0.8, 0.9, 1.0, 1.2, 1.4)]
FRAMES += [(1.0, 0.1, 0), (1.0, -0.1, 0), (1.0, 0, 0.1), (1.0, 0, -0.1)]

Images = npt.NDArray[np.uint8]
Answers = dict[str, npt.NDArray[np.float32]]  # by classifier, and joined: (N, classes); nan where no face was found


def as_cut(images: Images, located: Located, models: Models) -> Answers:
    """By the pipeline's own images and points."""
    return _joined(
        {
            one.about.name: classify(images, located.points, located.expected_error, one, models)[2]
            for one in models.classifiers
        }
    )


def framed_anew(images: Images, boxes: npt.NDArray[np.float64], models: Models) -> Answers:
    """Through points that are sought from boxes (N, 4), and the frame that they give."""
    where = np.zeros(2), np.ones(2)
    found = [Found(_colour(image), box, *where) for image, box in zip(images, boxes, strict=True)]
    parts = [look_at(found[start : start + AT_ONCE], models) for start in range(0, len(found), AT_ONCE)]
    faces = [face for part in parts for face in part]
    return _joined({name: np.stack([face.probabilities[name] for face in faces]) for name in faces[0].probabilities})


def as_given(images: Images, models: Models) -> Answers:
    """Other people's images classified as they are, with the points that are found in the middle of them."""
    side = images.shape[1]
    box = np.array([0.1, 0.1, 0.9, 0.9]) * side
    found = [Found(_colour(image), box, np.zeros(2), np.ones(2)) for image in images]
    parts = [locate(found[start : start + AT_ONCE], models) for start in range(0, len(found), AT_ONCE)]
    points, errors = (np.concatenate([getattr(part, name) for part in parts]) for name in ("points", "errors"))
    return _joined({one.about.name: classify(images, points, errors, one, models)[2] for one in models.classifiers})


def in_scenes(images: Images, boxes: npt.NDArray[np.float64], models: Models) -> tuple[Answers, npt.NDArray[np.bool_]]:
    """Through a face detector, and which were found."""
    random = np.random.default_rng(0)
    behind = cv2.resize(data.coffee(), SCENE, interpolation=cv2.INTER_AREA)  # type: ignore[no-untyped-call]
    found: list[Found | None] = []
    for image, box in tqdm(zip(images, boxes, strict=True), "scenes", len(images), disable=None):
        side = round(len(image) * random.uniform(*ENLARGED))
        left, top = (int(random.integers(0, whole - side)) for whole in SCENE)
        scene = behind.copy()
        enlarged = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)
        scene[top : top + side, left : left + side] = enlarged[..., None]
        true = (box + 0.5) * side / len(image) - 0.5 + np.array([left, top] * 2)
        faces = find(scene.astype(np.uint8), models, "dlib")
        seen = np.array([box_of(face) for face in faces]).reshape(-1, 4)
        shared = overlap(seen, true)
        found.append(faces[int(shared.argmax())] if (shared >= FOUND).any() else None)
    hit = np.array([one is not None for one in found])
    seen_faces = look_at([one for one in found if one is not None], models)
    answers = {}
    for one in models.classifiers:
        answers[one.about.name] = np.full((len(images), len(models.about.classes)), np.nan, np.float32)
        answers[one.about.name][hit] = [face.probabilities[one.about.name] for face in seen_faces]
    return _joined(answers), hit


def _colour(image: Images) -> Images:
    return np.repeat(image[..., None], 3, axis=-1) if image.ndim == 2 else image


def _joined(answers: Answers) -> Answers:
    return answers | {"joined": np.mean([*answers.values()], axis=0)}


def _moved(boxes: npt.NDArray[np.float64], scale: float, right: float, down: float) -> npt.NDArray[np.float64]:
    """Boxes (N, 4) scaled around their middle and moved by fractions of their larger side."""
    middle, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    middle = middle + size.max(1, keepdims=True) * np.array([right, down])
    return np.concatenate([middle - scale * size / 2, middle + scale * size / 2], axis=1)


def _reframed(images: Images, scale: float, right: float, down: float) -> Images:
    """What another frame of the same photographs would show: (N, side, side) grey."""
    count, side = images.shape[:2]
    corner = np.full((count, 2), (side - scale * side) / 2 - 0.5) + side * np.array([right, down])
    return Squares(corner, np.full(count, scale * side)).cut([*images], side)


class Table:
    """Prints each way beside the first one, which is what it is compared with."""

    def __init__(self, labels: npt.NDArray[np.uint8], groups: npt.NDArray[np.integer], first: Answers) -> None:
        self.labels, self.weights = labels, resample(groups, DRAWS, 0)
        self.first = {name: self._right(each) for name, each in first.items()}
        print(f"{len(labels):,} test images; accuracy, and in points what is lost (95% interval)")
        print(" " * 34 + "".join(f"{name:>32}" for name in first))
        self.show("as the pipeline cuts them", first)

    def show(self, title: str, answers: Answers, among: npt.NDArray[np.bool_] | None = None) -> None:
        """A line; `among` leaves images out on both sides."""
        kept = np.ones(len(self.labels), np.bool_) if among is None else among
        cells = []
        for name, each in answers.items():
            right = self._right(each)
            lost = (self.first[name] - right) * kept
            with np.errstate(invalid="ignore"):
                low, high = interval((self.weights @ lost) / (self.weights @ kept.astype(np.float32)))
            share, mean = right[kept].mean(), lost[kept].mean()
            cells.append(f"{100 * share:.1f}%, {100 * mean:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})")
        print(f"{title:34}" + "".join(f"{cell:>32}" for cell in cells), flush=True)

    def _right(self, answers: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        found = np.asarray(np.isfinite(answers).all(axis=1, keepdims=True))
        said = np.where(found, answers, -1).argmax(1)
        return np.asarray(found[:, 0] & (said == self.labels), np.float64)


def _rows(role: npt.NDArray[np.str_], count: int | None) -> npt.NDArray[np.intp]:
    test = np.flatnonzero(role == "test")
    return test if count is None or count >= len(test) else test[np.arange(count) * len(test) // count]


def main(words: Sequence[str]) -> None:
    models = load_models(Path(words[0] if words else "exported"))
    expressions = Expressions.load(Path("data/expressions"))
    role = Roles.load(Path("data/roles.npz"), len(expressions)).trainings[0][1].role
    rows = _rows(role, int(words[1]) if len(words) > 1 else None)
    images = expressions.images[rows]
    if images.ndim != 3:
        print("expressions end to end: made for grey images")
        return
    whole = Located.load(Path("data/landmarks.npz"), len(expressions))
    located = Located(whole.points[rows], whole.expected_error[rows])
    groups = Twins.load(Path("data/twins.npz"), len(expressions)).twins[rows]
    table = Table(expressions.labels[rows], groups, as_cut(images, located, models))
    boxes = boxes_around(located.points).astype(np.float64)
    for scale, right, down in FRAMES:
        moved = _moved(boxes, scale, right, down)
        table.show(f"box x {scale}, {right:+.0%} {down:+.0%}", framed_anew(images, moved, models))
    for scale, right, down in FRAMES:
        other = _reframed(images, scale, right, down)
        middle = _moved(boxes, 1 / scale, 0, 0)  # where the points are in the other frame
        centre = (images.shape[1] - 1) / 2
        shift = ((boxes[:, :2] + boxes[:, 2:]) / 2 - centre) * (1 / scale - 1) - images.shape[1] * np.array(
            [right, down]
        ) / scale
        table.show(f"frame x {scale}, {right:+.0%} {down:+.0%}, as it is", as_given(other, models))
        table.show("  framed by its points", framed_anew(other, middle + np.tile(shift, 2), models))
    answers, hit = in_scenes(images, boxes, models)
    table.show("in scenes, not found is wrong", answers)
    table.show(f"  those found, {hit.mean():.1%}", answers, hit)


if __name__ == "__main__":
    main(sys.argv[1:])
