"""EXAONE 4.5: grouped queries in the tower too; windows longer and shorter than the prompt."""

from __future__ import annotations

import torch
import transformers

from lvlms.build import Build, text_options
from lvlms.qwen_vl import finish, images, quiet, token_ids, tokenizer
from vlmscope.models import LoadedModel


def exaone4_5(window: int = 512) -> LoadedModel:
    torch.manual_seed(0)
    words = tokenizer()
    ids = token_ids(words)
    vision = {
        "depth": 3,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 4,
        "num_key_value_heads": 2,
        "out_hidden_size": 128,
        "window_size": 84,  # 3x3 tokens
        "fullatt_block_indexes": [1],
    }
    text = text_options(
        len(words),
        hidden_size=128,
        model_type="exaone4",
        sliding_window=window,
        layer_types=["sliding_attention", "sliding_attention", "full_attention"],
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )
    config = transformers.Exaone4_5_Config(
        text_config=text,
        vision_config=vision,
        image_token_id=ids["image_token_id"],
        video_token_id=ids["video_token_id"],
    )
    return finish("Exaone4_5_", config, images(most=200), words, "random-exaone-4.5")


BUILDS = {
    "exaone-4.5": Build(exaone4_5, quiet),
    "exaone-4.5-window": Build(lambda: exaone4_5(window=24), quiet),
}
