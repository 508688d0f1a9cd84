"""Reads a page, or a part of one, as a browser would."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "img"}


class Reader(HTMLParser):
    """Collects what a page consists of, and fails where its elements do not nest.

    Attributes:
        elements: (tag, attributes, text) of each, in the order in which they begin.
        tables: for each table its rows, for each row the texts of its cells.
        text: all of the page.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[tuple[str, list[str]]] = []
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.tables: list[list[list[str]]] = []
        self.feed(page)
        self.close()
        assert not self.open
        self.text = "".join(self.elements[0][2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        text: list[str] = []
        self.elements.append((tag, dict(attrs), text))
        if tag not in VOID:
            self.open.append((tag, text))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        opened, text = self.open.pop()
        assert opened == tag
        if tag in ("td", "th"):
            self.tables[-1][-1].append("".join(text))

    def handle_data(self, data: str) -> None:
        for _, text in self.open:
            text.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes, _ in self.elements if name == tag]

    def texts(self, *tags: str) -> list[str]:
        return ["".join(text) for name, _, text in self.elements if name in tags]

    def table(self, *head: str) -> list[list[str]]:
        """The rows of the first table whose header begins like this."""
        return next(rows[1:] for rows in self.tables if rows[0][: len(head)] == list(head))
