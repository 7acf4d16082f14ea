"""Models as users hold them: wrapped, adapted, headless, or only a name."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from torch import nn
from transformers import AutoModel

import dual_families
import vlmscope as vs
from families import llava
from lvlms import made
from sams import tiny_sam
from vlmscope.doctor.footprint import footprint
from vlmscope.errors import BadOptionError, ModelLoadError, UnsupportedError
from vlmscope.models import DualEncoder

IMAGE = np.zeros((40, 50, 3), np.uint8)


def saved(folder: Path, model: Any) -> Path:
    model.hf.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return folder


# -- wrapped for training --------------------------------------------------------------------


class DistributedDataParallel(nn.Module):
    """Of torch's name; the real one asks for a group of processes."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module


@pytest.mark.parametrize("wrap", [nn.DataParallel, DistributedDataParallel])
@pytest.mark.parametrize("build", [llava, dual_families.clip])
def test_parallel_wrappers_name_what_is_inside(wrap: Any, build: Callable[[], Any]) -> None:
    model = build()
    with pytest.raises(UnsupportedError, match=r"model\.module"):
        vs.from_pretrained_model(wrap(model.hf), model.processor)
    vs.from_pretrained_model(wrap(model.hf).module, model.processor)


@pytest.fixture
def adapted(monkeypatch: pytest.MonkeyPatch) -> type[nn.Linear]:
    """A layer as peft puts it into models: all that is known of it is where its class comes from."""
    module = ModuleType("peft.tuners.lora.layer")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return type("Linear", (nn.Linear,), {"__module__": module.__name__})


@pytest.mark.parametrize("build", [llava, dual_families.siglip])
def test_adapters_that_are_not_merged(build: Callable[[], Any], adapted: type[nn.Linear]) -> None:
    model = build()
    parent = next(each for each in model.hf.modules() if hasattr(each, "q_proj"))
    plain = parent.q_proj
    parent.q_proj = adapted(plain.in_features, plain.out_features)
    with pytest.raises(UnsupportedError, match=r"merge_and_unload\(\)"):
        vs.from_pretrained_model(model.hf, model.processor)
    parent.q_proj = plain
    model.hf.peft_config = {}  # what merging may leave behind
    vs.from_pretrained_model(model.hf, model.processor)


# -- adapters in folders ---------------------------------------------------------------------

ADAPTER = {"peft_type": "LORA", "base_model_name_or_path": "llava-hf/llava-1.5-7b-hf"}


@pytest.mark.parametrize("door", [vs.load, footprint, vs.load_sam])
@pytest.mark.parametrize("beside", ["nothing", "llava", "sam"])
def test_a_folder_with_an_adapter(beside: str, door: Callable[[str], Any], tmp_path: Path) -> None:
    if beside == "llava":
        saved(tmp_path, llava())
    if beside == "sam":
        for part in tiny_sam():
            part.save_pretrained(tmp_path)
    (tmp_path / "adapter_config.json").write_text(json.dumps(ADAPTER))
    with pytest.raises(ModelLoadError, match=r"'llava-hf/llava-1\.5-7b-hf'.*merge_and_unload\(\)"):
        door(str(tmp_path))


@pytest.mark.parametrize("text", ["", "[]", '{"base_model_name_or_path": 3}', "[" * 100_000])
def test_a_damaged_adapter_is_one_too(text: str, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(text)
    with pytest.raises(ModelLoadError, match=r"adapter.*its base model.*merge_and_unload\(\)"):
        vs.load(str(tmp_path))


# -- without a head --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["llava", "qwen2-vl", "paligemma"])
def test_the_trunk_of_a_model_that_answers(name: str) -> None:
    model = made(name)
    with pytest.raises(UnsupportedError, match=r"without its head.*AutoModelForImageTextToText"):
        vs.from_pretrained_model(model.hf.model, model.processor)


def test_another_model_of_the_same_type() -> None:
    model = dual_families.blip()
    other = AutoModel.from_config(model.hf.config)  # BlipModel: no retrieval head
    with pytest.raises(UnsupportedError, match="BlipForImageTextRetrieval"):
        vs.from_pretrained_model(other, model.processor)


# -- in place of a model ---------------------------------------------------------------------


@pytest.mark.parametrize("door", [vs.load, vs.load_sam, footprint])
@pytest.mark.parametrize("name", [None, "", "  ", 7])
def test_no_name(door: Callable[[Any], Any], name: Any) -> None:
    with pytest.raises(BadOptionError, match="A model is named by"):
        door(name)


def test_a_path_is_a_name(tmp_path: Path) -> None:
    model = vs.load(saved(tmp_path, dual_families.clip()))  # type: ignore[arg-type]
    assert isinstance(model, DualEncoder)
    assert model.id == str(tmp_path)


def enter(context: Any) -> None:
    with context:
        pass


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "attention_flow": lambda model: vs.attention_flow(model, []),
    "capture": lambda model: enter(vs.capture(model)),
    "compare_answer": lambda model: vs.compare_answer(model, IMAGE, "a dog"),
    "compare_methods": lambda model: vs.compare_methods(model, IMAGE, ["a dog"]),
    "compress_context": lambda model: vs.compress_context(model, IMAGE),
    "discover_heads": lambda model: vs.discover_heads(model, []),
    "faithfulness": lambda model: vs.faithfulness(model, []),
    "generate": lambda model: vs.generate(model, IMAGE, "a dog"),
    "ground": lambda model: vs.ground(model, IMAGE, "a dog"),
    "ground_clip": lambda model: vs.ground_clip(model, [IMAGE], "a dog"),
    "ground_pictures": lambda model: vs.ground_pictures(model, [IMAGE, IMAGE], "a dog"),
    "grounder": lambda model: vs.grounder(model, "a dog"),
    "hallucination": lambda model: vs.hallucination(model, None),  # type: ignore[arg-type]
    "knockout": lambda model: enter(vs.knockout(model, edges=[("image", "query")], layers=[1])),
    "knockout_sweep": lambda model: vs.knockout_sweep(model, []),
    "lighten": lambda model: enter(vs.lighten(model, 1)),
    "lighten_sweep": lambda model: vs.lighten_sweep(model, []),
    "parts": lambda model: vs.parts(model, IMAGE),
    "prefill": lambda model: vs.prefill(model, IMAGE, "a dog"),
    "prompt_ablation": lambda model: vs.prompt_ablation(model, []),
    "segment": lambda model: vs.segment(model, IMAGE, ["a dog", "sky"]),
    "steer": lambda model: enter(vs.steer(model, [(0, 0)], (0, 0, 9, 9))),
    "steered_answer": lambda model: vs.steered_answer(model, IMAGE, "What is it?", (0, 0, 9, 9)),
    "steering_trial": lambda model: vs.steering_trial(model, []),
    "token_grounding": lambda model: vs.token_grounding(model, IMAGE, "What is it?"),
    "token_map": lambda model: vs.token_map(model, IMAGE, "a dog"),
    "verify_heads": lambda model: vs.verify_heads(model, [(1, 2)], []),
    "vision_tower": lambda model: vs.vision_tower(model, "tiny-clip"),
}


def test_every_public_function_that_takes_a_model_is_tried() -> None:
    import inspect

    takes = {
        name
        for name in vs.__all__
        if inspect.isfunction(getattr(vs, name))
        and next(iter(inspect.signature(getattr(vs, name)).parameters), "") == "model"
    }
    # each process of label loads the model by itself, so that it is given the name
    assert takes - {"label"} == set(FUNCTIONS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_stands_in_place_of_a_model(function: str) -> None:
    call = FUNCTIONS[function]
    with pytest.raises(BadOptionError, match=r"vs\.load\('tiny-llava'\)"):
        call("tiny-llava")
    with pytest.raises(BadOptionError, match=r"vs\.from_pretrained_model\(model, processor\)"):
        call(nn.Linear(1, 1))
    with pytest.raises(BadOptionError, match=r"got NoneType: vs\.load"):
        call(None)
