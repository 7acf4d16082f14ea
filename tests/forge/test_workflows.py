"""Workflows and hooks ask for nothing that is not there, and agree with the project's own words."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

by_name = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)

MAKE = re.compile(r"(?:^|[;&|]\s*)make((?:[ \t]+[^\s;&|]+)+)", flags=re.MULTILINE)
TARGET = re.compile(r"^([\w-]+):(?!=)", flags=re.MULTILINE)
FILE = re.compile(r"(?<![\w*])(?:\.ci|tests|benchmarks|docs)/[\w./-]+\.\w+")


def read(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text())
    assert isinstance(content, dict)
    return content


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in read(path)["jobs"].values():
        yield from job["steps"]


def commands(path: Path) -> str:
    return "\n".join(step["run"] for step in steps(path) if "run" in step)


def targets_called(text: str) -> set[str]:
    """Targets of ``make`` in a script; options and assignments are none."""
    words = [word for found in MAKE.findall(text) for word in found.split()]
    return {word for word in words if not word.startswith("-") and "=" not in word}


def classified() -> set[str]:
    """Python versions that the classifiers name."""
    rows = [row.rpartition(" :: ")[2] for row in PROJECT["classifiers"] if "Python :: 3." in row]
    return set(rows)


def test_there_is_a_workflow() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml"]


@by_name
def test_every_make_target_exists(path: Path) -> None:
    known = set(TARGET.findall((ROOT / "Makefile").read_text()))
    assert targets_called(commands(path)) <= known


def test_ci_calls_what_a_merge_needs() -> None:
    assert {"check", "test", "docs"} <= targets_called(commands(ROOT / ".github/workflows/ci.yml"))


@by_name
def test_every_file_that_is_named_exists(path: Path) -> None:
    named = FILE.findall(commands(path))
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_python_versions_are_those_of_the_classifiers() -> None:
    jobs = read(ROOT / ".github/workflows/ci.yml")["jobs"]
    tested = jobs["tests"]["strategy"]["matrix"]["python-version"]
    assert all(isinstance(version, str) for version in tested)  # 3.10 without quotes is 3.1
    assert set(tested) == classified()
    lowest = min(tested, key=lambda version: int(version.split(".")[1]))
    assert PROJECT["requires-python"] == f">={lowest}"


def test_other_jobs_use_a_version_that_is_tested() -> None:
    named = {
        step["with"]["python-version"]
        for step in steps(ROOT / ".github/workflows/ci.yml")
        if "python-version" in step.get("with", {})
    }
    assert named - {"${{ matrix.python-version }}"} <= classified()


@by_name
def test_actions_are_pinned_by_major_version(path: Path) -> None:
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+", name)] == []


@by_name
def test_jobs_end_read_only_and_without_cuda(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["env"]["PIP_EXTRA_INDEX_URL"].endswith("/whl/cpu")
    for name, job in workflow["jobs"].items():
        assert 0 < job["timeout-minutes"] <= 90, name


@by_name
def test_every_job_caches_what_pip_downloads(path: Path) -> None:
    for name, job in read(path)["jobs"].items():
        [setup] = [step for step in job["steps"] if "setup-python" in step.get("uses", "")]
        assert setup["with"]["cache"] == "pip", name
        for file in setup["with"]["cache-dependency-path"].split():
            assert (ROOT / file).is_file()


def test_calls_of_make_are_found() -> None:
    script = 'make check PYTHON=python && make -j2 docs\n  echo; make test\n"make" x\nremake y'
    assert targets_called(script) == {"check", "docs", "test"}


def hooks() -> list[dict[str, Any]]:
    config = read(ROOT / ".pre-commit-config.yaml")
    return [hook for repo in config["repos"] for hook in repo["hooks"]]


def test_hooks_need_no_network() -> None:
    config = read(ROOT / ".pre-commit-config.yaml")
    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    assert {hook["language"] for hook in hooks()} == {"system"}
    assert {"ruff-check", "ruff-format", "guard-files", "mypy"} == {hook["id"] for hook in hooks()}


def test_hooks_run_what_the_development_environment_holds() -> None:
    held = {re.split(r"[>=<\[]", row)[0] for row in PROJECT["optional-dependencies"]["dev"]}
    programs = {hook["entry"].split()[0] for hook in hooks()}
    assert programs <= held | {"python"}
    files = [word for hook in hooks() for word in hook["entry"].split() if word.endswith(".py")]
    assert files == [".ci/guard_files.py"]


GUARD = ROOT / ".ci" / "guard_files.py"
SPOILED = {
    "no newline": (b"text", "does not end in one newline"),
    "two newlines": (b"text\n\n", "does not end in one newline"),
    "blanks": (b"a\nb \n", "line 2 ends in blanks"),
    "a marker": (b"<<<<<<< ours\n", "line 1 is a merge marker"),
    "large": (b"\0" * 300_000, "292 KiB"),
}


def guarded(*paths: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(GUARD), *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


@pytest.mark.parametrize(("content", "says"), SPOILED.values(), ids=SPOILED)
def test_the_guard_finds(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(content)
    done = guarded(path)
    assert done.returncode == 1
    assert says in done.stderr


def test_the_guard_lets_good_files_pass(tmp_path: Path) -> None:
    weights = tmp_path / "src/vlmscope/tiny/weights/x/model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"\0" * 300_000)
    text = tmp_path / "page.md"
    text.write_text("two blanks break a line  \nhere\n")
    assert guarded(weights, text).returncode == 0


def test_the_guard_finds_nothing_in_this_repository() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout, so there is no list of files")
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    done = guarded(*(Path(name) for name in names))
    assert done.returncode == 0, done.stderr
