"""Localization heads on the hidden states that an engine has written down."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from vlmscope.attention import HeadReading
from vlmscope.attention.hidden.heads import hidden_head_maps
from vlmscope.data.images import ImageSource, OpenedImage, open_image
from vlmscope.errors import AttentionError, BadOptionError, ModelMismatchError
from vlmscope.methods.base import GroundRequest
from vlmscope.methods.decoder.localization_heads import LocalizationHeads
from vlmscope.methods.grounder import ground_options, with_image_notes
from vlmscope.methods.served.request import ServedRequest
from vlmscope.methods.served.states import ServedStates
from vlmscope.models import Encoded, Outline, load_outline
from vlmscope.results import Grounding

__all__ = ["ground_served"]

_FINGERPRINT = "sha256:"


def ground_served(
    request: ServedRequest,
    states: ServedStates,
    image: ImageSource | OpenedImage | None = None,
    *,
    heads: Any = None,
    rows: str | int | Sequence[int] | None = None,
    **options: Any,
) -> Grounding:
    """Where a model looked that something else has run; of its weights, those of the heads' layers are read.

    Args:
        request: what was asked.
        states: the hidden states.
        image: the picture, where it is not that of the request's own path.
        heads, rows, **options: as for :func:`vlmscope.ground` with ``method="localization-heads"``.

    Returns:
        What localization heads give on the loaded model, up to the rounding of the hidden states;
        ``details["hidden_states"]`` says where they came from.

    Raises:
        BadOptionError: a layer that the request does not name, or that the file does not hold.
        ModelMismatchError: a checkpoint of another revision.
        AttentionError: hidden states of another prompt, model or dtype, or not finite.
        UnsupportedError, BadHeadSetError, BadImageError, ModelLoadError: as :func:`vlmscope.ground`
            and :func:`vlmscope.load_outline`.
    """
    opened = open_image(request.image if image is None else image)
    outline = _outline(request)
    method = LocalizationHeads()
    settings = ground_options(method, outline, options)
    wanted = GroundRequest(heads, request.placement, request.preset, rows, settings)
    reads = method.reads(outline, [request.prompt], wanted)
    [reading] = reads.readings
    assert isinstance(reading, HeadReading)
    preset = outline.resolve_preset(reading.preset)
    encoded = outline.encode(
        [opened.pixels], [request.prompt], preset=preset, placement=request.placement
    )
    _check_ids(outline, encoded, states)
    hidden = _hidden(request, states, sorted({head.layer for head in reading.heads}))
    tokens = encoded.token_maps[0]
    maps = hidden_head_maps(outline, hidden, tokens, reading.heads, reading.rows, preset)
    [result] = with_image_notes(reads.located(opened.pixels, [[maps]]), opened)
    return replace(result, details={**result.details, "hidden_states": _record(states, hidden)})


def _outline(request: ServedRequest) -> Outline:
    """The checkpoint without its weights, of the revision that the request names."""
    stated = request.revision
    fingerprint = stated is not None and stated.startswith(_FINGERPRINT)
    outline = load_outline(request.model, revision=None if fingerprint else stated)
    if fingerprint and outline.revision != stated:
        raise ModelMismatchError(
            f"The request was served by {request.model} of revision {stated}, and the one here is "
            f"{outline.revision}. Name the checkpoint that was served."
        )
    return outline


def _hidden(
    request: ServedRequest, states: ServedStates, layers: Sequence[int]
) -> dict[int, Tensor]:
    missing = [layer for layer in layers if layer not in request.layers]
    if missing:
        raise BadOptionError(
            f"The heads stand in the layers {_listed(layers)}, and the request names no tensor for "
            f"{_listed(missing)}; it names {_listed(sorted(request.layers))}. Let the engine write those "
            "layers, too, or choose other heads."
        )
    hidden = {layer: states.layer(request.layers[layer], layer) for layer in layers}
    for one, two in itertools.combinations(hidden, 2):
        if hidden[one].shape == hidden[two].shape and bool((hidden[one] == hidden[two]).all()):
            raise AttentionError(
                f"The hidden states of layer {one} are those of layer {two} to the last digit, and each "
                "layer changes them: one of the two is named wrongly."
            )
    return hidden


def _check_ids(outline: Outline, encoded: Encoded, states: ServedStates) -> None:
    """Where the engine wrote its ids they have to be those of the prompt that is written here.

    Raises:
        AttentionError: names the first that differs.
    """
    served = states.token_ids()
    if served is None:
        return
    ours = encoded.inputs["input_ids"][0]
    for position, (here, there) in enumerate(zip(ours.tolist(), served.tolist(), strict=False)):
        if here != there:
            words = outline.processor.tokenizer.convert_ids_to_tokens([here, there])
            raise AttentionError(
                f"Position {position} is {words[1]!r} in the engine's prompt and {words[0]!r} in the one "
                "that this request stands for: another prompt, preset (chat template) or picture. Say in "
                "the request what was sent."
            )
    if len(ours) != len(served):
        raise AttentionError(
            f"The engine's prompt has {len(served)} tokens, and the one that this request stands for has "
            f"{len(ours)}. Say in the request what was sent; generated tokens are cut off."
        )


def _record(states: ServedStates, hidden: Mapping[int, Tensor]) -> dict[str, Any]:
    dtypes = sorted({str(each.dtype).removeprefix("torch.") for each in hidden.values()})
    return {
        "file": states.path.name,
        "layers": list(hidden),
        "dtype": ", ".join(dtypes),
        "token_ids_checked": states.token_ids() is not None,
    }


def _listed(layers: Sequence[int]) -> str:
    return ", ".join(map(str, layers))
