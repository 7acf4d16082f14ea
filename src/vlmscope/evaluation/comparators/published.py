"""Figures that others have published, each with the table it was read in; nothing here was measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["Published", "Source", "published"]

_FILE = "published.json"


@dataclass(frozen=True)
class Source:
    """Where a figure was read.

    Attributes:
        paper: its title, or the file's name.
        arxiv: its id there, of the paper that a file belongs to.
        table: which one, as it is called there.
        quotes: whether it quotes or re-measures the method of another paper.
    """

    paper: str
    arxiv: str
    table: str
    quotes: bool

    def __str__(self) -> str:
        role = "quoted in " if self.quotes else ""
        return f"{role}{self.paper}, arXiv {self.arxiv}, {self.table}"


@dataclass(frozen=True)
class Published:
    """One figure of one method.

    Attributes:
        method: as its paper calls it, with the size of its model.
        setting: what it was trained on or given, where that decides how it compares.
        dataset: id of the set, such as ``refcoco``; RefCOCOg is that of UMD.
        split: of the set: ``val``, ``testA``, ``testB`` or ``test``.
        metric: as in docs/evaluation.md, such as ``Acc@0.5`` or ``RES oIoU``.
        percent: as printed, 0..100.
        source: where it was read.
    """

    method: str
    setting: str
    dataset: str
    split: str
    metric: str
    percent: float
    source: Source

    @property
    def value(self) -> float:
        """As scores are, 0..1."""
        return self.percent / 100


def published(dataset: str, split: str, metric: str) -> tuple[Published, ...]:
    """The published figures for one number, in the order of the data file; empty: none is known.

    Args:
        dataset: id of the set, such as ``refcoco``, ``refcoco+``, ``refcocog`` or ``reasonseg``.
        split: of the set, such as ``testA``.
        metric: such as ``Acc@0.5``, ``RES oIoU``, ``RES mIoU`` or ``ReasonSeg cIoU``.
    """
    key = (dataset, split, metric)
    return tuple(each for each in _all() if (each.dataset, each.split, each.metric) == key)


@cache
def _all() -> tuple[Published, ...]:
    folder = resources.files("vlmscope.evaluation.comparators")
    record = json.loads(folder.joinpath(_FILE).read_text("utf-8"))
    return tuple(figure for row in record["figures"] for figure in _figures(row, record["sources"]))


def _figures(row: dict[str, Any], sources: dict[str, Any]) -> Iterator[Published]:
    place = sources[row["source"]]
    source = Source(place["paper"], place["arxiv"], row["table"], row["quotes"])
    for metric, sets in row["percent"].items():
        for dataset, splits in sets.items():
            for split, percent in splits.items():
                yield Published(
                    row["method"], row["setting"], dataset, split, metric, percent, source
                )
