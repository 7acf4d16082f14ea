"""A question with parts removed, replaced or put in another order."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vlmscope.errors import BadPhraseError

__all__ = ["CLEAN", "QUERY_ALONE", "Variant", "variants_of"]

CLEAN = "as asked"
QUERY_ALONE = "query tokens alone"
"""The prompt as it is, but neither its last token nor the answer may read the image: what they say
can only come from what the query tokens have gathered."""

_MENTIONS = ("in this image", "in the image", "in this picture", "in the picture")


@dataclass(frozen=True)
class Variant:
    """One changed prompt.

    Attributes:
        name: what was changed; the same for every question, so that effects can be averaged. Single
            words are all ``"without a word"``.
        text: what is asked now.
        word: the word that was removed, or "".
        system: False: without the system sentence of the ``paper`` preset.
        blind: the answer and the last prompt token may not read the image.
    """

    name: str
    text: str
    word: str = ""
    system: bool = True
    blind: bool = False


def variants_of(
    text: str,
    *,
    system: bool = False,
    replacements: Mapping[str, str] | None = None,
    seed: int = 0,
    single: bool = True,
) -> Iterator[Variant]:
    """Every variant of one question, the unchanged one first.

    Args:
        text: the question.
        system: whether the prompt has a system sentence that can be left out.
        replacements: name -> whole text to be asked in place of the question; ``{}`` in it stands
            for the question.
        seed: of the shuffled order.
        single: whether single words are left out, each in turn.

    Raises:
        BadPhraseError: a replacement that leaves nothing to ask.
    """
    yield Variant(CLEAN, text)
    yield Variant(QUERY_ALONE, text, blind=True)
    if system:
        yield Variant("without the system sentence", text, system=False)
    mention = next((each for each in _MENTIONS if each in text.casefold()), None)
    if mention is not None:
        start = text.casefold().index(mention)
        shorter = _tidy(text[:start] + text[start + len(mention) :])
        if shorter:
            yield Variant(f'without "{_MENTIONS[0]}"', shorter)
    else:
        yield Variant(f'with "{_MENTIONS[0]}"', _mentioning(text))
    words = text.split()
    if len(words) > 1:
        yield Variant("words in another order", " ".join(_shuffled(words, seed)))
        for index, word in enumerate(words if single else ()):
            rest = " ".join([*words[:index], *words[index + 1 :]])
            if re.search(r"\w", rest):
                yield Variant("without a word", rest, word)
    for name, replacement in (replacements or {}).items():
        replaced = replacement.replace("{}", text)
        if not replaced.strip():
            raise BadPhraseError(f"The replacement {name!r} leaves nothing to ask.")
        yield Variant(name, replaced)


def _mentioning(text: str) -> str:
    """The question with "in this image" at its end, before the mark that ends it."""
    bare = text.rstrip()
    mark = re.search(r"\s*[.?!]+$", bare)
    head, tail = (bare[: mark.start()], mark.group()) if mark else (bare, "")
    return f"{head} {_MENTIONS[0]}{tail}"


def _tidy(text: str) -> str:
    return re.sub(r"\s+([.?!,])", r"\1", " ".join(text.split()))


def _shuffled(words: list[str], seed: int) -> list[str]:
    """Another order whenever there is one."""
    rng = random.Random(f"vlmscope-order:{seed}:{' '.join(words)}")
    if len(set(words)) == 1:
        return words
    mixed = list(words)
    while mixed == words:
        rng.shuffle(mixed)
    return mixed
