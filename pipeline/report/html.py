"""The pieces of a page: tables that sort, pictures within the page, what opens on request."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from PIL import Image

from pipeline.common.files import InputError
from pipeline.report import pictures
from pipeline.report.compare import MEAN
from pipeline.report.tables import Rows

# Texts of more letters wrap in a table.
LONG = 24

# A number as tables write it, perhaps with more behind it: `56.6% (+1.1)`, `<0.001`, `1,234`, `-1.2 to +0.3`.
NUMBER = re.compile(r"<?[+-]?[\d,]*\.?\d+(?=%|\s|$)")

# What `picture` gives; figures that are drawn as SVG are none of these.
PICTURE = re.compile(r"<figure>(?:(?!</figure>).)*<img [^>]*>(?:(?!</figure>).)*</figure>", re.DOTALL)

# What `details` gave for pictures only, once they are gone.
EMPTY = re.compile(r"<details><summary>[^<]*</summary>\s*</details>")


def table(rows: Rows, caption: str = "") -> str:
    """A table that sorts by each column; the first row and the first column are headers. Nothing for a header alone."""
    if len(rows) == 1:
        return ""
    kinds = [_kind(column) for column in zip(*rows[1:], strict=True)]
    columns = "".join(map(head, rows[0], kinds))
    body = []
    for row in rows[1:]:
        name, *cells = (f'class="{kind}">{escape(text)}' for kind, text in zip(kinds, row, strict=True))
        entries = "".join(f"<td {cell}</td>" for cell in cells)
        # The mean over the networks stands out.
        body.append(f'<tr{row_class(*row[:2])}><th scope="row" {name}</th>{entries}</tr>\n')
    return framed(f"<table><thead><tr>{columns}</tr></thead>\n<tbody>{''.join(body)}</tbody></table>", caption)


def _kind(column: Sequence[str]) -> str:
    """Classes for the entries of a column: number, by which it is sorted then, or text, long where it may wrap."""
    written = [text for text in column if text]
    if written and all(NUMBER.match(text) for text in written):
        return "number"
    return "text long" if any(len(text) > LONG for text in written) else "text"


def head(text: str, kind: str) -> str:
    """A column's header. The page's script enables its button, and sorts by what the class says."""
    return f'<th scope="col" class="{kind}"><button type="button" disabled>{escape(text)}</button></th>'


def row_class(*names: str) -> str:
    """Makes the rows of the mean over the networks stand out."""
    return ' class="mean"' if MEAN in names else ""


def framed(content: str, caption: str) -> str:
    """A table that scrolls by itself where it is too wide."""
    # Not a <caption>, which a narrow table would squeeze and a wide one would scroll out of sight.
    note = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure class="table">{note}<div class="wide">{content}</div></figure>'


def note(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def details(summary: str, body: str) -> str:
    """What is seen on request; nothing where there is nothing to see."""
    if not body:
        return ""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def figure(content: str, caption: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{content}</figure>"


def picture(path: Path, caption: str) -> str:
    """A picture from `reports/`, as light as a page that goes to a phone should have it."""
    try:
        image = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: missing; run `dvc repro` to make it") from None
    image = min(image, pictures.lighten(image), key=len)  # few lines on white are lighter as PNG
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    width, height = Image.open(io.BytesIO(image)).size
    data = f"data:image/{kind};base64,{base64.b64encode(image).decode()}"
    size = f'width="{width}" height="{height}"'  # the page does not move while it is decoded
    return figure(f'<div class="wide" tabindex="0"><img alt="{escape(caption)}" {size} src="{data}"></div>', caption)


def without_pictures(page: str) -> str:
    """A page without what `picture` gave: it may go where the images of a data set may not."""
    return EMPTY.sub("", PICTURE.sub("", page))
