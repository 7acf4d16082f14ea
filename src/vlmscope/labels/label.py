"""``label``: the phrases of a job in every image of a source, as rows in Parquet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from vlmscope.data.images import MAX_PIXELS
from vlmscope.errors import BadPhraseError, MissingExtraError
from vlmscope.labels.audit.finished import audited
from vlmscope.labels.executors import (
    ClusterExecutor,
    Executor,
    InsideExecutor,
    ProcessExecutor,
    Task,
)
from vlmscope.labels.labeller import Labeller
from vlmscope.labels.locks import Shard
from vlmscope.labels.run import LabelRun
from vlmscope.labels.settings import LabelSettings, ModelSettings, phrases_of
from vlmscope.labels.sharing import Placing, Sharing
from vlmscope.labels.sources import Columns, open_source
from vlmscope.labels.summary import LabelSummary
from vlmscope.methods.grounder import check_batch
from vlmscope.models import DualEncoder, LoadedModel, PatchTower
from vlmscope.options import check_number, check_word
from vlmscope.refine import Refiner
from vlmscope.types import HeadSet

__all__ = ["label"]

_PART = 64
_RETRY = ("failed",)


def label(
    model: str | LoadedModel | DualEncoder,
    source: Any,
    phrases: str | Sequence[str] | os.PathLike[str] | None = None,
    *,
    out: str | os.PathLike[str],
    phrase_column: str | None = None,
    image_column: str | None = None,
    id_column: str | None = None,
    method: str | None = None,
    heads: HeadSet | str | os.PathLike[str] | Sequence[Any] | None = None,
    placement: str | None = None,
    prompt: str | None = None,
    rows: Any = None,
    proxy: str | PatchTower | None = None,
    refine: str | Refiner | None = None,
    refine_prompt: str | None = None,
    instances: bool = False,
    masks: bool = False,
    least_score: float | None = None,
    max_pixels: int = MAX_PIXELS,
    dtype: Any = None,
    device: str | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
    max_side: int | None = None,
    text_embeddings: str | os.PathLike[str] | None = None,
    batch: int = 1,
    executor: str | None = None,
    ray: str | None = None,
    workers: int | None = None,
    threads: int | None = None,
    image_seconds: float | None = None,
    shard: str | None = None,
    retry: str | None = None,
    part: int = _PART,
    audit: int | None = None,
    progress: bool = False,
    **options: Any,
) -> LabelSummary:
    """Look for phrases in every image of a source, and keep what is found as rows in Parquet.

    The same call goes on where an interrupted one stopped, and labels what a source has gained since.
    An image that cannot be labelled is a row with the reason.

    Args:
        model: name of a model, which is loaded when there is work, or a loaded one.
        source: a folder, a pattern, a list of paths (also a .txt file), a JSON-lines file, Parquet or
            tar files, ``hf://datasets/OWNER/NAME``, ``datasets:OWNER/NAME``, a ``datasets.Dataset``.
        phrases: ``"a,b"``, a text file with one per line, or a list; looked for in every image.
        out: folder of the labels; see :class:`vlmscope.labels.LabelFolder`.
        phrase_column: in place of phrases: the column that holds each row's own, one or a list.
        image_column: of the images or their paths; default: ``image``.
        id_column: of ids, each of which stands for one image; default: the path, or file and row.
        method, heads, placement, prompt, rows, refine_prompt, options: as for :func:`vlmscope.ground`.
        proxy, refine: as there, or their names.
        instances: a row for every object of a phrase, not for the first alone.
        masks: keep masks, as COCO's run lengths.
        least_score: objects below it are left out.
        max_pixels: larger images fail.
        dtype, device, revision, trust_remote_code, max_side, text_embeddings: as for
            :func:`vlmscope.load`, of a model that is named.
        batch: how many images are looked at side by side.
        executor: ``local``: this machine; ``ray``: a Ray cluster (extra ``ray``); default: local, unless
            there is an address. Rows are the same.
        ray: address of a Ray cluster: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``; without it, one of
            this machine alone is started for the job.
        workers: processes, each of which loads the model; default: one for each GPU, where there are
            several, else none beside this one; on a cluster without GPUs one for each machine. In a
            script, call this under ``if __name__ == "__main__":``, for each of them reads it.
        threads: of computation in each; default: an even share of the cores.
        image_seconds: longest time for an image; after it, its process is ended and it has failed.
        shard: ``3/16``: the third of sixteen shares of the images, by their ids. Shards may run at the
            same time into one folder, or into several whose parts are put together.
        retry: ``failed``: try images again that failed.
        part: images in a part of the result.
        audit: draw so many objects afterwards, and write ``audit.html`` into the folder, on which a
            person accepts or rejects each; see :func:`vlmscope.audit_labels`.
        progress: show a bar with the time left.

    Returns:
        Counts, and the reasons of failures.

    Raises:
        ModelMismatchError: the folder holds labels of another job; says what differs.
        OutputError: another job works in the folder, or it cannot be written.
        BadSampleError, BadImageError: a source that cannot be read, without an image, or with two of
            one id.
        BadPhraseError, BadOptionError, UnknownNameError: something that cannot be asked.
        MissingExtraError: without pyarrow, or without Ray where it is asked for.
    """
    _check_pyarrow()
    settings = LabelSettings(
        phrases=_phrases(phrases, phrase_column),
        method=method,
        heads=heads,
        placement=placement,
        prompt=prompt,
        rows=rows,
        proxy=proxy,
        refine=refine,
        refine_prompt=refine_prompt,
        options=options,
        instances=instances,
        masks=masks,
        least_score=least_score,
        max_pixels=max_pixels,
    )
    loading = ModelSettings(
        model, device, dtype, revision, trust_remote_code, max_side, text_embeddings
    )
    check_batch(batch)
    check_number("part", part, at_least=1, whole=True)
    sharing = Sharing.of(Placing(executor, ray, workers), threads, image_seconds, settings, loading)
    if audit is not None:
        check_number("audit", audit, at_least=1, whole=True)
    if retry is not None:
        check_word("retry", retry, _RETRY)
    columns = Columns(image_column, id_column, phrase_column)
    folder = Path(out)
    images = open_source(source, columns, folder)
    make = partial(_labeller, settings, loading, batch)
    task = Task(images.opener(), make, sharing.seconds, sharing.threads)
    run = LabelRun(
        folder=folder,
        source=images,
        kept={**settings.kept(), "phrase_column": phrase_column},
        asked={**loading.asked(), **settings.asked()},
        make=partial(_executor, task, sharing),
        shard=Shard() if shard is None else Shard.parse(shard),
        part=part,
        retry=retry is not None,
        progress=progress,
    )
    summary = run.all()
    if audit is None:
        return summary
    return audited(summary, images, audit, max_pixels, progress)


def _labeller(
    settings: LabelSettings, model: ModelSettings, batch: int, device: str | None
) -> Labeller:
    return Labeller(settings, model.on(device), batch)


def _executor(task: Task, sharing: Sharing) -> Executor:
    placing = sharing.placing
    if placing.on_cluster:
        return ClusterExecutor(task, placing.ray, placing.workers, sharing.gpus)
    return ProcessExecutor(task, sharing.processes) if sharing.processes else InsideExecutor(task)


def _phrases(phrases: Any, column: str | None) -> tuple[str, ...] | None:
    if (phrases is None) == (column is None):
        state = "both" if column is not None else "neither"
        raise BadPhraseError(
            "Give phrases for all images (--phrases words.txt or a,b) or the column of each row's own "
            f"(--phrase-column caption); got {state}."
        )
    return None if phrases is None else phrases_of(phrases)


def _check_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("pyarrow", "parquet", "Labels in Parquet") from error
