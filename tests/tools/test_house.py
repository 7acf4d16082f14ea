"""The figures of a source tree, on trees whose figures are known."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from tools.house.__main__ import figures, main
from tools.house.imports import arrows, circles, upward_arrows, within_folders
from tools.house.order import ORDERS, upward
from tools.house.repeats import repeats
from tools.house.tree import Source, Tree, folders, sizes
from tools.house.trips import changes, travelled

ROOT = Path(__file__).parents[2]


def tree(**files: str) -> Tree:
    """A package ``pack``; ``a__b`` is the file a/b.py and ``a___`` is a/__init__.py."""
    sources = {}
    for name, text in files.items():
        stem = f"{name[:-3]}/__init__" if name.endswith("___") else name.replace("__", "/")
        path = f"{stem}.py"
        sources[path] = Source(path, textwrap.dedent(text))
    return Tree("pack", sources)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("from pack.b import thing", "b/__init__.py"),
        ("from pack.b import c", "b/c.py"),
        ("from pack.b.c import thing", "b/c.py"),
        ("import pack.b.c", "b/c.py"),
        ("from pack import b", "b/__init__.py"),
        ("from .b import c", "b/c.py"),
        ("def f():\n    from pack.b.c import thing", "b/c.py"),
        ("if TYPE_CHECKING:\n    import os\nelse:\n    from pack.b.c import thing", "b/c.py"),
        ("if TYPE_CHECKING:\n    from pack.b.c import thing", None),
        ("import packing.b.c", None),
    ],
)
def test_an_import_is_an_arrow_to_a_file(text: str, target: str | None) -> None:
    found = arrows(tree(a=text, b___="", b__c=""))
    assert found == ([("a.py", target)] if target else [])


def test_one_file_importing_another_twice_is_one_arrow() -> None:
    text = "from pack.b import c\nfrom pack.b.c import d"
    assert arrows(tree(a=text, b___="", b__c="")) == [("a.py", "b/c.py")]


def test_circles_are_found_with_their_members() -> None:
    found = [*zip("abc", "bca", strict=True), ("c", "d"), ("d", "e"), ("e", "d"), ("x", "a")]
    assert circles(found) == [["a", "b", "c"], ["d", "e"]]


def test_a_tree_without_circles_has_none() -> None:
    assert circles([("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]) == []


def test_upward_arrows_and_arrows_within_folders() -> None:
    pack = tree(
        low="from pack.high.one import x",
        high___="from pack.high.one import x",
        high__one="from pack import low",
    )
    found = arrows(pack)
    assert upward_arrows(pack, found, ("low", "high")) == [("low.py", "high/one.py")]
    assert within_folders(found) == {"high": 1}


def test_the_package_itself_stands_above_its_units() -> None:
    assert upward("a", "", ("a", "b"))
    assert not upward("", "b", ("a", "b"))


def test_a_unit_without_a_place_is_named() -> None:
    with pytest.raises(KeyError, match="attic has no place"):
        upward("attic", "a", ("a", "b"))


@pytest.mark.parametrize("name", ORDERS)
def test_no_unit_has_two_places(name: str) -> None:
    assert len(set(ORDERS[name])) == len(ORDERS[name])


def test_sizes() -> None:
    function = "@cached\ndef f():\n    return 1\n"
    found = sizes(tree(a=function, b="1\n" * 9, c="1\n"))
    assert found == {
        "files": 3,
        "lines": 13,
        "median file": 3,
        "longest file": {"file": "b.py", "lines": 9},
        "median function": 3,
    }


def test_folders_whose_files_register_themselves_are_told_apart() -> None:
    found = folders(tree(models__decoders__a="", models__decoders__b="", post__a="", post___=""))
    assert found == {
        "largest folder": {"folder": "post", "modules": 1},
        "registering folders": {"models/decoders": 2},
    }


BODY = """
def {f}({x}):
    # a remark
    {x} = {x} + {n}
    if {x} > {n}:
        return {x}["{f}"]
    for {y} in {x}:
        {y}.go({n})
    return None
"""


def test_places_alike_but_for_names_numbers_and_remarks_are_a_pair() -> None:
    one = BODY.format(f="f", x="x", y="y", n="1")
    other = '"""Of."""\nimport os\n' + BODY.format(f="g", x="a", y="b", n="22").replace("# a", "#")
    (found,) = repeats(tree(a=one, b=other))
    assert (found.first, found.second, found.length) == (("a.py", 2), ("b.py", 4), 7)


@pytest.mark.parametrize(
    ("line", "other"),
    [("    for {y} in {x}:", "    while {y} in {x}:"), ("+ {n}\n", "- {n}\n")],
)
def test_other_shapes_are_no_pair(line: str, other: str) -> None:
    words = {"f": "f", "x": "x", "y": "y", "n": "1"}
    assert line in BODY
    changed = BODY.replace(line, other)
    assert not repeats(tree(a=BODY.format(**words), b=changed.format(**words)))


def test_lists_of_names_are_no_pair() -> None:
    names = "NAMES = [\n" + "".join(f'    "{letter}",\n' for letter in "abcdefghij") + "]\n"
    assert not repeats(tree(a=names, b=names))


def test_a_trip_counts_files_of_the_package_only(tmp_path: Path) -> None:
    spaces: dict[str, dict] = {}
    for name, text in {
        "pack/a": "def go(b, out):\n    b(); out(); b(); return [here() for _ in 'ab']\n"
        "def here(): pass",
        "pack/b": "def b(): pass",
        "out": "def out(): pass",
    }.items():
        spaces[name] = {}
        exec(compile(text, str(tmp_path / f"{name}.py"), "exec"), spaces[name])
    go, b, out = spaces["pack/a"]["go"], spaces["pack/b"]["b"], spaces["out"]["out"]
    entered = travelled(lambda: go(b, out), str(tmp_path / "pack"))
    assert [Path(file).stem for file in entered] == ["a", "b", "b", "a", "a"]
    assert changes(entered) == 2


def test_this_tree_has_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    package = ROOT / "src" / "vlmscope"
    order = tuple({source.unit: None for source in Tree.read(package).files.values()})
    found = figures(package, order, travel=False)
    assert found["files"] == len(list(package.rglob("*.py")))
    assert found["median file"] <= 150
    assert found["longest file"]["lines"] <= 400
    json.dumps(found)


def test_the_command_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "io.py").write_text("from errors import x\n")
    main(["--source", str(tmp_path), "--no-trips"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["files", "1"]
    assert "circles                           0" in lines


def test_a_folder_without_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="holds no Python file"):
        main(["--source", str(tmp_path)])
