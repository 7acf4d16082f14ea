"""What one expression or statement can be changed into."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["changes", "deletion", "negative"]

_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
_SWAPPED = {
    name: other
    for pair in [
        *(("min", "max"), ("amin", "amax"), ("argmin", "argmax"), ("minimum", "maximum")),
        *(("fmin", "fmax"), ("floor", "ceil"), ("any", "all")),
    ]
    for name, other in [pair, pair[::-1]]
}

Change = tuple[ast.expr | ast.stmt, ast.AST, str]


def deletion(node: ast.stmt, assigned: frozenset[str]) -> ast.stmt | None:
    """What is left when a statement is taken out, or None where that would prove nothing.

    A first assignment cannot be missed: without it the name is unknown. Taken out are assignments to
    names assigned before, to attributes and to items.
    """
    if isinstance(node, ast.Expr | ast.AugAssign | ast.Assert | ast.Delete):
        return ast.Pass()
    if isinstance(node, ast.Continue | ast.Break):
        return ast.Pass()
    if isinstance(node, ast.Assign):
        names = [each.id for each in node.targets if isinstance(each, ast.Name)]
        first = any(name not in assigned for name in names)
        if not first and not any(isinstance(each, ast.Tuple) for each in node.targets):
            return ast.Pass()
    return None


def changes(node: ast.expr | ast.stmt) -> Iterator[Change]:
    """(what is replaced, what by, the kind of change): of ``node`` itself, or of its test."""
    for kind, change in _BY_TYPE.items():
        if isinstance(node, kind):
            yield from change(node)
    test = getattr(node, "test", None)
    if isinstance(test, ast.expr) and not isinstance(node, ast.Assert):
        yield from _negated(test)


def _compare(node: ast.Compare) -> Iterator[Change]:
    for place, operator in enumerate(node.ops):
        for other in _COMPARED[type(operator)]:
            after = copy.deepcopy(node)
            after.ops[place] = other()
            yield node, after, "comparison"


def _arithmetic(node: ast.BinOp) -> Iterator[Change]:
    other = _COMPUTED.get(type(node.op))
    strings = any(
        isinstance(each, ast.JoinedStr)
        or (isinstance(each, ast.Constant) and isinstance(each.value, str))
        for each in (node.left, node.right)
    )
    if other is not None and not strings:
        yield node, ast.BinOp(node.left, other(), node.right), "arithmetic"


def _in_place(node: ast.AugAssign) -> Iterator[Change]:
    other = _COMPUTED.get(type(node.op))
    if other is not None:
        yield node, ast.AugAssign(node.target, other(), node.value), "arithmetic"


def _unary(node: ast.UnaryOp) -> Iterator[Change]:
    value = negative(node)
    if value is not None:
        yield node, _number(value + 1), "constant"
        yield node, _number(value - 1), "constant"
    if not isinstance(node.op, ast.UAdd):
        kind = "not" if isinstance(node.op, ast.Not) else "arithmetic"
        yield node, node.operand, kind


def _logic(node: ast.BoolOp) -> Iterator[Change]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield node, ast.BoolOp(other, node.values), "and/or"


def _constant(node: ast.Constant) -> Iterator[Change]:
    if isinstance(node.value, bool):
        yield node, ast.Constant(not node.value), "constant"
    elif isinstance(node.value, int):
        yield node, ast.Constant(node.value + 1), "constant"
        yield node, _number(node.value - 1), "constant"
    elif isinstance(node.value, float):
        yield node, ast.Constant(node.value + 1), "constant"


def negative(node: ast.AST) -> int | None:
    """-1 of ``-1``, which is written as an operation on 1; None of anything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = node.operand.value if isinstance(node.operand, ast.Constant) else None
        if isinstance(number, int) and not isinstance(number, bool):
            return -number
    return None


def _number(value: int) -> ast.expr:
    return ast.Constant(value) if value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))


def _returned(node: ast.Return) -> Iterator[Change]:
    if node.value is not None and ast.unparse(node.value) != "None":
        yield node.value, ast.Constant(None), "return"


def _call(node: ast.Call) -> Iterator[Change]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    name = node.func.id if isinstance(node.func, ast.Name) else name
    if name in _SWAPPED:
        yield node, _renamed(node, _SWAPPED[name]), "min/max"
    if name in ("field", "option", "option_like", "warn"):
        return
    for place, keyword in enumerate(node.keywords):
        if keyword.arg is not None and (name, keyword.arg) != ("zip", "strict"):
            after = copy.deepcopy(node)
            del after.keywords[place]
            yield node, after, "keyword"


def _renamed(node: ast.Call, name: str) -> ast.Call:
    after = copy.deepcopy(node)
    if isinstance(after.func, ast.Attribute):
        after.func.attr = name
    else:
        after.func = ast.Name(name, ast.Load())
    return after


def _slice(node: ast.Subscript) -> Iterator[Change]:
    """Off by one where a bound is no constant; those that are change as constants do."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    bounds = [bound for part in parts if isinstance(part, ast.Slice) for bound in _bounds(part)]
    for bound in bounds:
        if not any(isinstance(each, ast.Constant) for each in ast.walk(bound)):
            yield bound, ast.BinOp(bound, ast.Add(), ast.Constant(1)), "slice"


def _bounds(part: ast.Slice) -> list[ast.expr]:
    return [bound for bound in (part.lower, part.upper) if bound is not None]


def _filtered(node: ast.expr) -> Iterator[Change]:
    for generator in getattr(node, "generators", []):
        for test in generator.ifs:
            yield from _negated(test)


def _negated(test: ast.expr) -> Iterator[Change]:
    """The opposite of a condition, where no other change gives it."""
    single = isinstance(test, ast.Compare) and len(test.ops) == 1
    if not single and not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)):
        yield test, ast.UnaryOp(ast.Not(), test), "negated"


_BY_TYPE: dict[type[ast.AST], Callable[[Any], Iterator[Change]]] = {
    ast.Compare: _compare,
    ast.BinOp: _arithmetic,
    ast.AugAssign: _in_place,
    ast.UnaryOp: _unary,
    ast.BoolOp: _logic,
    ast.Constant: _constant,
    ast.Return: _returned,
    ast.Call: _call,
    ast.Subscript: _slice,
    ast.ListComp: _filtered,
    ast.SetComp: _filtered,
    ast.DictComp: _filtered,
    ast.GeneratorExp: _filtered,
}
