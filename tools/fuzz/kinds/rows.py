"""JSON-lines files: samples with boxes and masks, and questions about images."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tools.fuzz.inputs import Input
from tools.fuzz.kinds.pictures import grey, scene
from tools.fuzz.mutate import broken, changed, odd_values, spelled

__all__ = ["questions", "samples"]

_FILES = {
    "a.png": scene(),
    "m.png": grey(),
    "dark.png": grey(value=0),
    "small.png": grey(32, 32),
    "bad.png": scene()[:300],
    "sub/a.png": scene(96, 160),
}
_ENDS = ("\n",) * 14 + ("\r\n", "\r", "\n\n", "\u2028", "\x85", "\n \t\n", "", "\n//\n")

_SAMPLES: tuple[dict[str, Any], ...] = (
    {"image": "a.png", "phrase": "the red circle", "box": [10, 20, 60, 70]},
    {"image": "a.png", "phrase": "a star", "mask": "m.png"},
    {"image": "sub/a.png", "text": "the blue square", "box": [0.5, 0, 160, 96], "mask": None},
    {"image": "a.png", "phrase": "green", "mask": "dark.png"},
    {"image": "bad.png", "phrase": "green"},
)
_QUESTIONS: tuple[dict[str, Any], ...] = (
    {"image": "a.png", "question": "what colour is the circle?"},
    {"image": "a.png", "question": "where is it?", "answer": "left", "references": ["left", "on"]},
    {"image": "sub/a.png", "text": "what is there?", "reference": "star", "mask": None},
    {"image": "a.png", "question": "what is it?", "mask": "small.png"},
)
_BOXES: tuple[Any, ...] = (
    [0, 0, 1, 1],
    [0.1, 0.2, 0.5, 0.6],
    [60, 70, 10, 20],
    [-5, -5, 500, 500],
    [1, 2, 3],
    [1, 2, 3, 4, 5],
    ["1", "2", "3", "4"],
    {"x": 1},
    [1e300, 0, 1e301, 5],
    [True, False, True, True],
    [5, 5, 5, 5],
)


@st.composite
def _row(draw: st.DrawFn, sound: tuple[dict[str, Any], ...]) -> Any:
    row = draw(st.sampled_from(sound))
    way = draw(st.sampled_from(("as it is",) * 4 + ("changed", "changed", "box", "image", "any")))
    if way == "changed":
        return draw(changed(row, 1, 2))
    if way == "box":
        return {**row, "box": draw(st.sampled_from(_BOXES))}
    if way == "image":
        paths = (
            "no.png",
            "",
            ".",
            "../a.png",
            "/dev/null",
            "a.png\0",
            "a" * 5000,
            "http://x/a.png",
        )
        return {**row, "image": draw(st.sampled_from(paths))}
    return draw(odd_values) if way == "any" else row


@st.composite
def _lines(draw: st.DrawFn, sound: tuple[dict[str, Any], ...]) -> bytes:
    lines = [draw(spelled(draw(_row(sound)))) for _ in range(draw(st.integers(0, 4)))]
    end = draw(st.sampled_from(_ENDS)).encode("utf-8")
    text = end.join(lines) + draw(st.sampled_from((end, b"")))
    mark = draw(st.sampled_from((b"",) * 8 + (b"\xef\xbb\xbf",)))
    return mark + (draw(broken(text)) if draw(st.integers(0, 5)) == 0 else text)


@st.composite
def samples(draw: st.DrawFn) -> Input:
    """A list of samples."""
    name = draw(st.sampled_from(("rows.jsonl", "rows.jsonl", "samples.jsonl", "rows.json")))
    source = "." if name == "samples.jsonl" else name
    verify = ("heads", "verify", "L3H1", "--model", "tiny-llava", "--samples", source)
    discover = ("heads", "discover", "tiny-llava", "--samples", source, "--json", "-q")
    calls: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
        *[(("@samples", source), ())] * 5,
        ((*verify, "--json", "--out", "out.json"), ("out.json",)),
        ((*verify, "-q"), ()),
        ((*discover, "--out", "out.json"), ("out.json",)),
    ]
    words, written = draw(st.sampled_from(calls))
    return Input(words, {**_FILES, name: draw(_lines(_SAMPLES))}, written)


@st.composite
def questions(draw: st.DrawFn) -> Input:
    """A list of questions."""
    flow = ("flow", "--samples", "rows.jsonl")
    knockout = ("knockout", "--samples", "rows.jsonl", "--windows", "0-1")
    calls: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
        *[(("@questions", "rows.jsonl"), ())] * 4,
        ((*flow, "--json", "--out", "out.json", "--html", "out.html"), ("out.json", "out.html")),
        ((*flow, "--resume", "state.jsonl"), ("state.jsonl",)),
        ((*knockout, "--json"), ()),
    ]
    words, written = draw(st.sampled_from(calls))
    return Input(words, {**_FILES, "rows.jsonl": draw(_lines(_QUESTIONS))}, written)
