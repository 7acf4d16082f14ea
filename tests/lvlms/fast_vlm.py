"""FastVLM: five stages of convolutions and attention, narrow ones."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

STAGES = 5
WIDTH = 32


def fast_vlm(side: int = 256) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(["<image>"], {"image_token": "<image>"}, bos=False)
    tower = {
        "model_type": "timm_wrapper",
        "architecture": "fastvit_mci3",
        "model_args": {
            "inference_mode": True,
            "embed_dims": [WIDTH] * STAGES,
            "layers": [1] * STAGES,
        },
        "hidden_size": 2 * WIDTH,  # the last convolution doubles it
    }
    config = transformers.FastVlmConfig(
        text_config=text_options(len(words), model_type="qwen2"),
        vision_config=tower,
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )
    model = transformers.FastVlmForConditionalGeneration(config).eval()
    for part in model.model.vision_tower.modules():  # timm's own beginning lets pictures fade away
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(part.weight)
    processor = transformers.LlavaProcessor(
        image_processor=transformers.CLIPImageProcessorPil(
            size={"shortest_edge": side},
            crop_size={"height": side, "width": side},
            image_mean=[0.0] * 3,
            image_std=[1.0] * 3,
        ),
        tokenizer=words,
        patch_size=64,
        chat_template=chat_template("<image>\n"),
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-fast-vlm"))


def quiet(model: LoadedModel) -> None:
    """Attention and the gates of the last convolution mix all tokens, convolutions their neighbours."""
    tower = model.hf.model.vision_tower.timm_model
    silence(tower, "token_mixer.proj", "se.fc2")
    for part in tower.modules():
        if isinstance(part, torch.nn.Conv2d):
            first, kept = part.padding[0], part.stride[0]
            inside = torch.zeros(part.kernel_size)
            inside[first : first + kept, first : first + kept] = 1.0
            part.weight.data *= inside * (inside.numel() / inside.sum()).sqrt()


BUILDS = {"fast-vlm": Build(fast_vlm, quiet, timm=True)}
