"""Who reads whom: the query tokens' share of attention, and where the image is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.flow import AttentionFlow, FlowOptions, attention_flow
from vlmscope.reproduce.reproductions import Table
from vlmscope.reproduce.whats_in_the_image.depths import layers_between
from vlmscope.reproduce.whats_in_the_image.paper import QUARTER
from vlmscope.reproduce.whats_in_the_image.parts import Job, Part, mean_score, together

__all__ = ["measure_flow"]

_COLUMNS = (
    *("layer", "depth", "answer to image", "answer to query", "answer to answer"),
    *("query to image", "entropy of query"),
)
_NOTE = (
    "answer to image, query, answer: shares of what the answer's rows read; query: every prompt token "
    "but the image's; query to image: what prompt tokens behind the image give to it; entropy: of that "
    "part, in nats; means over heads and images."
)


def measure_flow(job: Job, state: Path | None) -> Part:
    """Attention flow of the descriptions, see :func:`vlmscope.analysis.flow.attention_flow`.

    Args:
        job: model, images and settings.
        state: file of finished images; None: nowhere.
    """
    options = FlowOptions(max_new_tokens=job.max_new_tokens)
    flow = attention_flow(job.model, job.images, options, resume=state, progress=job.progress)
    values = {
        "query-tokens": _token_shares(flow, "system", "query"),
        "query-attention": _mean(flow, _share(flow, "generated", "system", "query")),
        "image-quarter": _lead(flow, _share(flow, "generated", "image")),
        "query-entropy": _mean(flow, _entropy(flow)),
    }
    scores = {id: mean_score(id, each, seed=job.seed) for id, each in values.items()}
    return Part(scores, (_table(flow),), flow.run, together(job.images.skipped, flow.skipped))


def _token_shares(flow: AttentionFlow, *sources: str) -> NDArray[np.float64]:
    """Float (images,): how many of the tokens are of some sources."""
    chosen = [flow.sources.index(source) for source in sources]
    shares: NDArray[np.float64] = flow.tokens[:, chosen].sum(axis=1) / flow.tokens.sum(axis=1)
    return shares


def _share(flow: AttentionFlow, target: str, *sources: str) -> NDArray[np.float64]:
    """Float (images, layers): what rows of a target give to some sources, mean over heads."""
    chosen = [flow.sources.index(source) for source in sources]
    values = flow.shares[:, flow.targets.index(target)][..., chosen].sum(axis=-1)
    shares: NDArray[np.float64] = values.mean(axis=-1)
    return shares


def _entropy(flow: AttentionFlow) -> NDArray[np.float64]:
    """Float (images, layers): of the query rows' part on the image, mean over heads."""
    entropy: NDArray[np.float64] = flow.entropy[:, flow.targets.index("query")].mean(axis=-1)
    return entropy


def _mean(flow: AttentionFlow, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Float (images,): over the layers that have rows."""
    mean: NDArray[np.float64] = values[:, list(flow.row_layers)].mean(axis=-1)
    return mean


def _lead(flow: AttentionFlow, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Float (images,): mean of the second quarter of the layers less mean of the others, of those that
    have rows."""
    quarter = layers_between(flow.layers, *QUARTER)
    inside = [layer for layer in flow.row_layers if layer in quarter]
    outside = [layer for layer in flow.row_layers if layer not in quarter]
    lead: NDArray[np.float64] = shares[:, inside].mean(axis=1) - shares[:, outside].mean(axis=1)
    return lead


def _table(flow: AttentionFlow) -> Table:
    columns = [
        _share(flow, "generated", "image"),
        _share(flow, "generated", "system", "query"),
        _share(flow, "generated", "generated"),
        _share(flow, "query", "image"),
        _entropy(flow),
    ]
    means = [_means(values) for values in columns]
    rows = [
        (layer, f"{layer / flow.layers:.0%}", *(each[layer] for each in means))
        for layer in range(flow.layers)
    ]
    return Table("flow", "Attention by layer", _COLUMNS, rows, _NOTE)


def _means(values: NDArray[np.float64]) -> list[float | None]:
    """Of each layer, over the images that have such rows; None where none has, or the layer has none."""
    rowless: NDArray[np.bool_] = np.asarray(np.isnan(values).all(axis=0))
    kept = values[~np.isnan(values[:, ~rowless]).any(axis=1)]
    if not len(kept) or rowless.all():
        return [None] * values.shape[1]
    means = kept.mean(axis=0).tolist()
    return [None if none else mean for none, mean in zip(rowless, means, strict=True)]
