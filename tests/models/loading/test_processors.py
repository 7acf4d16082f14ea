"""Processors with Pillow alone: built, saved, loaded, and never asked for a video."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from lvlms.build import chat_template, special_tokenizer
from vlmscope.errors import UnsupportedError
from vlmscope.models.loading.processors import (
    load_processor,
    picture_processor_class,
    processor_without_video,
)


@dataclass(frozen=True)
class Parts:
    """What a processor is built from: classes of transformers by name, and tiny settings."""

    cls: str
    images: str
    special: tuple[str, ...]
    placeholder: str
    named: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def build(self) -> Any:
        return processor_without_video(
            getattr(transformers, self.cls),
            image_processor=getattr(transformers, self.images)(**self.sizes),
            tokenizer=special_tokenizer(list(self.special), self.named),
            chat_template=chat_template(self.placeholder),
            **self.options,
        )


_QWEN = {
    "image_token": "<|image_pad|>",
    "video_token": "<|video_pad|>",
    "vision_start_token": "<|vision_start|>",
    "vision_end_token": "<|vision_end|>",
}
_QWEN_IMAGE = "<|vision_start|><|image_pad|><|vision_end|>"
_TILE = {"height": 56, "width": 56}


def _qwen(cls: str, **sizes: Any) -> Parts:
    return Parts(cls, "Qwen2VLImageProcessorPil", (*_QWEN.values(),), _QWEN_IMAGE, _QWEN, sizes)


_INTERNVL = {
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "context_image_token": "<IMG_CONTEXT>",
    "video_token": "<video>",
}
_SMOL = ("<image>", "<fake_token_around_image>", "<end_of_utterance>", "<global-img>", "<video>")
_CELLS = tuple(f"<row_{row}_col_{column}>" for row in range(1, 5) for column in range(1, 5))
_OVIS = ("<IMG_ATOM>", "<IMG_START>", "<IMG_END>", "<IMG_GRID>", "<IMG_COL>", "<IMG_ROW>")

_MINICPM = {
    "image_token": "<|image_pad|>",
    "video_token": "<|video_pad|>",
    "image_start_token": "<image>",
    "image_end_token": "</image>",
    "slice_start_token": "<slice>",
    "slice_end_token": "</slice>",
    "image_id_start_token": "<image_id>",
    "image_id_end_token": "</image_id>",
}

WITH_VIDEO = [
    _qwen("Qwen2VLProcessor"),
    _qwen("Qwen2_5_VLProcessor"),
    _qwen("Qwen3VLProcessor", patch_size=16),
    Parts(
        "InternVLProcessor",
        "GotOcr2ImageProcessorPil",
        (*_INTERNVL.values(),),
        "<IMG_CONTEXT>",
        _INTERNVL,
        {"size": _TILE},
        {"image_seq_length": 4},
    ),
    Parts(
        "LlavaOnevisionProcessor",
        "LlavaOnevisionImageProcessorPil",
        ("<image>", "<video>"),
        "<image>",
        {"image_token": "<image>", "video_token": "<video>"},
        {"size": _TILE, "image_grid_pinpoints": [[56, 56], [56, 112], [112, 56]]},
        {"num_image_tokens": 16, "vision_feature_select_strategy": "full"},
    ),
    Parts(
        "SmolVLMProcessor",
        "SmolVLMImageProcessorPil",
        (*_SMOL, *_CELLS),
        "<image>",
        {"image_token": "<image>"},
        {"size": {"longest_edge": 112}, "max_image_size": {"longest_edge": 56}},
        {"image_seq_len": 4},
    ),
    Parts(
        "Glm46VProcessor",
        "Glm46VImageProcessorPil",
        ("<|image|>", "<|video|>"),
        "<|image|>",
        {"image_token": "<|image|>", "video_token": "<|video|>"},
    ),
    Parts(
        "Glm4vProcessor",
        "Glm4vImageProcessorPil",
        ("<|image|>", "<|video|>"),
        "<|image|>",
        {"image_token": "<|image|>", "video_token": "<|video|>"},
    ),
    # its parts stand in another order: images, videos, text
    Parts(
        "MiniCPMV4_6Processor",
        "MiniCPMV4_6ImageProcessorPil",
        (*_MINICPM.values(),),
        "<|image_pad|>",
        _MINICPM,
    ),
]
WITHOUT_VIDEO = [
    Parts(
        "Ovis2Processor",
        "Ovis2ImageProcessorPil",
        ("<image>", *_OVIS),
        "<image>",
        {},
        {"size": _TILE},
        {"image_seq_length": 4},
    ),
    Parts(
        "Idefics3Processor",
        "Idefics3ImageProcessorPil",
        (*_SMOL, *_CELLS),
        "<image>",
        {"image_token": "<image>"},
        {"size": {"longest_edge": 112}, "max_image_size": {"longest_edge": 56}},
        {"image_seq_len": 4},
    ),
]
EVERY = pytest.mark.parametrize(
    "parts", [*WITH_VIDEO, *WITHOUT_VIDEO], ids=lambda parts: str(parts.cls)
)
VIDEO = pytest.mark.parametrize("parts", WITH_VIDEO, ids=lambda parts: str(parts.cls))


def picture() -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (90, 150, 3), dtype=np.uint8)
    return Image.fromarray(values)


def chat(image: Image.Image | None = None) -> list[dict[str, Any]]:
    shown = {"type": "image"} if image is None else {"type": "image", "image": image}
    return [{"role": "user", "content": [shown, {"type": "text", "text": "the red circle"}]}]


def process(processor: Any) -> dict[str, torch.Tensor]:
    text = processor.apply_chat_template(chat(), add_generation_prompt=True)
    return dict(processor(images=[picture()], text=[text], return_tensors="pt"))


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@EVERY
def test_it_reads_pictures(parts: Parts) -> None:
    processor = parts.build()
    assert isinstance(processor, getattr(transformers, parts.cls))
    out = process(processor)
    assert out["pixel_values"].float().std() > 0.1
    image_id = processor.tokenizer.convert_tokens_to_ids(
        "<IMG_ATOM>" if parts.cls == "Ovis2Processor" else processor.image_token
    )
    assert (out["input_ids"] == image_id).sum() >= 4


@EVERY
def test_the_template_reads_pictures_by_itself(parts: Parts) -> None:
    processor = parts.build()
    options = {"tokenize": True, "return_dict": True, "return_tensors": "pt"}
    whole = processor.apply_chat_template(chat(picture()), add_generation_prompt=True, **options)
    assert torch.equal(whole["pixel_values"], process(processor)["pixel_values"])


@VIDEO
def test_videos_are_refused_not_left_out(parts: Parts) -> None:
    processor = parts.build()
    with pytest.raises(UnsupportedError, match="pictures only"):
        processor(text=[processor.video_token], videos=[[picture(), picture()]])


@VIDEO
def test_it_is_saved_under_its_own_name_and_can_be_copied(parts: Parts, tmp_path: Path) -> None:
    processor = parts.build()
    processor.save_pretrained(tmp_path)
    assert f'"processor_class": "{parts.cls}"' in (tmp_path / "processor_config.json").read_text()
    wanted = process(processor)
    assert same(process(copy.deepcopy(processor)), wanted)
    assert same(process(pickle.loads(pickle.dumps(processor))), wanted)  # noqa: S301


@VIDEO
def test_transformers_stays_as_it_is(parts: Parts) -> None:
    cls = getattr(transformers, parts.cls)
    before = cls.__init__.__globals__.get("num2words", "no such name")
    parts.build()
    assert picture_processor_class(cls) is picture_processor_class(cls)
    assert cls.__init__.__globals__.get("num2words", "no such name") is before
    assert "video_processor" in cls.get_attributes()


def saved(processor: Any, folder: Path, legacy: bool) -> Path:
    """A folder as today's transformers writes it, or as checkpoints of 2024 hold it."""
    processor.save_pretrained(folder)
    if not legacy:
        return folder
    whole = json.loads((folder / "processor_config.json").read_text())
    images = {**whole.pop("image_processor"), "processor_class": whole["processor_class"]}
    # what was saved where torchvision is: the picture part and the video part in one file
    images["image_processor_type"] = images["image_processor_type"].removesuffix("Pil")
    (folder / "preprocessor_config.json").write_text(json.dumps(images))
    video = {"video_processor_type": "Qwen2VLVideoProcessor", "fps": 2}
    (folder / "video_preprocessor_config.json").write_text(json.dumps(video))
    del whole["processor_class"]
    (folder / "processor_config.json").write_text(json.dumps(whole))
    template = {"chat_template": (folder / "chat_template.jinja").read_text()}
    (folder / "chat_template.json").write_text(json.dumps(template))
    (folder / "chat_template.jinja").unlink()
    return folder


@pytest.mark.parametrize("legacy", [False, True], ids=["today", "2024"])
@EVERY
def test_what_was_saved_is_loaded(parts: Parts, legacy: bool, tmp_path: Path) -> None:
    processor = parts.build()
    loaded = load_processor(str(saved(processor, tmp_path, legacy)), {"trust_remote_code": False})
    assert isinstance(loaded, getattr(transformers, parts.cls))
    assert type(loaded.image_processor).__name__ == parts.images
    assert same(process(loaded), process(processor))


def test_a_class_named_by_the_configuration_alone(tmp_path: Path) -> None:
    parts = next(each for each in WITH_VIDEO if each.cls == "Qwen2_5_VLProcessor")
    folder = saved(parts.build(), tmp_path, legacy=True)
    for name in ("preprocessor_config.json", "tokenizer_config.json"):
        settings = json.loads((folder / name).read_text())
        settings.pop("processor_class", None)
        (folder / name).write_text(json.dumps(settings))
    transformers.Qwen2_5_VLConfig().save_pretrained(folder)
    assert isinstance(load_processor(str(folder), {}), transformers.Qwen2_5_VLProcessor)


def test_images_alone(tmp_path: Path) -> None:
    WITH_VIDEO[0].build().save_pretrained(tmp_path)
    images = load_processor(str(tmp_path), {}, wants_text=False)
    assert type(images) is transformers.Qwen2VLImageProcessorPil


def test_pillow_also_where_torchvision_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the other backend: what AutoProcessor would choose were it installed."""

    class TorchvisionBackend(transformers.Qwen2VLImageProcessorPil):
        pass

    cls = picture_processor_class(transformers.Qwen2VLProcessor)
    real = cls.from_pretrained

    def chosen(*args: Any, **options: Any) -> Any:
        processor = real(*args, **options)
        processor.image_processor = TorchvisionBackend()
        return processor

    WITH_VIDEO[0].build().save_pretrained(tmp_path)
    monkeypatch.setattr(cls, "from_pretrained", chosen)
    loaded = load_processor(str(tmp_path), {})
    assert type(loaded.image_processor) is transformers.Qwen2VLImageProcessorPil
