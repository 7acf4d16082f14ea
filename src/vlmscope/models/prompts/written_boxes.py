"""Boxes that models write themselves: how each family is asked, and what its numbers mean.

Numbers count thousandths, pixels of the resized image, or parts of a padded square; some families put
y first. Nothing is guessed: an answer that does not keep to the family's own form is no box, and says
why. Only the numbers' characters are remembered beside the box: the rows that wrote them are read there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vlmscope.models.prompts.prompt import Prompt
from vlmscope.types import Answer, Box, TokenMap, WrittenBox

__all__ = ["FORMS", "FRAMES", "BoxConvention", "Numbers"]

FORMS = ("lists", "pairs", "keys", "locations")
FRAMES = ("image", "shown", "square")

# how far past the frame a number may lie and still be meant as its edge
_SLACK = 0.02
# the same for numbers that are pixels: models are a little wrong about the size they were shown
_PIXEL_SLACK = 0.5

_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")
_PLAIN = re.compile(r"[\s\d.,\-]*\d[\s\d.,\-]*")
_LIST = re.compile(r"\[([^\[\]]*)(\]|\Z)")
_PAIR = re.compile(r"\(([^()]*)(\)|\Z)")
_BETWEEN = re.compile(r"\s*\)[\s,]*\(\s*")
_ANY = re.compile(r"[\[(<{]([^\[\](){}<>]*)([\])>}]|\Z)")
_KEY = re.compile(r"""["']bbox_2d["']\s*:\s*\[([^\[\]]*)(\]|\Z)""")
_LOCATIONS = re.compile(r"(?:<loc\d{4}>)+")


@dataclass(frozen=True)
class Numbers:
    """Numbers that stand together in an answer.

    Attributes:
        values: as written.
        spans: (start, end) characters of each.
        written: the text that holds them.
        finished: their bracket is closed.
    """

    values: tuple[float, ...]
    spans: tuple[tuple[int, int], ...]
    written: str
    finished: bool = True


@dataclass(frozen=True)
class BoxConvention:
    """How a family writes boxes.

    Attributes:
        ask: what it is asked; ``{phrase}`` stands for the phrase.
        form: ``"lists"``: ``[x0, y0, x1, y1]``; ``"pairs"``: ``(x0,y0),(x1,y1)``; ``"keys"``: a list
            behind ``"bbox_2d":`` in JSON; ``"locations"``: four ``<loc0123>`` in a row.
        full: the number that stands for a whole side of the frame; None: numbers are pixels of the
            image as the model gets it.
        frame: what the numbers are measured on: ``"image"``: the original image; ``"shown"``: what
            the first view covers, padding included; ``"square"``: the image padded to a square
            around its middle.
        order: ``"xyxy"`` or ``"yxyx"``.
        marks: texts around boxes, or None. Where an answer has them only what lies between them is
            read, with brackets of any kind.
        room: tokens that an answer may need.
        source: where the convention is written down.
        caution: a sentence for every result, or ``""``.
    """

    ask: str
    form: str
    full: float | None
    frame: str = "image"
    order: str = "xyxy"
    marks: tuple[str, str] | None = None
    room: int = 128
    source: str = ""
    caution: str = ""

    def __post_init__(self) -> None:
        kinds = {"form": FORMS, "frame": FRAMES, "order": ("xyxy", "yxyx")}
        for name, known in kinds.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {known}, got {getattr(self, name)!r}")
        if self.ask.count("{phrase}") != 1:
            raise ValueError(f"ask must hold {{phrase}} once, got {self.ask!r}")

    def prompt(self, phrase: str, answer: str | None = None) -> Prompt:
        """The prompt that asks for a phrase's box; its phrase span is the phrase."""
        phrase = Prompt(phrase).text.strip()
        before, after = self.ask.split("{phrase}")
        start = len(before)
        return Prompt(f"{before}{phrase}{after}", (start, start + len(phrase)), answer)

    def asked_for(self, text: str) -> str:
        """The phrase in a text that :meth:`prompt` wrote; any other text as it is."""
        before, after = self.ask.split("{phrase}")
        return (
            text.removeprefix(before).removesuffix(after) if _frames(text, before, after) else text
        )

    def read(self, text: str, token_map: TokenMap, units: tuple[float, float]) -> Answer:
        """Read an answer.

        Args:
            text: the answer, special tokens spelled out.
            token_map: of the prompt: the image's size and views.
            units: (height, width) of the frame in the numbers that the model writes.
        """
        boxes: list[WrittenBox] = []
        problems: list[str] = []
        for numbers in self._found(text):
            judged = self._judged(numbers, token_map, units)
            if isinstance(judged, str):
                problems.append(f"{numbers.written[:60]!r} is no box: {judged}.")
            else:
                boxes.append(WrittenBox(judged, numbers.values, numbers.spans))
                problems += self._cut(numbers, units)
        if not boxes and not problems:
            problems.append(f"The answer holds no box: {text[:80]!r}.")
        return Answer(text, tuple(boxes), tuple(problems))

    # -- finding numbers -----------------------------------------------------------------

    def _found(self, text: str) -> Iterator[Numbers]:
        """Groups of numbers that are written as this family writes boxes."""
        if self.form == "locations":
            yield from _locations(text)
            return
        marked = self._between_marks(text)
        if marked:
            pattern = _PAIR if self.form == "pairs" else _ANY
        elif self.form == "keys":
            pattern = _KEY if _KEY.search(text) else _LIST
        else:
            pattern = _PAIR if self.form == "pairs" else _LIST
        for start, end in marked or [(0, len(text))]:
            groups = list(_groups(text, start, end, pattern))
            yield from _joined(groups, text) if self.form == "pairs" else groups

    def _between_marks(self, text: str) -> list[tuple[int, int]]:
        if self.marks is None:
            return []
        opening, closing = (re.escape(mark) for mark in self.marks)
        matches = re.finditer(f"{opening}(.*?)(?:{closing}|\\Z)", text, re.DOTALL)
        return [match.span(1) for match in matches]

    # -- what they mean ------------------------------------------------------------------

    def _judged(
        self, numbers: Numbers, token_map: TokenMap, units: tuple[float, float]
    ) -> Box | str:
        """The box in original pixels, or what is wrong with it."""
        if not numbers.finished:
            return "the answer ends inside it"
        if len(numbers.values) != 4:
            return f"it has {len(numbers.values)} number(s), a box has 4"
        first, second = (0, 1) if self.order == "xyxy" else (1, 0)
        x0, y0 = numbers.values[first], numbers.values[second]
        x1, y1 = numbers.values[2 + first], numbers.values[2 + second]
        height, width = units
        slack = _PIXEL_SLACK if self.full is None else _SLACK
        for value, full in ((x0, width), (y0, height), (x1, width), (y1, height)):
            if not -slack * full <= value <= (1 + slack) * full:
                return f"{value:g} lies outside 0 to {full:g}"
        if x0 >= x1:
            return f"its left edge ({x0:g}) is not left of its right edge ({x1:g})"
        if y0 >= y1:
            return f"its top edge ({y0:g}) is not above its bottom edge ({y1:g})"
        return self._in_pixels((x0 / width, y0 / height, x1 / width, y1 / height), token_map)

    def _cut(self, numbers: Numbers, units: tuple[float, float]) -> list[str]:
        """A sentence on numbers that lie well past the frame, whose box was cut at its edge."""
        sides = units if self.order == "yxyx" else units[::-1]
        for value, full in zip(numbers.values, (*sides, *sides), strict=True):
            if not -_SLACK * full <= value <= (1 + _SLACK) * full:
                return [
                    f"{numbers.written[:60]!r} ends outside the image and was cut at its edge: "
                    f"{value:g} lies outside 0 to {full:g}."
                ]
        return []

    def _in_pixels(self, parts: Box, token_map: TokenMap) -> Box | str:
        """A box in parts of the frame (0..1) as pixels of the original image."""
        left, top, right, bottom = frame_of(token_map, self.frame)
        height, width = token_map.image_size
        x0, x1 = (left + part * (right - left) for part in parts[::2])
        y0, y1 = (top + part * (bottom - top) for part in parts[1::2])
        x0, x1 = (float(min(max(x, 0.0), width)) for x in (x0, x1))
        y0, y1 = (float(min(max(y, 0.0), height)) for y in (y0, y1))
        if x0 >= x1 or y0 >= y1:
            return "it lies outside the image, where the model was shown padding"
        return x0, y0, x1, y1


def _frames(text: str, before: str, after: str) -> bool:
    return text.startswith(before) and text.endswith(after) and len(text) > len(before + after)


def frame_of(token_map: TokenMap, frame: str) -> Box:
    """The xyxy rectangle in original pixels that numbers are measured on; see :data:`FRAMES`."""
    height, width = token_map.image_size
    if frame == "shown":
        view = token_map.views[0]
        x, y = view.x_edges[[0, -1]], view.y_edges[[0, -1]]
        return float(x[0]), float(y[0]), float(x[1]), float(y[1])
    if frame == "square":
        side = max(height, width)
        left, top = (side - width) // 2, (side - height) // 2
        return float(-left), float(-top), float(side - left), float(side - top)
    return 0.0, 0.0, float(width), float(height)


def _groups(text: str, start: int, end: int, pattern: re.Pattern[str]) -> Iterator[Numbers]:
    """Brackets that hold numbers and nothing else."""
    for match in pattern.finditer(text, start, end):
        inner = match.group(1)
        if _PLAIN.fullmatch(inner):
            spans = _spans(inner, match.start(1))
            values = tuple(float(text[a:b]) for a, b in spans)
            yield Numbers(values, spans, match.group(0), bool(match.group(2)))


def _spans(text: str, offset: int) -> tuple[tuple[int, int], ...]:
    return tuple((match.start() + offset, match.end() + offset) for match in _NUMBER.finditer(text))


def _joined(groups: Sequence[Numbers], text: str) -> Iterator[Numbers]:
    """Corners (x, y) that follow one another with nothing but a comma between them, two by two."""
    waiting = list(groups)
    while waiting:
        one = waiting.pop(0)
        if waiting and _are_corners(one, waiting[0], text):
            two = waiting.pop(0)
            written = text[one.spans[0][0] - 1 : two.spans[-1][1] + 1]
            yield Numbers(one.values + two.values, one.spans + two.spans, written, two.finished)
        else:
            yield one


def _are_corners(one: Numbers, two: Numbers, text: str) -> bool:
    between = text[one.spans[-1][1] : two.spans[0][0]]
    return len(one.values) == len(two.values) == 2 and bool(_BETWEEN.fullmatch(between))


def _locations(text: str) -> Iterator[Numbers]:
    for run in _LOCATIONS.finditer(text):
        spans = _spans(run.group(0), run.start())
        for first in range(0, len(spans), 4):
            part = spans[first : first + 4]
            values = tuple(float(text[a:b]) for a, b in part)
            yield Numbers(values, part, text[part[0][0] - 4 : part[-1][1] + 1])
