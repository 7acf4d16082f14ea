"""Files of decisions are read strictly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vlmscope.errors import BadSampleError
from vlmscope.labels.audit import Decisions

STRATUM = {"bin": 0, "low": 0.1, "high": 0.9, "warned": False, "objects": 10, "drawn": 4}
DECISION = {
    "id": "a",
    "phrase": "cat",
    "instance": 0,
    "score": 0.5,
    "stratum": 0,
    "weight": 2.5,
    "decision": "accept",
}
FILE: dict[str, Any] = {
    "format": "vlmscope-decisions/1",
    "fingerprint": "f1",
    "least_score": None,
    "strata": [STRATUM],
    "decisions": [DECISION],
}


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text(json.dumps(FILE))
    found = Decisions.read(tmp_path / "d.json")
    assert (found.fingerprint, found.population, found.each[0].verdict) == ("f1", 10, "accept")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "Cannot read the decisions"),
        ("{", "Cannot read the decisions"),
        ("[]", "holds no decisions"),
        ('{"format": "vlmscope-labels/1"}', "holds no decisions"),
    ],
)
def test_a_file_of_something_else(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "d.json").write_text(text)
    with pytest.raises(BadSampleError, match=message):
        Decisions.read(tmp_path / "d.json")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decisions": [{**DECISION, "decision": "maybe"}]}, "got 'maybe'"),
        ({"decisions": [{**DECISION, "stratum": 1}]}, "stratum is not what"),
        ({"decisions": [{**DECISION, "id": 3}]}, "id is not what"),
        ({"decisions": [{**DECISION, "score": "high"}]}, "score is not what"),
        ({"decisions": [DECISION, DECISION]}, "1 objects have two decisions"),
        ({"decisions": ["accept"]}, "decisions is not what"),
        ({"strata": [{**STRATUM, "drawn": 11}]}, "drawn is not what"),
        ({"strata": [{**STRATUM, "objects": True}]}, "objects is not what"),
        ({"fingerprint": None}, "fingerprint is not what"),
    ],
)
def test_values_of_another_form(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadSampleError, match=message):
        Decisions.from_dict({**FILE, **changes})
