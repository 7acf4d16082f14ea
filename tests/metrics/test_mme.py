"""MME's scores, by hand and counted image by image."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vlmscope.errors import BadSampleError
from vlmscope.metrics import Mme
from vlmscope.metrics.mme import COGNITION, PERCEPTION

WORDS = [
    "Yes",
    "No",
    "yes.",
    "no, it is not",
    "The no",
    "It is yes",
    "",
    "maybe",
    "eyes no",
    "Nope",
]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        *(("Yes", "yes"), ("NO.", "no"), ("no it is yes", "no"), (" yes", "yes")),
        *(("The answer is yes", "other"), ("", "other"), ("it's no", "other"), ("know", "no")),
        *(("a no", "no"), ("  yes", "other"), ("eyes", "yes")),
    ],
)
def test_the_first_four_characters_are_read(text: str, answer: str) -> None:
    assert Mme().record(1, 1, "count", text, truth=True)["answer"] == answer


def fuzzed() -> list[dict]:
    rng = np.random.default_rng(0)
    rows = []
    for image in range(500):
        category = [*PERCEPTION, *COGNITION][int(rng.integers(14))]
        for truth in (True, False):
            text = WORDS[rng.integers(len(WORDS))]
            sample = f"{image} {truth}"
            rows.append(Mme().record(sample, f"{category}/{image}", category, text, truth=truth))
    return [json.loads(json.dumps(row)) for row in rows]


def plain_scores(rows: list[dict]) -> dict[str, float]:
    right: dict[str, list[bool]] = {}
    for row in rows:
        right.setdefault(row["image"], []).append(row["answer"] == row["truth"])
    found = {}
    for kind, categories in (("perception", PERCEPTION), ("cognition", COGNITION)):
        total = 0.0
        for category in categories:
            mine = [hits for image, hits in right.items() if image.split("/")[0] == category]
            acc = sum(map(sum, mine)) / (2 * len(mine))
            plus = sum(map(all, mine)) / len(mine)
            found[f"MME {category}"] = 100 * (acc + plus)
            total += 100 * (acc + plus)
        found[f"MME {kind}"] = total
    found["MME ACC"] = sum(map(sum, right.values())) / len(rows)
    return {**found, "MME ACC+": sum(map(all, right.values())) / len(right)}


def test_scores_are_counted_image_by_image() -> None:
    rows = fuzzed()
    scores = Mme().scores(rows)
    assert {s.metric: s.interval.value for s in scores} == pytest.approx(plain_scores(rows))
    assert {score.metric: (score.n, score.images) for score in scores}["MME ACC"] == (1000, 500)
    for score in scores:
        assert score.interval.low <= score.interval.value <= score.interval.high
        assert (score.unit, score.n) == ("questions", 2 * score.images)


def pair(image: str, category: str, *answers: str) -> list[dict]:
    truths = (True, False)
    return [
        Mme().record(f"{image} {n}", image, category, text, truth=truths[n])
        for n, text in enumerate(answers)
    ]


def test_by_hand() -> None:
    rows = pair("a", "count", "yes", "no") + pair("b", "count", "yes", "yes")
    rows += pair("c", "color", "no", "yes")
    scores = {score.metric: score for score in Mme().scores(rows)}
    assert scores["MME count"].interval.value == 100 * (3 / 4 + 1 / 2)
    assert scores["MME color"].interval.value == 0
    assert scores["MME perception"].interval.value == 125
    assert scores["MME perception"].to_dict()["categories"] == ["count", "color"]
    assert (scores["MME perception"].n, scores["MME perception"].images) == (6, 3)
    assert scores["MME cognition"].interval is None
    assert scores["MME ACC"].interval.value == 0.5
    assert scores["MME ACC+"].interval.value == pytest.approx(1 / 3)
    assert "MME existence" not in scores


def test_a_category_that_is_not_drawn_keeps_its_value() -> None:
    rows = pair("a", "count", "yes", "no") + pair("b", "color", "yes", "no")
    scores = {score.metric: score.interval for score in Mme().scores(rows)}
    assert scores["MME perception"] == (400, 400, 400)


def test_what_is_no_pair_is_refused() -> None:
    with pytest.raises(BadSampleError, match="two questions on each image, got 1 on 'a'"):
        Mme().scores(pair("a", "count", "yes"))
    with pytest.raises(BadSampleError, match="questions of 'count' and of 'color'"):
        Mme().scores([*pair("a", "count", "yes"), pair("a", "color", "yes", "no")[1]])
    with pytest.raises(BadSampleError, match="no category 'colour'"):
        Mme().record(1, 1, "colour", "yes", truth=True)
    with pytest.raises(BadSampleError, match="recorded twice"):
        Mme().scores(pair("a", "count", "yes") * 2)


def test_without_a_question_no_score_has_a_value() -> None:
    assert {score.interval for score in Mme().scores([])} == {None}
