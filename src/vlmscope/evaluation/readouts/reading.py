"""What a method is given and what is read of the model: prompt, row and heads, word for word."""

from __future__ import annotations

from typing import Any

from vlmscope.evaluation.entrants.configured_methods import ConfiguredMethod
from vlmscope.heads import resolve_heads
from vlmscope.models import DualEncoder, LoadedModel
from vlmscope.types import HeadSet

__all__ = ["EXPRESSION", "head_set_of", "readout"]

EXPRESSION = "{expression}"
"""Stands for the sentence."""

_ROW = "last_text"  # what methods read where nothing else is said


def head_set_of(run: ConfiguredMethod, model: LoadedModel | DualEncoder) -> HeadSet | None:
    """The heads that a run reads; None: its method has no use for a set.

    Raises:
        BadHeadSetError: none is known for the model.
    """
    if "heads" not in run.method.takes or not isinstance(model, LoadedModel):
        return None
    return resolve_heads(None, model)


def readout(run: ConfiguredMethod, model: LoadedModel | DualEncoder) -> dict[str, Any]:
    """``{"prompt", "prompt_text", "row", "heads"}``, as far as the method has them; JSON values.

    Raises:
        BadHeadSetError: no heads are known for the model.
    """
    if "prompt" not in run.method.takes or not isinstance(model, LoadedModel):
        return {}
    heads = head_set_of(run, model)
    preset = model.resolve_preset(None if heads is None else heads.prompt)
    record: dict[str, Any] = {
        "prompt": preset,
        "prompt_text": model.write(EXPRESSION, preset).text,
        "row": _ROW if heads is None else heads.rows,
    }
    return record if heads is None else {**record, "heads": _credit(heads, run.options)}


def _credit(heads: HeadSet, options: Any) -> dict[str, Any]:
    """The heads, and the data that they were found on."""
    greedy = getattr(options, "greedy", False)
    read = heads.heads if greedy else heads.heads[: getattr(options, "k", None)]
    return {
        "heads": [str(head) for head in read],
        "source": heads.source,
        "model": heads.model,
        "revision": heads.revision,
        "data": heads.options.get("data"),
        "samples": heads.samples,
        "notes": heads.notes,
        "credit": _sentence(heads, greedy),
    }


def _sentence(heads: HeadSet, greedy: bool) -> str:
    data = heads.options.get("data")
    if heads.samples:
        where = f"on {data}" if data else "on data that the set does not name"
        found = f"{heads.source} {where}, {heads.samples:,} samples"
    else:
        found = heads.source
    chosen = ", chosen anew for every sentence among those that pass tau" if greedy else ""
    return f"{found}{chosen}{'. ' + heads.notes if heads.notes else ''}"
