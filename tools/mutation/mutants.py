"""Every mutant of a file.

Left alone are docstrings, ``__all__``, annotations, decorators, imports, strings, blocks under
``if TYPE_CHECKING``, what is raised or warned (deleting it is a mutant, its text is not), fields of
dataclasses but for their defaults, and ``strict`` of ``zip``, which asserts what cannot happen.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tools.mutation.operators import changes, deletion, negative

__all__ = ["Mutant", "mutants"]


@dataclass(frozen=True)
class _Context:
    """Where in the file a node stands.

    Attributes:
        assigned: names that have a value before it in its function.
        lines: of the statement it is in, or of the head of that.
        in_function: whether it runs when a function is called, not when the file is imported.
    """

    assigned: frozenset[str] = frozenset()
    lines: tuple[int, ...] = ()
    in_function: bool = False

    def at(self, node: ast.AST) -> _Context:
        """A statement with a body, or a handler, has a head and bodies of their own lines."""
        if isinstance(node, ast.stmt) and not hasattr(node, "body"):
            return replace(self, lines=_lines(node))
        if isinstance(node, ast.expr) and not self.lines:
            return replace(self, lines=_lines(node))
        return self

    def inside(self, node: ast.AST) -> _Context:
        """Below ``node``: a function begins with its parameters."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return _Context(_names(node.args), (), in_function=True)
        return (
            replace(self, lines=())
            if isinstance(node, ast.stmt) and hasattr(node, "body")
            else self
        )


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes:
        file: the path it is reported by.
        line: number of the first line changed.
        text: that line as it is, stripped.
        change: ``before -> after`` of the smallest expression or statement, numbered from the second
            of the same on.
        lines: numbers of the lines of which one must be executed for the change to be felt: those of
            the statement, or of its head.
        at_import: it stands outside functions, and is felt wherever the file is imported.
        span: (first, beyond the last) byte of what is replaced.
        after: what stands there instead.
        operator: the kind of change.
    """

    file: str
    line: int
    text: str
    change: str
    lines: tuple[int, ...]
    at_import: bool
    span: tuple[int, int]
    after: str
    operator: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What stays the same when lines move."""
        return self.file, self.text, self.change

    def apply(self, source: bytes) -> bytes:
        """The mutated file.

        Raises:
            SyntaxError: the change makes no program.
        """
        first, beyond = self.span
        mutated = source[:first] + self.after.encode() + source[beyond:]
        compile(mutated, self.file, "exec")
        return mutated


def mutants(source: bytes, file: str) -> list[Mutant]:
    """Every mutant of one file, in the order of its lines; no two do the same to the same place."""
    found: dict[tuple[tuple[int, int], str], Mutant] = {}
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for node, after, operator, context in _changed(ast.parse(source), _Context()):
        mutant = _mutant(node, after, operator, context, file, lines, starts)
        found.setdefault((mutant.span, mutant.after), mutant)
    every = sorted(found.values(), key=lambda mutant: (mutant.line, mutant.span, mutant.after))
    return list(_told_apart(every))


def _told_apart(every: list[Mutant]) -> Iterator[Mutant]:
    """The second ``1 -> 0`` of a line is ``1 -> 0 [2]``, also where the line stands twice."""
    met: Counter[tuple[str, str, str]] = Counter()
    for mutant in every:
        met[mutant.key] += 1
        place = met[mutant.key]
        yield mutant if place == 1 else replace(mutant, change=f"{mutant.change} [{place}]")


def _mutant(
    node: ast.expr | ast.stmt,
    after: ast.AST,
    operator: str,
    context: _Context,
    file: str,
    lines: list[bytes],
    starts: list[int],
) -> Mutant:
    end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
    text = ast.unparse(after)
    enclosed = isinstance(after, ast.expr) and not isinstance(after, ast.Constant | ast.Name)
    return Mutant(
        file=file,
        line=node.lineno,
        text=lines[node.lineno - 1].decode().strip(),
        change=f"{_short(ast.unparse(node))} -> {_short(text)}",
        lines=context.lines or _lines(node),
        at_import=not context.in_function,
        span=(starts[node.lineno - 1] + node.col_offset, starts[end_line - 1] + end_column),
        after=f"({text})" if enclosed else text,
        operator=operator,
    )


def _lines(node: ast.expr | ast.stmt) -> tuple[int, ...]:
    return tuple(range(node.lineno, (node.end_lineno or node.lineno) + 1))


def _short(code: str) -> str:
    return " ".join(code.split())


Change = tuple[ast.expr | ast.stmt, ast.AST, str, _Context]


def _changed(node: ast.AST, context: _Context) -> Iterator[Change]:
    """(node, what replaces it, operator, where) at and below ``node``."""
    context = context.at(node)
    if _left_alone(node):
        if isinstance(node, ast.Raise):
            yield node, ast.Pass(), "statement", context
        return
    if isinstance(node, ast.stmt):
        removed = deletion(node, context.assigned)
        if removed is not None:
            yield node, removed, "statement", context
    if isinstance(node, ast.expr | ast.stmt):
        for where, after, operator in changes(node):
            yield where, after, operator, context
    inner = context.inside(node)
    for child in _children(node):
        default = isinstance(node, ast.FunctionDef) and isinstance(child, ast.expr)
        yield from _changed(child, context if default else inner)
        if isinstance(child, ast.stmt):
            inner = replace(inner, assigned=inner.assigned | _stored(child))


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The children that are open to change."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from (each for each in [*node.args.defaults, *node.args.kw_defaults] if each)
        yield from node.body
    elif isinstance(node, ast.ClassDef):
        yield from node.body
    elif isinstance(node, ast.AnnAssign):
        if node.value is not None:
            yield node.value
    elif isinstance(node, ast.Call) and _called(node) == "field":
        yield from (keyword.value for keyword in node.keywords if keyword.arg == "default")
    elif isinstance(node, ast.Call) and _called(node) == "option":
        yield node.args[0]  # its default; what it takes is checked by the tests of options
    elif isinstance(node, ast.Call) and _called(node) == "zip":
        yield from node.args
    elif isinstance(node, ast.Lambda):
        yield from (each for each in [*node.args.defaults, *node.args.kw_defaults] if each)
        yield node.body
    elif negative(node) is None:
        yield from ast.iter_child_nodes(node)


def _left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):
        call = node.value
        return isinstance(call, ast.Constant) or (
            isinstance(call, ast.Call) and _called(call) == "warn"
        )
    if isinstance(node, ast.Assign):
        return any(isinstance(each, ast.Name) and each.id == "__all__" for each in node.targets)
    if isinstance(node, ast.If):
        return ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
    return isinstance(node, ast.Import | ast.ImportFrom | ast.Raise | ast.JoinedStr)


def _called(call: ast.Call) -> str:
    """``warn`` of ``warnings.warn(...)``."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _names(arguments: ast.arguments) -> frozenset[str]:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return frozenset(each.arg for each in every)


def _stored(statement: ast.stmt) -> frozenset[str]:
    return frozenset(
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
