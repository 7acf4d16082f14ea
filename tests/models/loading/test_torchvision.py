"""Families whose images torchvision prepares: refused in one sentence without it, left alone with it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

from lvlms import made
from vlmscope.doctor.footprint import footprint
from vlmscope.errors import ModelLoadError, UnsupportedError
from vlmscope.models import load
from vlmscope.models.decoders.janus import JanusFamily
from vlmscope.models.loading import processors
from vlmscope.models.loading.outline import load_outline
from vlmscope.models.loading.processors import load_processor
from vlmscope.models.loading.refusals import explained


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("janus")
    made("janus").hf.save_pretrained(folder)
    made("janus").processor.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def needy(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Janus's processor had no Pillow form."""
    monkeypatch.setattr(JanusFamily, "torchvision", True)


def missing(monkeypatch: pytest.MonkeyPatch, here: bool) -> None:
    monkeypatch.setattr("transformers.utils.is_torchvision_available", lambda: here)


@pytest.mark.parametrize("open_model", [load, load_outline], ids=["load", "outline"])
@pytest.mark.usefixtures("needy")
def test_without_it_one_sentence_says_which_to_install(
    folder: str, open_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing(monkeypatch, False)
    with pytest.raises(UnsupportedError) as error:
        open_model(folder)
    said = str(error.value)
    assert f"{folder} is a janus, whose image processor needs torchvision" in said
    assert f"belongs to torch {torch.__version__}" in said and "vlmscope models" in said


@pytest.mark.usefixtures("needy")
def test_doctor_says_it_too(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    missing(monkeypatch, False)
    found = footprint(folder)
    assert "needs torchvision, which is not installed" in found.faults[0]


@pytest.mark.parametrize("keeps", [True, False])
def test_where_it_is_its_own_processor_is_kept(
    folder: str, keeps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for the torchvision one, which AutoProcessor would choose were it installed."""

    class TorchvisionBackend(transformers.JanusImageProcessorPil):
        pass

    real = transformers.JanusProcessor.from_pretrained

    def chosen(*words: Any, **options: Any) -> Any:
        processor = real(*words, **options)
        processor.image_processor = TorchvisionBackend()
        return processor

    monkeypatch.setattr(transformers.JanusProcessor, "from_pretrained", chosen)
    loaded = load_processor(folder, {}, by_torchvision=keeps)
    assert isinstance(loaded.image_processor, TorchvisionBackend) == keeps


def test_families_without_need_never_ask_for_it(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*words: Any) -> None:
        raise AssertionError("asked for torchvision")

    monkeypatch.setattr(processors, "need_torchvision", asked)
    assert load(folder).family.id == "janus"


def test_one_that_cannot_be_imported_is_named() -> None:
    """transformers hides the cause behind a module that could not be imported."""
    cause = RuntimeError("operator torchvision::nms does not exist")
    with pytest.raises(ModelLoadError, match=r"a torchvision is installed .*pip uninstall"):
        with explained("some/model"):
            raise ModuleNotFoundError("Could not import module 'AutoProcessor'.") from cause


def test_a_package_of_another_name_is_still_named() -> None:
    with pytest.raises(ModelLoadError, match="needs a package that is not installed: no flax"):
        with explained("some/model"):
            raise ImportError("no flax")


@pytest.mark.parametrize(
    "here, said",
    [
        ({"timm": False, "torchvision": True}, "not installed: timm. Install"),
        ({"timm": True, "torchvision": False}, "not installed: torchvision. Install"),
        ({"timm": False, "torchvision": False}, "not installed: timm, torchvision. Install"),
    ],
)
@pytest.mark.parametrize("open_model", [load, load_outline], ids=["load", "outline"])
def test_a_tower_of_timm_says_what_of_both_is_missing(
    folder: str,
    open_model: Any,
    here: dict[str, bool],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(JanusFamily, "timm", True)
    for package, installed in here.items():
        monkeypatch.setattr(f"transformers.utils.is_{package}_available", lambda it=installed: it)
    with pytest.raises(UnsupportedError) as error:
        open_model(folder)
    assert f"{folder} is a janus, whose vision tower is one of timm's" in str(error.value)
    assert said in str(error.value) and torch.__version__ in str(error.value)


def test_with_both_a_tower_of_timm_is_loaded(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JanusFamily, "timm", True)
    for package in ("timm", "torchvision"):
        monkeypatch.setattr(f"transformers.utils.is_{package}_available", lambda: True)
    assert load_outline(folder).family.id == "janus"
