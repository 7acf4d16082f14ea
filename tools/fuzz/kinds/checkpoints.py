"""Model folders of the embedded models, with one file of settings changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tools.fuzz.inputs import Input
from tools.fuzz.kinds.pictures import scene
from tools.fuzz.mutate import broken, changed, spelled

__all__ = ["calls_of", "cards", "configs", "linked", "processors", "tokenizers"]

MODELS = ("tiny-clip", "tiny-llava")


def linked(model: str) -> dict[str, bytes | Path]:
    """The files of an embedded model as those of the folder ``model``; what is large is linked."""
    from vlmscope.tiny import embedded_path

    return {f"model/{path.name}": path for path in sorted(embedded_path(model).iterdir())}


def calls_of(model: str) -> tuple[tuple[str, ...], ...]:
    """Command lines that load the folder ``model``."""
    answers: tuple[str, ...] = (
        "segment",
        "a.png",
        "-c",
        "red circle,star",
        "-m",
        "model",
        "--json",
    )
    if model == "tiny-llava":
        answers = ("ground", "a.png", "the red circle", "-m", "model", "--json")
    doctor = ("doctor", "model", "--json")
    return (("@load", "model"), doctor, answers, answers)


@st.composite
def _changed_file(draw: st.DrawFn, names: Mapping[str, int]) -> Input:
    """A call on a folder in which one of the files is changed."""
    model = draw(st.sampled_from(MODELS))
    files = linked(model)
    there = [
        name for name, weight in names.items() for _ in range(weight) if f"model/{name}" in files
    ]
    name = f"model/{draw(st.sampled_from(there))}"
    source = files[name]
    assert isinstance(source, Path)
    files[name] = draw(_spoiled(source))
    if draw(st.integers(0, 19)) == 0:
        del files[name]
    return Input(draw(st.sampled_from(calls_of(model))), {**files, "a.png": scene()})


@st.composite
def _spoiled(draw: st.DrawFn, source: Path) -> bytes:
    data = source.read_bytes()
    if source.suffix != ".json" or draw(st.integers(0, 7)) == 0:
        return draw(broken(data))
    value: Any = json.loads(data)
    return draw(spelled(draw(changed(value, 1, 2))))


def configs() -> st.SearchStrategy[Input]:
    """``config.json`` or ``generation_config.json``."""
    return _changed_file({"config.json": 5, "generation_config.json": 1})


def processors() -> st.SearchStrategy[Input]:
    """What says how images are fitted and chats are written."""
    return _changed_file(
        {"processor_config.json": 3, "preprocessor_config.json": 2, "chat_template.jinja": 1}
    )


def tokenizers() -> st.SearchStrategy[Input]:
    """The tokenizer, or its settings."""
    return _changed_file({"tokenizer.json": 3, "tokenizer_config.json": 2})


def cards() -> st.SearchStrategy[Input]:
    """What comes with a checkpoint of ours: its own defaults and its heads."""
    return _changed_file({"vlmscope.json": 2, "heads.json": 1})
