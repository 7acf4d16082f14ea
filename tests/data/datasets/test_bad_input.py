"""Each way in which input can be bad, for every form in which sets of sentences are read.

Whatever is spoiled, the rest is measured, what is left out is listed with its reason, and nothing but
the package's own errors comes out.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from set_forms import FORMS, Form, form, spoil
from vlmscope.data.coco_masks import lengths_of_mask, lengths_text
from vlmscope.data.datasets import open_dataset
from vlmscope.errors import BadImageError, BadSampleError

SIDE = 128  # of a rendered scene


def forms(*without: str) -> Any:
    return pytest.mark.parametrize(
        "kind", [each for each in FORMS if each.name not in without], ids=str
    )


COPY = (
    "screenspot in Parquet"  # its few boxes tell how they are written: one faulty is one too many
)

every = forms()
counted = pytest.mark.parametrize("kind", [each for each in FORMS if each.counted], ids=str)
with_files = pytest.mark.parametrize("kind", [each for each in FORMS if each.pictures], ids=str)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("forms")
    for number, each in enumerate(FORMS):
        each.make(folder / str(number))
    return {each.name: folder / str(number) for number, each in enumerate(FORMS)}


@pytest.fixture
def root(rendered: dict[str, Path], kind: Form, tmp_path: Path) -> Path:
    return Path(shutil.copytree(rendered[kind.name], tmp_path / "set"))


def opened(kind: Form, root: Path, **options: Any) -> Any:
    return open_dataset(kind.dataset, root, split=kind.split, **options)


def refusal(kind: Form, root: Path, **options: Any) -> str:
    with pytest.raises(BadSampleError) as caught:
        opened(kind, root, **options)
    return str(caught.value)


def sentences(data: Any) -> Iterator[str]:
    for image_id in data.image_ids:
        yield from (referent.id for referent in data.load(image_id).referents)


def left_out(kind: Form, root: Path) -> tuple[list[str], int]:
    """Why something is left out of a spoiled set, and how many sentences are still there."""
    data = opened(kind, root, partial=True)
    reasons, kept = [each.reason for each in data.skipped], 0
    for image_id in data.image_ids:
        try:
            kept += len(data.load(image_id).referents)
        except (BadSampleError, BadImageError) as error:
            reasons.append(str(error))
    return reasons, kept


@every
def test_as_it_is_nothing_is_left_out(kind: Form, root: Path) -> None:
    data = opened(kind, root)
    assert data.skipped == () and "partial" not in data.protocol
    ids = list(sentences(data))
    assert len(set(ids)) == len(ids) == data.protocol["counts"]["sentences"] >= 3


@counted
def test_a_split_cut_short_says_both_numbers(kind: Form, root: Path) -> None:
    whole = opened(kind, root).protocol["counts"]["sentences"]
    kind.edit(root, lambda rows: rows[:-1])
    message = refusal(kind, root)
    assert "it is cut short, or another version" in message and "--partial" in message
    data = opened(kind, root, partial=True)
    held = data.protocol["counts"]["sentences"]
    assert f"{held} sentences, not {whole}" in message
    assert data.protocol["partial"] == f"{held} of {whole} sentences" and data.skipped == ()


@counted
def test_a_split_that_holds_more_is_no_part_of_it(kind: Form, root: Path) -> None:
    def more(rows: list[Any]) -> list[Any]:
        if kind.name == "refcoco-m":
            return [*rows, {**rows[0], "image_id": 10**6, "samples": fresh_samples(rows[0])}]
        if kind.name == "refcoco-lmms":
            return [*rows, {**rows[0], "answer": ["another sentence"]}]
        extra = {**rows[0], **({kind.id: number(rows[0].get(kind.id))} if kind.id else {})}
        if "sentences" in extra:
            extra["sentences"] = [{"sent": "one more", "sent_id": 10**6}]
        return [*rows, extra]

    kind.edit(root, more)
    for partial in (False, True):
        message = refusal(kind, root, partial=partial)
        assert "more than the whole, so it is another version, or two were mixed" in message
        assert "--partial" not in message


def number(like: Any) -> Any:
    return str(10**6) if like is None or isinstance(like, str) else 10**6


def fresh_samples(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**each, "id": 10**6 + place} for place, each in enumerate(row["samples"])]


@with_files
def test_missing_pictures_are_refused_and_counted(kind: Form, root: Path) -> None:
    whole = opened(kind, root).protocol["counts"]
    first = opened(kind, root).image_ids[0]
    path = next(
        path
        for path in sorted(root.glob(kind.pictures))
        if path.stem.endswith(Path(first).stem.zfill(3 if first.isdigit() else 0))
    )
    path.unlink()
    message = refusal(kind, root)
    assert f"1 of the {whole['images']} images of " in message and "--partial" in message
    assert path.name in message
    data = opened(kind, root, partial=True)
    assert [each.image_id for each in data.skipped] == [first]
    held = data.protocol["counts"]["sentences"]
    assert data.protocol["partial"] == f"{held} of {whole['sentences']} sentences"
    assert len(list(sentences(data))) == held < whole["sentences"]


@pytest.mark.parametrize("kind", [each for each in FORMS if not each.pictures], ids=str)
def test_pictures_missing_inside_leave_their_image_out(kind: Form, root: Path) -> None:
    """What is inside a file is seen when it is opened."""
    whole = opened(kind, root).protocol["counts"]["sentences"]

    def empty(rows: list[Any]) -> None:
        name = rows[0].get("file_name")
        for row in rows:
            if row is rows[0] or (name is not None and row.get("file_name") == name):
                row["image"] = {"bytes": b"", "path": "gone.png"}

    kind.edit(root, empty)
    reasons, kept = left_out(kind, root)
    assert len(reasons) == 1 and kept < whole
    assert (
        "has no picture inside" in reasons[0]
        or "Its picture" in reasons[0]
        or "empty" in reasons[0]
    )


@forms(COPY)
@pytest.mark.parametrize("box", [[200.0, 10.0, 220.0, 40.0], [10.0, -60.0, 40.0, -20.0]])
def test_a_box_outside_its_image_leaves_the_rest(kind: Form, root: Path, box: list[float]) -> None:
    whole = opened(kind, root).protocol["counts"]["sentences"]
    kind.row(root).box(box)
    reasons, kept = left_out(kind, root)
    assert reasons and 0 < kept < whole
    assert any(
        word in reason
        for reason in reasons
        for word in ("outside the image", "does not lie in its image", "Its mask is empty")
    )


@pytest.mark.parametrize("kind", [form(COPY)], ids=str)
@pytest.mark.parametrize("box", [[200.0, 10.0, 220.0, 40.0], [5.0, 5.0, 5.0, 20.0]])
def test_of_a_small_copy_one_box_leaves_the_form_in_doubt(
    kind: Form, root: Path, box: list[float]
) -> None:
    kind.row(root).box(box)
    assert "fit neither way" in refusal(kind, root, partial=True)


MASK_WILL_DO = ("coco-json", "refcoco", "refcoco+", "refcocog", "grefcoco")
FLAT = [5.0, 5.0, 5.0, 20.0]


@forms(*MASK_WILL_DO)
def test_no_box_leaves_the_rest(kind: Form, root: Path) -> None:
    spoiled_box_leaves_the_rest(kind, root, None)


@every
def test_three_numbers_leave_the_rest(kind: Form, root: Path) -> None:
    spoiled_box_leaves_the_rest(kind, root, [1.0, 2.0, 3.0])


@forms(COPY, "reasonseg")  # the border of a polygon always covers a pixel
def test_a_box_without_area_leaves_the_rest(kind: Form, root: Path) -> None:
    spoiled_box_leaves_the_rest(kind, root, FLAT)


def spoiled_box_leaves_the_rest(kind: Form, root: Path, box: Any) -> None:
    whole = opened(kind, root).protocol["counts"]["sentences"]
    kind.row(root).box(box)
    reasons, kept = left_out(kind, root)
    assert reasons and 0 < kept < whole


@forms("coco-json")  # without a caption an annotation there is one of its category
@pytest.mark.parametrize("text", ["", " \t\n", "\u3000"])
def test_a_sentence_that_says_nothing_is_left_out(kind: Form, root: Path, text: str) -> None:
    whole = opened(kind, root).protocol["counts"]["sentences"]
    kind.row(root).text(text)
    [reason], kept = left_out(kind, root)
    assert "empty after stripping" in reason or "must be a text" in reason
    assert kept == whole - 1


@forms("coco-json")
@pytest.mark.parametrize("text", [None, 7])
def test_a_sentence_that_is_no_text_is_left_out(kind: Form, root: Path, text: Any) -> None:
    whole = opened(kind, root).protocol["counts"]["sentences"]
    if kind.name in ("ref-l4", "groundingme", COPY):
        text = None  # a column of texts holds no numbers
    kind.row(root).text(text)
    [reason], kept = left_out(kind, root)
    assert "text" in reason or "instruction" in reason
    assert kept == whole - 1
    data = opened(kind, root, partial=True)
    labels = [r.label for image_id in data.image_ids for r in data.load(image_id).referents]
    assert not {"None", "7"} & set(labels)


@forms("reasonseg", "coco-json")  # a sample is a file, and two files have two names
def test_what_occurs_twice_counts_once(kind: Form, root: Path) -> None:
    whole = opened(kind, root).protocol["counts"]["sentences"]
    if kind.dataset == "screenspot":
        kind.edit(root, lambda rows: [{**row, "id": str(n)} for n, row in enumerate(rows)])
    kind.edit(root, lambda rows: [*rows, rows[1]])
    reasons, kept = left_out(kind, root)
    assert kept == whole
    assert reasons and all(
        "twice" in each or "two rows" in each or "repeats line" in each for each in reasons
    )


@pytest.mark.parametrize("kind", [form("coco-json")], ids=str)
def test_of_two_annotations_of_one_id_nobody_can_tell(kind: Form, root: Path) -> None:
    kind.edit(root, lambda rows: [*rows, rows[1]])
    assert "two rows with the annotation id" in refusal(kind, root, partial=True)


def square() -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[10:30, 20:60] = True
    return mask


masked = pytest.mark.parametrize(
    "kind",
    [
        each
        for each in FORMS
        if each.name.startswith(("refcoco", "grefcoco", "coco-json")) and "lmms" not in each.name
    ],
    ids=str,
)
COUNTS = lengths_of_mask(square())


@masked
def test_run_lengths_as_numbers_and_as_text_are_the_same(kind: Form, root: Path) -> None:
    drawn = []
    for counts in (COUNTS, lengths_text(COUNTS)):
        if kind.name == "refcoco-m" and not isinstance(counts, str):
            counts = lengths_text(counts)  # a column of texts
        mask = kind.row(root).mask
        assert mask is not None
        mask({"counts": counts, "size": [SIDE, SIDE]})
        data = opened(kind, root)
        masks = [
            each.mask
            for image_id in data.image_ids
            for referent in data.load(image_id).referents
            for each in referent.instances
        ]
        drawn.append(any(each is not None and np.array_equal(each, square()) for each in masks))
    assert drawn == [True, True]


@masked
@pytest.mark.parametrize(
    ("counts", "size", "reason"),
    [
        ("abc", [SIDE, SIDE], "run lengths of a mask"),
        (lengths_text([7]), [SIDE, SIDE], "cover 7 pixels"),
        (lengths_text([SIDE * SIDE]), [SIDE, SIDE], "Its mask is empty"),
        (lengths_text([20]), [4, 5], "its image of"),
        (lengths_text(COUNTS)[:-1] + "\x7f", [SIDE, SIDE], "which COCO's text has not"),
        (None, [SIDE, SIDE], "whole numbers from 0"),
    ],
)
def test_a_mask_that_cannot_be_drawn_leaves_its_image_out(
    kind: Form, root: Path, counts: Any, size: list[int], reason: str
) -> None:
    whole = opened(kind, root).protocol["counts"]["sentences"]
    mask = kind.row(root).mask
    assert mask is not None
    mask({"counts": counts, "size": size})
    reasons, kept = left_out(kind, root)
    assert len(reasons) == 1 and reason in reasons[0] and "Sentence " in reasons[0]
    assert 0 < kept < whole


@masked
@pytest.mark.parametrize("empty", [None, {}, []])
def test_an_empty_mask_leaves_the_box(kind: Form, root: Path, empty: Any) -> None:
    mask = kind.row(root).mask
    assert mask is not None
    if kind.name == "refcoco-m":
        empty = {"counts": None, "size": None}  # how Parquet writes an object that is not there
    mask(empty)
    reasons, kept = left_out(kind, root)
    assert reasons == [] and kept == opened(kind, root).protocol["counts"]["sentences"]


@pytest.mark.parametrize(
    "kind", [form(name) for name in ("refcoco", "refcocog", "grefcoco")], ids=str
)
def test_a_crowd_that_a_sentence_means_is_taken_and_stated(kind: Form, root: Path) -> None:
    whole = opened(kind, root)
    assert "crowds" not in whole.protocol
    mask = kind.row(root).mask
    assert mask is not None
    mask({"counts": COUNTS, "size": [SIDE, SIDE]})
    content = json.loads((root / "instances.json").read_text())
    [crowd] = [
        row
        for row in content["annotations"]
        if isinstance(row["segmentation"], dict) and row["segmentation"]["counts"] == COUNTS
    ]
    crowd["iscrowd"] = 1
    (root / "instances.json").write_text(json.dumps(content))
    data = opened(kind, root)
    assert data.protocol["crowds"].startswith(
        "1 of the annotations that sentences mean are of crowds"
    )
    assert len(list(sentences(data))) == whole.protocol["counts"]["sentences"]


@every
@pytest.mark.parametrize("seed", range(8))
def test_something_strange_anywhere_is_answered_in_words(kind: Form, root: Path, seed: int) -> None:
    """Whatever stands in whichever place: the set is read, or refused by the package's own errors."""
    rng = random.Random(f"{kind} {seed}")
    instances = root / "instances.json"
    if instances.exists() and seed % 2:
        content = json.loads(instances.read_text())
        spoil(content, rng)
        instances.write_text(json.dumps(content))
    else:
        try:
            kind.edit(root, lambda rows: spoil(rows, rng))
        except (ValueError, TypeError, KeyError, AttributeError, OSError, OverflowError):
            return  # a file of this form holds no such thing
    for partial in (False, True):
        try:
            data = opened(kind, root, partial=partial)
        except BadSampleError as error:
            assert len(str(error)) < 1500
            continue
        for image_id in data.image_ids:
            with contextlib.suppress(BadSampleError, BadImageError):
                data.load(image_id)
