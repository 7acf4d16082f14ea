"""MiniMax M3: blocks of keys that an indexer picks, experts, images by torchvision."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

BEGIN, IMAGE, END, VIDEO = (
    "]<]start of image[>[",
    "]<]image[>[",
    "]<]end of image[>[",
    "]<]video[>[",
)
TEMPLATE = (
    "<bos>{% for m in messages %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}" + IMAGE + "{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{{ '\\n' }}{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
)
PATCH = 14
KINDS = {"f": "full_attention", "s": "minimax_m3_sparse"}


def minimax_m3(layers: str = "fss", block: int = 512, picked: int = 16) -> LoadedModel:
    """With small blocks, few of them picked, rows read some of the keys only."""
    torch.manual_seed(0)
    words = special_tokenizer([BEGIN, IMAGE, END, VIDEO], bos=False)
    text = text_options(
        len(words),
        layers=len(layers),
        head_dim=16,
        layer_types=[KINDS[letter] for letter in layers],
        rope_parameters={
            "rope_type": "default",
            "rope_theta": 10000.0,
            "partial_rotary_factor": 0.5,
        },
        rotary_dim=8,
        mlp_layer_types=["dense", *["sparse"] * (len(layers) - 1)],
        dense_intermediate_size=96,
        shared_intermediate_size=48,
        num_local_experts=4,
        num_experts_per_tok=2,
        index_n_heads=2,
        index_head_dim=16,
        index_block_size=block,
        index_topk_blocks=picked,
    )
    config = transformers.MiniMaxM3VLConfig(
        text_config=text,
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "patch_size": PATCH,
        },
        projector_hidden_size=48,
        image_token_index=words.convert_tokens_to_ids(IMAGE),
        video_token_index=words.convert_tokens_to_ids(VIDEO),
    )
    model = transformers.MiniMaxM3SparseForConditionalGeneration(config).eval()
    side = (2 * PATCH) ** 2
    processor = processor_without_video(
        transformers.MiniMaxM3VLProcessor,
        image_processor=transformers.MiniMaxM3VLImageProcessor(
            size={"shortest_edge": 4 * side, "longest_edge": 64 * side}
        ),
        tokenizer=words,
        chat_template=TEMPLATE,
    )
    loaded = vs.from_pretrained_model(model, processor, name=f"random-minimax-m3-{block}")
    for (
        layer
    ) in loaded.layers:  # normed queries ignore the scale of q_proj; the norm's is 1 + weight
        layer.self_attn.q_norm.weight.data += 3
    return sharpen(loaded)


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "self_attn.out_proj")


BUILDS = {
    "minimax-m3": Build(minimax_m3, quiet, torchvision=True, own_masks=True),
    "minimax-m3-picking": Build(
        lambda: minimax_m3("sfs", block=4, picked=3),
        quiet,
        torchvision=True,
        own_masks=True,
        picks_blocks=True,
    ),
}
