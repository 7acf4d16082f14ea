"""Running the command line inside the test process, on a small random checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from families import llava
from vlmscope.cli import main


class Result(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``vlmscope`` with the given words."""

    def called(*words: object) -> Result:
        capsys.readouterr()
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return called


@pytest.fixture
def refused(run: Run, tmp_path: Path) -> Callable[..., str]:
    """Run a command that must fail: code 2, one line on stderr, no new file.

    On stdout there is nothing, or with ``--json`` the error as an object.
    """

    def called(words: list[object], *expected: str) -> str:
        before = sorted(tmp_path.rglob("*"))
        result = run(*words)
        assert result.code == 2, result
        if "--json" in words:
            (error,) = json.loads(result.out).values()
            assert result.err == f"vlmscope: error: {error['message']}\n"
        else:
            assert result.out == ""
        assert result.err.startswith("vlmscope: error: ")
        assert result.err.count("\n") == 1, result.err
        assert "Traceback" not in result.err
        for word in expected:
            assert word in result.err
        assert sorted(tmp_path.rglob("*")) == before
        return result.err

    return called


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random LLaVA of 4 layers and 8 heads, as save_pretrained writes it."""
    folder = tmp_path_factory.mktemp("checkpoint")
    model = llava("llama")
    model.hf.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return folder


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture 90 wide and 60 high."""
    pixels = np.zeros((60, 90, 3), np.uint8)
    pixels[10:40, 20:60] = (220, 40, 30)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    return path
