"""What the commands of ``vlmscope reproduce`` share."""

from __future__ import annotations

from pathlib import Path

import pytest

from vlmscope.cli.arguments import Printing
from vlmscope.cli.reproducing import Kept, listener, models_of
from vlmscope.errors import BadOptionError
from vlmscope.reproduce.costs import Cost


def test_names_with_commas_and_again_each_once() -> None:
    assert models_of(["a, b", "c", "a"], None) == ["a", "b", "c"]
    assert models_of(["a"], "main") == ["a"]
    with pytest.raises(BadOptionError, match="one by one"):
        models_of(["a,b"], "main")


def test_whoever_interrupts_is_told_what_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyboardInterrupt), Kept(tmp_path).said():
        raise KeyboardInterrupt
    assert str(tmp_path) in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt), Kept(None).said():
        raise KeyboardInterrupt
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("quiet", [False, True])
def test_costs_and_sentences_are_said_unless_quiet(
    quiet: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = listener(Printing(quiet=quiet))
    waiting.costs("tiny-clip", [("score", Cost(1, 2, 3, 4))])
    waiting.say("on we go")
    shown = capsys.readouterr()
    assert shown.out == "" and waiting.progress is not quiet
    assert ("tiny-clip costs" in shown.err and "on we go" in shown.err) is not quiet
