"""``vlmscope lighten``: a choice beside its controls, and one sentence for what does not exist."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SMALL = ("lighten", "tiny-llava", "--samples", "tiny-scenes:2", "--layers", "2", "--shares", "0.5")


def test_a_choice_beside_its_controls(run: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    out = json.loads(run(*SMALL, "--json", "--html", str(page)).out)
    assert (out["chosen"]["layer"], out["chosen"]["keep"]) == (2, 0.5)
    ways = [point["by"] for point in out["judged"]]
    assert ways[0] == "attention" and {"random", "reversed"} < set(ways)
    assert all(0 < point["flops"] < point["cache"] < 1 for point in out["judged"])
    assert "of the image tokens behind layer 2" in page.read_text(encoding="utf-8")


def test_a_window_of_layers_beside_its_controls(run: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    words = ("lighten", "tiny-llava", "--samples", "tiny-scenes:2", "--read", "0-3")
    out = json.loads(run(*words, "--json", "--html", str(page)).out)
    assert (out["chosen"]["first"], out["chosen"]["layer"]) == (0, 3)
    windows = [(point.get("first"), point["layer"]) for point in out["judged"]]
    assert windows == [(0, 3), (1, 4), (2, 5), (None, -1)]
    text = page.read_text(encoding="utf-8")
    assert "as many layers elsewhere" in text and "beside other layers" in text


def test_answers_of_no_tokens_are_counted(run: Any, checkpoint: Path, photo: Path) -> None:
    good = {"image": photo.name, "question": "what is it ?", "answer": "a star"}
    rows = [good, {**good, "answer": ""}, {**good, "answer": "a dog"}]
    path = photo.parent / "q.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    small = ("--layers", "0", "--shares", "0.5", "--json")
    answer = run("lighten", checkpoint, "--samples", path, *small)
    assert answer.code == 1
    [skipped] = json.loads(answer.out)["skipped"]
    assert skipped["line"] == 2 and "becomes no token" in skipped["reason"]
    assert len(json.loads(answer.out)["ids"]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--layers", "6"), "from 0 to 5, got 6"),
        (("--shares", "0"), "above 0 and below 1, got 0.0"),
        (("--shares", "1"), "above 0 and below 1, got 1.0"),
        (("--read", "4-6"), "from 0 to 5, got 6"),
    ],
)
def test_bad_numbers(run: Any, words: tuple[str, str], said: str) -> None:
    answer = run("lighten", "tiny-llava", "--samples", "tiny-scenes:2", *words)
    assert answer.code == 2 and said in answer.err
