"""Published figures are found by what they measure, and each names its table."""

from __future__ import annotations

import json
import re
from collections import Counter
from importlib import resources
from typing import Any

import pytest

from vlmscope.evaluation.comparators import Published, published

# as printed in the tables, typed a second time
PRINTED = [
    ("refcoco", "val", "Acc@0.5", "localization heads, LLaVA-1.5-7B", 86.5),
    ("refcoco", "testB", "Acc@0.5", "localization heads, LLaVA-1.5-13B", 83.3),
    ("refcoco+", "val", "Acc@0.5", "localization heads, LLaVA-1.5-13B", 82.7),
    ("refcoco", "val", "RES oIoU", "localization heads, LLaVA-1.5-7B", 74.2),
    ("refcocog", "test", "RES oIoU", "localization heads, LLaVA-1.5-13B", 69.0),
    ("reasonseg", "test", "ReasonSeg cIoU", "localization heads, LLaVA-1.5-7B", 48.7),
    ("refcoco", "testA", "Acc@0.5", "Shikra-7B", 90.61),
    ("refcocog", "test", "Acc@0.5", "Ferret-13B", 86.3),
    ("refcoco+", "testB", "Acc@0.5", "GLIP-T", 44.59),
    ("refcocog", "val", "Acc@0.5", "Florence-2-L", 68.0),
    ("refcoco", "val", "RES mIoU", "Florence-2-B", 34.6),
    ("refcoco", "val", "Acc@0.5", "GroundVLP", 65.0),
    ("refcoco+", "testA", "RES oIoU", "F-LMM, LLaVA-1.5-7B", 71.8),
]


@pytest.mark.parametrize(("dataset", "split", "metric", "method", "percent"), PRINTED)
def test_figures_are_those_that_were_printed(
    dataset: str, split: str, metric: str, method: str, percent: float
) -> None:
    (figure,) = [each for each in published(dataset, split, metric) if each.method == method]
    assert figure.percent == percent
    assert figure.value == pytest.approx(percent / 100)
    assert (figure.dataset, figure.split, figure.metric) == (dataset, split, metric)


def test_one_method_in_several_settings_has_a_figure_for_each() -> None:
    figures = published("refcoco", "val", "RES oIoU")
    lisa = {each.setting: each.percent for each in figures if each.method == "LISA-7B"}
    assert lisa == {
        "not fine-tuned on referring segmentation": 74.1,
        "fine-tuned on referring segmentation": 74.9,
    }


def test_what_nobody_published_is_empty() -> None:
    assert published("tiny-scenes", "val", "Acc@0.5") == ()
    assert published("refcocog", "testA", "Acc@0.5") == ()
    assert published("refcoco", "val", "mIoU") == ()


def test_a_quotation_says_that_it_is_one() -> None:
    figures = {each.method: each for each in published("refcoco", "val", "Acc@0.5")}
    assert str(figures["Shikra-7B"].source).endswith("arXiv 2306.15195, Table 5")
    assert str(figures["Ferret-7B"].source).startswith("quoted in Your Large Vision-Language")
    assert figures["GLIP-T"].source.quotes  # measured by others than its authors


def everything() -> list[Published]:
    file = resources.files("vlmscope.evaluation.comparators").joinpath("published.json")
    record: dict[str, Any] = json.loads(file.read_text("utf-8"))
    assert {row["source"] for row in record["figures"]} == set(record["sources"])
    keys = {
        (dataset, split, metric): None
        for row in record["figures"]
        for metric, sets in row["percent"].items()
        for dataset, splits in sets.items()
        for split in splits
    }
    return [figure for key in keys for figure in published(*key)]


def test_every_figure_is_whole() -> None:
    figures = everything()
    assert len(figures) > 300
    for figure in figures:
        assert 0 < figure.percent < 100
        assert re.fullmatch(r"\d{4}\.\d{5}", figure.source.arxiv)
        assert figure.source.paper
        assert figure.source.table
        assert figure.setting
    splits = {"refcoco": {"val", "testA", "testB"}, "refcocog": {"val", "test"}}
    splits |= {"refcoco+": splits["refcoco"], "reasonseg": {"val", "test"}}
    assert all(figure.split in splits[figure.dataset] for figure in figures)
    places = Counter(
        (each.method, each.setting, each.dataset, each.split, each.metric) for each in figures
    )
    assert places.most_common(1)[0][1] == 1
