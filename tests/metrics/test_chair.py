"""CHAIR by its definition, counted by hand."""

from __future__ import annotations

import pytest

from vlmscope.errors import BadSampleError
from vlmscope.metrics import Chair


def test_sentences_mentions_recall_and_silence() -> None:
    rows = [
        Chair().record(1, "a", ["dog", "cat", "cat"], {"dog", "bus"}),
        Chair().record(2, "b", ["dog"], {"dog"}),
        Chair().record(3, "c", [], {"zebra"}),
    ]
    scores = {score.metric: score for score in Chair().scores(rows)}
    assert scores["CHAIRs"].interval is not None
    assert scores["CHAIRs"].interval.value == pytest.approx(1 / 3)
    assert scores["CHAIRi"].interval is not None and scores["CHAIRi"].n == 4
    assert scores["CHAIRi"].interval.value == pytest.approx(2 / 4)
    assert scores["CHAIR recall"].interval is not None
    assert scores["CHAIR recall"].interval.value == pytest.approx(2 / 4)
    silent = scores["CHAIR without objects"]
    assert silent.interval is not None and silent.interval.value == pytest.approx(1 / 3)
    assert silent.detail["notes"] == {"description that names no object of the list": 1}


def test_no_mention_at_all_has_no_share_of_mentions() -> None:
    scores = {s.metric: s for s in Chair().scores([Chair().record(1, "a", [], {"dog"})])}
    assert scores["CHAIRi"].interval is None and scores["CHAIRs"].interval is not None


def test_a_description_counts_once() -> None:
    row = Chair().record(1, "a", [], ())
    with pytest.raises(BadSampleError, match="twice"):
        Chair().scores([row, row])
