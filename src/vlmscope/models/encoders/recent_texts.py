"""Text embeddings that were made lately: a million captions do not stay in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress

from torch import Tensor

__all__ = ["RecentTexts"]

_MOST = 16_384  # 50 MB of vectors of 768 numbers


class RecentTexts:
    """Vectors by their texts; those that were not asked for the longest give way to new ones.

    Several threads may use it at once: each step is one of a dictionary's own.

    Args:
        most: how many are kept.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._vectors: OrderedDict[str, Tensor] = OrderedDict()

    def __len__(self) -> int:
        return len(self._vectors)

    def known(self, texts: Iterable[str]) -> dict[str, Tensor]:
        """Those of the texts that are here; from now on they are the latest."""
        found: dict[str, Tensor] = {}
        for text in texts:
            vector = self._vectors.get(text)
            if vector is not None:
                found[text] = vector
                with suppress(KeyError):  # another thread has just put it out
                    self._vectors.move_to_end(text)
        return found

    def keep(self, vectors: Mapping[str, Tensor]) -> None:
        """Remember vectors (joint,); each is copied, so that none holds on to a whole batch."""
        for text, vector in vectors.items():
            self._vectors[text] = vector.clone()
        while len(self._vectors) > self._most:
            with suppress(KeyError):
                self._vectors.popitem(last=False)

    def clear(self) -> None:
        """Forget all, for weights that were changed."""
        self._vectors.clear()
