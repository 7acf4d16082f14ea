"""Molmo 2: both kinds of its norms, tiles whose patches are no whole number of tokens."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

SIDE, PATCH = 56, 8
SPECIAL = (
    "<|image|>",
    "<|video|>",
    "<im_patch>",
    "<im_col>",
    "<im_start>",
    "<low_res_im_start>",
    "<frame_start>",
    "<im_end>",
    "<frame_end>",
    "<im_low>",
)


def molmo2(side: int = SIDE, most: int = 6, qk: str = "qwen3", bos: bool = True) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(SPECIAL), bos=False)
    if not bos:
        words.bos_token = None
    named = {
        "image_start_token_id": "<im_start>",
        "low_res_image_start_token_id": "<low_res_im_start>",
        "image_end_token_id": "<im_end>",
        "image_patch_id": "<im_patch>",
        "frame_start_token_id": "<frame_start>",
        "frame_end_token_id": "<frame_end>",
    }
    sizes = {"hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 8}
    config = transformers.Molmo2Config(
        text_config=text_options(
            len(words),
            head_dim=8,
            additional_vocab_size=0,
            qk_norm_type=qk,
            norm_after=qk == "olmo",
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        ),
        vision_config={
            **sizes,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "image_size": [side, side],
            "patch_size": PATCH,
        },
        adapter_config={
            **sizes,
            "vision_feature_layer": [1, 0],
            "intermediate_size": 48,
            "text_hidden_size": 64,
        },
        **{name: words.convert_tokens_to_ids(token) for name, token in named.items()},
    )
    model = transformers.Molmo2ForConditionalGeneration(config).eval()
    for part in model.model.multi_modal_projector.parameters():
        part.data *= 8  # image features are added to embeddings: as they are made they would drown
    processor = processor_without_video(
        transformers.Molmo2Processor,
        image_processor=transformers.Molmo2ImageProcessor(
            size={"height": side, "width": side},
            max_crops=most,
            overlap_margins=[1, 1],
            patch_size=PATCH,
            pooling_size=[2, 2],
        ),
        tokenizer=words,
        chat_template=("<bos>" if bos else "") + chat_template("<|image|>"),
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-molmo2"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "self_attn.o_proj")


BUILDS = {
    "molmo2": Build(molmo2, quiet, torchvision=True, fused=True),
    "molmo2-olmo": Build(
        lambda: molmo2(64, 4, "olmo", bos=False), quiet, torchvision=True, fused=True
    ),
}
