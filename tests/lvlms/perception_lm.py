"""PerceptionLM: pooled tokens with tiles, and one tile alone without a class token."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

SIDE, PATCH = 48, 6
NAMED = {"image_token": "<|image|>", "video_token": "<|video|>"}


def perception_lm(pool: int = 2, kind: str = "thumb+tile", most: int = 6) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(NAMED.values()), NAMED, bos=False)
    grid = SIDE // PATCH
    config = transformers.PerceptionLMConfig(
        text_config=text_options(len(words), model_type="llama"),
        vision_config={
            "model_type": "timm_wrapper",
            "architecture": "vit_pe_core_tiny_patch16_384",
            "do_pooling": False,
            "model_args": {
                "embed_dim": 32,
                "depth": 2,
                "num_heads": 4,
                "img_size": [SIDE, SIDE],
                "patch_size": PATCH,
                "global_pool": "",
                "use_post_transformer_norm": False,
                "init_values": 0.5,
                "ref_feat_shape": [grid, grid],
            },
        },
        vision_use_cls_token=True,
        projector_pooling_ratio=pool,
        image_token_id=words.convert_tokens_to_ids("<|image|>"),
        video_token_id=words.convert_tokens_to_ids("<|video|>"),
    )
    model = transformers.PerceptionLMForConditionalGeneration(config).eval()
    processor = processor_without_video(
        transformers.PerceptionLMProcessor,
        image_processor=transformers.PerceptionLMImageProcessor(
            tile_size=SIDE,
            size={"height": SIDE, "width": SIDE},
            max_num_tiles=most,
            vision_input_type=kind,
        ),
        tokenizer=words,
        patch_size=PATCH,
        pooling_ratio=pool,
        chat_template="<bos>" + chat_template("<|image|>"),
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-perception-lm"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "attn.proj")


BUILDS = {
    "perception-lm": Build(perception_lm, quiet, torchvision=True, timm=True),
    "perception-lm-whole": Build(
        lambda: perception_lm(1, "vanilla"), quiet, torchvision=True, timm=True
    ),
}
