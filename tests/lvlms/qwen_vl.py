"""Qwen2-VL, Qwen2.5-VL with windows in its tower, Qwen3-VL with features for the first layers."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

PATCH = 14
SPECIAL = (
    "<|vision_start|>",
    "<|image_pad|>",
    "<|vision_end|>",
    "<|video_pad|>",
    "<|im_start|>",
    "<|im_end|>",
)
BOX_MARKS = ("<|box_start|>", "<|box_end|>")
TEMPLATE = (
    "<|im_start|> the assistant<|im_end|>\n"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tokenizer() -> transformers.PreTrainedTokenizerFast:
    return special_tokenizer(list(SPECIAL), bos=False)


def answering() -> transformers.PreTrainedTokenizerFast:
    """The same with what boxes are written with: every digit a token of its own, as Qwen's."""
    words = tokenizer()
    words.add_tokens([*'0123456789()[]{},:."', "bbox_2d", "label", *BOX_MARKS])
    return words


def token_ids(words: transformers.PreTrainedTokenizerFast) -> dict[str, int]:
    names = ("vision_start", "image", "vision_end", "video")
    return {
        f"{name}_token_id": words.convert_tokens_to_ids(token)
        for name, token in zip(names, SPECIAL[:4], strict=True)
    }


def text(vocabulary: int, sections: tuple[int, int, int] = (4, 2, 2), **more: object) -> dict:
    rope = {"rope_type": "default", "mrope_section": list(sections), "rope_theta": 10000.0}
    return text_options(vocabulary, hidden_size=128, rope_parameters=rope, **more)


def images(patch: int = PATCH, most: int = 64, least: int = 4, **more: object) -> object:
    """An image processor that makes between ``least`` and ``most`` tokens."""
    side = (2 * patch) ** 2
    return transformers.Qwen2VLImageProcessorPil(
        patch_size=patch, size={"shortest_edge": least * side, "longest_edge": most * side}, **more
    )


def finish(
    kind: str, config: object, image_processor: object, words: object, name: str
) -> LoadedModel:
    model = getattr(transformers, f"{kind}ForConditionalGeneration")(config).eval()
    name_of_processor = "Qwen3VL" if kind == "Cosmos3Omni" else kind.removesuffix("Moe")
    processor = processor_without_video(
        getattr(transformers, f"{name_of_processor}Processor"),
        image_processor=image_processor,
        tokenizer=words,
        chat_template=TEMPLATE,
    )
    loaded = vs.from_pretrained_model(model, processor, name=name)
    if hasattr(loaded.layers[0].self_attn, "q_norm"):  # normed queries ignore the scale of q_proj
        for layer in loaded.layers:
            layer.self_attn.q_norm.weight.data *= 4
    return sharpen(loaded)


def qwen2_vl(words: object = None, **settings: object) -> LoadedModel:
    torch.manual_seed(0)
    words = words or tokenizer()
    config = transformers.Qwen2VLConfig(
        text_config=text(len(words)),
        vision_config={"depth": 2, "embed_dim": 32, "num_heads": 4, "hidden_size": 128},
        **token_ids(words),
    )
    return finish("Qwen2VL", config, images(**settings), words, "random-qwen2-vl")


def qwen25_vl(words: object = None) -> LoadedModel:
    torch.manual_seed(0)
    words = words or tokenizer()
    vision = {
        "depth": 3,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 4,
        "out_hidden_size": 128,
        "window_size": 84,  # 3x3 tokens
        "fullatt_block_indexes": [1],
    }
    config = transformers.Qwen2_5_VLConfig(
        text_config=text(len(words)), vision_config=vision, **token_ids(words)
    )
    return finish("Qwen2_5_VL", config, images(most=200), words, "random-qwen2.5-vl")


def qwen3_vl(kind: str = "Qwen3VL") -> LoadedModel:
    torch.manual_seed(0)
    words = tokenizer()
    vision = {
        "depth": 3,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 4,
        "out_hidden_size": 128,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0, 1],
    }
    more = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 48}
    config = getattr(transformers, f"{kind}Config")(
        text_config=text(len(words), head_dim=16, **(more if kind == "Qwen3VLMoe" else {})),
        vision_config=vision,
        tie_word_embeddings=False,
        **token_ids(words),
    )
    return finish(kind, config, images(patch=16), words, f"random-{kind.lower()}")


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.visual, "attn.proj")


BUILDS = {
    "qwen2-vl": Build(qwen2_vl, quiet),
    "qwen2.5-vl": Build(qwen25_vl, quiet),
    "qwen3-vl": Build(qwen3_vl, quiet),
    "qwen3-vl-moe": Build(lambda: qwen3_vl("Qwen3VLMoe"), quiet),
    "cosmos3-omni": Build(lambda: qwen3_vl("Cosmos3Omni"), quiet),
}
