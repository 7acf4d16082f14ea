"""Emu3: a small VQ-GAN of any resolution whose codes are words of the vocabulary."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, special_tokenizer, text_options
from lvlms.codes import keep_to_cells
from vlmscope.models import LoadedModel

CODES = 256


def emu3() -> LoadedModel:
    torch.manual_seed(0)
    named = {
        "image_token": "<image>",
        "boi_token": "<|image start|>",
        "eoi_token": "<|image end|>",
        "image_wrapper_token": "<|image token|>",
        "eof_token": "<|extra_201|>",
    }
    codes = [f"<|visual token {number:06d}|>" for number in range(CODES)]
    words = special_tokenizer([*named.values(), "<|extra_200|>", *codes], named, bos=False)
    config = transformers.Emu3Config(
        text_config=text_options(len(words)),
        vq_config={
            "codebook_size": CODES,
            "temporal_downsample_factor": 2,
            "base_channels": 32,
            "channel_multiplier": [1, 1, 1, 1],
            "num_res_blocks": 1,
            "hidden_size": 32,
        },
        vocabulary_map=words.get_vocab(),
    )
    model = transformers.Emu3ForConditionalGeneration(config).eval()
    spread_codes(model.model.vqmodel)
    processor = transformers.Emu3Processor(
        image_processor=transformers.Emu3ImageProcessor(min_pixels=32 * 32, max_pixels=64 * 64),
        tokenizer=words,
        chat_template=chat_template("<image>"),
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-emu3"))


def spread_codes(vq: torch.nn.Module) -> None:
    """Spread the codebook over what pictures become, so that they become more than one code."""
    with torch.no_grad():
        kept: list[torch.Tensor] = []
        hook = vq.quantize.register_forward_pre_hook(lambda _, args: kept.append(args[0]))
        vq.encode(torch.rand(1, 3, 64, 64) * 2 - 1, torch.tensor([[64, 64]]))
        hook.remove()
        found = kept[0][0, 0].flatten(1)
        noise = torch.randn_like(vq.quantize.embedding.weight)
        vq.quantize.embedding.weight.copy_(found.mean(1) + noise * found.std(1))


def quiet(model: LoadedModel) -> None:
    keep_to_cells(model.hf.model.vqmodel.encoder, "attn_1.out_proj", "attn.0.out_proj")


BUILDS = {"emu3": Build(emu3, quiet, codes=lambda model: model.hf.model.vqmodel.quantize)}
