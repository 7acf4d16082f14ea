"""Thresholds of methods' scores: chosen on one split, written to a file, and applied to another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlmscope.data.datasets import Dataset
from vlmscope.errors import BadOptionError, BadSampleError, ModelMismatchError
from vlmscope.evaluation.entrant import Entrant
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
        values: digest -> its threshold.
    """

    dataset: str
    split: str
    model: str
    labels: Mapping[str, str]
    values: Mapping[str, Threshold] = field(repr=False)

    @classmethod
    def choose(
        cls, dataset: Dataset, model: str, runs: Iterable[tuple[Entrant, Rows]]
    ) -> Thresholds:
        """For each method the threshold that tells best what is absent in a split.

        Raises:
            BadSampleError: sentences of one kind only.
        """
        split, labels, values = split_of(dataset), dict[str, str](), dict[str, Threshold]()
        for run, rows in runs:
            labels[run.digest] = run.label
            values[run.digest] = Threshold.choose(rows, split)
        return cls(dataset.id, split, model, labels, values)

    def of(self, run: Entrant) -> Threshold:
        """The threshold of a method under its options.

        Raises:
            BadOptionError: there is none.
        """
        if run.digest not in self.values:
            raise BadOptionError(
                f"There is no threshold for {run.label} under these options, only for "
                f"{', '.join(self.labels.values())}. {_MAKE}"
            )
        return self.values[run.digest]

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
            {"label": self.labels[digest], "digest": digest, "threshold": value.to_dict()}
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
        except (OSError, ValueError) as error:
            raise BadOptionError(
                f"Cannot read the thresholds {shown_path(path)}: {unread(error)}. {_MAKE}"
            ) from error
        except (KeyError, TypeError, AttributeError, BadSampleError) as error:
            raise BadOptionError(
                f"{shown_path(path)} holds no thresholds as --threshold-out writes them "
                f"({type(error).__name__}: {error}). {_MAKE}"
            ) from error

    @classmethod
    def _of(cls, content: Mapping[str, Any]) -> Thresholds:
        if content["format"] != _FORMAT:
            raise KeyError("format")
        runs = content["runs"]
        labels = {run["digest"]: str(run["label"]) for run in runs}
        values = {run["digest"]: Threshold.from_dict(run["threshold"]) for run in runs}
        dataset, split, model = (str(content[key]) for key in ("dataset", "split", "model"))
        return cls(dataset, split, model, labels, values)


def split_of(dataset: Dataset) -> str:
    """What the part of a data set is called, such as ``grefcoco val``."""
    return str(dataset.protocol.get("split", dataset.id))
