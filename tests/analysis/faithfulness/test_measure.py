"""Faithfulness: both forms against plain passes, shared ends, orders, what is refused, resuming."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import vlmscope as vs
from families import llava
from lvlms import made
from vlmscope.analysis.faithfulness import FaithfulnessOptions, faithfulness
from vlmscope.analysis.faithfulness.forms import filled
from vlmscope.analysis.faithfulness.orders import RANDOM
from vlmscope.analysis.faithfulness.regions import Regions
from vlmscope.attention.forced import encode_forced, run_forced
from vlmscope.data.questions import Question
from vlmscope.errors import (
    BadOptionError,
    BadPhraseError,
    BadSampleError,
    UnknownNameError,
    UnsupportedError,
)
from vlmscope.models import LoadedModel, Prompt

QUESTION = "what colour is the circle ?"
ANSWER = "a large red circle"
PROMPT = Prompt(QUESTION, answer=ANSWER)


def picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (60, 90, 3), dtype=np.uint8)


def sloped() -> np.ndarray:
    """A map on the pixels that is strongest at the lower right."""
    return np.add.outer(np.arange(60.0), 2 * np.arange(90.0))


def options(model: LoadedModel, **changes: object) -> FaithfulnessOptions:
    return FaithfulnessOptions(**{"preset": model.family.presets[0], "steps": 3, **changes})  # type: ignore[arg-type]


def measure(model: LoadedModel, **changes: object) -> dict:
    result = faithfulness(model, sloped(), PROMPT, options(model, **changes), image=picture())
    return result.records[0]


def plain(model: LoadedModel, pixels: np.ndarray, edges: list) -> float:
    """exp of the answer's mean log-probability in one whole pass under a knock-out."""
    preset = model.family.presets[0]
    encoded = model.encode([pixels], [PROMPT], preset=preset)
    ids = encoded.inputs["input_ids"][0, encoded.token_maps[0].positions("generated")]
    forced = encode_forced(model, pixels, QUESTION, ids.tolist(), preset=preset)
    if not edges:
        scores = run_forced(model, forced)[0]
    else:
        with vs.knockout(model, edges):
            scores = run_forced(model, forced)[0]
    return float(scores.double().mean().exp())


def regions_of(model: LoadedModel) -> Regions:
    return Regions.of(vs.token_map(model, picture(), QUESTION, preset=model.family.presets[0]))


FAMILIES = ("llava", "qwen2.5-vl", "gemma3", "paligemma", "internvl", "smolvlm", "llava-next")


@pytest.mark.parametrize("name", FAMILIES)
def test_tokens_equal_plain_knockouts_of_those_edges(name: str) -> None:
    model = llava() if name == "llava" else made(name)
    regions = regions_of(model)
    order = np.argsort(-regions.weights("map", sloped(), picture()), kind="stable")
    record = measure(model)
    curves = record["forms"]["tokens"]["orders"]["map"]
    for share, dropped, kept in zip(
        record["removed"], curves["deletion"], curves["insertion"], strict=True
    ):
        count = round(share * len(regions))
        removed = np.zeros(len(regions), dtype=bool)
        removed[order[:count]] = True
        for gone, value in ((removed, dropped), (~_first(order, count), kept)):
            hidden = list(regions.tokens(gone))
            edges = [(hidden, "text"), (hidden, "generated")] if hidden else []
            assert value == pytest.approx(plain(model, picture(), edges), rel=2e-4)


def _first(order: np.ndarray, count: int) -> np.ndarray:
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[:count]] = True
    return chosen


@pytest.mark.parametrize("name", ["llava", "paligemma", "mllama", "blip-2"])
@pytest.mark.parametrize("fill", ["grey", "blur"])
def test_pixels_equal_a_plain_loop(name: str, fill: str) -> None:
    model = llava() if name == "llava" else made(name)
    regions = regions_of(model)
    order = np.argsort(-regions.weights("map", sloped(), picture()), kind="stable")
    record = measure(model, form="pixels", fill=fill, batch=3)
    deletion = record["forms"]["pixels"]["orders"]["map"]["deletion"]
    for share, value in zip(record["removed"], deletion, strict=True):
        gone = regions.pixels(_first(order, round(share * len(regions))))
        painted = picture()
        painted[gone] = filled(picture(), fill)[gone]
        assert value == pytest.approx(plain(model, painted, []), rel=2e-4)


def test_ends_are_shared_and_those_of_the_clean_and_the_blocked_pass() -> None:
    model = llava()
    forms = measure(model, form="both")["forms"]
    for form, curves in forms.items():
        ends = {
            (each["deletion"][0], each["deletion"][-1]) for each in curves["orders"].values()
        } | {(each["insertion"][-1], each["insertion"][0]) for each in curves["orders"].values()}
        assert len(ends) == 1, form  # the same to the bit, for every order
    deletion = forms["tokens"]["orders"]["map"]["deletion"]
    clean, blocked = deletion[0], deletion[-1]
    assert clean == pytest.approx(plain(model, picture(), []), rel=1e-5)
    edges = [("image", "text"), ("image", "generated")]
    assert blocked == pytest.approx(plain(model, picture(), edges), rel=1e-5)
    grey = forms["pixels"]["orders"]["map"]["deletion"][-1]
    assert grey == pytest.approx(plain(model, filled(picture(), "grey"), []), rel=1e-5)


def test_the_reverse_of_a_map_has_its_curves_exchanged() -> None:
    model = llava()
    maps = {"map": sloped(), "turned": -sloped()}
    result = faithfulness(model, maps, PROMPT, options(model, steps=4), image=picture())
    first, turned = result.score("map"), result.score("turned")
    assert first.deletion.value == pytest.approx(turned.insertion.value, abs=1e-12)
    assert first.insertion.value == pytest.approx(turned.deletion.value, abs=1e-12)
    assert first.gap.value == pytest.approx(-turned.gap.value, abs=1e-12)
    assert first.gap.value != 0


def test_work_is_shared() -> None:
    result = faithfulness(
        llava(side=224), sloped(), PROMPT, options(llava(), steps=20), image=picture()
    )
    assert result.work["tokens"] < 0.15  # 256 image tokens; pixels are plain passes
    other = faithfulness(
        llava(), sloped(), PROMPT, options(llava(), form="pixels"), image=picture()
    )
    assert other.work["pixels"] == 1


def test_a_word_of_the_answer_is_followed() -> None:
    model = llava()
    encoded = model.encode([picture()], [PROMPT], preset="chat")
    rows = encoded.token_maps[0].positions("generated")
    ids = encoded.inputs["input_ids"][0, rows].tolist()
    forced = encode_forced(model, picture(), QUESTION, ids, preset="chat")
    logprobs = run_forced(model, forced)[0].double()
    record = measure(model, preset="chat", word="Red")
    at = ANSWER.split().index("red")
    assert record["followed"] == 1 and len(logprobs) == 4
    clean = record["forms"]["tokens"]["orders"]["map"]["deletion"][0]
    assert clean == pytest.approx(float(logprobs[at].exp()), rel=1e-5)
    with pytest.raises(BadSampleError, match="does not hold the word 'blue'"):
        measure(model, word="blue")


@pytest.mark.parametrize("name", ["mllama", "blip-2"])
def test_families_whose_tokens_cannot_be_hidden_are_refused_by_name(name: str) -> None:
    model = made(name)
    with pytest.raises(UnsupportedError, match=rf"family {name!r}.*form='pixels'"):
        measure(model)


NAN = np.where(np.eye(60, 90) > 0, np.nan, 1.0)


@pytest.mark.parametrize(
    ("heat", "reason"),
    [
        (np.ones((60, 90)), "the same everywhere"),
        (NAN, "NaN or infinity"),
        (sloped()[:, :-1], r"shape \(60, 89\).*another picture"),
        (np.arange(16.0), r"\(height, width\), got shape \(16,\)"),
        ("a red circle", "got str"),
    ],
)
def test_maps_without_an_order_are_refused(heat: object, reason: str) -> None:
    with pytest.raises(BadSampleError, match=reason):
        faithfulness(llava(), heat, PROMPT, image=picture())


def test_a_grounding_of_another_picture_is_refused() -> None:
    model = llava()
    elsewhere = vs.ground(model, 255 - picture(), "the circle", heads=[(1, 0), (2, 1)])
    with pytest.raises(BadSampleError, match="is of another picture"):
        faithfulness(model, elsewhere, PROMPT, image=picture())


def test_answers_without_tokens_are_refused() -> None:
    for form in ("tokens", "pixels"):
        with pytest.raises((BadSampleError, BadPhraseError), match="token"):
            faithfulness(
                llava(),
                sloped(),
                QUESTION,
                options(llava(), form=form),
                image=picture(),
                answer="",
            )


def test_an_answer_of_strange_words_alone_is_refused() -> None:
    for form in ("tokens", "pixels"):
        with pytest.raises(BadSampleError, match="'qqq' holds no token that the model knows"):
            faithfulness(
                llava(),
                sloped(),
                QUESTION,
                options(llava(), form=form),
                image=picture(),
                answer="qqq",
            )


def test_bad_calls_are_refused() -> None:
    with pytest.raises(BadOptionError, match="steps"):
        FaithfulnessOptions(steps=1)
    with pytest.raises(UnknownNameError, match="form"):
        FaithfulnessOptions(form="words")
    with pytest.raises(BadOptionError, match="without its picture"):
        faithfulness(llava(), sloped(), QUESTION)
    with pytest.raises(BadOptionError, match="Faithfulness of which map"):
        faithfulness(llava(), [(picture(), QUESTION)])
    with pytest.raises(UnknownNameError, match="localisation-heads"):
        faithfulness(llava(), [(picture(), QUESTION)], maps=["localisation-heads"])


def test_questions_are_measured_once_and_bad_ones_counted(tmp_path: Path) -> None:
    model = llava()
    asked = []

    def maps(question: Question) -> dict[str, np.ndarray]:
        asked.append(question.text)
        return {"map": np.ones((60, 90)) if "constant" in question.text else sloped()}

    questions = [
        (picture(), "a b", "red"),
        (picture(), "constant", "red"),
        (picture(), "d", "a circle"),
    ]
    chosen, state = options(model), tmp_path / "state.jsonl"
    with pytest.warns(match="1 questions were skipped.*same everywhere"):
        first = faithfulness(model, questions, None, chosen, maps=maps, resume=state)
    assert len(first.records) == 2 and len(first.skipped) == 1
    with pytest.warns(match="skipped"):
        again = faithfulness(model, questions, None, chosen, maps=maps, resume=state)
    assert again.to_dict() == first.to_dict()
    assert asked.count("a b") == 1 and asked.count("constant") == 2
    assert [each["map"] for each in first.rows()] == ["map", "map", RANDOM, RANDOM]


def test_questions_with_a_map_of_another_picture_or_no_answer_are_counted() -> None:
    model = llava()
    elsewhere = vs.ground(model, 255 - picture(), "the circle", heads=[(1, 0), (2, 1)])

    def maps(question: Question) -> dict[str, object]:
        return {"map": elsewhere if question.text == "another" else sloped()}

    questions = [(picture(), "a b", "red"), (picture(), "another", "red"), (picture(), "d", "")]
    with pytest.warns(match="2 questions were skipped"):
        result = faithfulness(model, questions, None, options(model), maps=maps)
    assert len(result.records) == 1
    reasons = [str(each) for each in result.skipped]
    assert "is of another picture" in reasons[0] and "no token" in reasons[1]


def test_the_model_is_left_as_it_was() -> None:
    model = llava()
    before = vs.prefill(model, picture(), QUESTION).logits
    measure(model, form="both")
    after = vs.prefill(model, picture(), QUESTION).logits
    assert before is not None and after is not None and torch.equal(before, after)
