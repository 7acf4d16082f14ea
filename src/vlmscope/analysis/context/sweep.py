"""Accuracy from a compressed context against how much of it is kept."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vlmscope.analysis.agreement import agrees
from vlmscope.analysis.context.compress import CompressedContext, read_image
from vlmscope.analysis.record import run_record
from vlmscope.data.question_jobs import measure_questions
from vlmscope.data.questions import Question
from vlmscope.data.resume import SampleLog
from vlmscope.data.skipped import SkippedSample
from vlmscope.markup import card, one_line, table
from vlmscope.models import LoadedModel
from vlmscope.models.guard import check_model
from vlmscope.stats import Interval, bootstrap

__all__ = ["ContextCurve", "ContextPoint", "context_sweep"]

_KEEPS = (0.0, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
_COLUMNS = (
    "kept: share of the image tokens; accuracy: answers that a reference agrees with; agreement: answers "
    "that are those from the whole image; tokens: positions kept in a layer, on average."
)
_WHOLE = ("whole", 1.0)  # measure and share of the context that the others are held against


@dataclass(frozen=True)
class ContextPoint:
    """How one share of kept tokens does.

    Attributes:
        by: the measure tokens were chosen by.
        keep: share of image tokens kept, 0..1.
        accuracy: share of questions answered as a reference says, with its interval.
        agreement: share of questions answered as from the whole context, with its interval.
        tokens: mean positions kept per layer.
        size: mean bytes kept.
        seconds: mean time of one question.
    """

    by: str
    keep: float
    accuracy: Interval | None
    agreement: Interval
    tokens: float
    size: float
    seconds: float


@dataclass(frozen=True)
class ContextCurve:
    """Points for every measure and share.

    Attributes:
        run: everything needed to repeat the run.
        samples: how many questions.
        points: in the order of measures, then shares.
        skipped: questions that could not be used, and why.
    """

    run: dict[str, Any]
    samples: int
    points: tuple[ContextPoint, ...]
    skipped: tuple[SkippedSample, ...] = ()

    def __repr__(self) -> str:
        points = [f"{each.by} {each.keep:g}: {each.agreement.value:.2f}" for each in self.points]
        return one_line(
            self,
            f"{self.samples} questions, {self.run['model']}",
            f"agreement with the whole context by measure and share kept: {', '.join(points)}",
        )

    def _repr_html_(self) -> str:
        rows = [
            (
                each.by,
                f"{each.keep:.0%}",
                None if each.accuracy is None else str(each.accuracy),
                str(each.agreement),
                each.tokens,
                each.size / 2**20,
                each.seconds,
            )
            for each in self.points
        ]
        columns = ("measure", "kept", "accuracy", "agreement", "tokens", "MiB", "seconds")
        return card(
            f"Answers of {self.run['model']} from less of the image",
            table((columns, rows), _COLUMNS),
            lead=f"{self.samples} questions.",
            notes=map(str, self.skipped[:3]),
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "run": self.run,
            "samples": self.samples,
            **({"skipped": [each.to_dict() for each in self.skipped]} if self.skipped else {}),
            "points": [asdict(point) for point in self.points],
        }


def context_sweep(
    model: LoadedModel,
    samples: Iterable[Any],
    keeps: Sequence[float] = _KEEPS,
    by: Sequence[str] = ("attention", "query", "random", "norm"),
    *,
    prompt: str | None = "describe the picture",
    preset: str | None = "chat",
    placement: str | None = None,
    max_new_tokens: int = 32,
    seed: int = 0,
    progress: bool = False,
) -> ContextCurve:
    """Ask every question from contexts of every size.

    Args:
        model: the model.
        samples: see :func:`vlmscope.data.questions.as_questions`; references make accuracies.
            Those that cannot be used or repeat another are skipped, counted and warned of.
        keeps: shares of image tokens.
        by: measures of importance.
        prompt, preset, placement: as for :func:`compress_context`.
        max_new_tokens: longest answer.
        seed: of the random control and of the intervals.
        progress: show a bar on stderr.

    Raises:
        BadSampleError: no question, or none that can be used.
    """
    check_model(model)
    settings = {"preset": preset, "placement": placement, "seed": seed}

    def measure(question: Question) -> dict[str, Any]:
        contexts = _contexts(model, question, keeps, by, prompt, settings)
        outcomes = _outcomes(contexts, question, max_new_tokens)
        return {"outcomes": [[*key, asdict(outcome)] for key, outcome in outcomes]}

    run = run_record(
        model,
        analysis="context",
        keeps=list(keeps),
        by=list(by),
        prompt=prompt,
        preset=preset,
        placement=placement,
        max_new_tokens=max_new_tokens,
        seed=seed,
    )
    log = SampleLog(None, run)
    done = measure_questions(
        model,
        samples,
        log,
        measure,
        needed_by="A sweep over contexts",
        key=lambda question: question.digest_with_references,
        title="context",
        progress=progress,
    )
    outcomes: dict[tuple[str, float], list[_Outcome]] = {}
    for digest in done.ids:
        for measure_name, keep, values in log[digest]["outcomes"][1:]:  # the first is the whole
            outcomes.setdefault((measure_name, keep), []).append(_Outcome(**values))
    points = tuple(_point(*key, each, seed) for key, each in outcomes.items())
    return ContextCurve(run, len(done.ids), points, done.skipped)


@dataclass(frozen=True)
class _Outcome:
    answer: str
    whole: str
    references: tuple[str, ...]
    tokens: int
    size: int
    seconds: float


def _contexts(
    model: LoadedModel,
    question: Question,
    keeps: Sequence[float],
    by: Sequence[str],
    prompt: str | None,
    settings: dict[str, Any],
) -> Iterator[tuple[tuple[str, float], CompressedContext]]:
    """The whole context first, then every measure with every share; one pass per measure."""
    whole = read_image(model, question.image, prompt, by="norm", **settings)
    yield _WHOLE, whole.compressed(1.0)
    for measure in by:
        read = read_image(model, question.image, prompt, by=measure, **settings)
        for keep in keeps:
            yield (measure, keep), read.compressed(keep)


def _outcomes(
    contexts: Iterable[tuple[tuple[str, float], CompressedContext]],
    question: Question,
    max_new_tokens: int,
) -> Iterator[tuple[tuple[str, float], _Outcome]]:
    """What is answered from each context; the first is the whole one."""
    whole: str | None = None
    for key, context in contexts:
        started = time.perf_counter()
        answer = context.ask(question.text, max_new_tokens)
        seconds = time.perf_counter() - started
        whole = answer if whole is None else whole
        # the context itself is let go: its cache is large
        yield (
            key,
            _Outcome(answer, whole, question.references, context.tokens, context.size, seconds),
        )


def _point(by: str, keep: float, outcomes: list[_Outcome], seed: int) -> ContextPoint:
    judged = [float(agrees(each.answer, each.references)) for each in outcomes if each.references]
    agreeing = [float(each.answer == each.whole) for each in outcomes]
    count = len(outcomes)
    return ContextPoint(
        by,
        keep,
        bootstrap(judged, seed=seed) if judged else None,
        bootstrap(agreeing, seed=seed),
        sum(each.tokens for each in outcomes) / count,
        sum(each.size for each in outcomes) / count,
        sum(each.seconds for each in outcomes) / count,
    )
