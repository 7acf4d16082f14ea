"""DeepSeek-VL, and the hybrid one with a second tower at high resolution."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

SIDE, PATCH, HIGH = 48, 8, 96
VISION = {
    "model_type": "siglip_vision_model",
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": SIDE,
    "patch_size": PATCH,
}
HIGH_VISION = {
    "model_type": "sam_vision_model",
    "hidden_size": 32,
    "output_channels": 16,
    "mlp_dim": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": HIGH,
    "patch_size": 8,
    "window_size": 5,
    "global_attn_indexes": [1],
}


def deepseek_vl(hybrid: bool = False, tokens: int = (SIDE // PATCH) ** 2) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(["<image_placeholder>"], {"image_token": "<image_placeholder>"})
    kind = "DeepseekVLHybrid" if hybrid else "DeepseekVL"
    config = getattr(transformers, f"{kind}Config")(
        text_config=text_options(len(words), model_type="llama"),
        vision_config=VISION,
        image_token_id=words.convert_tokens_to_ids("<image_placeholder>"),
        **({"high_res_vision_config": HIGH_VISION} if hybrid else {}),
    )
    model = getattr(transformers, f"{kind}ForConditionalGeneration")(config).eval()
    if hybrid:
        model.model.high_res_vision_alpha.data.fill_(0.5)  # the early layers start shut
    sizes = {"high_res_size": {"height": HIGH, "width": HIGH}} if hybrid else {}
    processor = getattr(transformers, f"{kind}Processor")(
        getattr(transformers, f"{kind}ImageProcessorPil")(
            size={"height": SIDE, "width": SIDE}, min_size=4, **sizes
        ),
        words,
        chat_template="the chat between a man and a woman.\n\n"
        + chat_template("<image_placeholder>"),
        num_image_tokens=tokens,
    )
    return sharpen(vs.from_pretrained_model(model, processor, name=f"random-{kind.lower()}"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_model, "self_attn.out_proj")


def quiet_hybrid(model: LoadedModel) -> None:
    """Convolutions too: only what lies under a token's own cell is left of them."""
    quiet(model)
    inner = model.hf.model
    silence(inner.high_res_vision_model, "attn.proj")
    for neck in (inner.high_res_vision_model.vision_encoder.neck, inner.high_res_vision_neck):
        centre = neck.conv2.weight.data[:, :, 1, 1].clone()
        neck.conv2.weight.data.zero_()[:, :, 1, 1] = centre
    for strided in (inner.high_res_vision_proj.conv1, inner.high_res_vision_proj.conv2):
        strided.weight.data[:, :, 0, :] = 0
        strided.weight.data[:, :, :, 0] = 0


BUILDS = {
    "deepseek-vl": Build(deepseek_vl, quiet),
    "deepseek-vl-hybrid": Build(lambda: deepseek_vl(hybrid=True), quiet_hybrid),
}
