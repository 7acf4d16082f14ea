"""Thresholds of methods' scores: chosen on one split, written to a file, and applied to another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlmscope.data.datasets import Dataset
from vlmscope.errors import BadOptionError, BadSampleError, ModelMismatchError
from vlmscope.evaluation.entrants.entrant import Entrant
from vlmscope.evaluation.evidence.choice import Evidence
from vlmscope.evaluation.evidence.decision import SCORE, evidence_records
from vlmscope.evaluation.rows import Rows
from vlmscope.io import parse_json, shown_path, unread, write_json
from vlmscope.metrics import Threshold

__all__ = ["Thresholds", "split_of"]

_FORMAT = "vlmscope-thresholds/1"
_MAKE = "Choose one on another split: --split OTHER --threshold-out FILE."


@dataclass(frozen=True)
class Thresholds:
    """A threshold for each of some methods on a model; scores of two methods are no more comparable
    than those of two models.

    Attributes:
        dataset: id of the data set that they were chosen on.
        split: the part of it.
        model: id of the model.
        labels: digest of a method with its options -> what it was called.
        values: digest -> the threshold of its score.
        others: digest -> kind of other evidence -> its threshold and what the kind depends on.
    """

    dataset: str
    split: str
    model: str
    labels: Mapping[str, str]
    values: Mapping[str, Threshold] = field(repr=False)
    others: Mapping[str, Mapping[str, _Other]] = field(default_factory=dict, repr=False)

    @classmethod
    def choose(
        cls,
        dataset: Dataset,
        model: str,
        runs: Iterable[tuple[Entrant, Rows]],
        evidence: Evidence | None = None,
    ) -> Thresholds:
        """For each method and kind of evidence the threshold that tells best what is absent.

        Args:
            dataset: the split.
            model: id of the model.
            runs: with rows that hold all kinds asked for.
            evidence: the kinds beside the score; None: none.

        Raises:
            BadSampleError: sentences of one kind only.
        """
        asked, split = evidence or Evidence(), split_of(dataset)
        labels, values = dict[str, str](), dict[str, Threshold]()
        others = dict[str, dict[str, _Other]]()
        for run, rows in runs:
            labels[run.digest] = run.label
            values[run.digest] = Threshold.choose(rows, split)
            others[run.digest] = {
                kind: _Other(
                    Threshold.choose(evidence_records(rows, kind), split), asked.setting(kind)
                )
                for kind in run.evidence(asked)
            }
        return cls(dataset.id, split, model, labels, values, others)

    def of(
        self, run: Entrant, kind: str = SCORE, setting: Mapping[str, Any] | None = None
    ) -> Threshold:
        """The threshold of a method under its options, of its score or of other evidence.

        Raises:
            BadOptionError: there is none, or one under another setting of the evidence.
        """
        if run.digest not in self.values:
            raise BadOptionError(
                f"There is no threshold for {run.label} under these options, only for "
                f"{', '.join(self.labels.values())}. {_MAKE}"
            )
        if kind == SCORE:
            return self.values[run.digest]
        others = self.others.get(run.digest, {})
        if kind not in others:
            raise BadOptionError(
                f"There is no threshold of {kind} for {run.label}, only of "
                f"{', '.join((SCORE, *others))}. {_MAKE[:-1]} --evidence {kind}."
            )
        other, wanted = others[kind], dict(setting or {})
        if other.setting != wanted:
            raise BadOptionError(
                f"The threshold of {kind} was chosen under {other.setting}, here it is {wanted}. Give "
                "the same, or choose another."
            )
        return other.threshold

    def check_split(self, dataset: Dataset) -> None:
        """Refuse to score what they were chosen on.

        Raises:
            BadOptionError: another data set, whose sentences cannot be told from those scored.
            BadSampleError: the same split.
        """
        if dataset.id != self.dataset:
            raise BadOptionError(
                f"The thresholds were chosen on {self.dataset}, and {dataset.id} is another data "
                f"set. {_MAKE}"
            )
        if split_of(dataset) == self.split:
            raise BadSampleError(
                f"The thresholds were chosen on {self.split!r} and cannot be scored there. {_MAKE}"
            )

    def check_model(self, model: str) -> None:
        """Raise ModelMismatchError for another model."""
        if model != self.model:
            raise ModelMismatchError(
                f"The thresholds are of scores of {self.model}, the model here is {model}. {_MAKE}"
            )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write them as JSON, whole or not at all.

        Raises:
            OutputError: a place that cannot be written.
        """
        runs = [
            {
                "label": self.labels[digest],
                "digest": digest,
                "threshold": value.to_dict(),
                **self._evidence(digest),
            }
            for digest, value in self.values.items()
        ]
        head = {"format": _FORMAT, "dataset": self.dataset, "split": self.split}
        write_json(path, {**head, "model": self.model, "runs": runs})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Thresholds:
        """What :meth:`save` wrote.

        Raises:
            BadOptionError: a file that is not there, or is none of these.
        """
        try:
            content = parse_json(Path(path).read_text("utf-8-sig"))
            return cls._of(content)
        except (KeyError, TypeError, AttributeError, BadSampleError) as error:
            raise BadOptionError(
                f"{shown_path(path)} holds no thresholds as --threshold-out writes them "
                f"({type(error).__name__}: {error}). {_MAKE}"
            ) from error
        except (OSError, ValueError) as error:
            raise BadOptionError(
                f"Cannot read the thresholds {shown_path(path)}: {unread(error)}. {_MAKE}"
            ) from error

    @classmethod
    def _of(cls, content: Mapping[str, Any]) -> Thresholds:
        if content["format"] != _FORMAT:
            raise KeyError("format")
        runs = content["runs"]
        labels = {run["digest"]: str(run["label"]) for run in runs}
        values = {run["digest"]: Threshold.from_dict(run["threshold"]) for run in runs}
        others = {
            run["digest"]: {
                str(kind): _Other.read(each, values[run["digest"]])
                for kind, each in run.get("evidence", {}).items()
            }
            for run in runs
        }
        dataset, split, model = (str(content[key]) for key in ("dataset", "split", "model"))
        return cls(dataset, split, model, labels, values, others)

    def _evidence(self, digest: str) -> dict[str, Any]:
        others = self.others.get(digest, {})
        if not others:
            return {}
        # the sentences are those of the score's threshold
        kinds = {
            kind: {"value": each.threshold.value, "setting": dict(each.setting)}
            for kind, each in others.items()
        }
        return {"evidence": kinds}


@dataclass(frozen=True)
class _Other:
    """The threshold of other evidence than the score, and what the evidence depends on."""

    threshold: Threshold
    setting: Mapping[str, Any]

    @classmethod
    def read(cls, record: Mapping[str, Any], score: Threshold) -> _Other:
        """Of a file, chosen on the sentences of the score's threshold."""
        value = Threshold.from_dict({**score.to_dict(), "value": record["value"]})
        return cls(value, dict(record["setting"]))


def split_of(dataset: Dataset) -> str:
    """What the part of a data set is called, such as ``grefcoco val``."""
    return str(dataset.protocol.get("split", dataset.id))
