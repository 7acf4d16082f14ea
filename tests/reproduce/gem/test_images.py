"""What is kept of an image is what each setting finds by itself, and what eval scores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch.nn.functional as F

from vlmscope.data.datasets import Dataset
from vlmscope.errors import BadSampleError
from vlmscope.evaluation.entrants.configured_methods import choose
from vlmscope.evaluation.runner import evaluate
from vlmscope.methods.encoder.tower import dense_tokens
from vlmscope.models import DualEncoder
from vlmscope.reproduce.gem import Settings
from vlmscope.reproduce.gem.counts import Counts, mean_iou
from vlmscope.reproduce.gem.images import MEANS, Lens
from vlmscope.reproduce.gem.ways import BASELINES, ways_of
from vlmscope.stats import bootstrap_ratios

SAME = {
    "gem": {},
    "gem@q": {"projections": "q"},
    "gem@cold": {"temperature": "constant", "constant": 10.0},
    "gem@mlp": {"feed_forward": True},
    "clip-surgery": {},
    "maskclip": {},
}
IDS = {"gem@q": "q", "gem@cold": "temperature-10", "gem@mlp": "mlp"}


def test_scores_are_those_of_eval(
    encoder: DualEncoder, data: Dataset, records: dict[str, Any]
) -> None:
    choices = choose(list(SAME), SAME, {"keep_ratio": False})
    scored = evaluate(data, encoder, choices, tasks=["pointing", "segmentation"], progress=False)
    ids = [IDS.get(choice, choice) for choice in SAME]
    counts = Counts(records, ids)
    pairs = [record["pairs"] for record in records.values()]
    for run, way in zip(SAME, ids, strict=True):
        expected = scored[run]["mIoU present"].interval
        assert expected is not None
        assert mean_iou(counts[way], 0) == pytest.approx(expected)
        hits = [[record["ways"][way]["hits"]] for record in records.values()]
        (pointing,) = bootstrap_ratios(hits, pairs)
        expected = scored[run]["pointing"].interval
        assert expected is not None
        assert pointing.value == pytest.approx(expected.value)


def test_settings_that_share_a_pass_are_what_each_is_alone(
    encoder: DualEncoder, lens: Lens, data: Dataset, records: dict[str, Any]
) -> None:
    image_id = data.image_ids[0]
    sample = data.load(image_id)
    fitted = encoder.fit(sample.image.pixels, lens.side, keep_ratio=False)
    for way in lens.ways:
        alone = dense_tokens(encoder, fitted.values, fitted.grid, way.method, way.options, True)
        assert alone.pooled is not None
        unit = F.normalize(alone.patches[0], dim=-1)
        labels = sample.labels
        assert labels is not None
        boxes = fitted.token_map.views[0].boxes
        middles = ((boxes[:, :2] + boxes[:, 2:]) / 2).astype(int)
        cells = np.array([labels[y, x] for x, y in middles])
        token = (unit[cells >= 0] @ F.normalize(alone.pooled[0], dim=-1)).mean()
        kept = records[image_id]["ways"][way.id]["means"][MEANS.index("class token")]
        assert kept == pytest.approx(float(token), abs=2e-5), way.id


def test_what_is_compared(lens: Lens, encoder: DualEncoder) -> None:
    tower = len(encoder.blocks)
    ids = [way.id for way in lens.ways]
    assert ids[0] == "gem" and len(set(ids)) == len(ids)
    assert ids[-3:] == list(BASELINES)
    settings = {str(way.options) for way in lens.ways if way.method.id == "gem"}
    assert len(settings) == len(ids) - 3  # none is another one over again
    deep = {way.id: way for way in ways_of(12, 224)}
    depths = [way.blocks(12) for way in deep.values() if way.group == "depth"]
    assert sorted([*depths, deep["gem"].blocks(12)]) == list(range(1, 13))
    shallow = [way.blocks(tower) for way in lens.ways if way.group == "depth"]
    assert sorted([*shallow, lens.ways[0].blocks(tower)]) == list(range(1, tower + 1))


def test_coarser_pixels_are_some_of_them(encoder: DualEncoder, data: Dataset) -> None:
    sample = data.load(data.image_ids[0])
    assert sample.labels is not None
    coarse = Lens(encoder, data, Settings(side=0, pixel_step=3)).measure(sample)
    labels = sample.labels[1::3, 1::3]
    assert coarse["true"] == [
        [int(c), int((labels == c).sum())] for c in np.unique(labels[labels >= 0])
    ]


def test_an_image_without_classes_is_refused(lens: Lens, data: Dataset) -> None:
    sample = data.load(data.image_ids[0])
    assert sample.labels is not None
    with pytest.raises(BadSampleError, match="no label map"):
        lens.measure(replace(sample, labels=None))
    with pytest.raises(BadSampleError, match="no pixel that counts"):
        lens.measure(replace(sample, labels=np.full_like(sample.labels, -1)))
