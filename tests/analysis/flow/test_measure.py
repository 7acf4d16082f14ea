"""Attention flow: curves over samples, generated rows, resume, files, bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

import vlmscope as vs
from families import llava
from lvlms import made
from views import blocks_of, page_view
from vlmscope.analysis.flow import FlowOptions, attention_flow
from vlmscope.analysis.flow.report import flow_page
from vlmscope.analysis.flow.table import flow_table
from vlmscope.attention.shares import shares
from vlmscope.cli import main
from vlmscope.cli.loading import Loading
from vlmscope.errors import BadOptionError, BadSampleError, ModelMismatchError, UnknownNameError
from vlmscope.models import Prompt

QUESTION = "what colour is the red circle ?"


def pictures(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [rng.integers(0, 255, (40 + 7 * n, 60, 3), dtype=np.uint8) for n in range(count)]


def test_curves_are_means_over_single_runs() -> None:
    model = llava()
    images = pictures(3)
    flow = attention_flow(model, [(image, QUESTION, "a red star") for image in images])
    singles = []
    for image in images:
        with shares(model) as found:
            vs.prefill(model, image, Prompt(QUESTION, answer="a red star"), preset="chat")
        singles.append(found.means)
    mean = np.mean(singles, axis=0)
    np.testing.assert_allclose(flow.head_map("generated", "image"), mean[2, :, :, 0], atol=1e-5)
    curve = [each.value for each in flow.layer_curve("last", "query")]
    np.testing.assert_allclose(curve, mean[1, :, :, 2].mean(-1), atol=1e-5)
    assert all(each.low <= each.value <= each.high for each in flow.layer_curve("last", "image"))
    assert flow.shares.shape == (3, 3, 4, 8, 4)
    np.testing.assert_allclose(flow.shares.sum(-1), 1, atol=1e-5)
    assert flow.token_share("image") > 0.3


def test_the_model_answers_when_no_answer_is_given() -> None:
    model = vs.load("tiny-llava")
    from vlmscope.data.questions import scene_questions

    (question,) = scene_questions(1, ["colour"])
    flow = attention_flow(model, [question])
    assert flow.answers[0] == question.references[0]
    assert not np.isnan(flow.shares).any()
    first, last = flow.image_band("last")
    curve = np.array([each.value for each in flow.layer_curve("last", "image")])
    assert curve[first : last + 1].sum() >= curve.sum() / 2
    assert all(
        curve[start : start + last - first].sum() < curve.sum() / 2
        for start in range(flow.layers - (last - first) + 1)
    ), "a shorter band would do"


def test_an_answer_of_one_token_has_no_generated_rows() -> None:
    model = llava()
    flow = attention_flow(model, [(pictures(1)[0], QUESTION)], FlowOptions(max_new_tokens=1))
    assert np.isnan(flow.shares[:, 2]).all()
    json.dumps(flow.to_dict(), allow_nan=False)
    assert "generated" not in flow.to_dict()["layer_curves"]
    assert {row["target"] for row in flow.rows()} == {"query", "last"}
    flow_page(flow).html()


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    model = llava()
    samples = [(image, QUESTION, "a star") for image in pictures(3)]
    state = tmp_path / "state.jsonl"
    attention_flow(model, samples[:2], resume=state)
    calls: list[int] = []
    hook = model.hf.register_forward_pre_hook(lambda *_: calls.append(1))
    resumed = attention_flow(model, samples, resume=state)
    hook.remove()
    assert len(calls) == 1, "finished samples were computed again"
    whole = attention_flow(model, samples)
    np.testing.assert_array_equal(resumed.shares, whole.shares)
    with pytest.raises(ModelMismatchError, match="max_new_tokens"):
        attention_flow(model, samples, FlowOptions(max_new_tokens=3), resume=state)


@pytest.mark.parametrize("name", ["mllama", "blip-2"])
def test_other_families_flow_too(name: str) -> None:
    options = FlowOptions(preset=None)
    flow = attention_flow(made(name), [(pictures(1)[0], QUESTION, "a star")], options)
    np.testing.assert_allclose(np.nansum(flow.shares, -1), 1, atol=1e-5)


def test_bad_input_is_refused() -> None:
    model = llava()
    with pytest.raises(BadSampleError, match="at least one question"):
        attention_flow(model, [])
    with pytest.raises(BadSampleError, match="without an image"):
        attention_flow(model, [{"question": QUESTION}])
    with pytest.raises(BadOptionError, match="at least 1"):
        FlowOptions(max_new_tokens=0)
    with pytest.raises(UnknownNameError, match="chat"):
        attention_flow(model, [(pictures(1)[0], QUESTION)], FlowOptions(preset="caht"))
    flow = attention_flow(model, [(pictures(1)[0], QUESTION, "a star")])
    with pytest.raises(UnknownNameError, match="image"):
        flow.layer_curve("last", "imgae")


def test_the_command_prints_a_table_and_writes_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, page, table = tmp_path / "f.json", tmp_path / "f.html", tmp_path / "f.parquet"
    words = ["flow", "--samples", "tiny-scenes:2:colour", "-q", "--out", str(out)]
    assert main([*words, "--html", str(page), "--parquet", str(table)]) == 0
    printed = capsys.readouterr().out
    assert "last" in printed and "image" in printed
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["samples"] == 2 and found["run"]["model"] == "tiny-llava"
    assert len(found["layer_curves"]["last"]["image"]) == 6
    view = page_view(page)
    assert "Half of what the last prompt token" in view.lead
    assert len(blocks_of(view, "head-map")) == 3  # last, query, generated rows
    for curves in blocks_of(view, "curves"):
        assert {len(series["values"]) for series in curves["series"]} == {6}
    read = parquet.read_table(table)
    assert read.num_rows == 2 * 3 * 6 * 8  # samples, targets, layers, heads
    assert json.loads(read.schema.metadata[b"run"])["analysis"] == "flow"


def test_the_command_refuses_places_and_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flow", "tiny-clip", "--samples", "tiny-scenes:1", "-q"]) == 2
    assert "no text decoder" in capsys.readouterr().err
    assert main(["flow", "--samples", "nothing.jsonl"]) == 2
    assert "Cannot read the list" in capsys.readouterr().err


def test_the_table_holds_attention_against_the_share_of_tokens() -> None:
    flow = attention_flow(llava(), [(pictures(1)[0], QUESTION, "a star")])
    columns, rows = flow_table(flow)
    assert columns[:4] == ["rows of", "keys of", "share", "of tokens"]
    assert sum(row[2] for row in rows if row[0] == "last") == pytest.approx(1, abs=1e-4)


def test_a_missing_extra_is_said_before_any_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("vlmscope.cli.results.find_spec", lambda name: None)
    monkeypatch.setattr(Loading, "decoder", lambda *_: pytest.fail("loaded"))
    assert main(["flow", "--parquet", str(tmp_path / "a.parquet")]) == 2
    assert "vlmscope[parquet]" in capsys.readouterr().err
