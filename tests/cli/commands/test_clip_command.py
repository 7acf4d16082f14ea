"""``vlmscope clip`` and ``vlmscope ground --together``: tables, JSON, files, and what is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clips import ball, random_frames, save_animation, save_video

HEADS = "L1H1,L2H3"


@pytest.fixture
def gif(tmp_path: Path) -> Path:
    return save_animation(tmp_path / "noise.gif", random_frames(6, 60, 90), 500)


def test_a_clip_gives_a_row_per_frame_and_shares_that_sum_to_one(
    run: Callable[..., Any], gif: Path, checkpoint: Path, tmp_path: Path
) -> None:
    words = ["clip", gif, "a dog", "-p", "a cat", "--frames", 3, "-m", checkpoint, "--heads", HEADS]
    place, page = tmp_path / "out", tmp_path / "page.html"
    result = run(*words, "--out", place, "--html", page)
    assert result.code == 0, result.err
    table = [line.split() for line in result.out.splitlines()]
    assert table[0][:4] == ["phrase", "seconds", "share", "even"] and len(table) == 7
    assert [row[2] for row in table[1:4]] == ["0.50", "1.50", "2.50"]
    assert sum(float(row[3]) for row in table[1:4]) == pytest.approx(1.0, abs=2e-3)
    assert "a dog: most in" in result.err and f"wrote {page}" in result.err
    assert sorted(path.name for path in place.iterdir()) == ["01-a-dog", "02-a-cat"]
    assert (place / "01-a-dog" / "frame-001-0.50s.png").exists()
    record = json.loads((place / "02-a-cat" / "result.json").read_text())
    assert [each["seconds"] for each in record["frames"]] == [[0.5, 0.5], [1.5, 1.5], [2.5, 2.5]]
    assert "Share of the attention over time" in page.read_text()


def test_a_clip_as_json_and_as_one_picture(
    run: Callable[..., Any], gif: Path, checkpoint: Path, tmp_path: Path
) -> None:
    words = ["clip", gif, "a dog", "--frames", 9, "-m", checkpoint, "--method", "mean-attention"]
    result = run(*words, "--json", "--out", tmp_path / "row.png")
    [record] = json.loads(result.out)["results"]
    assert sum(each["share"] for each in record["frames"]) == pytest.approx(1.0)
    assert len(record["frames"]) == 6 and "6 frames" in record["notes"][0]
    assert "fewer than the 9 asked for" in result.err and (tmp_path / "row.png").exists()


def test_bad_clips_are_refused_before_a_model_is_loaded(
    refused: Callable[..., str], gif: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = ["-m", tmp_path / "no-model"]
    refused(["clip", gif, *none], "There is no phrase")
    refused(["clip", gif, "a dog", "--frames", 0, *none], "frames is how many", "got 0")
    refused(["clip", gif, "a dog", "--way", "film", *none], "way to read a clip", "film")
    refused(["clip", gif, "a dog", "--fps", 4, *none], "times of its own")
    refused(["clip", tmp_path / "none.mp4", "a dog", *none], "There is no clip")
    refused(["clip", gif, "a dog", "--out", "x.txt", *none], "picture format")
    video = save_video(tmp_path / "ball.mp4", ball(4))
    monkeypatch.setitem(sys.modules, "av", None)
    refused(["clip", video, "a dog", *none], "vlmscope[video]")


def test_families_without_several_pictures_or_a_decoder_are_refused(
    refused: Callable[..., str], gif: Path, checkpoint: Path
) -> None:
    refused(["clip", gif, "a dog", "-m", "tiny-clip"], "no decoder")
    words = ["clip", gif, "a dog", "-m", checkpoint, "--heads", HEADS]
    refused([*words, "--way", "video"], "--way pictures")
    refused([*words, "--greedy"], "greedy")


# -- several pictures --------------------------------------------------------------------


def test_together_gives_a_row_per_picture(
    run: Callable[..., Any], photo: Path, checkpoint: Path, tmp_path: Path
) -> None:
    other = save_animation(tmp_path / "other.png", random_frames(1, 60, 60))
    words = ["ground", photo, other, "a dog", "--together", "-m", checkpoint, "--heads", HEADS]
    result = run(*words, "--out", tmp_path / "out", "--html", tmp_path / "page.html")
    assert result.code == 0, result.err
    table = [line.split() for line in result.out.splitlines()]
    assert table[0][:4] == ["phrase", "picture", "share", "even"]
    assert [row[2] for row in table[1:]] == ["1", "2"]
    assert sum(float(row[3]) for row in table[1:]) == pytest.approx(1.0, abs=2e-3)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["index.html", "picture-01.png", "picture-02.png", "result.json"]
    assert "Share of the attention" in (tmp_path / "page.html").read_text()
    record = json.loads(run(*words, "--json").out)["results"][0]
    assert [each["image"] for each in record["pictures"]] == [str(photo), str(other)]


def test_together_refuses_what_looks_at_pictures_one_by_one(
    refused: Callable[..., str], photo: Path, tmp_path: Path
) -> None:
    other = save_animation(tmp_path / "other.png", random_frames(1, 60, 60))
    words = ["ground", photo, other, "a dog", "--together", "-m", tmp_path / "no-model"]
    for option in (["--say"], ["--method", "all"], ["--refine", "sam"], ["--no-overlays"]):
        refused([*words, *option], option[0], "--together")
    refused([*words, "--format", "csv"], "no form csv")
    refused(["ground", photo, "a dog", "--together"], "there is one")
