"""Arrows between files run one way, tests stand where their source stands, importing costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.house.imports import arrows, circles, upward_arrows
from tools.house.order import ORDERS, REGISTERED
from tools.house.tree import Source, Tree

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "src" / "vlmscope"

# folders of tests that hold one project, not one folder of the source
ASIDE = {
    "parity",
    "cases",
    "lvlms",
    "benchmarks",
    "docs",
    "examples",
    "notebooks",
    "pages",
    "forge",
    "tools",
}


@pytest.fixture(scope="module")
def house() -> Tree:
    return Tree.read(PACKAGE)


def small(files: dict[str, str]) -> Tree:
    """A package of so many files."""
    return Tree("vlmscope", {path: Source(path, text) for path, text in files.items()})


def test_no_circles(house: Tree) -> None:
    assert circles(arrows(house)) == []


def test_no_folder_imports_what_stands_above_it(house: Tree) -> None:
    assert upward_arrows(house, arrows(house), ORDERS["now"]) == []


def test_no_folder_holds_more_than_a_reader_takes_in(house: Tree) -> None:
    names = (source.folder for source in house.files.values() if "__init__" not in source.path)
    full = {folder for folder, count in Counter(names).items() if count > 25}
    assert full <= REGISTERED


@pytest.mark.parametrize(
    "above",
    [
        "from vlmscope.viz.pens import INK",
        "import vlmscope.viz.pens",
        "from vlmscope.viz import pens",
        "def f():\n    from vlmscope.viz.pens import INK",
        "class A:\n    from vlmscope.viz.pens import INK",
        "import vlmscope",
    ],
)
def test_the_guard_sees_an_arrow_upward(above: str) -> None:
    tree = small({"types/heads.py": above, "viz/pens.py": "", "__init__.py": ""})
    assert upward_arrows(tree, arrows(tree), ORDERS["now"])


def test_the_guard_sees_a_circle_and_lets_annotations_be() -> None:
    one, other = "from vlmscope.post.b import f", "def g():\n    from vlmscope.post.a import h"
    named = "if TYPE_CHECKING:\n    from vlmscope.post.a import h"
    looped = small({"post/a.py": one, "post/b.py": other})
    fine = small({"post/a.py": one, "post/b.py": named})
    assert circles(arrows(looped)) == [["post/a.py", "post/b.py"]]
    assert circles(arrows(fine)) == []


def test_tests_mirror_the_source() -> None:
    known = {path.relative_to(PACKAGE) for path in (PACKAGE, *PACKAGE.rglob("*")) if path.is_dir()}
    held = {path.parent.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    strange = {folder for folder in held - known if str(folder).split("/")[0] not in ASIDE}
    assert not strange


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


def _forbidden(tree: ast.AST, prints: bool) -> Iterator[str]:
    """Calls and imports that the library does without."""
    calls = ("eval", "exec", "compile") if prints else ("print", "eval", "exec", "compile")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in calls:
                yield f"line {node.lineno} calls {node.func.id}()"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            modules = {name.split(".")[0] for name in names}
            for name in modules & {"pickle", "dill", "cloudpickle", "joblib", "torchvision"}:
                yield f"line {node.lineno} imports {name}"


def test_no_printing_pickling_evaluating_and_no_torchvision(house: Tree) -> None:
    strange = {
        path: list(_forbidden(source.syntax, prints=source.unit == "cli"))
        for path, source in house.files.items()
    }
    assert not {path: faults for path, faults in strange.items() if faults}


@pytest.mark.parametrize(
    "source",
    [
        "print(1)",
        "eval('1')",
        "import pickle",
        "from pickle import loads",
        "import torchvision.ops",
    ],
)
def test_the_search_for_forbidden_calls_finds_them(source: str) -> None:
    assert list(_forbidden(ast.parse(source), prints=False))
