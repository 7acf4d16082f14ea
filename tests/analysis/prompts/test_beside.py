"""Open-ended prompts beside questions: per token, once per picture, one state file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import vlmscope as vs
from vlmscope.analysis.prompts import PromptOptions
from vlmscope.analysis.prompts.beside import prompts_beside
from vlmscope.cli import main
from vlmscope.data.questions import scene_questions
from vlmscope.errors import BadPhraseError


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
