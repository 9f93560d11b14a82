"""What stands in a page, as a browser would find it."""

from html.parser import HTMLParser

_EMPTY = ("meta", "br", "link", "img", "input")


class Seen(HTMLParser):
    """Every element with its attributes, and the text of the page without its style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See ``HTMLParser``."""
        self.elements.append((tag, dict(attrs)))
        if tag not in _EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """See ``HTMLParser``."""
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        """See ``HTMLParser``."""
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        """All text, with one blank between words."""
        return " ".join(" ".join(self.words).split())

    def having(self, name: str, value: str | None = None) -> list[dict[str, str | None]]:
        """Return the attributes of each element that has one, of a value if that is told."""
        return [
            attributes
            for _, attributes in self.elements
            if name in attributes and value in (None, attributes[name])
        ]

    def classes(self, name: str) -> list[dict[str, str | None]]:
        """Return the attributes of each element of a class."""
        return [one for one in self.having("class") if name in (one["class"] or "").split()]
