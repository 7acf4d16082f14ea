"""Heads from images alone: captions by the model, phrases out of captions, each image encoded once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vlmscope as vs
from vlmscope.attention import SharedPrefix, generate, prefix
from vlmscope.data.noun_phrases import noun_phrases
from vlmscope.errors import BadOptionError, BadSampleError
from vlmscope.heads import DiscoveryOptions
from vlmscope.heads.captions import QUESTION, CaptionedImages
from vlmscope.models import LoadedModel
from vlmscope.tiny import referring_samples
from vlmscope.tiny.world.splits import SELECT

FEW = DiscoveryOptions(trials=2, draw=1.0, resamples=20)


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return vs.load("tiny-llava")


@pytest.fixture(scope="module")
def scenes() -> list[np.ndarray]:
    return [sample.image for sample in referring_samples(SELECT[:6])]


@pytest.fixture(scope="module")
def captions(model: LoadedModel, scenes: list[np.ndarray]) -> list[str]:
    """What the plain way answers."""
    return [
        generate(model, each, QUESTION, max_new_tokens=64, preset="paper").text for each in scenes
    ]


def test_the_phrases_are_those_of_the_captions(
    model: LoadedModel, scenes: list[np.ndarray], captions: list[str]
) -> None:
    found = vs.discover_heads(
        model, images=scenes, options=DiscoveryOptions(trials=2, preset="paper"), progress=False
    )
    pairs = [(s, p) for s, text in zip(scenes, captions, strict=True) for p in noun_phrases(text)]
    given = vs.discover_heads(
        model, pairs, DiscoveryOptions(trials=2, preset="paper"), progress=False
    )
    assert len(pairs) > len(scenes)
    assert found.sample_ids == given.sample_ids and found.heads == given.heads
    assert [row.head for row in found.frequencies] == [row.head for row in given.frequencies]
    assert found.sums == pytest.approx(given.sums, abs=1e-6)
    # the set says where its phrases come from, and what that is worth
    assert found.options["phrases"] == "the model's own captions"
    assert "checked against nothing" in found.notes and "phrases" not in given.options


def test_an_image_is_encoded_once_for_caption_and_phrases(
    model: LoadedModel, scenes: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = 0
    real = prefix._fill_empty

    def counted(active: Any, prefixes: list[SharedPrefix], *given: Any) -> None:
        nonlocal filled
        filled += len(prefixes)
        real(active, prefixes, *given)

    monkeypatch.setattr(prefix, "_fill_empty", counted)
    vs.discover_heads(model, images=scenes, options=FEW, progress=False)
    assert filled == len(scenes)


def test_images_without_a_phrase_and_unreadable_ones_are_skipped_and_said(
    model: LoadedModel, scenes: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn = tmp_path / "torn.png"
    torn.write_bytes(b"")
    real = SharedPrefix.answer
    said = iter(["zero", None, None])

    def answer(self: SharedPrefix, *given: Any) -> str:
        word = next(said)
        return real(self, *given) if word is None else word

    monkeypatch.setattr(SharedPrefix, "answer", answer)
    found = vs.discover_heads(
        model, images=[scenes[0], torn, *scenes[1:3]], options=FEW, progress=False
    )
    assert len(found.skipped) == 2
    assert "its caption holds no noun: 'zero'" in found.skipped[0]
    assert "0 bytes" in found.skipped[1]
    assert found.samples > 0


def test_no_image_that_gives_a_phrase(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SharedPrefix, "answer", lambda *_: "yes")
    images = [np.full((30, 40, 3), 90, np.uint8)]
    with pytest.raises(BadSampleError, match=r"None of 1 images gave a phrase.*no noun: 'yes'"):
        vs.discover_heads(model, images=images, options=FEW, progress=False)
    with pytest.raises(BadSampleError, match="None of 0 images"):
        vs.discover_heads(model, images=[], options=FEW, progress=False)


def test_a_result_of_such_heads_says_that_nothing_checked_them(
    model: LoadedModel, scenes: list[np.ndarray]
) -> None:
    found = vs.discover_heads(model, images=scenes[:3], options=FEW, progress=False)
    warned = vs.ground(model, scenes[0], "the circle", heads=found)
    assert any("own captions" in text and "heads verify" in text for text in warned.warnings)
    samples = list(referring_samples(SELECT[10:14]))
    verified = vs.verify_heads(model, found, samples, progress=False)
    calm = vs.ground(model, scenes[0], "the circle", heads=verified)
    assert not any("own captions" in text for text in calm.warnings)


def test_one_source_and_not_two(model: LoadedModel) -> None:
    with pytest.raises(BadOptionError, match="got neither"):
        vs.discover_heads(model)
    with pytest.raises(BadOptionError, match="got both"):
        vs.discover_heads(model, [], images=[])


def test_captions_are_not_written_twice(
    model: LoadedModel, scenes: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state.jsonl"
    first = vs.discover_heads(model, images=scenes[:3], options=FEW, progress=False, resume=state)
    monkeypatch.setattr(SharedPrefix, "answer", lambda *_: pytest.fail("written twice"))
    again = vs.discover_heads(model, images=scenes[:3], options=FEW, progress=False, resume=state)
    assert again == first


def test_two_prefixes_at_most_are_kept(model: LoadedModel, scenes: list[np.ndarray]) -> None:
    from vlmscope.data.resume import SampleLog

    source = CaptionedImages(model, scenes, SampleLog(None, {}), "paper", None)
    for _ in source:
        assert len(source._prefixes) <= 2


# the command


def test_the_command_keeps_what_it_finds(
    scenes: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from vlmscope.cli import main

    monkeypatch.setenv("VLMSCOPE_HOME", str(tmp_path / "home"))
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, pixels in enumerate(scenes[:4]):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (folder / "torn.png").write_bytes(b"")
    words = ["heads", "discover", "tiny-llava", "--images", str(folder), "--trials", "2"]
    assert main([*words, "--json"]) == 1
    captured = capsys.readouterr()
    record = json.loads(captured.out)
    assert "torn.png" in captured.err and "kept as" in captured.err
    [kept] = (tmp_path / "home/heads").iterdir()
    assert json.loads(kept.read_text())["heads"] == record["heads"]
    kept.unlink()
    assert main([*words, "--no-keep", "--quiet"]) == 1
    assert not list((tmp_path / "home/heads").iterdir())
    assert main([*words, "--samples", "tiny-scenes:2"]) == 2
    assert "two sources" in capsys.readouterr().err
    assert main(["heads", "discover", "tiny-clip", "--images", str(folder)]) == 2
    assert "no text decoder" in capsys.readouterr().err


def test_evidence_is_kept_with_the_heads_and_found_by_later_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from vlmscope.cli import main
    from vlmscope.heads.kept import kept_for

    monkeypatch.setenv("VLMSCOPE_HOME", str(tmp_path / "home"))
    tiny = vs.load("tiny-llava")
    heads = vs.discover_heads(
        tiny, images=[s.image for s in referring_samples(SELECT[:3])], options=FEW, progress=False
    )
    heads.save(tmp_path / "heads.json")
    words = ["heads", "verify", str(tmp_path / "heads.json"), "--samples", "tiny-scenes:8"]
    assert main(words) in (0, 1) and kept_for(tiny) is None
    assert "Not saved" in capsys.readouterr().err
    assert main([*words, "--keep"]) in (0, 1)
    assert "kept as" in capsys.readouterr().err
    kept = kept_for(tiny)
    assert kept is not None and kept.evidence is not None and kept.heads == heads.heads
