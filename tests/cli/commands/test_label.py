"""``vlmscope label``: what it prints, its exit codes, and how it is stopped."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from labelling import rows_of
from views import blocks_of, page_view
from vlmscope.labels.labeller import Labeller

pytest.importorskip("pyarrow")

WORDS = ("--phrases", "a red circle,a square", "--model", "tiny-clip", "--method", "gem")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    place = tmp_path / "photos"
    place.mkdir()
    for number in range(3):
        pixels = np.full((40, 48, 3), 60 * number, np.uint8)
        pixels[8:20, 10:24] = 255
        Image.fromarray(pixels).save(place / f"{number}.png")
    return place


def test_a_folder_is_labelled_and_a_failed_image_is_said(
    run: Callable[..., Any], photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = run("label", photos, *WORDS, "--out", out, "--masks", "--json")
    assert first.code == 0, first.err
    assert json.loads(first.out)["rows"] == 6
    (photos / "torn.png").write_bytes(b"torn")
    second = run("label", photos, *WORDS, "--out", out, "--masks")
    assert second.code == 1
    assert second.out.splitlines()[1].split() == ["4", "7", "1", "1", "3"]
    assert "1 failed with BadImageError, the first of them torn.png" in second.err
    (photos / "torn.png").write_bytes((photos / "0.png").read_bytes())
    third = run("label", photos, *WORDS, "--out", out, "--masks", "--retry", "failed", "-q")
    assert (third.code, third.err) == (0, "")
    assert {row["error"] for row in rows_of(out)} == {None}


def test_a_request_to_end_leaves_what_goes_on(
    run: Callable[..., Any], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Labeller._labelled

    def stopped(self: Labeller, outcome: Any) -> Any:
        if outcome.job.id.item.id == "1.png":
            os.kill(os.getpid(), signal.SIGTERM)
        return whole(self, outcome)

    words = ("label", photos, *WORDS, "--out", tmp_path / "out", "--part", 1)
    with monkeypatch.context() as patch:
        patch.setattr(Labeller, "_labelled", stopped)
        ended = run(*words)
    assert ended.code == 130 and ended.err.endswith("Stopped.\n")
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert len(list((tmp_path / "out" / "parts").iterdir())) == 1
    result = run(*words, "--json")
    assert (json.loads(result.out)["labelled"], json.loads(result.out)["before"]) == (2, 1)


def test_what_is_wrong_is_said_before_a_model_is_loaded(
    refused: Callable[..., str], photos: Path, tmp_path: Path
) -> None:
    model = ("--model", "no/such-model", "--method", "gem")
    out = ("--out", tmp_path / "out")
    for words, part in (
        (("missing", "--phrases", "a", *out), "There is no image, list or folder"),
        ((photos, *out), "got neither"),
        ((photos, "--phrases", "a", "--out", tmp_path / "out.json"), "--out names a folder"),
        ((photos, "--phrases", "a", "--shard", "x", *out), "written 3/16"),
        ((photos, "--phrases", "a", "--refine-prompt", "box", *out), "there is no SAM"),
        ((photos, "--phrase-column", "caption", *out), "has no columns"),
    ):
        assert part in refused(["label", *words, *model])


def test_a_page_to_look_at_is_made_of_a_list_from_stdin_too(
    run: Callable[..., Any], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = "\n".join(str(path) for path in sorted(photos.iterdir()))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(listed.encode())))
    out = tmp_path / "out"
    result = run("label", "-", *WORDS, "--out", out, "--audit", 4)
    assert result.code == 0, result.err
    assert f"Decide on the page {out / 'audit.html'}" in result.err
    (block,) = blocks_of(page_view(out / "audit.html"), "decisions")
    assert [each["missing"] for each in block["items"]] == [None] * 4
    assert all(each["picture"] is not None for each in block["items"])


def test_there_is_no_page_of_nothing(
    run: Callable[..., Any], refused: Callable[..., str], photos: Path, tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "out")
    assert "audit" in refused(["label", photos, *WORDS, *out, "--audit", "0"])
    result = run("label", photos, *WORDS, *out, "--least-score", 99, "--audit", 4, "--json")
    assert json.loads(result.out)["audit"] is None
    assert "There is no page to look at" in result.err
    assert not (tmp_path / "out" / "audit.html").exists()
