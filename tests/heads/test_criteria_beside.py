"""Criteria beside the published one: what they rank by, what they refuse, how they are compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import vlmscope as vs
from answers import dictated, talker
from lvlms import made
from vlmscope.attention import HeadMaps, box_questions
from vlmscope.cli import main
from vlmscope.data.sample_lists import read_samples
from vlmscope.data.samples import read_sample
from vlmscope.errors import BadOptionError, BadSampleError, ModelMismatchError, UnsupportedError
from vlmscope.heads import DiscoveryOptions, discover_heads
from vlmscope.heads.compare import _stability, compare_criteria
from vlmscope.heads.measures import Measures
from vlmscope.heads.readings import coordinate_reading, read_contrasted
from vlmscope.heads.selection import select
from vlmscope.models import LoadedModel
from vlmscope.types import Head

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
    a, b = {Head(1, 0), Head(1, 1)}, {Head(1, 0), Head(2, 1)}
    assert _stability([a, a, a], 0).value == 1.0
    value = _stability([a, a, b], 0)
    assert value.value == pytest.approx((1 + 1 / 3 + 1 / 3) / 3)
    assert value.low <= value.value <= value.high


def test_the_command_compares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["heads", "compare", "tiny-llava", "--samples", "tiny-scenes:2:every", "-q"]
    words += ["--held-out", "tiny-scenes:2", "--criteria", "published,contrastive,coordinates"]
    assert main([*words, "--draws", "2", "--out", str(tmp_path / "c.json")]) == 1
    shown = capsys.readouterr()
    assert "coordinates: no heads" in shown.err and "the average of all heads" in shown.out
    record = json.loads((tmp_path / "c.json").read_text())
    assert [each["criterion"] for each in record["results"]] == ["published", "contrastive"]
    assert record["results"][0]["shared"] == 3


def test_bad_comparisons_are_refused(tiny: LoadedModel) -> None:
    with pytest.raises(BadOptionError, match="different criteria"):
        compare_criteria(tiny, [], [], ("both", "both"))
    with pytest.raises(BadOptionError, match="draws"):
        compare_criteria(tiny, [], [], draws=1)
    with pytest.raises(BadSampleError, match="two or more pictures, got 0"):
        compare_criteria(tiny, [], [])


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
