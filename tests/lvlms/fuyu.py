"""Fuyu: patches straight into a Persimmon, and a tokenizer that puts a space before every text."""

from __future__ import annotations

import torch
import transformers
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

import vlmscope as vs
from families import WORDS
from lvlms.build import Build
from vlmscope.models import LoadedModel

PATCH = 10


def spaced_tokenizer() -> PreTrainedTokenizerFast:
    """Word by word; the picture's tokens are words of the vocabulary, behind the space as all text."""
    names = ["<pad>", "<s>", "</s>", "<unk>", "|SPEAKER|", "|NEWLINE|", "<0x04>", "▁", "\n"]
    vocabulary = {word: index for index, word in enumerate([*names, *WORDS])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.normalizer = normalizers.Prepend("▁")
    pieces = Regex(r"▁|\|[A-Z]+\||<s>|<0x04>|\n|[^\S\n]+|\w+|[^\w\s]")
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(pieces, "isolated"),
            pre_tokenizers.Split(Regex(r"[^\S\n]+"), "removed"),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="<unk>", eos_token="</s>", pad_token="<pad>"
    )


def fuyu() -> LoadedModel:
    torch.manual_seed(0)
    words = spaced_tokenizer()
    text = {
        "model_type": "persimmon",
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 8,
        "vocab_size": len(words),
        "max_position_embeddings": 4096,
        "hidden_act": "relu2",
        "qk_layernorm": True,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    config = transformers.FuyuConfig(
        text_config=text,
        patch_size=PATCH,
        image_token_id=words.convert_tokens_to_ids("|SPEAKER|"),
    )
    model = transformers.FuyuForCausalLM(config).eval()
    for (
        layer
    ) in model.model.language_model.layers:  # its norms take back what projections are scaled by
        layer.self_attn.q_layernorm.weight.data *= 2.5
        layer.self_attn.k_layernorm.weight.data *= 2.5
    processor = transformers.FuyuProcessor(
        image_processor=transformers.FuyuImageProcessorPil(
            size={"height": 90, "width": 120}, patch_size={"height": PATCH, "width": PATCH}
        ),
        tokenizer=words,
    )
    return vs.from_pretrained_model(model, processor, name="random-fuyu")


# transformers' processor hands tensors to its Pillow image processor, which takes arrays, so it cannot
# be called as a whole without torchvision; tests/models/decoders/test_fuyu.py mends that and compares
BUILDS = {"fuyu": Build(fuyu, lambda model: None, processor_call=False)}
