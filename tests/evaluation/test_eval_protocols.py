"""Protocols by name in ``eval``: the scores are those of plain loops, and the report states each number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import naive_protocol as naive
from dual_families import clip
from families import llava
from panoptic_folder import small_folder
from vlmscope.data.datasets import IGNORE, Dataset, WordList, open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadOptionError, UnknownNameError, UnsupportedError
from vlmscope.evaluation import choose, evaluate
from vlmscope.evaluation.confusion import class_ious, confusion_counts, confusion_matrix
from vlmscope.evaluation.report import markdown
from vlmscope.methods import segmenter
from vlmscope.methods.encoder.protocols import PROTOCOL_SETS, find_protocol
from vlmscope.models import DualEncoder
from vlmscope.types import BACKGROUND

WORDS = {
    "background": ["sky", "grass", "tree", "background"],
    "aeroplane": ["star", "cross"],
    "bicycle": ["circle"],
    "bird": ["small square", "large square"],
    "boat": ["red dog", "blue cat", "bus"],
}


@pytest.fixture(scope="module")
def model() -> DualEncoder:
    return clip()


@pytest.fixture(scope="module")
def voc(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("voc")
    make_tiny("voc21", folder / "set", 2)
    (folder / "words.json").write_text(json.dumps(WORDS))
    return open_dataset("voc21", folder / "set", folder / "words.json")


def rows(classes: dict[str, Sequence[str]]) -> list[list[int]]:
    """Which texts are the words of each class."""
    ends = np.cumsum([len(words) for words in classes.values()])
    return [
        list(range(end - len(words), end))
        for end, words in zip(ends, classes.values(), strict=True)
    ]


def expected(data: Dataset, model: DualEncoder, method: str, name: str) -> tuple[float, float]:
    """mIoU by plain loops, and the share of counted pixels that are clear."""
    protocol = find_protocol(name, data.id)
    ready = segmenter(model, WORDS, method, protocol=protocol)
    counts, clear = [], []
    for image_id in data.image_ids:
        sample = data.load(image_id)
        pixels = sample.image.pixels
        size = pixels.shape[:2]
        if name == "field":
            values = naive.resized(pixels, 336, ready.setup)
            maps = naive.slid(values, ready.setup, ready.text, 224, 112)
            found = naive.decided(naive.painted(maps, size) * 65.0, rows(WORDS), 0.1, 0, 0.1)
        else:
            values = model.fit(pixels, 448, keep_ratio=False).values
            maps = _squashed(ready, values)
            scale = model.family.logit_scale(model.hf)
            own = [[], *[[i - 4 for i in each] for each in rows(WORDS)[1:]]]
            found = naive.decided(naive.painted(maps[4:], size) * scale, own, 0.85, 0, None)
        assert sample.labels is not None
        assert (found.labels != BACKGROUND).all()
        counts.append(confusion_counts(sample.labels, found.labels, len(WORDS)))
        clear.append((found.margin > 1e-5)[sample.labels != IGNORE].mean())
    ious = class_ious(confusion_matrix(counts, len(WORDS)))
    return float(np.nanmean(ious)), float(np.mean(clear))


def _squashed(ready: Any, values: torch.Tensor) -> torch.Tensor:
    from vlmscope.methods.encoder import dense_tokens

    setup, grid = ready.setup, (56, 56)
    tokens = dense_tokens(setup.encoder, values, grid, setup.method, setup.options)
    unit = torch.nn.functional.normalize(tokens.patches[0], dim=-1)
    return (unit @ ready.text.T).T.reshape(-1, *grid)


@pytest.mark.parametrize("name", ["field", "gem"])
def test_scores_are_those_of_plain_loops(voc: Dataset, model: DualEncoder, name: str) -> None:
    methods = ["clearclip", "naclip"] if name == "field" else ["clearclip"]
    chosen = choose(methods)
    found = evaluate(voc, model, chosen, tasks=["segmentation"], protocol=name, progress=False)
    for method in methods:
        value, clear = expected(voc, model, method, name)
        score = found[method]["mIoU present"]
        assert score.interval is not None
        assert clear > 0.99
        assert score.interval.value == pytest.approx(value, abs=2e-3)
    alone = evaluate(
        voc, model, choose(["clearclip"]), tasks=["segmentation"], protocol=name, progress=False
    )
    assert alone["clearclip"]["mIoU"].interval == found["clearclip"]["mIoU"].interval


def test_the_report_states_every_number(voc: Dataset, model: DualEncoder) -> None:
    found = evaluate(voc, model, choose(["clip"]), protocol="field", progress=False)
    stated = found.protocol["protocol"]
    numbers = ("side", "window", "stride", "logit_scale", "background", "least_area")
    assert [stated[name] for name in numbers] == [336, 224, 112, 65.0, 0.1, 0.1]
    assert (stated["id"], stated["dataset"], stated["templates"]) == ("field", "voc21", "imagenet")
    assert stated["background_class"] == "background"
    assert "best word" in found.protocol["tasks"]["segmentation"]
    assert "arg-max over ALL" not in found.protocol["tasks"]["segmentation"]
    setting = found["clip"].setting
    assert setting["protocol"] == "field@voc21"
    assert setting["logit_scale"] == 65.0
    assert setting["text"] == "mean of 80 templates"
    assert "windows of 224 pixels every 112" in setting["resize"]
    text = markdown(found)
    assert "least_area: 0.1" in text and "logit_scale: 65" in text
    metrics = {score.metric for score in found["clip"].scores}
    assert {"mIoU", "pointing", "presence AUC"} <= metrics


def test_free_leaves_everything_as_it_was(voc: Dataset, model: DualEncoder) -> None:
    before = evaluate(voc, model, choose(["gem"]), progress=False).to_dict()
    free = evaluate(voc, model, choose(["gem"]), protocol="free", progress=False).to_dict()
    assert before == free
    assert "protocol" not in before["protocol"]


def test_records_of_two_protocols_are_kept_apart(
    voc: Dataset, model: DualEncoder, tmp_path: Path
) -> None:
    state = tmp_path / "samples.jsonl"
    some: dict[str, Any] = {
        "tasks": ["segmentation"],
        "limit": 1,
        "resume": state,
        "progress": False,
    }
    values = {}
    for name in ("free", "gem", "field", "gem"):
        score = evaluate(voc, model, choose(["gem"]), protocol=name, **some)["gem"]["mIoU"]
        assert values.setdefault(name, score) == score
    lines = [line for line in state.read_text().splitlines() if '"tasks"' in line]
    assert len(lines) == 3


def test_constants_of_the_sets() -> None:
    sides = {name: find_protocol("field", name).side for name in PROTOCOL_SETS}
    assert sides == {
        **dict.fromkeys(("voc21", "voc20", "context60", "context59", "coco-object"), 336),
        **dict.fromkeys(("ade20k", "coco-stuff"), 448),
        "cityscapes": 560,
    }
    scales = {name: find_protocol("field", name).logit_scale for name in PROTOCOL_SETS}
    assert scales == {
        **dict.fromkeys(PROTOCOL_SETS, 40.0),
        "voc21": 65.0,
        "context60": 50.0,
        "coco-object": 50.0,
    }
    areas = {name for name in PROTOCOL_SETS if find_protocol("field", name).least_area}
    assert areas == {"voc21"}
    assert find_protocol("field", "coco-panoptic").dataset == ""
    assert find_protocol("gem", "ade20k").side == 448


def test_what_does_not_go_together(voc: Dataset, model: DualEncoder, tmp_path: Path) -> None:
    with pytest.raises(
        BadOptionError, match=r"option side \(224\) contradicts the protocol field@voc21"
    ):
        evaluate(voc, model, choose(["gem"], {"gem": {"side": "224"}}), protocol="field")
    with pytest.raises(BadOptionError, match="option keep_ratio"):
        evaluate(voc, model, choose(["gem"], shared={"keep_ratio": True}), protocol="gem")
    with pytest.raises(UnsupportedError, match="no options side, window and templates"):
        evaluate(voc, llava(), choose(["mean-attention"]), protocol="field")
    with pytest.raises(UnknownNameError, match="free"):
        evaluate(voc, model, choose(["gem"]), protocol="fields")
    with pytest.raises(BadOptionError, match="constants of ade20k"):
        evaluate(voc, model, choose(["gem"]), protocol="field@ade20k")
    with pytest.raises(
        BadOptionError, match="is of semantic segmentation, which refcoco-m has no truth"
    ):
        make_tiny("refcoco-m", tmp_path / "m", 1)
        data = open_dataset("refcoco-m", tmp_path / "m")
        evaluate(data, model, choose(["gem"]), protocol="gem")


def test_a_set_without_background_has_none(model: DualEncoder, tmp_path: Path) -> None:
    words = WordList("four", {"cat": ("cat", "dog"), "bus": ("bus",), "zebra": ("star",)})
    data = open_dataset("coco-panoptic", small_folder(tmp_path / "data").write(), words)
    found = evaluate(
        data, model, choose(["clip"]), tasks=["segmentation"], protocol="field", progress=False
    )
    assert found.protocol["protocol"]["background_class"] == "none"
    assert found.protocol["protocol"]["dataset"] == ""
