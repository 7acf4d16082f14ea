"""Where a question and an open-ended prompt look on the same picture: on it, on the object asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.prompts.measure import PromptOptions
from vlmscope.analysis.prompts.result import PromptAblation
from vlmscope.attention import capture
from vlmscope.attention.forced import answer_ids, encode_forced, run_forced
from vlmscope.data.questions import BAD_QUESTION, Question, as_questions
from vlmscope.data.resume import SampleLog
from vlmscope.data.skipped import SkippedSample
from vlmscope.models import LoadedModel, Prompt
from vlmscope.post import mask_coverage
from vlmscope.types import TokenMap

__all__ = ["ROWS_READ", "asked_of_pictures", "looks_of"]

ROWS_READ = ("last prompt token", "answer")
"""``answer``: mean over all rows that predict a token of it, the last prompt token's among them."""

_SIDES = ("asked", "open")


def asked_of_pictures(samples: Iterable[Any], text: str) -> Iterator[Question]:
    """The same pictures under one prompt, each once; what cannot be read was said before."""
    seen = set()
    for question in as_questions(samples, []):
        other = _under(question, text)
        if other.digest not in seen:
            seen.add(other.digest)
            yield other


def looks_of(
    model: LoadedModel,
    samples: Iterable[Any],
    text: str,
    ablations: tuple[PromptAblation, PromptAblation],
    options: PromptOptions,
    log: SampleLog,
) -> tuple[list[dict[str, Any]], tuple[SkippedSample, ...]]:
    """Read the clean answers' rows under both prompts; a record for each question that both have.

    Args:
        model: the model.
        samples: questions.
        text: the open-ended prompt.
        ablations: of the questions, and of that prompt.
        options: of both.
        log: where records go.

    Returns:
        Records: ``asked`` and ``open`` (ids in either ablation), ``picture``, and for each side and
        row ``image``, and where the question has a mask ``object`` and ``elsewhere``; and questions
        that cannot be read so, with the reason.
    """
    asked, other = ({each["id"]: each for each in one.questions} for one in ablations)
    reader = _Reader(model, options)
    records: dict[str, dict[str, Any]] = {}
    skipped: list[SkippedSample] = []
    mask_before: NDArray[np.bool_] | None = None
    for question in as_questions(samples, []):
        beside = _under(question, text)
        key = f"looks-{question.digest}"
        if question.digest in asked and beside.digest in other and key not in records:
            if key not in log:
                said = {
                    "asked": (question, asked[question.digest]),
                    "open": (beside, other[beside.digest]),
                }
                try:
                    log.add(key, _record(reader, said, question.mask, mask_before))
                except BAD_QUESTION as error:
                    place = question.place or question.digest
                    skipped.append(SkippedSample(place, str(error)))
                    continue
            records[key] = log[key]
        mask_before = mask_before if question.mask is None else question.mask
    return list(records.values()), tuple(skipped)


def _under(question: Question, text: str) -> Question:
    return replace(question, text=text, answer=None, references=(), mask=None)


def _record(
    reader: _Reader,
    said: Mapping[str, tuple[Question, dict[str, Any]]],
    mask: NDArray[np.bool_] | None,
    elsewhere: NDArray[np.bool_] | None,
) -> dict[str, Any]:
    record: dict[str, Any] = {side: said[side][0].digest for side in _SIDES}
    record["picture"] = said["open"][0].digest
    for side, (question, measured) in said.items():
        answer = measured["variants"][0]["answer"] if question.answer is None else question.answer
        maps, tokens = reader.read(question, answer)
        shares = {"image": maps.sum(axis=-1)}
        if mask is not None and mask.any():
            shares["object"] = _part(maps, tokens, mask)
            if elsewhere is not None and elsewhere.shape == mask.shape:
                shares["elsewhere"] = _part(maps, tokens, elsewhere)
        record[f"looks {side}"] = {name: values.tolist() for name, values in shares.items()}
    record["area"] = None if mask is None else float(mask.mean())
    return record


def _part(
    maps: NDArray[np.float64], tokens: TokenMap, mask: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Of each map's attention on the image, what lies in a mask: (rows, tokens) -> (rows,)."""
    total = maps.sum(axis=-1)
    inside = maps @ mask_coverage(tokens, mask)
    return np.divide(inside, total, out=np.zeros_like(total), where=total > 0)


@dataclass
class _Reader:
    """Reads rows of an answer; the last picture's are kept, as many questions may be of one."""

    model: LoadedModel
    options: PromptOptions
    _last: tuple[str, tuple[NDArray[np.float64], TokenMap]] | None = None

    def read(self, question: Question, answer: str) -> tuple[NDArray[np.float64], TokenMap]:
        """Maps of :data:`ROWS_READ`, mean over layers and heads: (rows, tokens), and their cells.

        Raises:
            BadPhraseError: an answer that becomes no token.
        """
        key = f"{question.digest} {answer}"
        if self._last is None or self._last[0] != key:
            self._last = (key, self._read(question, answer))
        return self._last[1]

    def _read(self, question: Question, answer: str) -> tuple[NDArray[np.float64], TokenMap]:
        preset, placement = self.options.preset, self.options.placement
        ids = answer_ids(self.model, Prompt(question.text), answer, 1, preset)
        encoded = encode_forced(
            self.model, question.image, question.text, ids, preset=preset, placement=placement
        )
        tokens = encoded.token_maps[0]
        rows = tokens.positions("generated") - 1
        with capture(self.model, rows=rows.tolist(), average=True) as trace:
            run_forced(self.model, encoded)
        maps = tokens.carried(trace.maps[:, 0].numpy()).astype(np.float64).mean(axis=0)
        return np.stack([maps[0], maps.mean(axis=0)]), tokens.on_cells()
