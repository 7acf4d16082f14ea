"""Commands that write a folder refuse a name that ends like a file, before any work."""

from __future__ import annotations

from pathlib import Path

import pytest

from vlmscope.cli import main


@pytest.mark.parametrize(
    "words",
    [
        ["segment", "a.png", "--classes", "dog,cat", "--out", "overlay.png"],
        ["parts", "a.png", "--out", "parts.jpg"],
        ["eval", "tiny-scenes", "--out", "report.html"],
        ["demo", "--out", "page.html"],
        ["reproduce", "gem", "--model", "tiny-clip", "--root", ".", "--out", "report.json"],
    ],
)
def test_a_folder_that_is_named_like_a_file(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(b"")
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "folder" in said and words[-1] in said and Path(words[-1]).stem in said
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_folder_that_is_there_may_be_called_anything(tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    out.mkdir()
    words = ["eval", "tiny-scenes", "--method", "clip", "--limit", "1", "--quiet"]
    assert main([*words, "--out", str(out)]) == 0
    assert (out / "report.json").is_file()
