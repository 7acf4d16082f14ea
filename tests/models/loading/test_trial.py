"""A processor whose settings cannot work is refused when it is loaded, not in the middle of a job."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vlmscope as vs
from vlmscope.doctor.footprint import footprint
from vlmscope.errors import ModelLoadError
from vlmscope.models.loading.trial import try_processor
from vlmscope.tiny import embedded_path

Change = Callable[[dict[str, Any]], None]


def copy(model: str, folder: Path) -> Path:
    shutil.copytree(embedded_path(model), folder)
    return folder


def change(file: Path, **settings: Any) -> None:
    record = json.loads(file.read_text())
    holder = record.get("image_processor", record)
    holder.update(settings)
    file.write_text(json.dumps(record))


@pytest.mark.parametrize("model", ["tiny-clip", "tiny-llava"])
@pytest.mark.parametrize(
    "settings",
    [
        {"image_mean": [0.5, 0.5]},
        {"image_std": [1.0, 1.0, 1.0, 1.0]},
        {"image_mean": {"red": 0.5}},
    ],
    ids=["two means", "four deviations", "a mean by name"],
)
def test_settings_that_no_picture_can_pass(
    model: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    folder = copy(model, tmp_path / "model")
    for name in ("preprocessor_config.json", "processor_config.json"):
        change(folder / name, **settings)
    with pytest.raises(ModelLoadError):
        vs.load(str(folder))


def test_what_the_processor_stumbles_over_is_said(tmp_path: Path) -> None:
    model = vs.load("tiny-llava")
    model.processor.image_processor.image_mean = [0.5]
    with pytest.raises(ModelLoadError, match=r"fails on a blank picture and a word \(mean must"):
        try_processor(model)


def test_sound_models_pass_and_nothing_is_kept_of_the_trial() -> None:
    encoder = vs.load("tiny-clip")
    try_processor(encoder)
    assert not encoder._texts  # a text read alone may differ in the last bit from one in a batch
    try_processor(vs.load("tiny-llava"))


@pytest.mark.parametrize("token", [3, 1.5, ["a"]], ids=repr)
def test_doctor_says_what_is_wrong_with_a_tokenizer(token: Any, tmp_path: Path) -> None:
    folder = copy("tiny-llava", tmp_path / "model")
    change(folder / "tokenizer_config.json", pad_token=token)
    assert any("processor" in fault for fault in footprint(str(folder)).faults)
    with pytest.raises(ModelLoadError):
        vs.load(str(folder))


def test_doctor_says_what_is_wrong_with_a_tokenizer_that_is_damaged(tmp_path: Path) -> None:
    folder = copy("tiny-llava", tmp_path / "model")
    record = json.loads((folder / "tokenizer.json").read_text())
    record["post_processor"] = {"type": "Nonsense"}
    (folder / "tokenizer.json").write_text(json.dumps(record))
    [fault] = footprint(str(folder)).faults
    assert "processor of" in fault
