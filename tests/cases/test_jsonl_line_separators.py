"""wbolster/jsonlines#53: the line separators of Unicode inside a JSON text end no row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from vlmscope.data.questions import read_questions
from vlmscope.data.sample_lists import read_samples

TEXTS = ["the cat\u2028on the mat", "the\u0085dog", "a\u2029bird", "a\x0bform\x0cfeed", "plain"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.new("RGB", (8, 6), "red").save(tmp_path / "a.png")
    return tmp_path


def written(folder: Path, key: str, texts: list[str], end: str) -> Path:
    rows = [json.dumps({"image": "a.png", key: text}, ensure_ascii=False) for text in texts]
    path = folder / "rows.jsonl"
    path.write_bytes(end.join([*rows, ""]).encode("utf-8"))
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_phrases_and_questions_keep_them(folder: Path, end: str) -> None:
    usual = [text for text in TEXTS if "\x0b" not in text]  # JSON escapes those below a space
    samples = read_samples(written(folder, "phrase", usual, end))
    assert [row.phrase for row in samples] == usual and samples.skipped == ()
    questions = read_questions(written(folder, "question", TEXTS, end))
    assert [each.text for each in questions] == TEXTS and questions.skipped == ()
