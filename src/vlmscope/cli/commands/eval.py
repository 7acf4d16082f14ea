"""``vlmscope eval``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlmscope.cli.arguments import (
    AsJson,
    Device,
    Dtype,
    ModelName,
    Quiet,
    Revision,
    TrustRemoteCode,
    load_model,
)
from vlmscope.cli.console import emit_json, emit_table, note
from vlmscope.cli.places import check_place

if TYPE_CHECKING:
    from vlmscope.evaluation.scores import Evaluation

__all__ = ["command"]

STATE = "samples.jsonl"
_SHOWN = 5


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    from vlmscope.data.datasets import dataset_kinds

    kinds = "; ".join(f"{kind.id}: {kind.summary}" for kind in dataset_kinds())
    measure.__doc__ = f"{_ABOUT}\n\nData sets: {kinds}."
    return measure


_ABOUT = """Measure methods on a data set: pointing, segmentation, presence, each with its interval.

With --out, finished images are kept, and the same command goes on where it stopped; methods may be
added to it. Exit code 1 when images were skipped."""


def measure(
    dataset: Annotated[
        str,
        typer.Argument(metavar="DATASET", help="Its id, see below.", show_default=False),
    ],
    model: ModelName = "tiny-clip",
    root: Annotated[Path | None, typer.Option(help="Folder of the data set.")] = None,
    words: Annotated[
        Path | None,
        typer.Option(help="Word list: JSON from classes to names (or rows of a classifier)."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="Methods, with commas; gem@NAME is gem once more with options of its own. "
            "Default: all that run on the model."
        ),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(help="Options of methods: gem.temperature=perplexity,gem@wide.depth=7"),
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(help="Tasks, with commas. Default: all that data set and methods allow."),
    ] = None,
    side: Annotated[
        int | None, typer.Option(help="Side of the resized image. Default: the model's.")
    ] = None,
    keep_ratio: Annotated[
        bool,
        typer.Option("--keep-ratio/--squash", help="Keep the ratio, or squash to a square."),
    ] = False,
    templates: Annotated[
        str | None, typer.Option(help="Prompt templates: none, photo or imagenet.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first images.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for report.json, report.md and the state."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstraps.")] = 0,
    dtype: Dtype = None,
    device: Device = None,
    revision: Revision = None,
    trust_remote_code: TrustRemoteCode = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    from vlmscope.data.datasets import open_dataset
    from vlmscope.evaluation.report import write_report
    from vlmscope.evaluation.runner import evaluate
    from vlmscope.evaluation.runs import choose, method_runs, split_options

    # whatever can be wrong without the model is said before a model is loaded
    data = open_dataset(dataset, root, words)
    given = {"side": side, "templates": templates, "keep_ratio": keep_ratio}
    shared = {name: value for name, value in given.items() if value is not None}
    texts = split_options(options or ())
    choices = choose(_listed(method), texts, shared) if method else None
    check_place(None if out is None else out / "report.json")
    loaded = load_model(model, dtype, device, revision, trust_remote_code)
    if choices is None:
        choices = choose([run.label for run in method_runs(loaded)], texts, shared)
    try:
        found = evaluate(
            data,
            loaded,
            choices,
            tasks=_listed(task) if task else None,
            limit=limit,
            resume=None if out is None else out / STATE,
            progress=not quiet,
            seed=seed,
        )
    except KeyboardInterrupt:
        if out is not None:
            note(f"Finished images are kept in {out / STATE}. The same command goes on.")
        raise
    written = () if out is None else write_report(found, out)
    _show(found, written, as_json, quiet)
    return 1 if found.skipped else 0


def _listed(values: Sequence[str]) -> list[str]:
    """``["gem,clip", "naclip"]`` -> three names."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _show(found: Evaluation, written: Sequence[Path], as_json: bool, quiet: bool) -> None:
    if as_json:
        emit_json(found.to_dict())
    else:
        metrics = [score.metric for score in found.runs[0].scores]
        rows = [(run.label, *(str(score) for score in run.scores)) for run in found.runs]
        emit_table(("run", *metrics), rows)
    if found.skipped:
        count = len(found.skipped)
        note(f"{count} {'image was' if count == 1 else 'images were'} skipped:")
        for image_id, reason in found.skipped[:_SHOWN]:
            note(f"  {image_id}: {reason}")
        if count > _SHOWN:
            note(f"  and {count - _SHOWN} more")
    if quiet:
        return
    note(f"{found.images} images, word list {found.protocol['words']['digest']}")
    for path in written:
        note(f"wrote {path}")
    if not written:
        note("Not saved; --out DIR writes a report with the protocol.")
