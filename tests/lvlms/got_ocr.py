"""GOT-OCR 2, whose processor always writes 256 tokens to a square, and PP-Chart2Table, which writes none."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel
from vlmscope.models.decoders.got_ocr import TEMPLATE

SPECIAL = ["<|im_start|>", "<|im_end|>", "<img>", "</img>", "<imgpad>"]


def got_ocr(side: int = 128, patch: int = 2, chart: bool = False) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(SPECIAL, bos=False)
    kind = transformers.PPChart2TableConfig if chart else transformers.GotOcr2Config
    config = kind(
        text_config=text_options(len(words), model_type="qwen2"),
        vision_config={
            "hidden_size": 16,
            "output_channels": 16,
            "mlp_dim": 24,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": side,
            "patch_size": patch,
            "window_size": 5,
            "global_attn_indexes": [],
            "initializer_range": 0.02,
        },
        image_token_index=words.convert_tokens_to_ids("<imgpad>"),
        tie_word_embeddings=False,
    )
    model = transformers.GotOcr2ForConditionalGeneration(config).eval()
    tokens = (side // patch // 4) ** 2
    name = "PPChart2Table" if chart else "GotOcr2"
    processor = getattr(transformers, f"{name}Processor")(
        getattr(transformers, f"{name}ImageProcessorPil")(
            size={"height": side, "width": side}, **({} if chart else {"max_patches": 4})
        ),
        words,
        chat_template=TEMPLATE.replace("<imgpad>", "<imgpad>" * tokens) if chart else TEMPLATE,
    )
    return sharpen(vs.from_pretrained_model(model, processor, name=f"random-{name.lower()}"))


def quiet(model: LoadedModel) -> None:
    """Convolutions too: only what lies under a token's own cell is left of them."""
    inner = model.hf.model
    silence(inner.vision_tower, "attn.proj")
    middle = inner.vision_tower.neck.conv2
    centre = middle.weight.data[:, :, 1, 1].clone()
    middle.weight.data.zero_()[:, :, 1, 1] = centre
    projector = inner.multi_modal_projector
    for strided in (projector.conv_upsampler1, projector.conv_upsampler2):
        strided.weight.data[:, :, 0, :] = 0
        strided.weight.data[:, :, :, 0] = 0


BUILDS = {
    "got-ocr": Build(got_ocr, quiet, call={"multi_page": True}),
    "pp-chart2table": Build(lambda: got_ocr(64, 4, chart=True), quiet),
}
