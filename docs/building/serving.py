"""The recorded request of docs/serving: what vLLM's hidden-state extraction writes, from tiny-llava.

No engine is run: the inputs of two layers are taken out of tiny-llava by hooks and written as vLLM's
documentation describes its file: ``hidden_states`` (positions, layers, width) and ``token_ids``.

    python docs/building/serving.py
"""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file

import vlmscope as vs
from vlmscope.io import write_json
from vlmscope.tiny import render_scene

__all__ = ["PROMPT", "record"]

FOLDER = Path(__file__).parent.parent / "serving"
SEED, PROMPT = 20_000_018, "the small blue circle"


def record(folder: Path, dtype: torch.dtype = torch.bfloat16) -> None:
    """Write scene.png, hidden.safetensors and request.json.

    Args:
        folder: an existing one.
        dtype: of the hidden states.
    """
    model = vs.load("tiny-llava")
    picture = render_scene(SEED).image
    Image.fromarray(picture).save(folder / "scene.png")
    heads = model.card.head_set
    deepest = max(head.layer for head in heads.heads)
    layers = sorted(
        {head.layer for head in heads.heads} | {deepest + 1}
    )  # an engine may write more
    encoded = model.encode([picture], [PROMPT], preset=heads.prompt)
    inputs: list[torch.Tensor] = []
    hooks = [
        model.layers[layer].register_forward_pre_hook(
            lambda _, args: inputs.append(args[0][0].to(dtype))
        )
        for layer in layers
    ]
    with torch.no_grad():
        model.hf(**encoded.inputs)
    for hook in hooks:
        hook.remove()
    tensors = {
        "hidden_states": torch.stack(inputs, dim=1),
        "token_ids": encoded.inputs["input_ids"][0],
    }
    save_file(tensors, folder / "hidden.safetensors")
    write_json(folder / "request.json", _request(model, heads.prompt, layers))


def _request(model: vs.models.LoadedModel, preset: str, layers: list[int]) -> dict[str, object]:
    return {
        "model": model.id,
        "revision": model.revision,
        "image": "scene.png",
        "prompt": PROMPT,
        "preset": preset,
        "layers": {
            str(layer): {"tensor": "hidden_states", "column": column}
            for column, layer in enumerate(layers)
        },
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    record(FOLDER)
