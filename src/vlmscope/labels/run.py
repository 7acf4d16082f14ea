"""A job from its beginning, or from where it stopped, to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from vlmscope.labels.executors import Chunk, Executor, Finished
from vlmscope.labels.footers import key_of, part_name
from vlmscope.labels.job import JobFile
from vlmscope.labels.locks import Shard, job_lock, waiting_lock
from vlmscope.labels.parts import PartStore, make_folder
from vlmscope.labels.sources import Item, Source
from vlmscope.labels.summary import LabelSummary, write_summary
from vlmscope.labels.survey import Survey, pending_items, surveyed
from vlmscope.progress import progress_bar

__all__ = ["LabelRun"]

_RETRIED = 20_000  # failed images whose places are in memory at once


@dataclass
class LabelRun:
    """One call of ``label``.

    Attributes:
        folder: where the labels go.
        source: where the images are.
        kept, asked: of the request, as :class:`JobFile` has them.
        make: makes the executor; called when there is work, or to know what the request comes to.
        shard: of the images.
        part: how many images a part holds.
        retry: whether failed images are tried again.
        progress: show a bar.
        notes: what the person should know.
    """

    folder: Path
    source: Source
    kept: dict[str, Any]
    asked: dict[str, Any]
    make: Callable[[], Executor]
    shard: Shard
    part: int
    retry: bool
    progress: bool
    notes: list[str] = field(default_factory=list)

    def all(self) -> LabelSummary:
        """Label what has no rows yet.

        Raises:
            ModelMismatchError: the folder holds another job.
            OutputError: another job works in the folder, or it cannot be written.
            BadImageError, BadSampleError: the source holds no image, or two of one id.
            SourceGoneError: the source was taken away.
        """
        kept = {"source": self.source.identity, **self.kept}
        JobFile.open(self.folder, kept, self.asked)  # before a lock is made among somebody's files
        make_folder(self.folder)
        with job_lock(self.folder, self.shard):
            # again, and as the only one: another job may have begun just now
            job = JobFile.open(self.folder, kept, self.asked)
            store = PartStore.open(self.folder / "parts")
            self._say_damaged(store)
            survey = surveyed(self.source, self.shard, store)
            again = sum(len(ids) for _, ids in store.failed()) if self.retry else 0
            labelled = 0
            if again or survey.done < survey.images or not job.settled:
                labelled = self._work(job, store, survey, again)
            return self._finish(job, labelled, survey.done)

    def _work(self, job: JobFile, store: PartStore, survey: Survey, again: int) -> int:
        executor = self.make()
        try:
            job.settle(executor.open())
            labelled = 0
            with self._bar(survey, again) as bar:
                for finished in executor.run(self._chunks(store, again), bar.update):
                    self._keep(store, finished)
                    labelled += finished.images
                    failed = sum(each.count for each in store.failures.values())
                    if failed:
                        bar.set_postfix_str(f"{failed} failed", refresh=False)
        finally:
            executor.close()
        return labelled

    def _bar(self, survey: Survey, again: int) -> Any:
        total = survey.images + again
        bar = progress_bar(
            (), "label", total=total, unit="image", progress=self.progress and survey.images > 0
        )
        bar.n = bar.initial = survey.done  # what is done says nothing of the time left
        return bar

    def _chunks(self, store: PartStore, again: int) -> Iterator[Chunk]:
        if again:
            yield from self._failed_chunks(store)
        new = pending_items(self.source, self.shard, lambda key: store.state(key) == "new")
        for items in _batches(new, self.part):
            yield Chunk(part_name(items), items)

    def _failed_chunks(self, store: PartStore) -> Iterator[Chunk]:
        """The failed images of each part, under its name; places of them are looked up in the source."""
        group: dict[Path, list[str]] = {}
        for path, ids in list(store.failed()):
            group[path] = ids
            if sum(map(len, group.values())) >= _RETRIED:
                yield from self._found_again(group)
                group = {}
        yield from self._found_again(group)

    def _found_again(self, group: dict[Path, list[str]]) -> Iterator[Chunk]:
        wanted = {id for ids in group.values() for id in ids}
        if not wanted:
            return
        keys = {key_of(Item(id)).id for id in wanted}
        items = pending_items(self.source, self.shard, lambda key: key.id in keys)
        by_id = {item.id: item for item in items}
        for path, ids in group.items():
            found = tuple(by_id[id] for id in ids if id in by_id)
            lost = len(ids) - len(found)
            if lost and self.shard.count == 1:
                self.notes.append(
                    f"{lost} failed images of {path.name} are no longer in the source; their rows stay."
                )
            if found:
                yield Chunk(path.stem, found)

    def _keep(self, store: PartStore, finished: Finished) -> None:
        """Write a part; one that holds other images, too, keeps their rows."""
        path = store.folder / f"{finished.name}.parquet"
        data = store.patched(path, finished.data) if path.exists() else finished.data
        store.write(finished.name, data)
        self.notes += [note for note in finished.notes if note not in self.notes]

    def _finish(self, job: JobFile, labelled: int, before: int) -> LabelSummary:
        assert job.found is not None
        with waiting_lock(self.folder / ".lock-summary"):
            store = write_summary(self.folder, job.found)
        return LabelSummary(
            folder=self.folder,
            images=store.images,
            rows=store.rows,
            failed=sum(each.count for each in store.failures.values()),
            failures=store.failures,
            labelled=labelled,
            before=before,
            notes=tuple(self.notes),
        )

    def _say_damaged(self, store: PartStore) -> None:
        if store.damaged:
            self.notes.append(
                f"Parts that were cut off ({len(store.damaged)}, the first {store.damaged[0].name}) were put "
                "aside, and their images are labelled again."
            )


def _batches(items: Iterator[Item], size: int) -> Iterator[tuple[Item, ...]]:
    while batch := tuple(islice(items, size)):
        yield batch
