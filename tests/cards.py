"""What every card of HTML has to be: whole, alone, light enough, and safe."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from PIL import Image

from views import view_in

ALLOWED = {"div", "img", "table", "thead", "tbody", "tr", "th", "td"}
NASTY = "<script>alert('x')</script> \"><img src=x onerror=y> & <b>red</b>\u2028\x00\ud800 end"


@dataclass
class Card(HTMLParser):
    """A card read back."""

    text: str = ""
    pictures: list[Image.Image] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        names = {name for name, _ in attrs}
        assert names <= {"style", "src", "alt"}, names
        values = {name: value or "" for name, value in attrs}
        assert "url(" not in values.get("style", "")
        if tag == "img":
            assert re.match("data:image/(png|jpeg);base64,", values["src"])
            data = base64.b64decode(values["src"].partition(",")[2])
            self.pictures.append(Image.open(io.BytesIO(data)))
            self.text += f" {values['alt']} "
        else:
            self.open.append(tag)
            if tag in ("td", "th"):
                self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data
        else:
            self.text += " "


def read_card(result: Any) -> Card:
    """The card of a result, checked for what holds of every one, and its ``repr`` with it."""
    html = card_of(result._repr_html_())
    card = Card()
    card.feed(html)
    card.close()
    assert card.open == []
    assert len(html) < 400_000
    html.encode("utf-8")
    colours = re.findall(r"(?<![\w-])(?:color|background):([^;\"]+)", html)
    assert set(colours) <= {"inherit", "transparent"}  # the page's own, light or dark
    check_repr(result)
    return card


def card_of(html: str) -> str:
    """The card that lies under the frame of a result's HTML; the frame is read, too."""
    html.encode("utf-8")
    view_in(html).pack()
    before, _, _ = html.partition("<iframe")
    opening = re.match(r'<div style="display:grid"><div style="[^"]*">', before)
    assert opening is not None
    assert before.endswith("</div>")
    return before[opening.end() : -len("</div>")]


def check_repr(result: Any) -> str:
    """A line of 300 characters at most that names the class."""
    line = repr(result)
    assert len(line) <= 300
    assert line.isprintable()
    assert line.startswith(f"{type(result).__name__}(")
    assert line.endswith(")")
    return line
