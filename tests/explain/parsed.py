"""A page as a parser sees it, with what a screen reader and the keyboard need of it."""

from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "link", "input", "br", "img", "hr", "path", "circle"}


class Parsed(HTMLParser):
    """Elements, headings and text of a page; ``faults`` is what makes it hard to use or to trust."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[int, str]] = []
        self.scripts: list[tuple[str | None, str]] = []
        self.faults: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self._labels = 0
        self.feed(text)
        self.close()
        self._judge()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.elements.append((tag, values))
        if tag in ("input", "select") and "label" not in self._open and not values.get("aria-label"):
            self.faults.append(f"<{tag}> has no label")
        told = values.get("role") == "img" and values.get("aria-label")
        if tag == "svg" and values.get("aria-hidden") != "true" and not told:
            self.faults.append("<svg> has no text")
        if tag == "th" and values.get("scope") is None:
            self.faults.append("<th> has no scope")
        if tag[0] == "h" and tag[1:].isdigit():
            self.headings.append((int(tag[1:]), ""))
        if tag == "script":
            self.scripts.append((values.get("type"), ""))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")

    def handle_data(self, data):
        if "script" in self._open:
            kind, text = self.scripts[-1]
            self.scripts[-1] = (kind, text + data)
        elif "style" not in self._open:
            self.text += data
            if self._inside_heading():
                level, text = self.headings[-1]
                self.headings[-1] = (level, text + data)

    def handle_comment(self, data):
        self.faults.append(f"a comment: {data}")

    def _inside_heading(self) -> bool:
        return any(tag[0] == "h" and tag[1:].isdigit() for tag in self._open)

    def _judge(self) -> None:
        if self._open:
            self.faults.append(f"left open: {self._open}")
        ids = [values["id"] for _, values in self.elements if values.get("id")]
        self.faults += [f"id {name} twice" for name in sorted({name for name in ids if ids.count(name) > 1})]
        made_by_script = {"userh"}
        for tag, values in self.elements:
            for key in ("aria-labelledby", "aria-controls", "aria-describedby", "for"):
                if values.get(key) and values[key] not in {*ids, *made_by_script}:
                    self.faults.append(f"{key} of <{tag}> names nothing")
            href = values.get("href") or ""
            if href.startswith("#") and not href.startswith("#user=") and href[1:] not in ids:
                self.faults.append(f"{href} leads nowhere")
            if tag in ("a", "link") and not href.startswith(("#", "data:,")) and href != "explain.html":
                self.faults.append(f"<{tag}> leads out: {href}")
            self.faults += [f"<{tag}> runs {key}" for key in values if key.startswith("on")]
            self.faults += [f"<{tag}> loads {values[key]}" for key in ("src", "srcset") if key in values]
        levels = [level for level, _ in self.headings]
        if levels.count(1) != 1 or levels[0] != 1:
            self.faults.append("not one <h1>, first")
        self.faults += [f"h{b} after h{a}" for a, b in pairwise(levels) if b > a + 1]
