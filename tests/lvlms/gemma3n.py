"""Gemma 3n: MobileNet-V5 made narrow, several residual streams, keys of earlier layers."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

SIDE, CELLS = 192, 4  # a token is 48 pixels wide, as in the released models
NAMED = {
    "image_token": "<image_soft_token>",
    "boi_token": "<start_of_image>",
    "eoi_token": "<end_of_image>",
    "audio_token": "<audio_soft_token>",
    "boa_token": "<start_of_audio>",
    "eoa_token": "<end_of_audio>",
}
KINDS = {"s": "sliding_attention", "f": "full_attention"}
SOUND = {
    "hidden_size": 16,
    "conf_num_attention_heads": 2,
    "conf_num_hidden_layers": 1,
    "input_feat_size": 16,
    "sscp_conv_channel_size": [4, 4],
}


def gemma3n(window: int = 512, layers: str = "sfsf") -> LoadedModel:
    torch.manual_seed(0)
    # the others stand behind the words, where the towers have embeddings for them
    words = special_tokenizer([NAMED["boi_token"], NAMED["boa_token"]], NAMED, bos=False)
    ids = {f"{name}_id": words.convert_tokens_to_ids(token) for name, token in NAMED.items()}
    text = text_options(
        len(words),
        layers=len(layers),
        head_dim=8,
        sliding_window=window,
        layer_types=[KINDS[letter] for letter in layers],
        num_kv_shared_layers=2,
        vocab_size_per_layer_input=ids["image_token_id"],
        hidden_size_per_layer_input=8,
        laurel_rank=8,
        activation_sparsity_pattern=[0.9, *[0.0] * (len(layers) - 1)],
    )
    vision = {
        "architecture": "mobilenetv5_300m_enc",
        "model_args": {"channel_multiplier": 1 / 32, "msfa_output_resolution": CELLS},
        "vocab_size": 2,
        "vocab_offset": ids["image_token_id"],
    }
    config = transformers.Gemma3nConfig(
        text_config=text,
        vision_config=vision,
        audio_config={**SOUND, "vocab_size": 2, "vocab_offset": ids["audio_token_id"]},
        vision_soft_tokens_per_image=CELLS**2,
        **ids,
    )
    model = transformers.Gemma3nForConditionalGeneration(config).eval()
    processor = transformers.Gemma3nProcessor(
        feature_extractor=transformers.Gemma3nAudioFeatureExtractor(),
        image_processor=transformers.SiglipImageProcessorPil(
            size={"height": SIDE, "width": SIDE}, image_mean=[0.0] * 3, image_std=[1.0] * 3
        ),
        tokenizer=words,
        chat_template="<bos>" + chat_template(NAMED["image_token"]),
        image_seq_length=CELLS**2,
    )
    return vs.from_pretrained_model(model, processor, name="random-gemma3n")


def quiet(model: LoadedModel) -> None:
    """Attention mixes all places, convolutions their neighbours; strides pad behind alone."""
    tower = model.hf.model.vision_tower.timm_model
    silence(tower, "attn.output.proj")
    for part in tower.modules():
        if isinstance(part, torch.nn.Conv2d) and part.kernel_size[0] > 1:
            kept = part.stride[0]
            first = (part.kernel_size[0] - kept) // 2
            inside = torch.zeros(part.kernel_size)
            inside[first : first + kept, first : first + kept] = 1.0
            part.weight.data *= inside * (inside.numel() / inside.sum()).sqrt()


THIRD = 1 / 3  # the coarser stage has one and a half places to a token

BUILDS = {
    "gemma3n": Build(gemma3n, quiet, timm=True, slack=THIRD, streams_first=True),
    "gemma3n-window": Build(
        lambda: gemma3n(24, "fssf"), quiet, timm=True, slack=THIRD, streams_first=True
    ),
}
