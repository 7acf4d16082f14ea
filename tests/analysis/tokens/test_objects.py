"""Words against the objects that they are said of: scores by hand, paired, the command, bad rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vlmscope as vs
from handmade import map_of, view_over
from views import words_of
from vlmscope.analysis.tokens import TokenOptions, word_objects
from vlmscope.analysis.tokens.object_rows import read_object_rows, scene_captions
from vlmscope.analysis.tokens.objects import _parts, _Scorer
from vlmscope.analysis.tokens.objects_result import WordObjects, objects_page
from vlmscope.analysis.tokens.word_maps import WordMaps
from vlmscope.analysis.tokens.words import Word
from vlmscope.cli import main
from vlmscope.data.questions import Question
from vlmscope.errors import AttentionError, BadSampleError, SkippedWarning

SIDE = 40  # pixels; cells of 10
TEXT = "a red star and a red ring"


def lit(*cells: int) -> np.ndarray:
    weights = np.full(16, 0.01)
    weights[list(cells)] = 0.3
    return weights


def handmade_answer() -> WordMaps:
    """Red looks at the star's corner, star at both, the second red and ring at the opposite corner."""
    starts = [TEXT.index(word) for word in ("red", "star")]
    starts += [TEXT.rindex("red"), TEXT.index("ring")]
    looks = [lit(0), lit(0, 15), lit(15), lit(15)]
    words = [
        Word(text, start, start + len(text), (number,))
        for number, (text, start) in enumerate(
            zip(("red", "star", "red", "ring"), starts, strict=True)
        )
    ]
    tokens = map_of((SIDE, SIDE), [view_over((0, 0, SIDE, SIDE), (4, 4))])
    maps = np.stack(looks)[:, None].astype(np.float32)
    return WordMaps(TEXT, tuple(words), maps, tokens)


def corner(number: int) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    row, column = divmod(number, 4)
    mask[row * 10 : row * 10 + 10, column * 10 : column * 10 + 10] = True
    return mask


def test_scores_by_hand() -> None:
    answer = handmade_answer()
    scorer = _Scorer.of(answer, [corner(0), corner(15)], [1, 3], [(0, 0)])
    red = scorer.scores(0, 0)
    total = 0.3 + 15 * 0.01
    assert red["peak own"] == [1.0] and red["peak other"] == [0.0]
    assert red["share own"][0] == pytest.approx(0.3 / total)
    assert red["share other"][0] == pytest.approx(0.01 / total)
    p, q, far = (each / each.sum() for each in (lit(0), lit(0, 15), lit(15)))
    assert red["overlap own"][0] == pytest.approx(np.minimum(p, q).sum())
    assert red["overlap other"][0] == pytest.approx(np.minimum(p, far).sum())
    star = scorer.scores(1, 0)
    assert "overlap own" not in star and star["share own"] == pytest.approx(star["share other"])


def test_a_part_that_occurs_twice_is_looked_for_after_the_one_before() -> None:
    answer = handmade_answer()
    assert _parts(answer, ["red", "red ring"]) == [[0], [2, 3]]
    with pytest.raises(BadSampleError, match="does not hold 'red star'"):
        _parts(answer, ["red ring", "red star"])


@pytest.fixture(scope="module")
def found() -> WordObjects:
    return word_objects(vs.load("tiny-llava"), scene_captions(2), [(2, 3)])


def test_captions_of_scenes(found: WordObjects) -> None:
    rows = list(scene_captions(2))
    assert found.answers == 2 and found.objects == len(rows) and not found.skipped
    looks = {each.kind: each for each in found.looks}
    assert {"noun", "colour", "size", "texture", "position"} <= set(looks)
    assert looks["colour"].words == len(rows) and looks["noun"].overlap is None
    # the row at a texture's word predicts the colour, that at the colour's the noun
    own = word_objects(vs.load("tiny-llava"), rows, [(2, 3)], TokenOptions(row="own"))
    stands = {each.kind: each for each in own.looks}
    for kind, after in (("texture", "colour"), ("colour", "noun")):
        assert stands[kind].peak == looks[after].peak and stands[kind].share == looks[after].share
    for each in looks.values():
        for pair in (each.peak, each.share, each.overlap):
            if pair is not None:
                assert pair.difference.value == pytest.approx(pair.own.value - pair.other.value)
    assert looks["colour"].peak.difference.value > 0.5  # the tiny model looks where it names
    areas = [row.mask.mean() for row in rows if row.mask is not None]
    assert looks["colour"].area == pytest.approx(np.mean(areas))
    assert "Do words of tiny-llava" in words_of(objects_page(found).view())
    assert next(found.rows())["layers"] == "2-3"


def test_answers_that_cannot_be_used_are_counted() -> None:
    first, second, *_ = scene_captions(1)
    image = np.zeros((40, 40, 3), dtype=np.uint8)
    mask = corner(0)
    row = Question(image, "what is there", TEXT, mask=mask, phrase="a red star")
    other = replace(row, phrase="a red ring")

    def fresh(number: int, *rows: Question) -> list[Question]:
        """Rows of an answer of their own."""
        return [replace(each, text=f"{each.text} {number}") for each in rows]

    bad = {
        "It has no answer": [replace(row, answer=None), replace(other, answer=None)],
        "It has no answer: words": [replace(row, answer=" "), replace(other, answer=" ")],
        "It has no phrase": [replace(row, phrase=None), other],
        "It has no mask": [row, replace(other, mask=None)],
        "is empty": [row, replace(other, mask=np.zeros_like(mask))],
        "does not hold 'a blue ring'": [row, replace(other, phrase="a blue ring")],
        "Its answer has one object": [row],
        "becomes no token": [replace(row, answer="..."), replace(other, answer="...")],
    }
    rows = [each for n, group in enumerate(bad.values()) for each in fresh(n, *group)]
    model = vs.load("tiny-llava")
    with pytest.warns(SkippedWarning, match=f"{len(bad)} answers were skipped"):
        found = word_objects(model, [*rows, first, second], [(0, 0)])
    assert found.answers == 1 and len(found.skipped) == len(bad)
    for skipped, words in zip(found.skipped, bad, strict=True):
        assert words in skipped.reason
    with pytest.raises(BadSampleError, match="None of the 1 answers can be used. The first is"):
        word_objects(model, [row], [(0, 0)])
    with pytest.raises(AttentionError, match="layer 99 does not exist"):
        word_objects(model, [first, second], [(0, 99)])


def test_the_command_reads_a_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(scene_captions(1))
    Image.fromarray(rows[0].image).save(tmp_path / "scene.png")
    lines = []
    for number, row in enumerate(rows):
        assert row.mask is not None
        Image.fromarray(row.mask).save(tmp_path / f"{number}.png")
        names = {"image": "scene.png", "mask": f"{number}.png", "phrase": row.phrase}
        lines.append(json.dumps({**names, "question": row.text, "answer": row.answer}))
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    words = ["tokens", "--objects", str(tmp_path / "list.jsonl"), "--layers", "2-3", "-q"]
    assert main([*words, "--out", str(tmp_path / "o.json")]) == 0
    assert "overlap" in capsys.readouterr().out
    record = json.loads((tmp_path / "o.json").read_text())
    same = word_objects(vs.load("tiny-llava"), read_object_rows("tiny-scenes:1"), [(2, 3)])
    assert record["objects"] == same.objects
    assert record["looks"][0]["peak"]["own"] == list(same.looks[0].peak.own)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--objects", "tiny-scenes:1:colour"], "written tiny-scenes"),
        (["--objects", "tiny-scenes:1", "--samples", "tiny-scenes:1"], "got both"),
        (["a.png", "--objects", "tiny-scenes:1"], "got both"),
        (["--objects", "tiny-scenes:1", "--ask", "wring"], "--ask is of --samples"),
        (["--objects", "tiny-scenes:1", "--answer", "red"], "not of --objects"),
        (["--objects", "tiny-scenes:1", "--layers", "0-9"], "layer 9 does not exist"),
        (["--objects", "tiny-scenes:1", "--first-layer", "1"], "named by --layers"),
    ],
)
def test_bad_input(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokens", *words]) == 2
    assert message in capsys.readouterr().err
