"""``--protocol``, ``--text-cache`` and ``--dtype fast`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dual_families import clip
from vlmscope.data.tiny_sets import make_tiny

CLASSES = "background: sky|grass,dog,person: man|woman"
WORDS = {"background": ["sky"], "aeroplane": ["star"], "bicycle": ["circle", "square"]}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    encoder = clip()
    encoder.hf.save_pretrained(folder)
    encoder.processor.save_pretrained(folder)
    return folder


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def voc(tmp_path: Path) -> list[Any]:
    make_tiny("voc21", tmp_path / "set", 1)
    (tmp_path / "words.json").write_text(json.dumps(WORDS))
    return ["voc21", "--root", tmp_path / "set", "--words", tmp_path / "words.json"]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("VLMSCOPE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "texts"


def test_segment(run: Any, model: Path, picture: Path, home: Path) -> None:
    words = ["segment", picture, "-c", CLASSES, "-m", model, "--protocol", "field@voc21"]
    result = run(*words, "--json", "--no-text-cache")
    assert result.code == 0, result.err
    record = json.loads(result.out)
    assert record["protocol"]["logit_scale"] == 65.0
    assert record["options"]["templates"] == "imagenet"
    assert not home.exists()
    again = run(*words, "--json")
    assert again.out == result.out
    assert len(list(home.iterdir())) == 1
    assert run(*words, "--json").out == result.out


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (
            ["--protocol", "field", "--side", "224"],
            "option side (224) contradicts the protocol field",
        ),
        (["--protocol", "gem", "--background", ".5"], "option background (0.5) contradicts"),
        (["--protocol", "gem", "--least-score", ".2"], "gem, which leaves it out"),
        (["--protocol", "field", "--no-compete"], "option compete (False) contradicts"),
        (["--protocol", "filed"], "field"),
    ],
)
def test_segment_refuses_what_contradicts(
    run: Any, model: Path, picture: Path, extra: list[str], message: str
) -> None:
    result = run("segment", picture, "-c", CLASSES, "-m", model, *extra)
    assert result.code == 2
    assert message in " ".join(result.err.split())


def test_eval(run: Any, model: Path, voc: list[Any], tmp_path: Path) -> None:
    words = ["eval", *voc, "-m", model, "--method", "clearclip", "--task", "segmentation"]
    reports = {}
    for name in ("field", "gem", "free"):
        out = tmp_path / name
        result = run(*words, "--protocol", name, "-o", out)
        assert result.code == 0, result.err
        reports[name] = json.loads((out / "report.json").read_text())
    stated = {name: each["protocol"].get("protocol") for name, each in reports.items()}
    assert stated["free"] is None
    assert (stated["field"]["side"], stated["field"]["least_area"]) == (336, 0.1)
    assert (stated["gem"]["side"], stated["gem"]["background"]) == (448, 0.85)
    assert "squashed to 448x448" in (tmp_path / "gem" / "report.md").read_text()
    plain = run(*words, "--json")
    assert json.loads(plain.out)["runs"] == reports["free"]["runs"]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--protocol", "field", "--squash"], "option keep_ratio (False) contradicts"),
        (["--protocol", "gem", "--keep-ratio"], "option keep_ratio (True) contradicts"),
        (["--protocol", "field", "--options", "gem.window=112"], "option window (112) contradicts"),
        (["--protocol", "field@ade20k"], "constants of ade20k"),
        (["--protocol", "felid"], "field"),
    ],
)
def test_eval_refuses_what_contradicts(
    run: Any, model: Path, voc: list[Any], extra: list[str], message: str
) -> None:
    result = run("eval", *voc, "-m", model, "--method", "gem", *extra)
    assert result.code == 2
    assert message in " ".join(result.err.split())


def test_dtype_fast_says_which(
    run: Any, monkeypatch: pytest.MonkeyPatch, model: Path, picture: Path
) -> None:
    import torch

    words = ["segment", picture, "-c", CLASSES, "-m", model, "--dtype", "fast", "--json"]
    for native, dtype in ((True, "bfloat16"), (False, "float32")):
        flags = {"avx512_bf16": native}
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda flags=flags: flags, raising=False)
        result = run(*words, "--device", "cpu")
        assert result.code == 0, result.err
        assert json.loads(result.out)["dtype"] == dtype
        assert f"--dtype fast: {dtype}" in result.err
