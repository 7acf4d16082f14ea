"""Prompt ablation: variants, effects against passes by hand, the blind variant, resume, the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import vlmscope as vs
from families import llava
from lvlms import made
from views import words_of
from vlmscope.analysis.agreement import agrees, plain
from vlmscope.analysis.prompts import PromptOptions, prompt_ablation, variants_of
from vlmscope.analysis.prompts.report import prompts_page
from vlmscope.analysis.prompts.table import prompts_table
from vlmscope.analysis.prompts.variants import CLEAN, QUERY_ALONE
from vlmscope.attention.shares import shares
from vlmscope.cli import main
from vlmscope.data.questions import scene_questions
from vlmscope.errors import BadOptionError, BadPhraseError, BadSampleError
from vlmscope.models import LoadedModel, Prompt

QUESTION = "what colour is the circle ?"


def picture(height: int = 60, width: int = 90) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 255, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def tiny() -> LoadedModel:
    return vs.load("tiny-llava")


def named(text: str, **options: object) -> dict[str, str]:
    return {v.name + (f" {v.word}" if v.word else ""): v.text for v in variants_of(text, **options)}


def test_variants_of_a_question() -> None:
    found = named("what colour is it?")
    assert found[CLEAN] == found[QUERY_ALONE] == "what colour is it?"
    assert found['with "in this image"'] == "what colour is it in this image?"
    assert found["without a word what"] == "colour is it?"
    assert found["without a word it?"] == "what colour is"
    order = found["words in another order"]
    assert sorted(order.split()) == sorted(["what", "colour", "is", "it?"]) != order.split()
    assert "without the system sentence" not in found
    assert named("a b", system=True)["without the system sentence"] == "a b"


def test_what_is_there_already_is_removed() -> None:
    found = named("What is in the image?")
    assert found['without "in this image"'] == "What is?"
    assert 'with "in this image"' not in found


def test_one_word_cannot_be_removed() -> None:
    assert set(named("dog")) == {CLEAN, QUERY_ALONE, 'with "in this image"'}
    assert "words in another order" in named("dog cat")


def test_replacements_hold_the_question() -> None:
    found = named("dog", replacements={"polite": "please: {}", "other": "cat"})
    assert found["polite"] == "please: dog" and found["other"] == "cat"
    with pytest.raises(BadPhraseError, match="leaves nothing to ask"):
        named("dog", replacements={"none": "  "})


def test_effects_are_those_of_passes_by_hand() -> None:
    model = llava()
    answer = "a red star"
    found = prompt_ablation(model, [(picture(), QUESTION, answer)], PromptOptions(max_new_tokens=3))
    rows = {row["text"]: row for row in found.rows() if row["variant"] != QUERY_ALONE}
    for text in (QUESTION, "colour is the circle ?"):
        prompt = Prompt(text, answer=answer)
        encoded = model.encode([picture()], [prompt], preset="chat")
        with torch.no_grad():
            logits = model.hf(**encoded.inputs).logits[0].log_softmax(-1)
        places = encoded.token_maps[0].positions("generated")
        expected = sum(float(logits[p - 1, encoded.inputs["input_ids"][0, p]]) for p in places)
        assert rows[text]["log_prob"] == pytest.approx(expected, abs=1e-3)
        said = vs.generate(model, picture(), text, max_new_tokens=3, preset="chat")
        assert rows[text]["answer"] == said.text
        with shares(model, ["last"]) as given:
            vs.prefill(model, picture(), text, preset="chat")
        assert rows[text]["image_share"] == pytest.approx(given.means[..., 0].mean(), abs=1e-5)
    clean = found.effects()[0]
    assert clean.name == CLEAN and clean.log_prob.value == 0 and clean.changed.value == 0


def test_query_tokens_alone_is_an_answer_without_the_image(tiny: LoadedModel) -> None:
    questions = list(scene_questions(4, ["colour"]))
    found = prompt_ablation(tiny, questions)
    blind = [row for row in found.rows() if row["variant"] == QUERY_ALONE]
    edges = [("image", "last"), ("image", "generated")]
    for question, row in zip(questions, blind, strict=True):
        with vs.knockout(tiny, edges):
            said = vs.generate(
                tiny, question.image, question.text, preset="chat", max_new_tokens=32
            )
        assert row["answer"] == said.text and row["image_share"] == 0.0
    clean = next(effect for effect in found.effects() if effect.name == CLEAN)
    alone = next(effect for effect in found.effects() if effect.name == QUERY_ALONE)
    assert clean.accuracy.value == 1.0 and alone.log_prob.value < 0


def test_the_system_sentence_can_be_left_out(tiny: LoadedModel) -> None:
    (question,) = scene_questions(1, ["shape"])
    found = prompt_ablation(tiny, [question], PromptOptions(preset="paper"))
    has_system = "without the system sentence" in found.names
    assert has_system == bool(tiny.written_system)
    if has_system:
        row = next(r for r in found.rows() if r["variant"] == "without the system sentence")
        assert row["log_prob_change"] != 0


def test_words_are_averaged_over_questions_and_sorted(tiny: LoadedModel) -> None:
    found = prompt_ablation(tiny, list(scene_questions(4, ["colour", "shape"])))
    words = found.word_effects()
    assert list(words.values()) == sorted(words.values()) and "is" in words
    assert {"what"} < set(words)
    columns, rows = prompts_table(found)
    assert len(columns) == 6 and rows[0][0] == CLEAN
    assert "Word by word" in words_of(prompts_page(found).view())


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    model, state = llava(), tmp_path / "state.jsonl"
    options = PromptOptions(max_new_tokens=2)
    samples = [(picture(50 + n, 60), "the dog", "red") for n in range(2)]
    prompt_ablation(model, samples[:1], options, resume=state)
    calls: list[int] = []
    hook = model.hf.register_forward_pre_hook(lambda *_: calls.append(1))
    resumed = prompt_ablation(model, samples, options, resume=state)
    half = len(calls)
    whole = prompt_ablation(model, samples, options)
    hook.remove()
    assert len(calls) - half == 2 * half
    assert resumed.questions == whole.questions


def test_other_families_are_ablated_too() -> None:
    options = PromptOptions(preset=None, max_new_tokens=2)
    found = prompt_ablation(made("blip-2"), [(picture(), QUESTION)], options)
    assert found.effects()[0].accuracy is None


@pytest.mark.parametrize(
    ("answer", "reference", "same"),
    [
        ("A red circle.", "the Red  circle", True),
        ("red", "blue", False),
        ("Ｒed!", "red", True),
        ("लाल", "लाल।", True),
        ("", "red", False),
    ],
)
def test_agreement_ignores_form(answer: str, reference: str, same: bool) -> None:
    assert agrees(answer, [reference]) == same
    assert plain("An  Apple, a day") == "apple day"


def test_bad_input_is_refused() -> None:
    with pytest.raises(BadSampleError, match="at least one question"):
        prompt_ablation(llava(), [])
    with pytest.raises(BadOptionError, match="at least 1"):
        PromptOptions(max_new_tokens=0)
    with pytest.raises(BadSampleError, match="without an image"):
        prompt_ablation(llava(), [(None, "what?")])


def test_the_command_writes_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["prompts", "--samples", "tiny-scenes:2:colour", "-q", "--replace", "say {}"]
    files = ["--out", str(tmp_path / "p.json"), "--html", str(tmp_path / "p.html")]
    assert main([*words, *files]) == 0
    assert "query tokens alone" in capsys.readouterr().out
    record = json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))
    assert "asked as: say {}" in {effect["name"] for effect in record["effects"]}
    assert main(["prompts", "--replace", " "]) == 2
    assert "leaves nothing to ask" in capsys.readouterr().err
