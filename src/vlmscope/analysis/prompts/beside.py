"""One ablation beside another on the same pictures: open-ended prompts against attribute questions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from vlmscope.analysis.prompts.differences import PromptDifference, differences
from vlmscope.analysis.prompts.looks import asked_of_pictures, looks_of
from vlmscope.analysis.prompts.measure import PromptOptions, prompt_ablation
from vlmscope.analysis.prompts.result import PromptAblation
from vlmscope.data.resume import SampleLog
from vlmscope.data.skipped import SkippedSample
from vlmscope.errors import BadPhraseError
from vlmscope.models import LoadedModel
from vlmscope.stats import Interval, bootstrap

__all__ = ["PromptsBeside", "prompts_beside"]

_MEASURES = ("per token", "changed", "image")


@dataclass(frozen=True)
class PromptsBeside:
    """Two ablations of the same pictures.

    Attributes:
        asked: under the samples' own questions.
        other: under one prompt in place of them.
        text: that prompt.
        looks: where both look, see :func:`vlmscope.analysis.prompts.looks.looks_of`.
        skipped: questions whose rows cannot be read, and why.
    """

    asked: PromptAblation
    other: PromptAblation
    text: str
    looks: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    skipped: tuple[SkippedSample, ...] = ()

    @property
    def every_skipped(self) -> tuple[SkippedSample, ...]:
        """What either prompt, or the look at their rows, left out."""
        repeats = {str(each) for each in self.asked.skipped}
        others = [each for each in self.other.skipped if str(each) not in repeats]
        return (*self.asked.skipped, *others, *self.skipped)

    def differences(self, seed: int = 0) -> list[PromptDifference]:
        """Questions against the open-ended prompt, paired by picture."""
        return differences(self.looks, self.asked, self.other, seed)

    def differences_table(self) -> tuple[list[str], list[list[object]]]:
        """Columns and rows, a measure each."""
        columns = ["measure", "pictures", "questions", "open", "questions less open"]
        return columns, [
            [each.name, each.pictures, str(each.asked), str(each.other), each.difference.signed()]
            for each in self.differences()
        ]

    def effects(self, seed: int = 0) -> dict[str, dict[str, dict[str, Interval]]]:
        """Change -> ``asked`` or ``other`` -> ``per token``, ``changed`` or ``image``.

        A change that only one of the two prompts allows has only that one's.
        """
        sides = {"asked": self.asked, "other": self.other}
        names = dict.fromkeys([*self.asked.names, *self.other.names])
        return {
            name: {
                side: _effect(each, name, seed)
                for side, each in sides.items()
                if name in each.names
            }
            for name in names
        }

    def table(self) -> tuple[list[str], list[list[object]]]:
        """Columns and rows, a kind of change each."""
        sides = {"asked": "questions", "other": "open"}
        columns = ["prompt", *(f"{sides[s]}: {m}" for m in _MEASURES for s in sides)]
        rows: list[list[object]] = []
        for name, effect in self.effects().items():
            cells = [
                str(effect[side][measure]) if side in effect else None
                for measure in _MEASURES
                for side in sides
            ]
            rows.append([name, *cells])
        return columns, rows

    def to_dict(self) -> dict[str, Any]:
        """As JSON values: those of the questions, and ``beside``."""
        beside = {
            "text": self.text,
            "effects": self.effects(),
            "differences": [asdict(each) for each in self.differences()],
            "looks": list(self.looks),
            "open": self.other.to_dict(),
            **({"skipped": [each.to_dict() for each in self.skipped]} if self.skipped else {}),
        }
        return {**self.asked.to_dict(), "beside": beside}


def prompts_beside(
    model: LoadedModel,
    samples: Iterable[Any],
    text: str,
    options: PromptOptions | None = None,
    *,
    replacements: Mapping[str, str] | None = None,
    words: bool = True,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> PromptsBeside:
    """Ablate the questions of samples, and one prompt on the same pictures, and see where both look.

    Args:
        model, options, replacements, words, progress: as for :func:`prompt_ablation`.
        samples: gone through twice; what can be gone through once is kept.
        text: asked in place of every question, of each picture once.
        resume: one state file for both.

    Raises:
        BadPhraseError: a text that is empty.
        BadSampleError: no sample, or none that can be used.
    """
    if not text.strip():
        raise BadPhraseError("The prompt to set beside the questions is empty.")
    again = list(samples) if isinstance(samples, Iterator) else samples
    settings: dict[str, Any] = {
        "replacements": replacements,
        "words": words,
        "resume": resume,
        "progress": progress,
    }
    asked = prompt_ablation(model, again, options, **settings)
    other = prompt_ablation(model, list(asked_of_pictures(again, text)), options, **settings)
    log = SampleLog(resume, asked.run)
    looks, skipped = looks_of(model, again, text, (asked, other), options or PromptOptions(), log)
    return PromptsBeside(asked, other, text, tuple(looks), skipped)


def _effect(ablation: PromptAblation, name: str, seed: int) -> dict[str, Interval]:
    tokens = {question["id"]: question["tokens"] for question in ablation.questions}
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in ablation.rows():
        if row["variant"] == name:
            groups.setdefault(row["id"], []).append(row)
    columns = {
        "per token": [
            _mean(rows, "log_prob_change") / max(1, tokens[each]) for each, rows in groups.items()
        ],
        "changed": [_mean(rows, "changed") for rows in groups.values()],
        "image": [_mean(rows, "image_share_change") for rows in groups.values()],
    }
    return {key: bootstrap(values, seed=seed) for key, values in columns.items()}


def _mean(rows: list[dict[str, Any]], key: str) -> float:
    return sum(float(row[key]) for row in rows) / len(rows)
