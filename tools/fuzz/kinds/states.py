"""State files, from which an interrupted job goes on."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tools.fuzz.inputs import Input
from tools.fuzz.mutate import broken, changed, spelled

__all__ = ["states"]

_STATE = "state.jsonl"
_FLOW = ("flow", "--samples", "tiny-scenes:2", "-q", "--json", "--resume", _STATE)
_VERIFY = (
    "heads",
    "verify",
    "L3H1",
    "--samples",
    "tiny-scenes:3",
    "-q",
    "--json",
    "--resume",
    _STATE,
)


@cache
def _sound(call: tuple[str, ...]) -> tuple[Any, ...]:
    """The rows of the state that a call leaves."""
    import json

    from tools.fuzz.doors import call as run

    with tempfile.TemporaryDirectory() as folder:
        outcome = run(Input(call, written=(_STATE,)), Path(folder))
    lines = outcome.files[_STATE].decode("utf-8").splitlines()
    return tuple(json.loads(line) for line in lines)


@st.composite
def states(draw: st.DrawFn) -> Input:
    """A state with a row changed, or spoiled as a file."""
    call = draw(st.sampled_from((_FLOW, _VERIFY)))
    rows = list(_sound(call))
    at = draw(st.integers(0, len(rows) - 1))
    lines = [draw(spelled(row)) if i == at else _plain(row) for i, row in enumerate(rows)]
    if draw(st.booleans()):
        lines[at] = draw(spelled(draw(changed(rows[at], 1, 2))))
    data = b"\n".join(lines) + b"\n"
    if draw(st.integers(0, 3)) == 0:
        data = draw(broken(data))
    return Input(call, {_STATE: data}, (_STATE,))


def _plain(row: Any) -> bytes:
    import json

    return json.dumps(row).encode("utf-8")
