"""The whole of it on rendered images: what stands beside each claim is what the analyses say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from vlmscope.analysis.flow import FlowOptions
from vlmscope.analysis.knockout import KnockoutOptions, ObjectWords
from vlmscope.analysis.prompts import PromptOptions
from vlmscope.analysis.tokens import TokenOptions
from vlmscope.data.datasets import open_dataset
from vlmscope.data.datasets.mme import MmeSet
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.data.tiny_sets.scenes import scenes_of
from vlmscope.errors import BadOptionError, ModelMismatchError, VlmscopeWarning
from vlmscope.reproduce.reproductions import Reproduction
from vlmscope.reproduce.whats_in_the_image import (
    Settings,
    Study,
    object_words,
    open_images,
    paper,
    prompts,
)
from vlmscope.reproduce.whats_in_the_image.study import known_as
from vlmscope.tiny import Scene

IMAGES = 2
PROMPT = "describe the picture"
LONGEST = 18
WORDS = ObjectWords.read("shapes")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("study")
    make_tiny("coco-panoptic", place / "coco", IMAGES)
    make_tiny("mme", place / "mme", 1)
    return place


@pytest.fixture(scope="module")
def model() -> Any:
    return vs.load("tiny-llava")


def study_of(model: Any, folder: Path, **options: Any) -> Study:
    data = open_images(folder / "coco")
    mme = open_dataset("mme", folder / "mme")
    assert isinstance(mme, MmeSet)
    settings = Settings(max_new_tokens=LONGEST)
    return Study(model, data, object_words(data), mme=mme, settings=settings, limit=2, **options)


@pytest.fixture(scope="module")
def result(model: Any, folder: Path) -> Reproduction:
    with pytest.warns(VlmscopeWarning, match="2 of 2 pictures of MME"):
        return study_of(model, folder).run(folder / "kept", lambda text: None)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return list(scenes_of("val", IMAGES))


@pytest.fixture(scope="module")
def questions(scenes: list[Scene]) -> list[tuple[np.ndarray, str]]:
    return [(scene.image, PROMPT) for scene in scenes]


def value(result: Reproduction, id: str) -> float:
    (score,) = (each.measurement.score for each in result.findings if each.claim.id == id)
    assert score is not None and score.interval is not None
    assert score.interval.low <= score.interval.value <= score.interval.high
    return score.interval.value


def table(result: Reproduction, id: str) -> Sequence[Sequence[Any]]:
    (found,) = (each.rows for each in result.tables if each.id == id)
    return found


def test_every_claim_is_measured_and_none_decided_under_a_limit(result: Reproduction) -> None:
    assert [each.claim.id for each in result.findings] == [each.id for each in paper.claims()]
    for each in result.findings:
        assert each.measurement.score is not None and each.verdict.word == "undecided", each
        assert each.measurement.score.images == 2
        assert "only 2 images (--limit)" in each.measurement.reservations
    assert result.skipped == ()


def test_attention_flow(model: Any, result: Reproduction, questions: Any) -> None:
    flow = vs.attention_flow(model, questions, FlowOptions(max_new_tokens=LONGEST))
    query = flow.token_share("system") + flow.token_share("query")
    assert value(result, "query-tokens") == pytest.approx(query)
    parts = [flow.layer_curve("generated", source) for source in ("system", "query")]
    read = np.mean([[each.value for each in curve] for curve in parts], axis=1).sum()
    assert value(result, "query-attention") == pytest.approx(read)
    image = [each.value for each in flow.layer_curve("generated", "image")]
    lead = image[2] - np.mean([*image[:2], *image[3:]])  # layer 2 of 6: 25 to 50% of the depth
    assert value(result, "image-quarter") == pytest.approx(lead)
    entropy = [each.value for each in flow.entropy_curve("query")]
    assert value(result, "query-entropy") == pytest.approx(np.mean(entropy))
    rows = table(result, "flow")
    assert [row[2] for row in rows] == pytest.approx(image)
    assert [row[6] for row in rows] == pytest.approx(entropy)


def test_objects_under_knock_outs(model: Any, result: Reproduction, questions: Any) -> None:
    clean = [vs.generate(model, *each, max_new_tokens=LONGEST).text for each in questions]
    every = tuple(range(6))
    cases = {
        "f1-image-generated": ([("image", "generated")], every),
        "f1-image-query": ([("image", "query")], every),
        "f1-quarter-low": ([("image", "query"), ("image", "generated")], (0, 1, 3, 4, 5)),
        "f1-llava-window": ([("image", "query"), ("image", "generated")], (0, 4, 5)),
        "f1-after-half": ([("image", "query"), ("image", "generated")], (3, 4, 5)),
    }
    for id, (edges, layers) in cases.items():
        marks = []
        for question, said in zip(questions, clean, strict=True):
            with vs.knockout(model, edges, layers=layers):
                blocked = vs.generate(model, *question, max_new_tokens=LONGEST).text
            marks.append(WORDS.f1(blocked, said))
        assert value(result, id) == pytest.approx(np.mean(marks)), id
    assert value(result, "f1-quarter-high") == value(result, "f1-quarter-low")


def test_the_sweep_says_the_same(model: Any, result: Reproduction, questions: Any) -> None:
    options = KnockoutOptions(
        edges="image->both", mode="from", windows=((3, 4, 5),), ask=True, max_new_tokens=LONGEST
    )
    sweep = vs.knockout_sweep(model, questions, options, objects=WORDS)
    lost = sweep.curve("image->both", "f1_lost")[0]
    assert lost is not None
    assert value(result, "f1-after-half") == pytest.approx(1 - lost.value)


def test_descriptions_from_some_of_the_tokens(
    model: Any, result: Reproduction, questions: Any
) -> None:
    marks, held = [], []
    for image, prompt in questions:
        contexts = {
            keep: vs.compress_context(model, image, prompt, keep=keep, max_new_tokens=LONGEST)
            for keep in (1.0, 0.2)
        }
        whole, some = (contexts[keep].ask(prompt, LONGEST) for keep in (1.0, 0.2))
        marks.append(WORDS.f1(some, whole))
        held.append(contexts[0.2].tokens)
    assert value(result, "kept-20") == pytest.approx(np.mean(marks))
    row = next(row for row in table(result, "kept") if row[0] == "20%")
    assert row[4] == np.mean(held)


def test_kept_tokens_hold_more_than_an_even_share(result: Reproduction) -> None:
    for _, *shares in table(result, "held"):
        assert shares == sorted(shares) and shares[-1] <= 1
        assert all(share > keep for share, keep in zip(shares, paper.KEEPS, strict=True))


def test_words_on_their_objects(
    model: Any, result: Reproduction, questions: Any, scenes: list[Scene]
) -> None:
    options = TokenOptions(max_new_tokens=LONGEST)
    hits: dict[bool, list[list[bool]]] = {True: [], False: []}
    for (image, prompt), scene in zip(questions, scenes, strict=True):
        answer = vs.token_grounding(model, image, prompt, options=options, phrases=[])
        for index, word in enumerate(answer.words):
            shapes = [item.mask for item in scene.objects if item.shape == word.text]
            if not shapes:
                continue
            rows, columns = np.nonzero(np.any(shapes, axis=0))
            seen = []
            for layer in (0, 1, 2, 2, 3):  # a decoder of 6 layers: eighths of it overlap
                token = answer.map_of(index, (layer, layer)).argmax()
                x0, y0, x1, y1 = np.concatenate([v.boxes for v in answer.token_map.views])[token]
                x, y = int((x0 + x1) / 2), int((y0 + y1) / 2)
                nearest = np.hypot(columns - x, rows - y).min()
                seen.append(bool(nearest <= 40 / 448 * max(scene.size)))
            hits[word.lost].append(seen)
    expected = np.mean(hits[True], axis=0)
    ids = [claim.id for claim in paper.claims() if claim.id.startswith("localised")]
    assert [value(result, id) for id in ids] == pytest.approx(expected)
    every = np.mean([*hits[True], *hits[False]], axis=0)
    shown = [row[3] for row in table(result, "localised") if row[2] == "all"]
    assert shown == pytest.approx(every)
    assert len(hits[True]) >= 2  # there is something to be equal to


def test_prompts_without_their_parts(model: Any, result: Reproduction, questions: Any) -> None:
    found = vs.prompt_ablation(model, questions, PromptOptions(max_new_tokens=LONGEST))
    marks: dict[str, list[float]] = {}
    for question in found.questions:
        answers: dict[str, list[str]] = {}
        for variant in question["variants"]:
            answers.setdefault(variant["name"], []).append(variant["answer"])
        clean = answers["as asked"][0]
        for name, texts in answers.items():
            marks.setdefault(name, []).append(np.mean([WORDS.f1(text, clean) for text in texts]))
    for id, name in (
        ("prompt-query-alone", "query tokens alone"),
        ("prompt-without-a-word", "without a word"),
    ):
        assert value(result, id) == pytest.approx(np.mean(marks[name]))
    assert [row[0] for row in table(result, "prompts")] == [*marks][1:]


@pytest.mark.filterwarnings("ignore:The model's vocabulary lacks")
def test_mme_from_compressed_contexts(model: Any, result: Reproduction, folder: Path) -> None:
    data = open_dataset("mme", folder / "mme")
    assert isinstance(data, MmeSet)
    _, *lines = (folder / "kept" / "steps" / "mme.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    for place, (id, keep, _) in list(enumerate(paper.MME_KEEPS))[1:2]:
        right = []
        for image_id, record in zip(("existence/0000", "landmark/0000"), records, strict=True):
            both = data.questions(image_id)
            image = both[0].question.image
            context = vs.compress_context(model, image, PROMPT, keep=keep, max_new_tokens=LONGEST)
            answers = [context.ask(each.question.text, 8) for each in both]
            assert record["id"] == image_id and record["kept"][place]["answers"] == answers
            starts = [answer.lower()[:4] for answer in answers]
            said = ["yes" if "yes" in each else "no" if "no" in each else "" for each in starts]
            right += [word == ("yes", "no")[n] for n, word in enumerate(said)]
        assert value(result, id) == pytest.approx(np.mean(right)), id


def test_what_is_finished_is_not_done_again(
    model: Any, result: Reproduction, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder / "kept", tmp_path / "kept")
    said: list[str] = []
    again = study_of(model, folder).run(tmp_path / "kept", said.append)
    assert said == ["7 of 7 steps were done before"]
    assert again.to_dict() == result.to_dict()
    steps = tmp_path / "kept" / "steps"
    (steps / "prompts.json").unlink()
    header, first, second = (steps / "prompts.jsonl").read_text().splitlines(keepends=True)
    (steps / "prompts.jsonl").write_text(header + first + second[:100])  # as a kill leaves it
    measured = []
    measure = prompts.prompt_ablation.__globals__["_measure"]

    def counted(model: Any, question: Any, *rest: Any) -> Any:
        measured.append(question.place)
        return measure(model, question, *rest)

    monkeypatch.setitem(prompts.prompt_ablation.__globals__, "_measure", counted)
    said.clear()
    again = study_of(model, folder).run(tmp_path / "kept", said.append)
    assert said == ["6 of 7 steps were done before"]
    assert measured == ["image 2"]
    assert again.to_dict() == result.to_dict()


def test_a_folder_of_other_settings_is_refused(model: Any, result: Any, folder: Path) -> None:
    study = study_of(model, folder)
    study.settings = Settings(prompt=PROMPT, max_new_tokens=LONGEST + 1)
    with pytest.raises(ModelMismatchError, match="max_new_tokens"):
        study.run(folder / "kept", lambda text: None)


def test_the_cost_is_counted(model: Any, folder: Path) -> None:
    study = study_of(model, folder)
    costs = {step.id: step.cost for step in study.steps}
    assert costs["outside"].sentences == 2 * (1 + 3 * 3)
    assert costs["prompts"].sentences == 2 * (4 + len(PROMPT.split()))
    assert costs["mme"].sentences == 2 * (1 + 2 * 4)
    assert costs["words"].image_tokens == 2 * 4 * 256
    assert [title for title, _ in study.costs] == [step.title for step in study.steps]


def test_a_limit_of_nothing_and_an_empty_prompt(model: Any, folder: Path) -> None:
    with pytest.raises(BadOptionError, match="at least 1"):
        Study(model, open_images(folder / "coco"), WORDS, limit=0)
    with pytest.raises(BadOptionError, match="prompt is empty"):
        Settings(prompt=" ")


def test_what_a_measurement_is_of(model: Any, folder: Path, result: Reproduction) -> None:
    sets = {each.measurement.dataset for each in result.findings}
    assert sets == {"coco-panoptic, rendered", "mme test, rendered"}
    whole = study_of(model, folder)
    whole.limit = None  # as if no limit had been given
    reasons = {
        each.claim.id: each.verdict.reason for each in whole.run(folder / "kept", print).findings
    }
    assert "2 images, the paper has 80" in reasons["f1-quarter-low"]
    assert "images" not in reasons["mme-full"].partition(";")[0]
    small = replace(model, card=replace(model.card, quantisation="nf4"))
    assert "quantised weights (nf4)" in study_of(small, folder)._reservations(is_mme=True)


def test_the_papers_model_is_known_under_its_names() -> None:
    for id in ("OpenGVLab/InternVL2-Llama3-76B", "me/internvl2-76b-hf", "InternVL2-76B"):
        assert known_as(id) == paper.INTERNVL
    for id in ("OpenGVLab/InternVL3-78B-hf", "OpenGVLab/InternVL2-8B", "tiny-llava"):
        assert known_as(id) == id


def test_the_report_is_json(result: Reproduction) -> None:
    content = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert {"flow", "knockouts-outside", "knockouts-from", "kept", "held", "localised"} <= set(
        content["tables"]
    )
    assert content["protocol"]["prompt"] == PROMPT and content["protocol"]["limit"] == 2
