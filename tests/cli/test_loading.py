"""How a command loads its model: every option arrives, and what does not fit is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from vlmscope.cli import main
from vlmscope.cli.console import own_stdout
from vlmscope.cli.loading import Loading, NamedDecoder, SizedLoading
from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.tiny import embedded_path


def test_options_reach_the_model(checkpoint: Path) -> None:
    loaded = SizedLoading(dtype="bfloat16", device="cpu", max_side=32).decoder(str(checkpoint))
    assert next(loaded.hf.parameters()).dtype == torch.bfloat16
    assert loaded.max_side == 32
    assert Loading().decoder(str(checkpoint)).max_side is None


def test_an_encoder_is_no_decoder() -> None:
    with pytest.raises(UnsupportedError, match="tiny-clip has no text decoder"):
        Loading().decoder("tiny-clip")
    with pytest.raises(UnsupportedError, match="dual encoder"):
        SizedLoading(max_side=32).model("tiny-clip")


def test_the_named_decoder() -> None:
    assert NamedDecoder().id == "tiny-llava"
    assert NamedDecoder("a").id == NamedDecoder(model="a").id == NamedDecoder("a", "a").id == "a"
    with pytest.raises(BadOptionError, match="a and b"):
        _ = NamedDecoder("a", "b").id


def test_what_a_library_prints_while_it_loads_stays_off_stdout(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def chatter(name: str, **options: object) -> str:
        os.write(1, b"Ignored unknown kwarg option\n")
        print("LOADING")  # noqa: T201
        return name

    monkeypatch.setattr("vlmscope.models.load", chatter)
    assert Loading().model("tiny-llava") == "tiny-llava"
    os.write(1, b"after\n")
    assert "Ignored" not in (out := capfd.readouterr().out)
    assert out.endswith("after\n")


def test_a_process_without_stdout_loads_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(descriptor: int) -> int:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr("vlmscope.cli.console.os.dup", closed)
    with own_stdout():
        pass


def test_doctor_prints_json_whatever_a_tokenizer_prints(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(embedded_path("tiny-clip"), folder)
    record = json.loads((folder / "tokenizer.json").read_text())
    record["added_tokens"][0]["nobody"] = True
    (folder / "tokenizer.json").write_text(json.dumps(record))
    result = subprocess.run(
        [sys.executable, "-m", "vlmscope", "doctor", str(folder), "--json"],
        capture_output=True,
        text=True,
    )
    assert json.loads(result.stdout)["model"]["id"] == str(folder)


@pytest.mark.parametrize("file", ["config.json", "open_clip_config.json"])
@pytest.mark.parametrize("command", ["ground", "tokens"])
def test_settings_nested_without_end_are_said(
    file: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / file).write_text("[" * 100_000)
    (model / "open_clip_model.safetensors").write_bytes(b"")
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    words = [command, str(tmp_path / "a.png"), "a cat", "--model", str(model), "--json"]
    assert main(words) == 2
    said = capsys.readouterr()
    assert "fault of vlmscope" not in said.err and json.loads(said.out)["error"]["message"]
