"""What holds for every set in Parquet: a folder, one file, other columns, mixed files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ref_sets import picture_bytes, write_parquet
from set_forms import FORMS, Form, form
from vlmscope.data.datasets import open_dataset
from vlmscope.errors import BadSampleError

PARQUET = ["refcoco-m", "ref-l4", "groundingme", "refcoco-jxu124", "refcoco-lmms"]
FORMS_IN_PARQUET = [form(name) for name in (*PARQUET, "screenspot in Parquet")]
every = pytest.mark.parametrize("kind", FORMS_IN_PARQUET, ids=str)

NEEDED = {
    "refcoco-m": ("image_id", "samples", "image"),
    "ref-l4": (
        *("id", "caption", "bbox", "ori_category_id"),
        *("file_name", "height", "width"),
    ),
    "groundingme": (
        *("id", "description", "bbox", "subtask_l1", "subtask_l2"),
        *("height", "width", "image"),
    ),
    "refcoco-jxu124": (
        *("ref_id", "image_id", "split", "sentences"),
        *("bbox", "raw_anns", "raw_image_info"),
    ),
    "refcoco-lmms": ("question_id", "answer", "segmentation", "bbox", "file_name", "image"),
    "screenspot in Parquet": ("instruction", "bbox", "image"),
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("parquet")
    for number, each in enumerate(FORMS_IN_PARQUET):
        each.make(folder / str(number))
    return {each.name: folder / str(number) for number, each in enumerate(FORMS_IN_PARQUET)}


@pytest.fixture
def root(rendered: dict[str, Path], kind: Form, tmp_path: Path) -> Path:
    return Path(shutil.copytree(rendered[kind.name], tmp_path / "set"))


def file_of(kind: Form, root: Path) -> Path:
    split = {"val": "val", "test": "test", "all": "test"}[str(kind.split)]
    [path] = [path for path in root.rglob("*.parquet") if split in path.name]
    return path


def opened(kind: Form, root: Path, **options: Any) -> Any:
    return open_dataset(kind.dataset, root, split=kind.split, **options)


def contents(data: Any) -> list[Any]:
    samples = [data.load(image_id) for image_id in data.image_ids]
    return [(r.label, r.target.box) for sample in samples for r in sample.referents]


def rename(path: Path, names: dict[str, str]) -> None:
    table = pq.read_table(path)
    pq.write_table(table.rename_columns([names.get(n, n) for n in table.column_names]), path)


def test_every_form_in_parquet_is_here() -> None:
    assert {each.name for each in FORMS} >= set(NEEDED) == {each.name for each in FORMS_IN_PARQUET}


@every
def test_one_file_will_do_for_a_folder(kind: Form, root: Path) -> None:
    folder = contents(opened(kind, root))
    assert contents(opened(kind, file_of(kind, root))) == folder


@every
def test_other_columns_are_named_one_by_one_and_mapped(kind: Form, root: Path) -> None:
    expected = contents(opened(kind, root))
    path = file_of(kind, root)
    names = {name: f"{name}s_of_mine" for name in NEEDED[kind.name]}
    for name, other in names.items():
        rename(path, {name: other})
        if (kind.name, name) == ("ref-l4", "image"):
            continue
        with pytest.raises(BadSampleError) as caught:
            opened(kind, root)
        message = str(caught.value)
        assert f"has no column '{name}'. It has: " in message and other in message
        assert f"If one of them is meant: --map {name}=" in message
        assert contents(opened(kind, root, columns={name: other})) == expected
        rename(path, {other: name})
    rename(path, names)
    assert contents(opened(kind, root, columns=names)) == expected


@every
def test_a_map_of_columns_that_nobody_reads_is_refused(kind: Form, root: Path) -> None:
    with pytest.raises(BadSampleError, match="The map names columns that are not read: 'colour'"):
        opened(kind, root, columns={"colour": "color"})


@every
def test_a_file_of_something_else_is_named_by_its_columns(kind: Form, root: Path) -> None:
    write_parquet(file_of(kind, root), [{"text": "a", "label": 1}])
    with pytest.raises(BadSampleError, match=r"has no column .*It has: text, label\."):
        opened(kind, root)


@every
def test_a_file_cut_off_and_a_pointer_are_no_parquet(kind: Form, root: Path) -> None:
    path = file_of(kind, root)
    for content in (path.read_bytes()[:-9], b"version https://git-lfs.github.com/spec/v1\n", b""):
        path.write_bytes(content)
        with pytest.raises(BadSampleError, match="Cannot read the Parquet file .* Get it again"):
            opened(kind, root)


@every
def test_two_copies_of_a_split_are_refused(kind: Form, root: Path) -> None:
    path = file_of(kind, root)
    other = root / "data" / path.name if path.parent == root else root / path.name
    other.parent.mkdir(exist_ok=True)
    shutil.copy(path, other)
    with pytest.raises(BadSampleError) as caught:
        opened(kind, root, partial=True)
    assert "is there twice" in str(caught.value) and "Keep those of one" in str(caught.value)


def test_a_second_file_of_one_number_is_refused(tmp_path: Path) -> None:
    row = {"question_id": "1", "image": {"bytes": picture_bytes()}}
    for name in ("val-00000-of-00001", "google-val-00000-of-00001"):
        write_parquet(tmp_path / "data" / f"{name}.parquet", [row])
    with pytest.raises(BadSampleError, match="Two files are number 00000 of 00001 of a split"):
        open_dataset("refcoco", tmp_path, split="lmms-val")


@pytest.mark.parametrize("kind", [form("refcoco-jxu124")], ids=str)
def test_a_file_of_two_splits_is_refused_by_its_ref(kind: Form, root: Path) -> None:
    kind.edit(root, lambda rows: rows[-1].update(split="testB"))
    for partial in (False, True):
        with pytest.raises(BadSampleError) as caught:
            opened(kind, root, partial=partial)
        assert "holds a ref of the split 'testB'" in str(caught.value)
        assert "files of two splits are mixed" in str(caught.value)


def test_ref_l4_with_its_images_inside_needs_no_folder(tmp_path: Path) -> None:
    kind = form("ref-l4")
    kind.make(tmp_path / "set")
    expected = contents(opened(kind, tmp_path / "set"))
    pictures = tmp_path / "set" / "images"

    def put_in(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["image"] = {"bytes": (pictures / row["file_name"]).read_bytes(), "path": None}

    kind.edit(tmp_path / "set", put_in)
    pictures.rename(tmp_path / "packed")
    data = opened(kind, tmp_path / "set")
    assert contents(data) == expected
    assert data.protocol["source"] == "1 Parquet files, images inside"


@pytest.mark.parametrize("kind", [form("groundingme")], ids=str)
def test_a_rejection_with_a_box_is_neither(kind: Form, root: Path) -> None:
    kind.edit(root, lambda rows: rows[0].update(subtask_l1="Rejection"))
    [skipped] = opened(kind, root, partial=True).skipped
    assert "of the subtask Rejection, but has the box" in skipped.reason


@pytest.mark.parametrize("kind", [form("groundingme"), form("ref-l4")], ids=str)
@pytest.mark.parametrize("size", [None, 0, -4])
def test_a_size_that_is_none_leaves_its_row_out(kind: Form, root: Path, size: Any) -> None:
    kind.edit(root, lambda rows: rows[0].update(height=size))
    [skipped] = opened(kind, root, partial=True).skipped
    assert f"It states the size {size!r} x 128" in skipped.reason


@pytest.mark.parametrize("kind", [form("refcoco-jxu124")], ids=str)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"raw_anns": "{"}, "Its raw_anns is no JSON"),
        ({"raw_anns": None}, "Its raw_anns is no JSON"),
        ({"raw_image_info": "[]"}, "Its raw_image_info is no JSON object"),
        ({"raw_image_info": "{}"}, "has no file_name, height and width"),
        ({"bbox": None}, "A box is four numbers"),
    ],
)
def test_a_ref_that_cannot_be_read_leaves_the_rest(
    kind: Form, root: Path, change: dict[str, Any], reason: str
) -> None:
    def alone(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        # raw_image_info is read once an image, so the ref has an image of its own
        rows[0].update(change, image_id=10**6)
        return rows

    kind.edit(root, alone)
    data = opened(kind, root, partial=True)
    [skipped] = data.skipped
    assert skipped.image_id.startswith("ref ") and reason in skipped.reason
    assert contents(data)


@pytest.mark.parametrize("kind", [form("refcoco-m")], ids=str)
def test_samples_of_another_make_are_refused(kind: Form, root: Path) -> None:
    def without_masks(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["samples"] = [
                {key: value for key, value in each.items() if key != "mask"}
                for each in row["samples"]
            ]

    kind.edit(root, without_masks)
    with pytest.raises(BadSampleError, match="have no 'mask'. They have: .*bbox"):
        opened(kind, root)
    kind.edit(root, lambda rows: [{**row, "samples": "a text"} for row in rows])
    with pytest.raises(BadSampleError, match="holds no lists of objects, got 'a text'"):
        opened(kind, root)


@pytest.mark.parametrize("kind", [form("refcoco-lmms")], ids=str)
def test_two_rows_of_one_id_are_two_refs(kind: Form, root: Path) -> None:
    """Google and UNC chose some objects both, and the id is the object's."""
    before = opened(kind, root).protocol["counts"]["objects"]
    kind.edit(root, lambda rows: rows[1].update(question_id=rows[0]["question_id"]))
    data = opened(kind, root)
    assert data.skipped == () and data.protocol["counts"]["objects"] == before
