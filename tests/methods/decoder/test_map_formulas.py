"""What each method makes of mean maps that are given: numbers by hand, no model is run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from handmade import map_of, view_over
from vlmscope.attention import MeanMaps, MeanReading, Reading
from vlmscope.errors import BadOptionError
from vlmscope.methods.base import GroundRequest
from vlmscope.methods.decoder.attend_minus_mean import AttendMinusMean, AttendMinusMeanOptions
from vlmscope.methods.decoder.base import AttentionMethod, PhraseMap
from vlmscope.methods.decoder.mean_attention import (
    MeanAttention,
    MeanAttentionOptions,
    layer_range,
)
from vlmscope.methods.decoder.relative_attention import (
    GENERIC,
    RelativeAttention,
    RelativeAttentionOptions,
    default_layer,
)
from vlmscope.models import Prompt
from vlmscope.types import Role, TokenMap

PIXELS = np.zeros((4, 8, 3), np.uint8)
CELLS = map_of((4, 8), [view_over((0, 0, 8, 4), (1, 4))])
LEFT = np.arange(8)[None].repeat(4, 0) < 3  # the first cell and half of the second
DOG, CAT = Prompt("where is the dog ?", (9, 16)), Prompt("a cat")


class Family:
    def __init__(self, crossed: tuple[int, ...], presets: tuple[str, ...]) -> None:
        self.crossed, self.presets = bool(crossed), presets
        self.cross_layers = lambda hf: frozenset(crossed)


def model(
    layers: int = 4, crossed: tuple[int, ...] = (), presets: tuple[str, ...] = ("paper", "chat")
) -> Any:
    return SimpleNamespace(
        id="some-model",
        hf=None,
        decoder_shape=(layers, 7),
        row_layers=tuple(range(layers)),
        family=Family(crossed, presets),
    )


def asked(options: Any, rows: Any = None, prompt: str | None = None, placement: Any = None) -> Any:
    return GroundRequest(None, placement, prompt, rows, options)


class Reads:
    """Stands in for ``read_together``: maps by the prompt's text; what was asked is kept."""

    def __init__(self, **maps: Any) -> None:
        self.maps, self.calls = maps, []

    def __call__(self, readings: tuple[MeanReading, ...]) -> list[list[Any]]:
        self.calls += [([each.text for each in one.phrases], one.reading) for one in readings]
        return [[self.maps[each.text.split()[-2]] for each in one.phrases] for one in readings]


def maps_of(
    method: AttentionMethod, of: Any, phrases: list[Prompt], request: GroundRequest, reads: Reads
) -> list[PhraseMap]:
    return method.maps(reads(method.readings(of, phrases, request)), request.options)


def means(
    mean: list[float], rest: list[float] | None = None, token_map: TokenMap = CELLS, **more: Any
) -> MeanMaps:
    reading = Reading("last_text", (0,))
    below = None if rest is None else np.array(rest)
    return MeanMaps(np.array(mean), below, reading, token_map, "paper", ("dog",), **more)


# mean attention


def test_mean_attention_is_the_map_as_it_was_read() -> None:
    dog, cat = means([0.1, 0.2, 0.3, 0.1]), means([0.0, 0.4, 0.0, 0.0])
    reads = Reads(dog=dog, a=cat)
    request = asked(MeanAttentionOptions())
    first, second = maps_of(MeanAttention(), model(), [DOG, CAT], request, reads)
    assert first.weights is dog.mean and first.read is dog
    assert first.score(LEFT) == pytest.approx(0.2) and second.score(LEFT) == pytest.approx(0.2)
    assert reads.calls == [([DOG.text, CAT.text], Reading("last_text", (0, 1, 2, 3)))]


def test_mean_attention_reads_what_is_asked_for() -> None:
    reads = Reads(dog=means([0.1] * 4))
    options = MeanAttentionOptions(first_layer=1, last_layer=2)
    maps_of(MeanAttention(), model(), [DOG], asked(options, [-1], "chat", "pad"), reads)
    assert reads.calls[0][1] == Reading([-1], (1, 2), "chat", "pad")


@pytest.mark.parametrize(
    ("crossed", "first", "last", "layers"),
    [
        ((), 0, None, (0, 1, 2, 3)),
        ((), 1, 2, (1, 2)),
        ((), 3, 3, (3,)),
        ((1, 3), 0, None, (1, 3)),
        ((0, 2), 1, 3, (2,)),
        ((0, 2), 2, None, (2,)),
    ],
)
def test_a_range_of_layers(
    crossed: tuple[int, ...], first: int, last: int | None, layers: tuple[int, ...]
) -> None:
    assert layer_range(model(crossed=crossed), first, last) == layers


@pytest.mark.parametrize(("first", "last"), [(4, None), (0, 4), (2, 1), (1, 5)])
def test_a_range_that_is_not_there(first: int, last: int | None) -> None:
    with pytest.raises(BadOptionError, match="layers 0 to 3, of which all look at"):
        layer_range(model(), first, last)


def test_a_range_of_layers_that_see_no_image() -> None:
    with pytest.raises(BadOptionError, match="layers 0 to 3, of which 1, 3 look at the image"):
        layer_range(model(crossed=(1, 3)), 2, 2)


# relative attention: its layer and its reading


@pytest.mark.parametrize(
    ("layers", "crossed", "layer"),
    [(32, (), 14), (31, (), 13), (33, (), 14), (64, (), 28), (1, (), 0), (8, (1, 2, 7), 2)],
)
def test_the_layer_as_deep_as_14_of_32(layers: int, crossed: tuple[int, ...], layer: int) -> None:
    assert default_layer(model(layers, crossed)) == layer


def relative(reads: Reads, asks: Any, of: Any = None) -> list[PhraseMap]:
    return maps_of(RelativeAttention(), of or model(), [DOG], asks, reads)


def generic(**more: Any) -> RelativeAttentionOptions:
    return RelativeAttentionOptions(generic="what is there ?", **more)


ASKED = "what is there ?"


def test_the_generic_prompt_shares_the_pass() -> None:
    reads = Reads(dog=means([0.2] * 4), there=means([0.1] * 4))
    relative(reads, asked(generic()))
    assert reads.calls == [([DOG.text, ASKED], Reading("last_input", (1,), "chat"))]
    reads.calls.clear()
    relative(reads, asked(generic(layer=3), "phrase", "paper", "pad"))
    assert reads.calls == [([DOG.text, ASKED], Reading("phrase", (3,), "paper", "pad"))]
    reads.calls.clear()
    relative(reads, asked(generic()), model(presets=("paper",)))
    assert reads.calls == [([DOG.text, ASKED], Reading("last_input", (1,)))]


@pytest.mark.parametrize("rows", ["box", [-2, -1]])
def test_rows_that_a_generic_prompt_has_not(rows: Any) -> None:
    reads = Reads(dog=means([0.2] * 4), there=means([0.1] * 4))
    [found] = relative(reads, asked(generic(), rows, None, "pad"))
    assert reads.calls == [
        ([ASKED], Reading("last_input", (1,), "chat", "pad")),
        ([DOG.text], Reading(rows, (1,), "chat", "pad")),
    ]
    np.testing.assert_allclose(found.weights, 2.0)


def test_a_layer_that_does_not_look_at_the_image() -> None:
    with pytest.raises(BadOptionError, match=r"some-model these are 1, 3\. Got 2"):
        relative(Reads(), asked(generic(layer=2)), model(crossed=(1, 3)))


@pytest.mark.parametrize("options", [{"generic": " "}, {"generic": 3}, {"layer": -1}])
def test_options_of_relative_attention_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(BadOptionError):
        RelativeAttentionOptions(**options)
    assert RelativeAttentionOptions().generic == GENERIC


def test_a_generic_prompt_that_cannot_be_asked() -> None:
    options = RelativeAttentionOptions(generic="the \ue002")
    with pytest.raises(BadOptionError, match="generic cannot be asked"):
        relative(Reads(), asked(options))


# relative attention: the ratio


def ratio(above: list[float], below: list[float]) -> PhraseMap:
    notes = TokenMap(CELLS.roles, CELLS.tokens, CELLS.image_size, CELLS.views, notes=("No 'dog'.",))
    reads = Reads(dog=means(above), there=means(below, token_map=notes))
    [found] = relative(reads, asked(generic()))
    return found


def test_the_ratio_cell_by_cell() -> None:
    found = ratio([0.2, 0.3, 0.1, 0.0], [0.1, 0.2, 0.4, 0.2])
    np.testing.assert_allclose(found.weights, [2.0, 1.5, 0.25, 0.0])
    assert found.score(LEFT) == pytest.approx((0.2 + 0.15) / (0.1 + 0.1))
    assert found.score(np.zeros_like(LEFT)) == 0.0
    assert found.details == {"generic": ASKED, "generic_row_tokens": ["dog"]}
    assert found.warnings == ("In the generic prompt: No 'dog'.",)


def test_a_cell_that_the_generic_prompt_ignores_has_a_floor() -> None:
    found = ratio([0.2, 0.3, 0.1, 0.0], [0.0, 0.2, 0.4, 0.2])
    np.testing.assert_allclose(found.weights, [0.2 / (1e-3 * 0.2), 1.5, 0.25, 0.0])


def test_a_generic_prompt_that_ignores_the_image_says_nothing() -> None:
    left_behind = [np.full(4, 7.0) for _ in range(20)]
    del left_behind  # memory that nothing is written to is not zero then
    found = ratio([0.2, 0.3, 0.1, 0.0], [0.0] * 4)
    assert found.weights.tolist() == [0.0] * 4 and found.score(LEFT) == 0.0


# attend minus mean


def difference(
    mean: list[float],
    rest: list[float],
    keep: bool = False,
    roles: tuple[Role, ...] = (),
    over: int = 3,
) -> PhraseMap:
    token_map = TokenMap(
        np.array([*CELLS.roles, *roles], np.int8), (), CELLS.image_size, CELLS.views
    )
    read = means(mean, rest, token_map, rest_tokens=("where", "is", "dog")[:over])
    request = asked(AttendMinusMeanOptions(keep_negative=keep))
    [found] = maps_of(AttendMinusMean(), model(), [DOG], request, Reads(dog=read))
    assert found.read is read
    return found


def test_attend_minus_mean_reads_the_rest_of_the_prompt() -> None:
    reads = Reads(dog=means([0.2] * 4, [0.1] * 4))
    method = AttendMinusMean()
    maps_of(method, model(crossed=(1, 3)), [DOG], asked(AttendMinusMeanOptions()), reads)
    request = asked(AttendMinusMeanOptions(), [-1], "chat", "pad")
    maps_of(method, model(), [DOG], request, reads)
    assert reads.calls == [
        ([DOG.text], Reading("last_text", (1, 3), rest=True)),
        ([DOG.text], Reading([-1], (0, 1, 2, 3), "chat", "pad", rest=True)),
    ]


def test_what_is_below_the_mean_is_left_out_unless_it_is_kept() -> None:
    mean, rest = [0.3, 0.1, 0.2, 0.2], [0.1, 0.4, 0.2, 0.1]
    found = difference(mean, rest)
    np.testing.assert_allclose(found.weights, [0.2, 0.0, 0.0, 0.1], atol=1e-12)
    assert found.score(LEFT) == pytest.approx(0.2) and found.warnings == ()
    assert found.details == {"mean_over": ["where", "is", "dog"]}
    kept = difference(mean, rest, keep=True)
    np.testing.assert_allclose(kept.weights, [0.2, -0.3, 0.0, 0.1], atol=1e-12)
    assert kept.score(LEFT) == pytest.approx(0.2 - 0.15) and kept.warnings == ()
    assert AttendMinusMeanOptions().keep_negative is False


@pytest.mark.parametrize("size", [1.0, 1e-9])
def test_sums_that_differ_by_rounding_leave_nothing(size: float) -> None:
    mean = [size * each for each in (0.1, 0.2, 0.3, 0.4)]
    found = difference(mean, [each * (1 + 5e-6) for each in mean], keep=True)
    assert found.weights.tolist() == [0.0] * 4
    [caution] = found.warnings
    assert "nothing is left" in caution
    other = difference(mean, [each * (1 - 5e-5) for each in mean], keep=True)
    assert (other.weights > 0).all() and other.warnings == ()


@pytest.mark.parametrize("mean", [[0.1, 0.1, 0.1, 0.1], [0.2, 0.1, 0.1, 0.1]])
def test_a_row_that_nowhere_looks_more_than_the_others(mean: list[float]) -> None:
    found = difference(mean, [0.2] * 4)
    assert not found.weights.any()
    [caution] = found.warnings
    assert "Nowhere does the row" in caution
    assert difference(mean, [0.2] * 4, keep=True).warnings == ()


def test_a_mean_over_the_phrases_own_tokens() -> None:
    rows = [0.3, 0.1, 0.2, 0.2], [0.1] * 4
    own = (Role.PHRASE, Role.PHRASE)
    [caution] = difference(*rows, roles=own, over=2).warnings
    assert "the phrase's own tokens alone" in caution
    assert difference(*rows, roles=own, over=3).warnings == ()
    answered = (*own, Role.GENERATED)
    assert difference(*rows, roles=answered, over=2).warnings == ()
    both = difference([0.0] * 4, [0.1] * 4, roles=own, over=2).warnings
    assert len(both) == 2 and "own tokens" in both[0] and "Nowhere" in both[1]
