"""Noun phrases of an English caption, by closed word lists: no grammar, no model, no download.

A phrase begins at a determiner or number, or behind a preposition, a conjunction or a comma, and ends
before the next word that cannot be part of it. Verbs cannot all be listed: forms in -ing, and in -ed
before anything but a noun, end a phrase that has a word already, and after "a" so does a word in -s.
It is meant for many captions, of which most phrases have to be right, not each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["noun_phrases"]

_MOST_WORDS = 6


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_DETERMINERS = _listed(
    """
    a an the this that these those his her its their our my your another each every some
    several many few two three four five six seven eight nine ten
    """
)
_SINGLE = frozenset({"a", "an", "another", "each", "every", "this", "that"})

_PREPOSITIONS = _listed(
    """
    about above across after against along amid among around as at atop before behind below
    beneath beside besides between beyond by down during for from in inside into near next
    of off on onto opposite out outside over past round through throughout to toward towards
    under underneath up upon via with within without
    """
)
_CONJUNCTIONS = frozenset(["and", "or", "but", "while", "with", "plus", "nor"])

# what ends a phrase and begins none: pronouns, auxiliaries, adverbs, common verbs of captions
_OTHERS = _listed(
    """
    he she it they we you i him them us there here who which what where when why how is are
    was were be been being am has have had do does did can could may might will would shall
    should must not no very also both all only just quite too so then than if because
    although though visible shown seen located sits sit sat stands stand stood lies lie lay
    wears wear wore holds hold held looks look appears appear seems seem shows show depicts
    depict features feature contains contain includes include displays display runs run
    rides ride flies fly walks walk plays play eats eat drinks drink hangs hang rests rest
    leans lean faces makes make takes take goes go comes come gets get gives give covers
    surrounds together away close nearby yes left-hand right-hand filled covered
    """
)

# nouns that name the picture or a place in it, no object
_NO_OBJECTS = _listed(
    """
    image images picture pictures photo photos photograph photographs scene view background
    foreground front back top bottom side sides middle center centre left right corner edge
    area part distance way day time lot variety number type kind one ones other others
    something nothing it addition total zero two three four five six seven eight nine ten
    """
)

# of "a cup of tea" and the like the whole is the object
_MEASURES = _listed(
    """
    pair group bunch row pile stack set couple cup glass bowl plate slice piece bottle
    basket box bag herd flock body bouquet vase pot loaf
    """
)

# forms in -ing, -ed and -s that are nouns or adjectives, whatever stands before them
_NAMES_IN_ING = _listed(
    """
    building ceiling painting ring string wing king wedding clothing railing thing swing
    spring sibling earring drawing parking dining living sling awning icing frosting topping
    cutting
    """
)
_NAMES_IN_ED = _listed(
    """
    bed red shed seed weed sled bread-bed breed
    """
)

_WORDS = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*|\d+|[^\w\s]")


def noun_phrases(caption: str) -> list[str]:
    """The noun phrases of a caption, lower case, each once, in order.

    Args:
        caption: English; of another language nothing comes out, or something that is no phrase.
    """
    words = _WORDS.findall(caption.lower().replace("’", "'"))
    found = (" ".join(phrase) for phrase in _runs(words) if _names_an_object(phrase))
    return list(dict.fromkeys(found))


def _runs(words: list[str]) -> Iterator[list[str]]:
    """Runs of words that may be a noun phrase."""
    run: list[str] = []
    open_before = True  # a phrase may begin without a determiner
    for index, word in enumerate(words):
        if word in _DETERMINERS:
            yield run
            run, open_before = [word], False
        elif _ends(word, run, words[index + 1 : index + 2]):
            yield run
            run, open_before = [], word in _PREPOSITIONS or word in _CONJUNCTIONS or word == ","
        elif word == "of":
            run.append(word)  # a measure stands before it
        elif run or open_before:
            run.append(word)
    yield run


def _ends(word: str, run: list[str], following: list[str]) -> bool:
    if word == "of":
        return not (run and following and {run[-1], run[-1].removesuffix("s")} & _MEASURES)
    if word in _PREPOSITIONS or word in _CONJUNCTIONS or word in _OTHERS or not word[0].isalpha():
        return True
    nouns = [each for each in run if each not in _DETERMINERS and each != "of"]
    if not nouns:
        return False
    if word.endswith("ing") and word not in _NAMES_IN_ING:
        return True
    if word.endswith("ed") and word not in _NAMES_IN_ED and not _is_noun(following):
        return True  # "parked in", but "dotted green cross"
    third_person = word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return third_person and run[0] in _SINGLE and "of" not in run


def _is_noun(following: list[str]) -> bool:
    """Whether what follows, one word or none, may belong to the same phrase."""
    return any(
        word[0].isalpha() and word not in _PREPOSITIONS | _CONJUNCTIONS | _OTHERS | _DETERMINERS
        for word in following
    )


def _names_an_object(run: list[str]) -> bool:
    words = [word for word in run if word not in _DETERMINERS]
    if not words or len(run) > _MOST_WORDS or words[-1] == "of":
        return False
    last = words[-1]
    loose = run[0] not in _DETERMINERS
    verbal = last.endswith("ing") and last not in _NAMES_IN_ING
    return last not in _NO_OBJECTS and len(last) > 1 and not (loose and verbal)
