"""Which edges a knock-out blocks, on roles made by hand: no model is needed."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from vlmscope.attention.instrument import Binding, Forward
from vlmscope.attention.knockout import Knockout, knockout
from vlmscope.errors import AttentionError, UnknownNameError
from vlmscope.types import TokenMap

CPU = torch.device("cpu")
ROLES = {".": 0, "s": 1, "i": 2, "q": 3, "p": 4, "g": 5}  # a letter for each Role


def model(layers: int = 3, heads: int = 4) -> Any:
    return SimpleNamespace(
        id="fake", decoder_shape=(layers, heads), row_layers=tuple(range(layers))
    )


def tokens(roles: str) -> TokenMap:
    return TokenMap(np.array([ROLES[each] for each in roles], np.int8), (), (8, 8), ())


def forward(
    *roles: str, past: int = 0, queries: int | None = None, crossed: bool = False, **binding: Any
) -> Forward:
    """A pass over prompts; queries None: over all of each."""
    count = len(roles[0]) - past if queries is None else queries
    bound = Binding([tokens(each) for each in roles], **binding)
    return Forward(past, count, None, bound, crossed)


def part(*edges: Any, heads: list[int] | None = None, **more: Any) -> Knockout:
    return Knockout(model(), edges, None, heads, **more)


def picture(blocked: torch.Tensor, item: int = 0, head: int = 0) -> list[str]:
    """One line for each row, ``x`` where it may not read the key."""
    return ["".join("x" if key else "-" for key in row) for row in blocked[item, head]]


# roles


@pytest.mark.parametrize(
    ("edge", "expected"),
    [
        (("image", "query"), ["-----", "-----", "-----", "-xx--", "-xx--"]),
        (("system", "phrase"), ["-----", "-----", "-----", "-----", "x----"]),
        (("query", "image"), ["-----", "---xx", "---xx", "-----", "-----"]),
        (("text", "last"), ["-----", "-----", "-----", "-----", "x--xx"]),
        (("last", "text"), ["----x", "-----", "-----", "----x", "----x"]),
        (("generated", "query"), ["-----"] * 5),
        (("image", 3), ["-----", "-----", "-----", "-xx--", "-----"]),
        (([0, 2], [1, 4]), ["-----", "x-x--", "-----", "-----", "x-x--"]),
        (([], "query"), ["-----"] * 5),
        (("image", []), ["-----"] * 5),
    ],
)
def test_an_edge_keeps_the_targets_rows_from_the_sources_keys(
    edge: Any, expected: list[str]
) -> None:
    blocked = part(edge).blocked(forward("siiqp"), 1, 5, CPU)
    assert blocked.dtype == torch.bool and blocked.shape == (1, 1, 5, 5)
    assert picture(blocked) == expected


def test_edges_add_up() -> None:
    blocked = part(("image", "phrase"), ("system", "query")).blocked(forward("siiqp"), 1, 5, CPU)
    assert picture(blocked) == ["-----", "-----", "-----", "x----", "xxx--"]


def test_each_item_of_a_batch_has_its_own_roles() -> None:
    blocked = part(("image", "last")).blocked(forward("siqp..", "..siqq"), 2, 6, CPU)
    assert picture(blocked, 0) == ["------", "------", "------", "-x----", "------", "------"]
    assert picture(blocked, 1) == ["------", "------", "------", "------", "------", "---x--"]


def test_positions_count_from_the_first_real_token_of_their_item() -> None:
    blocked = part((0, [2])).blocked(forward("siqp..", "..siqq"), 2, 6, CPU)
    assert picture(blocked, 0) == ["------", "------", "x-----", "------", "------", "------"]
    assert picture(blocked, 1) == ["------", "------", "------", "------", "--x---", "------"]


def test_positions_of_a_pass_by_hand_are_those_of_the_sequence() -> None:
    blocked = part((1, 2)).blocked(Forward(0, 3, None, None), 1, 3, CPU)
    assert picture(blocked) == ["---", "---", "-x-"]


def test_positions_beyond_the_pass_block_nothing() -> None:
    blocked = part(([5, 6], 4), (0, [5, 9])).blocked(forward("siiqp"), 1, 5, CPU)
    assert not blocked.any()


def test_a_role_needs_a_token_map() -> None:
    with pytest.raises(AttentionError, match=r"'image -> query, 1 -> 2'.*vlmscope\.prefill"):
        part(("image", "query"), (1, 2)).blocked(Forward(0, 3, None, None), 1, 3, CPU)


# packed phrases


def test_each_packed_prompt_has_a_last_row() -> None:
    """A prompt may be a single token, and the next one's first token stands where it ends."""
    packed = forward("iqqpq", segments=((1, 3), (3, 4), (4, 5)))
    blocked = part(("image", "last")).blocked(packed, 1, 5, CPU)
    assert picture(blocked) == ["-----", "-----", "x----", "x----", "x----"]


# passes that go on behind a cache


def test_rows_behind_a_cache_are_the_last_ones() -> None:
    step = forward("siiqp", past=3, queries=2)
    blocked = part(("image", "text"), ("query", 3)).blocked(step, 1, 5, CPU)
    assert picture(blocked) == ["-xxxx", "-xx--"]


def test_a_cache_that_dropped_its_oldest_keys() -> None:
    step = forward("siiqp", past=3, queries=2)
    blocked = part(("image", "query"), ("system", "query")).blocked(step, 1, 3, CPU)
    assert picture(blocked) == ["x--", "x--"]  # the keys are those of positions 2 to 4


def test_a_cache_with_room_for_more_keys() -> None:
    step = forward("siiqp", past=4, queries=1)
    blocked = part(("query", "phrase"), ("generated", "phrase")).blocked(step, 1, 7, CPU)
    assert picture(blocked) == ["---xx--"]


def test_tokens_that_are_generated_now_are_behind_the_token_map() -> None:
    edges = ("generated", "generated")
    step = forward("siq", past=3, queries=2, generating=True)
    assert picture(part(edges).blocked(step, 1, 5, CPU)) == ["---xx", "---xx"]
    given = forward("siq", past=3, queries=2)  # an answer that is given stands in the token map
    assert not part(edges).blocked(given, 1, 5, CPU).any()
    both = forward("sig", past=2, queries=2, generating=True)
    assert picture(part(edges).blocked(both, 1, 4, CPU)) == ["--xx", "--xx"]
    other = part(("query", "image"), ("image", "query"))
    assert not other.blocked(step, 1, 5, CPU).any()


def test_a_prompt_that_is_read_in_parts_before_an_answer() -> None:
    first = forward("siigq", queries=2, generating=True)
    blocked = part(("image", "generated"), ("system", "image")).blocked(first, 1, 2, CPU)
    assert picture(blocked) == ["--", "x-"]


# rows that go on reading themselves


@pytest.mark.parametrize("keep", [False, True])
def test_a_row_may_go_on_reading_itself(keep: bool) -> None:
    blocked = part(("image", "image"), keep_own=keep).blocked(forward("siiq"), 1, 4, CPU)
    own = ["----", "--x-", "-x--", "----"]
    assert picture(blocked) == (own if keep else ["----", "-xx-", "-xx-", "----"])


def test_a_row_behind_a_cache_goes_on_reading_itself() -> None:
    step = forward("siqqq", past=2, queries=3)
    blocked = part(("query", "query"), keep_own=True).blocked(step, 1, 5, CPU)
    assert picture(blocked) == ["---xx", "--x-x", "--xx-"]


def test_a_row_whose_own_key_was_dropped_cannot_read_itself() -> None:
    blocked = part(("image", "image"), keep_own=True).blocked(forward("iiiii"), 1, 3, CPU)
    assert picture(blocked) == ["xxx", "xxx", "-xx", "x-x", "xx-"]


def test_a_cache_with_room_keeps_the_own_positions() -> None:
    step = forward("iiii", past=1, queries=3)
    blocked = part(("image", "image"), keep_own=True).blocked(step, 1, 6, CPU)
    assert picture(blocked) == ["x-xx--", "xx-x--", "xxx---"]


# cross-attention


@pytest.mark.parametrize("keep", [False, True])
def test_crossed_layers_have_the_images_keys_and_no_others(keep: bool) -> None:
    crossed = forward("siqp", crossed=True)
    blocked = part(("image", "query"), keep_own=keep).blocked(crossed, 1, 3, CPU)
    assert picture(blocked) == ["---", "---", "xxx", "xxx"]
    other = part(("system", "query"), ("query", "query"), (0, 3), keep_own=keep)
    assert not other.blocked(crossed, 1, 3, CPU).any()


# heads, layers, devices


def test_other_heads_go_on_reading() -> None:
    blocked = part(("image", "query"), heads=[2, 0]).blocked(forward("siq"), 1, 3, CPU)
    assert blocked.shape == (1, 4, 3, 3) and blocked.dtype == torch.bool
    assert [picture(blocked, 0, head)[2] for head in range(4)] == ["-x-", "---", "-x-", "---"]
    assert not blocked[:, :, :2].any()


def test_heads_of_a_model_of_one_layer() -> None:
    alone = Knockout(model(layers=1), [("image", "query")], None, [1])
    assert alone.blocks(0)
    assert alone.blocked(forward("siq"), 1, 3, CPU).any(-1).any(-1).tolist() == [
        [False, True, False, False]
    ]


def test_layers() -> None:
    assert [part((0, 1)).blocks(layer) for layer in range(3)] == [True, True, True]
    chosen = Knockout(model(), [(0, 1)], [2, 0], None)
    assert [chosen.blocks(layer) for layer in range(3)] == [True, False, True]


def test_the_mask_is_made_where_it_is_wanted() -> None:
    blocked = part(("image", "query")).blocked(forward("siq"), 1, 3, torch.device("meta"))
    assert blocked.device.type == "meta"


# the context, and what is refused


def test_a_knockout_is_active_inside_its_block_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    instrument = SimpleNamespace(blockers=["another"])

    @contextlib.contextmanager
    def fake(_: Any) -> Iterator[Any]:
        yield instrument

    # the package exports a function of the module's name
    module = importlib.import_module("vlmscope.attention.knockout")
    monkeypatch.setattr(module, "instrument", fake)
    with pytest.raises(RuntimeError, match="inside"):
        with knockout(model(), [("image", "image")], [1], [3]):
            other, active = instrument.blockers
            assert other == "another" and [active.blocks(layer) for layer in (0, 1)] == [
                False,
                True,
            ]
            blocked = active.blocked(forward("si"), 1, 2, CPU)
            assert picture(blocked, 0, 3) == ["--", "-x"] and picture(blocked) == ["--", "--"]
            raise RuntimeError("inside")
    assert instrument.blockers == ["another"]


@pytest.mark.parametrize("edge", ["image", ("image",), ("image", "query", "text"), ["image", 3]])
def test_an_edge_is_a_pair(edge: Any) -> None:
    with pytest.raises(AttentionError, match="An edge is a .* pair, got"):
        part(edge)


@pytest.mark.parametrize("edge", [("images", "query"), (3, "pad"), ("image", "quer")])
def test_an_unknown_role_is_refused(edge: Any) -> None:
    with pytest.raises(UnknownNameError, match="Or give positions"):
        part(edge)


def test_a_knockout_has_an_edge() -> None:
    with pytest.raises(AttentionError, match="at least one edge"):
        part()
