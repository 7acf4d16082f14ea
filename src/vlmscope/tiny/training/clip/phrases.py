"""Phrases for a batch of scenes, drawn as tensors, and which image each of them fits.

A text means one object or two; it fits an image when the image holds objects like that. The truth
is known, so two images that fit the same text are never pushed apart, and a phrase that is one word
away from an object (``the small red circle`` in an image with a small blue one) is a negative
exactly where nothing else fits it.
"""

from __future__ import annotations

import torch

from vlmscope.tiny.model.clip_tokenizer import BOS, PAD, UNK, clip_vocabulary
from vlmscope.tiny.world.words import ATTRIBUTES

__all__ = ["draw_meanings", "fits", "word_ids"]

UNSAID = -1
_COUNTS = tuple(len(words) for words in ATTRIBUTES.values())
_SAID = (0.5, 0.5, 0.85, 0.9)  # how often each attribute is said
_PAIRS = 0.15  # share of texts that name two objects
_FILLER = 0.08  # share of texts with an unknown word in front of, or behind, the object
_OPENINGS = ((), (), (), ("a", "photo", "of"), ("a", "picture", "of"), ("an", "image", "of"))
_ARTICLES = (0.45, 0.9)  # below the first "the", below the second "a" or "an", else none


def draw_meanings(objects: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Meanings of texts: ``count`` true ones for every image, then one rival for each of them.

    A rival is a true meaning with one attribute changed, half of the time to that of another
    object of the image, so that only the conjunction tells the two apart. It can still be true.

    Args:
        objects: int64 (batch, most_objects, 7), see ``corpus.Corpus``; at least two in each image.
        count: texts for each image, rivals not counted.
        generator: on the CPU, so that every device draws the same.

    Returns:
        int64 (2 * batch * count, 2, attributes): what is said of the first and of the second
        object, ``UNSAID`` where nothing is; the second is all ``UNSAID`` where one object is meant.
    """
    device, batch = objects.device, len(objects)

    def draw(*shape: int) -> torch.Tensor:
        return torch.rand(batch, count, *shape, generator=generator).to(device)

    present = (objects[..., 0] >= 0).sum(1)[:, None]
    first = (draw() * present).long()
    second = (first + 1 + (draw() * (present - 1)).long()) % present
    chosen = torch.stack([first, second], dim=2)[..., None].expand(-1, -1, -1, len(_COUNTS))
    look = objects[:, None, :, : len(_COUNTS)].expand(-1, count, -1, -1).gather(2, chosen)
    true = torch.where(_spoken(draw(2, len(_COUNTS))), look, UNSAID)
    alone = draw() >= _PAIRS
    true[..., 1, :] = torch.where(alone[..., None], UNSAID, true[..., 1, :])
    rival = true.clone()
    rival[..., 0, :] = _changed(true[..., 0, :], look[..., 1, :], draw(len(_COUNTS) + 2))
    return torch.cat([true.flatten(0, 1), rival.flatten(0, 1)])


def _spoken(draws: torch.Tensor) -> torch.Tensor:
    """Which attributes are said, bool (..., attributes): colour and shape where none was drawn."""
    mask = draws < torch.tensor(_SAID, device=draws.device)
    plain = torch.tensor([False, False, True, True], device=draws.device)
    return torch.where(mask.any(-1, keepdim=True), mask, plain)


def _changed(values: torch.Tensor, other: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """One said attribute with another value.

    Args:
        values: int64 (..., attributes).
        other: the same of another object of the image, nothing unsaid.
        draws: (..., attributes + 2): which attribute, from where, which value.
    """
    counts = torch.tensor(_COUNTS, device=values.device)
    which = torch.where(values == UNSAID, -1.0, draws[..., :-2]).argmax(-1, keepdim=True)
    old, borrowed = values.gather(-1, which), other.gather(-1, which)
    choices = counts[which]
    step = 1 + (draws[..., -1:] * (choices - 1)).long()
    borrow = (draws[..., -2:-1] < 0.5) & (borrowed != old)
    return values.scatter(-1, which, torch.where(borrow, borrowed, (old + step) % choices))


def fits(meanings: torch.Tensor, objects: torch.Tensor) -> torch.Tensor:
    """Which text fits which image.

    Args:
        meanings: int64 (texts, 2, attributes).
        objects: int64 (batch, most_objects, 7 or attributes).

    Returns:
        bool (texts, batch).
    """
    result = torch.ones(len(meanings), len(objects), dtype=torch.bool, device=objects.device)
    for part in meanings.unbind(1):
        # -1 stands for "not said" in texts and for "no object" in images: neither is a word
        here = torch.ones(
            len(meanings), *objects.shape[:2], dtype=torch.bool, device=objects.device
        )
        for attribute in range(len(_COUNTS)):
            value = part[:, attribute, None, None]
            here &= (value == UNSAID) | (value == objects[None, :, :, attribute])
        result &= here.any(-1)
    return result


def word_ids(meanings: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Wordings, each in a template of its own, now and then with an unknown word to be ignored.

    Args:
        meanings: int64 (texts, 2, attributes).
        generator: on the CPU.

    Returns:
        int64 (texts, tokens), begin and end token included, padded on the right.
    """
    device, count = meanings.device, len(meanings)
    table = {word: index for index, word in enumerate(clip_vocabulary())}

    def fixed(word: str) -> torch.Tensor:
        return torch.full((count,), table[word], device=device)

    draws = torch.rand(4, count, generator=generator).to(device)
    openings = torch.tensor([[table[w] for w in words] or [PAD] * 3 for words in _OPENINGS])
    opening = openings.to(device)[(draws[0] * len(_OPENINGS)).long()]
    pair = (meanings[:, 1] != UNSAID).any(-1)
    fillers = [torch.where(draw < _FILLER, UNK, PAD) for draw in draws[1:3]]
    columns = [
        torch.full((count,), BOS, device=device),
        *opening.unbind(1),
        fillers[0],
        *_noun_phrase(meanings[:, 0], draws[3], table),
        *(
            torch.where(pair, word, PAD)
            for word in (fixed("and"), *_noun_phrase(meanings[:, 1], draws[3], table))
        ),
        fillers[1],
        fixed("<eos>"),
    ]
    rows = torch.stack(columns, dim=1)
    order = (rows == PAD).to(torch.int8).argsort(dim=1, stable=True)
    return rows.gather(1, order)


def _noun_phrase(
    attributes: torch.Tensor, article: torch.Tensor, table: dict[str, int]
) -> list[torch.Tensor]:
    """Columns of ids (texts,): article, size, texture, colour, noun; ``PAD`` where nothing."""
    columns = []
    for values, words in zip(attributes.unbind(-1), ATTRIBUTES.values(), strict=True):
        ids = torch.tensor([table[word] for word in words], device=attributes.device)
        columns.append(torch.where(values == UNSAID, PAD, ids[values.clamp(min=0)]))
    columns[-1] = torch.where(columns[-1] == PAD, table["object"], columns[-1])
    size, texture, colour, noun = columns
    leading = torch.where(size == PAD, texture, size)
    leading = torch.where(leading == PAD, colour, leading)
    leading = torch.where(leading == PAD, noun, leading)
    vowel = (leading == table["orange"]) | (leading == table["object"])
    indefinite = torch.where(vowel, table["an"], table["a"])
    chosen = torch.where(article < _ARTICLES[1], indefinite, PAD)
    return [torch.where(article < _ARTICLES[0], table["the"], chosen), *columns]
