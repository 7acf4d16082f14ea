"""What a family must bring to be proved, and what builders share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import bytes_to_unicode

from families import WORDS
from vlmscope.models import LoadedModel

__all__ = [
    "Build",
    "byte_tokenizer",
    "chat_template",
    "sharpen",
    "silence",
    "special_tokenizer",
    "text_options",
]


@dataclass(frozen=True)
class Build:
    """One tiny model of a family.

    Attributes:
        make: builds it through ``vs.from_pretrained_model``, always the same weights.
        quiet: makes every image token depend on the patches that are merged into it and on nothing
            else (zero what mixes tokens in the vision tower); called on a model of its own.
        spatial: image tokens stand for rectangles; False for query tokens.
        cross: where the decoder reads the image by cross-attention: float (keys, hidden), what it
            reads for an image.
        entering: where features of the image are added to its positions behind the decoder's input: float
            (positions, values), all of them for an image and the proof's phrase.
        processor_call: the processor can be called with images and text, as its users do, and must
            then give exactly the ids and tensors that we give.
        torchvision: its images are prepared by torchvision, so it can be made only where that is.
        timm: its tower is one of timm's, which needs torchvision too.
        call: what the processor must be told beside images and text, to be called as in the proof.
        own_masks: its layers make the mask of their attention themselves, so that a reference cannot
            hand them another.
        reordered: transformers stores some weights in another order than it holds them, so that a
            model in memory cannot be told by its file.
        codes: where image tokens are codes of a list: what takes (1, channels, rows, columns) to the
            nearest. A code does not change with every pixel, so the proof looks at what it takes.
        fused: its files hold queries, keys and values as one tensor, which is apart in memory: what is told
            from files alone (who it is, rows without loading) is not told of it.
        slack: cells beyond its own by which a token may reach, for resampling inside the family.
        picks_blocks: an indexer picks blocks of keys by what it sees of all of them, whatever is blocked, and
            counts them by position, padding among them: a batch padded on the left is refused.
        streams_first: layers take (streams, batch, positions, hidden), several residual streams.
    """

    make: Callable[[], LoadedModel]
    quiet: Callable[[LoadedModel], None]
    spatial: bool = True
    cross: Callable[[LoadedModel, np.ndarray], torch.Tensor] | None = None
    entering: Callable[[LoadedModel, np.ndarray], torch.Tensor] | None = None
    processor_call: bool = True
    torchvision: bool = False
    timm: bool = False
    call: Mapping[str, object] = field(default_factory=dict)
    own_masks: bool = False
    reordered: bool = False
    codes: Callable[[LoadedModel], torch.nn.Module] | None = None
    fused: bool = False
    slack: float = 0.0
    picks_blocks: bool = False
    streams_first: bool = False


def special_tokenizer(
    special: list[str], named: Mapping[str, str] | None = None, bos: bool = True
) -> PreTrainedTokenizerFast:
    """A word-level fast tokenizer with offsets; newlines are tokens, as in real ones.

    Args:
        special: further special tokens, in the order of their ids (from 4 on).
        named: attributes such as ``{"image_token": "<image>"}``.
        bos: whether text gets a BOS in front.
    """
    first = ["<pad>", "<bos>", "<eos>", "<unk>", *special]
    vocabulary = {word: index for index, word in enumerate([*first, "\n", "\n\n", *WORDS])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\n+|[^\S\n]+|\w+|[^\w\s]"), "isolated"),
            pre_tokenizers.Split(Regex(r"[^\S\n]+"), "removed"),
        ]
    )
    if bos:
        inner.post_processor = processors.TemplateProcessing(
            single="<bos> $A", special_tokens=[("<bos>", vocabulary["<bos>"])]
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        extra_special_tokens=dict(named or {}),
    )
    tokenizer.add_special_tokens(
        {"additional_special_tokens": special}, replace_extra_special_tokens=False
    )
    return tokenizer


def byte_tokenizer(kind: type, special: list[str]) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer of a class that transformers makes anew when it loads one.

    Args:
        kind: class of transformers with ``vocab`` and ``merges``.
        special: further special tokens, in the order of their ids (from 4 on).
    """
    letters = sorted(bytes_to_unicode().values())
    merges: dict[tuple[str, str], None] = {}
    for word in WORDS:
        for text in (word, "\u0120" + word):  # as bytes are written: a space in front
            merges.update({(text[:at], text[at]): None for at in range(1, len(text))})
    known = [*letters, *(first + second for first, second in merges)]
    first = ["<pad>", "<bos>", "<eos>", "<unk>", *special]
    vocabulary = {word: index for index, word in enumerate(dict.fromkeys([*first, *known]))}
    return kind(
        vocab=vocabulary,
        merges=list(merges),
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        additional_special_tokens=special,
    )


def chat_template(image: str, video: str = "") -> str:
    """A chat template that writes ``image`` for each image, ``video`` for each clip, then the text."""
    return (
        "{% for m in messages %}USER: {% for c in m['content'] %}{% if c['type'] == 'image' %}"
        + image
        + "{% elif c['type'] == 'video' %}"
        + video
        + "{% else %}{{ c['text'] | trim }}{% endif %}{% endfor %}{% endfor %}"
        "{% if add_generation_prompt %} ASSISTANT:{% endif %}"
    )


def text_options(vocabulary: int, layers: int = 3, **more: object) -> dict[str, object]:
    """Settings that most decoders share."""
    return {
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": layers,
        "num_attention_heads": 8,
        "num_key_value_heads": 2,
        "vocab_size": vocabulary,
        "max_position_embeddings": 4096,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        **more,
    }


def sharpen(model: LoadedModel, factor: float = 6.0) -> LoadedModel:
    """Scale the decoder's queries and keys so that attention rows have clear peaks."""
    for number in model.row_layers:
        attention = model.family.attention(model.layers[number])
        for name in ("q_proj", "k_proj"):
            getattr(attention, name).weight.data *= factor
    return model


def silence(module: torch.nn.Module, *suffixes: str) -> None:
    """Zero every linear part whose name ends in one of ``suffixes``.

    Raises:
        AssertionError: when none does, which would make a proof empty.
    """
    found = [part for name, part in module.named_modules() if name.endswith(suffixes)]
    assert found, f"no module ends in {suffixes}"
    for part in found:
        part.weight.data.zero_()
        if getattr(part, "bias", None) is not None:
            part.bias.data.zero_()
