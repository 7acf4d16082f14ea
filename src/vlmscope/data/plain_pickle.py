"""Pickles of plain values, read without Python's own machinery: nothing in them is ever called.

A pickle is a program for a small machine that can also import and call whatever it likes. Annotations
of older data sets come as pickles of lists, dictionaries, text and numbers; the instructions that
those need are carried out here, and any other is refused by the name of what it asks for.
"""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from vlmscope.data.value_trees import check_finite_tree
from vlmscope.errors import BadSampleError
from vlmscope.io import shown_path, unread

__all__ = ["plain_pickle", "plain_values", "read_plain_pickle"]

_MARK = object()
_LONGEST = 300  # bytes of a whole number
_SHOWN = 100  # letters of a name in a message
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_ALLOWED = "lists, dictionaries, text, numbers and None"


def read_plain_pickle(path: Path) -> Any:
    """What a pickle file holds.

    Raises:
        BadSampleError: missing, broken off, no pickle, or with anything but lists, dictionaries,
            text, numbers and None in it; names the class that it asks for.
    """
    try:
        return plain_values(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = (
            str(error).removesuffix(".") if isinstance(error, BadSampleError) else unread(error)
        )
        raise BadSampleError(
            f"Cannot read the pickle {shown_path(path)}: {reason}. Get the file again from the data "
            "set's publishers."
        ) from error


def plain_values(data: bytes) -> Any:
    """What the bytes of a pickle stand for; byte strings of Python 2 are taken as Latin-1.

    Raises:
        BadSampleError: as :func:`read_plain_pickle`; the message is a sentence without the file.
    """
    machine = _Machine(data)
    try:
        value = machine.run()
        check_finite_tree(value)
        return value
    except (IndexError, KeyError, TypeError, ValueError, struct.error, SyntaxError) as error:
        if isinstance(error, BadSampleError):
            raise
        raise BadSampleError(
            f"It is no pickle, or it breaks off (at byte {machine.position:,} of {len(data):,})."
        ) from error


def plain_pickle(value: Any) -> bytes:
    """A pickle (protocol 2) of lists, dictionaries with text as keys, text, whole numbers and None.

    Raises:
        TypeError: anything else.
    """
    return b"\x80\x02" + b"".join(_written(value)) + b"."


def _written(value: Any) -> Iterator[bytes]:
    if isinstance(value, list):
        yield b"]("
        for each in value:
            yield from _written(each)
        yield b"e"
    elif isinstance(value, dict):
        yield b"}("
        for key, each in value.items():
            yield from _written(key)
            yield from _written(each)
        yield b"u"
    elif isinstance(value, str):
        data = value.encode("utf-8")
        yield b"X" + struct.pack("<I", len(data)) + data
    elif value is None:
        yield b"N"
    elif isinstance(value, int) and not isinstance(value, bool):
        yield b"I%d\n" % value
    else:
        raise TypeError(f"a plain pickle holds no {type(value).__name__}")


class _Machine:
    """Carries out one instruction after the other on a stack."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}

    def run(self) -> Any:
        while True:
            code = self.data[self.position]
            self.position += 1
            if code == ord("."):
                value = self.stack.pop()
                if self.stack or value is _MARK:
                    raise ValueError("values are left over")
                return value
            instruction = _INSTRUCTIONS.get(code)
            if instruction is None:
                self.refuse(code)
            instruction(self)

    def number(self, layout: str) -> Any:
        """The next number, in a layout of ``struct``."""
        [value] = struct.unpack_from(layout, self.data, self.position)
        self.position += struct.calcsize(layout)
        return value

    def take(self, count: int) -> bytes:
        if not 0 <= count <= len(self.data) - self.position:
            raise IndexError("it breaks off")
        start, self.position = self.position, self.position + count
        return self.data[start : self.position]

    def line(self) -> bytes:
        return self.take(self.data.index(b"\n", self.position) + 1 - self.position)[:-1]

    def since_mark(self) -> list[Any]:
        """What was pushed since the last mark, taken off with it."""
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                values = self.stack[place + 1 :]
                del self.stack[place:]
                return values
        raise IndexError("there is no mark")

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def top(self, kind: type[Any]) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise TypeError(f"{kind.__name__} expected")
        return self.stack[-1]

    def refuse(self, code: int) -> NoReturn:
        raise BadSampleError(f"It asks for {self.wish(code)}; only {_ALLOWED} are read.")

    def wish(self, code: int) -> str:
        """What an instruction that is not carried out asks for."""
        letter = bytes([code])
        if letter in (b"c", b"i"):
            return _class_name(self.line().decode("latin1"), self.line().decode("latin1"))
        if letter == b"\x93":
            return _class_name(*self.stack[-2:])
        known = _REFUSED.get(letter)
        if known is None:
            raise ValueError(f"there is no instruction {letter!r}")
        return known


def _class_name(module: Any, name: Any) -> str:
    if not isinstance(module, str) or not isinstance(name, str):
        raise TypeError("the name of a class is text")
    return f"the class {module[:_SHOWN]}.{name[:_SHOWN]}"


_REFUSED = {
    **dict.fromkeys((b")", b"t", b"\x85", b"\x86", b"\x87"), "a tuple"),
    **dict.fromkeys((b"\x88", b"\x89"), "a bool"),
    **dict.fromkeys((b"B", b"C", b"\x8e"), "bytes"),
    **dict.fromkeys((b"\x96", b"\x97", b"\x98"), "a buffer"),
    **dict.fromkeys((b"\x8f", b"\x90", b"\x91"), "a set"),
    **dict.fromkeys((b"P", b"Q"), "an object outside the file"),
    **dict.fromkeys((b"\x82", b"\x83", b"\x84"), "a registered class"),
    **dict.fromkeys((b"R", b"b", b"o", b"\x81", b"\x92"), "a call"),
}


def _whole(machine: _Machine) -> None:
    digits = machine.line()
    if digits in (b"00", b"01"):
        raise BadSampleError(f"It asks for a bool; only {_ALLOWED} are read.")
    if len(digits) > _LONGEST:
        raise ValueError("the number is too long")
    machine.push(int(digits.removesuffix(b"L")))


def _long(machine: _Machine, layout: str) -> None:
    count = machine.number(layout)
    if not 0 <= count <= _LONGEST:
        raise ValueError("the number is too long")
    machine.push(int.from_bytes(machine.take(count), "little", signed=True))


def _quoted(machine: _Machine) -> None:
    """A byte string of Python 2 in quotes, with its escapes."""
    text = machine.line().decode("ascii")
    if not _QUOTED.fullmatch(
        text
    ):  # one text and no more: Python's parser would take any expression
        raise ValueError("text in quotes expected")
    value: bytes = ast.literal_eval("b" + text)
    machine.push(value.decode("latin1"))


def _text(layout: str, encoding: str) -> Callable[[_Machine], None]:
    def read(machine: _Machine) -> None:
        text = machine.take(machine.number(layout))
        machine.push(text.decode(encoding, "surrogatepass" if encoding == "utf-8" else "strict"))

    return read


def _append(machine: _Machine) -> None:
    value = machine.stack.pop()
    _add(machine, [value])


def _add(machine: _Machine, values: list[Any]) -> None:
    if any(value is _MARK for value in values):
        raise TypeError("a mark is no value")
    machine.top(list).extend(values)


def _set_items(machine: _Machine, values: list[Any]) -> None:
    machine.top(dict).update(_pairs(values))


def _set_item(machine: _Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _set_items(machine, [key, value])


def _pairs(values: list[Any]) -> dict[Any, Any]:
    if any(value is _MARK for value in values):
        raise TypeError("a mark is no value")
    return dict(zip(values[::2], values[1::2], strict=True))


def _store(machine: _Machine, place: int) -> None:
    if machine.stack[-1] is _MARK:
        raise TypeError("a mark is no value")
    machine.memory[place] = machine.stack[-1]


_INSTRUCTIONS: dict[int, Callable[[_Machine], Any]] = {
    0x80: lambda m: m.take(1),  # the protocol's number
    0x95: lambda m: m.take(8),  # the length of a frame
    ord("("): lambda m: m.push(_MARK),
    ord("0"): lambda m: m.stack.pop(),
    ord("N"): lambda m: m.push(None),
    ord("I"): _whole,
    ord("L"): _whole,
    ord("J"): lambda m: m.push(m.number("<i")),
    ord("K"): lambda m: m.push(m.number("<B")),
    ord("M"): lambda m: m.push(m.number("<H")),
    0x8A: lambda m: _long(m, "<B"),
    0x8B: lambda m: _long(m, "<i"),
    ord("F"): lambda m: m.push(float(m.line())),
    ord("G"): lambda m: m.push(m.number(">d")),
    ord("S"): _quoted,
    ord("T"): _text("<i", "latin1"),
    ord("U"): _text("<B", "latin1"),
    ord("V"): lambda m: m.push(m.line().decode("raw-unicode-escape")),
    ord("X"): _text("<I", "utf-8"),
    0x8C: _text("<B", "utf-8"),
    0x8D: _text("<Q", "utf-8"),
    ord("]"): lambda m: m.push([]),
    ord("l"): lambda m: m.push(m.since_mark()),
    ord("a"): _append,
    ord("e"): lambda m: _add(m, m.since_mark()),
    ord("}"): lambda m: m.push({}),
    ord("d"): lambda m: m.push(_pairs(m.since_mark())),
    ord("s"): _set_item,
    ord("u"): lambda m: _set_items(m, m.since_mark()),
    ord("p"): lambda m: _store(m, int(m.line())),
    ord("q"): lambda m: _store(m, m.number("<B")),
    ord("r"): lambda m: _store(m, m.number("<I")),
    0x94: lambda m: _store(m, len(m.memory)),
    ord("g"): lambda m: m.push(m.memory[int(m.line())]),
    ord("h"): lambda m: m.push(m.memory[m.number("<B")]),
    ord("j"): lambda m: m.push(m.memory[m.number("<I")]),
}
"""Code of an instruction -> what it does, for those that plain values are made of."""
