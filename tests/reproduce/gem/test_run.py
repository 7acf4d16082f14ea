"""The whole of it: nothing twice, several models, a report, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import vlmscope as vs
from views import blocks_of, page_view
from vlmscope.data.datasets import Dataset, open_dataset
from vlmscope.errors import BadOptionError, ModelMismatchError, UnsupportedError
from vlmscope.models import DualEncoder
from vlmscope.reproduce.gem import Settings, reproduce_gem
from vlmscope.reproduce.gem.images import Lens
from vlmscope.reproduce.gem.run import _named
from vlmscope.reproduce.listeners import Listener
from vlmscope.reproduce.report import write_report
from vlmscope.reproduce.reproductions import Reproduction

SETTINGS = Settings(side=0, pixel_step=2)
IDS, SPLITS = ("refcoco", "coco-panoptic", "somebody's own"), (None, "testA")


def run(encoder: DualEncoder, data: Dataset, folder: Path | None, **more: Any) -> Reproduction:
    return reproduce_gem(["tiny-clip"], lambda _: encoder, data, SETTINGS, folder=folder, **more)


def test_no_image_is_measured_twice(
    encoder: DualEncoder, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(encoder, data, None)
    measure, seen = Lens.measure, []

    def twice_then_stop(self: Lens, sample: Any) -> dict[str, Any]:
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(sample.image_id)
        return measure(self, sample)

    with monkeypatch.context() as patch:
        patch.setattr(Lens, "measure", twice_then_stop)
        with pytest.raises(KeyboardInterrupt):
            run(encoder, data, tmp_path)
    rest = []
    with monkeypatch.context() as patch:
        patch.setattr(Lens, "measure", lambda self, s: rest.append(s.image_id) or measure(self, s))
        assert run(encoder, data, tmp_path).to_dict() == whole.to_dict()
    assert (*seen, *rest) == tuple(data.image_ids)
    with monkeypatch.context() as patch:
        patch.setattr(Lens, "measure", twice_then_stop)
        assert run(encoder, data, tmp_path).to_dict() == whole.to_dict()
    with pytest.raises(ModelMismatchError, match="limit None"):
        run(encoder, data, tmp_path, limit=1)


def test_models_stand_side_by_side(encoder: DualEncoder, data: Dataset, tmp_path: Path) -> None:
    costs: list[str] = []
    listener = Listener(lambda title, steps: costs.append(f"{title}: {steps[1][0]}"))
    other = vs.load("tiny-clip")
    object.__setattr__(other, "id", "another/clip")
    models = {"one": encoder, "two": other}
    result = reproduce_gem(
        ["one", "two"], models.__getitem__, data, SETTINGS, limit=1, listener=listener
    )
    assert costs[0].startswith("tiny-clip: ") and "dense blocks beside each pass" in costs[0]
    titles = [table.title for table in result.tables]
    assert titles[0] == "Models side by side"
    assert {"Settings: tiny-clip", "Settings: another/clip"} <= set(titles)
    assert [row[0] for row in result.tables[0].rows] == ["tiny-clip", "another/clip"]
    sentences = [each.claim.sentence for each in result.findings]
    assert "another/clip: L2 normalisation helps" in sentences
    paths = write_report(result, tmp_path)
    view = page_view(paths[2])
    titles = [each["text"] for each in blocks_of(view, "heading")]
    assert {plot.title for plot in result.plots} <= set(titles)
    assert len(blocks_of(view, "curves")) == len(result.plots)
    rows = json.loads(paths[0].read_text("utf-8"))["tables"]["settings"]["rows"]
    assert rows[0]["setting"] == "GEM as published"


def test_images_that_cannot_be_read_are_named(
    encoder: DualEncoder, root: Path, tmp_path: Path
) -> None:
    place = tmp_path / "coco"
    shutil.copytree(root, place)
    first, *_ = sorted((place / "images").iterdir())
    first.write_bytes(b"no picture")
    data = open_dataset("coco-panoptic", place)
    result = run(encoder, data, None)
    assert len(result.skipped) == 1 and "image" in result.skipped[0]
    assert "1 images were left out" in result.findings[0].verdict.reason


def test_what_is_wrong_is_said(encoder: DualEncoder, data: Dataset) -> None:
    with pytest.raises(BadOptionError, match="No model"):
        reproduce_gem([], vs.load, data)
    with pytest.raises(BadOptionError, match="at least 1"):
        reproduce_gem(["tiny-clip"], vs.load, data, limit=0)
    with pytest.raises(UnsupportedError, match="no dual encoder"):
        reproduce_gem(["tiny-llava"], vs.load, data)
    with pytest.raises(BadOptionError, match="side"):
        Settings(side=-1)


def test_a_split_that_was_left_out_is_the_usual_one() -> None:
    named = {(id, split): _named(SimpleNamespace(id=id), split) for id in IDS for split in SPLITS}  # type: ignore[arg-type]
    assert named["refcoco", None] == "refcoco val"
    assert named["refcoco", "testA"] == "refcoco testA"
    assert named["coco-panoptic", None] == "coco-panoptic"
    assert named["somebody's own", None] == "somebody's own"
