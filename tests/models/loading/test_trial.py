"""A processor whose settings cannot work is refused when it is loaded, not in the middle of a job."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from vlmscope.doctor.footprint import footprint
from vlmscope.errors import ModelLoadError, ModelMismatchError, VlmscopeError
from vlmscope.models.loading.refusals import explained, fault_of
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


@pytest.mark.parametrize("name", ["preprocessor_config.json", "processor_config.json"])
def test_settings_that_are_not_there_are_said_in_our_own_words(name: str, tmp_path: Path) -> None:
    folder = copy("tiny-llava", tmp_path / "model")
    for file in folder.glob("*processor_config.json"):
        file.unlink() if file.name == name else file.write_text("{}")
    texts = list(footprint(str(folder)).faults)
    with pytest.raises(VlmscopeError) as caught:
        vs.load(str(folder))
    for text in (*texts, str(caught.value)):
        assert "huggingface.co" not in text and "local directory" not in text


@pytest.mark.parametrize(
    "text",
    [
        "Can't load image processor for 'model'. If you were trying to load it from 'https://huggingface."
        "co/models', make sure you don't have a local directory with the same name. Otherwise, make sure "
        "'model' is the correct path to a directory containing a preprocessor_config.json file",
        "Can't load tokenizer for 'a'. make sure you don't have a local directory with the same name.",
    ],
)
def test_advice_to_programmers_becomes_a_clause(text: str) -> None:
    clause = fault_of(OSError(text))
    assert clause.endswith("is missing or damaged; fetch the checkpoint again")
    assert ("preprocessor_config.json" in text) == clause.startswith("preprocessor_config.json")


@pytest.mark.parametrize("model", ["tiny-clip", "tiny-llava"])
def test_a_panic_of_the_tokenizer_is_a_refusal(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        """As pyo3 names what Rust raises."""

    def panic(*words: Any) -> None:
        raise PanicException("no entry found for key")

    monkeypatch.setattr("vlmscope.models.loading.trial._use", panic)
    with pytest.raises(ModelLoadError, match="no entry found for key"):
        vs.load(model)
    with pytest.raises(ModelLoadError, match="no entry found for key"), explained("a"):
        panic()
    with pytest.raises(KeyboardInterrupt), explained("a"):
        raise KeyboardInterrupt


@pytest.mark.parametrize(("model", "word"), [("tiny-llava", "right"), ("tiny-clip", "circle")])
def test_an_id_that_the_model_does_not_embed_is_refused(
    model: str, word: str, tmp_path: Path
) -> None:
    folder = copy(model, tmp_path / "model")
    record = json.loads((folder / "tokenizer.json").read_text())
    assert word in record["model"]["vocab"]
    record["model"]["vocab"][word] = 5_000
    (folder / "tokenizer.json").write_text(json.dumps(record))
    with pytest.raises(ModelMismatchError, match=rf"'{word}' the id 5000, and the model embeds"):
        vs.load(str(folder))


@pytest.mark.parametrize("model", ["tiny-clip", "tiny-llava"])
@pytest.mark.parametrize("token", ["", "no such token"])
def test_an_unknown_token_that_does_not_exist_never_comes_up_in_use(
    model: str, token: str, tmp_path: Path
) -> None:
    """transformers looks it up without end; that is said while the model is loaded, or is no matter."""
    folder = copy(model, tmp_path / "model")
    change(folder / "tokenizer_config.json", unk_token=token)
    try:
        loaded = vs.load(str(folder))
    except (ModelLoadError, ModelMismatchError) as error:
        assert "fetch its *_config.json" in str(error) or "Load the processor" in str(error)
    else:
        picture = np.full((40, 60, 3), 90, np.uint8)
        assert vs.ground(loaded, picture, "a zebra", heads=None).phrase == "a zebra"
