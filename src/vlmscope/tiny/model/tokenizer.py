"""A word-level tokenizer: one token for every word of the tiny world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.tiny.world.phrases import EXTREMES
from vlmscope.tiny.world.words import ATTRIBUTES, NUMBERS, PATTERNS, SHAPES, SYSTEM, TONES, plural

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

__all__ = [
    "BOS",
    "CHAT_TEMPLATE",
    "EOS",
    "IMAGE",
    "PAD",
    "UNK",
    "build_tokenizer",
    "encode",
    "vocabulary",
]

PAD, BOS, EOS, UNK, IMAGE = range(5)
"""Ids of the special tokens."""

_SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>", "<image>")
_FUNCTION = tuple(
    "the a an is are what where which how many there describe and at on in of to "  # noqa: SIM905
    "color colour size texture shape object objects picture background none yes no "
    "left right top bottom center above below".split()
)

# user text alone after system sentence and image: no role names, no "ASSISTANT:" tail, so that the
# last token of a prompt is the last word of the question
CHAT_TEMPLATE = (
    "{%- if messages and messages[0]['role'] == 'system' -%}"
    "{%- set opening = messages[0]['content'] -%}{%- set turns = messages[1:] -%}"
    "{%- else -%}"
    f"{{%- set opening = '{SYSTEM}' -%}}{{%- set turns = messages -%}}"
    "{%- endif -%}"
    "{%- if opening is string -%}{{ opening }}"
    "{%- else -%}{%- for part in opening -%}{{ part['text'] }}{%- endfor -%}{%- endif -%}"
    "{%- for turn in turns -%}"
    "{%- if turn['content'] is string -%}{{ ' ' + turn['content'] }}"
    "{%- else -%}{%- for part in turn['content'] -%}"
    "{{ ' <image>' if part['type'] == 'image' else ' ' + part['text'] }}"
    "{%- endfor -%}{%- endif -%}"
    "{{ ' <eos>' if turn['role'] == 'assistant' else '' }}"
    "{%- endfor -%}"
)


def vocabulary() -> tuple[str, ...]:
    """Every token in the order of its id: the special ones first."""
    words: list[str] = list(_SPECIAL)
    groups = [
        _FUNCTION,
        *ATTRIBUTES.values(),
        [plural(shape) for shape in SHAPES],
        EXTREMES,
        NUMBERS,
        PATTERNS,
        TONES,
        SYSTEM.split(),
    ]
    for group in groups:
        words.extend(word for word in group if word not in words)
    return tuple(words)


def encode(text: str, table: dict[str, int]) -> list[int]:
    """Ids of a text of our own making: lower case, single spaces, known words only.

    The corpus holds millions of such texts; this is the tokenizer without its overhead.

    Raises:
        KeyError: for a word outside the vocabulary.
    """
    return [table[word] for word in text.split()]


def build_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer as transformers knows it; its offsets refer to the text as given."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    table = {word: index for index, word in enumerate(vocabulary())}
    tokenizer = Tokenizer(models.WordLevel(table, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            # punctuation was never seen in training: "the red circle?" ends in its noun, too
            # (one character for one character, so offsets stay exact)
            normalizers.Replace(Regex(r"[.,;:!?\"'()\-]"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A $B", special_tokens=[("<bos>", BOS)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        extra_special_tokens={"image_token": "<image>"},
        padding_side="left",
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
        chat_template=CHAT_TEMPLATE,
    )
