"""Kimi K2.5: images filled up to whole tokens, latent keys and values, experts behind the first layer."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

BEGIN, CONTENT, END = "<|media_begin|>", "<|media_content|>", "<|media_end|>"
IMAGE, VIDEO = "<|media_pad|>", "<|kimi_k25_video_placeholder|>"
TEMPLATE = (
    "<bos>{% for m in messages %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}" + BEGIN + "image" + CONTENT + IMAGE + END + "{{ '\\n' }}"
    "{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{{ '\\n' }}{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
)
PATCH = 14


def kimi_k25(rank: int | None = 48, most: int = 256) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer([BEGIN, CONTENT, END, IMAGE, VIDEO], bos=False)
    text = text_options(
        len(words),
        hidden_size=64,
        model_type="deepseek_v3",
        num_key_value_heads=8,
        q_lora_rank=rank,
        kv_lora_rank=24,
        qk_rope_head_dim=8,
        qk_nope_head_dim=16,
        v_head_dim=12,
        n_routed_experts=4,
        num_experts_per_tok=2,
        n_group=1,
        topk_group=1,
        moe_intermediate_size=48,
        first_k_dense_replace=1,
    )
    config = transformers.Kimi_K25Config(
        text_config=text,
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "patch_size": PATCH,
            "pos_emb_height": 8,
            "pos_emb_width": 8,
        },
        projection_hidden_size=32,
        image_token_id=words.convert_tokens_to_ids(IMAGE),
        video_token_id=words.convert_tokens_to_ids(VIDEO),
        vision_start_token_id=words.convert_tokens_to_ids(BEGIN),
        vision_end_token_id=words.convert_tokens_to_ids(END),
    )
    model = transformers.Kimi_K25ForConditionalGeneration(config).eval()
    processor = processor_without_video(
        transformers.Kimi_K25Processor,
        image_processor=transformers.Kimi_K25ImageProcessor(patch_size=PATCH, max_patches=most),
        tokenizer=words,
        chat_template=TEMPLATE,
    )
    loaded = vs.from_pretrained_model(model, processor, name=f"random-kimi-k2.5-{rank}")
    for layer in loaded.layers:
        attention = layer.self_attn
        queries = attention.q_proj if rank is None else attention.q_b_proj
        queries.weight.data *= 36
    return loaded


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "attn.proj")


BUILDS = {
    "kimi-k2.5": Build(kimi_k25, quiet, torchvision=True, reordered=True),
    "kimi-k2.5-whole-queries": Build(
        lambda: kimi_k25(None), quiet, torchvision=True, reordered=True
    ),
}
