"""What was read is stated word for word, and heads are credited to the data they were found on."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

import vlmscope as vs
from vlmscope.data.datasets import Dataset, open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import VlmscopeWarning
from vlmscope.evaluation import choose, evaluate, write_report
from vlmscope.evaluation.readouts import EXPRESSION
from vlmscope.heads import DiscoveryOptions
from vlmscope.types import Head, HeadSet


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("set") / "m"
    make_tiny("refcoco-m", folder, 3)
    return open_dataset("refcoco-m", folder)


def measured(data: Dataset, *methods: str, **options: Any) -> Any:
    model = vs.load("tiny-llava", device="cpu")
    return evaluate(data, model, choose(list(methods), options), progress=False)


def with_heads(monkeypatch: pytest.MonkeyPatch, heads: HeadSet) -> None:
    monkeypatch.setattr("vlmscope.evaluation.readouts.reading.resolve_heads", lambda *_: heads)


def test_the_prompt_is_the_one_that_the_model_gets(data: Dataset) -> None:
    model = vs.load("tiny-llava", device="cpu")
    found = measured(data, "mean-attention", "localization-heads")
    for run in found.runs:
        text = run.setting["prompt_text"]
        assert text.count(EXPRESSION) == 1
        assert (
            text.replace(EXPRESSION, "the red circle")
            == model.write("the red circle", "paper").text
        )
        assert (run.setting["prompt"], run.setting["row"]) == ("paper", "last_text")
    assert "heads" not in found["mean-attention"].setting


def test_heads_are_those_that_are_read_and_their_source_is_said(data: Dataset) -> None:
    found = measured(
        data, "localization-heads", "localization-heads@one", **{"localization-heads@one": {"k": 1}}
    )
    three, one = (run.setting["heads"] for run in found.runs)
    assert three["heads"] == ["L2H0", "L2H3", "L2H4"] and one["heads"] == ["L2H0"]
    assert (three["samples"], three["source"], three["model"]) == (400, "discovered", "tiny-llava")
    assert found.runs[0].setting["heads_overlap"] == {"images": 0, "scored": 3}
    assert not found.warnings


def test_heads_that_were_found_on_scored_images_are_warned_of(
    data: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = vs.load("tiny-llava", device="cpu")
    samples = [
        (data.load(image).image.pixels, "the red circle") for image in list(data.image_ids)[:2]
    ]
    heads = vs.discover_heads(model, samples, DiscoveryOptions(k=3), progress=False)
    with_heads(monkeypatch, heads)
    with pytest.warns(VlmscopeWarning, match="found on 2 of the 3 images that are scored"):
        found = measured(data, "localization-heads", "mean-attention")
    [warning] = found.warnings
    assert warning.startswith("localization-heads reads heads")
    for path in write_report(found, tmp_path):
        assert "found on 2 of the 3 images" in path.read_text("utf-8")


def test_a_set_that_does_not_say_where_it_was_found_is_not_warned_of(
    data: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    heads = HeadSet((Head(2, 0),), "tiny-llava", source="published, unverified", prompt="paper")
    with_heads(monkeypatch, heads)
    with warnings.catch_warnings():
        warnings.simplefilter("error", VlmscopeWarning)
        found = measured(data, "localization-heads")
    assert found.runs[0].setting["heads_overlap"] is None
    assert found.runs[0].setting["heads"]["credit"] == "published, unverified"
    *_, page = write_report(found, tmp_path)
    assert "unknown: the set does not say on which images" in page.read_text("utf-8")


def test_heads_are_credited_to_their_data(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    heads = HeadSet(
        (Head(2, 0),), "tiny-llava", source="discovered", samples=7, options={"data": "train.jsonl"}
    )
    with_heads(monkeypatch, heads)
    credit = measured(data, "localization-heads").runs[0].setting["heads"]["credit"]
    assert credit == "discovered on train.jsonl, 7 samples"
