"""What the model says while edges are blocked in window after window of layers."""

from __future__ import annotations

from typing import Any

from vlmscope.analysis.knockout.windows import Window, edge_sets, everywhere, windows
from vlmscope.app.answers.decoder import decoder_of
from vlmscope.app.engine.pictures import StoredPicture
from vlmscope.app.refusal import Refusal
from vlmscope.app.service import Service
from vlmscope.attention.selection import HeadChoice
from vlmscope.attention.sweep import Effect, KnockoutSpec, SweepResult, sweep
from vlmscope.errors import BadOptionError
from vlmscope.models import Prompt
from vlmscope.viewer import View

__all__ = ["knockout_view"]

_DROP, _MOVED, _OTHER = (
    "the answer becomes less likely by",
    "what comes next moves by (mean KL)",
    "another answer (1: yes)",
)
_UNITS = {_DROP: "nats", _MOVED: "nats", _OTHER: ""}
_TOKENS = 32  # of the answer


def knockout_view(
    service: Service,
    picture: StoredPicture,
    question: Prompt,
    window: int,
    edges: str,
    heads: list[int] | None,
) -> View:
    """Block edges in each window of layers, and in all layers at once.

    Args:
        service: the model.
        picture: what is asked about.
        question: what is asked.
        window: layers that are blocked together.
        edges: what is blocked, one set, as for ``vlmscope knockout``.
        heads: numbers of heads that lose the edges, in every blocked layer; None: all.

    Raises:
        VlmscopeError: no such edges, layers or heads.
        Refusal: the model says nothing.
    """
    model = decoder_of(service.model)
    blocked = edge_sets(edges)
    if len(blocked) > 1:
        raise BadOptionError(f"One set of edges is blocked here, got {len(blocked)}: {edges!r}.")
    HeadChoice.of(model.decoder_shape, None, heads)
    depth = model.decoder_shape[0]
    layers = [*windows(depth, window), everywhere(depth)]
    chosen = None if heads is None else tuple(heads)
    specs = [KnockoutSpec(blocked[0].edges, each.blocked, chosen) for each in layers]
    swept = sweep(
        model,
        picture.opened.pixels,
        question,
        specs,
        preset="chat",
        max_new_tokens=min(_TOKENS, service.settings.limits.tokens),
        ask=True,
    )
    if not swept.answer.tokens:
        raise Refusal(400, "bad-question", "The model says nothing to this. Ask something else.")
    block = _steps(swept, layers, blocked[0].name, model.row_layers)
    return View(question.text, f"{blocked[0].name} blocked, window after window", [block])


def _steps(
    swept: SweepResult, layers: list[Window], edges: str, rowed: tuple[int, ...]
) -> dict[str, Any]:
    *sliding, every = layers
    labels = [*(_label(each, rowed) for each in sliding), "all layers"]
    steps = zip(labels, [*sliding, every], swept.effects, strict=True)
    return {
        "type": "steps",
        "name": "Blocked layers",
        "clean": {"text": swept.answer.text},
        "steps": [_step(swept, *each) for each in steps],
        "units": _UNITS,
        "note": f"Blocked: {edges}. The answer under each window is what the model says then.",
    }


def _step(swept: SweepResult, label: str, window: Window, effect: Effect) -> dict[str, Any]:
    return {
        "label": label,
        "layers": [window.first, window.last],
        "text": effect.answer,
        "values": {
            _DROP: float(swept.answer.logprobs.sum() - effect.logprobs.sum()),
            _MOVED: float(effect.kl.mean()),
            _OTHER: int(effect.changed),
        },
    }


def _label(window: Window, rowed: tuple[int, ...]) -> str:
    """A window's layers, and whether there is anything to block in them."""
    touched = set(window.blocked) & set(rowed)
    return f"layers {window.name}{'' if touched else ' (no attention rows)'}"
