"""POPE and CHAIR off disk: what is asked, what is true, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ref_sets import change_json, picture_bytes, unpublished
from vlmscope.data.datasets import AskedSet, open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadOptionError, BadSampleError


def pope(root: Path, *rows: dict[str, object], split: str = "random") -> Path:
    usual = {"image": "a.jpg", "text": "Is there a dog in the image?", "label": "yes"}
    (root / "images").mkdir(parents=True, exist_ok=True)
    (root / "images" / "a.jpg").write_bytes(picture_bytes())
    lines = [json.dumps({"question_id": n, **usual, **row}) for n, row in enumerate(rows, start=1)]
    (root / f"coco_pope_{split}.json").write_text("\n".join(lines))
    return root


def opened(name: str, root: Path, partial: bool = True, split: str | None = None) -> AskedSet:
    data = open_dataset(name, root, partial=partial, split=split)
    assert isinstance(data, AskedSet)
    return data


def test_a_question_of_pope_is_asked_and_its_object_looked_for(tmp_path: Path) -> None:
    text = "Is there an orange in the image?"
    data = opened("pope", pope(tmp_path, {}, {"text": text, "label": "no"}))
    sample = data.load("a")
    assert [(each.id, each.truth) for each in sample.asked] == [("1", True), ("2", False)]
    assert sample.asked[1].text == text
    assert [(r.label, r.tags["phrase"], r.absent) for r in sample.referents] == [
        ("dog", "a dog", False),
        ("orange", "an orange", True),
    ]
    assert data.words.labels == ("dog", "orange") and data.tasks == ("pope",) and data.pairs
    assert data.protocol["partial"] == "2 of 3,000 sentences"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"label": "maybe"}, "neither yes nor no"),
        ({"text": "What is it?"}, "No question of POPE"),
        ({"question_id": 1}, "twice"),
        ({"image": "../a.jpg"}, "leads out"),
        ({"text": ""}, "must be a text"),
    ],
)
def test_a_bad_line_is_left_out_with_its_reason(
    tmp_path: Path, row: dict[str, object], message: str
) -> None:
    data = opened("pope", pope(tmp_path, {}, row))
    [skipped] = data.skipped
    assert skipped.image_id == "line 2" and message in skipped.reason
    assert len(data.load("a").asked) == 1


def test_a_split_of_pope_has_three_thousand_questions(tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match=r"not 500 .*answered yes, not 1,500 .*not 3,000"):
        opened("pope", pope(tmp_path, {}), partial=False)
    with pytest.raises(BadOptionError, match="random, popular, adversarial"):
        opened("pope", tmp_path, split="val")
    with pytest.raises(BadSampleError, match=r"coco_pope_popular\.json"):
        opened("pope", tmp_path, split="popular")


def test_a_limit_says_how_much_of_pope_is_left(tmp_path: Path) -> None:
    make_tiny("pope", tmp_path / "p", 3)
    data = opened("pope", tmp_path / "p", partial=False)
    part = data.first(1)
    assert part.image_ids == data.image_ids[:1] and "limit: 1 image" in part.protocol["partial"]
    assert data.first(9) is data and "partial" not in data.protocol


@pytest.mark.parametrize("split", ["random", "popular", "adversarial"])
def test_a_rendered_pope_asks_as_often_for_what_is_there(tmp_path: Path, split: str) -> None:
    make_tiny("pope", tmp_path / "p", 3)
    data = opened("pope", tmp_path / "p", partial=False, split=split)
    truths = [each.truth for key in data.image_ids for each in data.load(key).asked]
    assert truths.count(True) == truths.count(False) > 0


def test_chair_knows_outlines_and_captions(tmp_path: Path) -> None:
    make_tiny("chair", tmp_path / "c", 2)
    data = opened("chair", tmp_path / "c", partial=False)
    sample = data.load("000000000001")
    [asked] = sample.asked
    truth = sample.described
    assert asked.text == "describe the picture" and asked.truth is None and truth is not None
    assert set(truth.objects) <= set(truth.known) and len(truth.captions) == 1
    assert sample.referents == () and not data.pairs


def test_an_image_without_a_caption_is_left_out(tmp_path: Path) -> None:
    make_tiny("chair", tmp_path / "c", 2)
    path = tmp_path / "c" / "annotations" / "captions_val2014.json"
    change_json(
        unpublished(tmp_path / "c") and path, lambda c: {"annotations": c["annotations"][:1]}
    )
    data = opened("chair", tmp_path / "c")
    assert list(data.image_ids) == ["000000000001"]
    assert "nobody wrote a caption" in data.skipped[0].reason


def test_captions_of_another_kind_and_an_empty_question_are_refused(tmp_path: Path) -> None:
    make_tiny("chair", tmp_path / "c", 1)
    (tmp_path / "c" / "question.txt").write_text("\n")
    with pytest.raises(BadSampleError, match="is empty"):
        opened("chair", tmp_path / "c")
    change_json(
        tmp_path / "c" / "annotations" / "captions_val2014.json", lambda _: {"annotations": 3}
    )
    with pytest.raises(BadSampleError, match="holds no captions"):
        opened("chair", tmp_path / "c")
