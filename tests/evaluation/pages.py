"""Reading a page as a browser would: what it loads, plays and shows."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """The tags of a page.

    Attributes:
        loads: every address that a browser would fetch.
        players: sources of audio elements.
        images: sources of images.
        text: everything between the tags.
        unbalanced: closing tags that close nothing.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.players: list[str] = []
        self.images: list[str] = []
        self.text = ""
        self.unbalanced: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.unbalanced += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        source = attributes.get("src") or attributes.get("href") or ""
        self.loads += [source] if source else []
        self.players += [source] if tag == "audio" else []
        self.images += [source] if tag == "img" else []
        self.loads += ["script"] if tag == "script" else []
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()
        else:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data
