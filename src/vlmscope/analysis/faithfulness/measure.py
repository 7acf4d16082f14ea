"""Whether a map says what the answer needs: regions are taken away in its order, and put back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.faithfulness.forms import (
    Measured,
    check_tokens_form,
    measure_pixels,
    measure_tokens,
)
from vlmscope.analysis.faithfulness.options import FaithfulnessOptions
from vlmscope.analysis.faithfulness.orders import RANDOM, counts_of, measure_orders, orders_of
from vlmscope.analysis.faithfulness.regions import Regions
from vlmscope.analysis.faithfulness.result import Faithfulness
from vlmscope.analysis.faithfulness.words import followed
from vlmscope.analysis.record import run_record
from vlmscope.data.images import open_image
from vlmscope.data.question_jobs import measure_questions
from vlmscope.data.questions import Question
from vlmscope.data.resume import SampleLog
from vlmscope.errors import BadOptionError, BadSampleError
from vlmscope.methods import ground, grounder
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.guard import check_model
from vlmscope.results import Grounding
from vlmscope.types import TokenMap

__all__ = ["MapSource", "faithfulness"]

MapSource = Callable[[Question], Mapping[str, Any]]
"""Takes a question and gives maps of its picture by name, each a Grounding or float (height, width)."""

_ITSELF = "map"  # name of a map that was given without one


def faithfulness(
    model: LoadedModel,
    subject: Any,
    question: str | Prompt | None = None,
    options: FaithfulnessOptions | None = None,
    *,
    image: Any = None,
    answer: str | None = None,
    maps: Sequence[str] | MapSource | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> Faithfulness:
    """Insertion and deletion curves of maps, beside a random order and each map's own reverse.

    Deletion takes regions of the picture away from the model, the strongest of the map first;
    insertion gives it these alone. Both follow the probability of the answer's tokens, exp of their
    mean log-probability. A map that says what the answer needs has a low area under deletion and a
    high one under insertion (docs/methods/faithfulness.md).

    Args:
        model: the model that answers; maps may come from any.
        subject: with ``question``: a map of ``image``, or several by name, each a Grounding or float
            (height, width) on the picture's pixels or token grid. Without: questions, see
            :func:`vlmscope.data.questions.as_questions`; those that cannot be used are skipped.
        question: what is asked about the one picture.
        options: see :class:`FaithfulnessOptions`.
        image: the one picture; None: that of a Grounding.
        answer: to the one question; None: the model answers, greedily.
        maps: for questions: ids of methods that ground each question's phrase (its text if it has
            none) with this model, or a function that gives a question's maps. A state file tells
            functions apart by nothing: keep one file for each.
        resume: state file: finished questions are not measured again.
        progress: show a bar on stderr.

    Raises:
        BadOptionError: no maps, or maps given twice.
        BadSampleError: no question that can be used. Of one picture: a map of another one, with NaN or
            the same everywhere; an answer without tokens or without the word.
        UnsupportedError: ``form="tokens"`` of a model whose image tokens have no place in the sequence
            or on the picture.
    """
    check_model(model)
    options = options or FaithfulnessOptions()
    if question is not None:
        return _of_one(model, subject, Prompt.of(question), options, image, answer, maps)
    source, names = _source(model, maps)
    run = run_record(model, analysis="faithfulness", **asdict(options), maps=names)
    log = SampleLog(resume, run)
    done = measure_questions(
        model,
        subject,
        log,
        lambda each: _measure(model, each, source(each), options),
        needed_by="Faithfulness",
        key=lambda each: each.digest_with_phrase,
        title="faithfulness",
        progress=progress,
    )
    records = tuple({**log[digest], "id": digest} for digest in done.ids)
    return Faithfulness(run, records, done.skipped, options.seed)


def _of_one(
    model: LoadedModel,
    subject: Any,
    prompt: Prompt,
    options: FaithfulnessOptions,
    image: Any,
    answer: str | None,
    maps: Any,
) -> Faithfulness:
    if maps is not None:
        raise BadOptionError("maps= goes with questions; of one picture the map comes first.")
    named = dict(subject) if isinstance(subject, Mapping) else {_name(subject): subject}
    pictures = [each.image for each in named.values() if isinstance(each, Grounding)]
    if image is None and not pictures:
        raise BadOptionError("A map without its picture: give image=, or a Grounding.")
    pixels = pictures[0] if image is None else open_image(image).pixels
    asked = Question(pixels, prompt.text, prompt.answer if answer is None else answer)
    run = run_record(model, analysis="faithfulness", **asdict(options), maps=list(named))
    record = {**_measure(model, asked, named, options), "id": asked.digest}
    return Faithfulness(run, (record,), (), options.seed)


def _name(subject: Any) -> str:
    return subject.method if isinstance(subject, Grounding) else _ITSELF


def _source(
    model: LoadedModel, maps: Sequence[str] | MapSource | None
) -> tuple[MapSource, list[str] | None]:
    """The function that gives maps, and their names where they are known before."""
    if callable(maps):
        return maps, None
    names = [maps] if isinstance(maps, str) else list(maps or ())
    if not names:
        raise BadOptionError(
            "Faithfulness of which map? Give maps=['localization-heads'] or other methods, or a function "
            "of a question."
        )
    for name in names:
        grounder(model, (), method=name)  # a bad name stops here, before any question

    def ground_all(question: Question) -> dict[str, Grounding]:
        phrase = question.phrase or question.text
        return {name: ground(model, question.image, phrase, method=name) for name in names}

    return ground_all, names


def _measure(
    model: LoadedModel, question: Question, maps: Mapping[str, Any], options: FaithfulnessOptions
) -> dict[str, Any]:
    """The record of one question."""
    if not maps:
        raise BadSampleError("It has no map, so there is no order to take regions away in.")
    if RANDOM in maps:
        raise BadOptionError(f"A map may not be named {RANDOM!r}: that is the control's name.")
    settings: dict[str, Any] = {"preset": options.preset, "placement": options.placement}
    asked = [Prompt(question.text)]
    token_map = model.encode([question.image], asked, **settings).token_maps[0]
    if "tokens" in options.forms:
        check_tokens_form(model, token_map)
    regions = Regions.of(token_map)
    weights = {name: regions.weights(name, each, question.image) for name, each in maps.items()}
    orders = orders_of(weights, options.seed + int(question.digest[:8], 16))
    counts = counts_of(len(regions), options.steps)
    asking = _Asking(model, question, token_map, regions, options)
    forms = {form: asking.curves(form, orders, counts) for form in options.forms}
    return {
        "question": question.text,
        "answer": model.processor.tokenizer.decode(asking.ids, skip_special_tokens=True).strip(),
        "followed": len(asking.followed),
        "regions": len(regions),
        "removed": (counts / len(regions)).tolist(),
        "forms": forms,
    }


@dataclass
class _Asking:
    """One question, put to the model again and again with parts of its picture taken away.

    Attributes:
        ids: of the answer, known after the first curves.
        followed: indices of the tokens that are followed.
    """

    model: LoadedModel
    question: Question
    token_map: TokenMap
    regions: Regions
    options: FaithfulnessOptions
    ids: tuple[int, ...] = ()
    followed: tuple[int, ...] = ()
    _measured: dict[str, Measured] = field(default_factory=dict)

    def curves(
        self, form: str, orders: Mapping[str, NDArray[np.int64]], counts: NDArray[np.int64]
    ) -> dict[str, Any]:
        """Both curves of every order in one form, as JSON values."""
        probabilities = self._by_tokens if form == "tokens" else self._by_pixels
        curves = measure_orders(
            orders, counts, lambda removals: self._of(form, probabilities(removals))
        )
        measured = self._measured[form]
        return {
            "orders": {
                name: {"deletion": each.deletion.tolist(), "insertion": each.insertion.tolist()}
                for name, each in curves.items()
            },
            "rows_run": measured.rows_run,
            "rows_plain": measured.rows_plain,
        }

    def _of(self, form: str, measured: Measured) -> NDArray[np.float64]:
        """exp of the mean log-probability of the tokens that are followed, per removal."""
        self._measured[form], self.ids = measured, measured.ids
        tokenizer = self.model.processor.tokenizer
        self.followed = followed(measured.ids, self.options.word, tokenizer)
        mean: NDArray[np.float64] = measured.logprobs[:, list(self.followed)].mean(axis=1)
        return np.exp(mean)

    def _by_tokens(self, removals: Sequence[NDArray[np.bool_]]) -> Measured:
        return measure_tokens(
            self.model,
            self.question.image,
            self._prompt,
            self.token_map,
            self.regions,
            removals,
            self.options,
        )

    def _by_pixels(self, removals: Sequence[NDArray[np.bool_]]) -> Measured:
        return measure_pixels(
            self.model,
            self.question.image,
            self._prompt,
            self.ids or None,
            self.regions,
            removals,
            self.options,
        )

    @property
    def _prompt(self) -> Prompt:
        return Prompt(self.question.text, answer=self.question.answer)
