"""What ``vlmscope eval`` writes of sentences: a page, and entries for the hub on request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import parse_eval_result_entries

from views import page_view, pictures_of, words_of
from vlmscope.data.tiny_sets import make_tiny


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("eval") / "m"
    make_tiny("refcoco-m", folder, 2)
    return folder


def test_a_page_and_entries_are_written(run: Any, root: Path, tmp_path: Path) -> None:
    out, entries = tmp_path / "out", tmp_path / "hub" / "vlmscope.yaml"
    words = (
        "eval",
        "refcoco-m",
        "--root",
        root,
        "--model",
        "tiny-llava",
        "--method",
        "mean-attention",
    )
    called = run(*words, "--out", out, "--eval-results", entries, "--limit", 1)
    assert called.code == 0
    assert f"wrote {out / 'report.html'}" in called.err and f"wrote {entries}" in called.err
    view = page_view(out / "report.html")
    assert len(pictures_of(view)) > 3
    assert "1 of 2 images were measured" in words_of(view)
    first, *_ = parse_eval_result_entries(yaml.safe_load(entries.read_text("utf-8")))
    assert first.dataset_id == "rendered/refcoco-m"
    assert "PARTIAL: 1 of 2 images" in str(first.notes)


def test_entries_that_cannot_be_made_are_refused_before_the_model(
    refused: Callable[..., str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    real = tmp_path_factory.mktemp("real") / "set"
    make_tiny("refcoco", real, 1)
    (real / "manifest.json").unlink()
    words = [
        "eval",
        "refcoco",
        "--root",
        real,
        "--split",
        "val",
        "--partial",
        "--model",
        "no-model",
    ]
    message = refused([*words, "--eval-results", tmp_path / "entries.yaml"])
    assert "none is known for refcoco from a folder" in message


def test_classes_have_a_page_without_sentences(run: Any, tmp_path: Path) -> None:
    words = ("eval", "tiny-scenes", "--model", "tiny-clip", "--method", "clip", "--limit", 2)
    words = (*words, "--task", "segmentation")
    assert run(*words, "--out", tmp_path / "out").code == 0
    view = page_view(tmp_path / "out" / "report.html")
    assert "mIoU present" in words_of(view) and "Protocol" in words_of(view)
    assert "Where it fails" not in words_of(view) and not pictures_of(view)


def test_discovered_heads_say_on_which_list(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "heads.json"
    assert (
        run("heads", "discover", "tiny-llava", "--samples", "tiny-scenes:3", "--out", out).code == 0
    )
    assert '"data": "tiny-scenes:3"' in out.read_text("utf-8")
