"""What a reader, or a browser, finds in a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "img", "br", "hr", "input", "link", "wbr"}


class Page(HTMLParser):
    """Tags with attributes, headings and visible text of a page; checks that tags are balanced."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.headings: list[str] = []
        self._words: list[str] = []
        self._open: list[str] = []
        self.feed(self.source)
        assert self._open == []
        self.text = " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag in {"h1", "h2", "h3"}:
            self.headings.append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" in self._open:
            return
        self._words.append(data)
        if {"h1", "h2", "h3"} & set(self._open[-1:]):
            self.headings[-1] += data

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.tags if name in attributes]

    def count(self, tag: str) -> int:
        return sum(one == tag for one, _ in self.tags)

    def needs_nothing(self) -> bool:
        """Whether it loads nothing and runs nothing."""
        links = self.attributes("src") + self.attributes("href")
        return (
            all(link.startswith(("data:image/", "#")) for link in links)
            and self.count("script") == self.count("link") == self.count("iframe") == 0
            and not any(name.startswith("on") for _, one in self.tags for name in one)
            and not re.search(r"url\(|@import", self.source)
        )
