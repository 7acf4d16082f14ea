"""Reading many samples: images opened once, finished rows left alone, every other row accounted for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from handmade import FakeModel, PlantedHeads, scene
from vlmscope.attention import HeadMaps
from vlmscope.data.images import OpenedImage, open_image
from vlmscope.data.resume import SampleLog
from vlmscope.data.samples import Sample
from vlmscope.errors import BadSampleError, VlmscopeWarning
from vlmscope.heads.survey import Survey, survey

READING: dict[str, Any] = {"rows": "last_text", "preset": None}


def surveyed(model: FakeModel, rows: list[Any], log: SampleLog, **options: Any) -> Survey:
    def measure(sample: Sample, maps: HeadMaps) -> dict[str, Any]:
        return {"phrase": sample.phrase}

    return survey(model, rows, log, measure, reading=READING, progress=False, **options)


def test_rows_in_a_run_on_one_file_open_it_once(
    fake: FakeModel, planted: PlantedHeads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def counted(source: Any, **options: Any) -> OpenedImage:
        opened.append(Path(source).name)
        return open_image(source, **options)

    monkeypatch.setattr("vlmscope.heads.sample_rows.open_image", counted)
    for number in (0, 1):
        Image.fromarray(scene(number)[0]).save(tmp_path / f"{number}.png")
    rows = [(tmp_path / f"{number}.png", phrase) for number in (0, 1) for phrase in "ab"]
    assert len(surveyed(fake, rows, SampleLog(None, {})).ids) == 4
    assert opened == ["0.png", "1.png"]
    assert planted.phrases == [["a", "b"], ["a", "b"]]


def test_only_what_the_log_lacks_is_read(fake: FakeModel, planted: PlantedHeads) -> None:
    log, image = SampleLog(None, {}), scene(0)[0]
    first = surveyed(fake, [(image, "a")], log)
    both = surveyed(fake, [(image, "a"), (image, "b")], log)
    assert planted.phrases == [["a"], ["b"]]
    assert both.ids[:1] == first.ids
    assert [log[digest]["phrase"] for digest in both.ids] == ["a", "b"]


def test_every_row_is_measured_or_said(fake: FakeModel, planted: PlantedHeads) -> None:
    image = scene(0)[0]

    def check(sample: Sample, pixels: np.ndarray, digest: str) -> None:
        if sample.phrase == "seen":
            raise BadSampleError("it was seen before")

    rows = [
        (image, "too long"),
        (image, "good"),
        (image, "too long"),
        (image, "seen"),
        "nonsense",
        ("none.png", "x"),
        ("none.png", "y"),
    ]
    with pytest.warns(VlmscopeWarning, match="6 samples were skipped"):
        done = surveyed(fake, rows, SampleLog(None, {}), check=check)
    assert len(done.ids) == 1
    assert sorted(line.split(":")[0] for line in done.skipped) == [
        f"row {row}" for row in (0, 2, 3, 4, 5, 6)
    ]
    assert "row 3: it was seen before" in done.skipped
