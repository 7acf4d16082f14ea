"""Words of what fills pictures, which take the pixels that none of the classes fits.

Where a few classes are asked for, the wall behind the cat goes to whichever of them is least unlike a wall.
Words such as wall, sky and grass compete for it instead, and what they take is background. They are the
background of PASCAL VOC in the vocabularies of open-vocabulary segmentation; none was chosen here.
Measured: docs/segmentation.md (What is background).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.data.datasets.label_maps.class_words import vocabulary
from vlmscope.errors import BadOptionError
from vlmscope.methods.encoder.similarity import Similarity
from vlmscope.methods.encoder.text_cache import kept_embeddings
from vlmscope.models import DualEncoder

__all__ = ["BackgroundWords"]


@dataclass(frozen=True, eq=False)
class BackgroundWords:
    """Words that compete beside the classes.

    Attributes:
        words: none of them occurs in a text of the classes.
        text: unit vectors (words, joint).
    """

    words: tuple[str, ...]
    text: Tensor = field(repr=False)

    @classmethod
    def beside(
        cls, encoder: DualEncoder, texts: Sequence[str], templates: str, keep: bool
    ) -> BackgroundWords | None:
        """The words that an encoder knows and no text of the classes holds; None: none is left.

        Args:
            encoder: the model.
            texts: of all classes. Of "brick wall" or "walls", wall is no rival.
            templates: what words are put into, as for the classes.
            keep: whether embeddings are kept on disk.

        Raises:
            BadOptionError: an encoder of labels or of given embeddings, which reads no other words.
        """
        if not encoder.family.templates:
            raise BadOptionError(
                f"background_words needs an encoder that reads any word, and {encoder.id} has the texts "
                "that it was given. Leave it out, or list what fills your pictures as a class "
                "'background' of several texts."
            )
        taken = {part for text in texts for part in _parts(text)}
        listed = [str(word) for word in vocabulary("voc21", "field").classes["background"]]
        free = [word for word in listed if not _parts(word) & taken]
        unknown = set(encoder.family.unknown_words(encoder.processor, free))
        words = tuple(word for word in free if word not in unknown)
        if not words:
            return None
        return cls(words, kept_embeddings(encoder, words, templates, keep=keep))

    def apart(self, every: Similarity) -> tuple[Similarity, NDArray[np.float32]]:
        """The similarity with texts of classes and then these words, taken apart.

        Returns:
            That with the classes, and float32 (patches, 1), of every patch that with its best word.
        """
        count = len(every.whole) - len(self.words)
        own = replace(every, patches=every.patches[:, :count], whole=every.whole[:count])
        return own, every.patches[:, count:].amax(dim=1, keepdim=True).numpy()


def _parts(text: str) -> set[str]:
    """The words of a text, in small letters and without a plural's s."""
    return {part.removesuffix("s") for part in re.findall(r"[^\W\d_]+", text.casefold())}
