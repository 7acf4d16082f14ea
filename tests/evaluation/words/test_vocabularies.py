"""Several word lists of the same classes in one evaluation: each as if it were alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from dual_families import clip, vit
from families import llava
from panoptic_folder import small_folder
from vlmscope.data.datasets import Dataset, WordList, open_dataset
from vlmscope.errors import BadOptionError
from vlmscope.evaluation import choose, evaluate, shared_passes
from vlmscope.evaluation.scores import Evaluation
from vlmscope.methods.encoder.protocols import FREE, SegmentationProtocol, find_protocol
from vlmscope.models import DualEncoder
from vlmscope.models.encoders.given_texts import GivenTexts
from vlmscope.models.encoders.recent_texts import RecentTexts
from vlmscope.models.encoders.text_table import TextTable

PLAIN = WordList("mine plain", {"cat": ("cat",), "bus": ("bus",), "zebra": ("dog",)}, "1")
SMALL = replace(find_protocol("field"), side=48, window=32, stride=16, templates="photo")
FIELD = WordList(
    "mine field",
    {"zebra": ("red star", "dog"), "cat": ("small cat", "large cat"), "bus": ("blue bus",)},
    "2",
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_folder(tmp_path_factory.mktemp("data")).write()


@pytest.fixture(scope="module")
def model() -> DualEncoder:
    return clip()


def data(root: Path, words: WordList) -> Dataset:
    return open_dataset("coco-panoptic", root, words)


def run(root: Path, model: Any, *methods: str, words: WordList = PLAIN, **more: Any) -> Evaluation:
    free = more.get("protocol", FREE) is FREE
    chosen = choose(methods, shared={"keep_ratio": False} if free else None)
    return evaluate(data(root, words), model, chosen, progress=False, text_cache=False, **more)


@pytest.mark.parametrize("protocol", [FREE, SMALL], ids=["free", "windows"])
def test_each_is_as_if_it_were_alone(
    root: Path, model: DualEncoder, protocol: SegmentationProtocol
) -> None:
    both = run(root, model, "clip", "gem", protocol=protocol, vocabularies={"field": FIELD})
    assert [each.label for each in both.runs] == ["clip", "clip:field", "gem", "gem:field"]
    ordered = FIELD.only(PLAIN.labels)
    for end, words in (("", PLAIN), (":field", ordered)):
        alone = run(root, model, "clip", "gem", words=words, protocol=protocol)
        for method in ("clip", "gem"):
            found = {s.metric: s for s in both[method + end].scores}
            assert found == {s.metric: s for s in alone[method].scores}
    assert both["gem"]["mIoU"] != both["gem:field"]["mIoU"]


def test_the_tower_runs_once(
    root: Path, model: DualEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    inner = shared_passes.tokens_of_methods

    def counted(encoder: Any, values: Any, grid: Any, pairs: Any, **more: Any) -> Any:
        calls.append(len(pairs))
        return inner(encoder, values, grid, pairs, **more)

    monkeypatch.setattr(shared_passes, "tokens_of_methods", counted)
    run(root, model, "clip", "gem", limit=1, vocabularies={"field": FIELD})
    assert calls == [2]


def test_the_report_says_which_words(root: Path, model: DualEncoder) -> None:
    both = run(root, model, "clip", vocabularies={"field": FIELD}, ratio_to="clip", limit=2)
    assert both.protocol["words"]["digest"] == PLAIN.digest
    ordered = FIELD.only(PLAIN.labels)
    assert both.protocol["other_words"]["field"]["digest"] == ordered.digest
    assert both["clip:field"].setting["words"] == f"mine field 2 ({ordered.digest})"
    assert "words" not in both["clip"].setting
    assert both.comparisons is not None and both.comparisons.runs[0].run == "clip:field"


def test_a_list_is_added_to_what_is_finished(
    root: Path, model: DualEncoder, tmp_path: Path
) -> None:
    state = tmp_path / "samples.jsonl"
    first = run(root, model, "clip", limit=1, resume=state)
    lines = len(state.read_text().splitlines())
    both = run(root, model, "clip", limit=1, resume=state, vocabularies={"field": FIELD})
    assert len(state.read_text().splitlines()) == lines + 1
    assert both["clip"].scores == first["clip"].scores


def test_other_classes_are_refused_by_name(root: Path, model: DualEncoder) -> None:
    less = WordList("less", {"cat": ("cat",), "bus": ("bus",)})
    with pytest.raises(BadOptionError, match=r"word list less \(less\) .* it lacks 'zebra'"):
        run(root, model, "clip", vocabularies={"less": less})
    more = WordList("more", {**PLAIN.classes, "car": ("car",)})
    with pytest.raises(BadOptionError, match="it has 'car' and more"):
        run(root, model, "clip", vocabularies={"more": more})


def test_a_tower_without_text_reports_the_first_alone_and_says_so(
    root: Path, model: DualEncoder
) -> None:
    labels = WordList("labels", {"cat": ("tabby cat",), "bus": ("bus",), "zebra": ("zebra",)})
    more = {"vocabularies": {"field": FIELD}, "limit": 1}
    classifier = run(root, vit(), "clip", words=labels, **more)
    assert [each.label for each in classifier.runs] == ["clip"]
    [said] = classifier.warnings
    assert said == (
        "The vocabulary field is left out, labels alone is reported: 5 of its 5 names are no labels "
        "of random-vit, such as 'red star'."
    )
    vectors = {name: model.text_embeddings([name])[0] for name in ("cat", "bus", "dog")}
    given = replace(
        model, family=GivenTexts(model.family, TextTable.of(vectors)), _texts=RecentTexts()
    )
    alone = run(root, given, "clip", vocabularies={"field": FIELD}, limit=1)
    assert [each.label for each in alone.runs] == ["clip"]
    assert "4 of its 5 names have no embedding among those given" in alone.warnings[0]
    every = {
        text: torch.nn.functional.normalize(torch.randn(len(vectors["cat"])), dim=0)
        for words in (PLAIN, FIELD)
        for names in words.classes.values()
        for text in map(str, names)
    }
    given = replace(
        model, family=GivenTexts(model.family, TextTable.of(every)), _texts=RecentTexts()
    )
    both = run(root, given, "clip", vocabularies={"field": FIELD}, limit=1)
    assert [each.label for each in both.runs] == ["clip", "clip:field"]


def test_methods_that_take_one_name_are_measured_with_the_first(root: Path) -> None:
    found = run(root, llava(), "mean-attention", vocabularies={"field": FIELD}, limit=1)
    assert [each.label for each in found.runs] == ["mean-attention"]
    assert "field is left out, mine plain alone is reported" in found.warnings[0]
