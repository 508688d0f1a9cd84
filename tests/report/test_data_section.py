"""The audit as it is read."""

from __future__ import annotations

from made_up import make_audit
from studies import as_lines

from pipeline.report.sections.data import audit_rows, group_rows


def test_the_audit_as_it_is_read() -> None:
    audit = make_audit()
    twins = audit.twins.model_copy(update={"groups_within": {"train": 1204, "validation": 2, "test": 3}})
    images = {"train": 28709, "validation": 3589, "test": 3589}
    audit = audit.model_copy(update={"images": images, "twins": twins})
    assert as_lines(audit_rows(audit)) == [
        "counted; train; validation; test",
        "images; 28,709; 3,589; 3,589",
        "identical to another image; 1; 0; 3",
        "identical or nearly so; 1; 1; 4",
        "groups of identical images, all in this role; 0; 0; 1",
        "groups of twins, all in this role; 1,204; 2; 3",
        "constant; 1; 0; 0",
        "nearly constant; 1; 1; 0",
        "no face, say most voters; 0; 0; 1",
    ]


def test_without_votes_nobody_counted_faces() -> None:
    rows = as_lines(audit_rows(make_audit(voted=False)))
    assert rows[-1] == "nearly constant; 1; 1; 0"


def test_twins_of_outside_images_are_counted_where_there_are_such() -> None:
    audit = make_audit()
    twins = audit.twins.model_copy(update={"outside_rows_known": 17})
    audit = audit.model_copy(update={"images": {**audit.images, "outside": 565}, "twins": twins})
    line = "outside images with a twin that trains, chooses or is unused; 0; 17"
    assert line in as_lines(group_rows(audit, ["train", "validation"]))


def test_groups_as_they_are_read() -> None:
    assert as_lines(group_rows(make_audit(), ["train", "validation"])) == [
        "counted; identical; identical or nearly so",
        "groups of more than one image; 2; 3",
        "images in them; 4; 6",
        "images of the largest group; 2; 2",
        "groups whose labels conflict; 0; 1",
        "images in those; 0; 2",
        "test images with a twin in train or validation; 1; 2",
        "of these, in a group whose labels conflict; 0; 1",
        "groups across train and validation; 0; 0",
        "groups across train and test; 1; 1",
        "groups across validation and test; 0; 1",
        "groups across train and validation and test; 0; 0",
    ]
