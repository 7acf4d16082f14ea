"""A job on a cluster of two nodes, each with processes of its own, makes the rows of one process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import vlmscope as vs
from labelling import FakeLabeller, job, make_fake, pictures, rows_of
from ray_nodes import two_nodes
from vlmscope.data.datasets import open_dataset
from vlmscope.errors import ModelLoadError
from vlmscope.labels.executors import (
    Chunk,
    ClusterExecutor,
    Finished,
    ProcessExecutor,
    SourceGoneError,
    Task,
)
from vlmscope.labels.locks import Shard
from vlmscope.labels.sources import Item, Source
from vlmscope.labels.sources.files import FolderImages

pytest.importorskip("pyarrow")
ray = pytest.importorskip("ray", reason="the extra ray is not installed")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a cluster of two nodes with one processor each."""
    with two_nodes() as cluster:
        yield cluster.address


def _noting(device: str | None, folder: Path, rest: float = 0.0) -> FakeLabeller:
    """A labeller that leaves word of its node, and begins when there is one on another."""
    (folder / ray.get_runtime_context().get_node_id()).touch()
    limit = time.monotonic() + 60
    while len(list(folder.iterdir())) < 2 and time.monotonic() < limit:
        time.sleep(0.1)
    return make_fake(device, rest)


def test_two_actors_make_the_rows_of_processes_and_survive_a_death(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = pictures(tmp_path / "photos", 20, worst=b"bad")
    marker, nodes = tmp_path / "died", tmp_path / "nodes"
    nodes.mkdir()
    pictures(photos, 0, **{"0007": b"die-once %s" % os.fsencode(marker)})
    source = FolderImages(photos)
    task = Task(source, partial(_noting, folder=nodes, rest=0.1))
    summary = job(tmp_path / "ray", source, make=lambda: ClusterExecutor(task, address)).all()
    assert (summary.images, summary.failed, marker.exists()) == (21, 1, True)
    assert len(list(nodes.iterdir())) == 2
    assert not ray.is_initialized()
    assert capsys.readouterr().out == ""
    job(tmp_path / "one", photos).all()
    job(tmp_path / "two", photos, executor=lambda task: ProcessExecutor(task, 2)).all()
    assert rows_of(tmp_path / "ray") == rows_of(tmp_path / "one") == rows_of(tmp_path / "two")


class _Interrupted(ClusterExecutor):
    """Ends as Ctrl-C does after some parts."""

    def run(self, chunks: Iterator[Chunk], tick: Any) -> Iterator[Finished]:
        for number, finished in enumerate(super().run(chunks, tick)):
            if number == 2:
                raise KeyboardInterrupt
            yield finished


def test_interrupted_and_gone_on_by_shards_and_by_another_executor(
    address: str, tmp_path: Path
) -> None:
    photos = pictures(tmp_path / "photos", 24, worst=b"bad")
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        job(out, photos, executor=lambda task: _Interrupted(task, address, 1)).all()
    summary = job(
        out, photos, shard=Shard(1, 2), executor=lambda task: ClusterExecutor(task, address, 1)
    ).all()
    assert 6 < summary.images < 25
    summary = job(out, photos, shard=Shard(2, 2)).all()
    assert (summary.images, summary.failed) == (25, 1)
    job(tmp_path / "whole", photos).all()
    assert rows_of(out) == rows_of(tmp_path / "whole")


class _NeverLoads:
    def __call__(self, device: str | None) -> Any:
        raise ModelLoadError("There is no such model.")


class _NotThere(Source):
    """A source that lies where the job runs, and on no other machine."""

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "fake", "place": "here"}

    def items(self) -> Iterator[Item]:
        yield Item("a.jpg")

    def open(self, item: Item) -> str:
        raise FileNotFoundError(item.id)

    def gone(self) -> str:
        return "The folder photos is not there."


@pytest.mark.parametrize(
    ("task", "error", "words"),
    [
        (
            Task(_NotThere(), _NeverLoads()),
            ModelLoadError,
            r"no such model\. \(On the machine .+\.\)$",
        ),
        (Task(_NotThere(), make_fake), SourceGoneError, r"photos is not there\..*\(On the machine"),
    ],
    ids=("model", "source"),
)
def test_what_is_wrong_elsewhere_is_said_as_it_is(
    address: str, tmp_path: Path, task: Task, error: Any, words: str
) -> None:
    with pytest.raises(error, match=words):
        job(tmp_path / "out", task.source, make=lambda: ClusterExecutor(task, address, 1)).all()
    assert not ray.is_initialized()


@pytest.mark.long
def test_what_ends_or_holds_up_an_actor_is_one_failed_row(address: str, tmp_path: Path) -> None:
    photos = pictures(tmp_path / "photos", 9, hangs=b"hang", kills=b"die")
    summary = job(
        tmp_path / "out",
        photos,
        executor=lambda task: ClusterExecutor(task, address),
        seconds=2.0,
        part=4,
    ).all()
    assert {kind: (each.count, each.id) for kind, each in summary.failures.items()} == {
        "WorkerDiedError": (1, "kills.jpg"),
        "TimeLimitError": (1, "hangs.jpg"),
    }
    assert (summary.images, summary.rows) == (11, 9 * 2 + 2)


@pytest.mark.long
def test_a_node_that_is_lost_is_done_without(tmp_path: Path) -> None:
    source = FolderImages(pictures(tmp_path / "photos", 40))
    task = Task(source, partial(make_fake, rest=0.2))
    with two_nodes() as cluster:
        second = next(iter(cluster.worker_nodes))

        class _Losing(ClusterExecutor):
            def run(self, chunks: Iterator[Chunk], tick: Any) -> Iterator[Finished]:
                for number, finished in enumerate(super().run(chunks, tick)):
                    if number == 2:
                        cluster.remove_node(second, allow_graceful=False)
                    yield finished

        job(tmp_path / "out", source, make=lambda: _Losing(task, cluster.address)).all()
    job(tmp_path / "whole", source).all()
    assert rows_of(tmp_path / "out") == rows_of(tmp_path / "whole")


@pytest.mark.long
@pytest.mark.parametrize("own", [False, True], ids=("joined", "started"))
def test_a_real_model_on_a_cluster(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    """``vs.label`` here, in two processes and on a cluster: the same but for the seconds."""
    photos = tmp_path / "photos"
    photos.mkdir()
    scenes = open_dataset("tiny-scenes", None, None)
    for number, image_id in enumerate(list(scenes.image_ids)[:6]):
        Image.fromarray(scenes.load(image_id).image.pixels).save(photos / f"{number}.png")
    (photos / "torn.png").write_bytes((photos / "0.png").read_bytes()[:200])
    places: dict[str, dict[str, Any]] = {
        "two": {"workers": 2},
        "ray": {"executor": "ray"} if own else {"ray": request.getfixturevalue("address")},
    }
    if own:
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.chdir(tmp_path)
    for name, place in places.items():
        begun = time.monotonic()
        summary = vs.label(
            "tiny-clip",
            "photos",  # from the folder of the job, wherever an actor was started
            ["a red circle", "a blue square"],
            out=tmp_path / name,
            method="gem",
            threads=1,
            part=2,
            masks=True,
            **place,
        )
        assert (summary.images, summary.failed) == (7, 1)
        request.node.user_properties.append((name, f"{time.monotonic() - begun:.1f} s"))
    assert rows_of(tmp_path / "ray") == rows_of(tmp_path / "two")
    assert not ray.is_initialized()
