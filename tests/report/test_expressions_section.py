"""Expression by expression, against scikit-learn and numbers worked by hand."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
from made_up import CLASSES, LABELS
from page_reader import Reader
from sklearn.metrics import confusion_matrix
from statsmodels.stats.multitest import multipletests
from studies import THREE, Found, approx, by_hand, drawn, one_seed, row_of, worth

from pipeline.classifiers.cells import Cell
from pipeline.evaluation.resampling import bootstrap
from pipeline.evaluation.results import Results
from pipeline.evaluation.uncertainty import estimate
from pipeline.report.page import render
from pipeline.report.sections.expressions import Counts, count_confusion, measure_recall, section


def test_confusion_is_counted_on_test_with_a_row_a_true_class(found: Found, results: Results) -> None:
    confusion = count_confusion(found.study)
    cells = list(product(enumerate(THREE), enumerate(["cnn1", "cnn2"]), enumerate([0, 1])))
    for (i, region), (k, network), (s, seed) in cells:
        expected = confusion_matrix(LABELS[30:], results.probabilities[i, k, s, 30:].argmax(axis=1), labels=range(7))
        np.testing.assert_array_equal(confusion[Cell(region, network, seed)], expected)
    assert len(confusion) == len(cells)


def test_expressions_over_all_networks_and_seeds() -> None:
    # Of the rows 0, 1, 2, 3, 3, 3, 3, 4, 5, 6 the first so many are right.
    page = render(section(by_hand().study, count_confusion(by_hand().study), measure_recall(by_hand().study)))
    rows = Reader(f"<main>{page}</main>").table("expression", "images")
    assert [row[:2] for row in rows] == [[name, "4" if name == "happy" else "1"] for name in CLASSES]
    happy, sad, surprise = (next(row for row in rows if row[0] == name) for name in ("happy", "sad", "surprise"))
    # 2 + 4 + 3 + 3 of 16, and 4 + 4 + 2 + 3.
    assert happy[2:] == ["75.0%", "81.2% (+6.2)"]
    assert sad[2:] == ["0.0%", "50.0%"]  # one image: no difference is told
    assert surprise[2:] == ["0.0%", "0.0%"]


def test_recall_is_estimated_with_simultaneous_intervals(found: Found, results: Results) -> None:
    rows = np.arange(30, 40)
    answers = results.probabilities[:, :, :, rows].argmax(axis=-1).reshape(-1, 10).astype(np.uint8)
    once = np.ones((1, 10), np.float32)
    actual, draws = (
        bootstrap(LABELS[rows], answers, of, 7).recall[..., 3].reshape(-1, 3, 2, 2) for of in (once, drawn(list(rows)))
    )
    weights = (0.5, 0.5, -0.5, -0.5)
    draws = draws[np.isfinite(draws).all(axis=(1, 2, 3))]  # a draw may hold no happy image
    values, drawn_ones = actual[0, [2, 1]].reshape(4, 2), draws[:, [2, 1]].reshape(-1, 4, 2)
    recall = measure_recall(found.study)
    level = 1 - 0.05 / (7 * 2)  # expressions, regions but the reference
    expected = estimate(values, drawn_ones, weights, level, worth(rows[LABELS[rows] == 3].tolist()))
    row = row_of(recall, region="face", expression="happy")
    told = [row[name] for name in ("difference", "low", "high", "p")]
    assert told == approx([expected.value, expected.low, expected.high, expected.p])
    few = recall["expression"] != "happy"  # there is one image of each
    assert recall.loc[few, ["difference", "low", "p", "p_holm"]].isna().all(axis=None)
    of_regions = recall[(recall["region"] != "vanilla") & ~few]
    assert of_regions["p_holm"].tolist() == approx(multipletests(of_regions["p"], method="holm")[1].tolist())
    assert recall.loc[recall["region"] == "vanilla", ["difference", "p", "p_holm"]].isna().all(axis=None)


def test_the_picture_of_recall_has_a_row_an_expression() -> None:
    study = by_hand().study
    recall = measure_recall(study)
    recall.loc[recall["region"] == "face", ["difference", "low", "high"]] = 0.1, -0.1, 0.3
    recall.loc[recall["expression"] == "sad", "p_holm"] = 0.049
    recall.loc[recall["expression"] != "sad", "p_holm"] = 0.051
    page = render(section(study, count_confusion(study), recall))
    forest = re.findall(r'<table class="forest">.*?</table>', page, re.DOTALL)
    rows = Reader(forest[0]).tables[0]
    assert [row[0] for row in rows] == ["expression", "face less vanilla", *CLASSES]
    marks = re.findall(r'class="line-1 (hollow )?mark"', forest[0])
    assert [mark == "" for mark in marks] == [name == "sad" for name in CLASSES]


def test_of_one_seed_no_expression_is_marked() -> None:
    study = one_seed().study
    page = render(section(study, count_confusion(study), measure_recall(study)))
    assert set(re.findall(r'class="line-\d (hollow )?mark"', page)) == {"hollow "}
    assert "no mark is full" in page
    assert "* significant" not in page


def test_confusion_of_all_seeds_together() -> None:
    def matrix(right: int, wrong: int) -> Counts:
        counts = np.eye(7, dtype=int)
        counts[3, 3:5] = right, wrong
        return counts

    of_network = {"cnn1": matrix(9, 1), "cnn2": matrix(2, 1)}
    of_cells = {cell: of_network[cell.network] for cell in by_hand().study.cells}
    page = render(section(by_hand().study, of_cells, measure_recall(by_hand().study)))
    figures = re.findall(
        r"<figcaption>(face, [^<]*)</figcaption>\s*(<table class=\"matrix\">.*?</table>)", page, re.DOTALL
    )
    hints = {name: re.findall(r'--share:(\d+)" title="(happy called [^"]*)">(\d*)<', table) for name, table in figures}
    assert list(hints) == ["face, all networks", "face, cnn1", "face, cnn2"]
    assert hints["face, all networks"][3] == ("85", "happy called happy: 22 of 26", "85")
    assert hints["face, cnn1"][3:5] == [
        ("90", "happy called happy: 18 of 20", "90"),
        ("10", "happy called sad: 2 of 20", "10"),
    ]
    assert hints["face, cnn2"][5] == ("0", "happy called surprise: 0 of 6", "")


def test_the_plot_of_confusion_holds_every_test_image() -> None:
    plots = section(by_hand().study, count_confusion(by_hand().study), measure_recall(by_hand().study)).plots
    assert len(plots) == 8
    # Seed 1 is right on the first seven test images, and calls the others by the next class.
    images = plots["confusion_test/vanilla-cnn1-1"]
    assert sorted(images.itertuples(index=False, name=None)) == [
        ("angry", "angry"),
        ("disgust", "disgust"),
        ("fear", "fear"),
        *[("happy", "happy")] * 4,
        ("neutral", "angry"),
        ("sad", "surprise"),
        ("surprise", "neutral"),
    ]
