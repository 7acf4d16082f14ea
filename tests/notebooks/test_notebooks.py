"""Every notebook runs from top to bottom on the embedded models, without a warning, and shows pictures."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

import vlmscope as vs

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LARGEST = 40_000
"""Bytes of a notebook: text alone, no pictures."""

SCENES = re.compile(r"(range\(20_00\d_000, 20_00\d_0)\d\d\)")

by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> NotebookNode:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook: NotebookNode, kind: str) -> Iterator[NotebookNode]:
    """The outputs of all cells of one kind."""
    yield from (out for cell in code(notebook) for out in cell.outputs if out.output_type == kind)


def warned(notebook: NotebookNode) -> list[str]:
    """What cells wrote to stderr that is more than progress."""
    said = [out.text for out in outputs(notebook, "stream") if out.name == "stderr"]
    return [text for text in said if "warning" in text.lower() or "error" in text.lower()]


def pictures(notebook: NotebookNode) -> list[str]:
    """PNG pictures that cells show, base64."""
    return [
        out.data["image/png"]
        for out in outputs(notebook, "execute_result")
        if "image/png" in out.data
    ]


def shortened(notebook: NotebookNode) -> NotebookNode:
    """The notebook on a dozen scenes in place of many: it is held to what runs, not to its figures."""
    for cell in code(notebook):
        cell.source = SCENES.sub(r"\g<1>12)", cell.source)
    return notebook


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Run all cells in a fresh kernel of this interpreter; a cell that raises, raises here."""
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, kernel_name="python3", timeout=300, resources=resources)
    return client.execute()


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "01_where_does_it_look",
        "02_what_reaches_the_answer",
    ]


@by_name
def test_runs_without_a_warning_and_shows_pictures(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    done = execute(shortened(read(path)), tmp_path)
    assert warned(done) == []
    assert len(pictures(done)) >= 2


@by_name
def test_is_kept_without_outputs(path: Path) -> None:
    assert path.stat().st_size < LARGEST
    for cell in code(read(path)):
        assert cell.outputs == []
        assert cell.execution_count is None


@by_name
def test_uses_public_names_alone(path: Path) -> None:
    tree = ast.parse("\n".join(cell.source for cell in code(read(path))))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules <= {"vlmscope.tiny"}
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == "vs"
    }
    assert used <= set(vs.__all__)


def test_warnings_and_missing_pictures_are_seen(tmp_path: Path) -> None:
    cell = nbformat.v4.new_code_cell("import warnings; warnings.warn('look here'); 1")
    done = execute(nbformat.v4.new_notebook(cells=[cell]), tmp_path)
    assert "look here" in warned(done)[0]
    assert pictures(done) == []
