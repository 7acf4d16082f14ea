"""Open-ended prompts beside questions: per token, once per picture, one state file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import vlmscope as vs
from vlmscope.analysis.prompts import PromptOptions, measure, prompt_ablation
from vlmscope.analysis.prompts.beside import prompts_beside
from vlmscope.cli import main
from vlmscope.data.questions import scene_questions
from vlmscope.errors import BadPhraseError, SkippedWarning


def test_the_same_pictures_are_asked_once_and_per_token() -> None:
    (question,) = scene_questions(1, ["colour"])
    twice = [question, (question.image, "what shape is it")]
    pair = prompts_beside(
        vs.load("tiny-llava"), iter(twice), "describe", PromptOptions(max_new_tokens=4)
    )
    assert len(pair.asked.questions) == 2 and len(pair.other.questions) == 1
    (described,) = pair.other.questions
    assert described["tokens"] == 4 and described["references"] == []
    effect = pair.effects()["query tokens alone"]
    (row,) = [row for row in pair.other.rows() if row["variant"] == "query tokens alone"]
    assert effect["other"]["per token"].value == pytest.approx(row["log_prob_change"] / 4)
    assert "other" not in pair.effects()["without a word"]  # the prompt is one word
    assert pair.table()[1][-1].count(None) >= 3


def test_the_command_shows_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["prompts", "--samples", "tiny-scenes:1:colour", "-q", "--max-new-tokens", "2"]
    words += ["--beside", "describe", "--resume", str(tmp_path / "state")]
    files = ["--out", str(tmp_path / "p.json"), "--html", str(tmp_path / "p.html")]
    assert main([*words, *files]) == 0
    assert "open: per token" in capsys.readouterr().out
    assert json.loads((tmp_path / "p.json").read_text())["beside"]["text"] == "describe"
    assert "Beside “describe”" in (tmp_path / "p.html").read_text()
    assert main(["prompts", "--beside", " "]) == 2
    assert "--beside leaves nothing to ask" in capsys.readouterr().err


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(BadPhraseError, match="is empty"):
        prompts_beside(vs.load("tiny-llava"), list(scene_questions(1)), " ")


def test_where_both_look_is_paired_by_picture() -> None:
    model, options = vs.load("tiny-llava"), PromptOptions(max_new_tokens=8)
    questions = list(scene_questions(3, ["colour", "size"]))
    pair = prompts_beside(model, questions, "describe the picture", options, words=False)
    assert len(pair.looks) == 3 and "elsewhere" not in pair.looks[0]["looks asked"]
    found = {each.name: each for each in pair.differences()}
    on_image = found["last prompt token: on the image"]
    shares = [
        next(v for v in each["variants"] if v["name"] == "as asked")["image_share"]
        for each in pair.asked.questions
    ]
    assert on_image.asked.value == pytest.approx(np.mean(shares), abs=1e-5)
    for each in found.values():
        assert each.difference.value == pytest.approx(each.asked.value - each.other.value)
    assert found["last prompt token: on the object"].pictures == 3
    assert found["last prompt token: on another's object"].pictures == 2
    blind = found["log p: query tokens alone"]
    assert blind.other.value == pytest.approx(
        pair.effects()["query tokens alone"]["other"]["per token"].value
    )
    assert "without a word" not in pair.asked.names  # words=False
    assert "questions less open" in pair.differences_table()[0]


def test_an_answer_of_no_token_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    silent, spoken = scene_questions(2, ["colour"])
    usual = measure.generate

    def generate(model, image, *args, **options):  # type: ignore[no-untyped-def]
        said = usual(model, image, *args, **options)
        return replace(said, ids=said.ids[:0], text="") if image is silent.image else said

    monkeypatch.setattr(measure, "generate", generate)
    with pytest.warns(SkippedWarning, match="1 questions were skipped"):
        found = prompt_ablation(vs.load("tiny-llava"), [silent, spoken], words=False)
    assert len(found.questions) == 1
    assert "with no token, so nothing can be read" in found.skipped[0].reason
