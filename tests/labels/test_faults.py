"""What may befall a job: deaths at the worst moments, memory that runs out, very long lists."""

from __future__ import annotations

import errno
import os
import signal
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import vlmscope as vs
from labelling import job, make_fake, pictures, rows_of
from vlmscope.errors import OutputError, VlmscopeWarning
from vlmscope.labels.locks import Shard
from vlmscope.labels.parts import PartStore
from vlmscope.labels.sources.files import ListedImages
from vlmscope.labels.survey import surveyed
from vlmscope.methods import looks

pytest.importorskip("pyarrow")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return pictures(tmp_path / "photos", 10, worst=b"bad")


def _killed_at_rename(out: Path, photos: Path, number: int, after: bool) -> None:
    """A copy of this process labels, and gets SIGKILL when a part is renamed the n-th time."""
    child = os.fork()
    if not child:
        whole, left = Path.replace, [number]

        def replace(self: Path, target: Path) -> Path:
            left[0] -= target.suffix == ".parquet"
            if left[0] or target.suffix != ".parquet":
                return whole(self, target)
            if after:
                whole(self, target)
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError("SIGKILL ends a process")

        Path.replace = replace  # type: ignore[assignment]
        try:
            job(out, photos).all()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_the_rename_of_a_part(photos: Path, tmp_path: Path, after: bool) -> None:
    """The part is whole under its hidden name, and yet there is none: nobody has waited for the disk."""
    job(tmp_path / "whole", photos).all()
    out = tmp_path / "out"
    _killed_at_rename(out, photos, 2, after)
    hidden = [path for path in (out / "parts").iterdir() if path.name.startswith(".")]
    assert len(hidden) == (0 if after else 1)
    kept = 6 if after else 3
    store = PartStore.open(out / "parts")
    assert (store.images, store.damaged) == (kept, [])
    labeller = make_fake(None)
    job(out, photos, labeller=labeller).all()
    assert len(labeller.seen) == 11 - kept
    assert rows_of(out) == rows_of(tmp_path / "whole")
    assert not [path for path in (out / "parts").iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("file", ["job.json", "summary.json", "README.md"])
def test_a_disk_that_is_full_for_another_file(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    whole = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if Path(target).name == file:
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        with pytest.raises(OutputError, match=rf"{file}.*No space left on device"):
            job(tmp_path / "out", photos).all()
    job(tmp_path / "out", photos).all()
    job(tmp_path / "whole", photos).all()
    assert rows_of(tmp_path / "out") == rows_of(tmp_path / "whole")
    for name in ("job.json", "summary.json", "README.md"):
        assert (tmp_path / "out" / name).exists()


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("scenes")
    for number in range(5):
        pixels = np.random.default_rng(number).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(place / f"{number}.png")
    return place


def _run_out(monkeypatch: pytest.MonkeyPatch, most: int) -> list[int]:
    """A device whose memory holds no more than so many images; what was tried."""
    tried: list[int] = []
    whole = looks._Dense.side_by_side

    def side_by_side(self: Any, views: Any) -> Any:
        tried.append(len(views))
        if len(views) > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return whole(self, views)

    monkeypatch.setattr(looks._Dense, "side_by_side", side_by_side)
    return tried


def test_memory_that_runs_out_halves_the_batch_for_good(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = vs.load("tiny-clip")
    asked: dict[str, Any] = {"method": "gem", "batch": 4, "part": 4}
    vs.label(model, scenes, ["a"], out=tmp_path / "whole", **{**asked, "batch": 2})
    tried = _run_out(monkeypatch, most=2)
    with pytest.warns(VlmscopeWarning, match="from here on there are 2"):
        summary = vs.label(model, scenes, ["a"], out=tmp_path / "out", **asked)
    assert tried[0] == 4 and max(tried[1:]) == 2
    assert (summary.images, summary.failed) == (5, 0)
    assert "4 images side by side did not fit" in summary.notes[0]
    assert rows_of(tmp_path / "out") == rows_of(tmp_path / "whole")


def test_an_image_that_no_memory_holds_is_one_failed_row(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = vs.load("tiny-clip")
    whole = looks._Dense._alone

    def alone(self: Any, prompts: Any) -> Any:
        find = whole(self, prompts)

        def found(pixels: Any) -> Any:
            if pixels.shape[1] > 64:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return find(pixels)

        return found

    monkeypatch.setattr(looks._Dense, "_alone", alone)
    wide = tmp_path / "photos"
    wide.mkdir()
    for path in scenes.iterdir():
        (wide / path.name).write_bytes(path.read_bytes())
    Image.new("RGB", (90, 64)).save(wide / "wide.png")
    summary = vs.label(model, wide, ["a"], out=tmp_path / "out", method="gem")
    assert {kind: each.id for kind, each in summary.failures.items()} == {
        "OutOfMemoryError": "wide.png"
    }
    assert (summary.images, summary.failed) == (6, 1)


def test_of_a_long_list_only_keys_are_held(tmp_path: Path) -> None:
    """8 bytes an image, and as much again while they are sorted: ids would take two hundred."""
    count, listed = 30_000, tmp_path / "list.txt"
    with listed.open("w") as stream:
        for number in range(count):
            stream.write(f"a/folder/of/very/many/tiny/pictures/that/are/called/{number:09d}.jpg\n")
    store = PartStore.open(tmp_path / "parts")
    tracemalloc.start()
    try:
        survey = surveyed(ListedImages(tmp_path, listed), Shard(), store)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (survey.images, survey.done) == (count, 0)
    assert peak / count < 40
