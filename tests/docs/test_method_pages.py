"""Pages of docs/methods/: one for each method, its options as the code has them, its example."""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from command_flags import blocks, flags_of, unknown_flags
from vlmscope.cli.app import COMMANDS
from vlmscope.methods import methods

DOCS = Path(__file__).parents[2] / "docs"
ANALYSES = (
    "attention-flow",
    "knock-out",
    "lighten",
    "steer",
    "token-grounding",
    "prompt-ablation",
    "compressed-context",
    "faithfulness",
    "hallucination",
)
NAMES = [*(method.id for method in methods()), *ANALYSES]
# arguments of the functions that examples and sentences call, beside options
ARGUMENTS = {
    "method",
    "rows",
    "refine",
    "proxy",
    "post",
    "phrases",
    "prompt",
    "replacements",
    "edges",
    "drop_image_after",
    "maps",
    "keep",
    "read",
}


def _tables() -> ModuleType:
    path = DOCS / "building" / "option_tables.py"
    spec = importlib.util.spec_from_file_location("option_tables", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


TABLES = _tables()


def page(name: str) -> str:
    return (DOCS / "methods" / f"{name}.md").read_text(encoding="utf-8")


def test_every_method_and_analysis_has_a_page_and_no_page_is_of_nothing() -> None:
    pages = {path.stem for path in (DOCS / "methods").glob("*.md")} - {"index"}
    assert pages == set(NAMES)


def test_the_list_of_pages_names_each() -> None:
    linked = set(re.findall(r"\]\(([\w-]+)\.md\)", page("index")))
    assert linked == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_those_of_the_code(name: str) -> None:
    text = page(name)
    assert name in TABLES.names_in(text)
    assert TABLES.with_tables(text) == text, "run: python docs/building/option_tables.py"


def test_discovery_is_on_the_page_of_localization_heads() -> None:
    text = page("localization-heads")
    assert "discovery" in TABLES.names_in(text)
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert {"Discovery", "Grounding", "Evidence"} <= set(headings)  # docstrings cite them


@pytest.mark.parametrize("name", NAMES)
def test_no_sentence_names_an_option_that_does_not_exist(name: str) -> None:
    text = page(name)
    known = {each.name for table in TABLES.names_in(text) for each in TABLES.options_of(table)}
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    named = set(re.findall(r"`(?:[^`]*[(, ])?(\w+)=", prose))
    shared = {each.name for each in TABLES.options_of("gem")}  # templates, window: of every encoder
    assert named <= known | shared | ARGUMENTS


@pytest.mark.parametrize("name", NAMES)
def test_no_command_has_an_option_that_does_not_exist(name: str) -> None:
    for line in "".join(blocks(page(name), "sh")).splitlines():
        assert line.startswith("vlmscope ")
        assert unknown_flags(line) == [], line


@pytest.mark.parametrize("name", NAMES)
def test_a_flag_in_a_sentence_exists_somewhere(name: str) -> None:
    named = set(re.findall(r"`[^`]*?(--[a-z][\w-]*)", page(name)))
    assert named <= flags_of_all()


@functools.cache
def flags_of_all() -> frozenset[str]:
    return frozenset().union(*(flags_of(each.split()) for each in COMMANDS))


@pytest.mark.parametrize("name", NAMES)
def test_the_length_is_that_of_a_page(name: str) -> None:
    assert 40 <= len(page(name).splitlines()) <= 110


@pytest.mark.parametrize("name", NAMES)
def test_published_figures_are_marked_as_claims(name: str) -> None:
    text = page(name)
    figures = re.findall(r"^## Published(.*)$", text, re.MULTILINE)
    assert figures in ([], [", not measured here"])


@pytest.mark.parametrize("name", NAMES)
def test_the_example_prints_what_it_found(name: str) -> None:
    """That it runs is held with every block of every page (test_code_blocks.py)."""
    [example] = blocks(page(name), "python")
    calls = [node.func for node in ast.walk(ast.parse(example)) if isinstance(node, ast.Call)]
    assert any(isinstance(called, ast.Name) and called.id == "print" for called in calls)
