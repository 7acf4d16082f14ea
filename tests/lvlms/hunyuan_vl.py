"""HunYuan-VL: a newline token behind each row of an image, three or four axes of positions."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

TOKENS = {"image_start_token": "<img>", "image_token": "<image>", "image_end_token": "</img>"}
TEMPLATE = (
    "<bos>{% for m in messages %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<img><image></img>{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{{ '\\n' }}{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
)
PATCH = 16


def hunyuan_vl(sections: tuple[int, ...] = (2, 2, 2, 2)) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(TOKENS.values()), named=TOKENS, bos=False)
    ids = {name: words.convert_tokens_to_ids(token) for name, token in TOKENS.items()}
    rope = {
        "rope_type": "dynamic",
        "alpha": 1000.0,
        "factor": 1.0,
        "mrope_section": list(sections),
        "rope_theta": 10000.0,
    }
    config = transformers.HunYuanVLConfig(
        text_config=text_options(
            len(words), hidden_size=128, head_dim=16, rope_parameters=rope, eod_token_id=2
        ),
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "patch_size": PATCH,
            "max_image_size": 128,
            "out_hidden_size": 128,
        },
        image_token_id=ids["image_token"],
        im_start_id=ids["image_start_token"],
        im_end_id=ids["image_end_token"],
    )
    model = transformers.HunYuanVLForConditionalGeneration(config).eval()
    side = (2 * PATCH) ** 2
    processor = transformers.HunYuanVLProcessor(
        image_processor=transformers.HunYuanVLImageProcessorPil(
            patch_size=PATCH, size={"shortest_edge": 4 * side, "longest_edge": 64 * side}
        ),
        tokenizer=words,
        chat_template=TEMPLATE,
    )
    loaded = vs.from_pretrained_model(model, processor, name=f"random-hunyuan-vl-{len(sections)}")
    for layer in loaded.layers:  # normed queries ignore the scale of q_proj
        layer.self_attn.query_layernorm.weight.data *= 4
    return sharpen(loaded)


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "self_attn.o_proj")


BUILDS = {
    "hunyuan-vl": Build(hunyuan_vl, quiet),
    "hunyuan-vl-3-axes": Build(lambda: hunyuan_vl((4, 2, 2)), quiet),
}
