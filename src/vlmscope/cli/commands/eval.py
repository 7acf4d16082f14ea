"""``vlmscope eval``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from vlmscope.cli.arguments import Printing, Protocol, TextCache
from vlmscope.cli.comparing_options import Comparing
from vlmscope.cli.completion import comparator_names, measured_names
from vlmscope.cli.console import emit, emit_json, emit_table, note
from vlmscope.cli.data_options import ColumnMap, Split, columns_of
from vlmscope.cli.evidence_options import Deciding
from vlmscope.cli.loading import Loading, ModelName, TextEmbeddings
from vlmscope.cli.options import with_options
from vlmscope.cli.places import check_folder, check_place
from vlmscope.cli.sam_options import SamMasks

if TYPE_CHECKING:
    from vlmscope.evaluation.comparators import Wanted
    from vlmscope.evaluation.entrants.configured_methods import MethodChoice
    from vlmscope.evaluation.scores import Evaluation

__all__ = ["command"]

STATE = "samples.jsonl"
_SHOWN = 5

_ABOUT = """Measure methods on a data set: pointing, segmentation, presence, each with its interval.

With --out, finished images are kept, and the same command goes on where it stopped; methods may be
added to it. Exit code 1 when images were skipped, or the split was cut short (--partial)."""


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    from vlmscope.data.datasets import dataset_kinds

    kinds = "; ".join(f"{kind.id}: {kind.summary}" for kind in dataset_kinds())
    bound = with_options(measure)
    bound.__doc__ = f"{_ABOUT}\n\nData sets: {kinds}."
    return bound


@dataclass(frozen=True)
class Source:
    """What is read of a data set, as options of the command."""

    panel: ClassVar[str] = "Input"

    root: Annotated[
        Path | None, typer.Option(help="Folder of the data set, or hf://datasets/OWNER/NAME.")
    ] = None
    split: Split = None
    words: Annotated[
        str | None,
        typer.Option(
            metavar="plain|field|FILE",
            help="What classes are called: plain (the set's own names), field (what open-vocabulary "
            "segmentation calls them), or a JSON file from classes to names (or rows of a "
            "classifier). Several with commas are measured side by side. Default: plain,field where "
            "a set has both.",
            show_default=False,
        ),
    ] = None
    limit: Annotated[int | None, typer.Option(help="Only the first images.")] = None
    partial: Annotated[
        bool,
        typer.Option("--partial", help="Take a split that is cut short; the report says so."),
    ] = False
    map: ColumnMap = None


@dataclass(frozen=True)
class Runs:
    """Which methods are run and with which options, as options of the command."""

    panel: ClassVar[str] = "Method"

    method: Annotated[
        list[str] | None,
        typer.Option(
            help="Methods, with commas; gem@NAME is gem once more with options of its own. "
            "Default: all that run on the model.",
            autocompletion=measured_names,
        ),
    ] = None
    options: Annotated[
        list[str] | None,
        typer.Option(help="Options of methods: gem.temperature=perplexity,gem@wide.depth=7"),
    ] = None
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID=NAME",
            help="Comparators, with commas: grounding-dino=IDEA-Research/grounding-dino-tiny; NAME is "
            "a hub id or a folder, ID@WORD=NAME one more of a kind.",
            autocompletion=comparator_names,
        ),
    ] = None
    proxy: Annotated[
        str | None,
        typer.Option(
            metavar="TOWER",
            help="A second vision tower, for proxyclip: hub id or folder of a DINO, DINOv2 or DINOv3.",
            show_default=False,
        ),
    ] = None
    side: Annotated[
        int | None, typer.Option(help="Side of the resized image. Default: the model's.")
    ] = None
    keep_ratio: Annotated[
        bool | None,
        typer.Option(
            "--keep-ratio/--squash",
            help="Keep the ratio, or squash to a square (default).",
            show_default=False,
        ),
    ] = None
    templates: Annotated[
        str | None, typer.Option(help="Prompt templates: none, photo or imagenet.")
    ] = None

    protocol: Protocol = "free"
    text_cache: TextCache = True

    def choices(self, labels: Sequence[str]) -> tuple[MethodChoice, ...]:
        """The runs with these labels, such as ``gem`` or ``gem@wide``.

        Raises:
            UnknownNameError: a method or an option that does not exist.
            BadOptionError: an option that cannot be read.
        """
        from vlmscope.evaluation.entrants.configured_methods import choose

        shared = {"side": self.side, "templates": self.templates, "keep_ratio": self.keep_ratio}
        typed = {name: value for name, value in shared.items() if value is not None}
        if self.protocol == "free":
            typed = {"keep_ratio": False, **typed}
        return choose(labels, self.texts(), typed)

    def comparators(self) -> tuple[Wanted, ...]:
        """The comparators, before one is loaded.

        Raises:
            BadOptionError: one of another form, or a label that is there twice.
            UnknownNameError: a comparator that does not exist.
        """
        from vlmscope.evaluation.comparators import wanted

        return wanted(self.against or (), _listed(self.method or ()))

    def texts(self) -> dict[str, dict[str, str]]:
        """Label -> option -> value, as it was typed.

        Raises:
            BadOptionError: an option that cannot be read.
        """
        from vlmscope.evaluation.entrants.configured_methods import split_options

        return split_options(self.options or ())


def measure(
    *,
    dataset: Annotated[
        str,
        typer.Argument(metavar="DATASET", help="Its id, see below.", show_default=False),
    ],
    model: ModelName = "tiny-clip",
    text_embeddings: TextEmbeddings = None,
    source: Source,
    runs: Runs,
    masks: SamMasks,
    task: Annotated[
        list[str] | None,
        typer.Option(
            help="Tasks, with commas. Default: all that data set and methods allow.",
            rich_help_panel="Method",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder for report.json, report.md, report.html and the state.",
            rich_help_panel="Output",
        ),
    ] = None,
    rows: Annotated[
        Path | None,
        typer.Option(
            help="File (JSON lines) for a row per sentence or question, and method: every score can "
            "be worked out again from it.",
            rich_help_panel="Output",
        ),
    ] = None,
    eval_results: Annotated[
        Path | None,
        typer.Option(
            help="File (YAML) for entries of the model's .eval_results folder on the hub.",
            rich_help_panel="Output",
        ),
    ] = None,
    threshold_out: Annotated[
        Path | None,
        typer.Option(
            help="File for a threshold per method and kind of evidence, chosen on this split.",
            rich_help_panel="Output",
        ),
    ] = None,
    threshold: Annotated[
        Path | None,
        typer.Option(
            help="File of --threshold-out, of another split: sentences that score less are held to "
            "mean nothing.",
            rich_help_panel="Method",
        ),
    ] = None,
    deciding: Deciding,
    comparing: Comparing,
    seed: Annotated[int, typer.Option(help="Of the bootstraps.", rich_help_panel="Method")] = 0,
    batch: Annotated[
        int,
        typer.Option(
            help="How many images methods that read attention look at side by side.",
            rich_help_panel="Method",
        ),
    ] = 1,
    loading: Loading,
    printing: Printing,
) -> int:
    from vlmscope.data.datasets import open_dataset
    from vlmscope.data.datasets.word_choices import further_words, word_choices
    from vlmscope.evaluation.decisions import check_kind
    from vlmscope.evaluation.entrants.configured_methods import with_tower
    from vlmscope.evaluation.entrants.spoken_entrants import default_labels
    from vlmscope.evaluation.page.eval_results import check_home, write_eval_results
    from vlmscope.evaluation.report import write_report
    from vlmscope.evaluation.runner import evaluate
    from vlmscope.evaluation.thresholds import Thresholds
    from vlmscope.methods.encoder.protocols import find_protocol

    # whatever can be wrong without the model is said before a model is loaded
    words, more = word_choices(dataset, source.words)
    data = open_dataset(
        dataset,
        source.root,
        words,
        split=source.split,
        partial=source.partial,
        columns=columns_of(source.map),
    )
    vocabularies = further_words(data.id, more, source.words is not None)
    runs.texts()
    find_protocol(runs.protocol, data.id)
    choices = runs.choices(_listed(runs.method)) if runs.method else None
    evidence = deciding.chosen()
    opponents = runs.comparators()
    comparing.check(choices, opponents)
    tasks = _listed(task) if task else None
    masks.check(data, tasks)
    check_folder(out)
    check_place(None if out is None else out / "report.json")
    check_place(rows)
    check_place(threshold_out)
    if eval_results is not None:
        check_place(eval_results)
        check_home(data.protocol, data.id)
    thresholds = None if threshold is None else Thresholds.load(threshold)
    if thresholds is not None:
        thresholds.check_split(data)
    check_kind(deciding.kind, thresholds)
    against = {each.label: loading.comparator(each.id, each.name) for each in opponents}
    refiner = None if masks.refine is None else loading.refiner(masks.refine)
    if runs.proxy is not None:
        choices = with_tower(choices or (), loading.tower(runs.proxy))
    loaded = loading.model(model, text_embeddings)
    if choices is None:
        labels = default_labels(data, loaded)
        choices = runs.choices(labels) if labels else None
    try:
        result = evaluate(
            data,
            loaded,
            choices,
            against=against,
            refiner=refiner,
            refine_prompts=masks.prompts,
            refine_masks=masks.rules,
            tasks=tasks,
            protocol=runs.protocol,
            limit=source.limit,
            resume=None if out is None else out / STATE,
            progress=not printing.quiet,
            seed=seed,
            rows=rows,
            thresholds=thresholds,
            thresholds_out=threshold_out,
            evidence=evidence,
            decide=deciding.kind,
            batch=batch,
            text_cache=runs.text_cache,
            ratio_to=comparing.ratio_to,
            halves=comparing.halves,
            vocabularies=vocabularies,
        )
    except KeyboardInterrupt:
        if out is not None:
            note(f"Finished images are kept in {out / STATE}. The same command goes on.")
        raise
    reports = () if out is None else write_report(result, out)
    if eval_results is not None:
        write_eval_results(result, eval_results)
    places = (rows, threshold_out, eval_results)
    written = [*reports, *(place for place in places if place is not None)]
    _show(result, written, out is not None, printing)
    # a limit was asked for; what the split lacks was not
    return 1 if result.skipped or data.protocol.get("partial") else 0


def _listed(values: Sequence[str]) -> list[str]:
    """``["gem,clip", "naclip"]`` -> three names."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _show(result: Evaluation, written: Sequence[Path], saved: bool, printing: Printing) -> None:
    from vlmscope.evaluation.page.comparison_tables import comparison_tables
    from vlmscope.evaluation.scores import remarks, score_table

    if printing.as_json:
        emit_json(result.to_dict())
    else:
        emit_table(*score_table(result.runs))
        for table in comparison_tables(result.comparisons):
            emit("")
            emit(f"{table.title}:")
            emit_table(table.columns, table.rows)
    if result.skipped:
        count = len(result.skipped)
        note(f"{count} {'image was' if count == 1 else 'images were'} skipped:")
        for image_id, reason in result.skipped[:_SHOWN]:
            note(f"  {image_id}: {reason}")
        if count > _SHOWN:
            note(f"  and {count - _SHOWN} more")
    for line in remarks(result):
        note(line)
    part = result.protocol["dataset"].get("partial")
    if part:
        note(f"partial: {part}")
    if printing.quiet:
        return
    decision = result.protocol.get("threshold")
    if isinstance(decision, str):
        note(
            f"threshold: {decision}. Choose one on another split with --threshold-out FILE, and "
            "give it with --threshold FILE."
        )
    lists = [result.protocol["words"], *result.protocol.get("other_words", {}).values()]
    digests = " and ".join(each["digest"] for each in lists)
    note(f"{result.images} images, word list{'s' * (len(lists) > 1)} {digests}")
    for path in written:
        note(f"wrote {path}")
    if not saved:
        note("Not saved; --out DIR writes a report with the protocol.")
