"""The arrows between the packages run one way, and importing vlmscope costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "vlmscope"

BASE = {"errors", "io", "names"}
MODELS = BASE | {"types", "images", "stats", "models"}
METHODS = MODELS | {"post", "refine", "attention", "methods", "resume"}

# unit -> the units whose modules it may import; itself is always allowed
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "names": {"errors"},
    "io": {"errors", "names"},
    "types": BASE,
    "images": BASE | {"types"},
    "stats": BASE | {"types"},
    "resume": BASE,
    "samples": BASE | {"types", "images"},
    "post": BASE | {"types"},
    "viz": BASE | {"types"},
    "report": BASE | {"types"},
    "export": BASE | {"types", "viz"},
    "tiny": BASE | {"types"},
    "models": MODELS,
    "attention": MODELS,
    "refine": MODELS | {"post"},
    "methods": METHODS,
    "analysis": (METHODS - {"methods"}) | {"samples", "report", "viz"},
    "evaluation": METHODS | {"analysis", "samples"},
    "scale": METHODS | {"analysis", "samples", "evaluation", "viz"},
}
EVERYTHING = set(ALLOWED)
ALLOWED["demo"] = EVERYTHING
ALLOWED["cli"] = EVERYTHING | {"demo"}
ALLOWED["app"] = EVERYTHING
ALLOWED["__main__"] = {"cli"}

# (importing module, imported unit) pairs that look upward, inside a function only, and why
LAZY: dict[tuple[str, str], str] = {
    ("types.grounding", "viz"): "Grounding.overlay() draws itself",
    ("types.answers", "viz"): "AnswerComparison.overlay() draws itself",
    ("types.comparison", "viz"): "MethodComparison.overlay() draws itself",
    ("types.segmentation", "viz"): "Segmentation.overlay() draws itself",
    ("samples", "tiny"): "the id tiny-scenes renders its samples",
    ("analysis.questions", "tiny"): "the id tiny-scenes renders its questions",
    ("evaluation.datasets.tiny_scenes", "tiny"): "the data set tiny-scenes renders its images",
}
# whole packages in place of modules: embedded ids are loaded from the package's own weights
LAZY_UNITS: dict[tuple[str, str], str] = {("models", "tiny"): "tiny-llava and tiny-clip are ids"}


class Import(NamedTuple):
    module: str  # the importing module, "types.grounding"
    target: str  # the imported unit, "viz"
    line: int
    lazy: bool

    @property
    def unit(self) -> str:
        return self.module.split(".")[0]


def modules() -> list[tuple[str, Path]]:
    """Every module of the package as (dotted name without ``vlmscope.``, path)."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        parts = list(path.relative_to(SOURCE).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        found.append((".".join(parts), path))
    return found


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _nodes(tree: ast.AST, lazy: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """Import statements with whether they run only when a function is called."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, lazy
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            continue
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _nodes(node, lazy or inside)


def _targets(node: ast.stmt) -> Iterator[str]:
    """The vlmscope units that one import statement names."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: imports are absolute in this project"
        plain = node.module != "vlmscope"
        names = [node.module or ""] if plain else [f"vlmscope.{a.name}" for a in node.names]
    else:
        return
    for name in names:
        parts = name.split(".")
        if parts[0] == "vlmscope" and parts[1:] != ["__version__"]:
            yield parts[1] if len(parts) > 1 else "vlmscope"


def imports_of(module: str, source: str) -> list[Import]:
    return [
        Import(module, target, node.lineno, lazy)
        for node, lazy in _nodes(ast.parse(source))
        for target in _targets(node)
    ]


def violation(found: Import) -> str | None:
    """What is wrong with an import, or None."""
    if found.target == found.unit or found.target in ALLOWED.get(found.unit, set()):
        return None
    excused = (found.module, found.target) in LAZY or (found.unit, found.target) in LAZY_UNITS
    if found.lazy and excused:
        return None
    return f"{found.module} line {found.line} imports {found.target}"


@pytest.mark.parametrize(("module", "path"), modules(), ids=lambda value: str(value)[-40:])
def test_arrows_run_one_way(module: str, path: Path) -> None:
    if module == "":
        return  # the package itself names everything, lazily
    unit = module.split(".")[0]
    assert unit in ALLOWED, f"{unit} is new: give it a place in ALLOWED"
    problems = [violation(found) for found in imports_of(module, path.read_text("utf-8"))]
    assert not [problem for problem in problems if problem]


@pytest.mark.parametrize(
    ("module", "source", "legal"),
    [
        ("types.heads", "from vlmscope.io import write_json", True),
        ("types.heads", "from vlmscope.viz import overlay", False),
        ("types.heads", "import vlmscope.models", False),
        ("types.grounding", "def f():\n    from vlmscope.viz import overlay", True),
        ("types.grounding", "from vlmscope.viz import overlay", False),
        ("types.heads", "def f():\n    from vlmscope.viz import overlay", False),
        ("viz.overlay", "if TYPE_CHECKING:\n    from vlmscope.models import load", True),
        ("models.catalogue", "def f():\n    from vlmscope.tiny import weights", True),
        ("models.catalogue", "from vlmscope import tiny", False),
        ("methods.gem", "from vlmscope import __version__", True),
        ("methods.gem", "import vlmscope", False),
        ("attention.rows", "class A:\n    from vlmscope.methods import ground", False),
    ],
)
def test_the_guard_tells_right_from_wrong(module: str, source: str, legal: bool) -> None:
    problems = [violation(found) for found in imports_of(module, source)]
    assert (not any(problems)) == legal


def test_importing_is_light_and_offline() -> None:
    code = """
    import socket, sys

    def refuse(*args, **options):
        raise SystemExit("a socket was opened at import")

    socket.socket.__init__ = refuse
    import vlmscope

    heavy = {"torch", "transformers", "scipy", "PIL", "numpy"} & set(sys.modules)
    sys.exit(f"imported {sorted(heavy)}" if heavy else 0)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def _forbidden(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("print", "eval", "exec", "compile"):
                yield f"line {node.lineno} calls {node.func.id}()"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            if {name.split(".")[0] for name in names} & {"pickle", "dill", "cloudpickle", "joblib"}:
                yield f"line {node.lineno} imports a pickling module"


@pytest.mark.parametrize(("module", "path"), modules(), ids=lambda value: str(value)[-40:])
def test_no_printing_pickling_or_evaluating(module: str, path: Path) -> None:
    found = list(_forbidden(ast.parse(path.read_text("utf-8"))))
    if module.split(".")[0] == "cli":
        found = [what for what in found if "print" not in what]
    assert not found


@pytest.mark.parametrize(
    "source", ["print(1)", "eval('1')", "import pickle", "from pickle import loads"]
)
def test_the_search_for_forbidden_calls_finds_them(source: str) -> None:
    assert list(_forbidden(ast.parse(source)))


def test_torchvision_is_nowhere() -> None:
    for _, path in modules():
        for node, _ in _nodes(ast.parse(path.read_text("utf-8"))):
            assert "torchvision" not in ast.unparse(node), f"{path} imports torchvision"
