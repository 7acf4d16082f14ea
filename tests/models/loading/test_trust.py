"""Nothing of a checkpoint's code runs unless it is asked for: every door, with booby-trapped folders."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import dual_families
import vlmscope as vs
from families import llava
from sams import tiny_sam
from vlmscope.cli.main import main
from vlmscope.doctor.footprint import footprint
from vlmscope.errors import ModelLoadError
from vlmscope.models.loading.foreign_code import foreign_code

CLASSES = (
    "AutoConfig",
    "AutoProcessor",
    "AutoTokenizer",
    "AutoImageProcessor",
    "AutoModel",
    "AutoModelForImageTextToText",
    "AutoModelForImageClassification",
)


class Untouchable(io.StringIO):
    """Stands in for standard input; transformers swallows what it raises, so it also remembers."""

    touched = False

    def readline(self, *args: Any) -> str:
        self.touched = True
        raise AssertionError("standard input was read")

    read = readline  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def no_one_answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    stdin = Untouchable()
    monkeypatch.setattr(sys, "stdin", stdin)
    yield
    assert not stdin.touched


class Trap:
    """A checkpoint folder whose code, and whose pickle, write a file when they are run."""

    def __init__(self, folder: Path, model: Any, processor: Any) -> None:
        self.folder = folder
        self.ran = folder / "it-ran"
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        (folder / "trap.py").write_text(f"open({str(self.ran)!r}, 'w').close()\n{STUBS}")

    def arm(self, file: str = "config.json", part: str | None = None, **changes: Any) -> None:
        """Name the code in a settings file, under one of its entries if ``part`` says so."""
        path = self.folder / file
        settings = json.loads(path.read_text()) if path.is_file() else {}
        place = settings if part is None else settings.setdefault(part, {})
        place["auto_map"] = {name: f"trap.{name}" for name in CLASSES}
        settings.update(changes)
        path.write_text(json.dumps(settings))

    def pickle(self) -> Path:
        """Put the weights beside an object that runs code when it is read."""
        weights = load_file(self.folder / "model.safetensors")
        (self.folder / "model.safetensors").unlink()
        file = self.folder / "pytorch_model.bin"
        torch.save({**weights, "trap": Opens(str(self.ran))}, file)
        return file


STUBS = "\n".join(f"class {name}: pass" for name in CLASSES)


class Opens:
    """Read from a pickle it opens a file for writing."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return open, (self.path, "w")


def decoder(folder: Path) -> Trap:
    model = llava()
    return Trap(folder, model.hf, model.processor)


def encoder(name: str) -> Callable[[Path], Trap]:
    def build(folder: Path) -> Trap:
        model = getattr(dual_families, name)()
        return Trap(folder, model.hf, model.processor)

    return build


def sam(folder: Path) -> Trap:
    return Trap(folder, *tiny_sam())


FOLDERS: dict[str, Callable[[Path], Trap]] = {
    "llava": decoder,
    **{name: encoder(name) for name in ("clip", "siglip", "blip", "vit")},
    "sam": sam,
}

ARMED: dict[str, dict[str, Any]] = {
    "config": {},
    "unknown type": {"model_type": "trapped"},
    "processor": {"file": "processor_config.json"},
    "image processor": {"file": "preprocessor_config.json"},
    "nested": {"file": "processor_config.json", "part": "image_processor"},
    "tokenizer": {"file": "tokenizer_config.json"},
}

LIBRARY: dict[str, Callable[[str], Any]] = {
    "load": vs.load,
    "load_sam": vs.load_sam,
    "doctor": footprint,
}


PAIRS = [(kind, "config") for kind in FOLDERS]
PAIRS += [(kind, armed) for kind in ("llava", "sam") for armed in ARMED if armed != "config"]


@pytest.mark.parametrize(("kind", "armed"), PAIRS)
def test_every_door_of_the_library(kind: str, armed: str, tmp_path: Path) -> None:
    trap = FOLDERS[kind](tmp_path)
    trap.arm(**ARMED[armed])
    for door in LIBRARY.values():
        with pytest.raises(ModelLoadError, match="trust_remote_code=True"):
            door(str(tmp_path))
        assert not trap.ran.exists()


COMMANDS = {
    "doctor": ["doctor", "FOLDER"],
    "ground": ["ground", "IMAGE", "a dog", "--model", "FOLDER"],
    "ground --together": ["ground", "IMAGE", "OTHER", "a dog", "--together", "-m", "FOLDER"],
    "clip": ["clip", "FRAMES", "a dog", "--model", "FOLDER"],
    "ground --refine": ["ground", "IMAGE", "a red circle", "--refine", "FOLDER"],
    "segment": ["segment", "IMAGE", "-c", "a dog,sky", "--model", "FOLDER"],
    "eval": ["eval", "tiny-scenes", "--model", "FOLDER", "--limit", "1"],
    "heads discover": ["heads", "discover", "FOLDER", "--samples", "ROWS"],
    "heads compare": ["heads", "compare", "FOLDER", "--samples", "ROWS", "--held-out", "ROWS"],
    "heads verify": ["heads", "verify", "L1H1", "-m", "FOLDER", "--samples", "ROWS"],
    "flow": ["flow", "FOLDER", "--samples", "ROWS"],
    "knockout": ["knockout", "FOLDER", "--samples", "ROWS"],
    "prompts": ["prompts", "FOLDER", "--samples", "ROWS"],
    "context": ["context", "FOLDER", "--samples", "ROWS"],
    "tokens": ["tokens", "IMAGE", "What is it?", "--model", "FOLDER"],
    "app": ["app", "FOLDER", "--no-open", "--port", "0"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trap = FOLDERS["sam" if "--refine" in command else "llava"](tmp_path / "folder")
    trap.arm()
    trap.arm("processor_config.json")
    for name in ("a.png", "b.png"):
        Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(tmp_path / name)
    row = {"image": "a.png", "phrase": "a dog", "question": "What?", "box": [1, 1, 9, 9]}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    places = {"FOLDER": "folder", "IMAGE": "a.png", "ROWS": "rows.jsonl", "OTHER": "b.png"}
    places["FRAMES"] = "."  # the pictures that lie beside the folder
    words = [str(tmp_path / places[word]) if word in places else word for word in COMMANDS[command]]
    capsys.readouterr()
    code = main(words)
    assert not trap.ran.exists()
    shown = capsys.readouterr()
    assert code == 2, shown.out
    assert "trust_remote_code=True" in shown.err
    assert "[y/N]" not in shown.out + shown.err
    assert shown.err.splitlines()[-1].startswith("vlmscope: error: ")


def test_it_runs_when_it_is_asked_for(tmp_path: Path) -> None:
    """The trap is a trap: without it, that nothing ran would show nothing."""
    trap = decoder(tmp_path)
    trap.arm()
    with pytest.raises(ModelLoadError):
        vs.load(str(tmp_path), trust_remote_code=True)  # its classes are empty
    assert trap.ran.exists()


def test_the_kernel_of_a_stranger_is_code_too(tmp_path: Path) -> None:
    trap = decoder(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["text_config"]["attn_implementation"] = "stranger/kernels"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelLoadError, match=r"attn_implementation in config\.json"):
        vs.load(str(tmp_path))
    assert not trap.ran.exists()


def test_settings_without_foreign_code(tmp_path: Path) -> None:
    decoder(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(
        json.dumps({**config, "auto_map": None, "attn_implementation": "sdpa"})
    )
    assert foreign_code(tmp_path) is None
    (tmp_path / "tokenizer_config.json").write_text("[" * 100_000)
    assert foreign_code(tmp_path) is None


# -- pickles ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_pickle_that_is_more_than_tensors(kind: str, tmp_path: Path) -> None:
    trap = FOLDERS[kind](tmp_path)
    trap.pickle()
    door = vs.load_sam if kind == "sam" else vs.load
    with pytest.raises(ModelLoadError, match=r"asks for \S*open, which is no tensor") as caught:
        door(str(tmp_path))
    assert not trap.ran.exists()
    assert "weights_only" not in str(caught.value)
    torch.load(tmp_path / "pytorch_model.bin", weights_only=False)  # the trap is a trap
    assert trap.ran.exists()


def test_a_pickle_of_tensors_is_read(tmp_path: Path) -> None:
    decoder(tmp_path)
    whole = vs.load(str(tmp_path))
    weights = load_file(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    torch.save(weights, tmp_path / "pytorch_model.bin")
    again = vs.load(str(tmp_path)).hf.state_dict()
    assert all(torch.equal(value, again[key]) for key, value in whole.hf.state_dict().items())


@pytest.mark.parametrize("content", [b"", b"no pickle at all"])
def test_a_pickle_that_is_none(content: bytes, tmp_path: Path) -> None:
    decoder(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(content)
    with pytest.raises(ModelLoadError, match="damaged") as caught:
        vs.load(str(tmp_path))
    assert "weights_only" not in str(caught.value)
