"""The demonstration: computed for real on a few scenes, told on one page that needs nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chromium import browsing, opened
from views import blocks_of, page_view, pictures_of, words_of
from vlmscope.demo import DemoOptions, Story, story_view, tell, write_page
from vlmscope.demo.figures import frequency_bars, sums_dots, trust_bars
from vlmscope.models import load
from vlmscope.stats import Interval
from vlmscope.tiny.world.splits import HELD_OUT, SELECT
from vlmscope.viewer import View

SMALL = DemoOptions(discovery=16, verification=10, sheet=4, search=6)


@pytest.fixture(scope="module")
def story() -> Story:
    return tell(load("tiny-llava"), SMALL, progress=False)


def test_heads_are_discovered_and_measured_on_other_scenes(story: Story) -> None:
    assert len(story.heads.heads) == 3
    assert story.heads.samples == SMALL.discovery
    assert story.evidence.samples == SMALL.verification
    assert not set(story.heads.sample_ids) & set(story.evidence.sample_ids)
    assert story.evidence.pointing.value > story.evidence.chance_pointing
    assert story.paper.settings["smoothing"] == "absolute"


def test_no_scene_was_trained_on_and_none_is_shown_twice(story: Story) -> None:
    seeds = [each.scene.seed for each in story.sheet]
    assert len(set(seeds)) == SMALL.sheet
    assert all(seed in HELD_OUT and seed not in SELECT for seed in seeds)
    assert story.hero in story.sheet


def test_every_object_of_a_scene_gets_its_phrase(story: Story) -> None:
    scenes = [each.scene for each in story.sheet]
    phrases = sorted(found.phrase for found in story.words)
    assert phrases in [sorted(f"the {o.description()}" for o in s.objects) for s in scenes]


def test_every_head_can_be_tried_on_the_first_scene(story: Story) -> None:
    view = View.unpack(story_view(story).pack())
    (block,), (first, *_) = blocks_of(view, "heads"), blocks_of(view, "scene")
    assert block["scene"] == first["id"] and block["rows"].shape[:2] == story.heads.shape
    assert [tuple(head) for head in block["chosen"]] == list(story.heads.heads)
    again = block["rows"].astype(float) * block["scale"][..., None]
    for head, row in zip(story.all_heads.heads, story.all_heads.one_row(), strict=True):
        np.testing.assert_allclose(again[head], row, rtol=2e-3, atol=1e-6)


def test_the_page_needs_nothing_else(story: Story) -> None:
    text = story_view(story).html()
    assert not re.search(r"(src|href)=[\"']?(https?:)?//|@import", text)
    view = page_view(text)
    assert len(pictures_of(view)) == SMALL.sheet + 2 * (story.mistake is not None)
    (words,) = blocks_of(view, "compare")
    assert len(words["scenes"]) == len(story.words)
    assert {tuple(each["scale"]) for each in words["scenes"]} == {tuple(words["scale"])}


def test_the_page_says_what_was_measured(story: Story) -> None:
    text = words_of(story_view(story))
    assert f"{100 * story.evidence.pointing.value:.0f}%" in text
    assert f"{100 * story.paper.acc50.value:.0f}%" in text
    assert "What it cannot do" in text
    for head in story.heads.heads:
        assert str(head) in text
    for each in story.sheet:
        assert f"{each.grounding.phrase}, {each.iou:.2f}" in text


def test_phrases_are_no_markup(story: Story) -> None:
    grounding = replace(story.hero.grounding, phrase="<b>&</script>")
    hostile = replace(story, hero=replace(story.hero, grounding=grounding))
    text = story_view(hostile).html()
    assert "<b>" not in text and text.count("</script>") == 3
    assert "<b>&</script>" in words_of(text)


def test_without_a_mistake_the_page_does_not_boast(story: Story) -> None:
    text = words_of(story_view(replace(story, mistake=None, searched=6)))
    assert "In 6 crowded scenes every peak lay on its object" in text
    assert "luck, not proof" in text


def test_the_page_is_written_whole(story: Story, tmp_path: Path) -> None:
    write_page(story, tmp_path / "new" / "index.html")
    written = (tmp_path / "new" / "index.html").read_text("utf-8")
    assert written == story_view(story).html()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["index.html"]


def test_a_browser_draws_it_from_its_file(story: Story, tmp_path: Path) -> None:
    write_page(story, tmp_path / "index.html")
    with browsing() as browser, opened(browser, (tmp_path / "index.html").as_uri()) as page:
        assert page.get_by_role("img", name="Heat map").count() > 3
        assert page.locator("[role=alert]").count() == 0


def test_bars_end_at_the_ends_of_their_axis(story: Story) -> None:
    evidence = replace(story.evidence, pointing=Interval(0.5, 0.25, 2.0), random_pointing=None)
    block = trust_bars(evidence)
    first, last = block["items"][0], block["items"][-1]
    assert (first["value"], first["low"], first["high"], first["strong"]) == (50, 25, 100, True)
    assert last["value"] == block["chance"] == 100 * evidence.chance_pointing


def test_dots_hold_every_head_and_the_threshold(story: Story) -> None:
    block = sums_dots(story.heads)
    assert block["values"] == list(story.heads.sums) and block["threshold"] == story.heads.tau
    assert [each["strong"] for each in frequency_bars(story.heads, "three")["items"][:3]] == [
        True
    ] * 3
