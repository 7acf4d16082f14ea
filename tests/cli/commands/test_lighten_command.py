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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--layers", "6"), "from 0 to 5, got 6"),
        (("--shares", "0"), "above 0 and below 1, got 0.0"),
    ],
)
def test_bad_numbers(run: Any, words: tuple[str, str], said: str) -> None:
    answer = run("lighten", "tiny-llava", "--samples", "tiny-scenes:2", *words)
    assert answer.code == 2 and said in answer.err
