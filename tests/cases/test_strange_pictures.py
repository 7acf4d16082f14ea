"""The embedded models know rendered scenes only: every result of theirs on another picture says so."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vlmscope as vs
from dual_families import clip
from families import llava
from vlmscope.analysis.context import compress_context
from vlmscope.analysis.flow import FlowOptions, attention_flow
from vlmscope.analysis.knockout import KnockoutOptions, knockout_sweep
from vlmscope.analysis.prompts import PromptOptions, prompt_ablation
from vlmscope.analysis.tokens import token_grounding
from vlmscope.cli import main
from vlmscope.data.strange_pictures import StrangePictures
from vlmscope.errors import ModelLoadError, VlmscopeWarning
from vlmscope.models import DualEncoder, LoadedModel
from vlmscope.models.cards import ModelCard, read_card
from vlmscope.tiny import render_scene
from vlmscope.tiny.world.splits import HELD_OUT

SCENE = render_scene(HELD_OUT[7]).image
STRANGER = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
SENTENCE = "knows rendered scenes of coloured shapes only, and this picture looks like none"
DECODER = ["localization-heads", "mean-attention", "relative-attention", "attend-minus-mean"]
ENCODER = ["gem", "clip", "maskclip", "clip-surgery"]
QUESTION = "what colour is the circle ?"


@pytest.fixture(scope="module")
def decoder() -> LoadedModel:
    return vs.load("tiny-llava")


@pytest.fixture(scope="module")
def encoder() -> DualEncoder:
    return vs.load("tiny-clip")


def count(texts: Any) -> int:
    """How many of the texts are the sentence."""
    return sum(SENTENCE in text for text in texts)


def warned(job: Any) -> list[str]:
    """The warnings that a call raises."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        job()
    return [str(each.message) for each in caught if issubclass(each.category, VlmscopeWarning)]


def test_the_sentence_names_the_model_and_another(decoder: LoadedModel) -> None:
    (text,) = vs.ground(decoder, STRANGER, "the red circle").warnings
    assert (
        text.startswith("tiny-llava knows rendered scenes") and "llava-hf/llava-1.5-7b-hf" in text
    )


@pytest.mark.parametrize("method", DECODER)
def test_groundings_of_a_decoder(decoder: LoadedModel, method: str) -> None:
    options = {"keep_negative": True} if method == "attend-minus-mean" else {}
    for pixels, times in ((STRANGER, 1), (SCENE, 0)):
        found = vs.ground(decoder, pixels, ["the red circle", "a star"], method=method, **options)
        assert [count(each.warnings) for each in found] == [times, times]
        assert count(found[0].to_dict()["warnings"]) == times


@pytest.mark.parametrize("method", ENCODER)
def test_groundings_of_an_encoder(encoder: DualEncoder, method: str) -> None:
    for pixels, times in ((STRANGER, 1), (SCENE, 0)):
        found = vs.ground(encoder, pixels, ["a red circle", "a star"], method=method)
        assert [count(each.warnings) for each in found] == [times, times]


def test_windows_of_one_picture_warn_once(encoder: DualEncoder) -> None:
    found = vs.ground(encoder, STRANGER, "a star", method="gem", window=64)
    assert count(found.warnings) == 1


def test_segmentations(encoder: DualEncoder) -> None:
    for pixels, times in ((STRANGER, 1), (SCENE, 0)):
        found = vs.segment(encoder, pixels, ["a red circle", "a star"])
        assert count(found.warnings) == count(found.to_dict()["warnings"]) == times


def test_a_comparison_of_methods_says_it_once(encoder: DualEncoder) -> None:
    found = vs.compare_methods(encoder, STRANGER, ["a star", "a unicorn"], ["gem", "clip"])
    assert count(found.warnings) == 1 and found.warnings[0].startswith("tiny-clip knows")
    lacks = [text for text in found.warnings if "unicorn" in text]
    assert [text.split(":")[0] for text in lacks] == ["gem", "clip"]  # of one phrase, not of all


def test_a_comparison_with_one_method_names_it(encoder: DualEncoder) -> None:
    found = vs.compare_methods(encoder, STRANGER, ["a star"], ["gem"])
    (text,) = [text for text in found.warnings if SENTENCE in text]
    assert text.startswith("gem: tiny-clip knows")


def test_words_of_an_answer(decoder: LoadedModel) -> None:
    for pixels, times in ((STRANGER, 1), (SCENE, 0)):
        found = token_grounding(decoder, pixels, QUESTION, "a large red circle")
        assert count(found.warnings) == count(found.to_dict()["warnings"]) == times


def test_a_compressed_context(decoder: LoadedModel) -> None:
    for pixels, times in ((STRANGER, 1), (SCENE, 0)):
        texts = warned(lambda pixels=pixels: compress_context(decoder, pixels, max_new_tokens=2))
        assert count(texts) == times


def jobs(model: LoadedModel) -> dict[str, Any]:
    """Jobs over three questions about two pictures, one of them strange."""
    samples = [
        (STRANGER, QUESTION, "red"),
        (SCENE, QUESTION, "red"),
        (STRANGER, "what ?", "a star"),
    ]
    short: dict[str, Any] = {"max_new_tokens": 2}
    windows = KnockoutOptions(**short, windows=((0, 1),), ask=False)
    return {
        "flow": lambda: attention_flow(model, samples, FlowOptions(**short)),
        "knockout": lambda: knockout_sweep(model, samples, windows),
        "prompts": lambda: prompt_ablation(model, samples, PromptOptions(**short)),
        "heads": lambda: vs.verify_heads(
            model,
            [(3, 1)],
            [(pixels, phrase, (10, 10, 60, 60)) for pixels, phrase, _ in samples],
            progress=False,
        ),
    }


@pytest.mark.parametrize("job", ["flow", "knockout", "prompts", "heads"])
def test_a_job_counts_strange_pictures_and_says_so_once(decoder: LoadedModel, job: str) -> None:
    texts = [text for text in warned(jobs(decoder)[job]) if SENTENCE in text]
    assert len(texts) == 1 and texts[0].startswith("1 of 2 pictures: tiny-llava knows")


def test_an_evaluation_on_scenes_says_nothing_and_on_others_how_many(
    encoder: DualEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vlmscope.data.datasets import open_dataset
    from vlmscope.evaluation import evaluate

    def job() -> None:
        evaluate(open_dataset("tiny-scenes"), encoder, limit=3, progress=False)

    assert count(warned(job)) == 0
    monkeypatch.setattr(type(encoder.card.world), "holds", lambda *_: False)
    (text,) = [text for text in warned(job) if SENTENCE in text]
    assert text.startswith("3 of 3 pictures: tiny-clip")


def test_random_weights_declare_no_world() -> None:
    for model in (llava(), clip()):
        assert model.card.world is None
    assert vs.ground(llava(), STRANGER, "the dog", heads="L1H2").warnings == ()
    assert vs.segment(clip(), STRANGER, ["dog", "sky"], method="maskclip").warnings == ()
    tally = StrangePictures(clip())
    tally.see(STRANGER)
    assert warned(tally.warn) == []


def test_an_image_beside_scenes_is_told_from_them(decoder: LoadedModel) -> None:
    both = decoder.encode([SCENE, STRANGER], ["the red circle"] * 2).token_maps
    assert [count(each.picture_notes) for each in both] == [0, 1]


def test_images_that_are_made_smaller_first_keep_the_note() -> None:
    small = vs.load("tiny-llava", max_side=64)
    assert count(vs.ground(small, STRANGER, "the red circle").warnings) == 1
    assert count(vs.ground(small, SCENE, "the red circle").warnings) == 0


# the command line


def command(*words: object) -> tuple[int, str, str]:
    """(exit code, stdout, stderr)"""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(word) for word in words])
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    path = tmp_path / "strange.png"
    Image.fromarray(STRANGER).save(path)
    return path


@pytest.mark.parametrize("model", ["tiny-llava", "tiny-clip"])
def test_ground_says_it_once_beside_the_table_and_in_json(strange: Path, model: str) -> None:
    words = ["ground", strange, "red circle", "star", "--model", model]
    code, _, err = command(*words)
    assert code == 0 and err.count(SENTENCE) == 1
    code, out, _ = command(*words, "--json")
    assert [count(each["warnings"]) for each in json.loads(out)["groundings"]] == [1, 1]


def test_segment_says_of_how_many_pictures(strange: Path) -> None:
    Image.fromarray(SCENE).save(strange.with_name("scene.png"))
    words = ["segment", strange.parent, "--classes", "circle,star", "--model", "tiny-clip"]
    code, _, err = command(*words)
    assert code == 0 and err.count(SENTENCE) == 1
    assert "1 of 2 images: tiny-clip knows" in err
    _, out, _ = command(*words, "--json")
    assert out.count(SENTENCE) == 1


def test_flow_says_it_on_stderr(strange: Path) -> None:
    rows = strange.with_name("q.jsonl")
    rows.write_text(json.dumps({"image": strange.name, "question": QUESTION, "answer": "red"}))
    code, out, err = command("flow", "--samples", rows, "--model", "tiny-llava", "--json")
    assert code == 0 and err.count("1 of 1 pictures: tiny-llava knows") == 1
    json.loads(out)


# the card


def test_a_folder_that_declares_a_world_is_held_to_it(tmp_path: Path, encoder: DualEncoder) -> None:
    world = {**encoder.card.world.to_record(), "knows": "X-rays", "instead": "owner/name"}
    (tmp_path / "vlmscope.json").write_text(json.dumps({"world": world}))
    card = read_card(tmp_path, ModelCard("mine", "clip"))
    (text,) = card.picture_notes(STRANGER)
    assert text.startswith("mine knows X-rays only") and text.endswith("for example owner/name.")
    assert card.picture_notes(SCENE) == ()
    (tmp_path / "vlmscope.json").write_text(json.dumps({"world": {}}))
    with pytest.raises(ModelLoadError, match="mine declares a world"):
        read_card(tmp_path, ModelCard("mine", "clip"))
