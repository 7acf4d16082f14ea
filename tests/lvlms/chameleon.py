"""Chameleon: a small VQ-GAN whose codes are words of the vocabulary."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, special_tokenizer, text_options
from lvlms.codes import keep_to_cells
from vlmscope.models import LoadedModel

CODES, SIDE, CELL = 256, 80, 16


def code_name(number: int) -> str:
    """As Chameleon's vocabulary spells them: digits as letters."""
    return "IMGIMG" + "".join(chr(ord("A") + int(digit)) for digit in str(number)) + "Z"


def chameleon() -> LoadedModel:
    torch.manual_seed(0)
    named = {"image_token": "<image>", "boi_token": "<racm3:break>", "eoi_token": "<eoss>"}
    codes = [code_name(number) for number in range(CODES)]
    words = special_tokenizer([*named.values(), "<sep>", *codes], named)
    words.sep_token = "<sep>"
    config = transformers.ChameleonConfig(
        **text_options(len(words)),
        vq_config={
            "embed_dim": 8,
            "num_embeddings": CODES,
            "latent_channels": 8,
            "resolution": SIDE,
            "base_channels": 32,
            "channel_multiplier": [1] * 5,
            "num_res_blocks": 1,
        },
        vocabulary_map=words.get_vocab(),
    )
    model = transformers.ChameleonForConditionalGeneration(config).eval()
    for layer in model.model.layers:  # its norms take back what q_proj and k_proj are scaled by
        layer.self_attn.q_norm.weight.data *= 2.5
        layer.self_attn.k_norm.weight.data *= 2.5
    spread_codes(model.model.vqmodel)
    processor = transformers.ChameleonProcessor(
        image_processor=transformers.ChameleonImageProcessorPil(
            size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
        ),
        tokenizer=words,
        image_seq_length=(SIDE // CELL) ** 2,
    )
    # its own has none: what is written is images, then text
    template = chat_template("<image>").replace("USER: ", "").replace(" ASSISTANT:", "")
    processor.chat_template = template
    return vs.from_pretrained_model(model, processor, name="random-chameleon")


def spread_codes(vq: torch.nn.Module) -> None:
    """Spread the codebook over what pictures become, so that they become more than one code."""
    with torch.no_grad():
        kept: list[torch.Tensor] = []
        hook = vq.quantize.register_forward_pre_hook(lambda _, args: kept.append(args[0]))
        vq.encode(torch.rand(1, 3, SIDE, SIDE) * 2 - 1)
        hook.remove()
        found = kept[0][0].flatten(1)
        noise = torch.randn_like(vq.quantize.embedding.weight)
        vq.quantize.embedding.weight.copy_(found.mean(1) + noise * found.std(1))


def quiet(model: LoadedModel) -> None:
    keep_to_cells(model.hf.model.vqmodel.encoder, "attn_1.proj_out")


BUILDS = {"chameleon": Build(chameleon, quiet, codes=lambda model: model.hf.model.vqmodel.quantize)}
