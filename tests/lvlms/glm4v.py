"""GLM-4.1V, GLM-4.5V with experts, GLM-4.6V and its twin GLM-GA, GLM-OCR."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

SPECIAL = (
    "<|begin_of_image|>",
    "<|image|>",
    "<|end_of_image|>",
    "<|begin_of_video|>",
    "<|video|>",
    "<|end_of_video|>",
    "[gMASK]",
    "<sop>",
    "<|user|>",
    "<|assistant|>",
)
TEMPLATE = (
    "[gMASK]<sop>{% for m in messages %}<|user|>\n"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}"
    "<|begin_of_image|><|image|><|end_of_image|>"
    "{% elif c['type'] == 'video' %}<|begin_of_video|><|video|><|end_of_video|>"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
VISION = {
    "depth": 2,
    "hidden_size": 32,
    "num_heads": 4,
    "image_size": 84,
    "out_hidden_size": 128,
    "intermediate_size": 48,
}
EXPERTS = {
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 48,
    "first_k_dense_replace": 1,
}

# whose image processor, and whose processor
PROCESSORS = {
    "Glm4v": ("Glm4v", "Glm4v"),
    "Glm4vMoe": ("Glm4v", "Glm4v"),
    "Glm46V": ("Glm46V", "Glm46V"),
    "Glmga": ("Glmga", "Glm46V"),
    "GlmOcr": ("Glm46V", "Glm46V"),
}


def token_ids(words: transformers.PreTrainedTokenizerFast) -> dict[str, int]:
    names = ("image_start", "image", "image_end", "video_start", "video", "video_end")
    return {
        f"{name}_token_id": words.convert_tokens_to_ids(token)
        for name, token in zip(names, SPECIAL[:6], strict=True)
    }


def glm4v(kind: str = "Glm4v", most: int = 80) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(SPECIAL), bos=False)
    rope = {
        "rope_type": "default",
        "rope_theta": 10000.0,
        "partial_rotary_factor": 0.5,
        "mrope_section": [2, 1, 1],
    }
    more = EXPERTS if kind == "Glm4vMoe" else {}
    options = text_options(len(words), hidden_size=128, rope_parameters=rope, **more)
    vision = VISION
    if kind in ("Glm46V", "Glmga"):
        options["model_type"] = "glm4v_text"
        vision = {**VISION, "model_type": "glm4v_vision"}
    config = getattr(transformers, f"{kind}Config")(
        text_config=options, vision_config=vision, **token_ids(words)
    )
    model = transformers.AutoModelForImageTextToText.from_config(config).eval()
    images, parts = PROCESSORS[kind]
    # the budget counts both frames of a patch
    size = {"shortest_edge": 2 * 4 * 28**2, "longest_edge": 2 * most * 28**2}
    processor = processor_without_video(
        getattr(transformers, f"{parts}Processor"),
        image_processor=getattr(transformers, f"{images}ImageProcessorPil")(size=size),
        tokenizer=words,
        chat_template=TEMPLATE,
    )
    return sharpen(vs.from_pretrained_model(model, processor, name=f"random-{kind.lower()}"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.visual, "attn.proj")


BUILDS = {
    "glm-4v": Build(glm4v, quiet),
    "glm-4v-moe": Build(lambda: glm4v("Glm4vMoe"), quiet),
    "glm-46v": Build(lambda: glm4v("Glm46V"), quiet),
    "glm-ga": Build(lambda: glm4v("Glmga"), quiet),
    "glm-ocr": Build(lambda: glm4v("GlmOcr"), quiet),
}
