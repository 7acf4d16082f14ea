"""Encode an image once, ask many phrases: the image comes before the text in causal families.

The image prefix (everything up to the last image token) is run once and cached. Phrases then run on
top of it PACKED behind one another in one short sequence: positions restart after the prefix for each
phrase, and edges between phrases are blocked, so each phrase sees exactly what it would see alone.
The cached keys are neither copied nor repeated per phrase.

A hybrid's cache also carries a state along, which no edge parts and nothing takes back: there each phrase
runs alone, on a copy.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.attention.continuation import continue_greedily
from vlmscope.attention.fence import Fence, Veil
from vlmscope.attention.generated import Generation, generation_of
from vlmscope.attention.installed import instrument
from vlmscope.attention.instrument import Binding, Instrument, StopForwardError
from vlmscope.errors import AttentionError, UnsupportedError
from vlmscope.models import ImageInputs, LoadedModel, Prompt
from vlmscope.models.cache_keyword import with_cache
from vlmscope.models.cache_parts import batch_of, items_of, lent
from vlmscope.models.layout.token_maps import token_map
from vlmscope.models.prompts.encoding import EncodedText
from vlmscope.models.prompts.prompt import PromptRequest
from vlmscope.types import TokenMap

__all__ = ["Pack", "SharedPrefix", "fill_together", "run_packs", "shared_prefix"]

# phrases of one pass: enough to fill the matrix units, few enough that the rows stay small
_PACK_TOKENS = 512


@dataclass(frozen=True, eq=False)
class Pack:
    """Several phrases in one sequence behind the shared prefix.

    Attributes:
        texts: the encoded phrases, prefix included.
        starts: where each suffix begins in the packed sequence (absolute position).
        token_map: of the packed sequence; its roles are those of the suffixes one after another.
    """

    texts: tuple[EncodedText, ...]
    starts: tuple[int, ...]
    token_map: TokenMap

    @property
    def segments(self) -> tuple[tuple[int, int], ...]:
        """(start, end) of each phrase in the packed sequence."""
        return tuple(zip(self.starts, (*self.starts[1:], len(self.token_map)), strict=True))


class SharedPrefix:
    """An image in a model's cache, ready for phrases. Made by :func:`shared_prefix`."""

    def __init__(
        self,
        model: LoadedModel,
        pixels: NDArray[np.uint8],
        image: ImageInputs,
        preset: str | None,
        stop_after: int | None,
    ) -> None:
        self.model = model
        self.image = image
        self.image_size = (int(pixels.shape[0]), int(pixels.shape[1]))
        self.preset = preset
        self.stop_after = stop_after
        self._cache: Any = None
        self._shelf: tuple[Any, int] | None = None  # a batch's cache, and which item of it is ours
        self._filled_under: tuple[Any, ...] = ()
        self._ids: NDArray[np.int64] | None = None
        self._prefix_positions: Tensor | None = None

    @property
    def length(self) -> int:
        """Positions of the prefix; 0 before the first phrase."""
        return len(self.ids)

    @property
    def ids(self) -> NDArray[np.int64]:
        """Token ids of the prefix; none before the first phrase."""
        return np.zeros(0, dtype=np.int64) if self._ids is None else self._ids

    def beside(self, other: SharedPrefix) -> bool:
        """Whether both were run in one batch, so that packs behind them can be."""
        mine, its = self._shelf, other._shelf
        return mine is not None and its is not None and mine[0] is its[0]

    def encode(self, prompts: Sequence[str | Prompt]) -> list[EncodedText]:
        """Tokenise phrases and check that they share the prefix."""
        texts = [self.model.encode_prompt(p, [self.image], self.preset) for p in prompts]
        end = texts[0].image_end
        head = texts[0].ids[:end] if self._ids is None else self._ids
        for text in texts:
            if not np.array_equal(text.ids[: len(head)], head):
                raise UnsupportedError(
                    "These prompts differ before the end of the image, so they cannot share its "
                    "prefix. Run them one by one with vlmscope.prefill."
                )
        self._ids = head
        return texts

    def packs(self, texts: Sequence[EncodedText]) -> Iterator[tuple[list[int], Pack]]:
        """Group phrases into packs; yields their indices too."""
        chosen: list[int] = []
        size = 0
        for index, text in enumerate(texts):
            length = len(text.ids) - self.length
            if chosen and (self.model.family.recurrent or size + length > self._room):
                yield chosen, self._pack([texts[i] for i in chosen])
                chosen, size = [], 0
            chosen.append(index)
            size += length
        if chosen:
            yield chosen, self._pack([texts[i] for i in chosen])

    @property
    def _room(self) -> int:
        """Suffix tokens of one pack."""
        room = self.model.family.room_behind(self.model.hf, self.length)
        return _PACK_TOKENS if room is None else min(_PACK_TOKENS, room)

    def _pack(self, texts: Sequence[EncodedText]) -> Pack:
        maps = [token_map(text, [self.image], [self.image_size]) for text in texts]
        roles = [maps[0].roles[: self.length]]
        words: tuple[str, ...] = maps[0].tokens[: self.length]
        starts, at = [], self.length
        for each in maps:
            starts.append(at)
            roles.append(each.roles[self.length :])
            words += each.tokens[self.length :]
            at += len(each) - self.length
        packed = replace(maps[0], roles=np.concatenate(roles), tokens=words)
        return Pack(tuple(texts), tuple(starts), packed)

    def run(self, pack: Pack, deepest: int | None = None) -> Tensor | None:
        """Run a pack on top of the prefix; active captures see ``pack.token_map``.

        Nothing above ``deepest`` is computed, or above ``stop_after`` where it is None. The cache is
        put back to the prefix after.

        Returns:
            The last hidden states of the suffixes (1, positions, hidden); None where it stopped early.
        """
        self._fill(pack.token_map)
        return _run([self], self._cache, [pack], deepest)

    def answer(self, prompt: str | Prompt, max_new_tokens: int) -> str:
        """What the model says to a prompt, special tokens left out; see :meth:`generate`."""
        return self.generate(prompt, max_new_tokens).text

    def generate(self, prompt: str | Prompt, max_new_tokens: int) -> Generation:
        """Answer a prompt greedily, on top of the prefix; the cache is put back.

        The checkpoint's ``repetition_penalty`` counts, as in :func:`vlmscope.generate`; none of its
        other settings does.

        Raises:
            UnsupportedError: a prompt that differs before the end of the image.
        """
        [text] = self.encode([prompt])
        [(_, pack)] = self.packs([text])
        self._fill(pack.token_map)
        positions = self._positions([len(text.ids) - self.length])
        axes, start = tuple(positions.shape[:-2]), int(positions.reshape(-1)[0])
        with lent(self._cache, self.length, self.model.family.recurrent) as cache:
            ids = continue_greedily(
                self.model,
                cache,
                text.ids[self.length :],
                start,
                axes,
                max_new_tokens,
                penalised=text.ids,
            )
        return generation_of(self.model, torch.tensor(ids), pack.token_map)

    def next_logits(self, prompts: Sequence[str | Prompt]) -> Tensor:
        """What may follow each prompt: logits (prompts, vocabulary), float32 on the CPU.

        Prompts are packed, and the cache is put back. A prefix that is to be read whole takes no
        ``stop_after``.

        Raises:
            UnsupportedError: prompts that differ before the end of the image.
        """
        texts = self.encode(prompts)
        logits: list[Tensor] = [torch.zeros(0)] * len(texts)
        for indices, pack in self.packs(texts):
            last = torch.tensor([end - 1 - self.length for _, end in pack.segments])
            hidden = self.run(pack)
            assert hidden is not None  # nothing stops a whole pass
            with self.model.frozen():
                rows = self.model.family.head(self.model.hf, hidden[0, last.to(hidden.device)])
            for index, row in zip(indices, rows.float().cpu(), strict=True):
                logits[index] = row
        return torch.stack(logits)

    def _positions(self, lengths: Sequence[int]) -> Tensor:
        """Positions of phrases behind the prefix, each counted from its end: (1, n) or (3, 1, n).

        Families with one rotary position per axis leave fewer positions to an image than it has
        tokens, and text after it has the same position on every axis.
        """
        assert self._prefix_positions is not None
        start = int(self._prefix_positions.max()) + 1
        each = torch.cat([torch.arange(length) + start for length in lengths])
        axes = self._prefix_positions.shape[:-1]
        return each.expand(*axes, -1).to(self.model.device)

    def _fill(self, packed: TokenMap) -> None:
        """Run the prefix once; nothing reads it, but knock-outs among its own positions apply."""
        with instrument(self.model) as active, self.model.frozen():
            if self.filled:
                self._check_edges(active)
                if self._cache is None and self._shelf is not None:
                    cache, item = self._shelf
                    self._cache = items_of(cache, slice(item, item + 1))
                return
            _fill_empty(active, [self], [packed])

    @property
    def filled(self) -> bool:
        """Whether the image has been run."""
        return self._cache is not None or self._shelf is not None

    def _check_edges(self, active: Instrument) -> None:
        # a veil hides the image from what stands behind it, so the prefix is the same without
        edges = tuple(each for each in active.blockers if not isinstance(each, Veil))
        if edges != self._filled_under:
            raise AttentionError(
                "This image prefix was computed under other knock-outs than are active now. "
                "Make a new shared_prefix inside the knockout."
            )


def run_packs(
    prefixes: Sequence[SharedPrefix], packs: Sequence[Pack], deepest: int | None = None
) -> Tensor | None:
    """Run a pack on top of each of several prefixes, in one pass.

    Args:
        prefixes: of one model and the same ids; several of them were filled by one
            :func:`fill_together`.
        packs: one each, of the same ids: the same phrases.
        deepest, and what is returned: as for :meth:`SharedPrefix.run`.
    """
    if len(prefixes) == 1:
        return prefixes[0].run(packs[0], deepest)
    shelves = [each._shelf for each in prefixes if each._shelf is not None]
    cache, items = shelves[0][0], [item for _, item in shelves]
    if items != list(range(batch_of(cache))):  # not all of the batch
        cache = items_of(cache, items)
    with instrument(prefixes[0].model) as active:
        for each in prefixes:
            each._check_edges(active)
        return _run(prefixes, cache, packs, deepest)


def _run(
    prefixes: Sequence[SharedPrefix], cache: Any, packs: Sequence[Pack], deepest: int | None
) -> Tensor | None:
    """Run packs of the same ids on a cache that holds their prefixes, which is all it holds after."""
    first, model = prefixes[0], prefixes[0].model
    suffixes = [text.ids[first.length :] for text in packs[0].texts]
    ids = torch.from_numpy(np.concatenate(suffixes)).repeat(len(prefixes), 1).to(model.device)
    lengths = [len(part) for part in suffixes]
    positions = torch.cat([each._positions(lengths) for each in prefixes], dim=-2)
    fence = Fence(packs[0].starts, first.length + ids.shape[1])
    binding = Binding(tuple(pack.token_map for pack in packs), segments=packs[0].segments)
    stop_after = first.stop_after if deepest is None else deepest
    hidden: Tensor | None = None
    with instrument(model) as active, model.frozen():
        active.blockers.append(fence)
        try:
            with (
                lent(cache, first.length, model.family.recurrent) as own,
                active.bound(binding),
                active.stopping_after(stop_after),
                contextlib.suppress(StopForwardError),
            ):
                out = model.decoder(
                    input_ids=ids,
                    position_ids=positions,
                    use_cache=True,
                    **with_cache(model.decoder, own),
                )
                hidden = out.last_hidden_state
        finally:
            active.blockers.remove(fence)
    return hidden


def fill_together(prefixes: Sequence[SharedPrefix], texts: Sequence[EncodedText]) -> None:
    """Run the prefixes of several images side by side, in one batch without padding.

    Args:
        prefixes: of one model and depth, of the same ids, none of them filled.
        texts: a phrase of each.
    """
    pairs = zip(prefixes, texts, strict=True)
    maps = [token_map(text, [each.image], [each.image_size]) for each, text in pairs]
    with instrument(prefixes[0].model) as active, prefixes[0].model.frozen():
        _fill_empty(active, prefixes, maps)


def _fill_empty(
    active: Instrument, prefixes: Sequence[SharedPrefix], maps: Sequence[TokenMap]
) -> None:
    """Run prefixes of the same ids; ``maps`` are of prompts that begin with them."""
    first, model = prefixes[0], prefixes[0].model
    cache = model.family.lasting_cache(model.hf)
    ids = torch.from_numpy(np.stack([each.ids for each in prefixes]))
    batch = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "position_ids": torch.arange(ids.shape[1]).repeat(len(prefixes), 1),
    }
    # the prefix ends before any phrase, so which one is asked cannot matter to it
    request = PromptRequest(Prompt("image"))
    inputs = model.complete(batch, [[each.image] for each in prefixes], [request] * len(prefixes))
    positions, end = inputs["position_ids"].cpu(), first.length
    cut = [replace(each, roles=each.roles[:end], tokens=each.tokens[:end]) for each in maps]
    with (
        active.unread(),
        active.bound(Binding(tuple(cut))),
        active.stopping_after(first.stop_after),
        contextlib.suppress(StopForwardError),
    ):
        model.family.body(model.hf, **inputs, **with_cache(model.hf, cache), use_cache=True)
    for item, each in enumerate(prefixes):
        if len(prefixes) == 1:
            each._cache = cache
        else:
            each._shelf = (cache, item)
        each._prefix_positions = positions[..., item : item + 1, :]
        each._filled_under = tuple(active.blockers)


def shared_prefix(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    *,
    preset: str | None = None,
    placement: str | None = None,
    stop_after: int | None = None,
    image: ImageInputs | None = None,
) -> SharedPrefix:
    """Prepare one image for many phrases; the prefix runs with the first pack.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3).
        preset, placement: as for :func:`vlmscope.prefill`.
        stop_after: last layer whose rows will be read.
        image: the image as it is fitted already; None: it is fitted here.

    Raises:
        UnsupportedError: for a family whose image tokens see the text after them.
    """
    if not model.family.causal_image:
        raise UnsupportedError(
            f"The family {model.family.id!r} lets the image see the text, so an image prefix cannot be "
            "shared between phrases."
        )
    fitted = model.fit(pixels, placement) if image is None else image
    return SharedPrefix(model, pixels, fitted, preset, stop_after)
