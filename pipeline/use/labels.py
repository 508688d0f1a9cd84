"""How right the models are on pictures whose classes are known, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.common.files import InputError
from pipeline.evaluation.calibration import expected_calibration_error
from pipeline.evaluation.resampling import bootstrap, interval, resample
from pipeline.evaluation.scores import classification
from pipeline.use.table import FACE, NO_FACE, Answer

DRAWS, SEED = 1000, 0
AT_ONCE = 16_000_000  # draws times pictures that are held at a time


class Score(NamedTuple):
    """A score, and its 95% interval over other pictures of the same kind; fractions."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Labelled:
    """What is known of the pictures of a folder, and what was said of them.

    Attributes:
        labels: (N,), of the pictures with a face, an index into the models' classes.
        probabilities: (N, classes), of the largest face in each.
        no_face, unreadable: how many of the other pictures there are.
    """

    labels: npt.NDArray[np.uint8]
    probabilities: npt.NDArray[np.float32]
    no_face: int
    unreadable: int


@dataclass(frozen=True)
class Scores:
    """What came of it.

    Attributes:
        accuracy: of the pictures in which a face was found.
        end_to_end: where a picture without a face counts as wrong.
        macro_f1: the mean over those classes that are among the labels.
        calibration: the expected calibration error.
        confusion: (classes, classes), counts: a row a true class, a column a class that was said.
        shares, low, high: likewise, of the pictures of a true class, with intervals; nan where there are none.
    """

    accuracy: Score
    end_to_end: Score
    macro_f1: Score
    calibration: Score
    confusion: npt.NDArray[np.int64]
    shares: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]


def class_of_folders(files: Iterable[str], classes: Sequence[str], mapping: Mapping[str, str]) -> dict[str, int | None]:
    """The class that each file's folder is named after; None for those that are left out, as those beside the folders.

    Args:
        files: their names, relative to the folder that holds the folders of the classes.
        classes: of the models.
        mapping: for names of folders that are no class's, the class, or nothing to leave its files out.

    Raises:
        InputError: a file lies in a folder that no class is known for, or the mapping names no class.
    """
    wrong = next((name for name in mapping.values() if name and name not in classes), None)
    if wrong is not None:
        raise InputError(f"--map: {wrong!r} is no class of the models: {', '.join(classes)}")
    codes: dict[str, int | None] = {name: code for code, name in enumerate(classes)}
    codes |= {folder: codes[name] if name else None for folder, name in mapping.items()}
    folders = {file: PurePosixPath(file).parent.name for file in files}
    if any(folders.values()):
        codes[""] = None  # a table beside the folders, say
    unknown = sorted(set(folders.values()) - codes.keys())
    if unknown:
        name = unknown[0] or "(no folder)"
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        raise InputError(
            f"{name}{more}: no class of the models ({', '.join(classes)}); put pictures into folders of these names, "
            f"or say what it is: --map '{unknown[0] or 'FOLDER'}={classes[0]}', or '=' alone behind it to leave it out"
        )
    return {file: codes[folder] for file, folder in folders.items()}


def gather(
    answers: Iterable[Answer], known: Mapping[str, int | None], names: Sequence[str], classes: Sequence[str]
) -> Labelled:
    """Put answers and labels together.

    Args:
        answers: see `table`.
        known: the class of each file.
        names: the table's columns.
        classes: of the models.

    Raises:
        InputError: no picture shows a face.
    """
    first = [*names].index(f"p_{classes[0]}") - 1  # an answer has no name of the file
    labels, probabilities, others = [], [], [0, 0]
    for answer in answers:
        label, row = known[answer.file], answer.rows[0]
        if label is None:
            continue
        if row[0] == FACE:
            labels.append(label)
            probabilities.append(row[first : first + len(classes)])
        else:
            others[row[0] != NO_FACE] += 1
    if not labels:
        raise InputError("no picture shows a face, so there is nothing to score; try another --detector")
    found = np.array(probabilities, np.float32)
    return Labelled(np.array(labels, np.uint8), found / found.sum(1, keepdims=True), *others)


def score(found: Labelled, count: int) -> Scores:
    """Scores with intervals: pictures are drawn again with replacement.

    Pictures of one person are alike, and the intervals do not know it: they are too narrow then.

    Args:
        found: see `gather`.
        count: of the classes.
    """
    labels, probabilities = found.labels, found.probabilities
    predicted = probabilities.argmax(1).astype(np.uint8)
    plain = classification(labels, probabilities, [str(code) for code in range(count)])
    confusion = np.array(plain["confusion"], np.int64)
    occurring = len(np.unique(labels))
    accuracy, f1, calibration, shares = [], [], [], []
    cells = np.eye(count * count, dtype=np.float32)[labels.astype(int) * count + predicted]
    for weights in _draws(len(labels)):
        drawn = bootstrap(labels, predicted[None], weights, count)
        accuracy.append(drawn.accuracy[:, 0])
        f1.append(drawn.macro_f1[:, 0] * count / occurring)
        shares.append(_shares((weights @ cells).reshape(-1, count, count)))
        for times in weights.astype(int):
            rows = np.repeat(np.arange(len(labels)), times)
            calibration.append(expected_calibration_error(labels[rows], probabilities[rows]))
    every = np.concatenate(shares)
    with np.errstate(invalid="ignore"):
        seen = ~np.isnan(every).all(0)
        low, high = np.full((2, count, count), np.nan)
        low[seen], high[seen] = np.nanquantile(every[:, seen], [0.025, 0.975], axis=0)
    right = np.append(predicted == labels, np.zeros(found.no_face, np.bool_))
    hits = np.concatenate([part @ right for part in _draws(len(right))])
    return Scores(
        accuracy=_score(plain["accuracy"], np.concatenate(accuracy)),
        end_to_end=_score(float(right.mean()), hits / len(right)),
        macro_f1=_score(plain["macro_f1"] * count / occurring, np.concatenate(f1)),
        calibration=_score(expected_calibration_error(labels, probabilities), np.array(calibration)),
        confusion=confusion,
        shares=_shares(confusion[None].astype(np.float64))[0],
        low=low,
        high=high,
    )


def _draws(count: int) -> Iterator[npt.NDArray[np.float32]]:
    """How often each of so many pictures is drawn, some draws at a time: (b, count), `DRAWS` in all."""
    part = max(1, min(DRAWS, AT_ONCE // count))
    for start in range(0, DRAWS, part):
        yield resample(np.arange(count), min(part, DRAWS - start), SEED + start)


def _shares(counts: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Counts (B, classes, classes) as shares of their rows; nan where a row is empty."""
    rows = counts.sum(2, keepdims=True, dtype=np.float64)
    shares: npt.NDArray[np.float64] = np.divide(counts, rows, out=np.full(counts.shape, np.nan), where=rows > 0)
    return shares


def _score(value: float, samples: npt.NDArray[np.float64]) -> Score:
    low, high = interval(samples.astype(np.float64))
    return Score(value, float(low), float(high))
