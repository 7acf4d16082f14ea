"""Grounding with localization heads (docs/methods/localization-heads.md, Grounding)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention import HeadMaps, HeadReading
from vlmscope.errors import BadHeadSetError, BadOptionError
from vlmscope.heads.choice import head_cautions, resolve_heads
from vlmscope.heads.criteria import spatial_entropies
from vlmscope.heads.options import LocalizationHeadsOptions
from vlmscope.methods.base import ARGUMENTS, GroundRequest
from vlmscope.methods.decoder.reads import ReadingMethod, Reads
from vlmscope.models import LoadedModel, Prompt
from vlmscope.post import Located, attention_share, image_cautions, locate
from vlmscope.results import Grounding
from vlmscope.types import Head, HeadSet

__all__ = ["LocalizationHeads"]


@dataclass(frozen=True)
class _Plan:
    """What is read for all phrases of one call."""

    head_set: HeadSet
    heads: tuple[Head, ...]
    rows: str | int | Sequence[int]
    preset: str | None
    options: LocalizationHeadsOptions


class LocalizationHeads(ReadingMethod):
    """Kang et al., CVPR 2025: a few attention heads of a frozen model point at the object."""

    id = "localization-heads"
    summary = "a few attention heads of the decoder, discovered without labels (CVPR 2025)"
    options = LocalizationHeadsOptions
    takes = frozenset(ARGUMENTS)

    def accepts(self, model: Any) -> bool:
        """Any model with a decoder that reads image tokens; an encoder alone has none."""
        return hasattr(type(model), "decoder_shape")

    def reads(self, model: LoadedModel, phrases: Sequence[Prompt], request: GroundRequest) -> Reads:
        """Look up the heads.

        Raises:
            BadHeadSetError: heads that the model does not have, none known for it, or a set
                without frequencies where ``greedy`` needs them.
            BadOptionError: ``k`` is more than there are heads.
        """
        plan = _plan(model, request)

        def located(
            pixels: NDArray[np.uint8],
            read: Sequence[list[HeadMaps]],
            limits: Sequence[float | None] | None = None,
            /,
        ) -> list[Grounding]:
            return [
                _locate(model, pixels, phrase, maps, plan, limit)
                for phrase, maps, limit in zip(
                    phrases, read[0], limits or [None] * len(phrases), strict=True
                )
            ]

        reading = HeadReading(tuple(phrases), plan.heads, plan.rows, plan.preset, request.placement)
        return Reads((reading,), located)

    def heads_for(self, model: LoadedModel, request: GroundRequest) -> tuple[Head, ...]:
        """The heads that :meth:`locate` wants maps of."""
        return _plan(model, request).heads

    def locate(
        self,
        model: LoadedModel,
        pixels: NDArray[np.uint8],
        phrase: Prompt,
        maps: HeadMaps,
        request: GroundRequest,
    ) -> Grounding:
        """Locate a phrase in maps that were read already, for example while the model answered."""
        return _locate(model, pixels, phrase, maps, _plan(model, request))


def _plan(model: LoadedModel, request: GroundRequest) -> _Plan:
    options: LocalizationHeadsOptions = request.options
    chosen = resolve_heads(request.heads, model)
    rows = chosen.rows if request.rows is None else request.rows
    preset = chosen.prompt if request.prompt is None else request.prompt
    heads = _survivors(chosen) if options.greedy else chosen.heads
    if options.k is not None and options.k > len(heads):
        raise BadOptionError(
            f"k={options.k} asks for more heads than there are to choose from, which are "
            f"{len(heads)}: {', '.join(map(str, heads))}. Take a smaller k, or a larger head set."
        )
    if not options.greedy:
        heads = heads[: options.k]
    return _Plan(chosen, heads, rows, preset, options)


def _survivors(chosen: HeadSet) -> tuple[Head, ...]:
    """Heads that pass the set's tau: what a greedy choice chooses from."""
    if chosen.tau is None or not chosen.frequencies:
        raise BadHeadSetError(
            "greedy=True chooses among the heads that pass tau, so it needs a discovered head set "
            f"with tau and frequencies; this one ({chosen.source}) has none. Discover one with: "
            "vlmscope heads discover"
        )
    return tuple(row.head for row in chosen.frequencies if row.attention_sum >= chosen.tau)


def _locate(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    phrase: Prompt,
    maps: HeadMaps,
    plan: _Plan,
    limit: float | None = None,
) -> Grounding:
    token_map = maps.token_map
    heads, values = _chosen(maps, plan)
    located = locate(token_map, values, plan.options, limit)
    start, end = phrase.span
    cautions = head_cautions(plan.head_set, model, plan.rows, maps.preset)
    return Grounding.of(
        located,
        phrase=phrase.text[start:end],
        method=LocalizationHeads.id,
        model=model.id,
        image=pixels,
        score=attention_share(token_map, values.mean(axis=0), located.mask),
        details=_details(model, heads, maps, plan, located),
        warnings=cautions + image_cautions(token_map),
        head_set=plan.head_set,
    )


def _chosen(maps: HeadMaps, plan: _Plan) -> tuple[tuple[Head, ...], NDArray[np.float64]]:
    """The heads whose maps are combined, and these maps: float64 (heads, tokens)."""
    values = maps.one_row()
    if not plan.options.greedy:
        return maps.heads, values
    weigh = plan.head_set.options.get("entropy", "area")
    entropies = spatial_entropies(maps.token_map, values, weigh)
    count = plan.options.k or len(plan.head_set.heads)
    best = np.lexsort((-values.sum(axis=-1), entropies))[:count]
    return tuple(maps.heads[index] for index in best), values[best]


def _details(
    model: LoadedModel, heads: tuple[Head, ...], maps: HeadMaps, plan: _Plan, located: Located
) -> dict[str, Any]:
    rows = plan.rows if isinstance(plan.rows, str | int) else list(plan.rows)
    return {
        "heads": [str(head) for head in heads],
        "heads_source": plan.head_set.source,
        "rows": rows,
        "row_tokens": list(maps.row_tokens),
        "prompt": maps.preset,
        "placement": maps.token_map.placement,
        "revision": model.revision,
        "post": asdict(plan.options),
        **located.record,
    }
