"""RefCOCO in its three forms, and every way in which a folder of it can be spoiled."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ref_sets import as_jxu124, as_lmms, change_json, change_refs, unpublished, write_parquet
from vlmscope.data.datasets import DatasetSource, open_dataset
from vlmscope.data.datasets.refcoco import RefcocoKind
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadOptionError, BadSampleError

IMAGES = 3


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("refcoco") / "set"
    make_tiny("refcoco", root, IMAGES)
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


def told(data: Any) -> list[Any]:
    """Texts and boxes of all sentences."""
    samples = [data.load(image_id) for image_id in data.image_ids]
    return [(r.label, r.target.box) for sample in samples for r in sample.referents]


def test_the_three_forms_say_the_same(root: Path, tmp_path: Path) -> None:
    pickled = opened(root)
    without = opened(as_jxu124(root, tmp_path / "jxu124"), partial=True)
    inside = opened(as_lmms(root, tmp_path / "lmms"), partial=True)
    assert told(pickled) == told(without) == told(inside)
    one, two = (data.load(data.image_ids[0]).referents[0] for data in (pickled, without))
    assert np.array_equal(one.target.mask, two.target.mask)
    assert inside.load(inside.image_ids[0]).referents[0].target.mask is None
    assert len({data.digest for data in (pickled, without, inside)}) == 3


def test_sentences_of_an_image_come_together(root: Path) -> None:
    """Refs that lie far apart in the list are one sample, whose objects are drawn once."""
    change_refs(root, lambda refs: refs[::2] + refs[1::2])
    data = opened(root)
    assert len(data.image_ids) == IMAGES
    referents = data.load(data.image_ids[0]).referents
    assert len({id(r.target) for r in referents}) < len(referents)
    assert len({r.id for r in referents}) == len(referents)


@pytest.mark.parametrize("place", ["images", "images/mscoco/images/train2014", "../train2014"])
def test_photographs_lie_where_people_keep_them(root: Path, place: str) -> None:
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / "train2014").rename(root / place)
    data = opened(root)
    assert data.load(data.image_ids[-1]).referents


def test_the_folder_of_all_three_sets_will_do(root: Path) -> None:
    outer = root.parent / "data"
    (outer / "refcoco").mkdir(parents=True)
    for name in ("refs(unc).p", "instances.json", "manifest.json"):
        (root / name).rename(outer / "refcoco" / name)
    (root / "train2014").rename(outer / "train2014")
    assert len(opened(outer).image_ids) == IMAGES


def test_the_published_count_is_asserted(root: Path) -> None:
    refs = len([ref for ref in _refs(root) if ref["split"] == "val"])
    unpublished(root)
    message = refusal(root)
    assert (
        f"refcoco val holds {refs} refs, not 3,811: it is cut short, or another version" in message
    )
    assert "--partial" in message
    assert opened(root, partial=True).protocol["partial"] == f"{refs} of 3,811 refs"
    assert "14%" in opened(root, partial=True).protocol["label noise"]
    # of refcoco+ the publishers' counts are not known here
    assert "partial" not in open_dataset("refcoco+", root).protocol


def test_refcocog_is_counted_too(tmp_path: Path) -> None:
    make_tiny("refcocog", tmp_path / "set", IMAGES)
    root = unpublished(tmp_path / "set")
    with pytest.raises(BadSampleError, match="not 2,573"):
        open_dataset("refcocog", root)


def test_counts_are_those_of_the_specification() -> None:
    from vlmscope.data.datasets.refcoco import refcoco_g, refcoco_plain

    assert isinstance(refcoco_plain, RefcocoKind)
    assert dict(refcoco_plain.refs) == {"train": 42404, "val": 3811, "testA": 1975, "testB": 1810}
    assert dict(refcoco_g.refs) == {"train": 42226, "val": 2573, "test": 5023}
    assert (refcoco_plain.merged, refcoco_g.merged) == (8811, 7573)


def test_a_split_cut_short_is_refused_and_taken_in_part(root: Path) -> None:
    change_refs(
        root, lambda refs: [ref for ref in refs if ref["ref_id"] != _val(refs)[0]["ref_id"]]
    )
    message = refusal(root)
    assert "it is cut short, or another version" in message and "sentences, not" in message
    data = opened(root, partial=True)
    held = data.protocol["counts"]["sentences"]
    assert data.protocol["partial"].startswith(f"{held} of ") and data.skipped == ()


def test_more_than_there_should_be_is_refused_too(root: Path) -> None:
    change_refs(
        root,
        lambda refs: [
            *refs,
            {
                **_val(refs)[0],
                "ref_id": 10**6,
                "sentences": [{"sent_id": 10**6, "sent": "one more"}],
            },
        ],
    )
    for partial in (False, True):
        message = refusal(root, partial=partial)
        assert "more than the whole, so it is another version, or two were mixed" in message


def test_missing_images_are_refused_and_counted(root: Path) -> None:
    image = _val(_refs(root))[0]["image_id"]
    path = root / "train2014" / f"COCO_train2014_{image:012d}.jpg"
    path.unlink()
    message = refusal(root)
    assert f"1 of the {IMAGES} images of refcoco val are missing. The first: " in message
    assert str(path) in message
    data = opened(root, partial=True)
    assert [each.image_id for each in data.skipped] == [str(image)]
    whole = sum(len(ref["sentences"]) for ref in _val(_refs(root)))
    held = data.protocol["counts"]["sentences"]
    assert held < whole and data.protocol["partial"] == f"{held} of {whole} sentences"
    shutil.rmtree(root / "train2014")
    assert f"None of the {IMAGES} images of refcoco val is there" in refusal(root, partial=True)


def test_annotations_of_another_version_are_refused(root: Path) -> None:
    number = _val(_refs(root))[0]["ann_id"]
    change_json(
        root / "instances.json",
        lambda c: {**c, "annotations": [row for row in c["annotations"] if row["id"] != number]},
    )
    assert "means annotation" in (message := refusal(root)) and "another version" in message
    assert "another version" in refusal(root, partial=True)


def test_annotations_of_another_image_are_refused(root: Path) -> None:
    def change(content: Any) -> None:
        for row in content["annotations"]:
            row["image_id"] = 1

    change_json(root / "instances.json", change)
    assert "has for another image" in refusal(root)


def test_images_of_another_version_are_refused(root: Path) -> None:
    change_json(root / "instances.json", lambda c: {**c, "images": c["images"][:1]})
    assert "does not hold: the annotations are of another version" in refusal(root)


def test_an_empty_sentence_is_left_out_with_its_reason(root: Path) -> None:
    def change(refs: Any) -> None:
        _val(refs)[0]["sentences"][0]["sent"] = "  \t"

    change_refs(root, change)
    assert "it is cut short" in refusal(root)  # the rendered set counts its sentences
    data = opened(root, partial=True)
    [skipped] = data.skipped
    assert "sentence" in skipped.image_id
    assert skipped.reason == "It is empty after stripping, so it names nothing."


def test_a_repeated_id_is_left_out_with_its_reason(root: Path) -> None:
    def change(refs: Any) -> None:
        one, two = _val(refs)[0]["sentences"][:2]
        two["sent_id"] = one["sent_id"]

    change_refs(root, change)
    [skipped] = opened(root, partial=True).skipped
    assert skipped.reason == "Its id occurs twice; the first counts."


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bbox": [5.0, 5.0, 0.0, 9.0]}, "has no area; COCO writes"),
        ({"bbox": [5.0, 5.0]}, "A box is four numbers"),
        ({"segmentation": [[1, 2, 3]]}, "Polygons of a mask"),
        ({"segmentation": "abc"}, "A mask is a list of polygons or"),
    ],
)
def test_an_annotation_that_cannot_be_read_leaves_its_ref_out(
    root: Path, change: dict[str, Any], reason: str
) -> None:
    number = _val(_refs(root))[0]["ann_id"]
    _annotate(root, number, change)
    refusal(root)
    data = opened(root, partial=True)
    reasons = {each.image_id: each.reason for each in data.skipped}
    assert reason in reasons[f"annotation {number}"]
    assert len(reasons) == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bbox": [500.0, 5.0, 10.0, 9.0]}, "lies outside the image"),
        ({"segmentation": {"counts": [7], "size": [128, 128]}}, "cover 7 pixels"),
        ({"segmentation": {"counts": [16384], "size": [128, 128]}}, "Its mask is empty"),
        ({"segmentation": {"counts": [20], "size": [4, 5]}}, r"its image of \[128, 128\]"),
    ],
)
def test_what_only_the_image_shows_is_told_when_it_is_loaded(
    root: Path, change: dict[str, Any], reason: str
) -> None:
    ref = _val(_refs(root))[0]
    _annotate(root, ref["ann_id"], change)
    data = opened(root)
    with pytest.raises(BadSampleError, match=f"Sentence {ref['sent_ids'][0]}: .*{reason}"):
        data.load(str(ref["image_id"]))
    assert data.load(data.image_ids[1]).referents


def test_an_empty_segmentation_leaves_the_box(root: Path) -> None:
    ref = _val(_refs(root))[0]
    _annotate(root, ref["ann_id"], {"segmentation": []})
    data = opened(root)
    assert data.load(str(ref["image_id"])).referents[0].target.mask is None


def test_a_picture_of_another_size_is_told(root: Path) -> None:
    change_json(
        root / "instances.json",
        lambda c: {**c, "images": [{**row, "width": 127} for row in c["images"]]},
    )
    data = opened(root)
    with pytest.raises(BadSampleError, match="is 128x128 .*, the listing says 128x127"):
        data.load(data.image_ids[0])


def test_splits_of_other_makers_are_named(root: Path) -> None:
    (root / "manifest.json").unlink()
    (root / "refs(unc).p").rename(root / "refs(google).p")
    message = refusal(root)
    assert "has no refs(unc).p. It has refs(google).p, whose splits are others" in message
    assert "--split google/val" in message
    data = opened(root, split="google/val")  # of Google's nothing is asserted
    assert data.protocol["source"] == "refs(google).p" and len(data.image_ids) == IMAGES
    with pytest.raises(BadOptionError, match="a maker other than"):
        opened(root, split="yours/val")


def test_an_unknown_split_is_answered_with_those_there_are(root: Path) -> None:
    assert "has no split 'test'. It has: train, val, testA, testB" in refusal(root, split="test")
    (root / "manifest.json").unlink()
    assert "has no split 'test'. It has: testA, testB, train, val" in refusal(root, split="test")


def test_words_are_refused(root: Path) -> None:
    with pytest.raises(BadOptionError, match="takes no words"):
        opened(root, words="words.json")


@pytest.mark.parametrize("form", ["xyxy", "xywh"])
def test_the_form_of_boxes_is_found_out(root: Path, tmp_path: Path, form: str) -> None:
    data = opened(as_jxu124(root, tmp_path / "out", form), partial=True)
    assert f"the column bbox is {form}: mean IoU 1.00" in data.protocol["boxes"]
    assert told(data) == told(opened(root))


def test_boxes_that_do_not_agree_are_refused(root: Path, tmp_path: Path) -> None:
    change_refs(root, lambda refs: refs)
    out = as_jxu124(root, tmp_path / "out")
    _rewrite(out, "validation", lambda row: {**row, "bbox": [0.0, 0.0, 2.0, 2.0]})
    assert "fit neither as xyxy nor as xywh alone" in refusal(out, partial=True)


def test_test_is_test_a(root: Path, tmp_path: Path) -> None:
    out = as_jxu124(root, tmp_path / "out", split="testA")
    assert told(opened(out, split="testA", partial=True)) == told(opened(root, split="testA"))


def test_a_test_that_the_publishers_have_not_is_refused(root: Path, tmp_path: Path) -> None:
    for form in (as_jxu124, as_lmms):
        out = form(root, tmp_path / form.__name__)
        (out / "data" / "test-00000-of-00001.parquet").symlink_to(
            next((out / "data").glob("*val*")).resolve()
        )
        message = refusal(out, split="test", partial=True)
        assert "refcoco has no split 'test'. It has: val, testA, testB, train." in message
        assert "test is testA" in message and "--split lmms-test" in message
    assert "partial" not in opened(out, split="lmms-test").protocol


def test_mixed_files_of_two_splits_are_refused(root: Path, tmp_path: Path) -> None:
    out = as_jxu124(root, tmp_path / "out", split="testA")
    path = out / "data" / "test-00000-of-00001.parquet"
    path.rename(out / "data" / "validation-00000-of-00001.parquet")
    message = refusal(out, partial=True)
    assert "A file of refcoco val holds a ref of the split 'testA'" in message
    assert "files of two splits are mixed" in message


def test_a_merged_val_is_refused_under_the_real_name(root: Path, tmp_path: Path) -> None:
    """With small numbers; that of lmms-lab and the real one are asserted above."""
    out = as_lmms(root, tmp_path / "out")
    path = out / "data" / "val-00000-of-00001.parquet"
    refs = len(_rows(path))
    kind = RefcocoKind("refcoco", "", "unc", ("val",), {"val": refs - 2}, merged=refs)
    for partial in (False, True):
        with pytest.raises(BadSampleError) as caught:
            kind.open(DatasetSource(out, partial=partial))
        message = str(caught.value)
        assert f"holds {refs} refs, not {refs - 2}: lmms-lab's val is the real val and 2" in message
        assert "--split lmms-val" in message
    data = kind.open(DatasetSource(out, split="lmms-val"))
    assert data.protocol["counts"]["objects"] == refs and "merged" in data.protocol
    write_parquet(path, _rows(path)[:-1])
    with pytest.raises(BadSampleError, match=f"{refs - 1} refs, not {refs}"):
        kind.open(DatasetSource(out, split="lmms-val"))


def test_other_columns_are_named_and_mapped(root: Path, tmp_path: Path) -> None:
    out = as_lmms(root, tmp_path / "out")
    path = out / "data" / "val-00000-of-00001.parquet"
    write_parquet(
        path,
        [{("texts" if k == "answer" else k): v for k, v in row.items()} for row in _rows(path)],
    )
    message = refusal(out, partial=True)
    assert "has no column 'answer'. It has: " in message and "--map answer=" in message
    data = opened(out, partial=True, columns={"answer": "texts"})
    assert told(data) == told(opened(root))


def test_an_empty_folder_says_what_it_lacks(tmp_path: Path) -> None:
    assert "There is no Parquet file of the split 'val'" in refusal(tmp_path)
    with pytest.raises(
        BadOptionError, match=r"is read from a folder: --root PATH .*refs\(unc\)\.p"
    ):
        open_dataset("refcoco")


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


def _rows(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return pq.read_table(path).to_pylist()  # type: ignore[no-any-return]


def _rewrite(root: Path, split: str, change: Any) -> None:
    path = root / "data" / f"{split}-00000-of-00001.parquet"
    write_parquet(path, [change(row) for row in _rows(path)])


def test_sentences_are_counted_without_an_image_being_opened(root: Path) -> None:
    data = opened(root, split="val")
    counted = [data.sentences([image_id]) for image_id in data.image_ids]
    assert counted == [len(data.load(image_id).referents) for image_id in data.image_ids]
    shutil.rmtree(root / "train2014")
    assert data.sentences(data.image_ids) == data.protocol["counts"]["sentences"] == sum(counted)
    assert data.sentences([]) == 0
