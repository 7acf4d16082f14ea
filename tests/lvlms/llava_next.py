"""LLaVA-NeXT: tiles of a CLIP tower, and of a SigLIP tower whose tiles are no whole patches."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

# (rows, columns) of tiles, in the proportions of the published checkpoints
SHAPES = ((1, 2), (2, 1), (2, 2), (3, 1), (1, 3))


def vision(kind: str, side: int, patch: int) -> dict[str, object]:
    return {
        "model_type": f"{kind}_vision_model",
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "image_size": side,
        "patch_size": patch,
    }


def llava_next(
    kind: str = "clip",
    side: int = 56,
    patch: int = 14,
    shapes: tuple[tuple[int, int], ...] = SHAPES,
    text: str = "llama",
) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(["<image>"], {"image_token": "<image>"})
    strategy = "default" if kind == "clip" else "full"
    pinpoints = [[rows * side, columns * side] for rows, columns in shapes]
    config = transformers.LlavaNextConfig(
        text_config=text_options(len(words), model_type=text),
        vision_config=vision(kind, side, patch),
        image_token_index=words.convert_tokens_to_ids("<image>"),
        vision_feature_select_strategy=strategy,
        image_grid_pinpoints=pinpoints,
    )
    model = transformers.LlavaNextForConditionalGeneration(config).eval()
    processor = transformers.LlavaNextProcessor(
        image_processor=transformers.LlavaNextImageProcessorPil(
            size={"shortest_edge": side},
            crop_size={"height": side, "width": side},
            image_grid_pinpoints=pinpoints,
        ),
        tokenizer=words,
        patch_size=patch,
        vision_feature_select_strategy=strategy,
        num_additional_image_tokens=int(kind == "clip"),
        chat_template=chat_template("<image>\n"),
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-llava-next"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "self_attn.out_proj")


BUILDS = {
    "llava-next": Build(llava_next, quiet),
    "llava-next-small": Build(
        lambda: llava_next(
            side=28, patch=7, shapes=((1, 4), (4, 1), (3, 2), (2, 3)), text="mistral"
        ),
        quiet,
    ),
    "llava-next-gaps": Build(lambda: llava_next("siglip", side=45, patch=14), quiet),
}
