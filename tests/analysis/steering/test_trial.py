"""Answers under steering: on the trained model they follow its heads, and nothing else's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from cards import read_card
from lvlms import made
from vlmscope.analysis.steering import SteeringTrial, SteerOptions, steered_answer, steering_trial
from vlmscope.analysis.steering.choices import OpenQuestion, scene_choices
from vlmscope.analysis.steering.report import answer_page, steering_page
from vlmscope.analysis.steering.result import CONDITIONS
from vlmscope.errors import BadHeadSetError, BadOptionError, BadSampleError


@pytest.fixture(scope="module")
def questions() -> list[OpenQuestion]:
    return list(scene_choices(2, ["colour"]))


def test_the_answer_follows_the_heads_of_the_trained_model(questions: list[OpenQuestion]) -> None:
    """Measured on 50 scenes in docs/methods/steer.md; here on the first."""
    model = vs.load("tiny-llava")
    [question] = questions[:1]
    found = [
        steered_answer(model, question.image, question.text, choice.box, strength=16)
        for choice in question.choices
    ]
    assert [each.steered for each in found] == [choice.answer for choice in question.choices]
    assert found[0].clean == found[1].clean and sum(each.changed for each in found) == 1
    assert found[0].heads == model.card.head_set.heads  # type: ignore[union-attr]
    same = steered_answer(model, question.image, question.text, question.choices[0].box, strength=0)
    assert not same.changed and "strength 0" in repr(same)
    card = read_card(found[0])
    assert found[0].steered in card.cells and len(card.pictures) == 1
    assert question.text in answer_page(found[0], "vlmscope steer").html()


def test_a_trial_has_its_controls_and_is_not_asked_twice(
    questions: list[OpenQuestion], tmp_path: Any
) -> None:
    model, options = made("llava"), SteerOptions(strengths="2,4", max_new_tokens=2)
    state = tmp_path / "state.jsonl"
    trial = steering_trial(model, questions, options, heads="L1H0", resume=state)
    settings = trial.records[0]["settings"]
    assert [each["condition"] for each in settings[::2]] == list(CONDITIONS)
    assert [each["strength"] for each in settings[:2]] == [2.0, 4.0]
    assert len(settings[0]["answers"]) == 2
    again = steering_trial(model, questions, options, heads="L1H0", resume=state)
    assert again.records == trial.records
    assert len(list(trial.rows())) == 2 * 8 * 2


def by_hand() -> SteeringTrial:
    """Four questions: at strength 2 answers follow on those that choose, at 4 on those that judge."""

    def setting(name: str, strength: float, follows: bool) -> dict[str, Any]:
        answers = ["red", "blue"] if follows else ["red", "red"]
        return {
            "condition": name,
            "strength": strength,
            "answers": answers,
            "follows": [True, follows],
            "other": [False, not follows],
        }

    records = []
    for number in range(4):
        chooses = number % 2 == 0
        own = [
            setting(CONDITIONS[0], strength, (strength == 2) is chooses) for strength in (2.0, 4.0)
        ]
        controls = [setting(name, s, False) for name in CONDITIONS[1:] for s in (2.0, 4.0)]
        clean = {"follows": [True, False], "other": [False, True], "answers": ["red", "red"]}
        records.append(
            {
                "id": f"{number}",
                "question": "what color is the square",
                "choices": ["red", "blue"],
                "clean": "red",
                "clean_follows": clean,
                "settings": [*own, *controls],
            }
        )
    return SteeringTrial({"model": "m"}, tuple(records))


def test_the_strength_is_chosen_on_one_half_and_judged_on_the_other() -> None:
    trial = by_hand()
    assert trial.strength == 2.0
    clean, own, chance, *_ = trial.judged()
    assert clean.follows.value == 0.5 and clean.more.value == 0.0
    assert own.strength == 2.0 and own.follows.value == 0.5  # those that judge do not follow at 2
    assert chance.follows.value == 0.5
    whole = {(each.condition, each.strength): each for each in trial.points()}
    assert whole[CONDITIONS[0], 4.0].follows.value == 0.75
    assert whole[CONDITIONS[0], 4.0].more.value == 0.25
    assert whole[CONDITIONS[0], 4.0].other.value == 0.25
    assert whole[CONDITIONS[0], 4.0].neither.value == 0.0
    assert "50%" in trial.verdict() and "4 questions" in repr(trial)
    assert trial.to_dict()["strength"] == 2.0
    assert "By strength" in steering_page(trial).html()
    assert CONDITIONS[1] in read_card(trial).cells


@pytest.mark.parametrize("strengths", ["", "0", "4,0", "four", "1e9", "nan"])
def test_strengths_that_are_none_are_refused(strengths: str) -> None:
    with pytest.raises(BadOptionError, match="strength"):
        _ = SteerOptions(strengths=strengths).amounts


def test_what_is_no_open_question_is_refused() -> None:
    image = np.zeros((40, 40, 3), dtype=np.uint8)
    with pytest.raises(BadSampleError, match="no choices"):
        steering_trial(made("llava"), [(image, "what is it")], heads="L1H0")
    with pytest.raises(BadHeadSetError, match="No localization heads"):
        steered_answer(made("llava"), image, "what is it", (0, 0, 9, 9))
