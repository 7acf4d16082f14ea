"""Image towers with text embeddings from elsewhere: alone, inside a dual encoder, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPVisionModel, CLIPVisionModelWithProjection, SiglipVisionModel

import vlmscope as vs
from dual_families import JOINT, clip, siglip, vit
from families import llava
from vlmscope.errors import (
    BadOptionError,
    ModelLoadError,
    ModelMismatchError,
    UnknownNameError,
    UnsupportedError,
)
from vlmscope.methods import methods_for
from vlmscope.models import DualEncoder
from vlmscope.models.encoders.text_table import TextTable

IMAGE = np.random.default_rng(0).integers(0, 255, (40, 64, 3)).astype(np.uint8)
PHRASES = ["a dog", "the sky", "a bus"]


def saved(encoder: DualEncoder, folder: Path, kind: type) -> Path:
    """The image tower alone, with the weights of a dual encoder."""
    tower = kind(encoder.hf.config.vision_config)
    own = encoder.hf.state_dict()
    names = {n: n if n in own else f"vision_model.{n}" for n in tower.state_dict()}
    tower.load_state_dict({n: own[name] for n, name in names.items()})
    tower.save_pretrained(folder)
    encoder.processor.image_processor.save_pretrained(folder)
    return folder


@pytest.fixture(params=["clip", "siglip"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[DualEncoder, Path, Path]:
    """A dual encoder, its tower alone in a folder, and a file of its embeddings."""
    build, kind = {
        "clip": (clip, CLIPVisionModelWithProjection),
        "siglip": (siglip, SiglipVisionModel),
    }[request.param]
    encoder = build()
    vectors = encoder.text_embeddings(PHRASES)
    save_file(dict(zip(PHRASES, vectors.clone(), strict=True)), tmp_path / "texts.safetensors")
    return encoder, saved(encoder, tmp_path / "tower", kind), tmp_path / "texts.safetensors"


def test_a_tower_alone_gives_what_the_whole_model_gives(pair) -> None:
    encoder, folder, file = pair
    alone = vs.load(str(folder), text_embeddings=file)
    assert isinstance(alone, DualEncoder) and alone.family.id == encoder.family.id
    for method in methods_for(encoder):
        options = {"method": method.id, "templates": "none", "side": 48}
        whole = vs.ground(encoder, IMAGE, PHRASES, **options)
        found = vs.ground(alone, IMAGE, PHRASES, **options)
        for one, other in zip(found, whole, strict=True):
            np.testing.assert_allclose(one.score_map, other.score_map, atol=1e-5)
            assert one.details["presence"] == pytest.approx(other.details["presence"], abs=1e-5)
    assert "3 given embeddings" in found[0].details["notes"][-1]


def test_a_whole_model_asks_the_table_too(tmp_path: Path) -> None:
    encoder = clip()
    encoder.hf.save_pretrained(tmp_path)
    encoder.processor.save_pretrained(tmp_path)
    torch.manual_seed(5)
    mine = {"Flying  Saucer": torch.randn(JOINT).numpy(), "a dog": torch.randn(1, JOINT)}
    given = vs.load(str(tmp_path), text_embeddings=mine)
    unit = torch.nn.functional.normalize(torch.tensor(mine["Flying  Saucer"]), dim=0)
    torch.testing.assert_close(given.text_embeddings(["flying saucer"])[0], unit)
    found = vs.segment(given, IMAGE, "flying saucer, a dog")
    assert found.names == ("flying saucer", "a dog")


def test_a_phrase_without_an_embedding_is_refused_by_name(pair) -> None:
    _, folder, file = pair
    alone = vs.load(str(folder), text_embeddings=str(file))
    with pytest.raises(UnknownNameError, match=r"'a dok'.*a dog"):
        vs.ground(alone, IMAGE, "a dok")


def test_another_width_is_refused_and_both_are_named(pair) -> None:
    encoder, folder, _ = pair
    joint = JOINT if encoder.family.id == "clip" else 32
    with pytest.raises(ModelMismatchError, match=rf"have 7 values each.*joint space has {joint}"):
        vs.load(str(folder), text_embeddings={"a dog": torch.ones(7)})


def test_a_tower_alone_without_texts_says_what_to_give(pair) -> None:
    _, folder, _ = pair
    with pytest.raises(
        UnsupportedError, match="alone, without a text encoder.*text_embeddings=FILE"
    ):
        vs.load(str(folder))


def test_a_tower_without_its_projection_is_refused(tmp_path: Path) -> None:
    folder = saved(clip(), tmp_path, CLIPVisionModel)
    with pytest.raises(ModelLoadError, match=r"visual_projection\.weight"):
        vs.load(str(folder), text_embeddings={"a dog": torch.ones(JOINT)})


def test_texts_for_a_model_that_writes_are_refused(tmp_path: Path) -> None:
    model = llava()
    model.hf.save_pretrained(tmp_path)
    model.processor.save_pretrained(tmp_path)
    with pytest.raises(UnsupportedError, match="answers in words.*Leave text_embeddings out"):
        vs.load(str(tmp_path), text_embeddings={"a dog": torch.ones(8)})


def test_a_classifier_takes_texts_in_place_of_its_labels(tmp_path: Path) -> None:
    encoder = vit()
    encoder.hf.save_pretrained(tmp_path)
    encoder.processor.save_pretrained(tmp_path)
    given = vs.load(str(tmp_path), text_embeddings={"thing": torch.arange(1.0, 33.0)})
    assert vs.ground(given, IMAGE, "thing").score <= 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({}, "hold no phrase"),
        ({" ": [1.0]}, "is empty"),
        ({"Dog": [1.0], "dog ": [2.0]}, "there already but for its capitals"),
        ({"dog": [1.0, 2.0], "cat": [1.0]}, "have 2 values each, but 'cat' has 1"),
        ({"dog": [float("nan")]}, "no vector of numbers"),
        ({"dog": [0.0, 0.0]}, "not all 0"),
        ({"dog": [[1.0, 2.0], [3.0, 4.0]]}, r"shape \(2, 2\)"),
        (["dog"], "got list"),
        ("nowhere.safetensors", "nowhere.safetensors could not be read"),
    ],
)
def test_what_is_no_table(source: object, message: str) -> None:
    with pytest.raises(BadOptionError, match=message):
        TextTable.of(source)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    Image.fromarray(IMAGE).save(tmp_path / "texts.png")
    with pytest.raises(BadOptionError, match="Give a safetensors file"):
        TextTable.of(tmp_path / "texts.png")


def test_the_digest_is_of_phrases_and_values() -> None:
    one = TextTable.of({"dog": [1.0, 2.0]})
    assert one.digest == TextTable.of({"Dog": torch.tensor([1.0, 2.0])}).digest
    assert one.digest != TextTable.of({"dog": [1.0, 3.0]}).digest
    assert one.digest != TextTable.of({"cat": [1.0, 2.0]}).digest
