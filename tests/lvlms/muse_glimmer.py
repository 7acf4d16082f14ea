"""Muse Glimmer: wide windows, and windows shorter than the prompt; Muse Spark, with experts and ears."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

PATCH, MERGE = 7, 2
SPECIAL = (
    "<|patch|>",
    "<|image_start|>",
    "<|image_end|>",
    "<|video|>",
    "<|vid_frame_separator|>",
    "<|vid_start|>",
    "<|vid_end|>",
)
HEARD = ("<|audio|>", "<|soft_audio_start|>", "<|soft_audio_end|>")


EXPERTS = {
    "moe_hidden_size": 48,
    "moe_intermediate_size": 48,
    "num_local_experts": 3,
    "num_experts_per_tok": 2,
    "mlp_layer_types": ["dense", "sparse", "dense"],
}
HEARING = {
    "patch_sizes": [4, 2],
    "hidden_sizes": [8, 16],
    "depths": [1, 1],
    "num_hidden_layers": 2,
    "out_hidden_size": 64,
}


def muse(kind: str = "MuseGlimmer", window: int = 2048, most: int = 60) -> LoadedModel:
    torch.manual_seed(0)
    spark = kind == "MuseSpark"
    words = special_tokenizer([*SPECIAL, *(HEARD if spark else ())], bos=False)
    more = {"audio_config": HEARING, "audio_token_id": words.convert_tokens_to_ids("<|audio|>")}
    config = getattr(transformers, f"{kind}Config")(
        text_config=text_options(
            len(words),
            head_dim=8,
            qk_scale_factor=4.0,
            sliding_window=window,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
            layer_rope_theta=[10000.0, 0, 10000.0],
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
            **(EXPERTS if spark else {}),
        ),
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "patch_size": PATCH,
            "merge_size": MERGE,
            "pos_emb_height": 6,
            "pos_emb_width": 6,
            "max_position_embeddings": 36,
            "rope_parameters": {"rope_type": "axial", "rope_theta": 10000.0},
        },
        image_token_id=words.convert_tokens_to_ids("<|patch|>"),
        video_token_id=words.convert_tokens_to_ids("<|video|>"),
        out_hidden_size=32 * MERGE**2,
        projector_hidden_size=48,
        **(more if spark else {}),
    )
    model = getattr(transformers, f"{kind}ForConditionalGeneration")(config).eval()
    processor = processor_without_video(
        getattr(transformers, f"{kind}Processor"),
        image_processor=transformers.MuseGlimmerImageProcessor(
            patch_size=PATCH, merge_size=MERGE, max_image_tokens=most
        ),
        tokenizer=words,
        **({"feature_extractor": transformers.MuseSparkFeatureExtractor()} if spark else {}),
        chat_template="<bos>" + chat_template("<|patch|>"),
    )
    return vs.from_pretrained_model(model, processor, name=f"random-{kind.lower()}")


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "attn.proj")


BUILDS = {
    "muse-glimmer": Build(muse, quiet, torchvision=True),
    "muse-glimmer-window": Build(lambda: muse(window=24), quiet, torchvision=True),
    "muse-spark": Build(lambda: muse("MuseSpark"), quiet, torchvision=True),
}
