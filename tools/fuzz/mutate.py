"""Ways to spoil bytes, values and JSON text, as hypothesis strategies."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

__all__ = ["broken", "changed", "odd_texts", "odd_values", "spelled", "texts"]

_ODD_NUMBERS = (
    *(0, -1, 1, 2, 3, 7, 255, 65_536, 2**31, 2**63, 2**64, 10**30),
    *(0.0, -0.0, 0.5, -3.5, 1e-9, 1e300),
)
_ODD_TEXTS = (
    "",
    " ",
    "\0",
    "a\0b",
    "..",
    "../../x",
    "/",
    ".",
    "-",
    "--",
    "-h",
    "\ufeffa",
    "a\u2028b",
    "a\x85b",
    "a\nb",
    "NaN",
    "<image>",
    "<pad>",
    "</s>",
    "<|im_end|>",
    "{}",
    "{0.__class__}",
    "%s%n",
    "{% raw %}",
    "{{ 7 // 0 }}",
    "\u202egnp",
    "é" * 3,
    "한국어",
    "क्षि",
    "👩‍👩‍👧",
    "a" * 300,
    "word " * 400,
    "!!!",
    "[bold]x[/]",
)
_DEEP = ("[" * 100_000, '{"a":' * 100_000, "[" * 400 + "]" * 400)
_LARGE = ("1e999", "-1e999", "9" * 400, "NaN", "Infinity", "-Infinity", "01", "1.", "+1", "0x10")

texts = st.one_of(st.sampled_from(_ODD_TEXTS), st.text(max_size=12))
"""Texts, odd ones among them; no half surrogates, which no file can hold as UTF-8."""

odd_texts = st.one_of(texts, st.text(st.characters(), max_size=6))

_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(_ODD_NUMBERS),
    st.integers(-10, 100),
    st.floats(),
    texts,
)

odd_values = st.one_of(
    _scalars,
    st.lists(_scalars, max_size=4),
    st.dictionaries(texts, _scalars, max_size=3),
    st.sampled_from(([], {}, [[]], [{}], {"a": []}, [[[1]]], {"": None}, [1] * 500)),
)
"""Values of JSON, of any kind."""


@st.composite
def changed(draw: st.DrawFn, value: Any, least: int = 1, most: int = 3) -> Any:
    """A JSON value with a few of its parts replaced, taken away, doubled, renamed or added."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(least, most))):
        places = _places(value)
        if not places:
            return draw(odd_values)
        holder, key = draw(st.sampled_from(places))
        draw(st.sampled_from(_CHANGES))(draw, holder, key)
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key) in a value, from the outside in; long lists by their ends."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        found += [(value, key) for key in value]
    if isinstance(value, list):
        found += [(value, at) for at in sorted({0, 1, len(value) - 1} & set(range(len(value))))]
    return found + [place for holder, key in list(found) for place in _places(holder[key])]


def _replace(draw: st.DrawFn, holder: Any, key: Any) -> None:
    holder[key] = draw(odd_values)


def _nudge(draw: st.DrawFn, holder: Any, key: Any) -> None:
    """A value of the same kind, so that checks of kinds do not stop it."""
    value = holder[key]
    if isinstance(value, bool):
        holder[key] = not value
    elif isinstance(value, int):
        holder[key] = draw(st.sampled_from((0, -1, value + 1, value - 1, -value, 2 * value, 10**6)))
    elif isinstance(value, float):
        holder[key] = draw(st.floats() | st.sampled_from((0.0, -value, value * 1e6)))
    elif isinstance(value, str):
        holder[key] = draw(texts | st.sampled_from((value + "x", value[:-1], value.upper())))
    elif isinstance(value, list):
        holder[key] = draw(st.sampled_from((value * 2, value[:-1], value[::-1], [value])))
    else:
        holder[key] = draw(odd_values)


def _remove(draw: st.DrawFn, holder: Any, key: Any) -> None:
    del holder[key]


def _wrap(draw: st.DrawFn, holder: Any, key: Any) -> None:
    holder[key] = draw(st.sampled_from(([holder[key]], {"a": holder[key]}, str(holder[key]))))


def _add(draw: st.DrawFn, holder: Any, key: Any) -> None:
    if isinstance(holder, dict):
        holder[draw(texts)] = holder.pop(key) if draw(st.booleans()) else draw(odd_values)
    else:
        holder.insert(key, draw(odd_values))


_CHANGES: tuple[Callable[[st.DrawFn, Any, Any], None], ...] = (
    _replace,
    _replace,
    _nudge,
    _nudge,
    _nudge,
    _remove,
    _wrap,
    _add,
)


@st.composite
def spelled(draw: st.DrawFn, value: Any) -> bytes:
    """JSON text of a value, as people and programs spell it, and now and then what is no JSON."""
    text = json.dumps(
        value,
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from((None, None, 1))),
    )
    way = draw(st.sampled_from(("plain",) * 18 + tuple(_SPELLINGS)))
    if way != "plain":
        text = _SPELLINGS[way](draw, text)
    encoding = draw(st.sampled_from(("utf-8",) * 9 + ("utf-8-sig", "utf-16", "latin-1")))
    return text.encode(encoding, "replace")


def _deep(draw: st.DrawFn, text: str) -> str:
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(st.sampled_from(_DEEP)) + text[at:]


def _numbers(draw: st.DrawFn, text: str) -> str:
    """A number somewhere becomes one that is none, or beyond float."""
    at = [i for i, c in enumerate(text) if c.isdigit() and not text[i - 1].isdigit()]
    if not at:
        return draw(st.sampled_from(_LARGE))
    begin = draw(st.sampled_from(at))
    end = begin + len(text[begin:]) - len(text[begin:].lstrip("0123456789."))
    return text[:begin] + draw(st.sampled_from(_LARGE)) + text[end:]


_SPELLINGS: dict[str, Callable[[st.DrawFn, str], str]] = {
    "twice": lambda draw, text: text + text,
    "half": lambda draw, text: text[: draw(st.integers(0, len(text)))],
    "deep": _deep,
    "numbers": _numbers,
    "windows": lambda draw, text: text.replace("\n", "\r\n"),
    "doubled key": lambda draw, text: text.replace("{", '{"a": 1, "a": 2, ', 1),
    "comment": lambda draw, text: "// settings\n" + text,
    "comma": lambda draw, text: text.replace("}", ",}"),
    "surrogate": lambda draw, text: text.replace('"', '"\\ud800', draw(st.integers(1, 3))),
}


@st.composite
def broken(draw: st.DrawFn, data: bytes, intact: bool = False) -> bytes:
    """Bytes that were cut off, flipped, doubled, filled up or replaced.

    Args:
        draw: of hypothesis.
        data: what is spoiled.
        intact: whether they may also come as they are.
    """
    ways = _BREAKS if not intact else (*_BREAKS, *[lambda draw, data: data] * len(_BREAKS))
    return draw(st.sampled_from(ways))(draw, data)


def _cut(draw: st.DrawFn, data: bytes) -> bytes:
    return data[: draw(st.integers(0, len(data)))]


def _flip(draw: st.DrawFn, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 8))):
        if changed:
            at = draw(st.integers(0, len(changed) - 1))
            changed[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(changed)


def _flip_head(draw: st.DrawFn, data: bytes) -> bytes:
    """Headers lie in front, and a change in one says more than one among the values."""
    return _flip(draw, data[:64]) + data[64:]


def _fill(draw: st.DrawFn, data: bytes) -> bytes:
    at = draw(st.integers(0, len(data)))
    count = draw(st.integers(1, 64))
    byte = draw(st.sampled_from((b"\0", b"\xff", b"\x80", b"[")))
    return data[:at] + byte * count + data[at + count :]


def _insert(draw: st.DrawFn, data: bytes) -> bytes:
    at = draw(st.integers(0, len(data)))
    return data[:at] + draw(st.binary(min_size=1, max_size=24)) + data[at:]


def _double(draw: st.DrawFn, data: bytes) -> bytes:
    begin = draw(st.integers(0, len(data)))
    end = draw(st.integers(begin, min(len(data), begin + 4096)))
    return data[:end] + data[begin:]


def _other(draw: st.DrawFn, data: bytes) -> bytes:
    return draw(
        st.one_of(
            st.binary(max_size=64),
            st.sampled_from(
                (
                    b"",
                    b"\n",
                    b"\0" * 100,
                    b"<html><body>404</body></html>",
                    b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
                    b"%PDF-1.4\n",
                    b"PK\x03\x04" + b"\0" * 40,
                    b"\x80\x04\x95\0\0\0\0\0\0\0\0.",
                    b"null",
                    b"{}",
                    b"[]",
                )
            ),
        )
    )


_BREAKS: tuple[Callable[[st.DrawFn, bytes], bytes], ...] = (
    _cut,
    _flip,
    _flip,
    _flip_head,
    _flip_head,
    _fill,
    _insert,
    _double,
    _other,
)
