"""The tables of the analyses explain their columns in a line beneath them."""

from __future__ import annotations

import json

import pytest

from vlmscope.cli import main


@pytest.mark.parametrize(
    ("words", "last", "explained"),
    [
        (["flow"], "in layer", ["share: of what rows", "of tokens: how many", "peak: the largest"]),
        (["prompts"], "image share", ["log p: how much likelier", "right: how often"]),
        (["knockout"], "95% interval", ["logprob_drop: log-prob", "kl: KL(clean", "support: the"]),
    ],
)
def test_columns(
    capsys: pytest.CaptureFixture[str], words: list[str], last: str, explained: list[str]
) -> None:
    command = [*words, "tiny-llava", "--samples", "tiny-scenes:2"]
    assert main(command) == 0
    printed = capsys.readouterr().out
    for text in explained:
        assert printed.index(text) > printed.index(last)
    assert main([*command, "--quiet"]) == 0
    quiet = capsys.readouterr().out
    assert not any(text in quiet for text in explained)
    assert main([*command, "--json"]) == 0
    json.loads(capsys.readouterr().out)
