"""docs/datasets.md says what the code does: ids, splits, counts and layouts, none more and none less."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from vlmscope.data.datasets import (
    DATASETS,
    ade20k,
    cityscapes,
    context,
    pope,
    reasonseg,
    ref_l4,
    refcoco_m,
    voc,
)
from vlmscope.data.datasets.refcoco import RefcocoKind
from vlmscope.data.tiny_sets import LAYOUTS

PAGE = Path(__file__).parents[2] / "docs" / "datasets.md"


def rows() -> list[tuple[str, list[str]]]:
    """Id of the set (also of its further forms) and the cells of every row of the large table."""
    text = PAGE.read_text("utf-8")
    table = text[text.index("| id | form |") :].split("\n\n")[0].splitlines()[2:]
    found, name = [], ""
    for line in table:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        name = cells[0].strip("`") or name
        found.append((name, cells))
    return found


def first(name: str) -> list[str]:
    return next(cells for each, cells in rows() if each == name)


def numbers(text: str) -> list[int]:
    return [int(each.replace(",", "")) for each in re.findall(r"\d[\d,]*\d|\d", text)]


def test_every_set_has_its_row_and_every_row_its_set() -> None:
    names = [cells[0].strip("`") for _, cells in rows() if cells[0]]
    assert sorted(names) == sorted(DATASETS.ids)
    assert all(len(cells) == 8 for _, cells in rows())


@pytest.mark.parametrize("name", DATASETS.ids)
def test_splits_are_those_of_the_code(name: str) -> None:
    splits = DATASETS.get(name).splits
    written = re.sub(r"\(.*\)", "", first(name)[4]).strip()
    if splits:
        assert tuple(part.strip() for part in written.split(",")) == splits
    else:
        assert written in ("none", "yours")


def counts(name: str) -> list[int]:
    """What the code asserts, in the order of the table."""
    kind = DATASETS.get(name)
    if isinstance(kind, RefcocoKind):
        return [kind.refs[split] for split in kind.splits if split in kind.refs]
    asserted: dict[str, list[int]] = {
        "refcoco-m": list(refcoco_m._PUBLISHED.numbers.values()),
        "ref-l4": list(ref_l4._ALL.numbers.values()),
        "reasonseg": [reasonseg._IMAGES[split] for split in ("val", "test", "train")],
        **{name: list(voc._IMAGES.values()) for name in ("voc21", "voc20")},
        **{name: list(context._IMAGES) for name in ("context60", "context59")},
        "ade20k": list(ade20k._IMAGES.values()),
        "pope": [pope._PUBLISHED.numbers[each] for each in ("sentences", "images", "objects")],
        "cityscapes": list(cityscapes._IMAGES.values()),
    }
    return asserted.get(name, [])


@pytest.mark.parametrize("name", DATASETS.ids)
def test_asserted_counts_are_those_of_the_code(name: str) -> None:
    assert numbers(first(name)[5]) == counts(name)


def test_merged_counts_are_those_of_the_code() -> None:
    for name in ("refcoco", "refcoco+", "refcocog"):
        kind = DATASETS.get(name)
        assert isinstance(kind, RefcocoKind)
        [cells] = [cells for each, cells in rows() if each == name and "lmms" in cells[7]]
        assert numbers(cells[5]) == ([kind.merged] if kind.merged else [])


def test_layouts_are_those_that_can_be_rendered() -> None:
    written: Mapping[str, str] = {
        cells[7].strip("`"): name for name, cells in rows() if cells[7].strip()
    }
    assert written == {like: layout.dataset for like, layout in LAYOUTS.items()}


@pytest.mark.parametrize("name", DATASETS.ids)
def test_what_a_check_tells_to_get_is_what_the_table_tells(name: str) -> None:
    """The repositories and archives that an advice names stand in the rows of the set."""
    told = " ".join(part.advice for part in DATASETS.get(name).parts)
    named = re.findall(r"[\w.+-]+/[\w.+-]+-?\w+(?=[ ,(]|$)|[\w+]+\.zip", told)
    written = " ".join(" ".join(cells) for each, cells in rows() if each == name)
    assert [
        each for each in named if "/" in each or each.endswith(".zip") if each not in written
    ] == []
