"""Comparators from folders, and one clear message for everything that cannot be loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from detectors import tiny_florence, tiny_grounding_dino, tiny_owlv2
from vlmscope.errors import (
    BadOptionError,
    ModelLoadError,
    ModelMismatchError,
    UnknownNameError,
    UnsupportedError,
)
from vlmscope.evaluation import comparators

IMAGE = np.random.default_rng(1).integers(0, 255, (40, 70, 3), dtype=np.uint8)

BUILDS: dict[str, Any] = {
    "grounding-dino": tiny_grounding_dino,
    "mm-grounding-dino": lambda: tiny_grounding_dino(mm=True),
    "owlv2": tiny_owlv2,
    "florence-2": tiny_florence,
    "florence-2-segmentation": tiny_florence,
}


def saved(id: str, folder: Path) -> str:
    model, processor = BUILDS[id]()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("id", BUILDS)
def test_a_folder_finds_what_was_saved(id: str, tmp_path: Path) -> None:
    detector = comparators.load(id, saved(id, tmp_path), device="cpu")
    expected = comparators.wrap(id, *BUILDS[id]()).find(IMAGE, "a red cat")
    found = detector.find(IMAGE, "a red cat")
    assert len(found.boxes) == len(expected.boxes)
    assert np.array_equal(found.boxes, expected.boxes)
    assert (detector.id, detector.name) == (id, str(tmp_path))
    assert detector.draws == (id == "florence-2-segmentation")
    assert (detector.revision or "").startswith("sha256:")
    # also where torchvision is there, so that the same call gives the same boxes everywhere
    assert type(detector.processor.image_processor).__name__.endswith("Pil")


def test_settings_as_the_hub_has_them(tmp_path: Path) -> None:
    # older files: image settings of their own, which name the class that needs torchvision
    for id, kind in {
        "grounding-dino": "GroundingDinoImageProcessor",
        "mm-grounding-dino": "GroundingDinoImageProcessor",
        "owlv2": "Owlv2ImageProcessor",
        "florence-2": "CLIPImageProcessor",
    }.items():
        folder = tmp_path / id
        saved(id, folder)
        whole = folder / "processor_config.json"
        rest = json.loads(whole.read_text("utf-8"))
        images = rest.pop("image_processor") | {"image_processor_type": kind}
        images["processor_class"] = rest["processor_class"]
        (folder / "preprocessor_config.json").write_text(json.dumps(images), "utf-8")
        if id == "florence-2":
            whole.write_text(json.dumps(rest), "utf-8")
        else:
            whole.unlink()
        detector = comparators.load(id, str(folder), device="cpu")
        expected = comparators.wrap(id, *BUILDS[id]()).find(IMAGE, "a red cat")
        assert np.array_equal(detector.find(IMAGE, "a red cat").boxes, expected.boxes)
        assert type(detector.processor.image_processor).__name__ == f"{kind}Pil"


def test_what_is_stored_in_half_precision_computes_in_whole(tmp_path: Path) -> None:
    model, processor = tiny_owlv2()
    model.to(torch.bfloat16).save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    assert comparators.load("owlv2", str(tmp_path)).hf.dtype == torch.float32
    narrow = comparators.load("owlv2", str(tmp_path), dtype="bfloat16")
    assert narrow.hf.dtype == torch.bfloat16
    found = narrow.find(IMAGE, "a cat")
    assert found.boxes.dtype == np.float32
    assert found.box is not None


def test_an_unknown_comparator() -> None:
    with pytest.raises(UnknownNameError, match="'grounding-dyno'.*Did you mean 'grounding-dino'"):
        comparators.load("grounding-dyno", "anything")
    with pytest.raises(UnknownNameError, match="Unknown comparator"):
        comparators.wrap("yolo", None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("id", comparators.COMPARATORS.ids)
def test_a_checkpoint_of_another_type(id: str) -> None:
    with pytest.raises(UnsupportedError, match="tiny-llava has the model type 'llava'") as refusal:
        comparators.load(id, "tiny-llava")
    assert comparators.COMPARATORS.get(id).example in str(refusal.value)


def test_each_of_two_alike_is_told_from_the_other(tmp_path: Path) -> None:
    folder = saved("grounding-dino", tmp_path)
    with pytest.raises(UnsupportedError, match="'grounding-dino', but .* 'mm-grounding-dino'"):
        comparators.load("mm-grounding-dino", folder)


def test_names_that_lead_nowhere(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Unknown OWLv2 'owl'.*google/owlv2"):
        comparators.load("owlv2", "owl")
    with pytest.raises(ModelLoadError, match="no config.json"):
        comparators.load("owlv2", str(tmp_path))


def test_bad_options(tmp_path: Path) -> None:
    folder = saved("owlv2", tmp_path)
    with pytest.raises(BadOptionError, match="a folder, which has none"):
        comparators.load("owlv2", folder, revision="main")
    with pytest.raises(UnknownNameError, match="dtype"):
        comparators.load("owlv2", folder, dtype="float12")
    with pytest.raises(UnknownNameError, match="device"):
        comparators.load("owlv2", folder, device="abacus")


@pytest.mark.parametrize("id", ["grounding-dino", "owlv2", "florence-2"])
def test_a_folder_without_a_processor(id: str, tmp_path: Path) -> None:
    BUILDS[id]()[0].save_pretrained(tmp_path)
    with pytest.raises(ModelLoadError, match=r"could not be loaded: .*missing"):
        comparators.load(id, str(tmp_path))


def test_the_processor_of_something_else(tmp_path: Path) -> None:
    folder = saved("owlv2", tmp_path)
    tiny_grounding_dino()[1].save_pretrained(tmp_path)
    with pytest.raises(ModelMismatchError, match="GroundingDinoProcessor.*Owlv2Processor"):
        comparators.load("owlv2", folder)
    with pytest.raises(UnsupportedError, match="Owlv2ForObjectDetection, but .*'grounding-dino'"):
        comparators.wrap("grounding-dino", *tiny_owlv2())


@pytest.mark.parametrize("file", ["config.json", "processor_config.json", "tokenizer_config.json"])
def test_code_of_a_checkpoint_is_refused(file: str, tmp_path: Path) -> None:
    folder = saved("florence-2", tmp_path)
    path = tmp_path / file
    settings = json.loads(path.read_text("utf-8")) | {"auto_map": {"AutoModel": "own.Model"}}
    path.write_text(json.dumps(settings), "utf-8")
    (tmp_path / "own.py").write_text("raise SystemExit('it ran')", "utf-8")
    with pytest.raises(ModelLoadError, match=f"auto_map in {file}.*florence-community"):
        comparators.load("florence-2", folder)


def test_weights_that_are_missing_or_damaged(tmp_path: Path) -> None:
    folder = saved("grounding-dino", tmp_path)
    file = tmp_path / "model.safetensors"
    whole = file.read_bytes()
    weights = load_file(file)
    name = next(name for name in weights if "text_projection" in name)
    save_file(
        {key: value for key, value in weights.items() if key != name},
        file,
        metadata={"format": "pt"},
    )
    with pytest.raises(ModelLoadError, match=name):
        comparators.load("grounding-dino", folder)
    save_file(weights | {name: weights[name] * torch.nan}, file, metadata={"format": "pt"})
    with pytest.raises(ModelLoadError, match="no numbers"):
        comparators.load("grounding-dino", folder)
    file.write_bytes(whole[:-100])
    with pytest.raises(ModelLoadError, match="cut off"):
        comparators.load("grounding-dino", folder)
