"""What words looked at: rows, controls, groundings, the localisation score, the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pyarrow import parquet

import vlmscope as vs
from families import llava
from lvlms import made
from views import blocks_of, page_view, words_of
from vlmscope.analysis.tokens import TokenOptions, localisation, token_grounding
from vlmscope.analysis.tokens.picture import caption_picture
from vlmscope.analysis.tokens.report import tokens_page
from vlmscope.analysis.tokens.table import tokens_table
from vlmscope.cli import main
from vlmscope.data.questions import Question, scene_questions
from vlmscope.errors import (
    AttentionError,
    BadOptionError,
    BadPhraseError,
    BadSampleError,
    UnknownNameError,
)
from vlmscope.models import LoadedModel
from vlmscope.tiny import render_scene
from vlmscope.viewer import View

QUESTION = "what colour is the circle on the left ?"
ANSWER = "a large red circle"


def picture(height: int = 60, width: int = 90) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 255, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def tiny() -> LoadedModel:
    return vs.load("tiny-llava")


@pytest.mark.parametrize("row", ["predicts", "own"])
def test_maps_are_rows_of_the_words_tokens(row: str) -> None:
    model = llava()
    found = token_grounding(model, picture(), QUESTION, ANSWER, TokenOptions(row=row))
    assert [word.text for word in found.words] == ANSWER.split()
    prompt = vs.models.Prompt(QUESTION, answer=ANSWER)
    tokens = vs.token_map(model, picture(), prompt, preset="chat")
    rows = tokens.positions("generated") - int(row == "predicts")
    with vs.capture(model, rows=rows.tolist()) as trace:
        vs.prefill(model, picture(), prompt, preset="chat")
    for index, word in enumerate(found.words):
        np.testing.assert_allclose(word.maps, trace.maps[:, :, index].mean(1), atol=1e-6)
        np.testing.assert_allclose(word.share, trace.maps[:, :, index].sum(-1).mean(1), atol=1e-5)
    whole = found.map_of([1, 2], (0, 3))
    np.testing.assert_allclose(whole, trace.maps[:, :, 1:3].mean((0, 1, 2)), atol=1e-6)


def test_log_probs_are_the_models_own() -> None:
    model = llava()
    found = token_grounding(model, picture(), QUESTION, ANSWER)
    prompt = vs.models.Prompt(QUESTION, answer=ANSWER)
    encoded = model.encode([picture()], [prompt], preset="chat")
    with torch.no_grad():
        logits = model.hf(**encoded.inputs).logits[0].log_softmax(-1)
    positions = encoded.token_maps[0].positions("generated")
    expected = [float(logits[p - 1, encoded.inputs["input_ids"][0, p]]) for p in positions]
    assert [word.log_prob for word in found.words] == pytest.approx(expected, abs=1e-4)
    with vs.knockout(model, [("image", "generated"), ("image", "last")]), torch.no_grad():
        blocked = vs.prefill(model, picture(), prompt, preset="chat")
        assert blocked.logits is not None
    assert any(abs(w.log_prob - w.blocked_log_prob) > 1e-4 for w in found.words)


def test_heads_and_layers_can_be_chosen() -> None:
    model = llava()
    heads = [(1, 0), (1, 5), (3, 2)]
    options = TokenOptions(first_layer=1, last_layer=3)
    found = token_grounding(model, picture(), QUESTION, ANSWER, options, heads=heads)
    prompt = vs.models.Prompt(QUESTION, answer=ANSWER)
    with vs.capture(model, rows="generated", heads=heads) as trace:
        vs.prefill(model, picture(), prompt, preset="chat")
    one = trace.rows_of(heads)
    np.testing.assert_allclose(found.words[0].maps[1], one[:2, 0].mean(0), atol=1e-6)
    np.testing.assert_allclose(found.words[0].maps[3], one[2, 0], atol=1e-6)
    assert found.words[0].maps[[0, 2]].max() == 0 and found.layers == (1, 3)


def test_words_of_a_caption_find_their_objects(tiny: LoadedModel) -> None:
    scene = render_scene(20_000_007)
    found = token_grounding(tiny, scene.image, "describe the picture")
    assert len(found.phrases) >= 2
    hits = 0
    for phrase in found.phrases:
        words = set(phrase.phrase.split())
        best = max(scene.objects, key=lambda item: len(words & set(item.description().split())))
        x, y = (int(value) for value in phrase.point)
        hits += bool(best.mask[y, x])
        assert phrase.heatmap.shape == scene.image.shape[:2]
    assert hits >= len(found.phrases) - 1
    red = next(word for word in found.words if word.text == "red")
    assert red.gain > 2 and red.lost and not red.maybe_guessed


def test_the_same_words_on_a_blank_image_are_marked(tiny: LoadedModel) -> None:
    blank = np.full((128, 128, 3), 120, dtype=np.uint8)
    found = token_grounding(tiny, blank, "what colour is the circle", "red")
    (word,) = found.words
    # the image IS blank, so it gains nothing over a blank one
    assert word.maybe_guessed and word.gain == pytest.approx(0, abs=1e-4)
    assert found.phrases[0].warnings and "no more attention" in found.phrases[0].warnings[0]


@pytest.mark.parametrize("name", ["blip-2", "mllama"])
def test_other_families_are_grounded_too(name: str) -> None:
    options = TokenOptions(preset=None)
    found = token_grounding(made(name), picture(), QUESTION, ANSWER, options)
    assert found.words[0].maps.shape[1] == len(found.token_map.image_positions)
    assert found.phrases[0].heatmap.shape == (60, 90)


def test_phrases_can_be_given() -> None:
    found = token_grounding(llava(), picture(), QUESTION, ANSWER, phrases=["Red Circle", "large"])
    assert [phrase.phrase for phrase in found.phrases] == ["red circle", "large"]
    assert found.phrases[0].details["words"] == [2, 3]
    with pytest.raises(BadPhraseError, match="does not hold the phrase 'blue'"):
        token_grounding(llava(), picture(), QUESTION, ANSWER, phrases=["blue"])


def test_the_localisation_score_counts_peaks_in_masks(tiny: LoadedModel) -> None:
    questions = list(scene_questions(12, ["colour", "texture"]))
    found = localisation(tiny, questions, [(0, 1), (2, 3)])
    assert found.words == 12 and len(found.all_words) == 2
    assert found.all_words[1].value > 0.7 > found.chance
    everywhere = [
        Question(q.image, q.text, q.answer, q.references, np.ones(q.image.shape[:2], dtype=bool))
        for q in questions[:3]
    ]
    assert localisation(tiny, everywhere, [(2, 3)]).all_words[0].value == 1.0
    with pytest.raises(BadSampleError, match="questions with masks"):
        localisation(tiny, [(questions[0].image, "what is it")])


def test_a_peak_counts_within_the_tolerance(tiny: LoadedModel) -> None:
    (question,) = scene_questions(1, ["colour"])
    corner = np.zeros(question.image.shape[:2], dtype=bool)
    corner[-1, -1] = True
    moved = Question(question.image, question.text, None, (), corner)
    assert localisation(tiny, [moved], [(2, 3)], tolerance=0.0).all_words[0].value == 0.0
    assert localisation(tiny, [moved], [(2, 3)], tolerance=2.0).all_words[0].value == 1.0


def test_results_can_be_read_by_people_and_machines(tiny: LoadedModel) -> None:
    found = token_grounding(tiny, render_scene(20_000_007).image, "describe the picture")
    record = json.loads(found.to_json())
    assert record["caveat"] and len(record["words"]) == len(found.words)
    assert len(record["words"][0]["top_tokens"]) == 5
    columns, rows = tokens_table(found)
    assert len(columns) == len(rows[0]) and rows[0][0] == found.words[0].text
    view = View.unpack(tokens_page(found, "vlmscope tokens").view().pack())
    assert "not a proof" in words_of(view)
    (block,), (scene,) = blocks_of(view, "words"), blocks_of(view, "scene")
    assert [word["text"] for word in block["words"]] == [word.text for word in found.words]
    assert block["scene"] == scene["id"] and block["rows"].dtype == np.float16
    again = block["rows"].astype(float) * block["scale"][..., None]
    expected = np.stack([word.maps for word in found.words])
    np.testing.assert_allclose(again, expected, rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(block["share"], [word.share for word in found.words], rtol=1e-6)
    mean = found.map_of(range(len(found.words)))
    np.testing.assert_allclose(scene["map"], mean, rtol=1e-5)
    boxed = [phrase.box for phrase in found.phrases if phrase.box is not None]
    assert [tuple(each["box"]) for each in scene["instances"]] == boxed
    drawn = caption_picture(found)
    assert drawn.height > drawn.width, "the caption stands below the picture"


def test_bad_input_is_refused() -> None:
    model = llava()
    with pytest.raises(BadPhraseError, match="no word"):
        token_grounding(model, picture(), QUESTION, "...")
    with pytest.raises(BadPhraseError, match="no token|no text|empty"):
        token_grounding(model, picture(), QUESTION, "")
    with pytest.raises(AttentionError, match="layers 0 to 3"):
        token_grounding(model, picture(), QUESTION, ANSWER, TokenOptions(last_layer=9))
    with pytest.raises(AttentionError, match="lies above"):
        token_grounding(
            model, picture(), QUESTION, ANSWER, TokenOptions(first_layer=3, last_layer=1)
        )
    with pytest.raises(UnknownNameError, match="option row 'next'. Known: own, predicts"):
        TokenOptions(row="next")
    with pytest.raises(
        BadOptionError, match="option first_layer takes a whole number of at least 0"
    ):
        TokenOptions(first_layer=-1)
    found = token_grounding(model, picture(), QUESTION, ANSWER)
    with pytest.raises(AttentionError, match="Words are 0 to 3"):
        found.map_of(4)
    with pytest.raises(AttentionError, match="Layers are 0 to 3"):
        found.map_of(0, (2, 4))


def test_the_command_writes_caption_picture_and_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "scene.png"
    Image.fromarray(render_scene(20_000_007).image).save(image)
    words = ["tokens", str(image), "-q", "--html", str(tmp_path / "t.html")]
    files = ["--picture", str(tmp_path / "t.png"), "--parquet", str(tmp_path / "t.parquet")]
    assert main([*words, *files]) == 0
    printed = capsys.readouterr().out
    assert "a large dotted red circle: " in printed and "looks at" in printed
    assert Image.open(tmp_path / "t.png").size[0] > 200
    table = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    assert {row["layer"] for row in table} == set(range(6)) and table[0]["text"] == "a"
    assert blocks_of(page_view(tmp_path / "t.html"), "words")
    assert main(["tokens", str(image), "what colour is the circle", "--json", "-q"]) == 0
    assert json.loads(capsys.readouterr().out)["words"]
    assert main(["tokens", str(image), "--answer", "a star", "--heads", "L9H0"]) == 2
    assert "layers 0 to 5" in capsys.readouterr().err


def test_words_that_the_vocabulary_lacks_are_named(
    tiny: LoadedModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read = token_grounding(tiny, picture(), "where is the zebra ?", "a red quagga")
    assert "'zebra'" in read.warnings[0] and "'quagga'" in read.warnings[0]
    assert read.to_dict()["warnings"] == list(read.warnings)
    assert token_grounding(tiny, render_scene(1).image, QUESTION, ANSWER).warnings == ()
    Image.fromarray(picture()).save(tmp_path / "a.png")
    words = ["tokens", str(tmp_path / "a.png"), "where is the zebra ?", "--answer", "a red circle"]
    assert main([*words, "--model", "tiny-llava"]) == 0
    assert "'zebra'" in capsys.readouterr().err


def test_the_columns_are_explained_where_they_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(picture()).save(tmp_path / "a.png")
    words = ["tokens", str(tmp_path / "a.png"), "--answer", "a red circle"]
    page = tmp_path / "page.html"
    assert main([*words, "--html", str(page)]) == 0
    printed = capsys.readouterr().out
    header = printed.index("guessed?")
    explained = printed.index("gain: how many nats likelier")
    assert header < explained
    assert printed[explained:].index("lost:") < printed[explained:].index("guessed?:")
    assert "gain: how many nats likelier" in page.read_text(encoding="utf-8")
    assert main([*words, "--quiet"]) == 0
    assert "gain: how many" not in capsys.readouterr().out
