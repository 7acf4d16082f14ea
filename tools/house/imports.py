"""The arrows between the files of a package: who imports whom.

Imports inside functions count; blocks under ``if TYPE_CHECKING`` do not. ``from package.a import b``
is an arrow to ``a/b.py`` where that is a module, and else to ``a.py`` or ``a/__init__.py``. One file
importing another in five statements is one arrow.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from tools.house.order import upward
from tools.house.tree import Source, Tree

__all__ = ["Arrow", "arrows", "circles", "upward_arrows", "within_folders"]

Arrow = tuple[str, str]
"""(importing file, imported file), both relative to the package."""


def arrows(tree: Tree) -> list[Arrow]:
    """Every arrow once, in the order of the files."""
    found = {
        (source.path, target)
        for source in tree.files.values()
        for node in _statements(source.syntax)
        for target in _targets(node, source, tree)
    }
    return sorted(arrow for arrow in found if arrow[0] != arrow[1])


def _statements(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and _is_type_checking(child.test):
            for other in child.orelse:
                yield from _statements(ast.Module([other], []))
        else:
            yield from _statements(child)


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _targets(node: ast.Import | ast.ImportFrom, source: Source, tree: Tree) -> Iterator[str]:
    """The files of the package that one statement imports."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        base = _base(node, source, tree)
        names = [f"{base}.{alias.name}" for alias in node.names]
    for name in names:
        parts = name.split(".")
        if parts[0] == tree.name:
            yield _file(parts[1:], tree)


def _base(node: ast.ImportFrom, source: Source, tree: Tree) -> str:
    """The absolute dotted name before ``import``."""
    if not node.level:
        return node.module or ""
    parts = [tree.name, *source.path.split("/")[:-1]]
    kept = parts[: len(parts) - (node.level - 1)]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _file(parts: list[str], tree: Tree) -> str:
    """The file of a dotted name, or of the longest beginning of it that is a module."""
    while parts:
        stem = "/".join(parts)
        for path in (f"{stem}.py", f"{stem}/__init__.py"):
            if path in tree.files:
                return path
        parts = parts[:-1]
    return "__init__.py"


def upward_arrows(tree: Tree, found: list[Arrow], order: tuple[str, ...]) -> list[Arrow]:
    """The arrows against the order of the units.

    Raises:
        KeyError: a unit that has no place in the order.
    """
    return [
        (start, end)
        for start, end in found
        if upward(tree.files[start].unit, tree.files[end].unit, order)
    ]


def within_folders(found: list[Arrow]) -> dict[str, int]:
    """Top folder -> arrows between two files of it, most first."""
    inside = Counter(
        start.split("/")[0]
        for start, end in found
        if "/" in start and "/" in end and start.split("/")[0] == end.split("/")[0]
    )
    return dict(inside.most_common())


def circles(found: list[Arrow]) -> list[list[str]]:
    """Strongly connected components of more than one file, the largest first (Tarjan, no recursion)."""
    after: dict[str, list[str]] = {}
    for start, end in found:
        after.setdefault(start, []).append(end)
        after.setdefault(end, [])
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    open_files: list[str] = []
    components: list[list[str]] = []
    for root in after:
        if root not in number:
            _visit(root, after, number, low, open_files, components)
    loops = [sorted(component) for component in components if len(component) > 1]
    return sorted(loops, key=lambda loop: (-len(loop), loop))


def _visit(
    root: str,
    after: dict[str, list[str]],
    number: dict[str, int],
    low: dict[str, int],
    open_files: list[str],
    components: list[list[str]],
) -> None:
    """Walk what can be reached from ``root``, and close every component on the way back."""
    work = [(root, iter(after[root]))]
    number[root] = low[root] = len(number)
    open_files.append(root)
    while work:
        here, rest = work[-1]
        onward = next(rest, None)
        if onward is None:
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[here])
            if low[here] == number[here]:
                cut = open_files.index(here)
                components.append(open_files[cut:])
                del open_files[cut:]
        elif onward not in number:
            number[onward] = low[onward] = len(number)
            open_files.append(onward)
            work.append((onward, iter(after[onward])))
        elif onward in open_files:
            low[here] = min(low[here], number[onward])
