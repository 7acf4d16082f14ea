"""The tokenizer of tiny-clip: the words that describe one object, and those of prompt templates.

It is its own because CLIP reads a text at its end token, which must be easy to find: the end token
has the highest id (older CLIP code takes the largest id of a text for it), and that id is not 2
(transformers takes a 2 for a mistake of old configurations). tiny-llava's vocabulary has it at 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vlmscope.tiny.world.words import ATTRIBUTES

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

__all__ = ["BOS", "LONGEST", "PAD", "UNK", "build_clip_tokenizer", "clip_vocabulary", "token_rows"]

PAD, BOS, UNK = range(3)
"""Ids of the special tokens in front; the end token has the last id."""

LONGEST = 24
"""Tokens of a text, both ends included; longer texts are cut."""

_FUNCTION = ("a", "an", "the", "photo", "picture", "image", "of", "in", "with", "and", "object")


def clip_vocabulary() -> tuple[str, ...]:
    """Every token in the order of its id."""
    words = [word for group in ATTRIBUTES.values() for word in group]
    return ("<pad>", "<bos>", "<unk>", *_FUNCTION, *words, "<eos>")


def token_rows(texts: Sequence[str]) -> list[list[int]]:
    """Ids of texts of our own making (lower case, known words), padded to the longest of them.

    The tokenizer without its overhead; a test holds the two together.

    Raises:
        KeyError: for a word outside the vocabulary.
    """
    table = {word: index for index, word in enumerate(clip_vocabulary())}
    rows = [[BOS, *(table[word] for word in text.split()), table["<eos>"]] for text in texts]
    longest = max(map(len, rows))
    return [row + [PAD] * (longest - len(row)) for row in rows]


def build_clip_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer as transformers knows it; it pads on the right and cuts at ``LONGEST``."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    table = {word: index for index, word in enumerate(clip_vocabulary())}
    tokenizer = Tokenizer(models.WordLevel(table, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            # training has no punctuation; one character for one, so offsets stay exact
            normalizers.Replace(Regex(r"[.,;:!?\"'()\-]"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>",
        pair="<bos> $A $B <eos>",
        special_tokens=[("<bos>", BOS), ("<eos>", table["<eos>"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        padding_side="right",
        model_max_length=LONGEST,
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    )
