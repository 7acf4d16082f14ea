"""A head file is read strictly: what is damaged is refused in one sentence that names the field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vlmscope.errors import BadHeadSetError
from vlmscope.stats import Interval
from vlmscope.types import Head, HeadEvidence, HeadFrequency, HeadSet

SCORE = Interval(0.5, 0.25, 0.75)
ROW = {"head": [1, 2], **{key: list(SCORE) for key in ("pointing", "enrichment", "acc50")}}
EVIDENCE = HeadEvidence(
    3,
    SCORE,
    SCORE,
    SCORE,
    SCORE,
    0.1,
    ({**ROW, "percentile": 99.0},),
    {"seed": 0},
    ("a",),
    SCORE,
    0.2,
)
SET = HeadSet(
    heads=(Head(1, 2),),
    model="m",
    shape=(4, 8),
    samples=3,
    trials=2,
    tau=0.5,
    sums=(0.1, 0.2),
    frequencies=(HeadFrequency(Head(1, 2), SCORE, 0.4, None),),
    sample_ids=("a",),
    evidence=EVIDENCE,
)


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    SET.save(tmp_path / "h.json")
    assert HeadSet.load(tmp_path / "h.json") == SET
    text = (tmp_path / "h.json").read_text(encoding="utf-8")
    (tmp_path / "h.json").write_text(text, encoding="utf-8-sig")  # as editors on Windows do
    assert HeadSet.load(tmp_path / "h.json") == SET


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"tau": NaN}', "NaN is no number"),
        ('{"tau": 1e999}', "1e999 is too large"),
        ('{"heads": [], "heads": []}', "the key 'heads' occurs twice"),
        ("", "line 1 column 1"),
    ],
)
def test_what_is_no_strict_json_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "h.json").write_text(text)
    with pytest.raises(BadHeadSetError, match=f"is not JSON .*{why}"):
        HeadSet.load(tmp_path / "h.json")


def test_a_name_that_no_system_takes_is_no_file() -> None:
    with pytest.raises(BadHeadSetError, match="Cannot read the head file"):
        HeadSet.load("a\0.json")


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (("heads",), 3),
        (("heads",), ["L1H2"]),
        (("heads",), [[1, True]]),
        (("heads",), [[1, -2]]),
        (("shape",), [4.5, 8]),
        (("sums",), ["0.1"]),
        (("sample_ids",), [1]),
        (("skipped",), "all"),
        (("frequencies",), [3]),
        (("frequencies", 0, "frequency"), ["a", "b", "c"]),
        (("frequencies", 0, "entropy"), "low"),
        (("frequencies", 0, "attention_sum"), None),
        (("evidence",), []),
        (("evidence", "pointing"), [0.5, 0.25]),
        (("evidence", "samples"), "many"),
        (("evidence", "chance_pointing"), None),
        (("evidence", "random_pointing"), "x"),
        (("evidence", "mask_iou"), {}),
        (("evidence", "per_head"), [3]),
        (("evidence", "per_head", 0, "pointing"), "abc"),
        (("evidence", "per_head", 0, "percentile"), [1]),
        (("evidence", "colour"), "red"),
        (("evidence", "settings"), 3),
    ],
)
def test_a_field_of_the_wrong_type_is_named(place: tuple[Any, ...], wrong: Any) -> None:
    record: Any = json.loads(json.dumps(SET.to_dict()))
    *outer, last = place
    inner = record
    for key in outer:
        inner = inner[key]
    inner[last] = wrong
    with pytest.raises(BadHeadSetError, match="a field of the wrong type or shape"):
        HeadSet.from_dict(record)


@pytest.mark.parametrize("key", ["head", "pointing", "percentile"])
def test_a_missing_part_is_named(key: str) -> None:
    record: Any = json.loads(json.dumps(SET.to_dict()))
    del record["evidence"]["per_head"][0][key]
    with pytest.raises(BadHeadSetError, match=f"lacks the field '{key}'"):
        HeadSet.from_dict(record)
