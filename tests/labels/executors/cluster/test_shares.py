"""Every worker fits on some machine, and no machine has more threads than processors."""

from __future__ import annotations

from typing import Any

import pytest

from vlmscope.errors import BadOptionError
from vlmscope.labels.executors.cluster.shares import Share, shares


def _nodes(*machines: tuple[int, int], dead: int = 0) -> list[dict[str, Any]]:
    """Machines by their processors and GPUs."""
    nodes = [{"Alive": True, "Resources": {"CPU": float(c), "GPU": float(g)}} for c, g in machines]
    return [*nodes, *({"Alive": False, "Resources": {}} for _ in range(dead))]


@pytest.mark.parametrize(
    ("nodes", "asked", "expected"),
    [
        (_nodes((8, 0), (16, 0), dead=1), (None, None, None), Share(2, 8, 1, 0)),
        (_nodes((8, 0), (16, 0)), (5, None, None), Share(5, 2, 1, 0)),
        (_nodes((8, 0), (16, 0)), (100, None, None), Share(100, 1, 1, 0)),
        (_nodes((8, 0), (16, 0)), (None, 12, None), Share(2, 12, 12, 0)),
        (_nodes((4, 0), (32, 4), (32, 2)), (None, None, None), Share(6, 8, 1, 1)),
        (_nodes((4, 0), (32, 4)), (None, None, False), Share(2, 4, 1, 0)),
        (_nodes((0, 0), (3, 0)), (None, None, None), Share(1, 3, 1, 0)),  # a head that does no work
    ],
)
def test_shares(nodes: Any, asked: tuple[Any, ...], expected: Share) -> None:
    assert shares(nodes, *asked) == expected


@pytest.mark.parametrize(
    ("nodes", "asked", "words"),
    [
        (_nodes((8, 0)), (None, None, True), "offers a GPU"),
        (
            _nodes((8, 0), (4, 0)),
            (None, 9, None),
            "needs 9 processors, and the largest .* offers 8",
        ),
        (_nodes((0, 0)), (None, None, None), "offers 0"),
        (_nodes((64, 0), (2, 1)), (None, 4, None), "offers 2"),
        ([], (None, None, None), "offers 0"),
    ],
)
def test_what_no_machine_has(nodes: Any, asked: tuple[Any, ...], words: str) -> None:
    with pytest.raises(BadOptionError, match=words):
        shares(nodes, *asked)
