"""Pickles of plain values: what Python's own reader says, and no more than that."""

from __future__ import annotations

import collections
import datetime
import fractions
import os
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlmscope.data.plain_pickle import plain_pickle, plain_values, read_plain_pickle
from vlmscope.errors import BadSampleError

_LEAVES = st.one_of(
    st.none(), st.integers(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text()
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=25,
)

# what Python 2 wrote with protocol 0 and 2: byte strings, one of them in Latin-1
PYTHON_2 = [
    (
        b"(lp1\n(dp2\nS'split'\np3\nS'val'\np4\nsS'ref_id'\np5\nI7\nsa.",
        [{"split": "val", "ref_id": 7}],
    ),
    (b"(lp1\nS'caf\\xe9'\np2\naVna\\u00efve\np3\nag2\na.", ["café", "naïve", "café"]),
    (b"\x80\x02]q\x01(U\x04caf\xe9q\x02T\x02\x00\x00\x00hih\x02L5L\ne.", ["café", "hi", "café", 5]),
    (b"(lp0\nF1.5\naI-3\naNa.", [1.5, -3, None]),
]


@settings(deadline=None, max_examples=150)
@given(_VALUES, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_values_are_those_of_python(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol=protocol)
    assert repr(plain_values(data)) == repr(value)


@pytest.mark.parametrize(("data", "value"), PYTHON_2)
def test_pickles_of_python_2_are_latin_1(data: bytes, value: Any) -> None:
    assert plain_values(data) == value
    assert pickle.loads(data, encoding="latin1") == value  # noqa: S301


def test_what_is_shared_is_read_once() -> None:
    row = {"a": 1}
    [one, two] = plain_values(pickle.dumps([row, row]))
    assert one is two


def test_what_is_written_is_read_by_python_and_here() -> None:
    value = [{"ref_id": 3, "sent": "the ☂", "none": None, "tokens": ["a", -12345678901]}, []]
    assert pickle.loads(plain_pickle(value)) == value  # noqa: S301
    assert plain_values(plain_pickle(value)) == value
    with pytest.raises(TypeError, match="no float"):
        plain_pickle([1.5])


class _Calls:
    """A pickle that runs a command when Python reads it."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.place),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_is_executed_and_the_class_is_named(tmp_path: Path, protocol: int) -> None:
    place = tmp_path / "made"
    (tmp_path / "refs.p").write_bytes(pickle.dumps([_Calls(place)], protocol=protocol))
    with pytest.raises(
        BadSampleError, match=r"refs\.p: It asks for the class posix\.mkdir; only lis"
    ):
        read_plain_pickle(tmp_path / "refs.p")
    assert not place.exists()


@pytest.mark.parametrize(
    ("value", "wish"),
    [
        (np.int64(3), "class numpy"),
        (np.zeros(2), "class numpy"),
        (datetime.date(2020, 1, 1), "class datetime.date"),
        (collections.OrderedDict(a=1), "class collections.OrderedDict"),
        (fractions.Fraction(1, 2), "class fractions.Fraction"),
        ((1, 2), "a tuple"),
        ((), "a tuple"),
        (True, "a bool"),
        ({1, 2}, "a set|class builtins.set|class __builtin__.set"),
        (b"bytes", "bytes|class _codecs.encode"),
        (bytearray(b"x"), "buffer|class builtins.bytearray|class __builtin__.bytearray"),
    ],
)
def test_anything_else_is_refused_by_its_name(value: Any, wish: str) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(BadSampleError, match=wish):
            plain_values(pickle.dumps({"a": [value]}, protocol=protocol))


def test_whatever_is_broken_is_refused() -> None:
    data = pickle.dumps([{"ref_id": 1, "sentences": [{"sent": "a"}] * 3, "x": [1.5, None]}] * 4)
    rng = np.random.default_rng(0)
    for end in range(len(data)):
        with pytest.raises(BadSampleError):
            plain_values(data[:end])
    for _ in range(2000):
        bent = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            bent[place] = rng.integers(0, 256)
        try:
            value = plain_values(bytes(bent))
        except BadSampleError:
            continue
        assert "object at" not in repr(value)  # no mark of the machine gets out


@pytest.mark.parametrize(
    "data", [b"", b".", b"(.", b"a.", b"]].", b"\x80", b"K\x01K\x02.", b"}(K\x01u."]
)
def test_programs_that_make_no_sense_are_refused(data: bytes) -> None:
    with pytest.raises(BadSampleError, match="It is no pickle, or it breaks off"):
        plain_values(data)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match=r"Cannot read the pickle .*none\.p: No such file"):
        read_plain_pickle(tmp_path / "none.p")


# what a stranger may put into a file, by the letter of its instruction

STRANGE = [
    (b"Pan id\n.", "an object outside the file"),  # persistent ids
    (b"K\x01Q.", "an object outside the file"),
    (b"\x82\x01.", "a registered class"),  # the registry of extensions
    (b"\x83\x01\x00.", "a registered class"),
    (b"\x84\x01\x00\x00\x00.", "a registered class"),
    (b"cos\nsystem\n(S'true'\ntR.", "the class os.system"),
    (b"(S'true'\nios\nsystem\n.", "the class os.system"),
    (b"(cos\nsystem\nS'true'\no.", "the class os.system"),
    (b"\x8c\x02os\x8c\x06system\x93.", "the class os.system"),
    (b"c" + b"a" * 5000 + b"\nb\n.", "the class " + "a" * 100 + ".b"),
    (b"]R.", "a call"),
    (b"}b.", "a call"),
    (b"]]\x81.", "a call"),
    (b"K\x01\x85.", "a tuple"),
    (b"\x97.", "a buffer"),
    (b"C\x01a.", "bytes"),
    (b"\x8f.", "a set"),
]


@pytest.mark.parametrize(("data", "wish"), STRANGE)
def test_what_is_no_plain_value_is_named(data: bytes, wish: str) -> None:
    with pytest.raises(BadSampleError) as caught:
        plain_values(data)
    assert str(caught.value) == f"It asks for {wish}; only {ALLOWED} are read."


ALLOWED = "lists, dictionaries, text, numbers and None"

BROKEN = [
    b"(]\x93.",  # the name of a class that is a list
    b"S"
    + b"-" * 200_000
    + b"1\n.",  # an expression in place of a text: Python's parser would drown
    b"S'a'+b'b'\n.",
    b"S((((\n.",
    b"S'a''b'\n.",
    b"S'a\n.",
    b"T\xff\xff\xff\x7fabc.",  # two gigabytes are announced, three letters are there
    b"X\xff\xff\xff\xffabc.",
    b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
    b"\x8b\xff\xff\xff\x7f\x01.",  # a number of two gigabytes
    b"I" + b"9" * 100_000 + b"\n.",
    b"(" * 100_000 + b".",
    b"h\x05.",  # what was never stored
    b"g99999999999999999999\n.",
    b"\x80\x04\x95\xff\xff\xff\xff",  # a frame that is cut off
    b'{"refs": []}',
    b"PK\x03\x04",
    b"\x1f\x8b\x08\x00",
]


@pytest.mark.parametrize("data", BROKEN)
def test_what_is_broken_or_announces_more_than_there_is(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BadSampleError, match="It is no pickle, or it breaks off|It asks for"):
            plain_values(data)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_lists_that_unfold_without_end_are_refused(protocol: int) -> None:
    """Forty lists, each of which names the one before it twice, are a million million values."""
    bomb: list[Any] = []
    for _ in range(40):
        bomb = [bomb, bomb]
    with pytest.raises(BadSampleError, match="stand for more than 1,000,000,000 values"):
        plain_values(pickle.dumps([{"ref_id": bomb}], protocol=protocol))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_holds_itself_is_refused(protocol: int) -> None:
    ring: list[Any] = [1]
    ring.append({"ring": ring})
    with pytest.raises(BadSampleError, match="a list or dictionary that holds itself"):
        plain_values(pickle.dumps(ring, protocol=protocol))


def test_what_is_nested_without_end_is_refused() -> None:
    with pytest.raises(BadSampleError, match="nested more than 100 deep"):
        plain_values(b"]" * 50_000 + b"a" * 49_999 + b".")


@pytest.mark.parametrize("protocol", [4, 5])
def test_frames_hold_what_is_large(protocol: int) -> None:
    refs = [{"ref_id": number, "sent": "x" * 70_000} for number in range(3)]
    data = pickle.dumps(refs, protocol=protocol)
    assert data.count(b"\x95") >= 1
    assert plain_values(data) == refs


@pytest.mark.parametrize(
    ("value", "wish"), [((1, 2), "a tuple"), (True, "a bool"), (b"x", "bytes"), ({1}, "a set")]
)
def test_values_that_are_no_refs_are_named_with_their_file(
    tmp_path: Path, value: Any, wish: str
) -> None:
    path = tmp_path / "refs(unc).p"
    path.write_bytes(pickle.dumps([{"ref_id": value}], protocol=4))
    with pytest.raises(BadSampleError) as caught:
        read_plain_pickle(path)
    message = str(caught.value)
    assert message.startswith(f"Cannot read the pickle {path}: It asks for {wish}; only ")
    assert message.endswith("Get the file again from the data set's publishers.")
