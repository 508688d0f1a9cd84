"""The questions of the report, each with a room of its own.

A question NAME is a module `NAME.py`, which computes its tables, and a template `NAME.html`, which shows them. What is
in the list below is on the page, in its navigation, in `comparison.md` and among the files of `reports/`; nothing else
knows of it.
"""

from __future__ import annotations

from pipeline.evaluation.results import Results
from pipeline.report.section import Section
from pipeline.report.sections import (
    atlas,
    calibration,
    classes,
    curves,
    data,
    differences,
    ensembles,
    expressions,
    fallback,
    joined,
    landmarks,
    leak,
    looks,
    luck,
    making,
    outside,
    regions,
    reported,
    scores,
    students,
)
from pipeline.report.sections.differences import Differences
from pipeline.report.sections.joined import Joined
from pipeline.report.sections.scores import Scores
from pipeline.report.study import Origin, Study


def all_sections(
    study: Study, results: Results, origin: Origin, scored: Scores, tested: Differences, fused: Joined
) -> list[Section]:
    """Every section in the order of the page. To add or remove one, add or remove its line.

    Args:
        study: what is compared.
        results: how its answers came about.
        origin: where it is from.
        scored, tested, fused: what the answer follows from, and other sections than their own use too.

    Raises:
        InputError: the record of the data sets, or what a classifier says of parts, is missing or has another shape.
    """
    return [
        scores.section(study, scored, tested.pairs),
        differences.section(study, tested),
        luck.section(study, luck.measure_luck(study)),
        leak.section(study, leak.measure_leak(study), scored),
        fallback.section(study, fallback.measure_fallback(study)),
        joined.section(study, fused),
        ensembles.section(study, ensembles.measure_ensembles(study)),
        students.section(study, students.measure_students(study, results)),
        expressions.section(study, expressions.count_confusion(study), expressions.measure_recall(study)),
        classes.section(study, classes.measure_classes(study)),
        outside.section(study, outside.measure_outside(study), scored, origin),
        atlas.section(study, atlas.measure_atlas(study, origin), scored),
        curves.section(study, results.curves, scored),
        calibration.section(study, calibration.measure_calibration(study)),
        regions.section(study, results, origin),
        landmarks.section(results.landmarks, origin),
        looks.section(study, origin),
        data.section(study, results.audit, origin),
        reported.section(scored, reported.compare_classes(study)),
        making.section(study, origin),
    ]
