"""What a model says when it is asked, as an entrant of an evaluation: ``answer`` where sets ask."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from vlmscope.attention import generate
from vlmscope.attention.next_tokens import next_token_logits
from vlmscope.data.datasets import Asked, AskingSet, Dataset, EvalSample
from vlmscope.errors import UnsupportedError
from vlmscope.evaluation.answers import ANSWER, AnswerOptions
from vlmscope.evaluation.entrants.configured_methods import MethodChoice, configure_methods
from vlmscope.evaluation.entrants.entrant import Entrant, Trial
from vlmscope.evaluation.evidence.choice import Evidence
from vlmscope.evaluation.evidence.questions import AnswerWords, preset_of
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.spoken_results import Spoken, SpokenImageResult
from vlmscope.models import LoadedModel

__all__ = ["SpokenEntrant", "default_labels", "spoken_entrants", "with_articles"]


_OWN = ("presence", "answer")


@dataclass(frozen=True, eq=False)
class SpokenEntrant(Entrant):
    """A model that is asked in words.

    Attributes:
        label: what it is called in the report.
        model: who is asked.
        options: preset of the prompt, and how long an answer may be where the set's own is not
            taken.
    """

    label: str
    model: LoadedModel
    options: AnswerOptions

    scored = False
    draws = False

    @property
    def id(self) -> str:
        return ANSWER.id

    @property
    def digest(self) -> str:
        content = json.dumps(["spoken", asdict(self.options)], sort_keys=True)
        return f"spoken:{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    def setting(self) -> dict[str, Any]:
        return {
            "answer": "in the model's own words, greedily",
            "preset": self._preset,
            "options": asdict(self.options),
        }

    def evidence(self, asked: Evidence) -> tuple[str, ...]:
        """Its yes or no, off the first token of its answers, which rows hold whatever is asked for.

        Raises:
            UnsupportedError: another kind.
        """
        others = [kind for kind in asked.kinds if kind not in _OWN]
        if others:
            raise UnsupportedError(
                f"The run {self.label!r} answers in words and has no evidence {others[0]!r}, only: "
                f"{', '.join(_OWN)} (p(yes) / (p(yes) + p(no)) of the first token). Leave the one or the "
                "other out."
            )
        return asked.kinds

    def result(self, trial: Trial) -> ImageResult:
        return SpokenImageResult(lambda: self._ask(trial.sample))

    @property
    def _preset(self) -> str:
        return self.options.prompt or preset_of(self.model)

    def _ask(self, sample: EvalSample) -> list[Spoken]:
        shares = self._yes(sample)
        return [self._answer(sample, *each) for each in zip(sample.asked, shares, strict=True)]

    def _answer(self, sample: EvalSample, asked: Asked, yes: float | None) -> Spoken:
        room = self.options.room or asked.room
        pixels = sample.image.pixels
        spoken = generate(self.model, pixels, asked.text, max_new_tokens=room, preset=self._preset)
        return Spoken(asked, spoken.text, len(spoken.ids), len(spoken.ids) >= room, yes)

    def _yes(self, sample: EvalSample) -> list[float | None]:
        """Whether the first token leans to yes, of questions of yes or no: the image is run once."""
        texts = [each.text for each in sample.asked]
        if any(each.truth is None for each in sample.asked):
            return [None] * len(texts)
        try:
            words = AnswerWords.of(self.model)
        except UnsupportedError:
            return [None] * len(texts)
        logits = next_token_logits(
            self.model, sample.image.pixels, texts, preset=self._preset
        ).double()
        yes, no = (logits[:, ids].logsumexp(dim=1) for ids in (words.yes, words.no))
        return [float(each) for each in (yes - no).sigmoid()]


def spoken_entrants(
    dataset: Dataset, model: Any, methods: Sequence[MethodChoice] | None
) -> tuple[tuple[Entrant, ...], Sequence[MethodChoice] | None]:
    """Runs that answer a data set's questions in words, and the methods that are left.

    Where nothing is chosen a model that writes answers in words; sets with objects to look for are also
    taken by the methods. Of other sets nothing is changed.

    Raises:
        UnsupportedError: a model that writes nothing, or methods where nothing is looked for.
    """
    if not isinstance(dataset, AskingSet):
        return (), methods
    writes = isinstance(model, LoadedModel)
    asking = [each for each in methods or () if each.method is ANSWER]
    others = [each for each in methods or () if each.method is not ANSWER]
    if not writes and (asking or not dataset.pairs):
        raise UnsupportedError(
            f"{dataset.id} asks for answers in words, and {model.id} writes none: it is an encoder. "
            "Take a model that writes."
        )
    if others and not dataset.pairs:
        raise UnsupportedError(
            f"{dataset.id} asks for answers and has nothing to look for, so the method "
            f"{others[0].label!r} has nothing to do on it. Its one run is answer."
        )
    if methods is None:
        own = [SpokenEntrant(ANSWER.id, model, AnswerOptions())] if writes else []
        return tuple(own), None if dataset.pairs else ()
    runs = tuple(SpokenEntrant(each.label, model, AnswerOptions(**each.changes)) for each in asking)
    return runs, others


def default_labels(dataset: Dataset, model: Any) -> list[str]:
    """What is measured where nothing is named: every method that runs, and answers where they are asked."""
    asks = isinstance(dataset, AskingSet)
    speaks = [ANSWER.id] if asks and isinstance(model, LoadedModel) else []
    looks = not isinstance(dataset, AskingSet) or dataset.pairs
    return [*speaks, *(each.label for each in configure_methods(model) if looks)]


def with_articles(sample: EvalSample) -> EvalSample:
    """A sample whose objects are called as its questions call them: ``a dog`` for ``dog``."""
    referents = tuple(
        replace(each, names=(each.tags["phrase"],)) if "phrase" in each.tags else each
        for each in sample.referents
    )
    return replace(sample, referents=referents)
