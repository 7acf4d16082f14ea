"""SAMs from folders, and one clear message for everything that cannot be loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import vlmscope as vs
from sams import Stretched, grounding, noise, tiny_sam, tiny_sam2, tiny_sam3
from vlmscope.errors import (
    BadOptionError,
    ModelLoadError,
    ModelMismatchError,
    UnknownNameError,
    UnsupportedError,
)
from vlmscope.refine import KINDS, Refiner, SamKind

BOX = (10.0, 3.0, 40.0, 20.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A SAM as save_pretrained writes it."""
    model, processor = tiny_sam()
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    return tmp_path


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the configuration of a checkpoint."""
    file = folder / "config.json"
    config = json.loads(file.read_text("utf-8"))
    change(config)
    file.write_text(json.dumps(config), "utf-8")


def test_a_folder_gives_the_same_masks_as_what_was_saved(folder: Path) -> None:
    sam = vs.load_sam(str(folder), device="cpu")
    assert isinstance(sam, vs.Refiner)
    assert sam.kind.id == "sam"
    assert (sam.revision or "").startswith("sha256:")
    assert type(sam.images).__name__ == "SamImageProcessorPil"
    found = grounding(noise(30, 90), BOX)
    answer = sam.refine(found)
    assert np.array_equal(answer.mask, Refiner.wrap(*tiny_sam()).refine(found).mask)
    assert answer.details["refined"]["revision"] == sam.revision


def test_a_sam_that_is_held_is_its_checkpoint_until_it_is_changed(folder: Path) -> None:
    sam = vs.load_sam(str(folder), device="cpu")
    assert Refiner.wrap(sam.hf, sam.images).revision == sam.revision
    sam.hf.mask_decoder.iou_token.weight.data += 1
    assert (Refiner.wrap(sam.hf, sam.images).revision or "").startswith(f"{sam.revision}+weights:")


def test_half_precision_is_for_the_encoder_alone(folder: Path) -> None:
    full = vs.load_sam(str(folder), device="cpu")
    half = vs.load_sam(str(folder), device="cpu", dtype="bfloat16")
    kinds = {name.split(".")[0]: value.dtype for name, value in half.hf.named_parameters()}
    assert kinds.pop("vision_encoder") == torch.bfloat16
    assert set(kinds.values()) == {torch.float32}
    found = grounding(noise(30, 90), BOX)
    expected, mask = full.refine(found, "both").mask, half.refine(found, "both").mask
    assert (expected & mask).sum() / (expected | mask).sum() > 0.95


@pytest.mark.parametrize("build", [tiny_sam2, tiny_sam3])
def test_later_generations_load_where_their_processor_does(
    build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, processor = build()
    model.save_pretrained(tmp_path)
    monkeypatch.setattr(SamKind, "check_installed", lambda *_: None)
    monkeypatch.setattr(SamKind, "load_images", lambda *_: processor)
    found = grounding(noise(30, 90), BOX)
    loaded = vs.load_sam(str(tmp_path), device="cpu")
    assert np.array_equal(loaded.refine(found).mask, Refiner.wrap(*build()).refine(found).mask)
    half = vs.load_sam(str(tmp_path), device="cpu", dtype="bfloat16")
    assert {p.dtype for p in half.hf.vision_encoder.parameters()} == {torch.bfloat16}
    expected, mask = loaded.refine(found).mask, half.refine(found).mask
    assert (expected & mask).sum() / (expected | mask).sum() > 0.95


def test_the_tracker_of_a_whole_sam3_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # named as in the published checkpoint, which is a video model that shares its detector's encoder
    model, _ = tiny_sam3()
    names = {
        "vision_encoder.backbone.": "detector_model.vision_encoder.backbone.",
        "vision_encoder.neck.": "tracker_neck.",
    }
    weights = {"detector_model.other": torch.zeros(2)}
    for name, value in model.state_dict().items():
        start = next((start for start in names if name.startswith(start)), "")
        weights[names.get(start, "tracker_model.") + name[len(start) :]] = value.clone()
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    tracker = {**json.loads(model.config.to_json_string()), "model_type": "sam3_tracker_video"}
    config = {"model_type": "sam3_video", "tracker_config": tracker}
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    monkeypatch.setattr(SamKind, "check_installed", lambda *_: None)
    monkeypatch.setattr(SamKind, "load_images", lambda *_: Stretched(56))
    found = grounding(noise(30, 90), BOX)
    expected = Refiner.wrap(*tiny_sam3()).refine(found).mask
    assert np.array_equal(vs.load_sam(str(tmp_path), device="cpu").refine(found).mask, expected)


@pytest.mark.parametrize("model_type", ["sam2", "sam2_video", "sam3_tracker", "sam3_video"])
def test_torchvision_is_asked_for_where_it_is_needed(
    model_type: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.utils.is_torchvision_available", lambda: False)
    edit(folder, lambda config: config.update(model_type=model_type))
    with pytest.raises(UnsupportedError) as refusal:
        vs.load_sam(str(folder))
    title = "SAM 2" if model_type.startswith("sam2") else "SAM 3"
    for word in (title, "torchvision", torch.__version__, "SAM 1", "facebook/sam-vit-base"):
        assert word in str(refusal.value)


def test_sam_1_needs_no_torchvision(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transformers.utils.is_torchvision_available", lambda: False)
    assert vs.load_sam(str(folder)).kind.title == "SAM 1"


@pytest.mark.parametrize("model_type", ["clip", "sam3", "sam_hq", "sam_vision_model"])
def test_other_models_are_refused_with_those_that_are_known(model_type: str, folder: Path) -> None:
    edit(folder, lambda config: config.update(model_type=model_type))
    with pytest.raises(UnsupportedError, match=f"model type '{model_type}'") as refusal:
        vs.load_sam(str(folder))
    for kind in KINDS:
        assert kind.example in str(refusal.value)
        assert all(name in str(refusal.value) for name in kind.model_types)


def test_an_embedded_model_is_no_sam() -> None:
    with pytest.raises(UnsupportedError, match="tiny-llava has the model type 'llava'"):
        vs.load_sam("tiny-llava")


def test_names_that_lead_nowhere(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="sam-vit-bas.*Did you mean 'facebook/sam-vit-base'"):
        vs.load_sam("sam-vit-bas")
    with pytest.raises(ModelLoadError, match="no config.json"):
        vs.load_sam(str(tmp_path))
    with pytest.raises(ModelLoadError, match="facebook/sam-vit-base is not in the local cache"):
        vs.load_sam("facebook/sam-vit-base")


def test_bad_options_are_refused(folder: Path) -> None:
    with pytest.raises(BadOptionError, match="a folder, which has none"):
        vs.load_sam(str(folder), revision="main")
    with pytest.raises(UnknownNameError, match="dtype"):
        vs.load_sam(str(folder), dtype="float12")
    with pytest.raises(UnknownNameError, match="device"):
        vs.load_sam(str(folder), device="abacus")


def test_weights_that_are_missing_are_no_random_numbers(folder: Path) -> None:
    file = folder / "model.safetensors"
    weights = load_file(file)
    name = next(name for name in weights if name.startswith("mask_decoder.transformer"))
    del weights[name]
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(ModelLoadError, match=name):
        vs.load_sam(str(folder))


def test_weights_that_are_cut_off(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ModelLoadError, match="cut off"):
        vs.load_sam(str(folder))


def test_a_processor_of_another_size(folder: Path) -> None:
    tiny_sam(96)[1].save_pretrained(folder)
    with pytest.raises(ModelMismatchError, match="96x96 pixels, but .* takes 64x64"):
        vs.load_sam(str(folder))


def test_a_folder_without_a_processor(tmp_path: Path) -> None:
    tiny_sam()[0].save_pretrained(tmp_path)
    with pytest.raises(ModelLoadError, match="preprocessor_config.json"):
        vs.load_sam(str(tmp_path))
