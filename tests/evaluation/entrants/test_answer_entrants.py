"""A model's own boxes on trial: the first counts, what cannot be read is wrong, and both are counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from answers import talker
from dual_families import clip
from lvlms import made
from vlmscope.attention.box_questions import BoxAnswer, BoxQuestion
from vlmscope.data.datasets import Dataset, open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import UnknownNameError, UnsupportedError
from vlmscope.evaluation.entrants.answer_entrants import place_of
from vlmscope.evaluation.entrants.configured_methods import choose, configure_methods
from vlmscope.evaluation.evidence import Evidence
from vlmscope.evaluation.report import markdown
from vlmscope.evaluation.runner import evaluate
from vlmscope.evaluation.scores import Evaluation, score_table
from vlmscope.models import Prompt

NO_BOX = "somewhere on the left"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    for like in ("refcoco-m", "grefcoco"):
        make_tiny(like, folder / like, 2)
    return folder


@pytest.fixture(scope="module")
def data(root: Path) -> Dataset:
    return open_dataset("refcoco-m", root / "refcoco-m")


@pytest.fixture(scope="module")
def model() -> Any:
    return vs.load("tiny-llava", device="cpu")


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], str]], None]:
    """Sets what a model writes to a phrase; reading it is left to the family."""

    def plant(text: Callable[[str], str]) -> None:
        def ask(question: BoxQuestion, pixels: np.ndarray, phrases: list[str]) -> list[BoxAnswer]:
            answers = []
            for phrase in phrases:
                written, prompt = text(phrase), question.prompt(phrase)
                encoded = question.model.encode([pixels], [prompt], preset=question.preset)
                read = question.model.read_answer(written, encoded.token_maps[0])
                answers.append(BoxAnswer(written, read, written.endswith("[")))
            return answers

        monkeypatch.setattr(BoxQuestion, "ask", ask)

    return plant


def measured(
    data: Dataset, model: Any, tmp_path: Path, *names: str, **options: Any
) -> tuple[Evaluation, list[dict[str, Any]]]:
    rows = tmp_path / "rows.jsonl"
    choices = choose(names or ["answer"], options.pop("settings", None))
    result = evaluate(data, model, choices, rows=rows, progress=False, **options)
    lines = [json.loads(line) for line in rows.read_text("utf-8").splitlines()]
    return result, [line for line in lines if line["method"].startswith("answer")]


def parts(box: Any, size: tuple[int, int]) -> str:
    """A box as LLaVA writes it: parts of the image padded to a square."""
    height, width = size
    side = max(size)
    left, top = (side - width) // 2, (side - height) // 2
    x0, y0, x1, y1 = box
    shifted = (x0 + left, y0 + top, x1 + left, y1 + top)
    return "[" + ", ".join(f"{value / side:.4f}" for value in shifted) + "]"


def test_the_first_box_counts_and_the_true_one_is_right(
    data: Dataset, model: Any, tmp_path: Path, says: Any
) -> None:
    referents = data.load(data.image_ids[0]).referents
    size = data.load(data.image_ids[0]).image.size
    known = {r.label: parts(r.target.box, size) for r in referents}
    far = parts((0, 0, 3, 3), size)
    says(lambda phrase: f"It is at {known[phrase]} or {far}.")
    result, rows = measured(data, model, tmp_path, limit=1)
    assert result["answer"]["Acc@0.9"].interval.value == 1
    assert result["answer"]["answer unparsed"].interval.value == 0
    for row in rows:
        assert row["box"] == pytest.approx(row["truth"], abs=0.1)
        assert row["point"] == pytest.approx(
            [(row["truth"][0] + row["truth"][2]) / 2, (row["truth"][1] + row["truth"][3]) / 2],
            abs=0.1,
        )
        assert row["answer"] == f"It is at {known[row['text']]} or {far}."
        assert (row["score"], row["mask_iou"], row["unparsed"]) == (None, None, False)
        assert row["rejection"] is False
    says(lambda phrase: f"It is at {far} or {known[phrase]}.")
    assert measured(data, model, tmp_path, limit=1)[0]["answer"]["Acc@0.5"].interval.value == 0


def test_answers_without_a_box_are_wrong_and_counted(
    data: Dataset, model: Any, tmp_path: Path, says: Any
) -> None:
    labels = sorted({r.label for i in data.image_ids for r in data.load(i).referents})
    silent, cut = labels[0], labels[1]
    texts = {silent: NO_BOX, cut: "at [0.1, 0.2, ["}
    says(lambda phrase: texts.get(phrase, "[0.1, 0.1, 0.9, 0.9]"))
    result, rows = measured(data, model, tmp_path)
    unread = [row for row in rows if row["text"] in texts]
    assert len(rows) > len(unread) > 0
    for row in unread:
        assert (row["box"], row["point"], row["iou"], row["pointing"]) == (None, None, 0.0, False)
        assert row["answer"] == texts[row["text"]] and row["unparsed"]
    run = result["answer"]
    assert run["Acc@0.5"].n == len(rows)
    unparsed, truncated = run["answer unparsed"], run["answer truncated"]
    assert (unparsed.detail["count"], unparsed.n) == (len(unread), len(rows))
    assert unparsed.interval.value == pytest.approx(len(unread) / len(rows))
    assert truncated.detail["count"] == sum(row["text"] == cut for row in rows)
    record = result.to_dict()["runs"][0]["scores"]["answer unparsed"]
    assert (record["count"], record["n"], record["unit"]) == (len(unread), len(rows), "sentences")
    shown = f"({len(unread)} of {len(rows)})"
    assert any(shown in cell for line in score_table(result.runs)[1] for cell in line)
    assert shown in markdown(result)


def test_all_boxes_count_where_several_are_meant(
    root: Path, model: Any, tmp_path: Path, says: Any
) -> None:
    data = open_dataset("grefcoco", root / "grefcoco", split="val")
    sample = data.load(data.image_ids[0])
    texts = {
        r.label: " ".join(parts(each.box, sample.image.size) for each in r.instances)
        for r in sample.referents
        if not r.absent
    }
    says(lambda phrase: texts.get(phrase, NO_BOX))
    result, rows = measured(data, model, tmp_path, limit=1)
    run = result["answer"]
    assert max(len(row["boxes"]) for row in rows) > 1
    assert run["GREC T_acc"].interval.value == 1
    absent = sum(row["absent"] for row in rows)
    assert absent and run["GREC F1"].interval.value == pytest.approx(1 - absent / len(rows))
    # what cannot be read is no rejection
    assert run["GREC N_acc"].interval.value == run["absent N_acc"].interval.value == 0
    assert "absent AUC" not in [score.metric for score in run.scores]
    # words are, and need no threshold
    says(lambda phrase: texts.get(phrase, "There is no such thing."))
    result, rows = measured(data, model, tmp_path, limit=1)
    run = result["answer"]
    for name in ("GREC N_acc", "absent N_acc", "absent T_acc", "GREC F1"):
        assert run[name].interval.value == 1, name
    assert [row["rejected"] for row in rows] == [row["absent"] for row in rows]
    [said] = result.protocol["decided by rule"].values()
    assert said == "rejected where rejection is below 0.5; no threshold was chosen"
    assert "does not exist" in run.setting["rejection"]
    # the area of a decision is the mean of both shares
    assert run["absent AUC rejection"].interval.value == 1 and "absent AUC" not in {
        score.metric for score in run.scores
    }


def test_written_boxes_beside_yes_or_no(root: Path, model: Any, tmp_path: Path, says: Any) -> None:
    data = open_dataset("grefcoco", root / "grefcoco", split="val")
    says(lambda phrase: NO_BOX)
    asked = {"evidence": Evidence.of(["answer"]), "limit": 1, "tasks": ["absent"]}
    rows = tmp_path / "rows.jsonl"
    choices = choose(["mean-attention", "answer"])
    result = evaluate(data, model, choices, rows=rows, progress=False, **asked)
    lines = [json.loads(line) for line in rows.read_text("utf-8").splitlines()]
    shares: dict[str, list[float]] = {}
    for row in lines:
        shares.setdefault(row["method"], []).append(row["evidence"]["answer"])
    assert shares["answer"] == shares["mean-attention"]
    areas = [result[label]["absent AUC answer"].interval for label in shares]
    assert areas[0] == areas[1]
    with pytest.raises(
        UnsupportedError, match="'answer' has no evidence 'contrast', only: rejection"
    ):
        evaluate(data, model, choices, progress=False, evidence=Evidence.of(["contrast"]))


def test_the_image_is_read_once_and_answers_are_kept(
    data: Dataset, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, asked, inner = tmp_path / "state.jsonl", [], BoxQuestion.ask
    monkeypatch.setattr(BoxQuestion, "ask", lambda *a: asked.append(1) or inner(*a))
    names = ("mean-attention", "answer", "answer@short")
    settings = {"answer@short": {"room": "2"}}
    result, rows = measured(data, model, tmp_path, *names, settings=settings, resume=state)
    assert len(asked) == 2 * len(data.image_ids)
    assert result["answer@short"]["answer truncated"].interval.value == 1
    assert result["answer"]["answer truncated"].interval.value == 0
    assert "read once" in result["answer"].setting["image"]
    assert result["answer"].setting["question"] == model.boxes.ask
    question = BoxQuestion.of(model)
    sample = data.load(data.image_ids[0])
    phrase = rows[0]["text"]
    generation = question.generate(sample.image.pixels, question.prompt(phrase))
    assert rows[0]["answer"] == question.read(generation).raw == generation.text
    again = measured(data, model, tmp_path, *names, settings=settings, resume=state)
    assert (again[1], len(asked)) == (rows, 2 * len(data.image_ids))


def test_a_written_box_is_a_place() -> None:
    model = talker()
    pixels = np.zeros((60, 90, 3), np.uint8)
    encoded = model.encode([pixels], [Prompt("red circle")])
    text = "(100,200),(500,800) and (0,0),(1000,500)"
    read = model.read_answer(text, encoded.token_maps[0])
    place = place_of(BoxAnswer(text, read, False))
    assert place.box == pytest.approx((9, 12, 45, 48)) and place.point == pytest.approx((27, 30))
    assert [each.score for each in place.boxes] == [None, None]
    assert place.boxes[1].box == pytest.approx((0, 0, 90, 30))
    assert (place.mask, place.score, place.instances) == (None, None, ())


def test_who_cannot_be_asked_is_refused_before_an_image_is_read() -> None:
    with pytest.raises(UnsupportedError, match="answers nothing: it is an encoder"):
        configure_methods(clip(), choose(["answer"]))
    with pytest.raises(UnsupportedError, match="no documented way of writing boxes"):
        configure_methods(made("blip-2"), choose(["answer"]))
    with pytest.raises(UnknownNameError, match="prompt preset 'poem'"):
        configure_methods(vs.load("tiny-llava"), choose(["answer"], {"answer": {"prompt": "poem"}}))
    with pytest.raises(
        UnknownNameError, match="Unknown option of answer 'rom'.*Did you mean 'room'"
    ):
        choose(["answer"], {"answer": {"rom": "3"}})
    with pytest.raises(UnknownNameError, match="Did you mean 'answer'"):
        choose(["answr"])


def test_it_is_measured_where_it_is_asked_for(model: Any) -> None:
    assert "answer" not in [run.label for run in configure_methods(model)]
    [choice] = choose(["answer"])
    with pytest.raises(UnsupportedError, match="vlmscope.compare_answer"):
        choice.method.ground(model, np.zeros((8, 8, 3), np.uint8), [Prompt("a dog")], None)
