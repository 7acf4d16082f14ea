"""The wheel holds the whole package with its data, nothing else, and works where it is unpacked."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import vlmscope

ROOT = Path(__file__).parents[2]
LARGEST = 20 * 2**20
"""Bytes of the wheel."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built without isolation, by the hatchling of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def sources() -> set[str]:
    """Every file of the package in the repository, as the wheel should name it."""
    package = ROOT / "src" / "vlmscope"
    return {
        path.relative_to(ROOT / "src").as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_every_file_of_the_package_is_in_it_and_no_other(names: set[str]) -> None:
    inside = {name for name in names if ".dist-info/" not in name}
    assert inside == sources()


@pytest.mark.parametrize(
    "end",
    [
        "weights/tiny-llava/model.safetensors",
        "weights/tiny-llava/heads.json",
        "weights/tiny-clip/model.safetensors",
        "weights/tiny-clip/tokenizer.json",
        "published/llava-1.5-7b.json",
        "published/llava-1.5-13b.json",
        "viewer/bundle/viewer.js",
        "viewer/bundle/viewer.css",
        "viz/colours.json",
        "vlmscope/py.typed",
        ".dist-info/licenses/LICENSE",
        ".dist-info/entry_points.txt",
    ],
)
def test_what_must_not_be_missing(names: set[str], end: str) -> None:
    assert len([name for name in names if name.endswith(end)]) == 1


def test_nothing_of_the_workshop_is_in_it(wheel: Path, names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert tops == {"vlmscope", f"vlmscope-{vlmscope.__version__}.dist-info"}
    assert not [name for name in names if name.endswith((".pyc", ".ipynb", ".map"))]
    assert wheel.stat().st_size < LARGEST


def test_metadata(wheel: Path, names: set[str]) -> None:
    [name] = [name for name in names if name.endswith(".dist-info/METADATA")]
    with zipfile.ZipFile(wheel) as archive:
        metadata = Parser().parsestr(archive.read(name).decode())
    assert metadata["Version"] == vlmscope.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert {"parquet", "all", "dev"} <= set(metadata.get_all("Provides-Extra"))
    bare = [row for row in metadata.get_all("Requires-Dist") if "extra ==" not in row]
    assert not [row for row in bare if row.startswith(("pyarrow", "torchvision"))]


def test_it_works_where_it_is_unpacked(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    script = Path(__file__).with_name("bare_install.py")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    command = [sys.executable, "-P", str(script)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "site" / "vlmscope") in done.stdout
