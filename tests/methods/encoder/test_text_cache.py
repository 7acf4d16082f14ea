"""Embeddings under many templates are made once, kept whole, and never believed blindly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vlmscope as vs
from dual_families import WORDS, clip, vit
from vlmscope.data.datasets import WordList
from vlmscope.errors import VlmscopeWarning
from vlmscope.evaluation.words.vocabulary import Vocabulary
from vlmscope.methods import segmenter
from vlmscope.methods.encoder import phrase_embeddings
from vlmscope.methods.encoder.text_cache import kept_embeddings, texts_folder
from vlmscope.models import DualEncoder
from vlmscope.models.encoders.given_texts import GivenTexts
from vlmscope.models.encoders.recent_texts import RecentTexts
from vlmscope.models.encoders.text_table import TextTable

IMAGE = np.random.default_rng(0).integers(0, 255, (40, 64, 3)).astype(np.uint8)
PHRASES = ["dog", "red cat", "bus {}", "sky"]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("VLMSCOPE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "texts"


def fresh(dtype: torch.dtype = torch.float32, revision: str = "sha256:abc") -> DualEncoder:
    """The same weights each time, as another process loads them: nothing is remembered."""
    model = clip()
    model.hf.to(dtype)
    return replace(model, revision=revision, _texts=RecentTexts())


class Counted:
    """Texts that the tower embeds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, model: DualEncoder) -> None:
        self.texts = 0
        inner = model.family.embed_text

        def counted(hf: Any, processor: Any, texts: Any) -> Any:
            self.texts += len(texts)
            return inner(hf, processor, texts)

        monkeypatch.setattr(model.family, "embed_text", counted)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_kept_is_equal_to_the_bit(
    monkeypatch: pytest.MonkeyPatch, home: Path, dtype: torch.dtype
) -> None:
    plain = phrase_embeddings(fresh(dtype), PHRASES, "imagenet")
    first = kept_embeddings(fresh(dtype), PHRASES, "imagenet")
    [file] = home.iterdir()
    again = fresh(dtype)
    counted = Counted(monkeypatch, again)
    second = kept_embeddings(again, PHRASES, "imagenet")
    assert counted.texts == 1  # the one that tells whether the weights are the same
    assert first.dtype == second.dtype == plain.dtype
    assert torch.equal(plain, first) and torch.equal(plain, second)
    assert texts_folder() == home and file.suffix == ".safetensors"
    assert not again._texts  # 80 vectors a phrase are not remembered


def test_a_phrase_twice_is_one(home: Path) -> None:
    found = kept_embeddings(fresh(), ["dog", "bus", "dog"], "imagenet")
    assert torch.equal(found[0], found[2])
    assert torch.equal(found[:2], kept_embeddings(fresh(), ["dog", "bus"], "imagenet"))
    assert len(list(home.iterdir())) == 1


def test_everything_that_decides_is_in_the_digest(home: Path) -> None:
    kept_embeddings(fresh(), PHRASES, "imagenet")
    kept_embeddings(fresh(revision="sha256:def"), PHRASES, "imagenet")
    kept_embeddings(fresh(torch.bfloat16), PHRASES, "imagenet")
    kept_embeddings(fresh(), PHRASES[::-1], "imagenet")
    assert len(list(home.iterdir())) == 4


def test_what_is_not_worth_it_or_not_known_is_not_kept(home: Path) -> None:
    kept_embeddings(fresh(), PHRASES, "photo")
    kept_embeddings(fresh(), PHRASES, "imagenet", keep=False)
    kept_embeddings(replace(fresh(), revision=None), PHRASES, "imagenet")
    kept_embeddings(replace(vit(), revision="sha256:abc"), ["zebra"], "imagenet")
    assert not home.exists()


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-7])


def _emptied(file: Path) -> None:
    file.write_bytes(b"")


def _of_another_model(file: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(file)
    tensors["probe"] = tensors["probe"].roll(1)
    save_file(tensors, file)


def _too_few(file: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(file)
    save_file({**tensors, "vectors": tensors["vectors"][1:].clone()}, file)


def _not_numbers(file: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(file)
    tensors["vectors"][0, 0] = torch.nan
    save_file(tensors, file)


def _renamed(file: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_file({"text": load_file(file)["vectors"]}, file)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (_cut, "cannot be read"),
        (_emptied, "cannot be read"),
        (_of_another_model, "weights were changed"),
        (_too_few, r"holds \(3, 24\)"),
        (_not_numbers, "no numbers"),
        (_renamed, "it holds text, not vectors and probe"),
    ],
)
def test_a_damaged_file_is_made_anew_and_said(home: Path, harm: Any, reason: str) -> None:
    whole = kept_embeddings(fresh(), PHRASES, "imagenet")
    [file] = home.iterdir()
    before = file.read_bytes()
    harm(file)
    with pytest.warns(VlmscopeWarning, match=f"made anew.*{reason}"):
        found = kept_embeddings(fresh(), PHRASES, "imagenet")
    assert torch.equal(found, whole)
    assert file.read_bytes() == before


def test_weights_that_were_changed_in_memory_are_noticed(home: Path) -> None:
    kept_embeddings(fresh(), PHRASES, "imagenet")
    changed = fresh()
    with torch.no_grad():
        changed.hf.text_projection.weight.mul_(torch.linspace(0.9, 1.1, 24)[:, None])
    with pytest.warns(VlmscopeWarning, match="weights were changed"):
        found = kept_embeddings(changed, PHRASES, "imagenet")
    assert torch.equal(
        found, phrase_embeddings(replace(changed, _texts=RecentTexts()), PHRASES, "imagenet")
    )


def test_a_place_that_cannot_be_written_is_said(home: Path) -> None:
    home.parent.mkdir(parents=True)
    home.write_text("a file where the folder would be")
    with pytest.warns(VlmscopeWarning, match="not kept for later calls"):
        found = kept_embeddings(fresh(), PHRASES, "imagenet")
    assert torch.equal(found, phrase_embeddings(fresh(), PHRASES, "imagenet"))


def test_segment_and_eval_share_what_is_kept(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    segmenter(fresh(), PHRASES, "clip", templates="imagenet", text_cache=False)
    assert not home.exists()
    ready = segmenter(fresh(), PHRASES, "clip", templates="imagenet")
    model = fresh()
    words = Vocabulary.of(model, WordList.plain(PHRASES, "four"))
    counted = Counted(monkeypatch, model)
    assert torch.equal(words.embed(words.concepts, "imagenet"), ready.text)
    assert counted.texts == 1
    assert vs.segment(fresh(), _noise(), PHRASES, "clip", templates="imagenet").areas.sum() == 2400


def _noise() -> Any:
    import numpy as np

    return np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)


def many(count: int = 256) -> list[str]:
    """Different phrases of words that the tower knows."""
    return [f"{one} {other}" for one in WORDS[9:25] for other in WORDS[9:25]][:count]


def test_ground_keeps_many_phrases_and_reads_them_again(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    plain = vs.ground(fresh(), IMAGE, many(), method="maskclip", text_cache=False)
    assert not home.exists()
    first = vs.ground(fresh(), IMAGE, many(), method="maskclip")
    [file] = home.iterdir()
    again = fresh()
    counted = Counted(monkeypatch, again)
    second = vs.ground(again, IMAGE, many(), method="maskclip")
    assert counted.texts == 1 and list(home.iterdir()) == [file]
    for one, other, last in zip(plain, first, second, strict=True):
        assert np.array_equal(one.score_map, other.score_map)
        assert np.array_equal(one.score_map, last.score_map)


def test_ground_keeps_no_file_for_a_few_phrases(home: Path) -> None:
    vs.ground(fresh(), IMAGE, many(255), method="maskclip")
    vs.ground(fresh(), IMAGE, many(3), method="maskclip", templates="imagenet")
    assert not home.exists()
    vs.ground(fresh(), IMAGE, many(4), method="maskclip", templates="imagenet")
    assert len(list(home.iterdir())) == 1


def test_given_embeddings_are_not_kept(home: Path) -> None:
    table = TextTable.of({phrase: torch.randn(24) for phrase in many()})
    given = replace(fresh(), family=GivenTexts(fresh().family, table))
    kept_embeddings(given, many(), "photo")
    assert not home.exists()
