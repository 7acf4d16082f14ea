"""Completion in the shell: the script, its installation, and what a tab gives."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shellingham

from vlmscope.cli.completion import asked_words, head_sets, model_names
from vlmscope.heads import published_names
from vlmscope.methods import methods
from vlmscope.methods.encoder import DenseMethod
from vlmscope.tiny import EMBEDDED

Tab = Callable[[str], list[str]]


@pytest.fixture
def tab(run: Any, monkeypatch: pytest.MonkeyPatch) -> Tab:
    """What bash is given for a line, the cursor at its end."""

    def pressed(line: str) -> list[str]:
        words = line.split(" ")
        monkeypatch.setenv("_VLMSCOPE_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        result = run()
        assert (result.code, result.err) == (0, "")
        return list(result.out.split())

    return pressed


def test_commands(tab: Tab) -> None:
    assert tab("vlmscope gr") == ["ground"]
    assert tab("vlmscope heads ") == ["discover", "compare", "verify", "show"]
    assert {"ground", "segment", "doctor"} <= set(tab("vlmscope "))


@pytest.mark.parametrize("option", ["--model", "-m"])
def test_models(tab: Tab, option: str) -> None:
    assert tab(f"vlmscope ground {option} ") == list(EMBEDDED)
    assert tab("vlmscope flow tiny-l") == ["tiny-llava", "tiny-llava-crowd"]
    assert tab("vlmscope doctor tiny-c") == ["tiny-clip"]


def test_methods_that_the_command_has(tab: Tab) -> None:
    assert tab("vlmscope ground --method ") == [method.id for method in methods()]
    dense = [method.id for method in methods() if isinstance(method, DenseMethod)]
    assert tab("vlmscope segment --method ") == dense
    assert tab("vlmscope eval tiny-scenes --method gem,ma") == ["gem,maskclip"]
    assert tab("vlmscope methods mask") == ["maskclip"]


def test_head_sets(tab: Tab) -> None:
    assert tab("vlmscope ground --heads ") == list(published_names())
    assert tab("vlmscope heads verify llava-1.5-7") == ["llava-1.5-7b"]
    assert head_sets("") == list(published_names())
    assert model_names("nothing") == []


def test_formats_of_labels(tab: Tab) -> None:
    assert tab("vlmscope export labels --format co") == ["coco"]


def test_options_are_those_of_the_method_named(tab: Tab) -> None:
    assert set(tab("vlmscope ground --method gem --temp")) == {"--temperature", "--templates"}
    assert tab("vlmscope ground --greed") == ["--greedy"]


@pytest.mark.parametrize(
    "line", ["vlmscope ground pho", "vlmscope ground --method nonsense --x", "vlmscope 'x"]
)
def test_where_nothing_follows_files_are_left_to_the_shell(tab: Tab, line: str) -> None:
    assert tab(line) == []


def test_what_other_shells_say() -> None:
    line = {"_TYPER_COMPLETE_ARGS": "vlmscope ground --method ge"}
    assert asked_words(line) == (["ground", "--method"], "ge")
    assert asked_words({"_TYPER_COMPLETE_ARGS": "vlmscope ground "}) == (["ground"], "")
    assert asked_words({"_TYPER_COMPLETE_ARGS": "vlmscope"}) == ([], "")


def detected(monkeypatch: pytest.MonkeyPatch, shell: str | None) -> None:
    def detect() -> tuple[str, str]:
        if shell is None:
            raise shellingham.ShellDetectionFailure
        return shell, f"/bin/{shell}"

    monkeypatch.setattr(shellingham, "detect_shell", detect)
    monkeypatch.delenv("SHELL", raising=False)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "pwsh"])
def test_the_script(run: Any, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    detected(monkeypatch, shell)
    result = run("--show-completion")
    assert (result.code, result.err) == (0, "")
    assert "_VLMSCOPE_COMPLETE" in result.out and "vlmscope" in result.out


def test_the_login_shell_where_none_is_seen(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for seen in (None, "sh"):
        detected(monkeypatch, seen)
        monkeypatch.setenv("SHELL", "/usr/bin/fish")
        assert run("--show-completion").out.startswith("complete --command vlmscope")


def test_a_shell_that_cannot_complete(refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for option in ("--show-completion", "--install-completion"):
        detected(monkeypatch, None)
        refused([option], "bash, zsh, fish", "unknown")
        monkeypatch.setenv("SHELL", "/bin/ksh")
        refused([option], "bash, zsh, fish", "ksh")


def test_installing(run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    detected(monkeypatch, "bash")
    result = run("--install-completion")
    script = tmp_path / ".bash_completions" / "vlmscope.sh"
    assert result == (0, f"{script}: bash completes vlmscope after it is started anew.\n", "")
    assert str(script) in (tmp_path / ".bashrc").read_text()
    if shutil.which("bash"):
        command = f"source {script} && complete -p vlmscope"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
        assert "_vlmscope_completion" in done.stdout
