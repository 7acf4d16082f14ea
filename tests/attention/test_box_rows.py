"""``rows="box"``: the rows that predict the coordinates of a box in the answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vlmscope as vs
from answers import dictated, talker
from lvlms import made
from vlmscope.attention import Trace, read_heads, shared_prefix
from vlmscope.attention.selection import RowChoice
from vlmscope.errors import AttentionError, UnknownNameError, UnsupportedError
from vlmscope.models import Prompt
from vlmscope.models.prompts.written_boxes import BoxConvention
from vlmscope.types import Role, TokenMap, View

ANSWER = "(105,20),(300,940)"
COORDINATES = [
    1,
    2,
    3,
    5,
    6,
    10,
    11,
    12,
    14,
    15,
    16,
]  # characters of ANSWER that are digits of them


def picture(height: int = 60, width: int = 170, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3), dtype=np.uint8)


def row_texts(trace: Trace) -> str:
    """The tokens that the captured rows predict."""
    return "".join(trace.token_map.tokens[int(row) + 1] for row in trace.row_positions())


@pytest.mark.parametrize("before", ["", "the dog : <|box_start|>", "on 7 of 9 "])
def test_while_a_model_answers(before: str) -> None:
    model = talker()
    answer = f"{before}{ANSWER}"
    with (
        vs.capture(model, rows="box") as trace,
        vs.capture(model, rows="generated") as every,
    ):
        said = vs.generate(model, picture(), "where is the dog ?", **dictated(model, answer))
    assert row_texts(trace) == "10520300940"
    tokens = said.token_map
    first = int(tokens.positions("generated")[0])
    words = [tokens.tokens[position] for position in tokens.positions("generated")]
    start = len(words) - len(ANSWER)  # every character of it is a token
    expected = [first + start + character - 1 for character in COORDINATES]
    assert trace.row_positions().tolist() == expected
    kept = torch.isin(every.row_positions(), trace.row_positions())
    assert torch.equal(trace.maps, every.maps[:, :, kept])
    assert 0 < trace.maps.shape[2] < every.maps.shape[2]


def test_an_answer_that_is_given_has_the_rows_of_one_that_is_generated() -> None:
    model = talker()
    with vs.capture(model, rows="box") as spoken:
        vs.generate(model, picture(), "where is the dog ?", **dictated(model, ANSWER))
    with vs.capture(model, rows="box") as given:
        vs.prefill(model, picture(), Prompt("where is the dog ?", answer=ANSWER))
    assert given.row_positions().tolist() == spoken.row_positions().tolist()
    torch.testing.assert_close(given.maps, spoken.maps, atol=1e-4, rtol=0)
    with vs.capture(model, rows=given.row_positions().tolist()) as numbered:
        vs.prefill(model, picture(), Prompt("where is the dog ?", answer=ANSWER))
    torch.testing.assert_close(given.maps, numbered.maps, atol=1e-6, rtol=0)


def test_the_first_box_is_read_and_others_are_not() -> None:
    model = talker()
    answer = "(1,2) a dog : (500,600),(100,700) , (10,20),(30,40) (50,60),(70,80)"
    with vs.capture(model, rows="box") as trace:
        vs.prefill(model, picture(), Prompt("dog", answer=answer))
    assert row_texts(trace) == "10203040"


def test_several_phrases_share_the_image() -> None:
    model = talker()
    heads = [(1, 1), (2, 0), (2, 5)]
    prompts = [
        Prompt("the red dog", answer=ANSWER),
        Prompt("pizza", answer="a cat : (1,2),(3,4)"),
    ]
    together = read_heads(model, picture(), prompts, rows="box", heads=heads)
    for prompt, maps in zip(prompts, together, strict=True):
        (alone,) = read_heads(model, picture(), [prompt], rows="box", heads=heads)
        np.testing.assert_allclose(maps.maps, alone.maps, atol=1e-5, rtol=0)
        assert maps.row_tokens == alone.row_tokens
    assert together[0].maps.shape[1] == 11 and together[1].maps.shape[1] == 4
    found = vs.ground(model, picture(), prompts, rows="box", heads=heads)
    assert [each.details["rows"] for each in found] == ["box", "box"]


def test_a_batch_of_answers() -> None:
    model = talker()
    prompts = [Prompt("dog", answer=ANSWER), Prompt("the red circle", answer="(1,2),(3,4)")]
    images = [picture(60, 170), picture(110, 70, seed=1)]
    with vs.capture(model, rows="box") as both:
        vs.prefill(model, images, prompts)
    for item, (image, prompt) in enumerate(zip(images, prompts, strict=True)):
        with vs.capture(model, rows="box") as alone:
            vs.prefill(model, image, prompt)
        width = alone.maps.shape[-1]
        torch.testing.assert_close(both.of(item)[..., :width], alone.maps, atol=1e-5, rtol=0)


def test_an_answer_without_a_box_is_given_and_its_rows_say_what_was_wrong() -> None:
    model = talker()
    with vs.capture(model, rows="box") as trace:
        said = vs.generate(model, picture(), "dog", **dictated(model, "a dog (1,2,3)"))
    assert "dog" in said.text
    with pytest.raises(AttentionError, match=r"found no box in the answer.*it has 3 number"):
        _ = trace.maps
    with pytest.raises(AttentionError, match=r"found no box.*'adog'"):
        with vs.capture(model, rows="box"):
            vs.prefill(model, picture(), Prompt("pizza", answer="a dog"))


def test_a_capture_that_found_no_box_reads_the_next_answer() -> None:
    model = talker()
    with vs.capture(model, rows="box") as trace:
        vs.generate(model, picture(), "dog", **dictated(model, "a dog"))
        vs.generate(model, picture(), "dog", **dictated(model, ANSWER))
    assert row_texts(trace) == "10520300940"


def test_without_an_answer_there_are_no_rows() -> None:
    model = talker()
    with (
        vs.capture(model, rows="box"),
        pytest.raises(AttentionError, match="reads an answer, and there is none.*answer="),
    ):
        vs.prefill(model, picture(), "dog")
    encoded = model.encode([picture()], ["dog"])
    with vs.capture(model, rows="box"), torch.no_grad():
        with pytest.raises(AttentionError, match="needs to know what each position is"):
            model.hf(**encoded.inputs)
    after = vs.prefill(model, picture(), "dog").logits  # nothing is left behind
    assert torch.isfinite(after).all()


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (("[", "105", ", ", "20", ",", " 300", ",", "940", "]"), [4, 6, 8, 10]),
        (("at [105", ",2", "0", ",3", "00,", "940]."), [3, 4, 5, 6, 7, 8]),
        (("", "[105,20,300,940]", "", " !"), [4]),
    ],
)
def test_tokens_that_hold_more_than_a_digit(words: tuple[str, ...], rows: list[int]) -> None:
    prompt = [Role.IMAGE, Role.QUERY, Role.QUERY, Role.PHRASE]
    roles = np.array([*prompt, *[Role.GENERATED] * len(words)], dtype=np.int8)
    view = View("image", np.arange(1), np.array([0.0, 10.0]), np.array([0.0, 10.0]))
    tokens = TokenMap(roles, ("x", "[1,2,3,4]", "?", "dog", *words), (10, 10), (view,))
    convention = BoxConvention("{phrase}", "lists", 1000.0)
    choice = RowChoice.of("box", lambda text, each: convention.read(text, each, (1000.0, 1000.0)))
    assert choice.of_box(tokens) == rows


def test_a_prefix_survives_an_answer_without_a_box() -> None:
    model = talker()
    prefix = shared_prefix(model, picture())
    texts = prefix.encode([Prompt("dog", answer=ANSWER), Prompt("dog")])

    def run(index: int) -> torch.Tensor:
        (_, pack), *_ = prefix.packs([texts[index]])
        with vs.capture(model, rows="box") as trace:
            prefix.run(pack)
        return trace.maps

    first = run(0)
    with pytest.raises(AttentionError, match="there is none"):
        run(1)
    assert torch.equal(run(0), first)


def test_an_unknown_row_is_answered_with_box() -> None:
    with pytest.raises(UnknownNameError, match="mean 'box'"):
        vs.capture(talker(), rows="boxs").__enter__()


def test_a_family_that_writes_no_boxes_has_no_such_rows() -> None:
    with pytest.raises(UnsupportedError, match="no documented way"):
        vs.capture(made("blip-2"), rows="box").__enter__()
