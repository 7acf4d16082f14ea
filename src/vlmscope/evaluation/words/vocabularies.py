"""Further word lists of a data set's classes, under which runs are measured beside the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from vlmscope.data.datasets import EvalSample, WordList
from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.evaluation.entrants.configured_methods import ConfiguredMethod
from vlmscope.evaluation.image_results import is_dense
from vlmscope.evaluation.words.vocabulary import Vocabulary, flat, texts_of, unknown_texts
from vlmscope.models import DualEncoder, LoadedModel
from vlmscope.models.encoders.given_texts import GivenTexts

__all__ = ["Vocabularies", "called", "vocabularies_on"]


@dataclass(frozen=True, eq=False)
class Vocabularies:
    """What a data set's classes are called, one way after the other.

    Attributes:
        first: by the data set's own word list.
        others: by further ones, by name.
        left_out: a sentence for each that is not measured, or not with all methods.
    """

    first: Vocabulary
    others: Mapping[str, Vocabulary]
    left_out: tuple[str, ...] = ()

    @property
    def cautions(self) -> tuple[str, ...]:
        """Words that the model does not know, and classes that it reads alike, list by list."""
        further = [
            f"Of the vocabulary {name}: {caution}"
            for name, each in self.others.items()
            for caution in each.cautions
        ]
        return (*self.first.cautions, *further)


def vocabularies_on(
    model: LoadedModel | DualEncoder,
    words: WordList,
    others: Mapping[str, WordList],
    methods: Sequence[ConfiguredMethod],
    text_cache: bool = True,
) -> Vocabularies:
    """Word lists as a model takes them.

    A tower without a text encoder knows the names that it was given, and no others: a further list with
    other names is left out, and said. So is what methods that answer phrase by phrase make of further
    lists: they take one name for a class.

    Args:
        model: the model.
        words: the data set's own word list.
        others: further ones, by name.
        methods: what is measured.
        text_cache: see :class:`Vocabulary`.

    Raises:
        BadOptionError: a further list of other classes.
        UnsupportedError, BadPhraseError, UnknownNameError: names that the model cannot take, of the
            first list; further ones raise the first two.
    """
    first = Vocabulary.of(model, words, text_cache)
    left_out: list[str] = []
    taken: dict[str, Vocabulary] = {}
    plain = [each.label for each in methods if not is_dense(each)]
    for name, each in others.items():
        if set(each.labels) != set(words.labels):
            raise BadOptionError(_other_classes(name, each, words))
        if not isinstance(model, DualEncoder):
            left_out.append(f"{_alone(name, words)}: {model.id} answers phrase by phrase.")
            continue
        try:
            taken[name] = Vocabulary.of(model, each.only(words.labels), text_cache)
        except UnknownNameError:
            if model.family.templates:
                raise
            left_out.append(f"{_alone(name, words)}: {_lacking(model, each)}.")
    if taken and plain:
        listed = ", ".join(plain)
        left_out.append(f"{_alone(', '.join(taken), words)} for {listed}: one name for a class.")
    return Vocabularies(first, taken, tuple(left_out))


def called(sample: EvalSample, words: WordList) -> EvalSample:
    """A sample whose referents have the names of another word list."""
    referents = tuple(
        replace(each, names=words.classes[each.label]) if each.label in words.classes else each
        for each in sample.referents
    )
    return replace(sample, referents=referents)


def _alone(name: str, words: WordList) -> str:
    return f"The vocabulary {name} is left out, {words.title} alone is reported"


def _lacking(model: DualEncoder, words: WordList) -> str:
    """How many names a tower without a text encoder does not have."""
    texts = flat(tuple(texts_of(model, names) for names in words.classes.values()))
    unknown = unknown_texts(model, texts)
    tower = isinstance(model.family, GivenTexts)
    lack = "have no embedding among those given" if tower else f"are no labels of {model.id}"
    return f"{len(unknown):,} of its {len(texts):,} names {lack}, such as {unknown[0]!r}"


def _other_classes(name: str, other: WordList, words: WordList) -> str:
    more = [label for label in other.labels if label not in words.classes]
    less = [label for label in words.labels if label not in other.classes]
    which = f"it has {more[0]!r} and more" if more else f"it lacks {less[0]!r}"
    return (
        f"The word list {name} ({other.title}) is of other classes than {words.title}: {which}. Lists that "
        "are measured side by side name the same classes."
    )
