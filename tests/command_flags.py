"""The flags of a command line, as typer knows them: what texts may name."""

from __future__ import annotations

import re
import shlex

import typer

from vlmscope.cli.app import build_app

__all__ = ["blocks", "flags_of", "unknown_flags"]


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language in Markdown."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def flags_of(words: list[str]) -> set[str]:
    """The flags that a command takes; ``words`` begin with its name, options may change them."""
    command = typer.main.get_command(build_app(words))
    for word in words[:2]:
        command = getattr(command, "commands", {}).get(word, command)
    return {flag for each in command.params for flag in [*each.opts, *each.secondary_opts]}


def unknown_flags(line: str) -> list[str]:
    """Flags of a ``vlmscope ...`` line, comments left out, that its command does not take."""
    words = shlex.split(line, comments=True)[1:]
    taken = flags_of(words)
    return [word for word in words if word.startswith("-") and word not in taken]
