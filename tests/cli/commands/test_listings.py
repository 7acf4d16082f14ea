"""``models``, ``methods`` and ``doctor``: what is there, what works, what a model needs."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel

import vlmscope as vs
from vlmscope.doctor import health
from vlmscope.methods import methods
from vlmscope.methods.encoder import DenseMethod
from vlmscope.models import FAMILIES, catalogue
from vlmscope.models.families import UNAVAILABLE
from vlmscope.tiny import EMBEDDED


def test_models(run: Any) -> None:
    """Every known checkpoint under a family, every family with what it can and cannot do."""
    listed = json.loads(run("models", "--json").out)
    families = {each["id"]: each for each in listed["families"]}
    assert set(families) == {family.id for family in FAMILIES}
    shown = {card["id"]: card for each in listed["families"] for card in each["checkpoints"]}
    assert set(shown) == {card.id for card in catalogue()}
    assert shown["tiny-llava"]["embedded"] is True
    assert families["llava"]["limits"] == list(FAMILIES.for_model_type("llava", "").limits)
    assert families["llava"]["presets"] == ["paper", "chat"]
    assert families["clip"]["kind"] == "encoder"
    assert set(listed["unavailable"]) == {"Mini-Gemini"}


def test_models_as_text(run: Any) -> None:
    result = run("models")
    assert result.code == 0
    first = [line.split()[0] for line in result.out.splitlines() if line]
    assert set(first[1:4]) == set(EMBEDDED) and first[1] == "tiny-llava"
    assert {card.id for card in catalogue()} | {family.id for family in FAMILIES} <= set(first)
    assert "vlmscope models --family FAMILY" in result.err
    assert f"Mini-Gemini {UNAVAILABLE['Mini-Gemini']}." in result.out


@pytest.mark.parametrize("id", [family.id for family in FAMILIES if getattr(family, "limits", ())])
def test_all_that_a_family_cannot_do_is_said_of_it(run: Any, id: str) -> None:
    said = run("models", "--family", id).out
    assert all(limit in said for limit in FAMILIES.get(id).limits)


def test_one_family(run: Any, refused: Any) -> None:
    result = run("models", "--family", "llava")
    assert "llava-hf/llava-1.5-7b-hf" in result.out
    assert "openai/clip" not in result.out
    assert json.loads(run("models", "--family", "llava", "--json").out)["model_types"] == ["llava"]
    refused(["models", "--family", "llavva"], "'llava'")


def test_a_family_whose_images_torchvision_prepares_says_so(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    need = "torchvision, the build that belongs to your torch"
    assert json.loads(run("models", "--family", "janus", "--json").out)["needs"] == []
    monkeypatch.setattr(type(FAMILIES.get("janus")), "torchvision", True)
    assert need in run("models", "--family", "janus").out
    assert [line for line in run("models").out.splitlines() if "janus" in line and need in line]
    assert json.loads(run("models", "--family", "janus", "--json").out)["needs"] == [need]


def test_every_family_has_a_known_checkpoint() -> None:
    # DeiT's own checkpoints are of type vit
    assert {card.family for card in catalogue()} | {"deit"} == {family.id for family in FAMILIES}


def test_methods(run: Any) -> None:
    listed = json.loads(run("methods", "--json").out)
    assert [each["id"] for each in listed] == [method.id for method in methods()]
    one = json.loads(run("methods", "localization-heads", "--json").out)
    options = {each["option"]: each for each in one["options"]}
    assert options["sigma"]["default"] == 1.0
    assert all(each["help"] for each in options.values())
    assert options["threshold"]["choices"] == ["mean", "mean-all", "otsu", "max-share"]
    assert options["sigma"]["choices"] == []
    assert "sigma" in run("methods", "localization-heads").out


def test_words_that_an_option_takes_are_listed(run: Any) -> None:
    shown = {line.split()[0]: line for line in run("methods", "gem").out.splitlines()}
    assert shown["projections"].endswith("One of: qkv, qk, kv, qv, q, k, v")
    assert shown["keep_ratio"].split()[1] == "yes"  # as --help has it


def test_unknown_method(refused: Any) -> None:
    refused(["methods", "localisation-heads"], "'localization-heads'")


def test_every_option_of_every_method_has_a_place_on_the_command_line(run: Any) -> None:
    for method in methods():
        text = run("ground", "--method", method.id, "--help").out
        if isinstance(method, DenseMethod):  # what compares classes has its place where they are
            text += run("segment", "--method", method.id, "--help").out
        listed = json.loads(run("methods", method.id, "--json").out)["options"]
        for option in listed:
            assert f"--{option['option'].replace('_', '-')}" in text


def test_doctor_says_what_is_there(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_weights", list)
    result = run("doctor", "--json")
    facts = json.loads(result.out)
    assert result.code == 0
    assert facts["problems"] == []
    assert facts["versions"]["torch"]
    assert {each["extra"] for each in facts["extras"]} == set(health.EXTRAS)
    assert facts["kernels"]["sdpa"] is True
    assert facts["model"] is None
    assert "pip install 'vlmscope[coco]'" in run("doctor").out


def test_doctor_finds_problems(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = health._version

    def version(name: str) -> str | None:
        return {"transformers": "5.6.1", "scipy": None}.get(name, real(name))

    monkeypatch.setattr(health, "_version", version)
    result = run("doctor")
    assert result.code == 1
    assert "scipy is not installed" in result.out
    assert "transformers is 5.6.1" in result.out


def test_doctor_counts_a_models_parameters(run: Any, checkpoint: Path) -> None:
    facts = json.loads(run("doctor", checkpoint, "--json").out)["model"]
    weights = load_file(checkpoint / "model.safetensors")
    count = sum(tensor.numel() for tensor in weights.values())
    assert facts["type"] == "llava"
    assert facts["parameters"] == count
    assert facts["weights"]["bfloat16"] == 2 * count
    assert facts["stored"] == {"F32": count}
    assert facts["stored_bytes"] == sum(each.numel() * 4 for each in weights.values())
    assert facts["fits"] is True
    assert f"{count:,}" in run("doctor", checkpoint).out


def test_doctor_counts_a_picture(run: Any, checkpoint: Path) -> None:
    """Image tokens, positions and cache as a real pass makes them."""
    facts = json.loads(run("doctor", checkpoint, "--json").out)["model"]
    model = vs.load(str(checkpoint))
    picture = facts["picture"]
    pixels = np.zeros((picture["height"], picture["width"], 3), np.uint8)
    out = vs.prefill(model, pixels, "a dog")
    assert picture["image_tokens"] == len(out.token_maps[0].image_positions) == 16
    assert picture["positions"] == len(out.token_maps[0])
    layers = out.cache.layers
    assert picture["cache_bytes"] == sum(4 * (e.keys.numel() + e.values.numel()) for e in layers)
    assert facts["needed_bytes"] == 4 * facts["parameters"] + picture["cache_bytes"]


def test_doctor_says_when_it_does_not_fit(
    run: Any, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "free_memory", lambda: ("cuda:0", 1000))
    monkeypatch.setattr(health, "_weights", list)
    result = run("doctor", checkpoint)
    assert result.code == 1
    assert re.search(r"needs about \d+ KiB and cuda:0 has 1000 bytes free", result.out)
    monkeypatch.setattr(health, "free_memory", lambda: ("cpu", None))
    facts = json.loads(run("doctor", checkpoint, "--json").out)
    assert facts["model"]["fits"] is None
    assert facts["problems"] == []


def test_doctor_of_a_quantised_model(run: Any, checkpoint: Path, tmp_path: Path) -> None:
    """What counts is what is stored, not what the configuration would be in full."""
    folder = Path(shutil.copytree(checkpoint, tmp_path / "quantised"))
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    (folder / "config.json").write_text(json.dumps(config))
    weights = load_file(folder / "model.safetensors")
    save_file({name: w.to(torch.int8) for name, w in weights.items()}, folder / "model.safetensors")
    facts = json.loads(run("doctor", folder, "--json").out)["model"]
    assert facts["quantisation"] == "bitsandbytes 8-bit"
    assert facts["stored"] == {"I8": facts["parameters"]}
    assert facts["needed_bytes"] == facts["parameters"] + facts["picture"]["cache_bytes"]


def test_doctor_without_a_tokenizer(run: Any, checkpoint: Path, tmp_path: Path) -> None:
    """The weights can be told all the same, and why the picture cannot."""
    folder = Path(shutil.copytree(checkpoint, tmp_path / "bare"))
    (folder / "tokenizer.json").unlink()
    facts = json.loads(run("doctor", folder, "--json").out)["model"]
    assert facts["picture"]["image_tokens"] is None
    assert "could not be counted" in facts["picture"]["unknown"]
    assert facts["needed_bytes"] == facts["stored_bytes"]


def test_doctor_of_a_family_that_is_not_covered(run: Any, tmp_path: Path) -> None:
    config = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, vocab_size=10)
    BertModel(config).save_pretrained(tmp_path)
    facts = json.loads(run("doctor", tmp_path, "--json").out)["model"]
    assert facts["stored_bytes"] > 0
    assert "does not cover" in facts["picture"]["unknown"]


def test_doctor_of_an_open_clip_folder(run: Any, tmp_path: Path) -> None:
    (tmp_path / "open_clip_config.json").write_text("{}")
    save_file({"visual.proj": torch.zeros(3, 5)}, tmp_path / "open_clip_model.safetensors")
    facts = json.loads(run("doctor", tmp_path, "--json").out)["model"]
    assert (facts["type"], facts["parameters"], facts["needed_bytes"]) == ("open_clip", 15, 60)


def test_doctor_of_a_model_that_is_not_there(refused: Any, tmp_path: Path) -> None:
    refused(["doctor", tmp_path], "holds no config.json")
    refused(["doctor", "nobody/nothing"], "nobody/nothing", "offline mode is on")


def test_extras_match_the_project_file() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    declared = set(project["project"]["optional-dependencies"]) - {"all", "dev", "docs"}
    assert declared == set(health.EXTRAS)


def test_doctor_finds_that_a_folder_has_no_weights(
    run: Any, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_weights", list)
    folder = Path(shutil.copytree(checkpoint, tmp_path / "bare"))
    (folder / "model.safetensors").unlink()
    result = run("doctor", folder)
    assert result.code == 1
    assert "cannot be loaded: the folder holds no weights" in result.out
    (folder / "pytorch_model.bin").write_bytes(b"")
    assert run("doctor", folder).code == 0
