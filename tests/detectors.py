"""Tiny detectors with random weights, and detectors whose answers are set by hand.

The sizes are those of no checkpoint, so that a number taken from the wrong place shows.
"""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    CLIPImageProcessorPil,
    Florence2Config,
    Florence2ForConditionalGeneration,
    Florence2Processor,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessorPil,
    GroundingDinoProcessor,
    MMGroundingDinoConfig,
    MMGroundingDinoForObjectDetection,
    Owlv2Config,
    Owlv2ForObjectDetection,
    Owlv2ImageProcessorPil,
    Owlv2Processor,
    PreTrainedTokenizerFast,
)

WORDS = ["a", "red", "cat", "dog", "on", "the", "left", "no", "5", "photo", "of", "in"]

BERT = ("[CLS]", "[SEP]", ".", "?")  # at the places where the model looks for them
BERT_PLACES = (101, 102, 1012, 1029)


def bert_tokenizer() -> PreTrainedTokenizerFast:
    """Words, at ids above those of BERT's separators, which stand at BERT's own ids."""
    vocabulary = {"[PAD]": 0, "[UNK]": 100, **dict(zip(BERT, BERT_PLACES, strict=True))}
    vocabulary |= {word: 1100 + index for index, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, "[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 101), ("[SEP]", 102)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=512
    )


def tiny_grounding_dino(
    mm: bool = False, length: int = 64
) -> tuple[GroundingDinoForObjectDetection, GroundingDinoProcessor]:
    """(MM-)Grounding DINO; texts of up to ``length`` tokens, images of 72 to 120 pixels."""
    torch.manual_seed(5)
    kind: Any = MMGroundingDinoConfig if mm else GroundingDinoConfig
    config = kind(
        backbone_config={
            "model_type": "swin",
            "image_size": 64,
            "embed_dim": 8,
            "depths": [1, 1, 1, 1],
            "num_heads": [1, 1, 2, 2],
            "window_size": 4,
            "out_indices": [2, 3, 4],
        },
        text_config={
            "model_type": "bert",
            "vocab_size": 1200,
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
            "max_position_embeddings": length,
        },
        d_model=32,
        encoder_layers=1,
        encoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_layers=2,
        decoder_ffn_dim=16,
        decoder_attention_heads=2,
        num_queries=12,
        max_text_len=length,
        init_std=0.5,
    )
    images = GroundingDinoImageProcessorPil(size={"shortest_edge": 72, "longest_edge": 120})
    model = MMGroundingDinoForObjectDetection if mm else GroundingDinoForObjectDetection
    return model(config).eval(), GroundingDinoProcessor(images, bert_tokenizer())


def clip_tokenizer(length: int) -> PreTrainedTokenizerFast:
    """Words with a begin and an end, as CLIP has them."""
    names = ["<|pad|>", "<|startoftext|>", "<|endoftext|>", "<|unk|>", *WORDS]
    vocabulary = {word: index for index, word in enumerate(names)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, "<|unk|>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|startoftext|> $A <|endoftext|>",
        special_tokens=[("<|startoftext|>", 1), ("<|endoftext|>", 2)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        unk_token="<|unk|>",
        bos_token="<|startoftext|>",
        eos_token="<|endoftext|>",
        model_max_length=length,
    )


def tiny_owlv2() -> tuple[Owlv2ForObjectDetection, Owlv2Processor]:
    """An OWLv2 of 64 pixels a side, which takes 7 tokens."""
    torch.manual_seed(5)
    config = Owlv2Config(
        text_config={
            "vocab_size": 40,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "max_position_embeddings": 7,
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        vision_config={
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 64,
            "patch_size": 8,
        },
        projection_dim=16,
    )
    images = Owlv2ImageProcessorPil(size={"height": 64, "width": 64})
    model = Owlv2ForObjectDetection(config).eval()
    for layer in (
        model.box_head.dense2,
        model.class_head.logit_scale,
        model.class_head.logit_shift,
    ):
        layer.weight.data *= 0.05  # or boxes and scores lie at their limits
    return model, Owlv2Processor(images, clip_tokenizer(7))


FLORENCE = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    *WORDS,
    "Locate",
    "phrases",
    "caption",
    "mask",
    "image",
]
MARKS = ["<image>", "<sep>", "<poly>", "</poly>", *(f"<loc_{place}>" for place in range(1000))]
PATCHES = 10  # tokens of an image: 9 places and their mean


def florence_tokenizer() -> PreTrainedTokenizerFast:
    """Words and places."""
    vocabulary = {word: index for index, word in enumerate([*FLORENCE, *MARKS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.Fuse()  # places stand side by side, as in the real one
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        extra_special_tokens={"image_token": "<image>"},
    )
    fast.add_tokens(MARKS[1:], special_tokens=True)
    return fast


def florence_processor() -> Florence2Processor:
    """Of Florence-2, for squares of 96 pixels."""
    images = CLIPImageProcessorPil(
        size={"height": 96, "width": 96}, do_center_crop=False, resample=3
    )
    images.image_seq_length = PATCHES
    tasks = ("phrase_grounding", "description_with_bboxes_or_polygons", "polygons")
    return Florence2Processor(
        images, florence_tokenizer(), post_processor_config={task: {} for task in tasks}
    )


def tiny_florence(seed: int = 5) -> tuple[Florence2ForConditionalGeneration, Florence2Processor]:
    """A Florence-2 that writes places at random."""
    torch.manual_seed(seed)
    processor = florence_processor()
    config = Florence2Config(
        vision_config={
            "depths": [1, 1, 1, 1],
            "embed_dim": [8, 8, 16, 16],
            "num_heads": [1, 1, 2, 2],
            "num_groups": [1, 1, 2, 2],
            "window_size": 4,
            "projection_dim": 16,
            "drop_path_rate": 0.0,
        },
        text_config={
            "model_type": "bart",
            "vocab_size": len(processor.tokenizer),
            "d_model": 16,
            "encoder_layers": 1,
            "decoder_layers": 1,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
            "encoder_ffn_dim": 16,
            "decoder_ffn_dim": 16,
            "max_position_embeddings": 40,
            "init_std": 1.0,
            "decoder_start_token_id": 2,
            "bos_token_id": 0,
            "pad_token_id": 1,
            "eos_token_id": 2,
        },
        image_token_id=processor.tokenizer.convert_tokens_to_ids("<image>"),
    )
    return Florence2ForConditionalGeneration(config).eval(), processor
