"""mcordts/cityscapesScripts#80: panoptic listings in COCO's form whose image ids are texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from panoptic_folder import PanopticFolder, small_folder
from vlmscope.data.datasets.coco_panoptic import CocoPanoptic
from vlmscope.errors import BadSampleError


@pytest.fixture
def folder(tmp_path: Path) -> PanopticFolder:
    return small_folder(tmp_path)


def renamed(folder: PanopticFolder, name: Any) -> CocoPanoptic:
    """The folder with other image ids: ``name`` makes them of the numbers."""
    root = folder.write()
    content = json.loads((root / "panoptic.json").read_text())
    for key, field in (("images", "id"), ("annotations", "image_id")):
        for item in content[key]:
            item[field] = name(item[field])
    (root / "panoptic.json").write_text(json.dumps(content), encoding="utf-8-sig")
    return CocoPanoptic(root)


@pytest.mark.parametrize("form", ["frankfurt_000000_{:06d}", "ADE_val_{:08d}"])
def test_texts_are_ids_as_numbers_are(folder: PanopticFolder, form: str) -> None:
    plain = CocoPanoptic(folder.write())
    data = renamed(folder, form.format)
    assert data.skipped == ()
    assert list(data.image_ids) == [form.format(int(each)) for each in plain.image_ids]
    for one, two in zip(plain.image_ids, data.image_ids, strict=True):
        before, after = plain.load(one), data.load(two)
        assert (before.labels == after.labels).all()
        assert [each.label for each in before.referents] == [each.label for each in after.referents]


@pytest.mark.parametrize("wrong", [None, True, 1.5, "", [1]])
def test_other_things_are_no_ids(folder: PanopticFolder, wrong: Any) -> None:
    with pytest.raises(BadSampleError, match="must be a whole number or a text"):
        renamed(folder, lambda _: wrong)


def test_a_number_and_its_text_are_one_id(folder: PanopticFolder) -> None:
    data = renamed(folder, lambda number: "7" if number == 9 else number)
    assert data.image_ids == ("12", "13", "21")
    assert {image_id for image_id, _ in data.skipped} == {"7"}
    assert "two images of this id, which say different things" in data.skipped[0].reason
