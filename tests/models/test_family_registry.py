"""A family is one file and one line: its ids, model types, checkpoints and format hints."""

from __future__ import annotations

from typing import Any

import pytest

from vlmscope.errors import UnsupportedError
from vlmscope.models import FAMILIES, catalogue
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.llava import LlavaFamily
from vlmscope.models.decoders.pixtral import PixtralFamily
from vlmscope.models.decoders.vipllava import VipLlavaFamily
from vlmscope.models.encoders.siglip import SiglipFamily
from vlmscope.models.family_registry import FamilyRegistry
from vlmscope.models.loading.original_llava import is_original_llava
from vlmscope.tiny import EMBEDDED


def test_a_duplicate_family_raises() -> None:
    registry = FamilyRegistry([LlavaFamily()])
    with pytest.raises(ValueError, match="id 'llava' is registered already"):
        registry.register(LlavaFamily())
    assert FAMILIES.ids[0] == "llava"


def test_a_model_type_belongs_to_one_family() -> None:
    class Other(SiglipFamily):
        id = "other"
        model_types = ("llava",)
        checkpoints = ()

    registry = FamilyRegistry([LlavaFamily()])
    with pytest.raises(ValueError, match="model type 'llava' belongs to the family 'llava'"):
        registry.register(Other())
    assert registry.ids == ("llava",)


def test_a_family_may_take_a_model_type_with_one_tower() -> None:
    config = {"model_type": "llava", "vision_config": {"model_type": "pixtral"}}
    assert FAMILIES.for_config(config, "here").id == "pixtral"
    assert FAMILIES.for_config({"model_type": "llava"}, "here").id == "llava"
    config["vision_config"] = {"model_type": "clip_vision_model"}
    assert FAMILIES.for_config(config, "here").id == "llava"

    class Other(PixtralFamily):
        id = "other"
        checkpoints = ()

    with pytest.raises(ValueError, match="model type 'llava' belongs to the family 'pixtral'"):
        FamilyRegistry([LlavaFamily(), PixtralFamily()]).register(Other())


def test_a_checkpoint_belongs_to_one_family() -> None:
    class Heir(VipLlavaFamily):  # it says nothing of checkpoints, so it has its parent's
        id = "heir"
        model_types = ("heir",)

    registry = FamilyRegistry([VipLlavaFamily()])
    with pytest.raises(ValueError, match="vip-llava-7b-hf' belongs to the family 'vipllava'"):
        registry.register(Heir())


def test_one_line_brings_a_family_with_all_that_is_known_of_it() -> None:
    class New(SiglipFamily):
        id = "new"
        model_types = ("new_type",)
        checkpoints = (Checkpoint("somebody/new-base", "1B", "MIT", "notes", side=384),)

    registry = FamilyRegistry([New()])
    assert registry.for_config({"model_type": "new_type"}, "here").id == "new"
    (card,) = registry.cards()
    assert (card.id, card.family, card.size, card.licence) == (
        "somebody/new-base",
        "new",
        "1B",
        "MIT",
    )
    assert (card.notes, card.side, card.embedded) == ("notes", 384, False)
    assert registry.card_of("somebody/new-base", "new") is card
    assert registry.card_of("somebody/else", "new").size == "unknown"


def test_embedded_models_come_first() -> None:
    embedded = [card.id for card in catalogue() if card.embedded]
    assert sorted(embedded) == sorted(EMBEDDED) and embedded[0] == "tiny-llava"
    assert all(card.embedded for card in catalogue()[: len(EMBEDDED)])


@pytest.mark.parametrize(
    "config, instead",
    [
        ({"model_type": "internvl_chat"}, "OpenGVLab/InternVL3-8B-hf and others"),
        (
            {"model_type": "multi_modality"},
            "deepseek-community/deepseek-vl-7b-chat, deepseek-community/Janus-Pro-7B",
        ),
        ({"model_type": "llava_qwen"}, "llava-hf/llava-onevision-qwen2-7b-ov-hf"),
    ],
)
def test_the_authors_own_format_names_ids_that_can_be_read(
    config: dict[str, Any], instead: str
) -> None:
    said = f"no family.*the authors' own code; in that of transformers: {instead}"
    with pytest.raises(UnsupportedError, match=said):
        FAMILIES.for_config(config, "here")


@pytest.mark.parametrize("model_type", ["llava", "llava_llama", "share4v"])
def test_the_format_of_the_original_llava_code_is_read_by_its_family(model_type: str) -> None:
    own = {"model_type": model_type, "mm_vision_tower": "openai/clip-vit-large-patch14-336"}
    assert FAMILIES.for_config(own, "here").id == "llava"
    assert is_original_llava(own)
    assert not is_original_llava({**own, "vision_config": {}})


def test_a_type_of_another_format_is_none_of_transformers() -> None:
    with pytest.raises(UnsupportedError, match="no family"):
        FAMILIES.for_model_type("llava_llama", "here")
    assert not is_original_llava({"model_type": "llava_next", "mm_vision_tower": "x"})


def test_a_type_that_nobody_knows_gets_no_hint() -> None:
    with pytest.raises(UnsupportedError, match=r"see `vlmscope models`\.$"):
        FAMILIES.for_config({"model_type": "bert"}, "here")
