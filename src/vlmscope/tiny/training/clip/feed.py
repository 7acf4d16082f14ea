"""Batches of images and texts for the contrastive stage, found again by their step number."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch

from vlmscope.tiny.training.clip.phrases import draw_meanings, fits, word_ids
from vlmscope.tiny.training.corpus import Corpus
from vlmscope.tiny.training.feed import Batch, Feed

__all__ = ["ClipBatch", "ClipFeed"]


@dataclass(frozen=True, eq=False, kw_only=True)
class ClipBatch(Batch):
    """A batch with phrases in place of questions.

    Attributes:
        phrases: int64 (texts, tokens), padded on the right.
        fitting: bool (texts, batch), which text fits which image.
    """

    phrases: torch.Tensor
    fitting: torch.Tensor


class ClipFeed(Feed):
    """A feed whose texts are drawn anew for every step, and whose images are mirrored at random.

    Mirroring leaves every word true; the patch labels of a mirrored image are wrong, which nothing
    in this stage reads.

    Args:
        corpus: rendered scenes.
        batch: images to an update.
        texts: texts for each image; as many rivals come on top.
        seed: of the order and the texts.
        device: where the batches are made.
    """

    def __init__(
        self, corpus: Corpus, batch: int, texts: int, seed: int, device: torch.device
    ) -> None:
        super().__init__(corpus, batch, seed, device)
        self._texts, self._text_seed = texts, seed

    def batch(self, step: int) -> ClipBatch:
        """The batch of an update, counted from 0."""
        plain = super().batch(step)
        generator = torch.Generator().manual_seed(self._text_seed * 1_000_003 + step)
        meanings = draw_meanings(plain.objects, self._texts, generator)
        phrases = word_ids(meanings, generator)
        mirrored = torch.rand(len(plain.pixels), generator=generator).to(plain.pixels.device) < 0.5
        values = {field.name: getattr(plain, field.name) for field in fields(plain)}
        values["pixels"] = torch.where(
            mirrored[:, None, None, None], plain.pixels.flip(-1), plain.pixels
        )
        return ClipBatch(**values, phrases=phrases, fitting=fits(meanings, plain.objects))
