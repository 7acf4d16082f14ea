"""One line of the table and one file make a command, in groups as at the top."""

from __future__ import annotations

import inspect
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from vlmscope.cli import commands
from vlmscope.cli.app import COMMANDS, called_command, module_of
from vlmscope.cli.console import emit

FOLDER = Path(str(inspect.getfile(commands))).parent


def groups() -> set[str]:
    return {name.rpartition(" ")[0] for name in COMMANDS} - {""}


def test_every_file_is_a_command_and_every_command_a_file() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert files == {module_of(name) for name in COMMANDS if name not in groups()}


def test_every_group_has_a_line_of_its_own() -> None:
    assert "heads" in groups()
    assert groups() <= set(COMMANDS)


@pytest.mark.parametrize("name", ["wave", "heads wave", "sea", "sea far-wave"])
def test_a_line_in_the_table_is_all_the_registration(
    run: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def command(words: list[str]) -> Any:
        def greet(word: str) -> None:
            """Greet."""
            emit(f"hello {word}")

        return greet

    lines = {"sea": "A group.", "sea far-wave": "Greet."} if "sea" in name else {name: "Greet."}
    monkeypatch.setattr("vlmscope.cli.app.COMMANDS", {**COMMANDS, **lines})
    for line in lines:
        module = types.ModuleType(module_of(line))
        module.command = command  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"vlmscope.cli.commands.{module_of(line)}", module)
    if name == "sea":
        assert "far-wave  Greet." in run("sea").out
        return
    assert run(*name.split(), "you") == (0, "hello you\n", "")
    assert "Greet." in run(*name.split()[:-1], "--help").out
    assert run(*name.split(), "--hepl").err.rstrip().endswith(f"vlmscope {name} --help")


def test_called_command() -> None:
    assert called_command(["heads", "show", "a.json"]) == "heads show"
    assert called_command(["heads", "-q"]) == "heads"
    assert called_command(["ground", "models", "dog"]) == "ground"
    assert called_command([]) == called_command(["--json"]) == ""
