"""SigLIP 2 NaFlex as a family: geometry, text, loading, every dense method, refusals."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import vlmscope as vs
from dual_families import siglip, siglip2, subword_tokenizer
from vlmscope.errors import BadPhraseError, ModelMismatchError
from vlmscope.methods.catalogue import METHODS
from vlmscope.methods.encoder import DenseMethod
from vlmscope.models import DualEncoder

DENSE = [m.id for m in METHODS if isinstance(m, DenseMethod) and m.accepts(siglip2())]


def noise(height: int = 48, width: int = 80) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_its_own_side_is_that_of_its_patches() -> None:
    assert siglip2().native_side == 4 * 8
    assert siglip2().fit(noise(48, 80)).grid == (4, 7)
    assert siglip2().fit(noise(80, 48)).grid == (7, 4)


@pytest.mark.parametrize("cell", [(0, 0), (1, 4), (2, 6)])
def test_a_painted_cell_changes_its_token_alone(cell: tuple[int, int]) -> None:
    encoder, grid = siglip2(), (3, 7)
    values = torch.zeros(1, 3, 24, 56)
    painted = values.clone()
    row, column = cell
    painted[:, :, row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] = 1.0
    with torch.no_grad():
        before, after = (encoder.family.embed(encoder.hf, each, grid) for each in (values, painted))
    changed = (before != after).any(-1)[0].nonzero().flatten().tolist()
    assert changed == [row * 7 + column]


@pytest.mark.parametrize("method", DENSE)
def test_every_dense_method_runs(method: str) -> None:
    found = vs.ground(siglip2(), noise(), ["red circle", "sky"], method=method)
    for each in found:
        assert each.score_map.shape == (4, 7)
        assert each.heatmap.shape == (48, 80)
        assert np.isfinite(each.score_map).all()
        assert each.score_map.std() > 0
    assert np.abs(found[0].score_map - found[1].score_map).max() > 1e-3


def test_text_is_embedded_as_the_model_does_padded_to_the_full_length() -> None:
    encoder = siglip2()
    texts = ["a red circle", "sky"]
    ids = encoder.processor.tokenizer(
        texts, padding="max_length", max_length=24, return_tensors="pt"
    )["input_ids"]
    with torch.no_grad():
        own = encoder.hf.get_text_features(input_ids=ids).pooler_output
    expected = torch.nn.functional.normalize(own, dim=-1)
    torch.testing.assert_close(encoder.text_embeddings(texts), expected)
    with pytest.raises(BadPhraseError, match="tokens, more than the 24"):
        encoder.text_embeddings(["red " * 40])


def test_text_is_padded_on_the_right_whatever_the_tokenizer_prefers() -> None:
    made = siglip2()
    processor = copy.copy(made.processor)
    processor.tokenizer = subword_tokenizer(side="left")  # what its class does when not told
    other = vs.from_pretrained_model(made.hf, processor)
    assert isinstance(other, DualEncoder)
    assert torch.equal(other.text_embeddings(["Sky"]), made.text_embeddings(["Sky"]))
    assert torch.equal(made.text_embeddings(["Sky"]), made.text_embeddings(["sky"]))


def test_segments() -> None:
    found = vs.segment(siglip2(), noise(48, 72), "pet: dog|cat, bus, sky", side=48)
    assert found.score_maps.shape == (3, 6, 9)
    assert found.areas.sum() == 48 * 72


def test_saved_and_loaded(tmp_path: Path) -> None:
    made = siglip2()
    made.hf.save_pretrained(tmp_path)
    made.processor.save_pretrained(tmp_path)
    loaded = vs.load(str(tmp_path), device="cpu")
    assert isinstance(loaded, DualEncoder) and loaded.family.id == "siglip2"
    states = made.hf.state_dict(), loaded.hf.state_dict()
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(weights, states[1][name]) for name, weights in states[0].items())
    # weights from a file need not be aligned, and some processors' products round otherwise then
    for parameter in loaded.hf.parameters():
        parameter.data = parameter.data.clone()
    maps = [
        vs.ground(each, noise(), "red circle", method="gem").score_map for each in (made, loaded)
    ]
    np.testing.assert_array_equal(*maps)


def test_without_its_pooling_head_it_is_refused(tmp_path: Path) -> None:
    made = siglip2()
    made.hf.save_pretrained(tmp_path)
    made.processor.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["vision_config"]["vision_use_head"] = False
    (tmp_path / "config.json").write_text(json.dumps(config))
    weights = tmp_path / "model.safetensors"
    kept = {name: x for name, x in load_file(weights).items() if "vision_model.head" not in name}
    save_file(kept, weights, metadata={"format": "pt"})
    with pytest.raises(ModelMismatchError, match="vision_use_head"):
        vs.load(str(tmp_path), device="cpu")


def test_a_processor_of_another_patch_size_is_refused() -> None:
    made, other = siglip2(), siglip2(patch_size=16)
    with pytest.raises(ModelMismatchError, match="patches of 16 pixels.*patches of 8"):
        vs.from_pretrained_model(made.hf, other.processor)
    with pytest.raises(ModelMismatchError, match="patches of None pixels"):
        vs.from_pretrained_model(made.hf, siglip().processor)
