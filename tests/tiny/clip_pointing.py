"""How well dense maps of tiny-clip point: a plain, separate implementation of the formulas.

``vlmscope.methods`` holds the real methods; this one is for the training machine, and to have a
second opinion: ``python tests/tiny/clip_pointing.py FOLDER [FOLDER ...]``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from vlmscope.io import write_json
from vlmscope.tiny.model.clip_tokenizer import token_rows
from vlmscope.tiny.training.clip.loss import embed_texts
from vlmscope.tiny.training.feed import normalise
from vlmscope.tiny.world.expressions import refer
from vlmscope.tiny.world.scenes import render_scene
from vlmscope.tiny.world.splits import HELD_OUT, SELECT

Methods = dict[str, Callable[["Dense"], torch.Tensor]]
_BATCH = 16


@dataclass
class Sample:
    image: np.ndarray
    phrase: str
    mask: np.ndarray


def samples(seeds: range) -> list[Sample]:
    """One object of each scene, by a shortest set of attributes that no other object shares.

    A scene whose objects are all alike has none and is left out.
    """
    result = []
    for seed in seeds:
        scene, rng = render_scene(seed), random.Random(f"clip-pointing:{seed}")
        for _ in range(50):
            target = rng.randrange(len(scene.objects))
            phrase = refer(scene, target, rng, ("place",))
            if phrase is not None and phrase.extreme is None and phrase.relation is None:
                result.append(Sample(scene.image, phrase.text(), scene.objects[target].mask))
                break
    return result


class Dense:
    """The inputs of every block, and dense features made from them in several ways."""

    def __init__(self, model: torch.nn.Module, pixels: torch.Tensor) -> None:
        self.model, self.vision = model, model.vision_model
        self.blocks = list(self.vision.encoder.layers)
        self.heads = self.vision.config.num_attention_heads
        x = self.vision.pre_layrnorm(self.vision.embeddings(pixels))
        self.inputs = []
        for block in self.blocks:
            self.inputs.append(x)
            q, k, v = self.project(block, block.layer_norm1(x))
            x = x + self.out(block, self.attend(q, k, q.shape[-1] ** -0.5) @ v)
            x = x + block.mlp(block.layer_norm2(x))
        self.last = x

    def project(self, block, x):
        """q, k, v, each (batch, heads, tokens, width of a head)."""
        layer = block.self_attn
        return tuple(
            f(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for f in (layer.q_proj, layer.k_proj, layer.v_proj)
        )

    def attend(self, a, b, scale):
        return (a @ b.transpose(-1, -2) * scale).softmax(-1)

    def out(self, block, x):
        return block.self_attn.out_proj(x.transpose(1, 2).flatten(2))

    def finish(self, x):
        """(batch, patches, joint), unit length."""
        joint = self.model.visual_projection(self.vision.post_layernorm(x[:, 1:]))
        return functional.normalize(joint, dim=-1)

    def clip(self):
        return self.finish(self.last)

    def last_block(self, kind):
        block, x = self.blocks[-1], self.inputs[-1]
        q, k, v = self.project(block, block.layer_norm1(x))
        s = q.shape[-1] ** -0.5
        if kind == "maskclip":
            return self.finish(self.out(block, v))
        if kind == "clearclip":
            return self.finish(self.out(block, self.attend(q, q, s) @ v))
        y = x + self.out(block, (self.attend(q, q, s) + self.attend(k, k, s)) @ v)  # sclip
        return self.finish(y + block.mlp(block.layer_norm2(y)))

    def surgery(self, depth):
        first = len(self.blocks) - depth
        path = self.inputs[first]
        for block, x in list(zip(self.blocks, self.inputs, strict=True))[first:]:
            _, _, v = self.project(block, block.layer_norm1(x))
            path = path + self.out(block, self.attend(v, v, v.shape[-1] ** -0.5) @ v)
        return self.finish(path)

    def gem(self, depth, constant=None, perplexity=None, iterations=1):
        first = len(self.blocks) - depth
        path = self.inputs[first]
        for block, x in list(zip(self.blocks, self.inputs, strict=True))[first:]:
            normed = block.layer_norm1(x)
            q, k, v = self.project(block, normed)
            t = normed.norm(dim=-1).mean(1)[:, None, None, None] / math.sqrt(v.shape[-1])
            total = 0
            for p in (q, k, v):
                scale = constant or t
                if perplexity:
                    scale = at_perplexity(p, perplexity)
                for _ in range(iterations):
                    p = functional.normalize(p, dim=-1)
                    p = self.attend(p, p, scale) @ p
                p = functional.normalize(p, dim=-1)
                total = total + self.attend(p, p, scale) @ v
            path = path + self.out(block, total / 3)
        return self.finish(path)


def at_perplexity(p, share):
    """(batch, heads, 1, 1): scale at which rows of p p^T spread over this share of the tokens."""
    p = functional.normalize(p, dim=-1)
    logits = p @ p.transpose(-1, -2)
    goal = math.log(share * p.shape[-2])
    low, high = torch.zeros(2, *logits.shape[:2], 1, 1, device=p.device)
    high = high + 200.0
    for _ in range(25):
        middle = (low + high) / 2
        a = (logits * middle).softmax(-1)
        spread = -(a * a.clamp(min=1e-12).log()).sum(-1, keepdim=True).mean(-2, keepdim=True)
        low, high = (
            torch.where(spread > goal, middle, low),
            torch.where(spread > goal, high, middle),
        )
    return (low + high) / 2


def variants(layers, slow):
    """Name -> features of a Dense; the search for a perplexity is left out unless ``slow``."""
    yield "clip", lambda d: d.clip()
    for kind in ("maskclip", "sclip", "clearclip"):
        yield kind, lambda d, kind=kind: d.last_block(kind)
    for depth in range(1, layers + 1):
        yield f"surgery d{depth}", lambda d, depth=depth: d.surgery(depth)
    for iterations, depth in itertools.product((0, 1), range(1, layers + 1)):
        name = f"d{depth} i{iterations}"
        options = {"depth": depth, "iterations": iterations}
        yield f"gem adaptive {name}", lambda d, o=options: d.gem(**o)
        yield f"gem 10 {name}", lambda d, o=options: d.gem(constant=10.0, **o)
        if slow:
            yield f"gem perplexity {name}", lambda d, o=options: d.gem(perplexity=0.05, **o)


@torch.no_grad()
def pointing(
    model: torch.nn.Module,
    found: list[Sample],
    template: str = "{}",
    methods: Methods | None = None,
) -> dict[str, float]:
    """Method -> share of samples whose peak patch has its centre inside the object's mask."""
    methods = methods or dict(variants(len(model.vision_model.encoder.layers), slow=False))
    model.float().eval()
    patch = model.vision_model.config.patch_size
    hits: dict[str, list[bool]] = {}
    for start in range(0, len(found), _BATCH):
        chunk = found[start : start + _BATCH]
        pixels = normalise(torch.from_numpy(np.stack([s.image for s in chunk])))
        dense = Dense(model, pixels.to(model.device))
        ids = torch.tensor(token_rows([template.format(s.phrase) for s in chunk]))
        texts = embed_texts(model, ids.to(model.device))
        grid = pixels.shape[-1] // patch
        for name, features in methods.items():
            peaks = (features(dense) @ texts[:, :, None])[..., 0].argmax(1).tolist()
            for sample, peak in zip(chunk, peaks, strict=True):
                y, x = (patch * index + patch // 2 for index in divmod(peak, grid))
                hits.setdefault(name, []).append(bool(sample.mask[y, x]))
    return {name: round(float(np.mean(flags)), 3) for name, flags in hits.items()}


def record(folder: Path, figures: dict[str, object]) -> None:
    """Add the figures to the folder's card."""
    card = json.loads((folder / "vlmscope.json").read_text())
    how = "largest patch has its centre inside the object's mask; tests/tiny/clip_pointing.py"
    write_json(folder / "vlmscope.json", {**card, "pointing": {"how": how, **figures}})


def main() -> None:
    from transformers import CLIPModel

    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=384)
    parser.add_argument("--split", choices=["select", "held-out"], default="held-out")
    parser.add_argument("--template", default="{}")
    parser.add_argument("--slow", action="store_true", help="GEM at a fixed perplexity, too")
    parser.add_argument("--record", action="store_true", help="write the figures to the card")
    given = parser.parse_args()
    torch.set_num_threads(1)
    found = samples((SELECT if given.split == "select" else HELD_OUT)[: given.count])
    chance = float(np.mean([sample.mask.mean() for sample in found]))
    sys.stdout.write(f"chance {chance:.3f}\n")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for folder in given.folders:
        model = CLIPModel.from_pretrained(folder, dtype=torch.float32).to(device)
        methods = dict(variants(len(model.vision_model.encoder.layers), given.slow))
        result = pointing(model, found, given.template, methods)
        sys.stdout.write(f"{folder} {json.dumps(result, indent=0)}\n")
        if given.record:
            about = {"scenes": given.split, "phrases": len(found), "template": given.template}
            record(folder, {**about, "chance": round(chance, 3), "methods": result})


if __name__ == "__main__":
    main()
