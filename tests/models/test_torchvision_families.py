"""The proof of the families whose images torchvision prepares, beside a torchvision of its own.

Its build for this torch is fetched into a temporary folder, alone (``--no-deps``), with timm, which some
towers are of, and is gone afterwards: what the suite itself runs with never has one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers.utils import is_torchvision_available

from lvlms import all_builds, waiting

TESTS = Path(__file__).parents[1]
PROOFS = (
    "models/test_every_family.py",
    "models/loading/test_every_family_loads.py",
    "models/decoders/test_apertus.py",
    "models/decoders/test_gemma3n.py",
    "models/decoders/test_minimax_m3.py",
    "models/prompts/test_by_hand.py",
    "models/loading/test_identity.py",
    "attention/test_together.py",
    "attention/hidden/test_families.py",
    "attention/hidden/test_outlines.py",
    "attention/lightening/test_lighten.py",
    "attention/steering/test_steer.py",
)
NAMES = [name for name, build in all_builds().items() if build.torchvision or build.timm]


def version() -> str:
    """Of the torchvision that belongs to the installed torch: 0.15 came with 2.0, each with the next."""
    major, minor = (int(part) for part in torch.__version__.split(".")[:2])
    assert major == 2, f"which torchvision belongs to torch {torch.__version__} is not known here"
    return f"0.{minor + 15}.*"


@pytest.fixture(scope="module")
def torchvision(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the torchvision that belongs to this torch, and timm, whose towers need it."""
    folder = tmp_path_factory.mktemp("torchvision")
    fetch = ["pip", "install", "-q", "--no-deps", "--only-binary", ":all:", "--target", str(folder)]
    command = [sys.executable, "-m", *fetch, f"torchvision=={version()}", "timm"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        pytest.skip(f"torchvision {version()} cannot be fetched here: {done.stderr[-300:]}")
    return folder


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TESTS / "with_torchvision.py"), str(folder), *words]
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=3000,
        cwd=TESTS.parent,
        env=here,
        check=False,
    )


@pytest.mark.skipif(is_torchvision_available(), reason="torchvision is here: nothing is left out")
def test_what_waits_here_is_all_that_needs_it() -> None:
    assert waiting() == NAMES  # timm is of no use without torchvision


@pytest.mark.long
def test_the_whole_proof_beside_a_torchvision(torchvision: Path) -> None:
    paths = [str(TESTS / path) for path in PROOFS]
    done = run(torchvision, "-q", "-n", "0", "-k", " or ".join(NAMES), *paths)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    # every one of them was made, and none of its proof was left out for want of torchvision
    assert "is not installed" not in done.stdout
    assert " passed" in done.stdout.splitlines()[-1]


@pytest.mark.long
def test_clips_beside_the_video_processors_of_transformers(torchvision: Path) -> None:
    done = run(torchvision, "-q", "-n", "0", str(TESTS / "models" / "test_video_processors.py"))
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout and "skipped" not in done.stdout


@pytest.mark.long
def test_a_torchvision_that_does_not_import_is_named(torchvision: Path) -> None:
    """Beside a CPU build of torch, where its kernels do not load: transformers stops with it."""
    load = "import vlmscope as vs; vs.load('tiny-llava')"
    here = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(torchvision), *filter(None, sys.path)]),
    }
    command = [sys.executable, "-c", load]
    done = subprocess.run(command, capture_output=True, text=True, env=here, check=False)
    if done.returncode == 0:
        pytest.skip("this torchvision imports beside this torch")
    assert "ModelLoadError: tiny-llava could not be loaded: a torchvision" in done.stderr
