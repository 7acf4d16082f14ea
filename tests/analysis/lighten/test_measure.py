"""A sweep of lighter passes: what it records is what the passes give, and halves do not mix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from lvlms import made
from views import words_of
from vlmscope.analysis.lighten import LightenOptions, LightenSweep, lighten_sweep
from vlmscope.analysis.lighten.cost import pass_cost
from vlmscope.analysis.lighten.report import lighten_page
from vlmscope.attention import WAYS
from vlmscope.attention.forced import answer_ids, encode_forced, run_forced
from vlmscope.errors import BadOptionError, BadSampleError, UnsupportedError
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


# -- bad input ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"layers": "9"}, "layers takes a whole number from 0 to 3"),
        ({"layers": "one"}, "layers takes numbers with commas"),
        ({"shares": "1"}, "above 0 and below 1"),
        ({"shares": "nan"}, "above 0 and below 1"),
        ({"shares": ""}, "at least one layer and one share"),
    ],
)
def test_bad_layers_and_shares(given: dict[str, str], said: str) -> None:
    with pytest.raises(BadOptionError, match=said):
        lighten_sweep(made("llava"), questions(), LightenOptions(**given))


def test_one_question_cannot_be_halved() -> None:
    with pytest.raises(BadSampleError, match="two are needed at least, got 1"):
        lighten_sweep(made("llava"), questions()[:1], LightenOptions(layers="1", shares="0.5"))


def test_a_family_without_it_is_refused_before_any_question() -> None:
    with pytest.raises(UnsupportedError, match="cross-attention"):
        lighten_sweep(made("mllama"), [])
