"""A job is the same however often it was interrupted, and whatever came in between."""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labelling import BLANK, FakeLabeller, job, make_fake, pictures, rows_of
from vlmscope.errors import BadImageError, BadSampleError, ModelMismatchError, OutputError
from vlmscope.labels import LabelFolder
from vlmscope.labels.executors import SourceGoneError
from vlmscope.labels.locks import Shard, job_lock
from vlmscope.labels.parts import PartStore
from vlmscope.labels.sources.base import Columns
from vlmscope.labels.sources.files import FolderImages, ListedImages
from vlmscope.labels.sources.jsonl import JsonLines

pytest.importorskip("pyarrow")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return pictures(tmp_path / "photos", 10, worst=b"bad")


def _bytes(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / "parts").glob("*.parquet")}


def test_every_image_is_labelled_once(photos: Path, tmp_path: Path) -> None:
    labeller = make_fake(None)
    summary = job(tmp_path / "out", photos, labeller=labeller).all()
    assert (summary.images, summary.rows, summary.failed) == (11, 21, 1)
    assert (summary.labelled, summary.before) == (11, 0)
    assert summary.failures["BadImageError"].id == "worst.jpg"
    assert sorted(labeller.seen) == sorted(path.name for path in photos.iterdir())
    rows = rows_of(tmp_path / "out")
    assert [row["id"] for row in rows[:2]] == ["0000.jpg", "0000.jpg"]
    assert rows[-1] == {
        **{k: v for k, v in BLANK.items() if k != "seconds"},
        "id": "worst.jpg",
        "error": "BadImageError",
        "message": "worst.jpg is bad.",
    }


def test_a_second_call_does_nothing(photos: Path, tmp_path: Path) -> None:
    job(tmp_path / "out", photos).all()
    before = _bytes(tmp_path / "out")

    def never() -> Any:
        raise AssertionError("no model is needed to see that all is done")

    summary = job(tmp_path / "out", photos, make=never).all()
    assert (summary.images, summary.labelled, summary.before) == (11, 0, 11)
    assert _bytes(tmp_path / "out") == before


def test_the_summary_says_what_the_folder_holds(photos: Path, tmp_path: Path) -> None:
    summary = job(tmp_path / "out", photos).all()
    written = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert written["failures"] == {
        "BadImageError": {"images": 1, "first": "worst.jpg", "message": "worst.jpg is bad."}
    }
    assert (written["images"], written["rows"], written["parts"]) == (11, 21, 4)
    assert summary.to_dict()["failed"] == 1
    text = (tmp_path / "out" / "README.md").read_text()
    assert "21 rows of 11 images" in text and "--retry failed" in text and "| box |" in text


class _InterruptedLabeller(FakeLabeller):
    """Stops the job at a certain image, as Ctrl-C does."""

    left = 0

    def label(self, *args: Any, **more: Any) -> Iterator[Any]:
        for image in super().label(*args, **more):
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            yield image


def test_interrupted_anywhere_it_ends_as_the_undisturbed(photos: Path, tmp_path: Path) -> None:
    job(tmp_path / "whole", photos).all()
    chance = random.Random(1)
    for trial in range(12):
        out, done = tmp_path / str(trial), []
        for _ in range(3):
            labeller = _InterruptedLabeller({"model": "fake", "method": "fake"})
            labeller.left = chance.randrange(9)
            with contextlib.suppress(KeyboardInterrupt):
                job(out, photos, labeller=labeller).all()
            finished = PartStore.open(out / "parts").images
            assert finished >= sum(done)
            done.append(finished - sum(done))
        job(out, photos).all()
        assert rows_of(out) == rows_of(tmp_path / "whole")
        assert set(_bytes(out)) == set(_bytes(tmp_path / "whole"))


def test_a_death_at_any_step_of_writing_a_part(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the rename, at it and after it; the temporary file of a dead process is taken over."""
    job(tmp_path / "whole", photos).all()
    for number, name in enumerate(("fsync", "replace")):
        out = tmp_path / f"out-{name}"
        owner: Any = os if name == "fsync" else Path
        whole: Callable[..., Any] = getattr(owner, name)
        calls = [0]

        def dies(*args: Any, whole: Any = whole, calls: list[int] = calls) -> Any:
            calls[0] += 1
            if calls[0] == 3:
                raise KeyboardInterrupt
            return whole(*args)

        with monkeypatch.context() as patch:
            patch.setattr(owner, name, dies)
            with pytest.raises(KeyboardInterrupt):
                job(out, photos).all()
        (out / "parts" / f".left-{number}.parquet").write_bytes(b"half")
        job(out, photos).all()
        assert rows_of(out) == rows_of(tmp_path / "whole")


def test_input_that_has_grown(photos: Path, tmp_path: Path) -> None:
    job(tmp_path / "out", photos).all()
    before = _bytes(tmp_path / "out")
    pictures(photos / "0000a", 4)
    labeller = make_fake(None)
    summary = job(tmp_path / "out", photos, labeller=labeller).all()
    assert (summary.images, summary.labelled) == (15, 4)
    assert sorted(labeller.seen) == [f"0000a/000{n}.jpg" for n in range(4)]
    assert before.items() <= _bytes(tmp_path / "out").items()


def test_failed_images_are_tried_again_in_their_parts(photos: Path, tmp_path: Path) -> None:
    pictures(photos, 0, **{"0001": b"bad", "0002": b"bad"})
    job(tmp_path / "out", photos).all()
    names = set(_bytes(tmp_path / "out"))
    pictures(photos, 0, **{"0001": b"picture 1", "worst": b"picture at last"})
    labeller = make_fake(None)
    summary = job(tmp_path / "out", photos, labeller=labeller, retry=True).all()
    assert sorted(labeller.seen) == ["0001.jpg", "0002.jpg", "worst.jpg"]
    assert (summary.images, summary.failed) == (11, 1)
    assert set(_bytes(tmp_path / "out")) == names
    pictures(photos, 0, **{"0002": b"picture 2"})
    job(tmp_path / "out", photos, retry=True).all()
    job(tmp_path / "fresh", photos).all()
    assert rows_of(tmp_path / "out") == rows_of(tmp_path / "fresh")


def test_a_failed_image_that_is_gone_keeps_its_row(photos: Path, tmp_path: Path) -> None:
    job(tmp_path / "out", photos).all()
    (photos / "worst.jpg").unlink()
    summary = job(tmp_path / "out", photos, retry=True).all()
    assert summary.failed == 1
    assert "no longer in the source" in summary.notes[0]


@pytest.mark.parametrize("count", [2, 3])
def test_shards_joined_are_the_whole(photos: Path, tmp_path: Path, count: int) -> None:
    job(tmp_path / "whole", photos).all()
    apart = [tmp_path / f"shard-{n}" for n in range(count)]
    for number, out in enumerate(apart, start=1):
        job(out, photos, shard=Shard(number, count)).all()
        job(tmp_path / "together", photos, shard=Shard(number, count)).all()
    assert rows_of(*apart) == rows_of(tmp_path / "together") == rows_of(tmp_path / "whole")
    summary = job(tmp_path / "together", photos).all()
    assert (summary.images, summary.labelled) == (11, 0)


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"kept": {"phrases": ["a"]}}, r'phrases is \["a", "b"\] there and \["a"\] here'),
        ({"labeller": make_fake(None, dtype="float16")}, r'dtype is null there and "float16" here'),
    ],
)
def test_the_folder_of_another_job_is_refused(
    photos: Path, tmp_path: Path, changes: dict[str, Any], difference: str
) -> None:
    job(tmp_path / "out", photos).all()
    before = _bytes(tmp_path / "out")
    with pytest.raises(ModelMismatchError, match=f"labels of another job: {difference}"):
        job(tmp_path / "out", photos, asked={"model": "another"}, **changes).all()
    assert _bytes(tmp_path / "out") == before


def test_another_source_is_another_job(photos: Path, tmp_path: Path) -> None:
    job(tmp_path / "out", photos).all()
    with pytest.raises(ModelMismatchError, match=r"source\.place is .*photos.* there"):
        job(tmp_path / "out", pictures(tmp_path / "others", 2)).all()


def test_words_that_ask_for_the_same_are_the_same_job(photos: Path, tmp_path: Path) -> None:
    """What was asked may be another, as long as the model makes the same of it."""
    job(tmp_path / "out", photos).all()
    labeller = make_fake(None)
    asked = {"model": "fake", "method": "fake"}
    assert job(tmp_path / "out", photos, labeller=labeller, asked=asked).all().labelled == 0


def test_phrases_of_a_row_that_changed_are_said(tmp_path: Path) -> None:
    pictures(tmp_path, 2)
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"image": "0000.jpg", "words": "x"}\n{"image": "0001.jpg", "words": "y"}\n')
    source = JsonLines(rows, Columns(phrase="words"))
    job(tmp_path / "out", source).all()
    assert [row["phrase"] for row in rows_of(tmp_path / "out")] == ["x", "y"]
    rows.write_text(rows.read_text().replace('"y"', '"z"'))
    with pytest.raises(ModelMismatchError, match="'0001.jpg' was labelled with other phrases"):
        job(tmp_path / "out", source).all()


def test_ids_that_collide_are_said_before_any_work(photos: Path, tmp_path: Path) -> None:
    paths = tuple(str(photos / name) for name in ("0001.jpg", "0002.jpg", "0001.jpg"))
    labeller = make_fake(None)
    with pytest.raises(BadSampleError, match=r"0001\.jpg': number 1 and number 3"):
        job(tmp_path / "out", ListedImages(photos, paths=paths), labeller=labeller).all()
    assert labeller.seen == []


def test_a_source_without_an_image(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(BadImageError, match="holds no image"):
        job(tmp_path / "out", tmp_path / "none").all()
    assert not (tmp_path / "out" / "job.json").exists()


def test_files_of_somebody_are_left_alone(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    with pytest.raises(OutputError, match="holds files and no labels"):
        job(tmp_path / "out", photos).all()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["thesis.tex"]


def test_two_jobs_in_one_folder(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with job_lock(out, Shard()), pytest.raises(OutputError, match="Another job works in"):
        job(out, photos).all()
    with job_lock(out, Shard(1, 2)):
        for shard in (Shard(), Shard(1, 2), Shard(1, 3)):
            with pytest.raises(OutputError, match="Another job works in"):
                job(out, photos, shard=shard).all()
        job(out, photos, shard=Shard(2, 2)).all()
    job(out, photos).all()  # a lock ends with its holder
    assert len(rows_of(out)) == 21


def test_a_part_that_is_cut_off_is_put_aside(photos: Path, tmp_path: Path) -> None:
    job(tmp_path / "out", photos).all()
    whole = rows_of(tmp_path / "out")
    part = min((tmp_path / "out" / "parts").iterdir())
    part.write_bytes(part.read_bytes()[:-9])
    summary = job(tmp_path / "out", photos).all()
    assert rows_of(tmp_path / "out") == whole
    assert 0 < summary.labelled <= 3
    assert "cut off (1, the first " in summary.notes[0]
    assert part.with_suffix(".damaged").exists()


def test_a_strange_file_among_the_parts_is_said(photos: Path, tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    job(tmp_path / "out", photos).all()
    table = pyarrow.table({"x": [1]})
    parquet.write_table(table, tmp_path / "out" / "parts" / "mine.parquet")
    with pytest.raises(OutputError, match=r"mine\.parquet is no part of a job"):
        job(tmp_path / "out", photos).all()


def test_a_full_disk_stops_the_job_and_it_goes_on(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = [2]

    def sync(descriptor: int) -> None:
        room[0] -= 1
        if room[0] < 0:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", sync)
        with pytest.raises(OutputError, match="No space left on device"):
            job(tmp_path / "out", photos).all()
    assert not [
        path for path in (tmp_path / "out" / "parts").iterdir() if path.name.startswith(".")
    ]
    job(tmp_path / "out", photos).all()
    assert len(rows_of(tmp_path / "out")) == 21


def test_a_read_only_folder(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **more: Any) -> int:
        raise OSError(30, "Read-only file system")

    (tmp_path / "out").mkdir()
    with monkeypatch.context() as patch:  # root may write everywhere, so permissions say nothing
        patch.setattr(os, "open", refuse)
        with pytest.raises(OutputError, match="Cannot write into .*Read-only file system"):
            job(tmp_path / "out", photos).all()


def test_a_place_that_no_folder_can_have(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="Cannot make the folder"):
        job(tmp_path / "file" / "out", photos).all()


class _TakenAway(FakeLabeller):
    """Takes the source away at a certain image."""

    source: Path
    left = 5

    def label(self, *args: Any, **more: Any) -> Iterator[Any]:
        for image in super().label(*args, **more):
            self.left -= 1
            if not self.left:
                self.source.rename(self.source.parent / "unplugged")
            yield image


def test_a_source_that_disappears_makes_no_failed_rows(photos: Path, tmp_path: Path) -> None:
    job(tmp_path / "whole", photos).all()
    labeller = _TakenAway({"model": "fake", "method": "fake"})
    labeller.source = photos
    with pytest.raises(SourceGoneError, match="no longer there.*the same command goes on"):
        job(tmp_path / "out", photos, labeller=labeller).all()
    assert all(row["error"] is None for row in rows_of(tmp_path / "out"))
    (tmp_path / "unplugged").rename(photos)
    job(tmp_path / "out", photos).all()
    assert rows_of(tmp_path / "out") == rows_of(tmp_path / "whole")


def test_one_file_that_disappears_is_a_failed_row(photos: Path, tmp_path: Path) -> None:
    source = FolderImages(photos)
    items = list(source.items())
    (photos / "0004.jpg").unlink()

    class Listed(FolderImages):
        def items(self) -> Iterator[Any]:
            return iter(items)

    summary = job(tmp_path / "out", Listed(photos)).all()
    assert set(summary.failures) == {"BadImageError", "FileNotFoundError"}


def test_memory_does_not_hold_the_items(tmp_path: Path) -> None:
    """Chunks are made as they are needed, however long the list."""
    paths = tuple(f"{number}.jpg" for number in range(1000))
    run = job(tmp_path / "out", ListedImages(tmp_path, paths=paths))
    chunks = run._chunks(PartStore.open(tmp_path / "parts"), 0)
    assert [item.id for item in next(chunks).items] == ["0.jpg", "1.jpg", "2.jpg"]


def test_a_clock_that_goes_backwards(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(10**6, 0, -1))
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    summary = job(tmp_path / "out", photos, progress=True).all()
    assert summary.labelled == 11
    assert all(row["seconds"] >= 0 for row in LabelFolder.open(tmp_path / "out").rows())


def test_the_bar_shows_what_was_done_before(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job(tmp_path / "out", photos).all()
    pictures(photos / "more", 2)
    capsys.readouterr()
    job(tmp_path / "out", photos, progress=True).all()
    last = capsys.readouterr().err.split("\r")[-1]
    assert ("13/13" in last and "image/s" in last) or "s/image" in last
    assert "1 failed" in last
