"""Running what a page says: python in one namespace, ``vlmscope`` lines in this process."""

from __future__ import annotations

import contextlib
import functools
import io
import re
import shlex
import tomllib
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from code_blocks import PYTHON, ROOT, Block, BlockError, blocks, is_run, parse
from stand_ins import LEAVES, lightened, names, prepare, substituted, unserved

from scripts import run_module, run_script
from vlmscope.cli import main

PASSED_OVER = frozenset({"cd", "git", "export", "source", ".", "mkdir", "ls", "cat", "open", "jq"})
"""Commands that only move about."""

_FILES = frozenset({">", ">>", "<"})
_OPERATORS = frozenset({"|", "||", "&&", ";", "&"}) | _FILES
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")


def run_page(text: str, page: str, folder: Path) -> list[str]:
    """Hold every block of a page to its word.

    Args:
        text: of the page.
        page: its name in messages.
        folder: empty; stand-ins are put into it, and blocks run in it.

    Returns:
        What does not hold, one message each; empty: all is well.
    """
    found = list(blocks(text, page))
    code = "\n".join(substituted(block.text) for block in found)
    space: dict[str, Any] = {"__name__": "__page__"}
    faults = []
    with contextlib.chdir(folder):
        for block in found:
            try:
                if not is_run(block):
                    parse(block)
                    continue
                if len(space) == 1:
                    prepare(folder, code)
                    space |= names()
                run(block, space)
            except BlockError as error:
                faults.append(str(error))
    return faults


def run(block: Block, space: dict[str, Any]) -> None:
    """Run one block in the current folder.

    Raises:
        BlockError: what went wrong, with page and line.
    """
    if block.language in PYTHON:
        run_python(block, space)
        return
    for words in commands(substituted(block.text)):
        run_command(block, words)


def run_python(block: Block, space: dict[str, Any]) -> None:
    """Run a python block in ``space``."""
    padding = "\n" * block.line  # so that a traceback names the line of the page
    with _silent():
        try:
            exec(compile(padding + substituted(block.text), block.page, "exec"), space)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            line = next((at.lineno for at in reversed(frames) if at.filename == block.page), "?")
            raise BlockError(f"{block.page}:{line}: {type(error).__name__}: {error}") from error


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a shell block as words, prompts, assignments and redirections left out."""
    for line in text.replace("\\\n", " ").splitlines():
        reader = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="();<>|&")
        reader.whitespace_split = True
        yield from _split(list(reader))


def _split(words: list[str]) -> Iterator[list[str]]:
    """Commands between operators; files written to or read from, and what reads a pipe, are left out."""
    command: list[str] = []
    before = ";"
    for word in [*words, ";"]:
        if word in _OPERATORS:
            if command and word not in _FILES:
                yield command
                command = []
            before = word
        elif before in _FILES:
            before = ";"
        elif before != "|" and (command or not _ASSIGNMENT.match(word)):
            command.append(word)


def run_command(block: Block, words: list[str]) -> None:
    """Run or check one command.

    Raises:
        BlockError: it fails, or nothing is known about it.
    """
    if words[:3] == ["python", "-m", "vlmscope"]:
        words = words[2:]
    check = COMMANDS.get(words[0])
    if words[0] in PASSED_OVER:
        return
    if check is None:
        raise BlockError(
            f"{block.place}: {words[0]} is no command that is checked; put "
            "<!-- not run: REASON --> before the block."
        )
    problem = check(words[1:])
    if problem:
        raise BlockError(f"{block.place}: {shlex.join(words)}: {problem}")


def vlmscope(words: list[str]) -> str | None:
    """Run a command line in this process; what is wrong with it, or None."""
    words = _globbed(lightened(words))
    call = (tuple(words), _contents(words))
    if call in _HELD:
        return None
    with _silent() as heard, unserved():
        code = main(words)
    if code not in (0, 1):
        return f"exit code {code}: {heard.getvalue().strip()[-600:]}"
    if words[0] in LEAVES:
        _HELD.add(call)
    return None


_HELD: set[tuple[tuple[str, ...], tuple[bytes, ...]]] = set()
"""Command lines, with the files that they name, which an earlier page said and which held."""


def _contents(words: list[str]) -> tuple[bytes, ...]:
    return tuple(Path(word).read_bytes() for word in words if Path(word).is_file())


def _globbed(words: list[str]) -> list[str]:
    """As a shell does: words with a star become the files that fit."""
    found = []
    for word in words:
        fitting = sorted(str(path) for path in Path().glob(word)) if "*" in word else []
        found += fitting or [word]
    return found


def make(words: list[str]) -> str | None:
    """Targets must exist in the Makefile; a call without one is its default."""
    targets = {word for word in words if not word.startswith("-") and "=" not in word}
    unknown = targets - make_targets()
    return f"the Makefile has no {', '.join(sorted(unknown))}" if unknown else None


@functools.cache
def make_targets(makefile: Path = ROOT / "Makefile") -> frozenset[str]:
    """The names in front of a colon."""
    return frozenset(re.findall(r"^([\w-]+):(?!=)", makefile.read_text(), flags=re.MULTILINE))


def pip(words: list[str]) -> str | None:
    """``pip install`` of this project must name extras that it has."""
    pattern = r"^(?:\.|vlmscope|[\w./-]*vlmscope)\[([\w,\s-]+)\]"
    named = {extra for word in words for extra in _extras(pattern, word)}
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    unknown = named - set(known)
    return f"pyproject.toml has no extra {', '.join(sorted(unknown))}" if unknown else None


def _extras(pattern: str, word: str) -> list[str]:
    found = re.match(pattern, word)
    return [] if found is None else [extra.strip() for extra in found[1].split(",")]


def python(words: list[str]) -> str | None:
    """A script or module of this project must be there and have the options that are named."""
    if words[:1] == ["-m"] and words[1:2] == ["pip"]:
        return pip(words[2:])
    module = words[:1] == ["-m"]
    target, rest = words[: 1 + module], words[1 + module :]
    options = {word.split("=")[0] for word in rest if word.startswith("--")}
    if not module:
        target = [str(ROOT / target[0])]
    known = _help(tuple(target))
    if known is None:
        return "it does not answer to --help"
    missing = sorted(o for o in options if not re.search(rf"{re.escape(o)}(?![\w-])", known))
    return f"it has no {', '.join(missing)}" if missing else None


@functools.cache
def _help(target: tuple[str, ...]) -> str | None:
    module = target[0] == "-m"
    ended = run_module(target[1], "--help") if module else run_script(Path(target[0]), "--help")
    return ended.out if ended.code == 0 else None


COMMANDS: dict[str, Callable[[list[str]], str | None]] = {
    "vlmscope": vlmscope,
    "make": make,
    "pip": pip,
    "python": python,
}
"""What is known about commands: each takes the words after its name and says what is wrong."""


@contextlib.contextmanager
def _silent() -> Iterator[io.StringIO]:
    """Nothing is printed; what would have been can be read."""
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
        yield heard
