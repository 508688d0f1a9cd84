"""What is in the data set, and what is wrong with it?"""

from __future__ import annotations

from pipeline.data.roles import OUTSIDE
from pipeline.evaluation.results import Audit
from pipeline.report.pictures import Picture
from pipeline.report.section import Block, Section
from pipeline.report.study import Origin, Study
from pipeline.report.tables import Rows


def class_rows(audit: Audit, classes: tuple[str, ...]) -> Rows:
    """The images of each expression in each role."""
    rows = [["role", "images", *classes]]
    for role, total in audit.images.items():
        rows.append([role, f"{total:,}", *(f"{audit.classes[role][name]:,}" for name in classes)])
    return rows


def audit_rows(audit: Audit) -> Rows:
    """What the audit counted in each role."""
    roles = list(audit.images)
    counts = {
        "images": audit.images,
        "identical to another image": audit.copies.rows_per_role,
        "identical or nearly so": audit.twins.rows_per_role,
        "groups of identical images, all in this role": audit.copies.groups_within,
        "groups of twins, all in this role": audit.twins.groups_within,
        "constant": audit.constant,
        "nearly constant": audit.nearly_constant,
    }
    if audit.no_face is not None:
        counts["no face, say most voters"] = audit.no_face
    rows = [[name, *(f"{count[role]:,}" for role in roles)] for name, count in counts.items()]
    return [["counted", *roles], *rows]


def group_rows(audit: Audit, elsewhere: list[str]) -> Rows:
    """How the groups of identical images, and of twins, lie across the roles, and whose labels conflict.

    Args:
        audit: of the data set.
        elsewhere: the roles that hold no test image.
    """
    kinds = (audit.copies, audit.twins)
    rows = [["counted", "identical", "identical or nearly so"]]
    counted = [
        ("groups of more than one image", "groups"),
        ("images in them", "rows"),
        ("images of the largest group", "largest"),
        ("groups whose labels conflict", "conflicting_groups"),
        ("images in those", "conflicting_rows"),
        (f"test images with a twin in {' or '.join(elsewhere)}", "test_rows_known"),
        ("of these, in a group whose labels conflict", "test_rows_known_with_other_label"),
    ]
    if OUTSIDE in audit.images:
        counted.append(("outside images with a twin that trains, chooses or is unused", "outside_rows_known"))
    rows += [[name, *(f"{getattr(kind, field):,}" for kind in kinds)] for name, field in counted]
    for name in audit.copies.groups_across:
        rows.append([f"groups across {name.replace('+', ' and ')}", *(f"{k.groups_across[name]:,}" for k in kinds)])
    return rows


def section(study: Study, audit: Audit, origin: Origin) -> Section:
    """The section."""
    found, groups = audit_rows(audit), group_rows(audit, study.elsewhere)
    context = {
        "classes": class_rows(audit, study.results.classes),
        "some": Picture(origin.reports / "expressions/classes.png", "Some images of each expression"),
        "found": found,
        "groups": groups,
        "examples": Picture(origin.reports / "expressions/audit.png", "Examples of what the audit found"),
        "min_correlation": f"{study.params.twins.min_correlation:g}",
    }
    blocks = [
        Block("Audit of the data set", "Images by what they are for.", found),
        Block("Images that occur more than once", "Nearly: see `twins` in params.yaml.", groups),
    ]
    return Section("data", "Data", "Data", context, blocks)
