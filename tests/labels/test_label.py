"""``vs.label`` on a real model: rows are what ``ground`` finds, and what cannot be asked is said."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vlmscope as vs
from labelling import rows_of
from vlmscope.data.datasets import open_dataset
from vlmscope.errors import (
    BadOptionError,
    BadPhraseError,
    MissingExtraError,
    ModelMismatchError,
    UnknownNameError,
)
from vlmscope.labels.labeller import Labeller
from vlmscope.labels.picture_hash import picture_hash
from vlmscope.labels.settings import LabelSettings, ModelSettings
from vlmscope.labels.sources import Item

pytest.importorskip("pyarrow")

PHRASES = ["a red circle", "a blue square"]


@pytest.fixture(scope="module")
def model() -> Any:
    return vs.load("tiny-clip")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("photos")
    scenes = open_dataset("tiny-scenes", None, None)
    for number, image_id in enumerate(list(scenes.image_ids)[:4]):
        pixels = scenes.load(image_id).image.pixels
        Image.fromarray(pixels[: 128 - 16 * (number % 2)]).save(place / f"{number}.png")
    (place / "torn.png").write_bytes((place / "0.png").read_bytes()[:200])
    return place


def test_rows_are_what_ground_finds(model: Any, photos: Path, tmp_path: Path) -> None:
    summary = vs.label(model, photos, PHRASES, out=tmp_path / "out", method="gem", masks=True)
    assert (summary.images, summary.failed, summary.rows) == (5, 1, 9)
    rows = rows_of(tmp_path / "out")
    for row in rows[:-1]:
        found = vs.ground(model, photos / row["id"], row["phrase"], method="gem")
        expected = None if found.box is None else [pytest.approx(value) for value in found.box]
        assert row["box"] == expected
        assert row["score"] == pytest.approx(found.score, abs=1e-6)
        assert row["presence"] == pytest.approx(found.details["presence"], abs=1e-6)
        assert row["warnings"] == list(found.warnings)
        assert row["picture_hash"] == picture_hash(found.image)
        assert (row["model"], row["revision"], row["method"]) == (
            "tiny-clip",
            model.revision,
            "gem",
        )
    assert (rows[-1]["id"], rows[-1]["error"]) == ("torn.png", "BadImageError")


def test_batches_make_the_same_rows(model: Any, photos: Path, tmp_path: Path) -> None:
    for batch in (1, 3):
        vs.label(model, photos, PHRASES, out=tmp_path / str(batch), method="gem", batch=batch)
    for one, several in zip(rows_of(tmp_path / "1"), rows_of(tmp_path / "3"), strict=True):
        assert one["score"] == pytest.approx(several["score"], abs=1e-5)
        assert {**one, "score": 0, "presence": 0} == {**several, "score": 0, "presence": 0}


def test_every_row_has_its_own_phrases(model: Any, photos: Path, tmp_path: Path) -> None:
    rows = [{"image": f"{n}.png", "words": PHRASES[: 1 + n % 2]} for n in range(3)] + [
        {"image": "3.png"}
    ]
    listed = photos / "rows.jsonl"
    listed.write_text("\n".join(map(json.dumps, rows)))
    summary = vs.label(model, listed, out=tmp_path / "out", phrase_column="words", method="gem")
    listed.unlink()
    assert [(row["id"], row["phrase"]) for row in rows_of(tmp_path / "out")] == [
        ("0.png", "a red circle"),
        ("1.png", "a blue square"),
        ("1.png", "a red circle"),
        ("2.png", "a red circle"),
        ("line 4", None),
    ]
    assert summary.failures["BadPhraseError"].id == "line 4"


def test_another_method_of_the_same_model_is_another_job(
    model: Any, photos: Path, tmp_path: Path
) -> None:
    vs.label(model, photos, PHRASES, out=tmp_path / "out", method="gem")
    with pytest.raises(ModelMismatchError, match='method is "gem" there and "clip" here'):
        vs.label(model, photos, PHRASES, out=tmp_path / "out", method="clip")
    with pytest.raises(ModelMismatchError, match=r"options\.depth is \d+ there and 1 here"):
        vs.label(model, photos, PHRASES, out=tmp_path / "out", method="gem", depth=1)
    again = vs.label(model, photos, PHRASES, out=tmp_path / "out", method="gem", batch=2, part=1)
    assert (again.labelled, again.before) == (0, 5)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"phrases": None}, BadPhraseError, "got neither"),
        ({"phrase_column": "words"}, BadPhraseError, "got both"),
        ({"method": "gemm"}, UnknownNameError, "gem"),
        ({"retry": "all"}, UnknownNameError, "failed"),
        ({"shard": "5/4"}, BadOptionError, "written 3/16"),
        ({"part": 0}, BadOptionError, "part"),
        ({"batch": 0}, BadOptionError, "batch"),
        ({"workers": 2}, BadOptionError, "processes that load the model themselves"),
        ({"dtype": "float16"}, BadOptionError, "dtype says how a model is loaded"),
        ({"depht": 3, "method": "gem"}, UnknownNameError, "depth"),
    ],
)
def test_what_cannot_be_asked(
    model: Any, photos: Path, tmp_path: Path, changes: dict[str, Any], error: Any, words: str
) -> None:
    asked = {"phrases": PHRASES, "out": tmp_path / "out", **changes}
    with pytest.raises(error, match=words):
        vs.label(model, photos, **asked)
    assert not (tmp_path / "out" / "job.json").exists()


def test_something_that_is_no_model(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(BadOptionError, match=r"vs\.load"):
        vs.label(None, photos, PHRASES, out=tmp_path / "out")  # type: ignore[arg-type]


def test_without_pyarrow(
    model: Any, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"vlmscope\[parquet\]"):
        vs.label(model, photos, PHRASES, out=tmp_path / "out")


def _labelled(labeller: Labeller, items: list[Item], data: Any, alone: bool) -> list[Any]:
    begun: list[str] = []
    images = labeller.label(items, data, lambda item: begun.append(item.id), alone)
    found = [(image.item.id, image.failure) for image in images]
    assert sorted(begun) == sorted(item.id for item in items)
    return sorted(found)


@pytest.mark.parametrize("alone", [False, True])
def test_any_error_of_an_image_is_its_row(model: Any, photos: Path, alone: bool) -> None:
    labeller = Labeller(LabelSettings(("x",), method="gem"), ModelSettings(model), batch=2)
    whole = (photos / "0.png").read_bytes()

    def data(item: Item) -> bytes:
        if item.id == "odd":
            raise ZeroDivisionError("by nought")
        return b"" if item.id == "empty" else whole

    items = [Item(name) for name in ("a", "odd", "b", "empty", "c")]
    items += [Item("no words", phrases=("",)), Item("faulty", fault=("BadSampleError", "Line 3."))]
    assert _labelled(labeller, items, data, alone) == [
        ("a", None),
        ("b", None),
        ("c", None),
        ("empty", "BadImageError"),
        ("faulty", "BadSampleError"),
        ("no words", "BadPhraseError"),
        ("odd", "ZeroDivisionError"),
    ]


def test_a_batch_that_is_halved_stays_so_and_is_said(model: Any, photos: Path) -> None:
    labeller = Labeller(LabelSettings(("x",), method="gem"), ModelSettings(model), batch=4)
    labeller._halved(2)
    assert labeller._batch == 2
    assert "4 images side by side did not fit" in labeller.notes[0]


def test_images_are_opened_as_they_are_needed(model: Any, photos: Path) -> None:
    labeller = Labeller(LabelSettings(("x",), method="gem"), ModelSettings(model))
    taken: list[str] = []

    def items() -> Iterator[Item]:
        for number in range(1000):
            taken.append(str(number))
            yield Item(str(number))

    pixels = (photos / "0.png").read_bytes()
    images = labeller.label(items(), lambda item: pixels, lambda item: None)
    assert next(images).failure is None
    assert len(taken) < 12
    images.close()  # type: ignore[attr-defined]


def test_too_large_an_image_fails(model: Any, photos: Path, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(tmp_path / "big.png")
    summary = vs.label(model, tmp_path, ["x"], out=tmp_path / "out", max_pixels=2000, method="gem")
    assert "too large" in summary.failures["BadImageError"].message


def test_the_next_batches_are_opened_while_the_model_looks_at_one(
    model: Any, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labeller = Labeller(LabelSettings(("x",), method="gem"), ModelSettings(model), batch=6)
    pixels, opened = (photos / "0.png").read_bytes(), threading.Semaphore(0)

    def data(item: Item) -> bytes:
        opened.release()
        return pixels

    look = labeller._ready._looks.side_by_side

    def side_by_side(views: Any) -> Any:
        # this batch, the next, which is made ready, and one to take its place: else it is waited for
        everything = all(opened.acquire(timeout=10) for _ in range(3 * len(views)))
        waited.append(everything)
        return look(views)

    waited: list[bool] = []
    monkeypatch.setattr(labeller._ready._looks, "side_by_side", side_by_side)
    images = labeller.label([Item(str(number)) for number in range(40)], data, lambda item: None)
    assert next(iter(images)).failure is None
    assert waited == [True]
    images.close()  # type: ignore[attr-defined]
