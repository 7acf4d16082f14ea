"""Bad rows are skipped, said and counted by every command that reads a list, before a model loads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vlmscope.cli.loading import Loading

Run = Callable[..., Any]

FLOW = ("flow", "--max-new-tokens", "2")
KNOCKOUT = ("knockout", "--max-new-tokens", "2", "--windows", "0-1")
PROMPTS = ("prompts", "--max-new-tokens", "2")


@pytest.fixture
def questions(photo: Path) -> Path:
    """Six rows: good, no JSON, an image that breaks off, a slip, a repeat, too long for the model."""
    (photo.parent / "cut.png").write_bytes(photo.read_bytes()[:60])
    good = {"image": photo.name, "question": "what is it ?", "answer": "a star"}
    rows = [
        good,
        "{",
        {**good, "image": "cut.png"},
        {**good, "maks": "m.png"},
        good,
        {**good, "question": "what <image> is it ?"},
    ]
    path = photo.parent / "q.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\r\n".join(lines), encoding="utf-8-sig")
    return path


@pytest.mark.parametrize("words", [FLOW, KNOCKOUT, PROMPTS])
def test_a_bad_row_does_not_end_the_run(
    words: tuple[str, ...], run: Run, checkpoint: Path, questions: Path
) -> None:
    result = run(*words, checkpoint, "--samples", questions, "--json")
    assert result.code == 1, result.err
    record = json.loads(result.out)
    assert record["samples"] == 1
    assert [each["line"] for each in record["skipped"]] == [2, 3, 4, 5, 6]
    assert all(set(each) == {"line", "reason"} and each["reason"] for each in record["skipped"])
    assert "warning" not in result.err, "the list says it, once"
    assert "5 rows were skipped:" in result.err
    for line, reason in ((2, "not JSON"), (3, "cut.png"), (4, "'mask'"), (5, "repeats"), (6, "")):
        assert f"line {line}: " in result.err
        assert reason in result.err


def test_rows_that_are_too_long_for_anything_are_skipped_at_once(
    run: Run, checkpoint: Path, photo: Path
) -> None:
    good = {"image": photo.name, "question": "what is it ?", "answer": "a star"}
    rows = [
        good,
        {**good, "image": "a" * 5000},
        {**good, "question": "x" * 50_000_000},
        {**good, "question": "where is it ?", "k" * 50_000_000: 1},
        {**good, "image": "."},
    ]
    path = photo.parent / "q.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    result = run(*FLOW, checkpoint, "--samples", path, "--json")
    assert result.code == 1, result.err[:1000]
    record = json.loads(result.out)
    assert record["samples"] == 2
    reasons = {each["line"]: each["reason"] for each in record["skipped"]}
    assert reasons.keys() == {2, 3, 5}
    assert "File name too long" in reasons[2]
    assert "50,000,000 characters, at most 1,000,000 are read" in reasons[3]
    assert "no image file" in reasons[5]
    assert max(map(len, result.err.splitlines())) < 1000


@pytest.mark.parametrize("words", [FLOW, KNOCKOUT, PROMPTS, ("heads", "discover")])
def test_a_list_without_a_usable_row_is_refused_before_a_model_loads(
    words: tuple[str, ...],
    refused: Callable[..., str],
    questions: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(Loading, "model", never)
    questions.write_text('{"image": 3}\n{"a": NaN}\n', encoding="utf-8")
    refused([*words, "tiny-llava", "--samples", questions], "None of the 2 rows", "Line 1: ")


def test_pictures_that_are_the_same_under_two_names_count_once(
    run: Run, checkpoint: Path, photo: Path
) -> None:
    (photo.parent / "copy.png").write_bytes(photo.read_bytes())
    rows = [{"image": name, "phrase": "it"} for name in ("photo.png", "copy.png", "photo.png")]
    rows.append({"image": "photo.png", "phrase": "the other one"})
    path = photo.parent / "s.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    result = run("heads", "discover", checkpoint, "--samples", path, "--trials", "2", "--json")
    assert result.code == 1
    record = json.loads(result.out)
    assert record["samples"] == 2
    assert record["skipped"] == [
        "line 2: It shows and asks the same as an earlier one, which counts once.",
        "line 3: It repeats line 1, which counts once.",
    ]
    for reason in record["skipped"]:
        assert reason in result.err


def test_rows_that_verification_leaves_out_stand_in_its_evidence(
    run: Run, checkpoint: Path, photo: Path
) -> None:
    good = {"image": "photo.png", "phrase": "it", "box": [20, 10, 60, 40]}
    rows = [good, {"image": "none.png", "phrase": "it"}, good, {**good, "box": None}]
    path = photo.parent / "s.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    words = ("heads", "verify", "L2H1", "-m", checkpoint, "--samples", path, "--json")
    result = run(*words)
    assert result.code == 1
    skipped = json.loads(result.out)["evidence"]["skipped"]
    assert [line.partition(":")[0] for line in skipped] == ["line 2", "line 3", "line 4"]
    assert "none.png" in skipped[0]
    assert "repeats line 1" in skipped[1]
