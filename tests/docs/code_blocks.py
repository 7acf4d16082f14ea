"""The fenced blocks of README, CONTRIBUTING and docs: found, and told how each is held to its word.

How to write a block so that it is checked:

- ``python``: runs, block after block, one namespace per page, in a fresh folder. Names that pages use
  without making them (``samples``, ``questions``, ``hf_model`` ...) and files that they read (any
  picture, ``*.jsonl``, ``heads.json``) are stand-ins, see :mod:`stand_ins`. Hub ids become embedded or
  random models by the table there, counts of scenes become small.
- ``sh`` (``bash``, ``console``): every ``vlmscope`` and ``python -m vlmscope`` line runs, exit codes 0
  and 1 are fine; for ``make`` the target must exist; ``pip install`` must name extras that exist; lines
  that only move about (``cd``, ``git``, ``export``, ``source``) are passed over. Anything else fails.
- ``json``: has to be JSON, one value or one a line; ``yaml`` and ``toml`` have to parse.
- ``text``, ``html``, ``mermaid``: for reading only. A block without a language fails: name one.
- A block that cannot run says why, on the line before its fence, at the fence's own indent::

      <!-- not run: needs a GPU -->

  The reason may not be empty, and a reason before a block that is not run anyway fails as well.
"""

from __future__ import annotations

import json
import re
import textwrap
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]

PYTHON = frozenset({"python", "py"})
SHELL = frozenset({"sh", "bash", "shell", "console"})
READ_ONLY = frozenset({"text", "html", "mermaid", "css"})

_FENCE = re.compile(r"^(?P<indent>\s*)(?P<marks>`{3,}|~{3,})\s*(?P<language>[\w+-]*).*$")
_REASON = re.compile(r"^\s*<!--\s*not run:?(?P<reason>.*?)-->\s*$")


class BlockError(AssertionError):
    """A block that does not keep its word."""


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        page: where it stands, relative to the repository.
        line: of its opening fence, from 1.
        language: as the fence says, in lower case.
        text: what is between the fences, without the fence's indent.
        reason: what the comment before it says about why it is not run; None: there is none.
    """

    page: str
    line: int
    language: str
    text: str
    reason: str | None = None

    @property
    def place(self) -> str:
        """Page and line."""
        return f"{self.page}:{self.line}"


def pages(root: Path = ROOT) -> list[Path]:
    """The pages whose blocks are held, README first."""
    top = [root / "README.md", root / "CONTRIBUTING.md"]
    return [*(page for page in top if page.is_file()), *sorted((root / "docs").rglob("*.md"))]


def blocks(text: str, page: str = "page.md") -> Iterator[Block]:
    """The fenced blocks of a page.

    Raises:
        BlockError: a fence that is never closed.
    """
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        opened = _FENCE.match(lines[at])
        if opened is None:
            at += 1
            continue
        end = _closing(lines, at, opened["marks"])
        if end is None:
            raise BlockError(f"{page}:{at + 1}: this block is never closed.")
        body = textwrap.dedent("\n".join(lines[at + 1 : end])) + "\n"
        reason = _reason(lines[at - 1]) if at else None
        yield Block(page, at + 1, opened["language"].lower(), body, reason)
        at = end + 1


def _closing(lines: list[str], at: int, marks: str) -> int | None:
    closes = re.compile(rf"^\s*{re.escape(marks[0])}{{{len(marks)},}}\s*$")
    return next((n for n in range(at + 1, len(lines)) if closes.match(lines[n])), None)


def _reason(line: str) -> str | None:
    found = _REASON.match(line)
    return None if found is None else found["reason"].strip()


def is_run(block: Block) -> bool:
    """Whether the block is to be executed.

    Raises:
        BlockError: no language, one that is unknown, a reason that is empty or has no use.
    """
    runnable = block.language in PYTHON | SHELL
    if not runnable and block.language not in READ_ONLY | set(PARSERS):
        name = block.language or "no language"
        raise BlockError(f"{block.place}: {name}; write python, sh, json, yaml, toml or text.")
    if block.reason is None:
        return runnable
    if not block.reason:
        raise BlockError(f"{block.place}: 'not run' needs a reason: <!-- not run: REASON -->.")
    if block.language in READ_ONLY:
        raise BlockError(f"{block.place}: {block.language} is never run, so it needs no reason.")
    return False


def parse(block: Block) -> None:
    """Hold a block of data to its language.

    Raises:
        BlockError: it does not parse.
    """
    parser = PARSERS.get(block.language)
    if parser is None or block.reason:
        return
    try:
        parser(block.text)
    except (ValueError, yaml.YAMLError) as error:
        raise BlockError(f"{block.place}: this is no {block.language}: {error}") from error


def _json(text: str) -> object:
    """One value, or one value a line."""
    try:
        return json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


PARSERS: Mapping[str, Callable[[str], object]] = {
    "json": _json,
    "jsonl": _json,
    "yaml": yaml.safe_load,
    "toml": tomllib.loads,
}
"""Languages that only have to parse."""
