"""Methods on a model as entrants of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from vlmscope.data.datasets import EvalSample
from vlmscope.evaluation.answered_results import with_answers
from vlmscope.evaluation.answers import ANSWER
from vlmscope.evaluation.entrants.answer_entrants import AnswerEntrant
from vlmscope.evaluation.entrants.configured_methods import ConfiguredMethod
from vlmscope.evaluation.entrants.entrant import Entrant, Trial
from vlmscope.evaluation.entrants.spoken_entrants import with_articles
from vlmscope.evaluation.evidence.choice import Evidence
from vlmscope.evaluation.image_results import ImageResult, is_dense
from vlmscope.evaluation.readouts import head_set_of, readout
from vlmscope.evaluation.reads.shared_reads import SharedReads, read_side_by_side
from vlmscope.evaluation.shared_passes import Contender, results_of_methods
from vlmscope.evaluation.words.vocabularies import called
from vlmscope.evaluation.words.vocabulary import Vocabulary
from vlmscope.methods.encoder import DenseSetup
from vlmscope.methods.encoder.protocols import SegmentationProtocol
from vlmscope.methods.encoder.texts import template_texts
from vlmscope.models import DualEncoder
from vlmscope.types import HeadSet

__all__ = ["MethodEntrant", "enter", "read_ahead"]


@dataclass(frozen=True, eq=False)
class MethodEntrant(Entrant):
    """A method on a model under options.

    Attributes:
        method: the method, its options and its label.
        words: the classes, and the model.
        chosen: the kinds of evidence that its places are to hold.
        vocabulary: the name of the classes' word list, where it is not the data set's own.
    """

    method: ConfiguredMethod
    words: Vocabulary
    chosen: Evidence = field(default_factory=Evidence)
    vocabulary: str = ""

    @property
    def label(self) -> str:  # type: ignore[override]
        return f"{self.method.label}:{self.vocabulary}" if self.vocabulary else self.method.label

    @property
    def id(self) -> str:
        return self.method.method.id

    @property
    def digest(self) -> str:
        if not self.vocabulary:
            return self.method.digest
        assert self.words.listed is not None  # where it has a name
        return f"{self.method.digest}:{self.words.listed.digest}"

    @property
    def comparable(self) -> bool:  # type: ignore[override]
        return is_dense(self.method)

    def setting(self) -> dict[str, Any]:
        listed = self.words.listed
        if not self.vocabulary or listed is None:
            return self._setting()
        words = f"{listed.title} {listed.version}".strip()
        return {"words": f"{words} ({listed.digest})", **self._setting()}

    def _setting(self) -> dict[str, Any]:
        run, model = self.method, self.words.model
        options = asdict(run.options)
        if not is_dense(run) or not isinstance(model, DualEncoder):
            return {**readout(run, model), "options": options}
        if run.protocol.fixed:
            return {
                "protocol": run.protocol.name,
                **_seen_by(run.protocol),
                "text": _text(run, model),
                "similarity": "cosine of patch and text",
                "logit_scale": _scale(run.protocol, model),
                **_refined(run.options),
                "options": options,
            }
        side = DenseSetup(run.method, model, run.options).side  # type: ignore[arg-type]
        kept = f"shorter side to {side} pixels, ratio kept to whole patches"
        windows = f", {_windows(run.options)}" if run.options.window else ""
        return {
            "resize": (kept if run.options.keep_ratio else f"squashed to {side}x{side}") + windows,
            "text": _text(run, model),
            "similarity": "cosine of patch and text",
            "options": options,
            **run.record,
        }

    def head_set(self) -> HeadSet | None:
        return head_set_of(self.method, self.words.model)

    def evidence(self, asked: Evidence) -> tuple[str, ...]:
        asked.check(self.method, self.words.model)
        return asked.kinds

    def result(self, trial: Trial) -> ImageResult:
        # taken out: whoever has looked leaves nothing behind
        result = trial.shared("methods", lambda: _results(trial)).pop(self.label)
        return with_answers(result, trial, self.words.model, self.chosen)


def enter(
    methods: Sequence[ConfiguredMethod],
    words: Vocabulary,
    chosen: Evidence | None = None,
    others: Mapping[str, Vocabulary] = MappingProxyType({}),
) -> tuple[Entrant, ...]:
    """Configured methods as entrants.

    Args:
        methods: with labels that differ.
        words: the classes, and the model.
        chosen: kinds of evidence with settings of the model (:meth:`Evidence.on`); None: the score.
        others: further vocabularies by name: a method that compares classes is followed by itself with
            each, ``gem:field``.
    """
    evidence = chosen or Evidence()
    entrants: list[Entrant] = []
    for method in methods:
        entrants.append(_entrant(method, words, evidence))
        more = others.items() if is_dense(method) else ()
        entrants += [MethodEntrant(method, own, evidence, name) for name, own in more]
    return tuple(entrants)


def _entrant(method: ConfiguredMethod, words: Vocabulary, chosen: Evidence) -> Entrant:
    if method.method is ANSWER:
        return AnswerEntrant(method, ANSWER.question(words.model, method.options), chosen)
    return MethodEntrant(method, words, chosen)


def read_ahead(trials: Sequence[Trial]) -> None:
    """Run the passes that methods share, of several images side by side, before any of them looks.

    Maps may differ from those of one image at a time in their last digits.
    """
    read_side_by_side([each for trial in trials for each in _reads(trial)])


def _results(trial: Trial) -> dict[str, ImageResult]:
    """All methods of a trial by label: those that see the image alike share a pass."""
    entrants = _methods(trial)
    contenders = [Contender(each.method, each.words, _sample(trial, each)) for each in entrants]
    [reads] = _reads(trial)
    null = entrants[0].chosen.null  # evidence is the same for all
    results = results_of_methods(contenders, null, reads)
    return {entrant.label: each for entrant, each in zip(entrants, results, strict=True)}


def _sample(trial: Trial, entrant: MethodEntrant) -> EvalSample:
    """What is looked for, called as the entrant calls it."""
    if trial.sample.asked and not is_dense(entrant.method):
        return with_articles(trial.sample)
    if not entrant.vocabulary or entrant.words.listed is None:
        return trial.sample
    return called(trial.sample, entrant.words.listed)


def _reads(trial: Trial) -> list[SharedReads]:
    """The passes that methods share: one, or none where no method takes part."""
    entrants = _methods(trial)
    if not entrants:
        return []

    def make() -> SharedReads:
        methods = [each.method for each in entrants if not each.vocabulary]
        first = entrants[0]
        return SharedReads(first.words.model, trial.sample, methods, first.chosen.null)

    return [trial.shared("reads", make)]


def _methods(trial: Trial) -> list[MethodEntrant]:
    return [each for each in trial.entrants if isinstance(each, MethodEntrant)]


def _seen_by(protocol: SegmentationProtocol) -> dict[str, str]:
    side = protocol.side
    if not protocol.keep_ratio:
        return {"resize": f"squashed to {side}x{side}"}
    step = f"sliding windows of {protocol.window} pixels every {protocol.stride}"
    return {
        "resize": f"shorter side to {side} pixels, ratio kept to the pixel, {step}, logits averaged "
        "pixel by pixel"
    }


def _refined(options: Any) -> dict[str, str]:
    """What comes on top of a protocol, so that no figure is read as the protocol's alone."""
    if not options.refine_pixels:
        return {}
    side = options.refine_side
    return {
        "refined": f"beyond the protocol: by colours, {options.refine_pixels} times, of averaged logits "
        f"painted at a longer side of {side} pixels at most, before the softmax"
    }


def _scale(protocol: SegmentationProtocol, model: DualEncoder) -> float:
    if protocol.logit_scale is not None:
        return protocol.logit_scale
    return model.family.logit_scale(model.hf)


def _windows(options: Any) -> str:
    step = options.stride or options.window // 2
    return f"sliding windows of {options.window} pixels every {step}, cosines averaged"


def _text(run: ConfiguredMethod, model: DualEncoder) -> str:
    if not model.family.templates:
        return "rows of the classifier; no templates"
    texts = template_texts(run.options.templates)
    return f"{texts[0]!r}" if len(texts) == 1 else f"mean of {len(texts)} templates"
