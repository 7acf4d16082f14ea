"""Parts: named by their ids, told by their ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labelling import BLANK
from vlmscope.labels.footers import Failure, encoded, key_of, part_name
from vlmscope.labels.parts import PartStore
from vlmscope.labels.sources import Item

pytest.importorskip("pyarrow")


def _part(*names: str, failed: tuple[str, ...] = ()) -> tuple[str, bytes]:
    items = [Item(name) for name in names]
    rows: list[dict[str, Any]] = []
    for name in names:
        error = {"error": "BadImageError", "message": f"{name}!"} if name in failed else {}
        rows.append({**BLANK, "id": name, **error})
    return part_name(items), encoded([key_of(item) for item in items], rows)


def test_a_name_follows_from_the_ids_and_their_order() -> None:
    names = [
        part_name([Item(each) for each in ids])
        for ids in (["a", "b"], ["a", "b"], ["b", "a"], ["ab"])
    ]
    assert names[0] == names[1]
    assert len(set(names)) == 3


def test_what_a_store_knows_when_it_is_opened_again(tmp_path: Path) -> None:
    store = PartStore.open(tmp_path / "parts")
    store.write(*_part("a", "b", failed=("b",)))
    store.write(*_part("c"))
    for each in (store, PartStore.open(tmp_path / "parts")):
        assert (each.images, each.rows) == (3, 3)
        assert each.failures == {"BadImageError": Failure(1, "b", "b!")}
        assert each.state(key_of(Item("c"))) == "done"
        assert each.state(key_of(Item("d"))) == "new"
        assert each.state(key_of(Item("c", phrases=("x",)))) == "changed"
    assert [(path.stem, ids) for path, ids in store.failed()] == [(_part("a", "b")[0], ["b"])]


def test_a_part_that_is_written_twice_counts_once(tmp_path: Path) -> None:
    store = PartStore.open(tmp_path / "parts")
    for _ in range(2):
        store.write(*_part("a", "b"))
    assert (store.images, store.rows, len(store.paths())) == (2, 2, 1)


def test_what_a_killed_writer_left_is_no_part(tmp_path: Path) -> None:
    """It may be whole or half: nobody knows until it has its name."""
    store = PartStore.open(tmp_path / "parts")
    store.write(*_part("a"))
    name, data = _part("b")
    for mark, content in (("whole", data), ("half", data[:-20])):
        (store.folder / f".{name}-{mark}.parquet").write_bytes(content)
    again = PartStore.open(store.folder)
    assert (again.images, again.rows, again.damaged) == (1, 1, [])
    assert again.state(key_of(Item("b"))) == "new"
    again.write(name, data)
    assert [path.stem for path in PartStore.open(store.folder).paths()] == sorted(
        (name, _part("a")[0])
    )


def test_rows_of_some_images_take_the_place_of_theirs(tmp_path: Path) -> None:
    store = PartStore.open(tmp_path / "parts")
    name, data = _part("a", "b", "c", failed=("a", "c"))
    store.write(name, data)
    path = store.folder / f"{name}.parquet"
    store.write(name, store.patched(path, _part("c")[1]))
    assert store.failures["BadImageError"].count == 1
    import pyarrow.parquet as parquet

    rows = parquet.read_table(path).to_pylist()
    assert [(row["id"], row["error"]) for row in rows] == [
        ("a", "BadImageError"),
        ("b", None),
        ("c", None),
    ]
    assert PartStore.open(store.folder).images == 3


def test_the_file_says_its_format_and_units(tmp_path: Path) -> None:
    import io

    import pyarrow.parquet as parquet

    schema = parquet.read_schema(io.BytesIO(_part("a")[1]))
    assert schema.metadata[b"format"] == b"vlmscope-labels/1"
    assert schema.field("box").metadata[b"unit"] == b"pixels"
