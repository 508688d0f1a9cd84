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
from pipeline.evaluation.resampling import bootstrap, equal_groups, resample
from pipeline.evaluation.scores import classification
from pipeline.evaluation.uncertainty import of_a_score, of_images_alone
from pipeline.use.table import FACE, NO_FACE, Answer

DRAWS, SEED = 1000, 0
AT_ONCE = 16_000_000  # draws times pictures that are held at a time


class Score(NamedTuple):
    """A score, and its 95% interval over other pictures, or people, of the same kind; fractions."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Labelled:
    """What is known of the pictures of a folder, and what was said of them.

    Attributes:
        labels: (N,), of the pictures with a face, an index into the models' classes.
        probabilities: (N, classes), of the largest face in each.
        people: (N,), the number of each picture's person, or of the picture where people are not told apart.
        missed: (no face,), likewise, of the pictures without a face.
        unreadable: how many of the other pictures there are.
    """

    labels: npt.NDArray[np.uint8]
    probabilities: npt.NDArray[np.float32]
    people: npt.NDArray[np.int64]
    missed: npt.NDArray[np.int64]
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
        InputError: a file lies in a folder that no class is known for, or the mapping names no class or no folder.
    """
    wrong = next((name for name in mapping.values() if name and name not in classes), None)
    if wrong is not None:
        raise InputError(f"--map: {wrong!r} is no class of the models: {', '.join(classes)}")
    codes: dict[str, int | None] = {name: code for code, name in enumerate(classes)}
    codes |= {folder: codes[name] if name else None for folder, name in mapping.items()}
    # A folder that may not be looked into ends in a slash, and stands for what is in it.
    folders = {file: PurePosixPath(f"{file}-" if file.endswith("/") else file).parent.name for file in files}
    there = sorted({*folders.values()})
    absent = [name for name in mapping if name not in there]
    if absent:
        raise InputError(f"--map: no file lies in a folder {absent[0]!r}; there are {', '.join(filter(None, there))}")
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
    answers: Iterable[Answer],
    known: Mapping[str, int | None],
    people: Mapping[str, str],
    names: Sequence[str],
    classes: Sequence[str],
) -> Labelled:
    """Put answers and labels together.

    Args:
        answers: see `table`.
        known: the class of each file.
        people: who each file of a class shows, in any words.
        names: the table's columns.
        classes: of the models.

    Raises:
        InputError: no picture shows a face.
    """
    first = [*names].index(f"p_{classes[0]}") - 1  # an answer has no name of the file
    labels, probabilities, unreadable = [], [], 0
    numbers: dict[str, int] = {}
    seen, missed = [], []
    for answer in answers:
        label, row = known[answer.file], answer.rows[0]
        if label is None:
            continue
        number = numbers.setdefault(people[answer.file], len(numbers))
        if row[0] == FACE:
            labels.append(label)
            probabilities.append(row[first : first + len(classes)])
            seen.append(number)
        elif row[0] == NO_FACE:
            missed.append(number)
        else:
            unreadable += 1
    if not labels:
        raise InputError("no picture shows a face, so there is nothing to score; try another --detector")
    found = np.array(probabilities, np.float32)
    shares = found / found.sum(1, keepdims=True)
    return Labelled(np.array(labels, np.uint8), shares, np.array(seen), np.array(missed, np.int64), unreadable)


def score(found: Labelled, count: int) -> Scores:
    """Scores with intervals: people are drawn again with replacement, or pictures where people are not told apart.

    Pictures of one person are alike, and intervals over pictures do not know it: they are too narrow then.

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
    for weights in _draws(found.people):
        drawn = bootstrap(labels, predicted[None], weights, count)
        accuracy.append(drawn.accuracy[:, 0])
        f1.append(drawn.macro_f1[:, 0] * count / occurring)
        shares.append(_shares((weights @ cells).reshape(-1, count, count)))
        for times in weights.astype(int):
            rows = np.repeat(np.arange(len(labels)), times)
            calibration.append(expected_calibration_error(labels[rows], probabilities[rows]))
    many = equal_groups(found.people)
    actual = _shares(confusion[None].astype(np.float64))[0]
    low, high = _share_intervals(actual, np.concatenate(shares), labels, found.people)
    right = np.append(predicted == labels, np.zeros(len(found.missed), np.bool_))
    everybody = np.append(found.people, found.missed)
    hits = np.concatenate([part @ right / part.sum(1) for part in _draws(everybody)])
    return Scores(
        accuracy=_score(plain["accuracy"], np.concatenate(accuracy), many),
        end_to_end=_score(float(right.mean()), hits, equal_groups(everybody)),
        macro_f1=_score(plain["macro_f1"] * count / occurring, np.concatenate(f1), many),
        calibration=_score(expected_calibration_error(labels, probabilities), np.array(calibration), many),
        confusion=confusion,
        shares=actual,
        low=low,
        high=high,
    )


def _share_intervals(
    actual: npt.NDArray[np.float64],
    drawn: npt.NDArray[np.float64],
    labels: npt.NDArray[np.uint8],
    people: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The ends of the intervals of shares (classes, classes); nan for a class without pictures."""
    low, high = np.full((2, *actual.shape), np.nan)
    for true in np.unique(labels):
        many = equal_groups(people[labels == true])
        some = drawn[~np.isnan(drawn[:, true]).any(1), true]  # in some draws a rare class does not occur
        for said, value in enumerate(actual[true].tolist()):
            _, low[true, said], high[true, said] = _score(value, some[:, said], many)
    return low, high


def _draws(people: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.float32]]:
    """How often each of N pictures is drawn, some draws at a time: (b, N), `DRAWS` in all."""
    part = max(1, min(DRAWS, AT_ONCE // len(people)))
    for start in range(0, DRAWS, part):
        yield resample(people, min(part, DRAWS - start), SEED + start)


def _shares(counts: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Counts (B, classes, classes) as shares of their rows; nan where a row is empty."""
    rows = counts.sum(2, keepdims=True, dtype=np.float64)
    shares: npt.NDArray[np.float64] = np.divide(counts, rows, out=np.full(counts.shape, np.nan), where=rows > 0)
    return shares


def _score(value: float, samples: npt.NDArray[np.float64], many: float) -> Score:
    """A score with its interval by the bootstrap, wider where there are few people, see `uncertainty`.

    Args:
        many: how many people of equally many pictures there might as well be, see `resampling.equal_groups`.
    """
    of = of_a_score(of_images_alone(value, samples.astype(np.float64), groups=many))
    return Score(value, of.low, of.high)
