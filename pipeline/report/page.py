"""The page: one HTML file with the answer, its tables and its pictures. It asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.report.comparison import Comparison
from pipeline.report.pictures import embed
from pipeline.report.section import Section
from pipeline.report.study import MEAN
from pipeline.report.tables import column_kinds

WITHOUT_PICTURES = "index_without_pictures.html"  # in `reports/`: the page as it may be published
TITLE = "Which part of a face carries its expression?"
FOLDER = Path(__file__).parent  # of the templates, and of the modules whose sections they show

ENVIRONMENT = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
ENVIRONMENT.filters |= {"embed": embed, "column_kinds": column_kinds}
ENVIRONMENT.globals["mean"] = MEAN


def page(comparison: Comparison, pictures: bool = True) -> str:
    """The whole page, the same for the same inputs.

    Args:
        comparison: the answer and its sections.
        pictures: whether it holds the pictures of `reports/`. Without them it may go where the images of a data set
            may not.

    Raises:
        InputError: a picture is missing.
    """
    style, script = ((FOLDER / "templates" / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return ENVIRONMENT.get_template("templates/page.html").render(
        title=TITLE,
        answer=comparison.answer,
        caveat=comparison.caveat,
        sections=comparison.sections,
        bodies={section.name: render(section, pictures) for section in comparison.sections},
        style=Markup(style),
        script=Markup(script),
        # What the page's security policy calls its one script.
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def render(section: Section, pictures: bool = True) -> Markup:
    """One section without its heading. Raises InputError if a picture is missing."""
    template = ENVIRONMENT.get_template(f"sections/{section.name}.html")
    return Markup(template.render(section.context, pictures=pictures))
