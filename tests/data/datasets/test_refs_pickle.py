"""The refs of UNC and their kin: fields of other kinds, other makers, and a count that falls short."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ref_sets import change_json, change_refs, unpublished
from vlmscope.data.datasets import open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadSampleError


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("refs") / "set"
    make_tiny("refcoco", root, 3)
    return root


@pytest.fixture
def root(rendered: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(rendered, tmp_path / "set"))


def opened(root: Path, **options: Any) -> Any:
    return open_dataset("refcoco", root, **options)


def refusal(root: Path, **options: Any) -> str:
    with pytest.raises(BadSampleError) as caught:
        opened(root, **options)
    return str(caught.value)


def test_a_pickle_of_other_things_is_refused(root: Path) -> None:
    (root / "refs(unc).p").write_bytes(pickle.dumps([{"ref_id": np.int64(1)}]))
    assert "It asks for the class numpy" in refusal(root)
    (root / "refs(unc).p").write_bytes(pickle.dumps({"refs": []}))
    assert "holds no list of refs, but dict" in refusal(root)
    (root / "refs(unc).p").write_bytes(pickle.dumps([{"ref_id": 1}]))
    assert "Ref 0 of" in (message := refusal(root)) and "has no 'ann_id'" in message


def _bomb() -> list[Any]:
    bomb: list[Any] = []
    for _ in range(18):  # small enough to be read, too large to be written into a message
        bomb = [bomb, bomb]
    return bomb


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"split": 3}, "has a whole number as 'split', where a text belongs"),
        ({"split": _bomb()}, "has a list as 'split', where a text belongs"),
        ({"ref_id": _bomb()}, "has a list as 'ref_id', where a whole number or a text belongs"),
        ({"image_id": "7"}, "has a text as 'image_id', where a whole number belongs"),
        ({"image_id": [7]}, "has a list as 'image_id'"),
        ({"ann_id": "7"}, "has a text as 'ann_id', where a whole number or a list belongs"),
        ({"ann_id": [[7]]}, "has an ann_id that is no list of whole numbers"),
        ({"ann_id": 1.5}, "has float as 'ann_id'"),
        ({"sentences": "two"}, "has a text as 'sentences', where a list belongs"),
        ({"sentences": None}, "has nothing as 'sentences', where a list belongs"),
    ],
)
def test_a_field_of_another_kind_is_refused_by_its_ref(
    root: Path, change: dict[str, Any], reason: str
) -> None:
    change_refs(root, lambda refs: refs[0].update(change))
    for partial in (False, True):
        message = refusal(root, partial=partial)
        assert "Ref 0 of " in message and reason in message and len(message) < 600


@pytest.mark.parametrize("sentence", [None, "a text", 7, {}, {"sent": None}, {"sent": ["a"]}])
def test_a_sentence_of_another_kind_is_left_out(root: Path, sentence: Any) -> None:
    def change(refs: list[dict[str, Any]]) -> None:
        _val(refs)[0]["sentences"][0] = sentence

    whole = opened(root).protocol["counts"]["sentences"]
    change_refs(root, change)
    data = opened(root, partial=True)
    if sentence == "a text":  # the sentence itself, without its object
        assert data.skipped == ()
        return
    [skipped] = data.skipped
    assert "no text" in skipped.reason or "empty after stripping" in skipped.reason
    assert data.protocol["counts"]["sentences"] == whole - 1


def test_a_count_that_is_short_for_a_reason_says_the_reason(root: Path) -> None:
    _annotate(root, _val(_refs(root))[0]["ann_id"], {"bbox": [1, 2]})
    message = refusal(root)
    assert (
        "it is cut short, or another version. Of what is there 2 cannot be used, first " in message
    )
    assert "A box is four numbers" in message


@pytest.mark.parametrize("name", ["refcoco", "refcoco+"])
def test_refs_of_another_maker_under_this_name_show_by_their_splits(root: Path, name: str) -> None:
    """Google's refs have a test, which UNC's have not."""

    def change(refs: list[dict[str, Any]]) -> None:
        for ref in refs:
            ref["split"] = {"testA": "test", "testB": "test"}.get(ref["split"], ref["split"])

    change_refs(root, change)
    unpublished(root)
    for partial in (False, True):
        with pytest.raises(BadSampleError) as caught:
            open_dataset(name, root, partial=partial)
        message = str(caught.value)
        assert "has the split 'test', but of this maker are val, testA, testB, train" in message
        assert "another maker's file" in message and "--split google/val" in message
    (root / "refs(unc).p").rename(root / "refs(google).p")
    assert open_dataset(name, root, split="google/val").image_ids


def _refs(root: Path) -> list[dict[str, Any]]:
    return pickle.loads((root / "refs(unc).p").read_bytes())  # type: ignore[no-any-return]  # noqa: S301


def _val(refs: Any) -> list[Any]:
    return [ref for ref in refs if ref["split"] == "val"]


def _annotate(root: Path, number: int, change: dict[str, Any]) -> None:
    def changed(content: Any) -> None:
        for row in content["annotations"]:
            if row["id"] == number:
                row.update(change)

    change_json(root / "instances.json", changed)
