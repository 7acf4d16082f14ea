"""What kind of phrase a sentence is, by lists of English words and one rule: no model, no grammar.

The rule reads a sentence from left to right as lower-case words (letters, digits, inner apostrophes and
hyphens; other marks only separate them), and gives it every kind that it finds:

- **negation**: a word of ``NEGATIONS``, or one that ends in ``n't``.
- **ordinal**: a word of ``ORDINALS``, digits with st, nd, rd or th, ``number`` or ``no`` before digits,
  or a count before ``from`` (*two from the left*).
- **spatial**: a place in the picture: a word of ``PLACES`` that is not part of a relation, or a relation
  to the picture or who looks at it (*left of the picture*, *closest to the camera*).
- **relation**: another thing: a run of words of ``RELATIONS``, a verb of ``ACTIONS``, or a preposition of
  ``PREPOSITIONS`` after which a thing is named: determiners, attributes and places are passed over, and a
  word has to be left that is neither clothing after ``in`` or ``wearing`` nor the picture.
- **attribute**: a word of ``ATTRIBUTES``, one that ends in ``-coloured``, or clothing after ``in`` or
  ``wearing``; ``orange`` only where a thing follows or ``in`` precedes.
- **plain**: none of these.

Limits: words that mean two things are taken one way (*right* is a side, *back* is a place, *light* a
colour); *of* is never a relation, so *glass of water* stays plain; words that no list holds are not seen,
so counts are lower bounds; spelling mistakes are not mended, but for a few abbreviations. English only:
a sentence without a letter from a to z has no kind, one in another language is likely to be "plain".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["KINDS", "phrase_kinds", "words_of"]

KINDS = ("ordinal", "spatial", "attribute", "relation", "negation", "plain")
"""Every kind, the last one for what has none of the others."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _runs(text: str) -> tuple[tuple[str, ...], ...]:
    """Runs of words between commas."""
    return tuple(tuple(run.split()) for run in text.split(","))


NEGATIONS = _words("no not without never none neither nor except excluding cannot")
ORDINALS = _words(
    """
    first second third fourth fifth sixth seventh eighth ninth tenth last penultimate
    """
)
COUNTS = _words("one two three four five six seven eight nine ten")
PLACES = _words(
    """
    left right top bottom upper lower middle center centre central corner edge front back
    background foreground leftmost rightmost topmost bottommost uppermost lowest highest far
    near nearest closest furthest farthest nearer closer further left-hand right-hand
    left-most right-most lft rt btm mid upside side end
    """
)
COLOURS = _words(
    """
    red green blue yellow purple pink brown black white grey gray orange beige tan gold
    golden silver violet turquoise cyan magenta maroon navy teal cream khaki blond blonde
    brunette dark light bright pale colorful colourful multicolored multicoloured
    """
)
FORMS = _words(
    """
    big bigger biggest small smaller smallest large larger largest little tiny huge tall
    taller tallest short shorter shortest long longer longest wide wider narrow thin thick
    fat skinny slim giant round square oval rectangular triangular curly straight bent flat
    pointed
    """
)
STUFFS = _words(
    """
    wooden metal metallic plastic leather stone striped stripes stripped plaid spotted
    checkered checked dotted patterned floral plain furry fluffy hairy transparent
    """
)
STATES = _words(
    """
    old older oldest young younger youngest new open opened closed shut empty full broken
    whole cut sliced dirty clean wet dry bald bearded barefoot shirtless naked blurry
    blurred shiny lit hidden standing sitting seated lying laying kneeling crouching
    squatting bending leaning walking running jumping sleeping smiling laughing crying
    swimming flying parked moving
    """
)
ATTRIBUTES = COLOURS | FORMS | STUFFS | STATES
"""Colours and light; size and form; stuff and pattern; state, age and posture."""
CLOTHES = _words(
    """
    shirt shirts tshirt t-shirt tee jacket coat dress hat cap pants jeans shorts suit tie
    skirt sweater hoodie uniform glasses sunglasses vest shoes boots sneakers helmet gloves
    scarf bikini swimsuit wetsuit jersey blouse robe apron sweatshirt tanktop clothes
    clothing outfit costume
    """
)
WORN = _words("in wearing dressed")
RELATIONS = _runs(
    """
    in front of, in back of, on top of, on the left of, on the right of, to the left of, to
    the right of, on the side of, at the end of, next to, close to, closer to, closest to,
    nearest to, left of, right of, other than, beside, besides, behind, under, underneath,
    beneath, below, above, over, between, among, against, around, inside, outside, across,
    along, through, onto, toward, towards, than, near, nearest, opposite
    """
)
ACTIONS = _words(
    """
    holding holds held riding rides carrying carries touching touches facing faces eating
    drinking pushing pulling hugging kissing feeding throwing catching hitting swinging
    watching petting covering surrounding driving reading cutting using leading following
    has having
    """
)
PREPOSITIONS = _words("on in at by with from off into")
DETERMINERS = _words(
    """
    a an the this that these those his her its their my your our very most more some
    """
)
PICTURE = _words(
    """
    picture pic image img photo photograph screen frame scene view camera viewer us me you
    """
)

_BEGUN = {run[0]: [each for each in RELATIONS if each[0] == run[0]] for run in RELATIONS}
_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_NUMBERED = re.compile(r"\d+(?:st|nd|rd|th)")
_COLOURED = re.compile(r".+-?colou?red")
_JOINTS = PREPOSITIONS | {"of", "and", "or", "to", "is", "are", "who", "which"}


def phrase_kinds(sentence: str) -> tuple[str, ...]:
    """The kinds of a sentence, in the order of :data:`KINDS`; empty without a letter from a to z."""
    words = words_of(sentence.lower())
    if not re.search(r"[a-z]", sentence.lower()):
        return ()
    found = {kind for index in _steps(words) for kind in _kinds_at(words, index)}
    return tuple(kind for kind in KINDS if kind in found) or ("plain",)


def words_of(sentence: str) -> list[str]:
    """Runs of letters and digits, with apostrophes and hyphens inside."""
    return [word.replace("’", "'") for word in _WORD.findall(sentence)]


def _steps(words: Sequence[str]) -> list[int]:
    """Where something begins: a run of words that is a relation counts once."""
    steps, index = [], 0
    while index < len(words):
        steps.append(index)
        index += max(1, len(_relation_at(words, index)))
    return steps


def _kinds_at(words: Sequence[str], index: int) -> list[str]:
    word, kinds = words[index], list[str]()
    if (word in NEGATIONS and not _numbers(words, index)) or word.endswith("n't"):
        kinds.append("negation")
    if _is_ordinal(words, index):
        kinds.append("ordinal")
    relation = _relation_at(words, index)
    if relation:
        kinds.append(_relation_or_place(words, index + len(relation)))
    elif word in PLACES:
        kinds.append("spatial")
    elif word in ACTIONS or (word in PREPOSITIONS and _names_thing(words, index)):
        kinds.append("relation")
    if _is_attribute(words, index):
        kinds.append("attribute")
    return kinds


def _relation_at(words: Sequence[str], index: int) -> tuple[str, ...]:
    """The longest run of words there that is a relation; *near* and the like need a word behind."""
    runs = (
        run for run in _BEGUN.get(words[index], ()) if tuple(words[index : index + len(run)]) == run
    )
    run = max(runs, key=len, default=())
    bare = len(run) == 1 and run[0] in PLACES
    return () if bare and _thing_after(words, index + 1) is None else run


def _relation_or_place(words: Sequence[str], after: int) -> str:
    """A relation to the picture or to who looks at it is a place."""
    rest = [word for word in words[after : after + 2] if word not in DETERMINERS]
    return "spatial" if rest and rest[0] in PICTURE else "relation"


def _thing_after(words: Sequence[str], index: int) -> str | None:
    """The first word that may name a thing; None: the sentence ends, or goes on with another part."""
    passed = DETERMINERS | ATTRIBUTES | PLACES | ORDINALS
    for word in words[index:]:
        if word in _JOINTS or word in NEGATIONS:
            return None
        if word not in passed:
            return word
    return None


def _names_thing(words: Sequence[str], index: int) -> bool:
    thing = _thing_after(words, index + 1)
    worn = words[index] in WORN and thing in CLOTHES
    return thing is not None and thing not in PICTURE and not worn


def _is_ordinal(words: Sequence[str], index: int) -> bool:
    word, following = words[index], words[index + 1 : index + 2]
    counted = (word in COUNTS or word.isdigit()) and following == ["from"]
    named = word in ORDINALS or _NUMBERED.fullmatch(word) is not None
    return named or counted or _numbers(words, index)


def _numbers(words: Sequence[str], index: int) -> bool:
    """Whether a word says that digits follow: *number 23*."""
    following = words[index + 1 : index + 2]
    return words[index] in ("number", "no") and bool(following) and following[0].isdigit()


def _is_attribute(words: Sequence[str], index: int) -> bool:
    word = words[index]
    if word == "orange":
        thing = words[index + 1 : index + 2]
        return (index > 0 and words[index - 1] in WORN) or bool(
            thing and thing[0] not in _JOINTS | PLACES | NEGATIONS
        )
    worn = word in WORN and _thing_after(words, index + 1) in CLOTHES
    return word in ATTRIBUTES or worn or _COLOURED.fullmatch(word) is not None
