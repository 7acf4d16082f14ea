"""Both trainings start from a command line; each refuses what belongs to the other alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from vlmscope.tiny.training import train
from vlmscope.tiny.training.clip import train as clip_train


def test_tiny_clip_is_trained_by_both_command_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []

    def run(options, device) -> None:
        runs.append((options.out, options.seed, options.scenes, str(device)))

    monkeypatch.setattr(train, "run_clip", run)
    monkeypatch.setattr(clip_train, "run_clip", run)
    options = ["--out", str(tmp_path), "--seed", "3", "--scenes", "7", "--device", "cpu"]
    assert train.main(["tiny-clip", *options]) == 0
    assert clip_train.main(options) == 0
    assert runs == [(tmp_path, 3, 7, "cpu")] * 2


@pytest.mark.parametrize(
    ("option", "value"),
    [("--align-late", "0.1"), ("--setting", "crowd"), ("--start", "x"), ("--layers", "8")],
)
def test_what_is_of_a_decoder_is_no_part_of_tiny_clip(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    with pytest.raises(SystemExit):
        train.main(["tiny-clip", "--out", str(tmp_path), option, value])
    assert f"{option} belongs to tiny-llava" in capsys.readouterr().err


def test_the_corpus_alone(tmp_path: Path) -> None:
    options = ["--out", str(tmp_path), "--scenes", "4", "--workers", "1", "--threads", "1"]
    assert clip_train.main([*options, "--only", "corpus"]) == 0
    assert list((tmp_path / "clip-corpus").iterdir())
    assert not (tmp_path / "tiny-clip").exists()
