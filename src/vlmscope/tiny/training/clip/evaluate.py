"""How well tiny-clip tells scenes and phrases apart that it never saw."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from vlmscope.tiny.model.clip_tokenizer import token_rows
from vlmscope.tiny.training.clip.loss import embed_images, embed_texts
from vlmscope.tiny.training.evaluate import Accuracy
from vlmscope.tiny.training.feed import normalise
from vlmscope.tiny.world.phrases import Phrase, resolve
from vlmscope.tiny.world.scenes import Scene, SceneObject, render_scene
from vlmscope.tiny.world.splits import HELD_OUT
from vlmscope.tiny.world.words import ATTRIBUTES

if TYPE_CHECKING:
    from transformers import CLIPModel

__all__ = ["GALLERY", "full_phrase", "retrieval"]

GALLERY = 96
"""Images, and texts, that a query chooses among."""


@torch.no_grad()
def retrieval(
    model: CLIPModel, scenes: int = 384, seeds: range = HELD_OUT, gallery: int = GALLERY
) -> dict[str, Accuracy]:
    """Retrieval in galleries of one full phrase per scene, and choice among one-word rivals.

    Args:
        model: the model, on any device.
        scenes: how many, cut into galleries; what is left over is not used.
        seeds: where scenes come from.
        gallery: scenes to a gallery.

    Returns:
        ``text to image``: the phrase of an object (size, texture, colour, shape) finds an image
        that holds such an object. ``image to text``: an image finds a phrase that fits it.
        ``rivals``: the phrase is nearer to its image than each of the phrases that differ from it
        in one word and do not fit the image. ``captions``: as text to image, for two objects.
    """
    outcomes: dict[str, list[bool]] = {
        "text to image": [], "image to text": [], "captions": [], "rivals": []
    }  # fmt: skip
    for start in range(0, scenes - gallery + 1, gallery):
        chunk = [render_scene(seed) for seed in seeds[start : start + gallery]]
        images = _images(model, chunk)
        picks = [_two_objects(scene) for scene in chunk]
        phrases = [full_phrase(first) for first, _ in picks]
        scores = _texts(model, [phrase.text("a") for phrase in phrases]) @ images.T
        fitting = torch.tensor([[bool(resolve(p, scene)) for scene in chunk] for p in phrases])
        outcomes["text to image"] += _hits(scores, fitting)
        outcomes["image to text"] += _hits(scores.T, fitting.T)
        outcomes["captions"] += _captions(model, chunk, picks, images)
        outcomes["rivals"] += _rivals(model, chunk, phrases, images)
    return {name: Accuracy.of(flags) for name, flags in outcomes.items()}


def full_phrase(item: SceneObject) -> Phrase:
    """Everything that can be said of an object alone."""
    return Phrase(**{name: getattr(item, name) for name in ATTRIBUTES})


def _two_objects(scene: Scene) -> tuple[SceneObject, SceneObject]:
    first, second = random.Random(f"vlmscope-clip:{scene.seed}").sample(scene.objects, 2)
    return first, second


def _images(model: CLIPModel, scenes: Sequence[Scene]) -> torch.Tensor:
    pixels = normalise(torch.from_numpy(np.stack([scene.image for scene in scenes])))
    return embed_images(model, pixels.to(model.device)).cpu()


def _texts(model: CLIPModel, texts: Sequence[str]) -> torch.Tensor:
    return embed_texts(model, torch.tensor(token_rows(texts)).to(model.device)).cpu()


def _hits(scores: torch.Tensor, fitting: torch.Tensor) -> list[bool]:
    return [bool(row[best]) for row, best in zip(fitting, scores.argmax(1), strict=True)]


def _captions(
    model: CLIPModel,
    scenes: Sequence[Scene],
    picks: Sequence[tuple[SceneObject, SceneObject]],
    images: torch.Tensor,
) -> list[bool]:
    both = [(full_phrase(first), full_phrase(second)) for first, second in picks]
    texts = [f"{first.text('a')} and {second.text('a')}" for first, second in both]
    fitting = torch.tensor(
        [[all(resolve(part, scene) for part in pair) for scene in scenes] for pair in both]
    )
    return _hits(_texts(model, texts) @ images.T, fitting)


def _rivals(
    model: CLIPModel, scenes: Sequence[Scene], phrases: Sequence[Phrase], images: torch.Tensor
) -> list[bool]:
    result = []
    for scene, phrase, image in zip(scenes, phrases, images, strict=True):
        attributes = {name: getattr(phrase, name) for name in ATTRIBUTES}
        changed = [
            Phrase(**{**attributes, name: word})
            for name, words in ATTRIBUTES.items()
            for word in words
            if word != attributes[name]
        ]
        false = [rival for rival in changed if not resolve(rival, scene)]
        scores = _texts(model, [item.text("a") for item in (phrase, *false)]) @ image
        result.append(bool(scores.argmax() == 0))
    return result
