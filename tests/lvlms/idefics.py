"""Idefics3 and SmolVLM; one whose tiles are no whole number of patches, as in SmolVLM-2.2B."""

from __future__ import annotations

import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel
from vlmscope.models.loading.processors import processor_without_video

SIDE = 48
SPECIAL = (
    "<fake_token_around_image>",
    "<image>",
    "<end_of_utterance>",
    "<global-img>",
    *(f"<row_{row}_col_{column}>" for row in range(1, 5) for column in range(1, 5)),
)


def idefics(
    kind: str = "Idefics3", patch: int = 4, factor: int = 3, split: bool = True, **images: object
) -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(list(SPECIAL), bos=False)
    text = text_options(len(words), model_type="llama")
    config = getattr(transformers, f"{kind}Config")(
        text_config=text,
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": SIDE,
            "patch_size": patch,
        },
        scale_factor=factor,
        image_token_id=words.convert_tokens_to_ids("<image>"),
        pad_token_id=0,
    )
    model = getattr(transformers, f"{kind}ForConditionalGeneration")(config).eval()
    processor = processor_without_video(
        getattr(transformers, f"{kind}Processor"),
        image_processor=getattr(transformers, f"{kind}ImageProcessorPil")(
            size={"longest_edge": 4 * SIDE},
            max_image_size={"longest_edge": SIDE},
            do_image_splitting=split,
            **images,
        ),
        tokenizer=words,
        image_seq_len=(SIDE // patch // factor) ** 2,
        chat_template="<bos>" + chat_template("<image>") + "<end_of_utterance>\n",
    )
    return sharpen(vs.from_pretrained_model(model, processor, name=f"random-{kind.lower()}"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_model, "self_attn.out_proj")


BUILDS = {
    "idefics3": Build(idefics, quiet),
    "smolvlm": Build(lambda: idefics("SmolVLM"), quiet),
    "smolvlm-whole": Build(lambda: idefics("SmolVLM", split=False), quiet),
    "smolvlm-gaps": Build(lambda: idefics("SmolVLM", patch=7), quiet),
}
