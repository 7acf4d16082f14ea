"""A labeller without a model, whose rows follow from an image's bytes, for tests of jobs.

Some words in the bytes do more: ``bad`` fails, ``die`` ends the process, ``die-once FILE`` only where
FILE is not there yet, ``hang`` never comes to an end.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from vlmscope.labels import FIELDS, LabelFolder
from vlmscope.labels.executors import Executor, InsideExecutor, Task
from vlmscope.labels.labelled import LabelledImage
from vlmscope.labels.locks import Shard
from vlmscope.labels.run import LabelRun
from vlmscope.labels.sources import Item, Source
from vlmscope.labels.sources.files import FolderImages

COMMON = {"method": "fake", "model": "fake", "revision": None, "heads": None, "version": "0"}
BLANK: dict[str, Any] = {
    **{each.name: None for each in FIELDS},
    **COMMON,
    "warnings": [],
    "seconds": 0.0,
}


@dataclass
class FakeLabeller:
    """Looks at no picture.

    Attributes:
        identity: as that of a real one.
        phrases: of the job.
        rest: seconds for every image.
        notes: as those of a real one.
        seen: ids that had their turn.
    """

    identity: dict[str, Any]
    phrases: tuple[str, ...] = ("a", "b")
    rest: float = 0.0
    notes: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def label(
        self,
        items: Iterable[Item],
        open: Callable[[Item], str | bytes],
        begin: Callable[[Item], None],
        alone: bool = False,
    ) -> Iterator[LabelledImage]:
        for item in items:
            begin(item)
            self.seen.append(item.id)
            yield self._labelled(item, open)

    def _labelled(self, item: Item, open: Callable[[Item], str | bytes]) -> LabelledImage:
        fault, data = item.fault, b""
        if fault is None:
            try:
                place = open(item)
                data = place if isinstance(place, bytes) else Path(place).read_bytes()
            except OSError as error:
                fault = (type(error).__name__, str(error))
        if fault is None and data == b"bad":
            fault = ("BadImageError", f"{item.id} is bad.")
        if fault is not None:
            row = {**BLANK, "id": item.id, "error": fault[0], "message": fault[1]}
            return LabelledImage(item, [row], fault[0])
        _act(data)
        time.sleep(self.rest)
        score = int.from_bytes(hashlib.sha256(data).digest()[:4], "big") / 2**32
        rows = [
            {**BLANK, "id": item.id, "phrase": phrase, "score": score, "seconds": self.rest}
            for phrase in item.phrases or self.phrases
        ]
        return LabelledImage(item, rows)


def _act(data: bytes) -> None:
    word, _, rest = data.decode("latin1").partition(" ")
    if word == "die":
        os._exit(9)
    if word == "die-once" and not Path(rest).exists():
        Path(rest).touch()
        os._exit(9)
    while word == "hang":
        time.sleep(1)


def make_fake(device: str | None, rest: float = 0.0, **identity: Any) -> FakeLabeller:
    """What a process is given to load; it travels."""
    return FakeLabeller({"model": "fake", "method": "fake", **identity}, rest=rest)


def pictures(folder: Path, count: int, **contents: bytes) -> Path:
    """A folder of files that are called pictures; contents by name, without ``.jpg``."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number:04d}.jpg").write_bytes(b"picture %d" % number)
    for name, data in contents.items():
        (folder / f"{name}.jpg").write_bytes(data)
    return folder


def job(
    out: Path,
    source: Source | Path,
    *,
    executor: Callable[[Task], Executor] = InsideExecutor,
    labeller: Any = None,
    seconds: float | None = None,
    **changes: Any,
) -> LabelRun:
    """A call of ``label`` without a model."""
    images = FolderImages(source) if isinstance(source, Path) else source
    make = make_fake if labeller is None else (lambda device: labeller)
    task = Task(images.opener(), make, seconds)
    values: dict[str, Any] = {
        "kept": {"phrases": ["a", "b"]},
        "asked": {"model": "fake"},
        "shard": Shard(),
        "part": 3,
        "retry": False,
        "progress": False,
        "make": partial(executor, task),
        **changes,
    }
    return LabelRun(folder=out, source=images, **values)


def rows_of(*folders: Path) -> list[dict[str, Any]]:
    """The rows of folders, sorted, without what may differ."""
    rows = [row for folder in folders for row in LabelFolder.open(folder).rows()]
    plain = [{name: value for name, value in row.items() if name != "seconds"} for row in rows]
    return sorted(plain, key=lambda row: (row["id"], row["phrase"] or ""))
