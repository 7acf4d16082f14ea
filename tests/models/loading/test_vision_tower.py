"""The tower inside an LVLM with its CLIP's texts: the maps of a whole CLIP of its weights, to the bit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import CLIPVisionModelWithProjection, SiglipVisionModel

import vlmscope as vs
from dual_families import JOINT, clip, siglip, vit
from families import llava
from lvlms import made
from vlmscope.errors import BadOptionError, ModelMismatchError, UnknownNameError, UnsupportedError
from vlmscope.methods import methods_for
from vlmscope.models import DualEncoder, LoadedModel

IMAGE = np.random.default_rng(3).integers(0, 255, (50, 70, 3)).astype(np.uint8)
PHRASES = ["a dog", "the sky"]
SHAPE = (
    *("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
    *("image_size", "patch_size", "hidden_act"),
)
TAKEN = (
    *("llava-next", "vipllava", "llava-onevision", "paligemma", "gemma3", "idefics3", "smolvlm"),
    *("deepseek-vl", "deepseek-vl-hybrid"),
)
REFUSED = ("qwen2-vl", "internvl", "blip-2", "instructblip", "mllama", "janus", "glm-4v", "ovis2")


def tower_of(model: LoadedModel) -> Any:
    inner = model.hf.model
    return inner.vision_tower if hasattr(inner, "vision_tower") else inner.vision_model


def origin(model: LoadedModel, **changes: Any) -> DualEncoder:
    """A CLIP or SigLIP of the tower's shape and weights, but for a bit of training in between."""
    config = model.hf.config.vision_config
    shape = {name: getattr(config, name) for name in SHAPE} | changes
    build = clip if config.model_type == "clip_vision_model" else siglip
    dual = build(seed=5, **shape)
    own = dict(tower_of(model).named_parameters())
    with torch.no_grad():
        for name, weight in dual.hf.vision_model.named_parameters():
            if name in own and own[name].shape == weight.shape:
                weight.copy_(own[name] + 0.01 * own[name].abs().mean() * torch.randn_like(weight))
    return dual


def same_weights(model: LoadedModel, *, keep: tuple[str, ...] = (), **changes: Any) -> DualEncoder:
    """A dual encoder, whole, with the tower's weights in its own: what the graft has to equal.

    The pooling head leads to the texts and is theirs, also where the model holds one.
    """
    dual = origin(model, **changes)
    own = dict(tower_of(model).named_parameters())
    with torch.no_grad():
        for name, weight in dual.hf.vision_model.named_parameters():
            if name in own and not name.startswith(("head.", *keep)):
                weight.copy_(own[name])
    parts = SimpleNamespace(
        image_processor=model.processor.image_processor, tokenizer=dual.processor.tokenizer
    )
    whole = vs.from_pretrained_model(dual.hf, parts, name="whole")
    assert isinstance(whole, DualEncoder)
    return whole


def state(hf: Any) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in hf.state_dict().items()}


def check_maps(tower: DualEncoder, whole: DualEncoder, methods: list[str]) -> None:
    for method in methods:
        options = {"method": method, "side": 2 * whole.native_side}
        expected = vs.ground(whole, IMAGE, PHRASES, **options)
        for one, other in zip(vs.ground(tower, IMAGE, PHRASES, **options), expected, strict=True):
            assert np.array_equal(one.score_map, other.score_map), method
            assert one.details["presence"] == other.details["presence"]


@pytest.mark.parametrize("vision", ["clip", "siglip"])
def test_every_dense_method_gives_the_maps_of_a_whole_dual_encoder(vision: str) -> None:
    model = llava(vision=vision)
    dual = origin(model)
    before, texts = state(model.hf), state(dual.hf)
    tower = vs.vision_tower(model, dual)
    ids = [method.id for method in methods_for(tower)]
    mine = vs.ground(tower, IMAGE, PHRASES)
    theirs = vs.ground(dual, IMAGE, PHRASES)
    assert not np.array_equal(mine[0].score_map, theirs[0].score_map)  # not the other's own tower
    assert all(torch.equal(value, before[name]) for name, value in model.hf.state_dict().items())
    assert all(torch.equal(value, texts[name]) for name, value in dual.hf.state_dict().items())
    check_maps(tower, same_weights(model), ids)


@pytest.mark.parametrize("name", TAKEN)
def test_towers_of_all_families_of_clips_and_siglips_line(name: str) -> None:
    model = made(name)
    tower = vs.vision_tower(model, origin(model))
    assert tower.hf.vision_model.encoder.layers[0] is tower_of(model).encoder.layers[0]
    check_maps(tower, same_weights(model), ["gem", "maskclip"])


def test_the_models_own_answer_is_the_same_afterwards() -> None:
    model = llava()
    before = vs.ground(model, IMAGE, "a dog", method="mean-attention")
    vs.parts(vs.vision_tower(model, origin(model)), IMAGE)
    after = vs.ground(model, IMAGE, "a dog", method="mean-attention")
    assert np.array_equal(before.score_map, after.score_map)


def test_weights_are_shared_and_results_say_whose_they_are() -> None:
    model = llava()
    dual = origin(model)
    tower = vs.vision_tower(model, dual)
    mine = {id(each) for each in [*model.hf.parameters(), *dual.hf.parameters()]}
    assert all(id(each) in mine for each in tower.hf.parameters())
    assert tower.id == f"{model.id}+{dual.id}"
    note = vs.ground(tower, IMAGE, "a dog").details["notes"][-1]
    assert model.id in note and dual.id in note and "were trained on: " in note
    with torch.no_grad():
        dual.hf.vision_model.load_state_dict(tower_of(model).state_dict())
    again = vs.vision_tower(model, dual)
    assert "those that the texts were trained with" in again.family.notes[-1]


def test_a_tower_that_ends_early_keeps_the_last_blocks_of_its_origin() -> None:
    model = made("llava-onevision")
    blocks = model.hf.config.vision_config.num_hidden_layers + 1
    dual = origin(model, num_hidden_layers=blocks)
    tower = vs.vision_tower(model, dual)
    assert len(tower.blocks) == len(dual.blocks) == blocks
    assert "its last 1 blocks are those of" in tower.family.notes[-1]
    whole = same_weights(model, keep=("post_layernorm",), num_hidden_layers=blocks)
    check_maps(tower, whole, ["gem", "clip"])


@pytest.mark.parametrize(
    ("vision", "kind"), [("clip", CLIPVisionModelWithProjection), ("siglip", SiglipVisionModel)]
)
def test_texts_that_are_embedded_already(vision: str, kind: type, tmp_path: Any) -> None:
    model = llava(vision=vision)
    dual = origin(model)
    vectors = dict(zip(PHRASES, dual.text_embeddings(PHRASES), strict=True))
    image_part = kind(dual.hf.config.vision_config)
    weights = dual.hf.state_dict()
    names = {n: n if n in weights else f"vision_model.{n}" for n in image_part.state_dict()}
    image_part.load_state_dict({n: weights[name] for n, name in names.items()})
    image_part.save_pretrained(tmp_path)
    dual.processor.image_processor.save_pretrained(tmp_path)
    tower = vs.vision_tower(model, str(tmp_path), text_embeddings=vectors)
    whole = vs.vision_tower(model, dual)
    for one, other in zip(
        vs.ground(tower, IMAGE, PHRASES),
        vs.ground(whole, IMAGE, PHRASES, templates="none"),
        strict=True,
    ):
        np.testing.assert_allclose(one.score_map, other.score_map, atol=1e-6)
    with pytest.raises(UnknownNameError, match="a fish"):
        vs.ground(tower, IMAGE, "a fish")


@pytest.mark.parametrize("name", REFUSED)
def test_other_towers_are_refused_by_name(name: str) -> None:
    model = made(name)
    kind = model.hf.config.vision_config.model_type
    with pytest.raises(UnsupportedError, match=f"inside {model.id} .*type '{kind}'.*CLIP's or Sig"):
        vs.vision_tower(model, clip())


def test_what_does_not_belong_together_is_refused() -> None:
    model = llava()
    dual = origin(model)
    with pytest.raises(ModelMismatchError, match=r"has patch_size 14, and that of .* 7"):
        vs.vision_tower(model, origin(model, patch_size=7))
    with pytest.raises(ModelMismatchError, match=r"has 2 blocks, and that of .* 1\."):
        vs.vision_tower(model, origin(model, num_hidden_layers=1))
    shape = {name: getattr(model.hf.config.vision_config, name) for name in SHAPE}
    with pytest.raises(ModelMismatchError, match=r"does not come from that of .*size apart"):
        vs.vision_tower(model, clip(**shape))
    with pytest.raises(ModelMismatchError, match="of the family 'clip', and random-siglip of"):
        vs.vision_tower(model, siglip(**shape))
    with pytest.raises(BadOptionError, match="text is the CLIP or SigLIP.*got random-llama-gqa"):
        vs.vision_tower(model, model)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedError, match="random-clip is an encoder with texts already"):
        vs.vision_tower(dual, dual)  # type: ignore[arg-type]
    with pytest.raises(ModelMismatchError, match="of the family 'clip', and random-vit"):
        vs.vision_tower(model, vit())
    with pytest.raises(BadOptionError, match="text_embeddings belong to a name"):
        vs.vision_tower(model, dual, text_embeddings={"a dog": torch.ones(JOINT)})
    dual.hf.double()
    with pytest.raises(ModelMismatchError, match=r"in torch.float32.*dtype='float32'"):
        vs.vision_tower(model, dual)
