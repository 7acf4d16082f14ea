"""Bars obey the switch, and are widgets in notebooks alone."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest
import tqdm
import tqdm.notebook

from vlmscope.data.resume import walk
from vlmscope.errors import BadOptionError
from vlmscope.progress import SWITCH, in_notebook, progress_bar


@pytest.fixture(autouse=True)
def no_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SWITCH, raising=False)


def kernel(monkeypatch: pytest.MonkeyPatch, shell: Any) -> None:
    """As if this ran under IPython, in a shell of a kind."""
    fake = types.ModuleType("IPython")
    fake.get_ipython = lambda: shell  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", fake)


def walked(progress: bool) -> list[int]:
    seen: list[int] = []
    walk([1, 2, 3], seen.append, title="counting", unit="number", progress=progress)
    return seen


def test_asked_for_it_is_text_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert walked(True) == [1, 2, 3]
    captured = capsys.readouterr()
    assert "counting" in captured.err and "3/3" in captured.err
    assert captured.out == ""
    walked(False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("word", ["0", "off", "False", " no "])
def test_the_switch_hides_what_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    monkeypatch.setenv(SWITCH, word)
    kernel(monkeypatch, types.SimpleNamespace(kernel=object()))
    assert walked(True) == [1, 2, 3]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("word", ["1", "true", ""])
def test_the_switch_shows_nothing_that_was_not_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    monkeypatch.setenv(SWITCH, word)
    walked(False)
    assert capsys.readouterr().err == ""
    walked(True)
    assert "3/3" in capsys.readouterr().err


def test_a_switch_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "maybe")
    for progress in (True, False):
        with pytest.raises(BadOptionError, match=f"{SWITCH} is 0 .* or 1 .* got 'maybe'"):
            walked(progress)


def test_a_notebook_gets_a_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []

    def widget(items: Any, **options: Any) -> Any:
        made.append(options)
        return tqdm.tqdm(items, disable=True)

    monkeypatch.setattr(tqdm.notebook, "tqdm", widget)
    kernel(monkeypatch, types.SimpleNamespace(kernel=object()))
    assert in_notebook()
    assert walked(True) == [1, 2, 3]
    assert made == [{"desc": "counting", "total": None, "unit": "number", "smoothing": 0}]


@pytest.mark.parametrize("shell", [None, types.SimpleNamespace()])
def test_a_terminal_with_ipython_gets_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shell: Any
) -> None:
    kernel(monkeypatch, shell)
    assert not in_notebook()
    walked(True)
    assert "3/3" in capsys.readouterr().err


def test_a_notebook_without_widgets_gets_text_and_no_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel(monkeypatch, types.SimpleNamespace(kernel=object()))
    monkeypatch.setattr("vlmscope.progress.find_spec", lambda name: None)
    with progress_bar([1], "one", total=1, unit="it", progress=True) as bar:
        assert list(bar) == [1]
    assert "1/1" in capsys.readouterr().err
