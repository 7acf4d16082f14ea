"""A sweep of lighter passes: what it records is what the passes give, and halves do not mix."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import vlmscope as vs
from lvlms import made
from views import words_of
from vlmscope.analysis.lighten import LightenOptions, LightenSweep, lighten_sweep
from vlmscope.analysis.lighten.cost import pass_cost
from vlmscope.analysis.lighten.report import lighten_page
from vlmscope.analysis.lighten.table import lighten_table
from vlmscope.attention import WAYS
from vlmscope.attention.forced import answer_ids, encode_forced, run_forced
from vlmscope.data.questions import Question
from vlmscope.errors import BadOptionError, BadSampleError, SkippedWarning, UnsupportedError
from vlmscope.models import Prompt

ANSWERS = ("a blue star", "the dog")


def questions() -> list[tuple[np.ndarray, str, str]]:
    draw = np.random.default_rng(0)
    pictures = [draw.integers(0, 255, (60, 80, 3), dtype=np.uint8) for _ in ANSWERS]
    return [(image, "what is it ?", said) for image, said in zip(pictures, ANSWERS, strict=True)]


@pytest.fixture(scope="module")
def sweep() -> LightenSweep:
    return lighten_sweep(made("llava"), questions(), LightenOptions(layers="1,3", shares="0.5"))


def test_a_record_is_what_the_pass_loses(sweep: LightenSweep) -> None:
    model = made("llava")
    image, text, said = questions()[0]
    ids = answer_ids(model, Prompt(text), said, 1, "chat")
    encoded = encode_forced(model, image, text, ids, preset="chat")
    clean, _ = run_forced(model, encoded)
    with vs.lighten(model, 1, 0.5) as thin:
        light, likeliest = run_forced(model, encoded)
    record = sweep.records[0]
    first = record["settings"][0]
    assert (first["layer"], first["keep"], first["by"]) == (1, 0.5, "attention")
    assert first["log_prob_lost"] == pytest.approx(float(clean.sum() - light.sum()), abs=1e-4)
    assert first["kept"] == bool(likeliest.all()) and record["tokens"] == len(ids)
    positions = record["positions"]
    assert first["cache"] == pytest.approx(1 - len(thin.dropped) / positions / 2)
    assert first["cache"] > first["flops"]  # scores shrink with the square
    assert [each["by"] for each in record["settings"][:5]] == list(WAYS)
    behind_all = record["settings"][5:]
    assert {each["log_prob_lost"] for each in behind_all} == {0.0}
    assert {each["flops"] for each in behind_all} == {1.0}


def test_cost_of_a_pass_by_hand() -> None:
    model = made("llava")
    config, layers = model.decoder.config, len(model.layers)
    width, inner, keys = config.hidden_size, config.intermediate_size, config.num_key_value_heads
    head = width // config.num_attention_heads
    weights = 2 * width * width + 2 * width * keys * head + 3 * width * inner
    cost = pass_cost(model, 10, 0, 4)
    held = [10, *[6] * (layers - 1)]
    assert cost.flops == sum(2 * weights * n + 4 * n * n * width for n in held)
    assert cost.cache == sum(held) * 2 * keys * head * 4


def test_a_finished_sweep_is_not_made_again(tmp_path: Path, sweep: LightenSweep) -> None:
    options, state = LightenOptions(layers="1,3", shares="0.5"), tmp_path / "state.jsonl"
    first = lighten_sweep(made("llava"), questions(), options, resume=state)
    again = lighten_sweep(made("llava"), questions(), options, resume=state)
    assert first.to_dict() == again.to_dict()  # measured seconds as well
    assert first.ids == sweep.ids


# -- by hand -----------------------------------------------------------------------------


def handmade(tolerance: float = 0.1) -> LightenSweep:
    """Four questions; on the choosing ones a tenth is good, on the judging ones it is not."""
    lost = {(0.1, "a"): 0.0, (0.1, "b"): 3.0, (0.5, "a"): 0.1, (0.5, "b"): 0.1}

    def setting(keep: float, by: str, half: str) -> dict[str, Any]:
        drop = lost[keep, half] + (0.5 if by == "random" else 0.0)
        costs = {"flops": 0.3 + keep, "cache": 0.4, "seconds": 0.5}
        return {
            "layer": 0,
            "keep": keep,
            "by": by,
            "log_prob_lost": drop,
            "kept": drop < 1,
            **costs,
        }

    def record(half: str) -> dict[str, Any]:
        each = [setting(keep, by, half) for keep in (0.1, 0.5) for by in ("attention", "random")]
        return {"tokens": 2, "seconds": 1.0, "settings": each}

    run = {"model": "made by hand", "by": "attention", "tolerance": tolerance}
    return LightenSweep(run, ("1", "2", "3", "4"), tuple(map(record, "abab")))


def test_what_is_chosen_on_one_half_is_judged_on_the_other() -> None:
    sweep = handmade()
    assert [half.tolist() for half in sweep.halves] == [[0, 2], [1, 3]]
    assert (sweep.chosen.keep, sweep.chosen.drop.value) == (0.1, 0.0)
    best, random = sweep.judged()
    assert (best.by, best.keep, best.kept.value) == ("attention", 0.1, 0.0)
    assert best.lost.value == 3.0 and best.drop.value == pytest.approx(1 - np.exp(-1.5))
    assert (random.by, random.lost.value) == ("random", 3.5)
    assert best.seconds == 0.5
    assert {row["half"] for row in sweep.rows()} == {"choosing", "judging"}


def test_where_nothing_is_within_the_tolerance_the_least_loss_is_chosen_and_said() -> None:
    sweep = handmade(tolerance=0.0)
    assert sweep.chosen.keep == 0.1
    assert "loses least" not in sweep.verdict()
    for record in sweep.records:
        for setting in record["settings"]:
            setting["log_prob_lost"] += 1.0
    assert "loses least" in sweep.verdict()


def test_the_page_holds_verdict_table_and_run(sweep: LightenSweep) -> None:
    text = words_of(lighten_page(sweep, "vlmscope lighten").view())
    assert "of the image tokens behind layer" in text and "reversed" in text


# -- windows of layers -------------------------------------------------------------------


@pytest.fixture(scope="module")
def windows() -> LightenSweep:
    return lighten_sweep(made("llava"), questions(), LightenOptions(read="1-2"))


def test_a_window_is_measured_beside_its_controls(windows: LightenSweep) -> None:
    places = [(each.get("first"), each["layer"]) for each in windows.records[0]["settings"]]
    assert places == [(1, 2), (0, 2), (0, 1), (2, 3), (None, -1)]
    columns, rows = lighten_table(windows)
    assert columns[:2] == ["text reads the image in", "layers"]
    assert [row[:2] for row in rows] == [
        ["the chosen window", "1-2"],
        ["all layers to its end", "0-2"],
        ["as many layers elsewhere", "0-1"],
        ["as many layers elsewhere", "2-3"],
        ["no layer", "-"],
    ]
    assert "text reads the image in layers 1 to 2 only" in windows.verdict()
    assert "By first and last layer" in words_of(lighten_page(windows).view())


def test_a_windows_record_is_what_a_knockout_outside_it_loses(windows: LightenSweep) -> None:
    model = made("llava")
    image, text, said = questions()[0]
    ids = answer_ids(model, Prompt(text), said, 1, "chat")
    encoded = encode_forced(model, image, text, ids, preset="chat")
    clean, _ = run_forced(model, encoded)
    outside = {(1, 2): [0, 3], (None, -1): [0, 1, 2, 3]}
    record = windows.records[0]
    for setting in record["settings"]:
        layers = outside.get((setting.get("first"), setting["layer"]))
        if layers is None:
            continue
        edges = [("image", "text"), ("image", "generated")]
        with vs.knockout(model, edges, layers):
            light, _ = run_forced(model, encoded)
        assert setting["log_prob_lost"] == pytest.approx(float((clean - light).sum()), abs=1e-4)
        assert (setting["flops"] == 1.0) == (setting["layer"] == -1)


def of_windows(lost: dict[tuple[int, int], float], read: str = "all") -> LightenSweep:
    """Three layers, by hand; a window loses this much, however it is asked."""

    def setting(window: tuple[int, int]) -> dict[str, Any]:
        place = {"first": window[0], "layer": window[1], "keep": 0.0, "by": "read"}
        costs = {"flops": (window[1] + 1) / 3, "cache": 0.4, "seconds": 0.5}
        return {**place, "log_prob_lost": lost[window], "kept": True, **costs}

    record = {"tokens": 1, "seconds": 1.0, "settings": [setting(window) for window in lost]}
    run = {"model": "made by hand", "by": "attention", "tolerance": 0.1, "read": read}
    return LightenSweep(run, ("1", "2"), (record, record))


LOST = {(0, 0): 2.0, (0, 1): 0.0, (1, 1): 0.05, (0, 2): 0.0, (1, 2): 0.0, (2, 2): 1.0}


def test_of_windows_of_one_cost_that_of_the_fewest_layers_is_chosen() -> None:
    sweep = of_windows(LOST)
    assert sweep.chosen.window == (1, 1)  # 0-1 costs as much and loses less
    best = sweep.judged()[0]
    elsewhere = np.mean([1 - np.exp(-2.0), 1 - np.exp(-1.0)])
    assert best.saved is not None
    assert best.saved.value == pytest.approx(elsewhere - (1 - np.exp(-0.05)))


def test_a_control_that_was_not_named_is_never_chosen() -> None:
    assert of_windows(LOST, read="0-2, 2").chosen.window == (0, 2)


# -- what stays --------------------------------------------------------------------------


def test_how_much_of_the_object_stays() -> None:
    mask = np.zeros((60, 80), dtype=bool)
    mask[:30] = True
    samples = [Question(image, text, said, mask=mask) for image, text, said in questions()]
    options = LightenOptions(layers="3", shares="0.5")
    sweep = lighten_sweep(made("llava"), samples, options)
    first = next(each for each in sweep.points([0, 1]) if each.by == "first")
    assert first.object_kept is not None and first.object_kept.value > 0.9  # the upper half
    assert lighten_table(sweep)[0][-1] == "object kept"
    everything = {each["by"]: each["object_kept"] for each in sweep.records[0]["settings"]}
    assert everything["attention"] + everything["reversed"] == pytest.approx(1)


# -- bad input ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"layers": "9"}, "layers takes a whole number from 0 to 3"),
        ({"layers": "one"}, "layers takes numbers with commas"),
        ({"shares": "1"}, "above 0 and below 1"),
        ({"shares": "nan"}, "above 0 and below 1"),
        ({"shares": ""}, "at least one layer and one share"),
        ({"shares": "0.5,0"}, "above 0 and below 1, got 0.0"),
        ({"read": "0-4"}, "read takes a whole number from 0 to 3, got 4"),
        ({"read": "2-1"}, "the first layer first, got 2-1"),
        (
            {"read": "1-2,x"},
            "windows of layers FROM-TO with commas between them, or all, got '1-2,x'",
        ),
        ({"read": ","}, "windows of layers FROM-TO"),
        ({"read": "1-2", "layers": "1"}, "in place of layers and shares, got layers as well"),
    ],
)
def test_bad_layers_and_shares(given: dict[str, str], said: str) -> None:
    with pytest.raises(BadOptionError, match=said):
        lighten_sweep(made("llava"), questions(), LightenOptions(**given))


@pytest.mark.parametrize("given", [{"layers": "2,0", "shares": "0.5"}, {"read": "1-2,0-0"}])
def test_a_layer_before_the_image_has_entered_is_refused_before_any_question(
    given: dict[str, str],
) -> None:
    with pytest.raises(UnsupportedError, match="still enters behind layer"):
        lighten_sweep(made("qwen3-vl"), [], LightenOptions(**given))


def test_answers_of_no_tokens_are_counted_and_never_a_loss_of_zero() -> None:
    image = questions()[0][0]
    samples = [*questions(), (image, "what is it ?", ""), (image, "what is it ?", "qqq")]
    with pytest.warns(SkippedWarning, match="2 questions were skipped"):
        sweep = lighten_sweep(made("llava"), samples, LightenOptions(layers="1", shares="0.5"))
    assert len(sweep.ids) == 2 and len(sweep.to_dict()["skipped"]) == 2
    assert "becomes no token" in str(sweep.skipped[0])
    assert "'qqq' holds no token that the model knows" in str(sweep.skipped[1])


def test_a_model_that_says_nothing_has_no_answer_to_lose(monkeypatch: pytest.MonkeyPatch) -> None:
    model = made("llava")
    end = model.processor.tokenizer.unk_token_id  # special, as the end of an answer is
    silent = lambda *_, **__: SimpleNamespace(ids=torch.tensor([end]))  # noqa: E731
    monkeypatch.setattr("vlmscope.analysis.lighten.measure.generate", silent)
    asked = [(image, text) for image, text, _ in questions()]
    with pytest.raises(BadSampleError, match="The model says nothing to it"):
        lighten_sweep(model, asked, LightenOptions(layers="1", shares="0.5"))


def test_one_question_cannot_be_halved() -> None:
    with pytest.raises(BadSampleError, match="two are needed at least, got 1"):
        lighten_sweep(made("llava"), questions()[:1], LightenOptions(layers="1", shares="0.5"))


def test_a_family_without_it_is_refused_before_any_question() -> None:
    with pytest.raises(UnsupportedError, match="cross-attention"):
        lighten_sweep(made("mllama"), [])
