"""How a sweep is run."""

from __future__ import annotations

from dataclasses import dataclass, field

from vlmscope.analysis.agreement import ACCURACIES
from vlmscope.analysis.knockout.windows import MODES, VARIANTS, edge_sets
from vlmscope.attention.sweep import LAST_ROWS
from vlmscope.errors import BadOptionError
from vlmscope.options import check_options, option

__all__ = ["KnockoutOptions"]


@dataclass(frozen=True)
class KnockoutOptions:
    """Edges, windows, and what is asked of the model under them.

    Attributes:
        windows: the layers of each window, in place of sliding ones.
        heads: those that lose the edges, the same in every blocked layer; None: all.
    """

    edges: str = option(
        "image->query",
        f"what is blocked: {', '.join(VARIANTS)}, or a list of source->target roles; "
        "several sets, each swept by itself, are separated by semicolons",
    )
    mode: str = option(
        "inside",
        "blocked inside each window, outside it, from its first layer on, or until its last",
        choices=MODES,
    )
    width: int = option(1, "layers of a window", at_least=1, whole=True)
    stride: int = option(1, "layers from window to window", at_least=1, whole=True)
    windows: tuple[tuple[int, ...], ...] | None = field(default=None, metadata={"cli": False})
    heads: tuple[int, ...] | None = field(default=None, metadata={"cli": False})
    each_head: bool = option(False, "block one head at a time, each in a run of its own")
    last_row: str = option(
        "query",
        "the last prompt position predicts the first generated token: it counts as query "
        "(published code) or as generated",
        choices=LAST_ROWS,
    )
    ask: bool = option(False, "let the model answer under each knock-out, to judge its answers")
    accuracy: str = option(
        "exact",
        "an answer is right if it says what a reference says (exact), or by VQA's formula "
        "over several people's answers (vqa)",
        choices=ACCURACIES,
    )
    preset: str | None = option("chat", "prompt preset; chat is what the model answers to")
    placement: str | None = option(None, "how images are fitted (default: the family's way)")
    max_new_tokens: int = option(32, "longest answer, in tokens", at_least=1, whole=True)
    seed: int = option(0, "of the intervals", at_least=0, whole=True)

    def __post_init__(self) -> None:
        check_options(self)
        edge_sets(self.edges)
        if self.windows is not None and (self.width, self.stride) != (1, 1):
            raise BadOptionError("Give windows, or width and stride for sliding ones, not both.")
        if self.heads is not None and not self.heads:
            raise BadOptionError("No head is named, so nothing is blocked. Give heads, or None.")
