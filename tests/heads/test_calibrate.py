"""Choosing post-processing: on samples kept apart, judged on others."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

from handmade import FakeModel, PlantedHeads, scene
from vlmscope.heads import DiscoveryOptions, calibrate_post
from vlmscope.heads.calibrate import Setting, calibrate, main, settings_to_try
from vlmscope.post import PAPER, PostOptions
from vlmscope.types import HeadSet

GOOD = PostOptions(threshold="max-share", surface="pixels")


class Scenes:
    """A sample source of numbered scenes."""

    def __init__(self, numbers: range) -> None:
        self.numbers = numbers
        self.skipped = ()

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self):
        for image, box in map(scene, self.numbers):
            yield image, "the bright thing", box


def test_settings_are_ranked_on_the_same_maps(fake: FakeModel, planted: PlantedHeads) -> None:
    tried = calibrate_post(fake, "L3H1,L4H0", Scenes(range(8)), [PAPER, GOOD], progress=False)
    assert [setting.options for setting in tried] == [GOOD, PAPER]
    assert tried[0].mean_iou > tried[1].mean_iou and tried[0].acc50 >= tried[1].acc50
    assert len(planted.images) == 8  # read once, however many settings


def test_quality_counts_boxes_and_points_alike() -> None:
    assert Setting(PAPER, 0.6, 0.9, 0.8).quality == pytest.approx(0.7)


def test_the_papers_setting_is_always_tried() -> None:
    settings = list(settings_to_try())
    assert settings[0] == PAPER and len(settings) == len(set(settings))


def test_a_calibrated_folder_holds_heads_and_their_post_processing(
    fake: FakeModel, planted: PlantedHeads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [PAPER, GOOD]
    monkeypatch.setattr("vlmscope.heads.calibrate.settings_to_try", lambda: islice(few, 2))
    (tmp_path / "vlmscope.json").write_text('{"system": "look"}')
    report = calibrate(
        fake,
        Scenes(range(20)),
        Scenes(range(100, 108)),
        tmp_path,
        DiscoveryOptions(candidates=4),
        progress=False,
    )
    card = json.loads((tmp_path / "vlmscope.json").read_text())
    assert card["system"] == "look"
    assert PostOptions(**card["grounding"]) == GOOD
    assert card["localization"] == report
    heads = HeadSet.load(tmp_path / "heads.json")
    assert heads.samples == 10 and heads.evidence.samples == 8
    assert heads.evidence.settings["threshold"] == "max-share"
    assert report["held_out"]["acc50"][0] >= report["held_out_paper"]["acc50"][0]
    assert len(planted.images) == 10 + 10 + 2 * 8


def test_an_unknown_model_is_one_message_and_exit_code_2(capsys: pytest.CaptureFixture) -> None:
    assert main(["tiny-lava"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "tiny-llava" in captured.err and "Traceback" not in captured.err
