"""JSON lines, Parquet, tar archives and data sets: images with ids and phrases of their own."""

from __future__ import annotations

import io
import json
import pickle
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vlmscope.errors import BadImageError, BadSampleError, MissingExtraError
from vlmscope.labels.sources import Columns, Item, Source, open_source

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

NONE = Columns()


def _shown(source: Source) -> list[tuple[str, Any]]:
    return [(item.id, item.fault[0] if item.fault else item.phrases) for item in source.items()]


def _bytes(source: Source, item: Item) -> bytes:
    place = pickle.loads(pickle.dumps(source.opener())).open(item)  # noqa: S301
    return place if isinstance(place, bytes) else Path(place).read_bytes()


def _lines(place: Path, *rows: Any) -> Path:
    path = place / "rows.jsonl"
    path.write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in rows))
    return path


class TestJsonLines:
    def test_images_ids_and_phrases(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_bytes(b"A")
        rows = (
            {"image": "a.jpg", "n": 7, "words": ["x", "y", "x"]},
            "",
            {"image": "b", "n": 8, "words": "z"},
        )
        source = open_source(_lines(tmp_path, *rows), Columns(id="n", phrase="words"))
        assert _shown(source) == [("7", ("x", "y")), ("8", ("z",))]
        assert _bytes(source, next(source.items())) == b"A"

    def test_without_columns_the_path_is_the_id(self, tmp_path: Path) -> None:
        assert _shown(open_source(_lines(tmp_path, {"image": "d/a.jpg"}), NONE)) == [
            ("d/a.jpg", None)
        ]

    @pytest.mark.parametrize(
        ("row", "kind"),
        [
            ("{nonsense", "BadSampleError"),
            ("[1]", "BadSampleError"),
            ('{"img": "a"}', "BadSampleError"),
            ('{"image": 3}', "BadSampleError"),
            ('{"image": "a"}', "BadPhraseError"),
            ('{"image": "a", "phrase": []}', "BadPhraseError"),
            ('{"image": "a", "phrase": " "}', "BadPhraseError"),
        ],
    )
    def test_a_bad_row_is_an_item_with_a_fault(self, tmp_path: Path, row: str, kind: str) -> None:
        good = {"image": "g", "phrase": "x"}
        source = open_source(_lines(tmp_path, row, good), Columns(phrase="phrase"))
        assert _shown(source) == [("line 1", kind), ("g", ("x",))]

    def test_a_line_that_is_no_text(self, tmp_path: Path) -> None:
        (tmp_path / "r.jsonl").write_bytes(b'{"image": "\xff"}\n{"image": "g"}\n')
        assert _shown(open_source(tmp_path / "r.jsonl", NONE)) == [
            ("line 1", "BadSampleError"),
            ("g", None),
        ]


class TestParquet:
    def _write(self, path: Path, **columns: Any) -> Path:
        path.parent.mkdir(exist_ok=True)
        parquet.write_table(arrow.table(columns), path)
        return path

    def test_bytes_inside(self, tmp_path: Path) -> None:
        path = self._write(tmp_path / "t.parquet", image=[b"A", b"B"], caption=["x", "y"])
        source = open_source(path, Columns(phrase="caption"))
        assert _shown(source) == [("t.parquet:0", ("x",)), ("t.parquet:1", ("y",))]
        assert [_bytes(source, item) for item in source.items()] == [b"A", b"B"]

    def test_as_datasets_writes_them(self, tmp_path: Path) -> None:
        (tmp_path / "lies.jpg").write_bytes(b"L")
        cells = [{"bytes": b"A", "path": None}, {"bytes": None, "path": "lies.jpg"}]
        source = open_source(
            self._write(tmp_path / "t.parquet", pic=cells, key=[5, 6]), Columns("pic", "key")
        )
        assert _shown(source) == [("5", None), ("6", None)]
        assert [_bytes(source, item) for item in source.items()] == [b"A", b"L"]

    def test_an_empty_cell_fails_when_it_is_opened(self, tmp_path: Path) -> None:
        source = open_source(self._write(tmp_path / "t.parquet", image=[b"A", None]), NONE)
        items = list(source.items())
        with pytest.raises(BadImageError, match="holds no image"):
            source.open(items[1])

    def test_paths(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_bytes(b"A")
        source = open_source(self._write(tmp_path / "t.parquet", image=["a.jpg", None]), NONE)
        assert _shown(source) == [("a.jpg", None), ("t.parquet:1", "BadSampleError")]
        assert _bytes(source, next(source.items())) == b"A"

    def test_files_of_a_folder_or_pattern(self, tmp_path: Path) -> None:
        for number in (0, 1):
            self._write(tmp_path / "p" / f"{number}.parquet", image=[b"A"])
        assert _shown(open_source(tmp_path / "p", NONE)) == [
            ("0.parquet:0", None),
            ("1.parquet:0", None),
        ]
        by_pattern = open_source(f"{tmp_path}/*/*.parquet", NONE)
        assert [item.id for item in by_pattern.items()] == ["p/0.parquet:0", "p/1.parquet:0"]

    def test_a_row_without_words_or_an_id(self, tmp_path: Path) -> None:
        path = self._write(
            tmp_path / "t.parquet", image=[b"A", b"B"], n=[None, 2], words=["x", None]
        )
        source = open_source(path, Columns(id="n", phrase="words"))
        assert _shown(source) == [("t.parquet:0", "BadSampleError"), ("2", "BadPhraseError")]

    def test_a_column_that_is_not_there(self, tmp_path: Path) -> None:
        path = self._write(tmp_path / "t.parquet", image=[b"A"], caption=["x"])
        with pytest.raises(BadSampleError, match=r"no column 'captions'\. Did you mean 'caption'"):
            list(open_source(path, Columns(phrase="captions")).items())

    def test_a_damaged_file(self, tmp_path: Path) -> None:
        (tmp_path / "t.parquet").write_bytes(b"PAR1 cut off")
        with pytest.raises(BadSampleError, match="Cannot read"):
            list(open_source(tmp_path / "t.parquet", NONE).items())


def _tar(path: Path, **files: bytes) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


class TestTar:
    def test_files_of_one_name_are_a_sample(self, tmp_path: Path) -> None:
        files = {
            "1.jpg": b"A",
            "1.txt": b"a dog\n",
            "2.json": b'{"txt": ["x", "y"]}',
            "2.png": b"B",
        }
        source = open_source(_tar(tmp_path / "s.tar", **files), Columns(phrase="txt"))
        assert _shown(source) == [("s.tar/1.jpg", ("a dog",)), ("s.tar/2.png", ("x", "y"))]
        assert [_bytes(source, item) for item in source.items()] == [b"A", b"B"]

    def test_ids_of_json_and_one_of_several_images(self, tmp_path: Path) -> None:
        files = {"k.json": b'{"id": 9}', "k.seg.png": b"S", "k.jpg": b"A"}
        source = open_source(_tar(tmp_path / "s.tar", **files), Columns(image="jpg", id="id"))
        (item,) = source.items()
        assert (item.id, _bytes(source, item)) == ("9", b"A")

    def test_what_a_sample_lacks_is_its_fault(self, tmp_path: Path) -> None:
        files = {
            "1.txt": b"x",
            "2.jpg": b"B",
            "3.jpg": b"C",
            "3.json": b"{",
            "4.jpg": b"D",
            "4.txt": b"x",
        }
        source = open_source(_tar(tmp_path / "s.tar", **files), Columns(phrase="txt"))
        faults = [item.fault is not None for item in source.items()]
        assert faults == [True, True, True, False]

    def test_an_archive_that_breaks_off_does_not_end_the_others(self, tmp_path: Path) -> None:
        whole = _tar(tmp_path / "a.tar", **{"1.jpg": b"A" * 4000, "2.jpg": b"B" * 4000})
        whole.write_bytes(whole.read_bytes()[:6000])
        _tar(tmp_path / "b.tar", **{"3.jpg": b"C"})
        source = open_source(f"{tmp_path}/*.tar", NONE)
        shown = _shown(source)
        assert shown[0] == ("a.tar/1.jpg", None)
        assert ("a.tar", "BadSampleError") in shown
        assert shown[-1] == ("b.tar/3.jpg", None)

    def test_a_compressed_archive_is_said(self, tmp_path: Path) -> None:
        with tarfile.open(tmp_path / "a.tar", "w:gz"):
            pass
        (item,) = open_source(tmp_path / "a.tar", NONE).items()
        assert item.fault is not None and "compressed" in item.fault[1]


class _Dataset:
    """As much of a ``datasets.Dataset`` as is used."""

    _fingerprint = "f00d"

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows
        self.decoded = True

    @property
    def column_names(self) -> list[str]:
        return list(self._rows[0])

    def cast_column(self, name: str, feature: Any) -> _Dataset:
        plain = _Dataset(self._rows)
        plain.decoded = feature.decode
        return plain

    def select_columns(self, names: list[str]) -> _Dataset:
        return _Dataset([{name: row[name] for name in names} for row in self._rows])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: int | slice) -> dict[str, Any]:
        if isinstance(key, int):
            return self._rows[key]
        return {name: [row[name] for row in self._rows[key]] for name in self.column_names}


class TestDatasets:
    @pytest.fixture
    def package(self, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
        cells = [
            {"image": {"bytes": b"A", "path": None}, "caption": "x", "n": 1},
            {"image": None, "caption": "", "n": 2},
        ]
        package = SimpleNamespace(
            Image=lambda decode: SimpleNamespace(decode=decode),
            calls=[],
            load_dataset=lambda name, **more: package.calls.append((name, more)) or _Dataset(cells),
        )
        monkeypatch.setitem(sys.modules, "datasets", package)
        return package

    def test_by_name(self, package: SimpleNamespace) -> None:
        source = open_source("datasets:me/pets@v2#test", Columns(id="n", phrase="caption"))
        assert package.calls == [("me/pets", {"split": "test", "revision": "v2"})]
        assert _shown(source) == [("1", ("x",)), ("2", "BadPhraseError")]
        assert source.open(next(source.items())) == b"A"
        assert source.identity["place"] == "datasets:me/pets@v2#test"

    def test_one_that_is_there(self, package: SimpleNamespace) -> None:
        source = open_source(_Dataset([{"image": {"bytes": b"A"}}, {"image": None}]), NONE)
        assert _shown(source) == [("row 0", None), ("row 1", None)]
        with pytest.raises(BadImageError, match="row 1 holds no image"):
            source.open(list(source.items())[1])

    def test_a_column_that_is_not_there(self, package: SimpleNamespace) -> None:
        with pytest.raises(BadSampleError, match="no column 'caption'"):
            open_source(_Dataset([{"image": None}]), Columns(phrase="caption"))

    def test_more_rows_than_are_listed_at_once(self, package: SimpleNamespace) -> None:
        source = open_source(
            _Dataset([{"image": None, "n": n} for n in range(2500)]), Columns(id="n")
        )
        assert [item.id for item in source.items()] == [str(n) for n in range(2500)]

    def test_a_name_that_cannot_be_loaded(self, package: SimpleNamespace) -> None:
        def fails(name: str, **more: Any) -> None:
            raise FileNotFoundError("nothing here")

        package.load_dataset = fails
        with pytest.raises(BadSampleError, match=r"me/pets could not be loaded: nothing here"):
            open_source("datasets:me/pets", NONE)

    def test_without_the_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "datasets", None)
        with pytest.raises(MissingExtraError, match=r"vlmscope\[datasets\]"):
            open_source("datasets:me/pets", NONE)
