"""Words by kind and range of layers: kinds, agreement with nouns, the command, bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import vlmscope as vs
from lvlms import made
from vlmscope.analysis.tokens import TokenOptions, localisation, token_grounding, word_looks
from vlmscope.analysis.tokens.kinds import kinds_of
from vlmscope.analysis.tokens.ranges import layer_ranges
from vlmscope.cli import main
from vlmscope.data.questions import scene_questions
from vlmscope.errors import AttentionError, BadOptionError


def test_kinds_of_words() -> None:
    words = ["the", "small", "red", "bike", "on", "the", "left", "of", "a", "dog"]
    assert kinds_of(words, [[0, 1, 2, 3], [8, 9]]) == [
        *("other", "size", "colour", "noun", "other", "other", "position", "other", "other"),
        "noun",
    ]
    assert kinds_of(["Red"], [[0]]) == ["colour"]  # a phrase without a noun has no head


def test_hits_are_those_of_localisation() -> None:
    questions = list(scene_questions(3, ["colour"]))
    model = vs.load("tiny-llava")
    expected = localisation(model, questions, [(0, 1), (2, 3)])
    looks = word_looks(model, questions, [(0, 1), (2, 3)])
    every = [each for each in looks.kinds if each.kind == "all"]
    assert [each.hits for each in every] == list(expected.all_words)
    assert every[0].chance == expected.chance and every[0].words == expected.words
    assert not looks.pairs and "No answer says" in looks.notes[-1]


def test_captions_compare_a_colour_with_its_noun() -> None:
    looks = word_looks(
        vs.load("tiny-llava"), scene_questions(2), [(0, 5)], ask="describe the picture"
    )
    (pair,) = [each for each in looks.pairs if each.kind == "colour"]
    assert 0 <= pair.other.value <= 1 and 0 <= pair.same.value <= 1
    assert pair.difference.value == pytest.approx(pair.same.value - pair.other.value)
    assert all(each.hits is None for each in looks.kinds)  # masks are of other questions


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["tokens", "--samples", "tiny-scenes:2:colour", "--layers", "0-1,2-3", "-q"]
    page = tmp_path / "w.html"
    assert main([*words, "--html", str(page), "--out", str(tmp_path / "w.json")]) == 0
    assert "on object" in capsys.readouterr().out
    record = json.loads((tmp_path / "w.json").read_text())
    assert record["kinds"][1]["layers"] == [2, 3] and record["samples_from"].startswith("tiny")
    assert "By kind of word" in page.read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--samples", "tiny-scenes:1", "--layers", "0-99"], "layer 99 does not exist"),
        (["--samples", "tiny-scenes:1", "--layers", "0+2"], "ranges without gaps, got '0+2'"),
        (["--samples", "tiny-scenes:1", "--layers", "3-1"], "written 4-7"),
        (["--samples", "tiny-scenes:1", "--ask", " "], "nothing to ask"),
        (["--samples", "tiny-scenes:1", "--answer", "red"], "--answer: of one picture"),
        (["a.png", "--layers", "0-1,2-3"], "One picture has one range"),
        (["a.png", "--ask", "what"], "are of --samples"),
        ([], "got neither"),
        (["a.png", "--samples", "tiny-scenes:1"], "got both"),
    ],
)
def test_bad_input(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokens", *words]) == 2
    assert message in capsys.readouterr().err


def test_layers_that_do_not_look_at_the_image_are_refused() -> None:
    """Of a model that crosses to the image in layers 1 and 3 alone: zeros would say nothing."""
    model = made("mllama")
    assert layer_ranges(None, model) == ((1, 1), (3, 3))
    assert layer_ranges([(0, 1), (2, 3)], model) == ((0, 1), (2, 3))
    question = list(scene_questions(1))
    wrong = [(0, 0), (2, 2)]
    for analysis in (word_looks, localisation):
        with pytest.raises(
            AttentionError, match="No layer of 0 looks at the image: .* only 1, 3 do"
        ):
            analysis(model, question, wrong)
    with pytest.raises(AttentionError, match="No layer of 2 looks"):
        token_grounding(
            model, question[0].image, "what", "a", TokenOptions(first_layer=2, last_layer=2)
        )


def test_bad_ranges_are_refused() -> None:
    model, questions = vs.load("tiny-llava"), list(scene_questions(1))
    with pytest.raises(AttentionError, match="does not exist"):
        word_looks(model, questions, [(0, 60)])
    with pytest.raises(BadOptionError, match="begins with its first"):
        word_looks(model, questions, [(2, 1)])
