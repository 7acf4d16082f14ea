"""GLM-5.3-Flash: delta rules, and attention over keys that an indexer picks; filled images."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, silence, special_tokenizer, text_options
from lvlms.glm4v import SPECIAL, TEMPLATE, VISION, token_ids
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

LINEAR, INDEXED = "linear_attention", "indexed_attention"
# a state in front of, between and behind layers with rows; one takes over what another picked
MIXED = (LINEAR, INDEXED, INDEXED, LINEAR)
SHARED = ["full", "full", "shared", "full"]


def glm5_next(picked: int = 2048, most: int = 80) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(SPECIAL), bos=False)
    text = text_options(
        len(words),
        layers=len(MIXED),
        num_key_value_heads=8,
        layer_types=list(MIXED),
        indexer_types=SHARED,
        q_lora_rank=48,
        kv_lora_rank=24,
        qk_nope_head_dim=16,
        v_head_dim=12,
        linear_head_dim=8,
        linear_num_heads=4,
        index_topk=picked,
        index_kpool=4,
        index_head_dim=16,
        index_n_heads=4,
        mlp_layer_types=["dense", "sparse", "sparse", "dense"],
        n_routed_experts=4,
        num_experts_per_tok=2,
        moe_intermediate_size=48,
        hc_mult=2,
    )
    config = transformers.Glm5NextConfig(
        text_config=text,
        vision_config={**VISION, "out_hidden_size": 64, "projection_intermediate_size": 48},
        **token_ids(words),
    )
    model = transformers.Glm5NextForConditionalGeneration(config).eval()
    processor = processor_without_video(
        transformers.Glm5NextProcessor,
        image_processor=transformers.Glm5NextImageProcessorPil(
            min_image_tokens=4, max_image_tokens=most
        ),
        tokenizer=words,
        chat_template=TEMPLATE,
    )
    loaded = vs.from_pretrained_model(model, processor, name=f"random-glm-5-next-{picked}")
    for number in loaded.row_layers:
        loaded.layers[number].self_attn.q_b_proj.weight.data *= 36
    return loaded


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.visual, "attn.proj")


BUILDS = {
    "glm-5-next": Build(glm5_next, quiet, own_masks=True),
    "glm-5-next-picking": Build(lambda: glm5_next(picked=8), quiet, own_masks=True),
}
