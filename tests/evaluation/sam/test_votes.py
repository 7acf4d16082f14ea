"""Runs whose classes SAM's masks vote for: what segment gives, at the price of one set of masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dual_families import clip
from panoptic_folder import small_folder
from sams import bold, refiner
from vlmscope.data.datasets import IGNORE, Dataset, WordList, open_dataset
from vlmscope.errors import BadOptionError
from vlmscope.evaluation import choose, evaluate
from vlmscope.evaluation.confusion import confusion_counts, mean_iou
from vlmscope.evaluation.sam import check_masks, compares_pixels
from vlmscope.evaluation.tasks import TASKS
from vlmscope.methods.segment import segment
from vlmscope.models import DualEncoder
from vlmscope.refine import AutomaticOptions, Refiner

LOOSE = AutomaticOptions(points=2, least_iou=0.2, least_stability=0.3, most_overlap=1.0)
WORDS = WordList("five", {"cat": ("cat", "small cat"), "bus": ("bus",), "zebra": ("dog",)})


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return open_dataset("coco-panoptic", small_folder(tmp_path / "data").write(), WORDS)


@pytest.fixture(scope="module")
def model() -> DualEncoder:
    return clip()


@pytest.fixture
def sam() -> Refiner:
    return bold(refiner())


def run(data: Dataset, model: Any, sam: Refiner | None, names: list[str], **more: Any) -> Any:
    return evaluate(data, model, choose(names), refiner=sam, progress=False, **more)


def test_miou_is_that_of_segment(data: Dataset, model: DualEncoder, sam: Refiner) -> None:
    counts = []
    classes = {label: [str(n) for n in names] for label, names in WORDS.classes.items()}
    for image_id in data.image_ids:
        sample = data.load(image_id)
        assert sample.labels is not None
        found = segment(model, sample.image, classes, "gem", refine=sam, refine_masks=LOOSE)
        truth, labels = sample.labels, found.labels.astype(int)
        counts.append(confusion_counts(truth[truth != IGNORE], labels[truth != IGNORE], 3))
    found = run(data, model, sam, ["gem"], refine_masks=LOOSE)
    assert [each.label for each in found.runs] == ["gem", "gem+sam:vote"]
    assert found["gem+sam:vote"]["mIoU"].interval == mean_iou([c for c in counts if c], 3)
    assert found["gem+sam:vote"]["mIoU"].interval != found["gem"]["mIoU"].interval
    for same in ("pointing", "presence AUC"):  # masks vote for pixels alone
        assert found["gem+sam:vote"][same].interval == found["gem"][same].interval
    setting = found["gem+sam:vote"].setting
    assert (setting["sam"], setting["sam_masks"]["points"]) == ("tiny-sam", 2)
    assert "largest mean score inside" in setting["votes"]


def test_all_runs_share_the_masks_of_an_image(
    data: Dataset, model: DualEncoder, sam: Refiner
) -> None:
    embedded: list[int] = []
    decoded: list[int] = []
    sam.hf.vision_encoder.register_forward_hook(lambda *_: embedded.append(1))
    sam.hf.mask_decoder.register_forward_hook(lambda *_: decoded.append(1))
    found = run(data, model, sam, ["gem", "maskclip", "clip"], refine_masks=LOOSE)
    assert len(found.runs) == 6
    labelled = [
        image_id
        for image_id in data.image_ids
        if (data.load(image_id).labels != IGNORE).any()  # type: ignore[union-attr]
    ]
    assert len(embedded) == len(decoded) == len(labelled)


def test_a_state_file_keeps_rules_apart(
    data: Dataset, model: DualEncoder, sam: Refiner, tmp_path: Path
) -> None:
    state = tmp_path / "state.jsonl"
    first = run(data, model, sam, ["gem"], refine_masks=LOOSE, resume=state)
    embedded: list[int] = []
    sam.hf.vision_encoder.register_forward_hook(lambda *_: embedded.append(1))
    again = run(data, model, sam, ["gem"], refine_masks=LOOSE, resume=state)
    assert not embedded and again.runs == first.runs
    other = AutomaticOptions(points=3, least_iou=0.2, least_stability=0.3, most_overlap=1.0)
    run(data, model, sam, ["gem"], refine_masks=other, resume=state)
    assert embedded


def test_without_segmentation_nothing_votes(
    data: Dataset, model: DualEncoder, sam: Refiner
) -> None:
    assert compares_pixels([TASKS.get("segmentation")])
    assert not compares_pixels([TASKS.get("presence"), TASKS.get("pointing")])
    assert not compares_pixels([TASKS.get("segmentation"), TASKS.get("referring")])
    with pytest.raises(BadOptionError, match="would change no score"):
        run(data, model, sam, ["gem"], tasks=["pointing"])


def test_what_there_is_no_use_for_is_refused(
    data: Dataset, model: DualEncoder, sam: Refiner
) -> None:
    with pytest.raises(BadOptionError, match="by a grid of points, not by box, mask"):
        run(data, model, sam, ["gem"], refine_prompts=["box", "mask"])
    with pytest.raises(BadOptionError, match="there is no SAM"):
        run(data, model, None, ["gem"], refine_masks=LOOSE)
    with pytest.raises(BadOptionError, match="counts where classes are compared"):
        check_masks(open_dataset("tiny-scenes"), [TASKS.get("referring")], None, LOOSE)
