"""From the names of a word list to texts that a model can embed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from vlmscope.data.datasets import Name, WordList
from vlmscope.errors import BadOptionError, BadPhraseError, UnknownNameError, UnsupportedError
from vlmscope.methods.encoder import phrase_embeddings
from vlmscope.methods.encoder.protocols import SegmentationProtocol, background_of
from vlmscope.methods.encoder.text_cache import kept_embeddings
from vlmscope.methods.encoder.texts import alike_caution, read_alike, unknown_caution
from vlmscope.models import DualEncoder, LoadedModel
from vlmscope.models.encoders.given_texts import GivenTexts

__all__ = ["Concepts", "Vocabulary", "flat", "owners", "texts_of", "unknown_texts"]

_GROUPS = 3  # of names that are read alike, each with a sentence of its own

_ADVICE = {
    False: " A classifier is asked for its own labels or their row numbers: give a word list of them "
    "(--words FILE).",
    True: " Add an embedding for every name of the word list, or give a word list of the names that are "
    "there (--words FILE).",
}

Concepts = tuple[tuple[str, ...], ...]
"""The texts of each concept; the best of them counts."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The classes of a data set as a model takes them.

    Attributes:
        model: the model.
        concepts: the texts of every class.
        background: the class that stands for everything else, or None.
        text_cache: whether embeddings of the classes under several templates are kept on disk.
        listed: the word list that they are of, or None.
    """

    model: LoadedModel | DualEncoder
    concepts: Concepts
    background: int | None = None
    text_cache: bool = True
    listed: WordList | None = None
    _embedded: dict[str, Tensor] = field(default_factory=dict, repr=False)
    _alone: dict[tuple[str, str], Tensor] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, model: LoadedModel | DualEncoder, words: WordList, text_cache: bool = True
    ) -> Vocabulary:
        """The texts of a word list, checked: the model can embed each.

        Raises:
            UnsupportedError, BadPhraseError: as :func:`texts_of`.
            UnknownNameError: a text that a classifier has no label for.
        """
        concepts = tuple(texts_of(model, names) for names in words.classes.values())
        if isinstance(model, DualEncoder):
            try:
                model.text_embeddings(flat(concepts))
            except UnknownNameError as error:  # say how many, and where names are given here
                lacking, every = unknown_texts(model, flat(concepts)), len(flat(concepts))
                if len(lacking) > 1:
                    error.message += f" So are {len(lacking) - 1:,} more of the {every:,} names."
                error.message += _ADVICE[isinstance(model.family, GivenTexts)]
                raise
        background = background_of(words.labels, words.background)
        return cls(model, concepts, background, text_cache, words)

    @property
    def cautions(self) -> tuple[str, ...]:
        """Words that the model does not know, and classes that it reads alike."""
        model, listed = self.model, self.listed
        if not isinstance(model, DualEncoder) or listed is None:
            return ()
        texts = flat(self.concepts)
        groups = read_alike(model.text_embeddings(texts), owners(self.concepts))
        alike = [
            alike_caution(model, [listed.labels[i] for i in group], "the first takes their pixels")
            for group in groups[:_GROUPS]
        ]
        rest = len(groups) - len(alike)
        more = [f"{model.id} reads {rest:,} more groups of names alike."] if rest else []
        return (*unknown_caution(model, texts), *alike, *more)

    def check_rivals(self, protocol: SegmentationProtocol) -> None:
        """Raise BadOptionError where a protocol leaves less than two classes to choose from."""
        left = len(self.concepts) - (protocol.foreground_only and self.background is not None)
        if left < 2:
            raise BadOptionError(
                f"The protocol {protocol.name} compares {left} class, and it takes two to be told from "
                "each other. Give a word list of more."
            )

    def embed(self, concepts: Concepts, templates: str) -> Tensor:
        """Unit vectors (texts, joint) of the texts of concepts; those of the classes are kept.

        They come out the same to the last digit whichever images went before: the classes are
        embedded first and together, and other texts of an image with no others than its own.
        """
        assert isinstance(self.model, DualEncoder)  # others have no use for embeddings
        if templates not in self._embedded:
            classes = flat(self.concepts)
            keep = self.text_cache
            self._embedded[templates] = kept_embeddings(self.model, classes, templates, keep=keep)
        if concepts == self.concepts:
            return self._embedded[templates]
        return phrase_embeddings(self.model, flat(concepts), templates, keep=False)

    def embed_alone(self, text: str, templates: str) -> Tensor:
        """The unit vector (1, joint) of a text that is none of the classes; it is kept."""
        assert isinstance(self.model, DualEncoder)  # others have no use for embeddings
        if (text, templates) not in self._alone:
            vector = phrase_embeddings(self.model, [text], templates, keep=False)
            self._alone[text, templates] = vector
        return self._alone[text, templates]


def unknown_texts(model: DualEncoder, texts: Iterable[str]) -> list[str]:
    """The texts that a tower without a text encoder has no row for."""
    return [text for text in texts if not _knows(model, text)]


def _knows(model: DualEncoder, text: str) -> bool:
    try:
        model.text_embeddings([text])
    except UnknownNameError:
        return False
    return True


def flat(concepts: Concepts) -> list[str]:
    """All texts, one concept after the other."""
    return [text for texts in concepts for text in texts]


def owners(concepts: Concepts) -> Sequence[int]:
    """For each of :func:`flat`'s texts, the index of its concept."""
    return [index for index, texts in enumerate(concepts) for _ in texts]


def texts_of(model: LoadedModel | DualEncoder, names: Iterable[Name]) -> tuple[str, ...]:
    """Names as texts; the row of a classifier becomes its label.

    Raises:
        UnsupportedError: rows for a model that is no classifier.
        BadPhraseError: a row that the classifier does not have, or whose label is not its own.
    """
    return tuple(name if isinstance(name, str) else _label(model, name) for name in names)


def _label(model: LoadedModel | DualEncoder, row: int) -> str:
    if not isinstance(model, DualEncoder) or model.family.templates:
        raise UnsupportedError(
            f"The word list names classes by rows of a classifier ({row}), and {model.id} is none. "
            "Use a word list of names (--words), or none for the data set's own."
        )
    labels = {int(number): label for number, label in model.hf.config.id2label.items()}
    if row not in labels:
        raise BadPhraseError(
            f"The word list names row {row} of the classifier; {model.id} has {len(labels)} rows. "
            "Use a word list that was made for it."
        )
    same = [number for number, label in labels.items() if label == labels[row]]
    if min(same) != row:  # labels are looked up by their text, and the first one would be found
        raise BadPhraseError(
            f"Row {row} of {model.id} has the label {labels[row]!r}, and so has row {min(same)}: "
            "they cannot be told apart. Take it out of the word list."
        )
    return labels[row]
