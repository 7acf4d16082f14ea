"""Processes that die, hang or are killed cost no image but their own."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from labelling import COMMON, job, make_fake, pictures, rows_of
from vlmscope import errors
from vlmscope.errors import ModelLoadError, ModelMismatchError, VlmscopeError
from vlmscope.labels.executors import Chunk, Executor, ProcessExecutor, SourceGoneError, Task
from vlmscope.labels.executors.child import Failed
from vlmscope.labels.executors.crew import _revived
from vlmscope.labels.parts import PartStore
from vlmscope.labels.sources import Item
from vlmscope.labels.sources.files import FolderImages

pytest.importorskip("pyarrow")


def _processes(count: int) -> Callable[[Task], Executor]:
    return lambda task: ProcessExecutor(task, count)


def test_processes_make_the_rows_of_one_and_survive_a_death(tmp_path: Path) -> None:
    photos = pictures(tmp_path / "photos", 20, worst=b"bad")
    marker = tmp_path / "died"
    pictures(photos, 0, **{"0007": b"die-once %s" % os.fsencode(marker)})
    job(tmp_path / "two", photos, executor=_processes(2)).all()
    assert marker.exists()
    job(tmp_path / "one", photos).all()
    job(tmp_path / "three", photos, executor=_processes(3)).all()
    assert rows_of(tmp_path / "two") == rows_of(tmp_path / "one") == rows_of(tmp_path / "three")
    assert not multiprocessing.active_children()


@pytest.mark.long
def test_what_ends_or_holds_up_a_process_is_one_failed_row(tmp_path: Path) -> None:
    photos = pictures(tmp_path / "photos", 9, hangs=b"hang", kills=b"die")
    summary = job(tmp_path / "out", photos, executor=_processes(2), seconds=2.0, part=4).all()
    assert {kind: (each.count, each.id) for kind, each in summary.failures.items()} == {
        "WorkerDiedError": (1, "kills.jpg"),
        "TimeLimitError": (1, "hangs.jpg"),
    }
    assert (summary.images, summary.rows) == (11, 9 * 2 + 2)
    assert "exit code 9, each time" in summary.failures["WorkerDiedError"].message
    assert "longer than 2 s" in summary.failures["TimeLimitError"].message


@pytest.mark.long
def test_workers_that_are_killed_at_random(tmp_path: Path, record_property: Any) -> None:
    photos = pictures(tmp_path / "photos", 60)
    job(tmp_path / "whole", photos).all()
    chance, stop, kills = (
        random.Random(int(os.environ.get("KILLS_SEED", "1"))),
        threading.Event(),
        [],
    )

    def killer() -> None:
        while not stop.wait(chance.uniform(1, 4)) and len(kills) < 8:
            for child in chance.sample(multiprocessing.active_children(), 1):
                os.kill(child.pid or 0, signal.SIGKILL)
                kills.append(child.pid)

    thread = threading.Thread(target=killer)
    thread.start()
    source = FolderImages(photos)
    task = Task(source, partial(make_fake, rest=0.3))
    try:
        job(tmp_path / "out", source, make=lambda: ProcessExecutor(task, 2)).all()
    finally:
        stop.set()
        thread.join()
    assert kills
    record_property("kills", len(kills))
    assert rows_of(tmp_path / "out") == rows_of(tmp_path / "whole")


@pytest.mark.long
def test_a_job_that_is_killed_a_hundred_times(tmp_path: Path, record_property: Any) -> None:
    """Each death at a random moment, of a copy of this process; nothing is labelled twice."""
    photos = pictures(tmp_path / "photos", 200, worst=b"bad")
    begun = time.monotonic()
    job(tmp_path / "whole", photos).all()
    whole = time.monotonic() - begun
    chance = random.Random(int(os.environ.get("KILLS_SEED", "1")))
    kills = late = trial = 0
    while kills < 100:
        out = tmp_path / f"out-{trial}"
        trial += 1
        while kills < 100:
            before = PartStore.open(out / "parts").images
            child = os.fork()
            if not child:
                job(out, photos).all()
                os._exit(0)
            time.sleep(chance.uniform(0, whole / 2))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            if os.WIFSIGNALED(status):
                kills += 1
            else:
                late += 1
                break
            assert PartStore.open(out / "parts").images >= before
        labeller = make_fake(None)
        kept = PartStore.open(out / "parts").images
        summary = job(out, photos, labeller=labeller).all()
        assert (len(labeller.seen), summary.images) == (201 - kept, 201)
        assert rows_of(out) == rows_of(tmp_path / "whole")
    record_property("kills", f"{kills} of {trial} jobs, {late} more came too late")


class _NeverLoads:
    def __call__(self, device: str | None) -> Any:
        raise ModelLoadError("There is no such model.")


def test_a_model_that_cannot_be_loaded_is_said_as_it_is(tmp_path: Path) -> None:
    task = Task(FolderImages(pictures(tmp_path / "photos", 1)), _NeverLoads())
    with pytest.raises(ModelLoadError, match=r"^There is no such model\.$"):
        job(tmp_path / "out", tmp_path / "photos", make=lambda: ProcessExecutor(task, 1)).all()
    assert not (tmp_path / "out" / "job.json").exists()


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        ("BadHeadSetError", errors.BadHeadSetError),
        ("SourceGoneError", SourceGoneError),
        ("UnknownNameError", VlmscopeError),
        ("ZeroDivisionError", VlmscopeError),
    ],
)
def test_errors_of_other_processes_keep_their_kind(kind: str, raised: type[Exception]) -> None:
    error = _revived(Failed(kind, "what was wrong"))
    assert type(error) is raised
    assert "what was wrong" in str(error)


def test_workers_of_two_models_are_refused(tmp_path: Path) -> None:
    executor = ProcessExecutor(Task(FolderImages(tmp_path), make_fake), 2)
    executor._check_same({**COMMON, "revision": "a"})
    with pytest.raises(ModelMismatchError, match="revision is 'a' in one and 'b'"):
        executor._check_same({**COMMON, "revision": "b"})


def test_chunks_are_taken_as_they_are_needed(tmp_path: Path) -> None:
    """A million chunks do not wait in memory: two for each process."""
    taken: list[str] = []

    def chunks() -> Any:
        for number in range(1000):
            taken.append(str(number))
            yield Chunk(str(number), (Item(str(number)),))

    executor = ProcessExecutor(Task(FolderImages(tmp_path), make_fake), 2)
    executor._hands = [_Silent(), _Silent()]  # type: ignore[list-item]
    executor._give(chunks())
    assert taken == ["0", "1", "2", "3"]
    assert [work.chunk.name for work in executor._hands[0].given] == ["0", "2"]


class _Silent:
    def __init__(self) -> None:
        from collections import deque

        self.given: Any = deque()
        self.ready = True

    def send(self, work: Any) -> None:
        """Nobody reads it."""


@pytest.mark.long
def test_a_real_model_in_one_process_and_in_more(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    import vlmscope as vs

    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(9):
        pixels = np.random.default_rng(number).integers(0, 256, (64, 48 + 8 * (number % 3), 3))
        Image.fromarray(pixels.astype(np.uint8)).save(photos / f"{number}.png")
    asked: dict[str, Any] = {"method": "gem", "masks": True, "batch": 2, "part": 2, "threads": 1}
    for workers in (1, 2, 3):
        out = tmp_path / str(workers)
        vs.label("tiny-clip", photos, ["a", "b"], out=out, workers=workers, **asked)
    for number in (1, 2, 3):
        out = tmp_path / f"shard-{number}"
        vs.label(
            "tiny-clip", photos, ["a", "b"], out=out, shard=f"{number}/3", method="gem", masks=True
        )
    whole = rows_of(tmp_path / "1")
    assert whole == rows_of(tmp_path / "2") == rows_of(tmp_path / "3")
    for one, other in zip(whole, rows_of(*tmp_path.glob("shard-*")), strict=True):
        assert one["score"] == pytest.approx(other["score"], abs=1e-5)
        assert (one["id"], one["phrase"]) == (other["id"], other["phrase"])
