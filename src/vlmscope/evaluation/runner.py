"""Runs methods over a data set: streaming, resumable, several methods in one pass over the images."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence

from vlmscope.data.datasets import AskingSet, Dataset, Skipped, WordList
from vlmscope.data.datasets.label_maps.labelled_set import LabelledSet
from vlmscope.data.datasets.referring import ReferringSet
from vlmscope.data.resume import SampleLog, walk
from vlmscope.data.strange_pictures import StrangePictures
from vlmscope.errors import (
    BadImageError,
    BadOptionError,
    BadPhraseError,
    BadSampleError,
    UnsupportedError,
    VlmscopeWarning,
)
from vlmscope.evaluation.breakdowns.comparisons import check_base, comparisons_of
from vlmscope.evaluation.breakdowns.sentence_report import sentence_report
from vlmscope.evaluation.comparators import Comparator
from vlmscope.evaluation.decisions import check_decisions, decisions_of
from vlmscope.evaluation.entrants.comparator_entrants import enter_comparators
from vlmscope.evaluation.entrants.configured_methods import MethodChoice, configure_methods
from vlmscope.evaluation.entrants.entrant import Entrant
from vlmscope.evaluation.entrants.method_entrants import enter
from vlmscope.evaluation.entrants.spoken_entrants import spoken_entrants
from vlmscope.evaluation.evidence import SCORE, Evidence
from vlmscope.evaluation.job import Job
from vlmscope.evaluation.protocol import protocol_of, state_header
from vlmscope.evaluation.readouts import overlap_warnings
from vlmscope.evaluation.reads.batches import Batches
from vlmscope.evaluation.rows import write_rows
from vlmscope.evaluation.sam import check_masks, compares_pixels, with_sam
from vlmscope.evaluation.scores import Evaluation
from vlmscope.evaluation.tasks import TASKS, ImageTask, SentenceTask, Task
from vlmscope.evaluation.thresholds import Thresholds
from vlmscope.evaluation.words.vocabularies import vocabularies_on
from vlmscope.methods.encoder.protocols import SegmentationProtocol, find_protocol
from vlmscope.models import DualEncoder, LoadedModel
from vlmscope.options import check_batch
from vlmscope.refine import AutomaticOptions, Refiner

__all__ = ["evaluate"]

_UNUSABLE = (BadImageError, BadSampleError, BadPhraseError)


def evaluate(
    dataset: Dataset,
    model: LoadedModel | DualEncoder,
    methods: Sequence[MethodChoice] | None = None,
    *,
    against: Mapping[str, Comparator] | Sequence[Comparator] = (),
    refiner: Refiner | None = None,
    refine_prompts: Sequence[str] | None = None,
    refine_masks: AutomaticOptions | None = None,
    tasks: Sequence[str] | None = None,
    protocol: str | SegmentationProtocol = "free",
    limit: int | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = True,
    seed: int = 0,
    rows: str | os.PathLike[str] | None = None,
    thresholds: Thresholds | None = None,
    thresholds_out: str | os.PathLike[str] | None = None,
    evidence: Evidence | None = None,
    decide: str = SCORE,
    batch: int = 1,
    text_cache: bool = True,
    ratio_to: str | None = None,
    halves: bool = False,
    vocabularies: Mapping[str, WordList] | None = None,
) -> Evaluation:
    """Measure methods on a data set.

    Images are read one at a time. Each is decoded once for all methods, and dense methods that see
    it at one size share the original path of the tower.

    Args:
        dataset: see :func:`vlmscope.data.datasets.open_dataset`.
        model: the model.
        methods: see ``configured_methods.choose``; None: all that run on the model.
        against: comparators (:func:`vlmscope.evaluation.comparators.load`), by what each is called
            in the report; a sequence: by their ids.
        refiner: a SAM (:func:`vlmscope.load_sam`): every run is followed by itself with SAM's masks,
            ``gem+sam:box``, once for each prompt. Each image is embedded once for all of them.
        refine_prompts: what of an answer prompts it, some of ``box``, ``point``, ``both``, ``mask``;
            None: each of them. Where classes are compared there is no prompt: runs that compare them
            are followed by themselves with SAM's masks of everything, which vote, ``gem+sam:vote``.
        refine_masks: which of these masks it makes; None: by the published rules.
        tasks: ids; None: all that the data set has truth for and every run can do.
        protocol: ``gem`` or ``field``, with what the field sets on this data set: all that a
            published protocol fixes of how an image is seen and a pixel gets its class
            (:mod:`vlmscope.methods.encoder.protocols`); ``free``: the methods' options.
        limit: how many images, from the first; None: all. Where a split's size is published, every
            score then says how much of it was measured.
        resume: a state file (JSON lines): what is in it is never computed again. Methods may be
            added to it; another model, data set, word list or version is refused.
        progress: show a bar on stderr.
        seed: of the bootstraps.
        rows: a file (JSON lines) for one row per sentence or question and method, from which every
            score on them can be worked out again; it is written at the end, whole or not at all.
        thresholds: by which sentences are held to mean nothing, chosen on another split; None:
            scores that need that decision are left out, as the protocol then says.
        thresholds_out: a file for thresholds that are chosen on this split, one for each kind of
            evidence.
        evidence: kinds that rows hold beside the method's score; None: none. A file of ``resume``
            keeps records of other kinds apart.
        decide: the kind that ``thresholds`` are applied to. One with a rule of its own (``answer``)
            decides without thresholds, too.
        batch: how many images methods that read a decoder's attention look at side by side, those of
            the same number of tokens in one pass; maps may differ from those of one at a time in
            their last digits, and the protocol says it.
        text_cache: keep embeddings of the classes under several templates on disk
            (:mod:`vlmscope.methods.encoder.text_cache`), and take them from there.
        ratio_to: label of a run that all others are held against, image by image: ratio and difference
            of their scores with paired intervals; None: nothing is compared.
        halves: with ``ratio_to``: the same on every other image, and what the run that is best on one
            half scores on the other.
        vocabularies: further word lists of the same classes, by name: every run that compares classes is
            followed by itself with each, ``gem:field``. The tower runs once for all of them.

    Raises:
        UnknownNameError: a task that the data set does not have, an unknown kind of evidence, or a run to
            compare with that is none.
        UnsupportedError: a method that does not run on the model, a run that cannot do a task asked
            for, or one that has no evidence of a kind.
        BadOptionError: a limit or batch below 1, an option that contradicts the protocol, or a
            protocol where no pixel gets a class, two runs of one label, rows or evidence where no task
            is about sentences, thresholds where nothing is absent, of another data set or not of a
            method, or only tasks that need one; a SAM where no mask is scored, or its prompts without
            it.
        BadPhraseError: names that the model cannot take.
        BadSampleError: not one image could be used (says the first reason), or thresholds that were
            chosen on what is scored.
        ModelMismatchError: a state file of something else, or thresholds of another model.
        OutputError: a state file that is none, or a file that cannot be written.
    """
    if limit is not None and (isinstance(limit, bool) or limit < 1):
        raise BadOptionError(f"limit must be at least 1, got {limit!r}. Leave it out for all.")
    check_batch(batch)
    dataset = _first(dataset, limit)
    ruled = _protocol(dataset, protocol)
    speakers, methods = spoken_entrants(dataset, model, methods)
    configured = configure_methods(model, methods, protocol=ruled)
    called = vocabularies_on(model, dataset.words, vocabularies or {}, configured, text_cache)
    if ruled.fixed:
        called.first.check_rivals(ruled)
    asked = (evidence or Evidence()).including(decide).on(model)
    methods_on_trial = (*speakers, *enter(configured, called.first, asked, called.others))
    labels = [run.label for run in methods_on_trial]
    entered = (*methods_on_trial, *enter_comparators(against, labels))
    voting = compares_pixels(_tasks(dataset, entered, tasks))
    runs = with_sam(entered, refiner, refine_prompts, voting=voting, masks=refine_masks)
    chosen = _tasks(dataset, runs, tasks)
    for task in chosen:
        if isinstance(task, ImageTask):
            task.check(dataset.words)
    if refiner is not None:
        check_masks(dataset, chosen, refine_prompts, refine_masks)
    for run in runs:
        run.evidence(asked)  # refuses kinds that it does not have
    if rows is not None or asked.kinds:
        _check_rows(dataset, chosen, asked.kinds)
    check_base(ratio_to, halves, [run.label for run in runs], len(dataset.image_ids))
    decisions = decisions_of(dataset, model.id, runs, chosen, thresholds, asked, decide)
    check_decisions(dataset, chosen, runs, decisions, thresholds_out)
    log = SampleLog(resume, state_header(dataset, model))
    job = Job(dataset, runs, chosen, log, StrangePictures(model), asked)
    image_ids = list(dataset.image_ids)[:limit]
    failed = _measure_all(job, image_ids, batch, progress)
    skipped = (*dataset.skipped, *failed)
    bad = {image_id for image_id, _ in failed}
    usable = [image_id for image_id in image_ids if image_id not in bad]
    if not usable:
        first = f" The first: {skipped[0].image_id}: {skipped[0].reason}" if skipped else ""
        raise BadSampleError(f"None of {len(skipped)} images of {dataset.id} can be used.{first}")
    job.strange.warn()
    scores = tuple(
        job.scores(run, usable, decision, seed)
        for run, decision in zip(runs, decisions, strict=True)
    )
    logged = [job.rows(run, usable) for run in runs]
    if rows is not None:
        names = [run.label for run in runs]
        write_rows(rows, list(zip(names, logged, decisions, strict=True)))
    if thresholds_out is not None:
        pairs = [pair for pair in zip(runs, logged, strict=True) if _has_own_scores(pair[0])]
        Thresholds.choose(dataset, model.id, pairs, asked).save(thresholds_out)
    by_label = {run.label: each for run, each in zip(runs, decisions, strict=True) if each}
    stated = protocol_of(dataset, model, chosen, seed, by_label, asked, ruled)
    if called.others:
        listed = {name: each.listed for name, each in called.others.items()}
        stated["other_words"] = {name: each.to_dict() for name, each in listed.items() if each}
    stated |= _undone(dataset, runs, chosen, tasks)
    if batch > 1:
        stated["batch"] = f"{batch} images side by side"
    sentences = None
    if any(isinstance(task, SentenceTask) for task in chosen):
        labelled = [(run.label, each) for run, each in zip(runs, logged, strict=True)]
        sentences = sentence_report(dataset.id, labelled, seed=seed, again=job.again)
    compared = None
    if ratio_to is not None:
        drawn = {run.label: job.drawn(run, usable) for run in runs}
        compared = comparisons_of(drawn, ratio_to, usable, halves=halves, seed=seed)
    compares = any(task.dense for task in chosen)
    cautions = (
        *called.left_out,
        *(called.cautions if compares else ()),
        *overlap_warnings(scores),
    )
    for caution in cautions:
        warnings.warn(caution, VlmscopeWarning, stacklevel=2)
    return Evaluation(stated, len(usable), skipped, scores, sentences, cautions, compared)


def _first(dataset: Dataset, limit: int | None) -> Dataset:
    """A set whose publishers count it then says how much of it its first images are."""
    if limit is None or not isinstance(dataset, ReferringSet | LabelledSet | AskingSet):
        return dataset
    return dataset.first(limit)


def _protocol(dataset: Dataset, name: str | SegmentationProtocol) -> SegmentationProtocol:
    """A protocol as it is on a data set, whose pixels have true classes."""
    ruled = find_protocol(name, dataset.id) if isinstance(name, str) else name
    if ruled.fixed and "segmentation" not in dataset.tasks:
        raise BadOptionError(
            f"The protocol {ruled.name} is of semantic segmentation, which {dataset.id} has no truth "
            f"for: it has {', '.join(dataset.tasks)}. Leave the protocol out."
        )
    return ruled


def _measure_all(job: Job, image_ids: Sequence[str], batch: int, progress: bool) -> list[Skipped]:
    skipped = walk(
        image_ids,
        job.measure if batch == 1 else Batches(job, image_ids, batch).measure,
        title=job.dataset.id,
        unit="image",
        progress=progress,
        bad=_UNUSABLE,
    )
    return [Skipped(image_id, reason) for image_id, reason in skipped]


def _check_rows(dataset: Dataset, tasks: Sequence[Task], kinds: Sequence[str]) -> None:
    """Refuse rows and evidence where no task has rows, and evidence where nothing is true or false."""
    if not any(isinstance(task, SentenceTask) or task.listed for task in tasks):
        sentences = [name for name in dataset.tasks if isinstance(TASKS.get(name), SentenceTask)]
        advice = f"Add one of: {', '.join(sentences)}." if sentences else "Leave them out."
        raise BadOptionError(
            f"Rows and evidence are of sentences, and no task here is about sentences ({dataset.id}: "
            f"{', '.join(task.id for task in tasks)}). {advice}"
        )
    told = any(isinstance(task, SentenceTask) or task.told for task in tasks)
    if kinds and not told:
        raise BadOptionError(
            f"{dataset.id} asks for descriptions, which are neither true nor false, so there is no "
            f"evidence {kinds[0]!r} of them. Leave it out; signs of each mention: vlmscope hallucination."
        )


def _has_own_scores(run: Entrant) -> bool:
    return run.scored and run.scorer is run


def _undone(
    dataset: Dataset, runs: Sequence[Entrant], tasks: Sequence[Task], names: Sequence[str] | None
) -> dict[str, str]:
    """Tasks of the data set that a comparator keeps all runs from, so that nobody misses them."""
    guests = [run.label for run in runs if not run.comparable and run.noun != "method"]
    left = [name for name in dataset.tasks if TASKS.get(name) not in tasks]
    if names is not None or not guests or not left:
        return {}
    reason = f"they compare classes, which these cannot: {', '.join(guests)}"
    return {"left_out": f"{', '.join(left)}: {reason}"}


def _tasks(
    dataset: Dataset, runs: Sequence[Entrant], names: Sequence[str] | None
) -> tuple[Task, ...]:
    """The tasks asked for, or all that fit data set and methods."""
    plain = [run for run in runs if not run.comparable]
    if names is None:
        every = [TASKS.get(name) for name in dataset.tasks]
        return tuple(task for task in every if not (task.dense and plain))
    if not names:
        raise BadOptionError(f"No task was named. {dataset.id} has: {', '.join(dataset.tasks)}.")
    chosen = tuple(TASKS.get(name, dataset.tasks) for name in dict.fromkeys(names))
    for task in chosen:
        if task.dense and plain:
            raise UnsupportedError(
                f"The task {task.id} compares classes, which the {plain[0].noun} {plain[0].id!r} "
                "cannot: it answers phrase by phrase. Leave out the one or the other."
            )
    return chosen
