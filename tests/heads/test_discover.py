"""Discovery on a model whose heads are known: it must find the ones that point."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from handmade import FakeModel, PlantedHeads, scene
from vlmscope.errors import (
    BadOptionError,
    BadSampleError,
    ModelMismatchError,
    UnknownNameError,
    UnsupportedError,
    VlmscopeWarning,
)
from vlmscope.heads import DiscoveryOptions, discover_heads
from vlmscope.types import Head, HeadSet

FEW = DiscoveryOptions(candidates=4)


def test_the_heads_that_point_are_found(
    fake: FakeModel, planted: PlantedHeads, pairs: list[tuple]
) -> None:
    found = discover_heads(fake, pairs, FEW, progress=False)
    assert set(found.heads) == set(planted.pointing)
    assert found.source == "discovered" and found.samples == 20 and found.trials == 5
    assert 0.1 < found.tau < 0.8
    assert (found.model, found.revision, found.shape) == ("fake", "r1", (6, 4))
    assert (found.prompt, found.rows, found.options["placement_used"]) == (
        "paper",
        "last_text",
        "pad",
    )


def test_the_sum_alone_takes_heads_that_look_everywhere(
    fake: FakeModel, planted: PlantedHeads, pairs: list[tuple]
) -> None:
    options = DiscoveryOptions(criterion="sum", candidates=2, k=2)
    assert set(discover_heads(fake, pairs, options, progress=False).heads) == set(planted.broad)


def test_the_entropy_alone_takes_heads_that_hardly_look(
    fake: FakeModel, planted: PlantedHeads, pairs: list[tuple]
) -> None:
    options = DiscoveryOptions(criterion="entropy", candidates=6, k=6)
    found = discover_heads(fake, pairs, options, progress=False)
    assert set(found.heads) == set(planted.pointing) | set(planted.compact)
    both = DiscoveryOptions(candidates=6, k=6)
    assert not set(discover_heads(fake, pairs, both, progress=False).heads) & set(planted.compact)


def test_a_set_carries_its_whole_measurement(
    fake: FakeModel, planted: PlantedHeads, pairs: list[tuple]
) -> None:
    found = discover_heads(fake, pairs, FEW, progress=False)
    considered = 4 * 4  # six layers less the two that are skipped
    assert len(found.frequencies) == len(found.sums) == considered
    assert list(found.sums) == sorted(found.sums)
    assert [row.head for row in found.frequencies[:3]] == list(found.heads)
    for row in found.frequencies:
        assert 0 <= row.frequency.low <= row.frequency.value <= row.frequency.high <= 1
    assert all(row.head.layer >= 2 for row in found.frequencies)
    assert len(set(found.sample_ids)) == 20 and len(found.trial_taus) == 5
    assert found.options["candidates"] == 4 and found.version


def test_a_set_survives_its_file(
    fake: FakeModel, planted: PlantedHeads, pairs: list[tuple], tmp_path: Path
) -> None:
    found = discover_heads(fake, pairs, FEW, progress=False)
    found.save(tmp_path / "heads.json")
    assert HeadSet.load(tmp_path / "heads.json") == found
    json.loads((tmp_path / "heads.json").read_text())  # fault: pickle files


def test_one_forward_pass_per_image_for_all_its_phrases(
    fake: FakeModel, planted: PlantedHeads
) -> None:
    rows = [(scene(number)[0], phrase) for number in range(3) for phrase in ("one", "two", "three")]
    rows = [(rows[3 * (index // 3)][0], phrase) for index, (_, phrase) in enumerate(rows)]
    discover_heads(fake, rows, FEW, progress=False)
    assert planted.phrases == [["one", "two", "three"]] * 3


def test_samples_are_taken_one_by_one_not_all_at_once(
    fake: FakeModel, planted: PlantedHeads
) -> None:
    read_when_drawn = []

    def stream():
        for number in range(5):
            read_when_drawn.append(len(planted.images))
            yield scene(number)[0], "the bright thing"

    discover_heads(fake, stream(), FEW, progress=False)
    # two are opened while one is looked at, and one more is drawn to see whether the image changes
    assert read_when_drawn == [0, 0, 0, 0, 1]


def test_layers_below_skip_layers_are_never_candidates(
    fake: FakeModel, planted: PlantedHeads, pairs: list[tuple]
) -> None:
    planted.pointing = ((0, 0), (1, 1), (5, 1))
    found = discover_heads(fake, pairs, FEW, progress=False)
    assert found.heads[0] == Head(5, 1) and all(head.layer >= 2 for head in found.heads)
    everything = dataclasses.replace(FEW, skip_layers=0)
    assert set(discover_heads(fake, pairs, everything, progress=False).heads) == {
        (0, 0),
        (1, 1),
        (5, 1),
    }


def test_too_few_survivors_are_said(
    fake: FakeModel, planted: PlantedHeads, pairs: list[tuple]
) -> None:
    assert "hardly ranks" in discover_heads(fake, pairs, progress=False).notes
    assert discover_heads(fake, pairs, FEW, progress=False).notes == ""


def test_an_interrupted_discovery_goes_on_and_ends_the_same(
    fake: FakeModel, planted: PlantedHeads, pairs: list[tuple], tmp_path: Path
) -> None:
    state = tmp_path / "state.jsonl"

    def interrupted():
        yield from pairs[:12]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        discover_heads(fake, interrupted(), FEW, progress=False, resume=state)
    done = len(planted.images)
    assert done >= 12 - 3  # three were drawn ahead (the test above)
    resumed = discover_heads(fake, pairs, FEW, progress=False, resume=state)
    assert len(planted.images) == 20  # nothing twice
    assert resumed == discover_heads(fake, pairs, FEW, progress=False)


def test_ablations_need_no_new_forward_pass(
    fake: FakeModel, planted: PlantedHeads, pairs: list[tuple], tmp_path: Path
) -> None:
    state = tmp_path / "state.jsonl"
    discover_heads(fake, pairs, FEW, progress=False, resume=state)
    for change in ({"entropy": "mass"}, {"criterion": "sum"}, {"bottom_row": True}, {"k": 1}):
        options = dataclasses.replace(FEW, **change)
        found = discover_heads(fake, pairs, options, progress=False, resume=state)
        assert len(found.heads) == options.k
    assert len(planted.images) == 20


@pytest.mark.parametrize("change", [{"preset": "chat"}, {"rows": "phrase"}, {"skip_layers": 1}])
def test_a_state_file_of_another_reading_is_refused(
    fake: FakeModel, planted: PlantedHeads, pairs: list[tuple], tmp_path: Path, change: dict
) -> None:
    state = tmp_path / "state.jsonl"
    discover_heads(fake, pairs[:2], FEW, progress=False, resume=state)
    with pytest.raises(ModelMismatchError, match="was made with"):
        discover_heads(
            fake, pairs, dataclasses.replace(FEW, **change), progress=False, resume=state
        )


def test_a_state_file_of_other_weights_is_refused(
    fake: FakeModel, planted: PlantedHeads, pairs: list[tuple], tmp_path: Path
) -> None:
    state = tmp_path / "state.jsonl"
    discover_heads(fake, pairs[:2], FEW, progress=False, resume=state)
    with pytest.raises(ModelMismatchError, match="revision"):
        discover_heads(FakeModel(revision="r2"), pairs, FEW, progress=False, resume=state)


def test_bad_rows_are_skipped_counted_and_said(fake: FakeModel, planted: PlantedHeads) -> None:
    good = scene(0)[0]
    rows = [
        (good, "one"),
        "nonsense",
        (good, ""),
        ("no-such.png", "two"),
        (good, "too long"),
        (good, "six"),
    ]
    with pytest.warns(VlmscopeWarning, match="4 samples were skipped"):
        found = discover_heads(fake, rows, FEW, progress=False)
    assert found.samples == 2
    assert [line.split(":")[0] for line in found.skipped] == ["row 1", "row 2", "row 3", "row 4"]
    assert "no-such.png" in found.skipped[2] and "9000 tokens" in found.skipped[3]


@pytest.mark.parametrize(
    "rows", [[], ["nonsense"], [("no-such.png", "a")], [(scene(0)[0], "too long")]]
)
def test_no_usable_row_is_an_error(fake: FakeModel, planted: PlantedHeads, rows: list) -> None:
    with pytest.raises(BadSampleError, match="None of"):
        discover_heads(fake, rows, FEW, progress=False)


def test_a_sample_given_twice_is_computed_and_counts_once(
    fake: FakeModel, planted: PlantedHeads
) -> None:
    image = scene(0)[0]
    with pytest.warns(VlmscopeWarning):
        found = discover_heads(fake, [(image, "a"), (image, "a")], FEW, progress=False)
    assert planted.phrases == [["a"]] and found.samples == 1
    assert len(found.skipped) == 1 and "row 1" in found.skipped[0]


def test_a_model_without_structured_attention_gets_no_heads(
    fake: FakeModel, planted: PlantedHeads, pairs: list[tuple], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PlantedHeads, "_map", lambda *_: np.full(256, 1 / 300, np.float32))
    with pytest.raises(UnsupportedError, match="any structure"):
        discover_heads(fake, pairs, FEW, progress=False)


def test_progress_goes_to_stderr_only_when_wanted(
    fake: FakeModel, planted: PlantedHeads, pairs: list[tuple], capsys: pytest.CaptureFixture
) -> None:
    discover_heads(fake, pairs, FEW, progress=False)
    assert capsys.readouterr() == ("", "")
    discover_heads(fake, pairs, FEW)
    out, err = capsys.readouterr()
    assert out == "" and "discovering heads" in err and "20/20" in err


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"k": 0}, BadOptionError),
        ({"draw": 0.0}, BadOptionError),
        ({"bottom_row": 1}, BadOptionError),
        ({"criterion": "all"}, UnknownNameError),
        ({"rows": "last"}, UnknownNameError),
    ],
)
def test_bad_options_are_refused(change: dict, error: type[Exception]) -> None:
    with pytest.raises(error):
        DiscoveryOptions(**change)


def test_every_option_of_discovery_has_a_help_text() -> None:
    assert all(field.metadata["help"] for field in dataclasses.fields(DiscoveryOptions))


def test_skipping_all_layers_is_refused(fake: FakeModel, planted: PlantedHeads) -> None:
    with pytest.raises(BadOptionError, match="6 layers"):
        discover_heads(fake, [], DiscoveryOptions(skip_layers=6), progress=False)


def test_fewer_heads_than_asked_for_are_said(
    fake: FakeModel, planted: PlantedHeads, pairs: list[tuple]
) -> None:
    many = dataclasses.replace(FEW, k=1000)
    found = discover_heads(fake, pairs, many, progress=False)
    assert len(found.heads) < 1000
    assert f"Asked for 1000 heads; only {len(found.heads)} were selected" in found.notes
