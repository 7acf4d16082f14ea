"""Help in groups: every option of a command with many of them stands in one that says what it is about."""

from __future__ import annotations

import re
from typing import Annotated, Any

import pytest
import typer

from vlmscope.cli.panels import in_panel

GROUPED = (
    "ground",
    "ground --method gem",
    "ground --method all",
    "segment",
    "label",
    "heads discover",
    "heads compare",
    "heads verify",
    "tokens",
    "flow",
    "knockout",
    "lighten",
    "steer",
    "prompts",
    "faithfulness",
    "context",
    "daam",
    "eval",
    "reproduce gem",
    "reproduce whats-in-the-image",
    "reproduce localization-heads",
    "app",
)


def panels(text: str) -> dict[str, list[str]]:
    """Title -> options and arguments, off the help of a command."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if re.fullmatch(r"[A-Z][\w -]*:", line):
            found[line[:-1]] = []
        elif found and (entry := re.match(r"  (?:-\w, )?(--[\w-]+|\[?[A-Z|]+\]?)(?=[ .]|$)", line)):
            list(found.values())[-1].append(entry[1])
    return found


@pytest.mark.parametrize("command", GROUPED)
def test_nothing_but_help_stands_outside_a_group(run: Any, command: str) -> None:
    found = panels(run(*command.split(), "--help").out)
    titles = list(found)
    analyses = ("flow", "knock", "lighten", "prompts", "faithfulness", "context")
    assert titles[:2] == ["Input", "Model"] or command.startswith(analyses)
    assert titles[-2:] == ["Output", "Options"]
    assert found["Options"] == ["--help"]
    assert {"--dtype", "--device"} <= set(found["Model"])
    assert "--json" in found["Output"]


def test_where_the_options_of_ground_stand(run: Any) -> None:
    found = panels(run("ground", "--help").out)
    assert {"IMAGE", "--phrase", "--max-pixels"} <= set(found["Input"])
    assert {"--model", "--revision"} <= set(found["Model"])
    assert {"--method", "--heads", "--k", "--greedy"} <= set(found["Method"])
    assert {"--post", "--sigma", "--keep", "--refine"} <= set(found["Post-processing"])
    assert {"--out", "--quiet"} <= set(found["Output"])
    gem = panels(run("ground", "--method", "gem", "--help").out)
    assert {"--temperature", "--side"} <= set(gem["Method"])
    assert "--sigma" in gem["Post-processing"]  # gem changes its default, not what it is about


def test_a_command_that_loads_no_model_says_what_it_asks_instead(run: Any) -> None:
    found = panels(run("explain", "--help").out)
    assert list(found) == ["Input", "Model", "Method", "Requests", "Output", "Options"]
    assert {"IMAGE", "QUESTION", "--answer", "--max-pixels"} == set(found["Input"])
    assert {"--endpoint", "--model", "--key-from"} == set(found["Model"])
    assert {"--budget", "--per-minute", "--retries"} <= set(found["Requests"])
    assert found["Options"] == ["--help"]


def test_a_command_with_few_options_has_no_groups(run: Any) -> None:
    assert list(panels(run("methods", "--help").out)) == ["Arguments", "Options"]


def test_an_option_keeps_the_panel_it_names() -> None:
    plain = typer.Option(help="a")
    own = typer.Option(help="b", rich_help_panel="Own")
    assert in_panel(Annotated[int, plain], "Group").__metadata__[0].rich_help_panel == "Group"
    assert plain.rich_help_panel is None  # another group may have it, too
    assert in_panel(Annotated[int, own], "Group").__metadata__[0].rich_help_panel == "Own"
    assert in_panel(int, "Group") is int
