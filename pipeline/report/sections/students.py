"""What does a classifier learn from the others, beyond what the labels teach it?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.classifiers.students import Student
from pipeline.evaluation.results import Results
from pipeline.evaluation.uncertainty import SIGNIFICANT
from pipeline.report.sample import adjust, score, weigh
from pipeline.report.section import Block, Section
from pipeline.report.study import HEADLINE, Study
from pipeline.report.tables import Rows, records, where
from pipeline.report.words import p_value, percent, points, span

TEXT = (
    "A student sees one region and learns from the labels and from what the classifiers of its teachers' regions, of "
    "the same seed, say together of the train images. Gain: its accuracy less that of the same network on the same "
    "region without teachers, in points: of a control, trained for as many epochs from the labels alone, or, where "
    "there is none, of the region's own classifier. A control stands beside that one: what it gains, it gains by its "
    "epochs, or by another start."
)


def measure_students(study: Study, results: Results) -> pd.DataFrame:
    """Put each student beside its control, or the classifier of its own region and network; neither had teachers.

    A student and that classifier, of the same seed, have chance in common where the one teaches the other; the interval
    takes them as independent, and is wide rather than narrow.

    Returns:
        protocol, student, region, network, epochs, teachers, share, accuracy (mean over the seeds) with low and high,
        joined (what the teachers reach together; nan for a control), beside (the name of the control or of the region),
        alone (of the classifier without teachers), gain with gain_low and gain_high of its 95% interval, p and p_holm
        (adjusted for all students of the protocol).
    """
    found: list[dict[str, Any]] = []
    for protocol in (study.chosen_on, *study.tested):
        for student in study.params.students:
            found.append({"protocol": protocol, **_measure(study, results, student, protocol)})
    described = ["protocol", "student", "region", "network", "epochs", "teachers", "share"]
    measured = ["accuracy", "low", "high", "joined", "beside", "alone", "gain", "gain_low", "gain_high", "p"]
    return adjust(pd.DataFrame(found, columns=described + measured), "protocol")


def _measure(study: Study, results: Results, student: Student, protocol: str) -> dict[str, Any]:
    sample, regions = study.samples[protocol], list(study.params.regions)
    network = study.params.networks.index(student.network)
    of_network = results.probabilities[:, network][:, :, sample.rows]
    control = study.params.control(student) if student.teachers else None
    of_region = results.probabilities[regions.index(student.region), network]
    both = (results.students[student.name], results.students[control.name] if control else of_region)
    named = np.stack([said[None, :, sample.rows].argmax(axis=-1) for said in both]).astype(np.uint8)  # (2, 1, seeds, n)
    actual = score(sample.labels, named, sample.classes).accuracy[0]
    drawn = score(sample.labels, named, sample.classes, sample.weights).accuracy
    alone, gain = (weigh(actual, drawn, np.array(share), sample.many) for share in ([[1.0], [0.0]], [[1.0], [-1.0]]))
    joined = np.nan
    if student.teachers:
        teachers = of_network[[regions.index(name) for name in student.teachers]].mean(axis=0, dtype=np.float64)
        joined = float((teachers.argmax(axis=-1) == sample.labels).mean())
    return {
        "student": student.name,
        "region": student.region,
        "network": student.network,
        "epochs": student.epochs,
        "teachers": " + ".join(student.teachers) or "none",
        "share": student.share,
        "accuracy": alone.value,
        "low": alone.low,
        "high": alone.high,
        "joined": joined,
        "beside": control.name if control else student.region,
        "alone": float(actual[1].mean()),
        "gain": gain.value,
        "gain_low": gain.low,
        "gain_high": gain.high,
        "p": gain.p,
    }


def student_rows(table: pd.DataFrame, protocol: str) -> Rows:
    """A row a student."""
    head = ["student", "sees", "network", "epochs", "teachers", "their share", "accuracy", "95% interval"]
    rows = [[*head, "teachers joined", "beside", "its accuracy", "gain", "95% interval of it", "Holm"]]
    for row in records(where(table, protocol=protocol)):
        of = [row["student"], row["region"], row["network"], str(row["epochs"]), row["teachers"], f"{row['share']:.0%}"]
        joined = "" if np.isnan(row["joined"]) else percent(row["joined"])
        reached = [percent(row["accuracy"]), span(row["low"], row["high"]), joined, row["beside"]]
        star = "*" if row["p_holm"] < SIGNIFICANT else ""
        more = [
            percent(row["alone"]),
            points(row["gain"], signed=True) + star,
            span(row["gain_low"], row["gain_high"], signed=True),
        ]
        rows.append([*of, *reached, *more, "" if np.isnan(row["p_holm"]) else p_value(row["p_holm"])])
    return rows


def section(study: Study, students: pd.DataFrame) -> Section:
    """The section."""
    title = "What one classifier learns from all"
    if students.empty:
        return Section("students", "Students", title, {"rows": []})
    head, *others = study.tested
    context = {
        "text": TEXT,
        "protocol": head,
        "several_seeds": study.several_seeds,
        "rows": student_rows(students, head),
        "others": [(protocol, student_rows(students, protocol)) for protocol in (*others, study.chosen_on)],
    }
    block = Block("Students", TEXT, student_rows(students, HEADLINE))
    return Section("students", "Students", title, context, [block], {"students": students})
