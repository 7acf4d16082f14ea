"""The map of a served model against the same model's weights, by every way, and what comes with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import vlmscope as vs
from cards import read_card
from chat_server import ANSWER, QUESTION, ChatServer, Ways, picture, serving
from chat_server import small_model as model
from vlmscope.analysis.endpoint import EndpointExplanation, ExplainOptions
from vlmscope.attention.forced import answer_ids, encode_forced, run_forced
from vlmscope.models import Prompt
from vlmscope.tiny import referring_samples

SMALL = ExplainOptions(grid=3, steps=3)
BY = {
    "prompt-logprobs": Ways(prompt=True, stop_after=4),
    "prefilled": Ways(prefill=True, stop_after=4, top=60),
    "leading-tokens": Ways(stop_after=4, top=60),
}


def explained(
    server: ChatServer, options: ExplainOptions = SMALL, **more: object
) -> EndpointExplanation:
    endpoint = vs.Endpoint(server.url, "random")
    return vs.explain_endpoint(endpoint, picture(), QUESTION, options, **more)  # type: ignore[arg-type]


def by_weights(pixels: np.ndarray, answer: str = ANSWER) -> np.ndarray:
    """Log-probability of each token of the answer, in one plain pass of the loaded model."""
    ids = answer_ids(model(), Prompt(QUESTION), answer, 1, "chat").tolist()
    forced = encode_forced(model(), pixels, QUESTION, ids, preset="chat")
    return run_forced(model(), forced)[0].double().numpy()


def hidden(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    """The picture with a rectangle in its mean colour."""
    pixels = picture()
    pixels[top:bottom, left:right] = np.rint(picture().reshape(-1, 3).mean(axis=0))
    return pixels


@pytest.fixture(scope="module")
def direct() -> np.ndarray:
    """Float (2, 3, tokens): each token's loss when one of 2 x 3 squares of 30 pixels is hidden."""
    clean = by_weights(picture())
    return np.array(
        [[clean - by_weights(hidden(y, x, y + 30, x + 30)) for x in (0, 30, 60)] for y in (0, 30)]
    )


@pytest.mark.parametrize("way", ["prompt-logprobs", "prefilled"])
def test_the_map_is_that_of_a_loop_over_the_weights(way: str, direct: np.ndarray) -> None:
    with serving(BY[way], model()) as server:
        result = explained(server)
    assert result.run["way"] == way
    assert result.answer == ANSWER and result.tokens == tuple(ANSWER.split())
    np.testing.assert_allclose(result.clean, by_weights(picture()), atol=1e-5)
    np.testing.assert_allclose(result.map, direct.sum(axis=-1), atol=1e-5)
    assert result.effect == pytest.approx(direct.sum(axis=-1).max(), abs=1e-5)
    assert result.noise == 0 and result.trusted and not result.warnings
    assert result.counts["unknown"] == result.counts["bounded"] == 0


def test_leading_tokens_are_exact_up_to_the_first_other_one(direct: np.ndarray) -> None:
    with serving(BY["leading-tokens"], model()) as server:
        result = explained(server)
        free = [server.completion(each)["choices"][0] for each in server.seen]
    assert result.run["way"] == "leading-tokens"
    assert "is refused" in result.run["ways"]["prompt-logprobs"]
    assert "is refused" in result.run["ways"]["prefilled"]
    assert any("tokens were followed only" in each for each in result.warnings)
    # what each picture was answered says how many tokens could be followed
    said = {
        json.dumps(each["messages"]): [place["token"] for place in choice["logprobs"]["content"]]
        for each, choice in zip(server.seen, free, strict=True)
    }
    assert len({tuple(words) for words in said.values()}) > 1  # some answers do change
    expected = direct.copy()
    wanted = ANSWER.split()
    for row, column in np.ndindex(2, 3):
        pixels = hidden(30 * row, 30 * column, 30 * row + 30, 30 * column + 30)
        words = _words(server, pixels)
        known = next((i for i, w in enumerate(wanted) if words[i] != w), len(wanted) - 1) + 1
        expected[row, column, known:] = 0
    np.testing.assert_allclose(result.map, expected.sum(axis=-1), atol=1e-5)
    assert result.counts["unknown"] > 0
    assert any("count as unchanged" in each for each in result.warnings)


def _words(server: ChatServer, pixels: np.ndarray) -> list[str]:
    written = server._write(pixels, QUESTION, [], 4)
    return [each["token"] for each in written]


def test_curves_are_those_of_the_weights(direct: np.ndarray) -> None:
    with serving(BY["prompt-logprobs"], model()) as server:
        result = explained(server)
    order = np.argsort(-direct.sum(axis=-1).ravel(), kind="stable")
    curves = result.curves
    assert curves is not None and curves.maps == ("occlusion", "random")
    record = curves.records[0]
    assert record["removed"] == pytest.approx([0, 1 / 3, 2 / 3, 1])
    for count, deleted, kept in zip(
        (0, 2, 4, 6), *record["forms"]["pixels"]["orders"]["occlusion"].values(), strict=True
    ):
        for chosen, value in ((order[:count], deleted), (order[count:], kept)):
            pixels = picture()
            for cell in chosen:
                y, x = 30 * (cell // 3), 30 * (cell % 3)
                pixels[y : y + 30, x : x + 30] = hidden(y, x, y + 30, x + 30)[
                    y : y + 30, x : x + 30
                ]
            assert value == pytest.approx(np.exp(by_weights(pixels).mean()), rel=1e-4)
    gap = curves.score("occlusion").gap.value
    assert gap > max(record["random_gaps"]) and len(record["random_gaps"]) == 2
    assert curves.score("random").gap.value == pytest.approx(np.mean(record["random_gaps"]))


def test_a_window_of_several_cells_is_shared_by_them() -> None:
    with serving(BY["prompt-logprobs"], model()) as server:
        result = explained(server, ExplainOptions(grid=3, windows="2", curves=False))
    clean = by_weights(picture()).sum()
    left, right = (clean - by_weights(hidden(0, x, 60, x + 60)).sum() for x in (0, 30))
    row = np.array([left, (left + right) / 2, right]) / 4
    np.testing.assert_allclose(result.map, [row, row], atol=1e-5)
    assert result.curves is None and result.to_dict()["curves"] is None


@pytest.mark.parametrize("way", ["prompt-logprobs", "prefilled", "leading-tokens"])
def test_a_given_answer_is_followed(way: str) -> None:
    answer = "small on the pizza"
    with serving(BY[way], model()) as server:
        result = explained(server, ExplainOptions(grid=3, curves=False), answer=answer)
    expected = by_weights(picture(), answer)
    # what comes behind a token that the model does not say by itself, it cannot be asked freely
    known = 3 if way == "leading-tokens" else 4
    assert result.tokens == tuple(answer.split())[:known]
    np.testing.assert_allclose(result.clean, expected[:known], atol=1e-5)
    assert result.whole == (known == 4)
    assert any("its first 3" in each for each in result.warnings) == (known == 3)


def test_one_token_is_exact_by_leading_tokens(direct: np.ndarray) -> None:
    with serving(Ways(stop_after=1, top=60), model()) as server:
        result = explained(server, ExplainOptions(grid=3, curves=False))
    assert result.answer == "small" and not result.warnings
    np.testing.assert_allclose(result.map, direct[..., 0], atol=1e-5)


@pytest.mark.parametrize("way", ["prompt-logprobs", "prefilled"])
def test_one_word_is_followed(way: str, direct: np.ndarray) -> None:
    with serving(BY[way], model()) as server:
        result = explained(server, ExplainOptions(grid=3, word="Cat", curves=False))
    assert result.followed == (2,)
    np.testing.assert_allclose(result.map, direct[..., 2], atol=1e-5)
    each = result.run["requests"]["each_picture"]
    assert each == 1


def test_a_token_beyond_the_likeliest_is_bounded_and_counted(direct: np.ndarray) -> None:
    with serving(Ways(prefill=True, stop_after=4, top=2), model()) as server:
        result = explained(server, ExplainOptions(grid=3, top=2, curves=False))
    assert result.counts["bounded"] > 0
    assert any("values are bounds" in each for each in result.warnings)
    assert (result.map <= direct.sum(axis=-1) + 1e-5).all()  # at least as much was lost
    assert (result.map < direct.sum(axis=-1) - 1e-3).any()


def test_tokens_may_be_written_with_their_space_and_the_end_be_listed(direct: np.ndarray) -> None:
    with serving(
        Ways(prefill=True, stop_after=4, top=60, spaced=True, ends=True), model()
    ) as server:
        result = explained(server)
    assert result.run["way"] == "prefilled"
    np.testing.assert_allclose(result.map, direct.sum(axis=-1), atol=1e-5)


def test_a_way_that_is_named_is_the_only_one() -> None:
    with serving(BY["leading-tokens"], model()) as server:
        with pytest.raises(vs.errors.EndpointError, match="prompt-logprobs is refused"):
            explained(server, ExplainOptions(grid=2, way="prompt-logprobs"))
    with serving(BY["prompt-logprobs"], model()) as server:
        result = explained(server, ExplainOptions(grid=3, way="leading-tokens", curves=False))
    assert result.run["ways"] == {"leading-tokens": "used"}


def test_a_server_that_passes_over_what_it_does_not_know_is_found_out() -> None:
    with serving(Ways(strict=False, stop_after=4, top=60), model()) as server:
        result = explained(server, ExplainOptions(grid=3, curves=False))
    assert result.run["way"] == "leading-tokens"
    assert "is not there" in result.run["ways"]["prompt-logprobs"]
    assert "does not go on from an answer that is begun" in result.run["ways"]["prefilled"]


@pytest.fixture(scope="module")
def circle() -> Iterator[tuple[vs.types.Box, EndpointExplanation]]:
    """tiny-llava on a scene with one circle: its box, and the answer explained."""
    [sample] = referring_samples([20_000_007])
    with serving(Ways(prompt=True)) as server:
        result = vs.explain_endpoint(
            vs.Endpoint(server.url, "tiny-llava"),
            sample.image,
            "describe the circle",
            ExplainOptions(grid=4, steps=2, draws=1),
        )
    yield sample.box, result


def test_the_circle_that_decides_the_answer_is_the_peak(circle: tuple) -> None:
    (x0, y0, x1, y1), result = circle
    assert result.answer == "large dotted red circle"
    x, y = result.point
    assert x0 <= x <= x1 and y0 <= y <= y1
    assert result.effect > 10 and result.trusted
    assert 0.4 < result.curves.score("occlusion").gap.value <= 0.5  # of two steps it is the most
    assert result.heatmap.shape == (128, 128) and result.heatmap.max() == 1
    left, top, right, bottom = result.grounding.box
    assert left <= x <= right and top <= y <= bottom


def test_what_a_result_shows_and_saves(circle: tuple, tmp_path: Path) -> None:
    result = circle[1]
    card = read_card(result)
    assert "large dotted red circle" in card.text
    assert "large dotted red circle" in repr(result) and "largest drop 17" in repr(result)
    assert result._repr_png_().startswith(b"\x89PNG")
    view = result.view()
    scene = next(block for block in view.blocks if block["type"] == "scene")
    np.testing.assert_array_equal(scene["map"], result.map.ravel())
    assert scene["python"] is None and scene["command"] is None
    assert sum(block["type"] == "curves" for block in view.blocks) == 2
    result.save(tmp_path / "why.json")
    result.save(tmp_path / "why.html")
    kept = json.loads((tmp_path / "why.json").read_text())
    assert kept == json.loads(result.to_json())
    assert np.array(kept["map"]).shape == (4, 4)
    assert kept["run"]["requests"]["sent"] >= 16 + 4
    assert vs.View.read(tmp_path / "why.html").title == view.title
