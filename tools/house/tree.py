"""The files of a source tree and their functions."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median

from tools.house.order import REGISTERED

__all__ = ["Source", "Tree", "folders", "sizes"]


@dataclass(frozen=True)
class Source:
    """One file.

    Attributes:
        path: relative to the package, with slashes: ``post/region.py``.
        text: what it holds.
    """

    path: str
    text: str = field(repr=False)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def syntax(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def folder(self) -> str:
        """``post`` of ``post/region.py``, "" of a file directly in the package."""
        return self.path.rpartition("/")[0]

    @property
    def unit(self) -> str:
        """``post`` of ``post/region.py``, ``stats`` of ``stats.py``, "" of the package itself."""
        first = self.path.split("/")[0].removesuffix(".py")
        return "" if first == "__init__" else first


@dataclass(frozen=True)
class Tree:
    """A package.

    Attributes:
        name: what it is imported as.
        files: path relative to the package -> file, in the order of the paths.
    """

    name: str
    files: dict[str, Source]

    @classmethod
    def read(cls, folder: Path) -> Tree:
        """Every ``*.py`` under ``folder``.

        Raises:
            SystemExit: no Python file there.
        """
        found = sorted(folder.rglob("*.py"))
        if not found:
            raise SystemExit(f"{folder} holds no Python file: name the folder of a package.")
        sources = [
            Source(path.relative_to(folder).as_posix(), path.read_text("utf-8")) for path in found
        ]
        return cls(folder.resolve().name, {source.path: source for source in sources})


def sizes(tree: Tree) -> dict[str, object]:
    """Lengths in lines, of files and of functions (decorators and docstrings included)."""
    files = {path: len(source.lines) for path, source in tree.files.items()}
    longest = max(files, key=lambda path: files[path])
    return {
        "files": len(files),
        "lines": sum(files.values()),
        "median file": median(files.values()),
        "longest file": {"file": longest, "lines": files[longest]},
        "median function": median(_function_lengths(tree) or [0]),
    }


def _function_lengths(tree: Tree) -> list[int]:
    return [
        node.end_lineno - min([node.lineno, *(each.lineno for each in node.decorator_list)]) + 1
        for source in tree.files.values()
        for node in ast.walk(source.syntax)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    ]


def folders(tree: Tree) -> dict[str, object]:
    """The folder with most modules, and those whose files register themselves, without __init__."""
    modules = Counter(
        source.folder
        for source in tree.files.values()
        if not source.path.endswith("__init__.py") and source.folder
    )
    plain = {folder: count for folder, count in modules.items() if folder not in REGISTERED}
    largest = max(plain, key=lambda folder: plain[folder], default="")
    return {
        "largest folder": {"folder": largest, "modules": plain.get(largest, 0)},
        "registering folders": {
            folder: modules[folder] for folder in sorted(REGISTERED & modules.keys())
        },
    }
