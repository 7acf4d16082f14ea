"""Sweeps over questions: windows, layers named, marks, one known path, resume, the command, bad input."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from pyarrow import parquet

import vlmscope as vs
from families import llava
from views import blocks_of, page_view, words_of
from vlmscope.analysis.agreement import accuracy
from vlmscope.analysis.knockout import (
    EndpointJudge,
    KnockoutOptions,
    ObjectWords,
    Window,
    edge_sets,
    knockout_sweep,
    parse_edges,
    windows,
)
from vlmscope.analysis.knockout.layers import carrying_layers, layer_scores
from vlmscope.analysis.knockout.report import knockout_page
from vlmscope.analysis.knockout.table import knockout_table, layers_table
from vlmscope.analysis.knockout.windows import given_windows, parse_layers
from vlmscope.cli import main
from vlmscope.data.questions import scene_questions
from vlmscope.errors import (
    AttentionError,
    BadOptionError,
    BadSampleError,
    ModelMismatchError,
    UnknownNameError,
    VlmscopeWarning,
)
from vlmscope.models import LoadedModel

QUESTION = "what colour is the circle ?"
ANSWER = "a red star"


def picture(seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (60, 90, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def tiny() -> LoadedModel:
    return vs.load("tiny-llava")


# -- edges and windows -------------------------------------------------------------------


def test_edge_sets_are_read() -> None:
    assert parse_edges("image <-> query") == (("image", "query"), ("query", "image"))
    assert parse_edges("image->both") == (("image", "query"), ("image", "generated"))
    names = [each.name for each in edge_sets("image->query; system->last,image->last")]
    assert names == ["image->query", "system->last,image->last"]
    for wrong in ("", " ; image->query", "image", "image->query->last"):
        with pytest.raises(BadOptionError):
            edge_sets(wrong)
    with pytest.raises(BadOptionError, match="twice"):
        edge_sets("image->query;image -> query")
    with pytest.raises(UnknownNameError, match="'image'"):
        edge_sets("imag->query")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"layers": 5, "width": 2, "stride": 2}, [(0, 1), (2, 3), (3, 4)]),
        ({"layers": 3, "mode": "outside"}, [(1, 2), (0, 2), (0, 1)]),
        ({"layers": 3, "mode": "from"}, [(0, 1, 2), (1, 2), (2,)]),
        ({"layers": 3, "mode": "until"}, [(0,), (0, 1), (0, 1, 2)]),
    ],
)
def test_windows_slide(arguments: dict, expected: list) -> None:
    assert [window.blocked for window in windows(**arguments)] == expected


def test_windows_are_given() -> None:
    assert parse_layers("0-1+4") == (0, 1, 4)
    (window,) = given_windows(6, [(4, 1, 0)], "outside")
    assert window.blocked == (2, 3, 5) and window.name == "0-1+4"
    for wrong in ([], [()], [(2, 6)], [(-1,)]):
        with pytest.raises(AttentionError):
            given_windows(6, wrong)
    with pytest.raises(AttentionError, match="left to block"):
        given_windows(3, [(0, 1, 2)], "outside")
    with pytest.raises(AttentionError, match="left to block"):
        windows(3, width=3, mode="outside")
    with pytest.raises(AttentionError, match="wider than the decoder"):
        windows(3, width=4)
    with pytest.raises(BadOptionError, match="4-7"):
        parse_layers("7-4")


# -- naming layers -----------------------------------------------------------------------

# what each of six layers carries; layers 2 and 3 most of it
CARRIED = np.array([0.1, 0.2, 3.0, 2.0, 0.1, 0.0])


@pytest.mark.parametrize("mode", ["inside", "outside", "from", "until"])
@pytest.mark.parametrize("width", [1, 2])
def test_every_mode_names_the_layers_that_carry(mode: str, width: int) -> None:
    made = windows(6, width, 1, mode)
    noise = 1 + 0.1 * np.random.default_rng(0).standard_normal((30, 1))
    effects = noise * np.array([CARRIED[list(w.blocked)].sum() for w in made])
    scores = layer_scores(mode, made, effects, noise[:, 0] * CARRIED.sum(), 6)
    found = carrying_layers(scores)
    assert found is not None and 2 in range(found.first, found.last + 1)
    assert found.last - found.first <= width
    assert found.share.value >= 0.5 and found.support[2] > 0.9 and found.support[5] == 0
    if width == 1:
        np.testing.assert_allclose([each.value for each in found.layers], CARRIED * noise.mean())


def test_no_layer_is_named_where_none_stands_out() -> None:
    rng = np.random.default_rng(1)
    assert carrying_layers(rng.standard_normal((40, 6))) is None
    assert carrying_layers(np.zeros((5, 6))) is None
    assert carrying_layers(np.full((5, 6), 1e-7)) is None, "rounding is no effect"
    partly = np.full((20, 4), np.nan)
    partly[:, 1] = 1.0
    found = carrying_layers(partly)
    assert found is not None and (found.first, found.last) == (1, 1) and found.layers[0] is None


def one_path(layer: int, head: int) -> LoadedModel:
    """A random LLaVA in which one head of one layer alone moves anything between positions."""
    model = llava("llama", seed=5, sharpen=1.0)
    columns = slice(head * 8, (head + 1) * 8)
    for number, block in enumerate(model.layers):
        weight = block.self_attn.o_proj.weight.data
        kept = weight[:, columns].clone() * 30
        weight.zero_()
        if number == layer:
            weight[:, columns] = kept
    return model


@pytest.mark.parametrize(("layer", "head"), [(0, 3), (2, 6)])
def test_the_only_path_from_image_to_answer_is_found(layer: int, head: int) -> None:
    samples = [(picture(seed), QUESTION, ANSWER) for seed in range(4)]
    options = KnockoutOptions(edges="image->both", each_head=True)
    found = knockout_sweep(one_path(layer, head), samples, options)
    kl = found.effects("kl")[0, :-1].mean(-1)  # (layers, heads)
    assert np.unravel_index(kl.argmax(), kl.shape) == (layer, head)
    assert kl[layer, head] > 1e-3
    kl[layer, head] = 0
    assert kl.max() < 1e-8
    named = found.carrying("image->both", "kl")
    assert named is not None and (named.first, named.last) == (layer, layer)
    best = found.strongest("image->both", "kl", 1)[0]
    assert (best.window, best.head) == (str(layer), head)
    assert "each head blocked alone" in words_of(knockout_page(found).view()).lower()


# -- effects -----------------------------------------------------------------------------


def test_effects_are_those_of_plain_passes(tiny: LoadedModel) -> None:
    (question,) = scene_questions(1, ["colour"])
    found = knockout_sweep(tiny, [question], KnockoutOptions(ask=True))
    clean = found.records[0]["answer"]
    assert clean == question.references[0]
    clean_logits = vs.prefill(tiny, question.image, question.text, preset="chat").logits[0]
    for layer, effect in enumerate(found.curve("image->query", "first_kl")):
        with vs.knockout(tiny, [("image", "query")], [layer]):
            logits = vs.prefill(tiny, question.image, question.text, preset="chat").logits[0]
            said = vs.generate(tiny, question.image, question.text, preset="chat").text
        p, q = clean_logits.log_softmax(-1), logits.log_softmax(-1)
        assert effect is not None
        assert effect.value == pytest.approx(float((p.exp() * (p - q)).sum()), abs=1e-4)
        assert found.records[0]["outcomes"][layer]["answer"] == said
        changed = found.effects("changed")[0, layer, 0, 0]
        assert bool(changed) == (said != clean)
    assert found.everywhere("image->query", "logprob_drop").value > 1


def test_edges_that_carry_nothing_are_said_to(tiny: LoadedModel) -> None:
    (question,) = scene_questions(1, ["colour"])
    found = knockout_sweep(tiny, [question], KnockoutOptions(edges="query->image; image->query"))
    assert found.carries_nothing[0].all() and not found.carries_nothing[1].any()
    for effect in found.measured:
        assert not found.effects(effect)[0].any(), "exactly zero"
    assert found.carrying("query->image") is None
    assert "carry nothing" in str(layers_table(found)) and "carries nothing" in str(
        knockout_table(found)
    )


def test_the_first_generated_token_is_handled_as_asked(tiny: LoadedModel) -> None:
    questions = list(scene_questions(3, ["colour"]))
    effects = {}
    for side in ("query", "generated"):
        options = KnockoutOptions(edges="image->generated", last_row=side, width=6)
        found = knockout_sweep(tiny, questions, options)
        assert found.run["last_row"] == side
        effects[side] = found.effects("first_kl")[0, 0, 0]
    assert not effects["query"].any(), "it comes out of the prefill, untouched"
    assert (effects["generated"] > 0).all()


def test_a_model_that_says_nothing_is_skipped_or_refused() -> None:
    model = llava()
    bias = torch.full((model.hf.lm_head.weight.shape[0],), -1e4)
    bias[2] = 1e4  # the end
    hook = model.hf.lm_head.register_forward_hook(lambda module, args, output: output + bias)
    try:
        with pytest.raises(BadSampleError, match="says nothing"):
            knockout_sweep(model, [(picture(), QUESTION)])
        found = knockout_sweep(model, [(picture(), QUESTION), (picture(), QUESTION, ANSWER)])
    finally:
        hook.remove()
    assert len(found.ids) == 1 and len(found.skipped) == 1


# -- marks -------------------------------------------------------------------------------


def test_objects_by_longest_name_plural_or_not() -> None:
    coco = ObjectWords.read("coco")
    text = "Two horses, some vases and suitcases; a hot dog on the Teddy-bears' sofa."
    expected = {"horse", "vase", "suitcase", "hot dog", "teddy bear", "couch"}
    assert coco.named(text) - {"person"} == expected
    assert coco.named("people, mice, knives, cookies, benches, skis") == {
        "person", "mouse", "knife", "bench", "skis",
    }  # fmt: skip
    assert coco.f1("a dog", "a dog and a sofa") == pytest.approx(2 / 3)
    assert coco.f1("nothing", "a dog") == 0 and coco.f1("a dog", "nothing") is None
    with pytest.raises(BadOptionError, match="stands for"):
        ObjectWords({"cup": ["mug"], "glass": ["mugs"]})
    for wrong in ({}, {"cup": ["!"]}):
        with pytest.raises(BadOptionError):
            ObjectWords(wrong)


def test_accuracy_by_match_and_by_the_vqa_formula() -> None:
    assert accuracy("The Red.", ["red"], "exact") == 1 and accuracy("redder", ["red"], "exact") == 0
    people = ["red"] * 3 + ["blue"] * 7
    # leaving one "red" out leaves 2 of 3 (three times), leaving a "blue" out leaves all 3
    assert accuracy("red", people, "vqa") == pytest.approx((3 * 2 / 3 + 7) / 10)
    assert accuracy("blue", people, "vqa") == 1 and accuracy("green", people, "vqa") == 0
    with pytest.raises(BadSampleError, match="several people"):
        accuracy("red", ["red"], "vqa")


BLIND = KnockoutOptions(edges="image->both", width=6, ask=True)


def test_answers_are_marked_by_objects_and_references(tiny: LoadedModel) -> None:
    questions = list(scene_questions(6, ["shape"]))
    found = knockout_sweep(tiny, questions, BLIND, objects=ObjectWords.read("shapes"))
    for at, record in enumerate(found.records):
        lost = float(record["outcomes"][0]["answer"] != record["answer"])
        assert found.effects("f1_lost")[0, 0, 0, at] == lost
        assert found.effects("accuracy_lost")[0, 0, 0, at] == lost
    assert found.effects("f1_lost")[0, 0, 0].any()


@pytest.mark.parametrize("said", ["nonsense", 7, float("nan"), None, RuntimeError("key sk-123")])
def test_a_judge_that_fails_leaves_answers_unjudged(tiny: LoadedModel, said: object) -> None:
    def judge(question: str, clean: str, answer: str) -> object:
        if isinstance(said, Exception):
            raise said
        return said

    questions = list(scene_questions(4, ["shape"]))
    with pytest.warns(VlmscopeWarning, match="could not be judged"):
        found = knockout_sweep(tiny, questions, BLIND, judge=judge)
    differs = [r["outcomes"][0]["answer"] != r["answer"] for r in found.records]
    marks = found.effects("f1_lost")[0, 0, 0]
    assert any(differs) and np.isnan(marks).tolist() == differs, "unjudged is no zero"
    assert found.unjudged == sum(differs)
    assert "sk-123" not in json.dumps(found.to_dict(), allow_nan=False)


REPLIES = ['{"both": 1, "first_only": 1, "second_only": 0}', "about a half", "{}", None]


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[dict]]]:
    """A server that speaks the protocol on this machine: replies in turn, None: a refused key."""
    asked: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append({"body": body, "key": self.headers["Authorization"]})
            reply = REPLIES[(len(asked) - 1) % len(REPLIES)]
            answer = {"error": {"message": "bad key sk-secret-1"}}
            if reply is not None:
                message = {"role": "assistant", "content": reply}
                choice = {"index": 0, "message": message, "finish_reason": "stop"}
                answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "m",
                          "choices": [choice]}  # fmt: skip
            data = json.dumps(answer).encode()
            self.send_response(401 if reply is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", asked
    server.shutdown()
    server.server_close()


def test_an_endpoint_judges_and_its_key_is_nowhere(
    endpoint: tuple[str, list[dict]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("openai")
    url, asked = endpoint
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    with pytest.raises(BadOptionError, match="JUDGE_KEY"):
        EndpointJudge("m", key_variable="JUDGE_KEY")
    with pytest.raises(BadOptionError, match="http"):
        EndpointJudge("m", "localhost:80", "JUDGE_KEY")
    monkeypatch.setenv("JUDGE_KEY", "sk-secret-1")
    judge = EndpointJudge("m", url, "JUDGE_KEY")
    samples = [(picture(seed), QUESTION, ANSWER) for seed in range(4)]
    state = tmp_path / "state.jsonl"
    with pytest.warns(VlmscopeWarning):
        options = KnockoutOptions(edges="image->both", width=4, ask=True)
        found = knockout_sweep(llava(), samples, options, judge=judge, resume=state)
    marks = found.effects("f1_lost")[0, 0, 0]
    assert marks[0] == pytest.approx(1 / 3) and np.isnan(marks[1:]).all()
    assert asked[0]["key"] == "Bearer sk-secret-1"
    assert ANSWER in asked[0]["body"]["messages"][1]["content"]
    kept = json.dumps(found.to_dict()) + state.read_text(encoding="utf-8") + repr(judge)
    assert "sk-secret" not in kept and found.run["marked_by"] == "m at 127.0.0.1"


# -- runs --------------------------------------------------------------------------------


def test_a_run_that_was_killed_loses_and_repeats_nothing(tmp_path: Path) -> None:
    model, state = llava(), tmp_path / "state.jsonl"
    samples = [(picture(seed), QUESTION, ANSWER) for seed in range(3)]

    def killed() -> Iterator[tuple]:
        yield from samples[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        knockout_sweep(model, killed(), resume=state)
    with state.open("a", encoding="utf-8") as stream:
        stream.write('{"id": "torn')
    calls: list[int] = []
    hook = model.hf.model.vision_tower.register_forward_hook(lambda *_: calls.append(1))
    resumed = knockout_sweep(model, samples, resume=state)
    hook.remove()
    assert len(calls) == 1, "a finished sample was computed again, or the image more than once"
    assert resumed.to_dict() == knockout_sweep(model, samples).to_dict()
    with pytest.raises(ModelMismatchError, match="edges"):
        knockout_sweep(model, samples, KnockoutOptions(edges="image->last"), resume=state)


def test_references_are_part_of_a_sample() -> None:
    model = llava()
    base = {"image": picture(), "question": QUESTION, "answer": ANSWER}
    one, other = (
        knockout_sweep(model, [{**base, "references": [word]}]).ids[0] for word in ("a", "b")
    )
    assert one != other


def test_bad_input_is_refused(tiny: LoadedModel) -> None:
    model = llava()
    sample = (picture(), QUESTION, ANSWER)
    with pytest.raises(BadSampleError, match="at least one question"):
        knockout_sweep(model, [])
    with pytest.raises(BadSampleError, match="without an image"):
        knockout_sweep(model, [{"question": QUESTION}])
    with pytest.raises(BadSampleError, match="no tokens"):
        knockout_sweep(model, [(picture(), QUESTION, " ")])
    with pytest.raises(AttentionError, match="layers 0 to 3"):
        knockout_sweep(model, [sample], KnockoutOptions(windows=((4,),)))
    with pytest.raises(AttentionError, match="head 8"):
        knockout_sweep(model, [sample], KnockoutOptions(heads=(8,)))
    with pytest.raises(BadOptionError, match="--ask"):
        knockout_sweep(model, [sample], objects=ObjectWords.read("coco"))
    for wrong in (
        {"edges": ""},
        {"heads": ()},
        {"windows": ((1,),), "width": 2},
        {"width": 0},
        {"stride": 1.5},
        {"max_new_tokens": 0},
        {"seed": -1},
        {"ask": 1},
    ):
        with pytest.raises(BadOptionError):
            KnockoutOptions(**wrong)
    for name in ("mode", "last_row", "accuracy"):
        with pytest.raises(UnknownNameError):
            KnockoutOptions(**{name: "nonsense"})
    found = knockout_sweep(model, [sample])
    with pytest.raises(UnknownNameError, match="logprob_drop"):
        found.curve("image->query", "logprob")
    with pytest.raises(UnknownNameError, match="image->query"):
        found.curve("image->text", "kl")


def test_the_command_prints_tables_and_writes_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, page, table = (tmp_path / name for name in ("k.json", "k.html", "k.parquet"))
    words = ["knockout", "--samples", "tiny-scenes:3:colour", "-q", "--windows", "0,1-2,0+4"]
    assert main([*words, "--out", str(out), "--html", str(page), "--parquet", str(table)]) == 0
    printed = capsys.readouterr().out
    assert "carried by layers" in printed and "0+4" in printed
    assert "logprob_drop (nats)" in printed and "kl (nats)" in printed
    found = json.loads(out.read_text(encoding="utf-8"))
    assert [each["name"] for each in found["windows"]] == ["0", "1-2", "0+4", "all"]
    curve = next(each for each in found["curves"] if each["effect"] == "logprob_drop")
    assert len(curve["windows"]) == 3 and np.shape(curve["per_sample"]) == (4, 3)
    assert found["run"]["model"] == "tiny-llava" and found["run"]["blocked"]["1-2"] == [1, 2]
    view = page_view(page)
    assert "carried by layers" in words_of(view)
    drawn = blocks_of(view, "curves")
    labels = [each["y_label"] for each in drawn]
    assert "logprob drop (nats)" in labels, "an axis without its unit"
    assert all(each["x"] == [0.0, 1.5, 2.0] for each in drawn)
    assert parquet.read_table(table).num_rows == 4 * 3
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["samples"] == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--edges", "image-"], "quotes"),
        (["--edges", "imag->query"], "Did you mean"),
        (["--width", "9"], "wider than the decoder"),
        (["--windows", "4-9"], "layers 0 to 5"),
        (["--heads", "a"], "Heads are numbers"),
        (["--objects", "no-such-list", "--ask"], "coco"),
        (["--judge-url", "http://localhost/v1"], "--judge-model"),
    ],
)
def test_the_command_refuses(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["knockout", "--samples", "tiny-scenes:1", "-q", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_window_knows_its_layers() -> None:
    assert Window(1, 3, (1, 2, 3)).layers == (1, 2, 3) and Window(1, 3, (1, 2, 3)).name == "1-3"
