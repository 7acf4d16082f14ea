"""Tiny random-weight dual encoders of every family, built offline.

All share one shape unless a test asks for another: images of 32 pixels, patches of 8, 4 blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import nn
from transformers import (
    BlipConfig,
    BlipForImageTextRetrieval,
    BlipImageProcessorPil,
    BlipProcessor,
    BlipTextConfig,
    BlipVisionConfig,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPProcessor,
    CLIPTextConfig,
    CLIPVisionConfig,
    DeiTConfig,
    DeiTForImageClassification,
    DeiTImageProcessorPil,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Siglip2Config,
    Siglip2ImageProcessorPil,
    Siglip2Model,
    Siglip2Processor,
    Siglip2TextConfig,
    Siglip2Tokenizer,
    Siglip2VisionConfig,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
    SiglipProcessor,
    SiglipTextConfig,
    SiglipVisionConfig,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessorPil,
)

import vlmscope as vs
from vlmscope.models import DualEncoder

SPECIAL = ("<pad>", "<bos>", "<unk>", "<eos>")
WORDS = (
    *("a", "an", "the", "photo", "of", "in", "on", "and", "no", "nothing", "background", "texture"),
    *("red", "green", "blue", "yellow", "small", "large", "circle", "square", "star", "cross"),
    *("dog", "cat", "man", "woman", "child", "person", "bus", "tree", "sky", "grass", "."),
)
LABELS = ("tabby, tabby cat", "golden retriever", "bus, coach", "zebra", "person, human", "sky")
"""Labels of the classifiers, some with several names as in ImageNet."""

CONTEXT = 12
JOINT = 24


def tokenizer() -> PreTrainedTokenizerFast:
    """A word-level tokenizer that frames every text as ``<bos> ... <eos>``."""
    vocabulary = {word: index for index, word in enumerate([*SPECIAL, *WORDS])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>",
        special_tokens=[(name, vocabulary[name]) for name in ("<bos>", "<eos>")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        model_max_length=CONTEXT,
    )


def subword_tokenizer(side: str = "right") -> Siglip2Tokenizer:
    """SigLIP 2's own kind: lower case, byte pairs over a text whose blanks are letters too.

    Every word is built letter by letter from its front; a text ends with ``<eos>``.
    """
    merges = list(dict.fromkeys((word[:i], word[i]) for word in WORDS for i in range(1, len(word))))
    letters = sorted(set("".join(WORDS)))
    names = [*SPECIAL, "<mask>", "▁", *letters, *("".join(pair) for pair in merges)]
    vocabulary = {name: index for index, name in enumerate(dict.fromkeys(names))}
    return Siglip2Tokenizer(
        vocabulary,
        merges,
        add_eos_token=True,
        padding_side=side,
        model_input_names=["input_ids"],
    )


def clip(seed: int = 0, context: int = CONTEXT, **changes: Any) -> DualEncoder:
    """A random CLIP; ``changes`` go to its vision tower (``hidden_act``, ``image_size`` ...)."""
    torch.manual_seed(seed)
    config = CLIPConfig(
        text_config=CLIPTextConfig(
            **_text(eos_token_id=3, bos_token_id=1, max_position_embeddings=context)
        ).to_dict(),
        vision_config=CLIPVisionConfig(**_tower(**changes), projection_dim=JOINT).to_dict(),
        projection_dim=JOINT,
    )
    processor = CLIPProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
        tokenizer(),
    )
    return _wrapped(CLIPModel(config), processor, "clip")


def siglip(seed: int = 0, **changes: Any) -> DualEncoder:
    """A random SigLIP: no class token, an attention-pooling head."""
    torch.manual_seed(seed)
    config = SiglipConfig(
        text_config=SiglipTextConfig(
            **_text(bos_token_id=1, eos_token_id=3), projection_size=32
        ).to_dict(),
        vision_config=SiglipVisionConfig(**_tower(**changes)).to_dict(),
    )
    processor = SiglipProcessor(
        SiglipImageProcessorPil(size={"height": 32, "width": 32}), tokenizer()
    )
    return _wrapped(SiglipModel(config), processor, "siglip")


def siglip2(seed: int = 0, **changes: Any) -> DualEncoder:
    """A random SigLIP 2 NaFlex: flattened patches, positions resized per image."""
    torch.manual_seed(seed)
    tower = {**_tower(**changes), "num_patches": 16}
    del tower["image_size"]
    words = subword_tokenizer()
    config = Siglip2Config(
        text_config=Siglip2TextConfig(
            **_text(
                bos_token_id=1,
                eos_token_id=3,
                pad_token_id=0,
                vocab_size=len(words),
                max_position_embeddings=2 * CONTEXT,
            ),
            projection_size=32,
        ).to_dict(),
        vision_config=Siglip2VisionConfig(**tower).to_dict(),
    )
    processor = Siglip2Processor(
        Siglip2ImageProcessorPil(patch_size=tower["patch_size"], max_num_patches=24), words
    )
    return _wrapped(Siglip2Model(config), processor, "siglip2")


def blip(seed: int = 0, **changes: Any) -> DualEncoder:
    """A random BLIP for image-text retrieval."""
    torch.manual_seed(seed)
    text = BlipTextConfig(
        **_text(bos_token_id=1, eos_token_id=3, sep_token_id=3), encoder_hidden_size=32
    )
    config = BlipConfig(
        text_config=text.to_dict(),
        vision_config=BlipVisionConfig(**_tower(**changes)).to_dict(),
        image_text_hidden_size=JOINT,
        projection_dim=JOINT,
    )
    processor = BlipProcessor(BlipImageProcessorPil(size={"height": 32, "width": 32}), tokenizer())
    return _wrapped(BlipForImageTextRetrieval(config), processor, "blip")


def vit(seed: int = 0, **changes: Any) -> DualEncoder:
    """A random ViT classifier whose labels are :data:`LABELS`."""
    torch.manual_seed(seed)
    config = ViTConfig(**_tower(**changes), **_labels())
    processor = ViTImageProcessorPil(size={"height": 32, "width": 32})
    return _wrapped(ViTForImageClassification(config), processor, "vit")


def deit(seed: int = 0, **changes: Any) -> DualEncoder:
    """A random DeiT classifier: a distillation token beside the class token."""
    torch.manual_seed(seed)
    config = DeiTConfig(**_tower(**changes), **_labels())
    processor = DeiTImageProcessorPil(
        size={"height": 32, "width": 32}, crop_size={"height": 32, "width": 32}
    )
    return _wrapped(DeiTForImageClassification(config), processor, "deit")


DUAL: dict[str, Callable[..., DualEncoder]] = {
    "clip": clip,
    "siglip": siglip,
    "blip": blip,
    "vit": vit,
    "deit": deit,
}
"""Builders by the family's id; all take ``seed`` and changes of the vision tower."""

READERS = ("clip", "siglip", "blip")
"""Families with a text encoder; the others know labels only."""


def _tower(**changes: Any) -> dict[str, Any]:
    shape = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "image_size": 32,
        "patch_size": 8,
    }
    return {**shape, **changes}


def _text(**tokens: int) -> dict[str, Any]:
    return {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "vocab_size": len(SPECIAL) + len(WORDS),
        "max_position_embeddings": CONTEXT,
        **tokens,
    }


def _labels() -> dict[str, Any]:
    return {
        "id2label": dict(enumerate(LABELS)),
        "label2id": {label: row for row, label in enumerate(LABELS)},
    }


def _wrapped(model: PreTrainedModel, processor: Any, name: str) -> DualEncoder:
    _enliven(model)
    encoder = vs.from_pretrained_model(model.eval(), processor, name=f"random-{name}")
    assert isinstance(encoder, DualEncoder)
    return encoder


def _enliven(model: nn.Module) -> None:
    """Fresh checkpoints are tame (weights near 0, norms of 1, biases of 0): nothing would show.

    Weights become large enough for attention to have peaks; norms, biases, special tokens and
    positions become different from each other, so that one left out is noticed.
    """
    for name, parameter in model.named_parameters():
        with torch.no_grad():
            if parameter.ndim == 0:  # SigLIP's logit scale and bias
                continue
            if name.endswith("bias"):
                parameter.normal_(0.0, 0.1)
            elif parameter.ndim == 1 and "norm" in name:
                parameter.uniform_(0.7, 1.3)
            elif parameter.ndim == 2 and "position" not in name:
                parameter.normal_(0.0, 1.4 / parameter.shape[1] ** 0.5)
            elif parameter.ndim == 4:  # the patch embedding
                parameter.normal_(0.0, 1.0 / parameter[0].numel() ** 0.5)
            else:
                parameter.normal_(0.0, 0.5)
