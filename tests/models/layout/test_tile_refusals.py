"""Families that cut images into tiles: settings that do not belong together are refused."""

from __future__ import annotations

import numpy as np
import pytest
import transformers

import vlmscope as vs
from lvlms import builds, made
from vlmscope.errors import BadPhraseError, ModelMismatchError, UnsupportedError
from vlmscope.models import LoadedModel


def rebuilt(name: str, **changes: object) -> LoadedModel:
    """A build with other settings of its image processor or its config ("config.x", "vision.x")."""
    model = builds()[name].make()
    for key, value in changes.items():
        owner, _, field = key.rpartition("__")
        target = {
            "": model.processor,
            "images": model.processor.image_processor,
            "config": model.hf.config,
            "vision": model.hf.config.vision_config,
        }[owner]
        setattr(target, field, value)
    return vs.from_pretrained_model(model.hf, model.processor)


@pytest.mark.parametrize(
    ("name", "changes", "error", "words"),
    [
        ("llava-next", {"images__image_grid_pinpoints": [[56, 56]]}, ModelMismatchError, r"\[\[56, 56\]\]"),
        ("llava-next", {"patch_size": 7}, ModelMismatchError, "168.*44"),
        ("llava-next", {"num_additional_image_tokens": 0}, ModelMismatchError, "43.*44"),
        ("llava-next", {"images__crop_size": {"height": 28, "width": 28}}, ModelMismatchError, "56"),
        ("llava-next", {"config__vision_feature_select_strategy": "full"}, UnsupportedError, "class"),
        ("llava-next-gaps", {"config__vision_feature_select_strategy": "default"}, UnsupportedError, "patch"),
        ("llava-onevision", {"vision_aspect_ratio": "anyres_max_4"}, ModelMismatchError, "max_4.*max_9"),
        ("llava-onevision", {"config__vision_aspect_ratio": "pad"}, UnsupportedError, "'pad'"),
        ("llava-onevision", {"num_image_tokens": 25}, ModelMismatchError, "image tokens"),
        ("internvl", {"image_seq_length": 9}, ModelMismatchError, "63 image tokens.*112"),
        ("internvl", {"config__downsample_ratio": 1 / 3}, ModelMismatchError, "multiple of 3"),
        ("internvl", {"config__vision_feature_select_strategy": "full"}, UnsupportedError, "'full'"),
        ("ovis2", {"image_seq_length": 9}, ModelMismatchError, "image tokens"),
        ("ovis2", {"config__visual_indicator_token_ids": [6, 7, 9, 8, 10]}, ModelMismatchError, "IMG_COL"),
        ("ovis2", {"vision__tokenize_function": "gumbel_argmax"}, UnsupportedError, "random"),
        ("ovis2", {"vision__hidden_stride": 3}, UnsupportedError, "hidden_stride=3"),
        ("ovis2", {"images__do_center_crop": True}, ModelMismatchError, "do_center_crop"),
        ("vipllava", {"images__crop_size": {"height": 28, "width": 28}}, ModelMismatchError, "28x28"),
    ],
)  # fmt: skip
def test_what_does_not_belong_together_is_refused(
    name: str, changes: dict[str, object], error: type, words: str
) -> None:
    with pytest.raises(error, match=words):
        rebuilt(name, **changes)


@pytest.mark.parametrize("name", ["llava-next", "llava-onevision", "internvl", "ovis2"])
def test_an_image_processor_of_another_family_is_refused(name: str) -> None:
    model = builds()[name].make()
    model.processor.image_processor = transformers.CLIPImageProcessorPil()
    with pytest.raises(ModelMismatchError, match="CLIPImageProcessorPil"):
        vs.from_pretrained_model(model.hf, model.processor)


def test_an_unknown_tower_is_refused() -> None:
    model = builds()["llava-next"].make()
    model.hf.config.vision_config.model_type = "pixtral"
    with pytest.raises(UnsupportedError, match="pixtral"):
        vs.from_pretrained_model(model.hf, model.processor)


def test_resolutions_that_are_no_whole_tiles_are_refused() -> None:
    model = builds()["llava-next"].make()
    model.hf.config.image_grid_pinpoints = [[56, 100]]
    model.processor.image_processor.image_grid_pinpoints = [[56, 100]]
    with pytest.raises(ModelMismatchError, match="no multiples of its tile of 56"):
        vs.from_pretrained_model(model.hf, model.processor)


@pytest.mark.parametrize("word", ["<image>", "<IMG_ATOM>"])
def test_a_phrase_that_holds_an_image_token_is_refused(word: str) -> None:
    with pytest.raises(BadPhraseError, match=word):
        vs.prefill(made("ovis2"), np.zeros((60, 170, 3), np.uint8), f"a {word} dog")
