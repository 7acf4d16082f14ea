"""Pickles of plain values: what Python's own reader says, and no more than that."""

from __future__ import annotations

import collections
import datetime
import fractions
import os
import pickle
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
