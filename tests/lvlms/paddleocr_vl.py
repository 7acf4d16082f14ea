"""PaddleOCR-VL: SigLIP's tower with rotary positions, patches in plain row order, ERNIE behind it."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

START, IMAGE, END = "<|IMAGE_START|>", "<|IMAGE_PLACEHOLDER|>", "<|IMAGE_END|>"
TEMPLATE = (
    "<bos>{% for m in messages %}{{ m['role'] }}: {% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}" + START + IMAGE + END + "{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{{ '\\n' }}{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
)
PATCH = 14


def paddleocr_vl() -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer([START, IMAGE, END], named={"image_token": IMAGE}, bos=False)
    rope = {"rope_type": "default", "mrope_section": [4, 2, 2], "rope_theta": 10000.0}
    config = transformers.PaddleOCRVLConfig(
        text_config=text_options(
            len(words), hidden_size=128, head_dim=16, rope_parameters=rope, use_bias=False
        ),
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": 84,
            "patch_size": PATCH,
        },
        image_token_id=words.convert_tokens_to_ids(IMAGE),
        vision_start_token_id=words.convert_tokens_to_ids(START),
        vision_end_token_id=words.convert_tokens_to_ids(END),
    )
    model = transformers.PaddleOCRVLForConditionalGeneration(config).eval()
    side = (2 * PATCH) ** 2
    processor = transformers.PaddleOCRVLProcessor(
        image_processor=transformers.PaddleOCRVLImageProcessorPil(
            patch_size=PATCH, size={"shortest_edge": 4 * side, "longest_edge": 64 * side}
        ),
        tokenizer=words,
        chat_template=TEMPLATE,
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-paddleocr-vl"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.visual, "self_attn.out_proj")


BUILDS = {"paddleocr-vl": Build(paddleocr_vl, quiet)}
