"""Lists of words: classes written out or in a file, word lists of data sets, objects of a judge."""

from __future__ import annotations

from hypothesis import strategies as st

from tools.fuzz.inputs import Input
from tools.fuzz.kinds.pictures import scene
from tools.fuzz.mutate import broken, changed, spelled, texts

__all__ = ["word_lists"]

_LINES = (
    "red circle",
    "a star: star|the star",
    "# colours",
    "bus, coach",
    "the blue square",
    "star",
)
_ENCODINGS = ("utf-8",) * 5 + ("utf-8-sig", "utf-16", "utf-32", "utf-16-le", "latin-1", "shift-jis")
_CLASSES = {"circle": ["red circle", "circle"], "star": "star", "square": [3, "square"]}


@st.composite
def _text(draw: st.DrawFn) -> bytes:
    lines = draw(st.lists(st.one_of(st.sampled_from(_LINES), texts), max_size=5))
    end = draw(st.sampled_from(("\n", "\n", "\r\n", "\r", "\u2028", "\n\n")))
    data = end.join(lines).encode(draw(st.sampled_from(_ENCODINGS)), "replace")
    return draw(broken(data)) if draw(st.integers(0, 3)) == 0 else data


@st.composite
def _json(draw: st.DrawFn) -> bytes:
    sound = draw(st.sampled_from((_CLASSES, {"name": "mine", "version": "1", "classes": _CLASSES})))
    data = draw(spelled(draw(changed(sound))))
    return draw(broken(data)) if draw(st.integers(0, 5)) == 0 else data


@st.composite
def word_lists(draw: st.DrawFn) -> Input:
    """A list of words, in a file or on the command line."""
    segment = ("segment", "a.png", "--json", "-c")
    inline = ",".join(draw(st.lists(st.one_of(st.sampled_from(_LINES), texts), max_size=4)))
    inline = inline.replace("\0", "").strip()
    evaluate = ("eval", "tiny-scenes", "--method", "clip", "--limit", "1", "-q", "--json")
    knockout = ("knockout", "--samples", "tiny-scenes:1", "--windows", "0", "-q", "--objects")
    calls: list[tuple[str, ...]] = [
        ("@classes", "list.txt"),
        ("@classes", inline),
        ("@objects", "list.txt"),
        ("@words", "list.json"),
        ("@words", "list.json"),
        ("@words", "list.txt"),
        (*segment, "list.txt"),
        (*segment, inline),
        (*evaluate, "--words", "list.json"),
        (*knockout, "list.txt"),
    ]
    files = {"list.txt": draw(_text()), "list.json": draw(_json()), "a.png": scene()}
    return Input(draw(st.sampled_from(calls)), files)
