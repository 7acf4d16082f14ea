"""What is measured in one pass over a split: heads of each kind, post-processing of each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.heads import DiscoveryOptions, LocalizationHeadsOptions, published_for
from vlmscope.heads.criteria import spatial_entropies
from vlmscope.heads.measures import Measures
from vlmscope.heads.selection import select
from vlmscope.models import LoadedModel
from vlmscope.post import PostOptions
from vlmscope.post.options import PAPER, with_post
from vlmscope.types import Head, HeadSet, TokenMap

__all__ = ["ALONE", "MAIN", "TAU", "Variant", "ranked_by_criterion", "variants_of"]

MAIN = "paper"
"""The setting of the paper's table: three heads by both criteria, smoothed, one set for all."""

TAU = 0.24
"""The constant of the paper's ablation, which is the elbow that it names for LLaVA-1.5-7B."""

ALONE = "alone"
"""What the variants of single heads begin with."""

_K = 3
_LONE = 20  # heads whose own masks are held against their rank
_MOST = 5  # heads of a criterion that are kept


@dataclass(frozen=True)
class Variant:
    """One way from attention to a region.

    Attributes:
        id: unique.
        title: a few words.
        heads: whose maps are combined, or chosen from.
        post: the post-processing.
        greedy: choose the three of lowest entropy anew for each phrase.
    """

    id: str
    title: str
    heads: tuple[Head, ...]
    post: PostOptions
    greedy: bool = False

    def rows(
        self, token_map: TokenMap, heads: Sequence[Head], values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The maps that are combined: float64 (chosen, tokens).

        Args:
            token_map: geometry of the image tokens.
            heads: of all the maps that were read.
            values: float64 (heads, tokens), their maps.
        """
        mine = values[[heads.index(head) for head in self.heads]]
        if not self.greedy:
            return mine
        entropies = spatial_entropies(token_map, mine, "area")
        return mine[np.lexsort((-mine.sum(axis=-1), entropies))[:_K]]


def ranked_by_criterion(
    measures: Measures, options: DiscoveryOptions, places: Sequence[Head]
) -> dict[str, list[Head]]:
    """The best heads by other criteria than the paper's, from the same measures.

    Args:
        measures: of the samples of a discovery.
        options: of that discovery.
        places: the heads that the columns of the measures are of.
    """
    selections = {
        "sum": select(measures, replace(options, criterion="sum")),
        "entropy": select(measures, replace(options, criterion="entropy")),
        "tau": select(measures, options, fixed_tau=TAU),
    }
    return {
        name: [places[i] for i in each.order.tolist() if each.frequency[i] > 0][:_MOST]
        for name, each in selections.items()
    }


def variants_of(
    model: LoadedModel, heads: HeadSet, criteria: Mapping[str, Sequence[Any]]
) -> tuple[Variant, ...]:
    """The paper's setting first, then its ablations; those that no head is left for are not there.

    Args:
        model: the model.
        heads: that were discovered by both criteria.
        criteria: name -> (layer, head) pairs, see :func:`ranked_by_criterion`.
    """
    ranked = [row.head for row in heads.frequencies if row.frequency.value > 0]
    chosen = tuple(ranked[:_K])
    named = published_for(model.id)
    own = PostOptions(**_post_of(model))
    passed = [row.head for row in heads.frequencies if row.attention_sum >= (heads.tau or 0.0)]
    by = {name: tuple(Head(*pair) for pair in pairs)[:_K] for name, pairs in criteria.items()}
    variants = [
        Variant(MAIN, "three heads, both criteria, smoothed", chosen, PAPER),
        Variant("k1", "one head", tuple(ranked[:1]), PAPER),
        Variant("k5", "five heads", tuple(ranked[:5]), PAPER),
        Variant("sum", "attention sum alone", by["sum"], PAPER),
        Variant("entropy", "spatial entropy alone", by["entropy"], PAPER),
        Variant("tau", f"attention sum of at least {TAU}, fixed", by["tau"], PAPER),
        Variant("greedy", "three heads chosen anew for each phrase", tuple(passed), PAPER, True),
        Variant("unsmoothed", "without smoothing", chosen, replace(PAPER, smoothing="none")),
        Variant("own", "vlmscope's own post-processing", chosen, own),
        Variant(
            "named",
            "the published heads that ship with vlmscope",
            named.heads if named else (),
            PAPER,
        ),
    ]
    variants += [Variant(f"{ALONE} {head}", str(head), (head,), PAPER) for head in ranked[:_LONE]]
    return tuple(each for each in variants if each.heads)


def _post_of(model: LoadedModel) -> dict[str, Any]:
    options = with_post(LocalizationHeadsOptions(), model.card.grounding, None)
    return {name: getattr(options, name) for name in (field.name for field in fields(PostOptions))}
