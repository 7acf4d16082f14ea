"""Verification on heads of known behaviour: good ones stand out, bad ones are said to be bad."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from handmade import FakeModel, PlantedHeads, scene
from vlmscope.errors import BadSampleError, ModelMismatchError, VlmscopeWarning
from vlmscope.heads import DiscoveryOptions, discover_heads, verify_heads
from vlmscope.heads.judge import RANDOM_SETS, pointing_hits
from vlmscope.heads.verify import percentile
from vlmscope.methods import ground
from vlmscope.post import PostOptions
from vlmscope.types import Head, HeadSet

POINTING = "L3H1,L4H0,L4H2"
POST = PostOptions(threshold="max-share")


def _boxed(numbers: range) -> list[tuple]:
    return [(image, "the bright thing", box) for image, box in map(scene, numbers)]


@pytest.fixture
def found(fake: FakeModel, planted: PlantedHeads) -> HeadSet:
    return verify_heads(fake, POINTING, _boxed(range(30)), post=POST, progress=False)


def test_heads_that_point_are_better_than_chance_and_than_random_ones(found: HeadSet) -> None:
    evidence = found.evidence
    assert evidence.samples == 30 and evidence.better_than_chance
    assert evidence.pointing.value > 0.9 > evidence.random_pointing > 0
    assert evidence.chance_pointing < 0.15
    assert evidence.chance_pointing < evidence.average_pointing <= 1
    assert evidence.acc50.value > 0.9 and evidence.mean_iou.value > 0.6
    assert evidence.enrichment.value > 5
    assert evidence.mask_iou is None  # only boxes were given


def test_each_head_of_the_set_has_its_own_row(found: HeadSet) -> None:
    rows = found.evidence.per_head
    assert [row["head"] for row in rows] == [[3, 1], [4, 0], [4, 2]]
    for row in rows:
        assert row["percentile"] > 90 and row["enrichment_percentile"] > 90
        assert (
            row["pointing"][0] > 0.9
            and row["pointing"][1] <= row["pointing"][0] <= row["pointing"][2]
        )
        assert {"mean_iou", "acc50", "enrichment"} <= set(row)


def test_settings_and_digests_are_on_record(found: HeadSet) -> None:
    evidence = found.evidence
    assert (
        evidence.settings["threshold"] == "max-share" and evidence.settings["rows"] == "last_text"
    )
    assert evidence.settings["random_sets"] == RANDOM_SETS
    assert len(set(evidence.sample_ids)) == 30


def test_a_verified_set_survives_its_file(found: HeadSet, tmp_path: Path) -> None:
    found.save(tmp_path / "heads.json")
    assert HeadSet.load(tmp_path / "heads.json") == found


def test_heads_that_look_elsewhere_are_no_better_than_chance_and_using_them_says_so(
    fake: FakeModel, planted: PlantedHeads
) -> None:
    bad = verify_heads(fake, "L2H0,L5H3", _boxed(range(30)), post=POST, progress=False)
    assert not bad.evidence.better_than_chance
    assert bad.evidence.enrichment.value == pytest.approx(1, abs=0.3)
    warned = ground(fake, scene(40)[0], "a thing", heads=bad).warnings
    assert "no better than chance" in warned[0]
    assert not any("chance" in text for text in warned[1:])


def test_masks_give_mask_iou_and_exact_pointing(fake: FakeModel, planted: PlantedHeads) -> None:
    rows = []
    for image, _ in map(scene, range(12)):
        rows.append((image, "the bright thing", image[..., 0] > 128))
    evidence = verify_heads(fake, POINTING, rows, post=POST, progress=False).evidence
    assert evidence.mask_iou.value > 0.6 and evidence.acc50.value > 0.9
    mixed = verify_heads(fake, POINTING, rows + _boxed(range(20, 25)), post=POST, progress=False)
    assert mixed.evidence.mask_iou is None  # part of the samples would not be comparable


def test_the_evidence_is_what_grounding_gives(fake: FakeModel, planted: PlantedHeads) -> None:
    from vlmscope.metrics import contains
    from vlmscope.types import box_iou

    samples = _boxed(range(10))
    evidence = verify_heads(fake, POINTING, samples, post="paper", progress=False).evidence
    grounded = [ground(fake, s[0], s[1], heads=POINTING, post="paper") for s in samples]
    ious = [box_iou(g.box, s[2]) for g, s in zip(grounded, samples, strict=True)]
    hits = [contains(s[2], g.point) for g, s in zip(grounded, samples, strict=True)]
    assert evidence.mean_iou.value == pytest.approx(np.mean(ious))
    assert evidence.pointing.value == pytest.approx(np.mean(hits))


def test_the_models_own_post_processing_is_the_default(planted: PlantedHeads) -> None:
    from vlmscope.models import ModelCard

    model = FakeModel(card=ModelCard("fake", "fake", grounding={"threshold": "otsu"}))
    evidence = verify_heads(model, POINTING, _boxed(range(2)), progress=False).evidence
    assert evidence.settings["threshold"] == "otsu"


def test_samples_that_discovery_saw_are_refused(fake: FakeModel, planted: PlantedHeads) -> None:
    pairs = [(image, phrase) for image, phrase, _ in _boxed(range(8))]
    heads = discover_heads(fake, pairs, DiscoveryOptions(candidates=4), progress=False)
    with pytest.warns(VlmscopeWarning, match="3 samples were skipped"):
        checked = verify_heads(fake, heads, _boxed(range(5, 12)), post=POST, progress=False)
    assert checked.evidence.samples == 4
    assert "discovered on this very sample" in checked.evidence.skipped[0]
    assert checked.frequencies == heads.frequencies
    with pytest.raises(BadSampleError, match="None of 8 samples"):
        verify_heads(fake, heads, _boxed(range(8)), post=POST, progress=False)


def test_rows_without_a_target_are_skipped_with_the_reason(
    fake: FakeModel, planted: PlantedHeads
) -> None:
    image, box = scene(1)
    rows = [(image, "a", box), (image, "b"), (image, "c", (500, 0, 510, 9)), ("gone.png", "d", box)]
    with pytest.warns(VlmscopeWarning, match="3 samples were skipped"):
        checked = verify_heads(fake, POINTING, rows, progress=False)
    assert [line.split(":")[0] for line in checked.evidence.skipped] == ["row 1", "row 2", "row 3"]


def test_verification_goes_on_where_it_stopped(
    fake: FakeModel, planted: PlantedHeads, tmp_path: Path
) -> None:
    state = tmp_path / "state.jsonl"
    samples = _boxed(range(10))
    verify_heads(fake, POINTING, samples[:6], post=POST, progress=False, resume=state)
    resumed = verify_heads(fake, POINTING, samples, post=POST, progress=False, resume=state)
    assert len(planted.images) == 10
    assert resumed == verify_heads(fake, POINTING, samples, post=POST, progress=False)
    with pytest.raises(ModelMismatchError, match="heads"):
        verify_heads(fake, "L3H1", samples, post=POST, progress=False, resume=state)
    with pytest.raises(ModelMismatchError, match="post"):
        verify_heads(fake, POINTING, samples, progress=False, resume=state)


def test_evidence_for_heads_of_another_model_says_where_they_came_from(
    fake: FakeModel, planted: PlantedHeads
) -> None:
    foreign = HeadSet(heads=(Head(3, 1),), model="other", revision="r9", notes="From a paper.")
    checked = verify_heads(fake, foreign, _boxed(range(3)), progress=False)
    assert (checked.model, checked.revision) == ("fake", "r1")
    assert checked.notes == "From a paper. Made for other (r9), verified on fake."


def test_the_seed_decides_the_random_sets(fake: FakeModel, planted: PlantedHeads) -> None:
    one, same, other = (
        verify_heads(fake, POINTING, _boxed(range(6)), seed=seed, progress=False).evidence
        for seed in (1, 1, 2)
    )
    assert one == same and one.random_pointing != other.random_pointing


def test_the_average_of_all_heads_is_a_yardstick_of_its_own(
    fake: FakeModel, planted: PlantedHeads
) -> None:
    planted.pointing = ((3, 1),)
    alone = verify_heads(fake, "L3H1", _boxed(range(12)), post=POST, progress=False).evidence
    planted.broad = tuple((layer, head) for layer in (2, 4, 5) for head in range(4))
    drowned = verify_heads(fake, "L3H1", _boxed(range(12)), post=POST, progress=False).evidence
    assert drowned.average_pointing < alone.average_pointing
    assert drowned.pointing == alone.pointing


def test_a_flat_map_points_nowhere_and_padding_is_never_pointed_at() -> None:
    hits = np.array([False, True, False])
    visible = np.array([False, True, True])
    maps = np.array([[0.2, 0.2, 0.2], [0.9, 0.3, 0.1], [0.0, 0.1, 0.3], [0.0, 0.0, 0.0]])
    assert pointing_hits(maps, hits, visible) == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("scores", "index", "expected"),
    [
        ([1, 2, 3, 4], 3, 100),
        ([1, 2, 3, 4], 0, 0),
        ([1, 1, 1], 1, 50),
        ([5], 0, 100),
        ([1, 2, 2], 1, 75),
    ],
)
def test_percentile_is_the_share_of_other_heads_that_one_beats(
    scores: list, index: int, expected: float
) -> None:
    assert percentile(np.array(scores, dtype=float), index) == expected
