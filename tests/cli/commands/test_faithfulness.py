"""``vlmscope faithfulness``: table, JSON, page, bad rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vlmscope.cli import main

SHORT = ["--samples", "tiny-scenes:2:colour", "--steps", "2", "--max-new-tokens", "4", "-q"]


def test_both_forms_with_page_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, page = tmp_path / "whole.json", tmp_path / "page.html"
    words = ["faithfulness", *SHORT, "--method", "mean-attention", "--form", "both"]
    assert main([*words, "--out", str(whole), "--html", str(page)]) == 0
    out = capsys.readouterr().out
    assert "mean-attention, reversed" in out and "rank correlation" in out
    result = json.loads(whole.read_text())
    assert {(each["form"], each["map"]) for each in result["scores"]} == {
        (form, name) for form in ("tokens", "pixels") for name in ("mean-attention", "random")
    }
    assert result["samples"] == 2 and result["work"]["pixels"] == 1
    assert "Do the two forms agree?" in page.read_text()


def test_a_word_that_no_answer_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faithfulness", *SHORT, "--word", "zebra"]) == 2
    assert "does not hold the word 'zebra'" in capsys.readouterr().err


def test_answers_of_no_tokens_are_counted(
    photo: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {"image": photo.name, "question": "what is it ?", "answer": "a star"}
    rows = photo.parent / "q.jsonl"
    rows.write_text("\n".join(map(json.dumps, [good, {**good, "answer": ""}])), encoding="utf-8")
    words = ["faithfulness", str(checkpoint), "--samples", str(rows), "--steps", "2", "--json"]
    assert main([*words, "--method", "mean-attention"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert result["samples"] == 1
    [skipped] = result["skipped"]
    assert skipped["line"] == 2 and "no token" in skipped["reason"]


def test_bad_options_stop_before_a_model_is_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faithfulness", "--steps", "1"]) == 2
    assert "steps" in capsys.readouterr().err
    assert main(["faithfulness", "--method", ","]) == 2
    assert "names no method" in capsys.readouterr().err
