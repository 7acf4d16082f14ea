"""Head files: the embedded model's, with its fields changed."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tools.fuzz.inputs import Input
from tools.fuzz.kinds.pictures import scene
from tools.fuzz.mutate import broken, changed, spelled

__all__ = ["head_sets"]


@cache
def _sound() -> dict[str, Any]:
    """The set, with its long lists cut: changes should meet every field and not the tenth number."""
    from vlmscope.tiny import embedded_path

    text = (embedded_path("tiny-llava") / "heads.json").read_text(encoding="utf-8")
    record: dict[str, Any] = json.loads(text)
    for name in ("frequencies", "sums", "sample_ids", "trial_taus", "skipped"):
        record[name] = record[name][:2]
    if record["evidence"] is not None:
        for name in ("per_head", "sample_ids", "skipped"):
            record["evidence"][name] = record["evidence"][name][:2]
    return record


_TEXTS = (
    "L1H2",
    "L3H1,L3H1",
    "L99H0",
    "3.1 3.2",
    "L-1H2",
    "L1H",
    "",
    "x.json",
    "L١H٢",
    "L" + "9" * 50 + "H0",
)


@st.composite
def head_sets(draw: st.DrawFn) -> Input:
    """A head file, or heads as text."""
    content = draw(spelled(draw(changed(_sound()))))
    if draw(st.integers(0, 5)) == 0:
        content = draw(broken(content))
    ground = ("ground", "a.png", "the red circle", "--json", "--heads")
    calls: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
        *[(("@heads", "heads.json"), ("again.json",))] * 2,
        (("heads", "show", "heads.json"), ()),
        (("heads", "show", "heads.json"), ()),
        (("heads", "show", "heads.json", "--json"), ()),
        ((*ground, "heads.json"), ()),
        ((*ground, draw(st.sampled_from(_TEXTS))), ()),
        (("ground", "a.png", "a star", "--heads", "heads.json", "-o", "o.png"), ("o.png",)),
    ]
    words, written = draw(st.sampled_from(calls))
    return Input(words, {"heads.json": content, "a.png": scene()}, written)
