"""Nemotron-H Omni: Mamba-2, an expert mixture and full attention, a layer each; C-RADIO in front."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, sharpen, silence, special_tokenizer
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

PATCH = 16
SPECIAL = ("<img>", "<image>", "</img>", "<video>", "<so_start>", "<so_embedding>", "<so_end>")
TEMPLATE = (
    "<bos>{% for m in messages %}USER: {% for c in m['content'] %}{% if c['type'] == 'image' %}<image>"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)
# rows in the second and third layer, states and experts around them
LAYERS = ["mamba", "attention", "attention", "moe", "mamba"]


def nemotron_omni() -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(SPECIAL), bos=False)
    ids = dict(zip(SPECIAL, words.convert_tokens_to_ids(list(SPECIAL)), strict=True))
    text = {
        "vocab_size": len(words),
        "hidden_size": 64,
        "intermediate_size": 96,
        "layers_block_type": LAYERS,
        "num_attention_heads": 8,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 4096,
        "ssm_state_size": 16,
        "mamba_num_heads": 8,
        "mamba_head_dim": 16,
        "n_groups": 2,
        "chunk_size": 16,
        "n_routed_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 48,
        "moe_shared_expert_intermediate_size": 48,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    vision = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "patch_size": PATCH,
        "max_img_size": 512,
        "video_temporal_patch_size": 2,
        "torch_dtype": "float32",
    }
    config = transformers.NemotronH_Omni_Reasoning_V3_Config(
        text_config={"model_type": "nemotron_h", **text},
        vision_config={"model_type": "radio", **vision},
        projector_hidden_size=64,
        vision_hidden_size=32,
        image_token_id=ids["<image>"],
        video_token_id=ids["<video>"],
        audio_token_id=ids["<so_embedding>"],
    )
    model = transformers.NemotronH_Omni_Reasoning_V3(config).float().eval()
    processor = processor_without_video(
        transformers.NemotronH_Omni_Reasoning_V3Processor,
        image_processor=transformers.NemotronH_Omni_Reasoning_V3ImageProcessor(
            min_num_patches=16, max_num_patches=256
        ),
        tokenizer=words,
        chat_template=TEMPLATE,
        feature_extractor=transformers.ParakeetFeatureExtractor(),
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-nemotron-omni"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.vision_model, "attention.o_proj")


BUILDS = {"nemotron-omni": Build(nemotron_omni, quiet, torchvision=True)}
