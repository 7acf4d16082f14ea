"""A prefill whose image tokens leave behind a layer, against the clean prefill and its computed floor.

A random-weight LLaVA with 576 image tokens and about 40 of text; of 32 layers as the 7B one has, or of
fewer here. 75% of the image tokens leave behind the first quarter of the layers. Only the decoder is
timed: the vision tower's share is the same on both sides.

``floor`` is the share of the decoder's products that is left, computed from its matrices and from how many
positions each layer holds; ``ratio`` is light over clean, measured in the same rounds; ``over_floor`` is
their quotient. ``largest_difference`` is to a pass in which nothing that stays may read what left.

    python benchmarks/lighten.py [--threads 1] [--size '{"layers": 32}'] [--keep 0.25] [--json] [--smallest]
"""

from __future__ import annotations

import json

import numpy as np
import torch
from knockout import QUESTION, strengthen
from localization import build, picture, size_of
from measure import interleaved, median_ratio, options, write

import vlmscope as vs
from vlmscope.analysis.lighten.cost import pass_cost
from vlmscope.attention.installed import instrument
from vlmscope.attention.instrument import Binding
from vlmscope.models import Encoded, LoadedModel


def decoded(model: LoadedModel, encoded: Encoded, embeds: torch.Tensor) -> torch.Tensor:
    """The decoder alone: hidden states (positions, width) of a prompt whose image is encoded already."""
    with instrument(model) as active, model.frozen(), active.bound(Binding(encoded.token_maps)):
        out = model.decoder(
            inputs_embeds=embeds, position_ids=encoded.inputs["position_ids"], use_cache=True
        )
    return out.last_hidden_state[0]


def received(model: LoadedModel, encoded: Encoded) -> torch.Tensor:
    """What the decoder is given: float (1, positions, width)."""
    seen: list[torch.Tensor] = []

    def keep(module: object, args: tuple, kwargs: dict) -> None:
        seen.append(kwargs["inputs_embeds"])

    hook = model.decoder.register_forward_pre_hook(keep, with_kwargs=True)
    try:
        with model.frozen():
            model.family.body(model.hf, **encoded.inputs)
    finally:
        hook.remove()
    return seen[0]


def figures(model: LoadedModel, keep: float, repeats: int) -> dict[str, float]:
    """Floor, measured ratio and the difference to a masked pass."""
    encoded = model.encode([picture()], [QUESTION], preset="paper")
    embeds, length = received(model, encoded), encoded.length
    layers = len(model.layers)
    after = layers // 4 - 1
    found: dict[str, torch.Tensor] = {}

    def clean() -> None:
        decoded(model, encoded, embeds)

    def light() -> None:
        with vs.lighten(model, after, keep) as thin:
            found["light"] = decoded(model, encoded, embeds)
        found["dropped"] = torch.from_numpy(thin.dropped)

    clean(), light()
    taken = interleaved({"clean": clean, "light": light}, repeats)
    dropped = found["dropped"].numpy()
    stays = np.setdiff1d(np.arange(length), dropped)
    with vs.knockout(model, [(dropped.tolist(), stays.tolist())], range(after + 1, layers)):
        masked = decoded(model, encoded, embeds)
    costs = [pass_cost(model, length, after, lost) for lost in (0, len(dropped))]
    floor, ratio = costs[1].flops / costs[0].flops, median_ratio(taken["light"], taken["clean"])
    return {
        "positions": length,
        "dropped": len(dropped),
        "clean_seconds": sorted(taken["clean"])[repeats // 2],
        "floor": floor,
        "ratio": ratio,
        "over_floor": ratio / floor,
        "cache": costs[1].cache / costs[0].cache,
        "largest_difference": float((found["light"] - masked)[stays].abs().max()),
    }


def main() -> None:
    """Print the figures."""
    parser = options(__doc__, repeats=5)
    parser.add_argument("--keep", type=float, default=0.25)
    parser.add_argument("--size", type=json.loads, default={})
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = build(size_of(arguments, layers=8, hidden=512, heads=8))
    strengthen(model)
    write(figures(model, arguments.keep, arguments.repeats), arguments.json)


if __name__ == "__main__":
    main()
