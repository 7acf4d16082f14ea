"""Criteria beside the published one: what they rank by, what they refuse, how they are compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import vlmscope as vs
from answers import dictated, talker
from lvlms import made
from views import blocks_of, page_view, words_of
from vlmscope.attention import HeadMaps, box_questions
from vlmscope.cli import main
from vlmscope.data.sample_lists import read_samples
from vlmscope.data.samples import read_sample
from vlmscope.errors import (
    BadOptionError,
    BadSampleError,
    ModelMismatchError,
    SkippedWarning,
    UnknownNameError,
    UnsupportedError,
)
from vlmscope.heads import DiscoveryOptions, discover_heads, readings, verify_heads
from vlmscope.heads.compare import CriteriaComparison, compare_criteria
from vlmscope.heads.compare.measure import stability_score
from vlmscope.heads.measures import Measures
from vlmscope.heads.readings import coordinate_reading, read_contrasted
from vlmscope.heads.selection import select
from vlmscope.metrics.paired import interval_of, resampled
from vlmscope.models import LoadedModel

ANSWER = "(105,20),(300,940)"


@pytest.fixture(scope="module")
def tiny() -> LoadedModel:
    return vs.load("tiny-llava")


def test_names_of_the_published_criteria_are_one() -> None:
    assert DiscoveryOptions(criterion="published") == DiscoveryOptions(criterion="both")
    assert DiscoveryOptions(criterion="image-mass").criterion == "sum"


def test_contrastive_ranks_by_what_moves() -> None:
    shape = (4, 6)
    sums, flat = np.full(shape, 0.5), np.zeros(shape)
    moved = np.tile([0.1, 0.9, 0.2, 0.8, 0.3, 0.0], (4, 1))
    measures = Measures(sums, flat, flat, flat > 0, moved)
    options = DiscoveryOptions(criterion="contrastive", candidates=2, k=2)
    selection = select(measures, options)
    assert selection.order[:2].tolist() == [1, 3] and selection.tau is None
    with pytest.raises(BadOptionError, match="hold no distractors"):
        select(Measures(sums, flat, flat, flat > 0), options)


def test_maps_are_held_against_other_phrases_of_the_picture(tiny: LoadedModel) -> None:
    rows = list(read_samples("tiny-scenes:1:every"))
    assert len(rows) >= 2 and len({row.phrase for row in rows}) == len(rows)
    two = {"a": rows[0], "b": rows[1]}
    reading = {"rows": "last_text", "preset": None, "placement": None, "first_layer": 2}
    read = read_contrasted(tiny, rows[0].image.pixels, two, reading)
    a, b = read["a"], read["b"]
    expected = np.abs(a.one_row() - b.one_row()).sum(-1) / 2
    np.testing.assert_allclose(a.moved, expected)
    np.testing.assert_allclose(b.moved, expected)
    assert (a.moved <= 1).all() and (a.moved > 0).any()


def test_what_cannot_be_contrasted_is_said(tiny: LoadedModel) -> None:
    with pytest.raises(BadSampleError, match="There is no distractor: its picture has no other"):
        discover_heads(
            tiny,
            read_samples("tiny-scenes:1"),
            DiscoveryOptions(criterion="contrastive"),
            progress=False,
        )


def test_state_files_of_other_criteria(tiny: LoadedModel, tmp_path: Path) -> None:
    rows = read_samples("tiny-scenes:2:every")
    contrastive = DiscoveryOptions(criterion="contrastive")
    state, plain = tmp_path / "contrastive", tmp_path / "published"
    first = discover_heads(tiny, rows, contrastive, progress=False, resume=state)
    again = discover_heads(tiny, rows, contrastive, progress=False, resume=state)
    assert first.heads == again.heads and first.samples == len(list(rows))
    published = discover_heads(tiny, rows, progress=False, resume=plain)
    # a file with distractors holds all that the published criteria need, not the other way round
    assert discover_heads(tiny, rows, progress=False, resume=state).heads == published.heads
    for criterion in ("contrastive", "coordinates"):
        settings = DiscoveryOptions(criterion=criterion)
        with pytest.raises(ModelMismatchError):
            discover_heads(tiny, rows, settings, progress=False, resume=plain)


def test_a_model_that_writes_no_box_is_told(tiny: LoadedModel) -> None:
    settings = DiscoveryOptions(criterion="coordinates")
    with pytest.raises(BadSampleError, match="Asked for a box, the model wrote none"):
        discover_heads(tiny, read_samples("tiny-scenes:1"), settings, progress=False)


def test_stability_is_the_mean_jaccard_of_pairs() -> None:
    same = stability_score(np.ones((3, 3)).tolist())
    assert interval_of(resampled(same)) == (1.0, 1.0, 1.0)
    third = 1 / 3
    score = stability_score([[1, 1, third], [1, 1, third], [third, third, 1]])
    found = interval_of(resampled(score))
    assert found is not None and found.value == pytest.approx((1 + third + third) / 3)
    assert found.low == pytest.approx(third) and found.high == pytest.approx(1)
    # a draw twice and another once: two pairs of different draws, the draw is not held against itself
    assert score.of(np.array([[2, 0, 1], [3, 0, 0]]))[0] == pytest.approx(third)
    assert np.isnan(score.of(np.array([[3, 0, 0]]))[0])


@pytest.fixture(scope="module")
def compared(tiny: LoadedModel) -> CriteriaComparison:
    criteria = ("published", "contrastive", "coordinates")
    return compare_criteria(
        tiny,
        read_samples("tiny-scenes:3:every"),
        read_samples("tiny-scenes:3", held_out=True),
        criteria,
        draws=2,
    )


def test_a_comparison_finds_what_discovery_and_verification_find(
    tiny: LoadedModel, compared: CriteriaComparison
) -> None:
    samples = read_samples("tiny-scenes:3:every")
    for each in compared.results:
        settings = DiscoveryOptions(criterion=each.criterion)
        alone = discover_heads(tiny, samples, settings, progress=False)
        assert each.heads == alone.heads and each.samples == alone.samples
    first = compared.results[0]
    held_out = read_samples("tiny-scenes:3", held_out=True)
    evidence = verify_heads(tiny, compared.sets["published"], held_out, progress=False).evidence
    assert evidence is not None
    assert first.pointing == evidence.pointing
    assert first.mean_iou.value == pytest.approx(evidence.mean_iou.value)
    average, randoms = compared.controls
    assert average.pointing.value == evidence.average_pointing
    assert randoms.pointing.value == pytest.approx(evidence.random_pointing)
    assert compared.chance_pointing == evidence.chance_pointing


def test_differences_are_paired(compared: CriteriaComparison) -> None:
    one, other = compared.results
    average = compared.controls[0]
    pair, *controls = compared.differences
    assert (pair.first, pair.second) == ("published", "contrastive") and len(controls) == 4
    assert pair.pointing.value == pytest.approx(one.pointing.value - other.pointing.value)
    assert pair.mean_iou.value == pytest.approx(one.mean_iou.value - other.mean_iou.value)
    assert pair.stability is not None and pair.overlap is not None
    assert pair.stability.value == pytest.approx(one.stability.value - other.stability.value)
    assert controls[0].mean_iou.value == pytest.approx(one.mean_iou.value - average.mean_iou.value)
    assert controls[0].halves_pointing.value == pytest.approx(
        one.halves_pointing.value - average.pointing.value
    )
    by_image = [
        {row["heads"]: row["iou"] for row in compared.scores if row["id"] == digest}
        for digest in dict.fromkeys(row["id"] for row in compared.scores)
    ]
    apart = [each["published"] - each["contrastive"] for each in by_image]
    assert pair.mean_iou.value == pytest.approx(np.mean(apart))
    assert pair.mean_iou.low >= min(apart) - 1e-9 and pair.mean_iou.high <= max(apart) + 1e-9


def test_every_phrase_is_read_once(tiny: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    usual = readings.read_phrases

    def counted(model, pixels, samples, reading):  # type: ignore[no-untyped-def]
        read.extend(sample.phrase for sample in samples.values())
        return usual(model, pixels, samples, reading)

    monkeypatch.setattr(readings, "read_phrases", counted)
    samples = list(read_samples("tiny-scenes:2:every"))
    held_out = read_samples("tiny-scenes:1", held_out=True)
    criteria = ("published", "contrastive", "image-mass", "entropy")
    compare_criteria(tiny, samples, held_out, criteria, draws=4)
    assert read == [sample.phrase for sample in samples]


def test_the_command_compares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["heads", "compare", "tiny-llava", "--samples", "tiny-scenes:2:every", "-q"]
    words += ["--held-out", "tiny-scenes:2", "--criteria", "published,contrastive,coordinates"]
    files = {name: tmp_path / f"c.{name}" for name in ("json", "html", "parquet")}
    words += ["--out", str(files["json"]), "--html", str(files["html"])]
    assert main([*words, "--draws", "2", "--parquet", str(files["parquet"])]) == 1
    shown = capsys.readouterr()
    assert "coordinates: no heads" in shown.err and "average of all heads" in shown.out
    assert "published less contrastive" in shown.out
    record = json.loads(files["json"].read_text())
    assert [each["criterion"] for each in record["results"]] == ["published", "contrastive"]
    assert record["results"][0]["shared"] == 3 and record["differences"][0]["overlap"]
    view = page_view(files["html"])
    assert "What lies between them" in words_of(view) and len(blocks_of(view, "head-map")) == 2
    assert pq.read_table(files["parquet"]).num_rows == 2 * 4


def test_rows_that_a_criterion_cannot_use_are_counted(tiny: LoadedModel) -> None:
    rows = list(read_samples("tiny-scenes:3:every"))
    image = next(iter(read_samples("tiny-scenes:1", held_out=True))).image
    lone, nameless = (image, "the circle"), (image, "  ")
    held_out = [*read_samples("tiny-scenes:2", held_out=True), (image, "a star")]
    with pytest.warns(SkippedWarning):
        found = compare_criteria(
            tiny, [*rows, lone, nameless], held_out, ("published", "contrastive"), draws=2
        )
    published, contrastive = found.results
    assert published.samples == len(rows) + 1 and contrastive.samples == len(rows)
    assert len(published.skipped) == 1 and f"row {len(rows) + 1}: " in published.skipped[0]
    assert len(contrastive.skipped) == 2 and "no distractor" in contrastive.skipped[1]
    assert found.held_out == 2 and "neither box nor mask" in found.skipped[0]
    counts = [note.partition(" skipped")[0] for note in found.notes]
    assert counts == [
        "published: 1 row was",
        "contrastive: 2 rows were",
        "held out: 1 row was",
    ]


def test_a_criterion_that_no_row_serves_is_said(tiny: LoadedModel) -> None:
    rows = list(read_samples("tiny-scenes:3"))
    held_out = read_samples("tiny-scenes:1", held_out=True)
    found = compare_criteria(tiny, rows, held_out, ("contrastive", "published"), draws=2)
    assert [each.criterion for each in found.results] == ["published"]
    assert found.failed["contrastive"].startswith("None of 3 samples can be used. The first: ")
    with pytest.raises(BadSampleError, match="No criterion found heads. The first: None of 3"):
        compare_criteria(tiny, rows, held_out, ("contrastive",), draws=2)


def test_bad_comparisons_are_refused(tiny: LoadedModel) -> None:
    with pytest.raises(BadOptionError, match="different criteria"):
        compare_criteria(tiny, [], [], ("both", "both"))
    with pytest.raises(BadOptionError, match="draws"):
        compare_criteria(tiny, [], [], draws=1)
    with pytest.raises(BadSampleError, match="None of 0 samples can be used"):
        compare_criteria(tiny, [], [], ("both",))
    one = list(read_samples("tiny-scenes:1"))
    with pytest.raises(BadSampleError, match="two or more pictures, got 1"):
        compare_criteria(tiny, one, [], ("both",))
    with pytest.raises(UnknownNameError, match="publishd"):
        compare_criteria(tiny, one, [], ("publishd",))


def test_rows_that_write_a_box_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is made to write a box: measured are the maps of the rows that predict it."""
    model = talker()
    spoken = dictated(model, ANSWER)
    usual = box_questions.generate
    monkeypatch.setattr(
        box_questions, "generate", lambda *args, **options: usual(*args, **{**options, **spoken})
    )
    pixels = np.random.default_rng(0).integers(40, 215, (60, 170, 3), dtype=np.uint8)
    read = coordinate_reading(model, 1, None)
    sample = read_sample(0, (pixels, "the dog"))
    maps = read(model, pixels, {"a": sample}, {})["a"]
    assert isinstance(maps, HeadMaps) and len(maps.row_tokens) > 4
    layers, width = model.decoder_shape
    assert maps.one_row().shape[0] == (layers - 1) * width
    settings = DiscoveryOptions(criterion="coordinates", skip_layers=1)
    found = discover_heads(model, [(pixels, "the dog")], settings, progress=False)
    assert found.samples == 1 and len(found.heads) == 3 and not found.skipped


def test_a_family_without_boxes_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="no documented way of writing boxes"):
        coordinate_reading(made("blip-2"), 0, None)
