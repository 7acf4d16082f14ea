"""Pairs of places that share six or more lines of the same shape.

The shape of a line is what is left of it when names, strings and numbers are blanked. Comments,
blank lines, docstrings, imports and lines of punctuation alone are passed over. Of six lines at least
four must differ in shape: lists of names, fields or parameters are alike everywhere and mean nothing.
"""

from __future__ import annotations

import ast
import io
import keyword
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from tools.house.tree import Source, Tree

__all__ = ["RUN", "Repeat", "repeats", "shapes"]

RUN = 6
_DIFFERENT = 4
_BLANKED = {tokenize.STRING: "S", tokenize.NUMBER: "0"}
_SKIPPED = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE),
    *(tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER),
}

Place = tuple[str, int]  # file, index among its shaped lines


@dataclass(frozen=True)
class Repeat:
    """Two places.

    Attributes:
        first, second: (file, number of the first line).
        length: lines that they share.
    """

    first: tuple[str, int]
    second: tuple[str, int]
    length: int


def shapes(source: Source, letters: bool = False) -> list[tuple[int, str]]:
    """(line number, shape) of every line that counts; ``letters``: names and values are kept."""
    passed = _passed_over(source.syntax)
    words: dict[int, list[str]] = defaultdict(list)
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        line = token.start[0]
        if token.type not in _SKIPPED and line not in passed:
            words[line].append(token.string if letters else _blanked(token))
    shaped = [(line, " ".join(found)) for line, found in sorted(words.items())]
    return [(line, shape) for line, shape in shaped if any(letter.isalnum() for letter in shape)]


def _passed_over(syntax: ast.Module) -> set[int]:
    """Lines of imports and of strings that stand alone: docstrings."""
    return {
        line
        for node in ast.walk(syntax)
        if isinstance(node, ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def _blanked(token: tokenize.TokenInfo) -> str:
    if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
        return "N"
    return _BLANKED.get(token.type, token.string)


def repeats(tree: Tree, letters: bool = False) -> list[Repeat]:
    """Every pair of places once, at its full length, the longest first; by shape or to the letter."""
    lines = {path: shapes(source, letters) for path, source in tree.files.items()}
    found = [_repeat(lines, first, second) for first, second in _pairs(lines)]
    return sorted(found, key=lambda repeat: (-repeat.length, repeat.first, repeat.second))


def _pairs(lines: dict[str, list[tuple[int, str]]]) -> Iterator[tuple[Place, Place]]:
    """Places where a shared run begins: the windows one line earlier are not shared."""
    places: dict[tuple[str, ...], list[Place]] = defaultdict(list)
    for path, shaped in lines.items():
        for start in range(len(shaped) - RUN + 1):
            window = tuple(shape for _, shape in shaped[start : start + RUN])
            if len(set(window)) >= _DIFFERENT:
                places[window].append((path, start))
    shared = {pair for found in places.values() for pair in combinations(found, 2) if _apart(*pair)}
    for (file, start), (other, other_start) in shared:
        if ((file, start - 1), (other, other_start - 1)) not in shared:
            yield (file, start), (other, other_start)


def _apart(first: Place, second: Place) -> bool:
    """Whether two windows do not overlap."""
    return first[0] != second[0] or abs(first[1] - second[1]) >= RUN


def _repeat(lines: dict[str, list[tuple[int, str]]], first: Place, second: Place) -> Repeat:
    ones, others = lines[first[0]][first[1] :], lines[second[0]][second[1] :]
    if first[0] == second[0]:
        ones = ones[: abs(second[1] - first[1])]
    length = 0
    for (_, shape), (_, other) in zip(ones, others, strict=False):
        if shape != other:
            break
        length += 1
    return Repeat((first[0], ones[0][0]), (second[0], others[0][0]), length)
