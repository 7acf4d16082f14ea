"""README and the pages beside the methods: commands that exist, links that lead somewhere."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path

import pytest

from command_flags import blocks, unknown_flags

ROOT = Path(__file__).parents[2]
TEXTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "docs" / "methods" / "index.md",
]


def lines_of(text: str) -> list[str]:
    """Command lines, those that go on after a backslash put together."""
    whole = "".join(blocks(text, "sh")).replace("\\\n", " ")
    return [line for line in whole.splitlines() if line.startswith("vlmscope ")]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_commands_and_their_flags_exist(path: Path) -> None:
    found = {line: unknown_flags(line) for line in lines_of(path.read_text("utf-8"))}
    assert not {line: flags for line, flags in found.items() if flags}


def test_a_wrong_flag_would_be_found() -> None:
    assert unknown_flags("vlmscope ground a.jpg cat --nowhere x") == ["--nowhere"]
    assert unknown_flags("vlmscope heads verify h.json --candidates 3") == ["--candidates"]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_what_examples_import_exists(path: Path) -> None:
    code = "".join(blocks(path.read_text("utf-8"), "python"))
    for home, names in re.findall(r"from (vlmscope[\w.]*) import ([\w, ]+)", code):
        for name in names.split(","):
            # what is imported is a name of the module, or a module in the package
            known = hasattr(importlib.import_module(home), name.strip())
            known = known or importlib.util.find_spec(f"{home}.{name.strip()}") is not None
            assert known, f"{home}: {name}"


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_modules_that_are_run_and_files_that_are_named_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    for module in re.findall(r"python -m (vlmscope[\w.]*)", text):
        assert importlib.util.find_spec(module) is not None, module
    named = re.findall(r"(?<![\w/])(?:src|tests|docs|benchmarks|tools)/[\w./-]*[\w/]", text)
    recipes = [name for name in named if "NAME" in name]
    folders = [str(Path(name).parent) for name in recipes]
    wanted = [*(name for name in named if name not in recipes), *folders]
    assert [name for name in wanted if not (ROOT / name).exists()] == []


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= 120
    local = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    assert local
    assert [link for link in local if not (ROOT / link).is_file()] == []
