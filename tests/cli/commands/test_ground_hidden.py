"""``vlmscope ground --hidden``: what a serving engine has run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SERVED = Path(__file__).parents[3] / "docs" / "serving"
FILES = ("--hidden", SERVED / "hidden.safetensors", "--request", SERVED / "request.json")


def test_the_request_alone_and_with_its_picture_and_phrase(run: Any, tmp_path: Path) -> None:
    result = run("ground", *FILES, "--json", "--out", tmp_path / "seen.png")
    assert result.code == 0
    [grounding] = json.loads(result.out)["groundings"]
    assert grounding["phrase"] == "the small blue circle"
    assert grounding["details"]["hidden_states"]["dtype"] == "bfloat16"
    assert (tmp_path / "seen.png").is_file()
    again = run("ground", SERVED / "scene.png", "blue circle", *FILES, "--json")
    [part] = json.loads(again.out)["groundings"]
    assert part["phrase"] == "blue circle"
    assert part["box"] == grounding["box"]  # the row of the last word is the same


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--hidden", "a.safetensors"], "--hidden goes with --request"),
        (["--request", "a.json"], "--request goes with --hidden"),
        ([*FILES, "--model", "tiny-clip"], "--model has no place beside --hidden"),
        ([*FILES, "--method", "mean-attention"], "--method has no place beside"),
        ([*FILES, "--dtype", "float16"], "--dtype has no place beside"),
        ([*FILES, "--prompt", "chat"], "--prompt has no place beside"),
        (["a", "b", "c", *FILES], "one picture and one phrase at most, got 3 words"),
        ([SERVED / "scene.png", "pizza", *FILES], "'pizza' stands 0 times"),
        ([SERVED, "blue circle", *FILES], "A request is of one picture"),
        ([], "Say where and what to look for"),
    ],
)
def test_what_does_not_go_together(run: Any, words: list[Any], sentence: str) -> None:
    result = run("ground", *words)
    assert result.code == 2
    assert sentence in " ".join(result.err.split())
