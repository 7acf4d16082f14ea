"""``models``, ``methods`` and ``doctor``: what is there, what works, what a model needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vlmscope.cli import health
from vlmscope.methods import methods
from vlmscope.models import catalogue


def test_models(run: Any) -> None:
    result = run("models")
    assert result.code == 0
    assert [line.split()[0] for line in result.out.splitlines()[1:]] == [c.id for c in catalogue()]
    listed = json.loads(run("models", "--json").out)
    assert [each["id"] for each in listed] == [card.id for card in catalogue()]
    assert listed[0]["embedded"] is True


def test_methods(run: Any) -> None:
    listed = json.loads(run("methods", "--json").out)
    assert [each["id"] for each in listed] == [method.id for method in methods()]
    one = json.loads(run("methods", "localization-heads", "--json").out)
    options = {each["option"]: each for each in one["options"]}
    assert options["sigma"]["default"] == 1.0
    assert all(each["help"] for each in options.values())
    assert "sigma" in run("methods", "localization-heads").out


def test_unknown_method(refused: Any) -> None:
    refused(["methods", "localisation-heads"], "'localization-heads'")


def test_every_option_of_every_method_has_a_place_on_the_command_line(run: Any) -> None:
    for method in methods():
        text = run("ground", "--method", method.id, "--help").out
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
    facts = json.loads(run("doctor", checkpoint, "--json").out)
    from safetensors import safe_open

    with safe_open(checkpoint / "model.safetensors", "pt") as weights:
        shapes = [weights.get_slice(name).get_shape() for name in weights.keys()]  # noqa: SIM118
    count = sum(int(torch_size(shape)) for shape in shapes)
    assert facts["model"]["type"] == "llava"
    assert facts["model"]["parameters"] == count
    assert facts["model"]["weights"]["bfloat16"] == 2 * count
    assert f"{count:,}" in run("doctor", checkpoint).out


def torch_size(shape: list[int]) -> int:
    total = 1
    for side in shape:
        total *= side
    return total


def test_doctor_of_a_model_that_is_not_there(refused: Any, tmp_path: Path) -> None:
    refused(["doctor", tmp_path], "cannot be read", "config.json")
    refused(["doctor", "nobody/nothing"], "nobody/nothing", "cannot be read")


def test_extras_match_the_project_file() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    declared = set(project["project"]["optional-dependencies"]) - {"all", "dev"}
    assert declared == set(health.EXTRAS)
