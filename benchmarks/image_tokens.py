"""How often image tokens pass through the decoder in ``eval``, against those of the images once.

Scenes in RefCOCO's layout with several sentences on each are measured by ``evaluate``. A hook on the
decoder's first layer counts every position that enters it; those of the image are the image's token ids
among the ids that the model was called with. A ratio of 1 is each image once for all sentences; one sentence
after the other would be the number of sentences on an image.

Methods share a pass where they write the same text before the image. Relative attention uses the chat
template, as published; where the others' prompt begins otherwise (LLaVA's and VipLLaVA's) the image passes
once for each of the two beginnings: 2, and 1 for each method alone.

    python benchmarks/image_tokens.py [--model tiny-llava] [--images 24] [--families] [--json] [--smallest]

``--families`` counts on a tiny random model of every family (those of the tests, so from a checkout):
families whose image sees the text cannot share it, and their ratio says so.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from measure import options, write

import vlmscope as vs
from vlmscope.data.datasets import Dataset, open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.evaluation.entrants.configured_methods import choose
from vlmscope.evaluation.runner import evaluate
from vlmscope.heads.choice import known_heads
from vlmscope.models import LoadedModel

METHODS = ("mean-attention", "attend-minus-mean", "relative-attention")
"""Those that need no chosen heads; all of them read the same passes."""


def main() -> None:
    """Print the figures."""
    parser = options(__doc__, repeats=1)
    parser.add_argument("--model", default="tiny-llava")
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--families", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        make_tiny("refcoco", Path(folder) / "set", 3 if args.smallest else args.images)
        data = open_dataset("refcoco", Path(folder) / "set", split="val")
        model = vs.load(args.model)
        known = () if known_heads(model) is None else ("localization-heads",)
        figures = counted(model, data, (*known, *METHODS))
        if args.families:
            figures |= by_family(data)
    write(figures, args.json)


def counted(model: LoadedModel, data: Dataset, methods: tuple[str, ...]) -> dict[str, float]:
    """The figures of one model: of all methods in one evaluation, and of each alone."""
    images = [data.load(image) for image in data.image_ids]
    asked = [each for each in images if each.referents]
    sentences = sum(len(each.referents) for each in asked)
    once = sum(image_tokens(model, each.image.pixels) for each in asked)
    together = passed(model, data, methods)
    return {
        "images": len(asked),
        "sentences": sentences,
        "image_tokens_once": once,
        "image_tokens_over_once": together.image / once,
        "text_tokens_per_sentence": together.text / sentences,
        **{
            f"{method}_over_once": passed(model, data, (method,)).image / once for method in methods
        },
    }


def by_family(data: Dataset) -> dict[str, float]:
    """For every build of a family in the tests: its image tokens over those of the images once."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from lvlms import builds

    figures = {}
    for name, build in builds().items():
        model = build.make()
        pictures = [data.load(image) for image in data.image_ids]
        once = sum(image_tokens(model, p.image.pixels) for p in pictures if p.referents)
        figures[f"family_{name}"] = passed(model, data, METHODS).image / once
    return figures


def image_tokens(model: LoadedModel, pixels: Any) -> int:
    """Of one image, as the decoder gets it."""
    encoded = model.encode([pixels], ["image"])
    return int((encoded.inputs["input_ids"] == model.image_token_id).sum())


@dataclass
class Passed:
    """Positions that entered the decoder's first layer.

    Attributes:
        image: those that stand for an image.
        text: all others.
    """

    image: int = 0
    text: int = 0


def passed(model: LoadedModel, data: Dataset, methods: tuple[str, ...]) -> Passed:
    """What passes through the decoder while methods are evaluated on a data set."""
    with counting(model) as count:
        evaluate(data, model, choose(methods), tasks=["referring"], progress=False)
    return count


@contextlib.contextmanager
def counting(model: LoadedModel) -> Iterator[Passed]:
    """Counts every pass inside the block."""
    count, calls = Passed(), [torch.zeros(0)]

    def called(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        ids = kwargs.get("input_ids", args[0] if args else None)
        if ids is not None:
            calls[0] = ids  # the same ones in the model and in what it wraps

    def entered(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        hidden = kwargs.get("hidden_states", args[0] if args else None)
        positions = hidden.shape[0] * hidden.shape[1]
        image = int((calls[0] == model.image_token_id).sum())
        calls[0] = torch.zeros(0)
        count.image += image
        count.text += positions - image

    outer = [each for each in (model.hf, getattr(model.hf, "model", None)) if each is not None]
    hooks = [each.register_forward_pre_hook(called, with_kwargs=True) for each in outer]
    hooks += [model.layers[0].register_forward_pre_hook(entered, with_kwargs=True)]
    try:
        yield count
    finally:
        for hook in hooks:
            hook.remove()


if __name__ == "__main__":
    main()
