"""The demonstration: computed for real on a few scenes, told on one page that needs nothing else."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from vlmscope.demo import DemoOptions, Story, render_page, tell, write_page
from vlmscope.demo.charts import Bar, bars, elbow
from vlmscope.models import load
from vlmscope.stats import Interval
from vlmscope.tiny.world.splits import HELD_OUT, SELECT

SMALL = DemoOptions(discovery=16, verification=10, sheet=4, search=6)


@pytest.fixture(scope="module")
def story() -> Story:
    return tell(load("tiny-llava"), SMALL, progress=False)


class Page(HTMLParser):
    """Tags with their attributes; complains about tags that are closed in the wrong order."""

    void = frozenset({"meta", "img", "br", "hr", "rect", "circle", "path"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def values(self, name: str) -> Iterator[str]:
        for _, attributes in self.found:
            if attributes.get(name):
                yield str(attributes[name])


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


def test_the_heads_maps_are_their_own(story: Story) -> None:
    assert [found.phrase for found in story.head_maps] == [str(head) for head in story.heads.heads]
    first, second = story.head_maps[0].heatmap, story.head_maps[1].heatmap
    assert (first != second).any()
    assert first.max() == second.max() == 1


def test_the_page_needs_nothing_else(story: Story) -> None:
    text = render_page(story)
    page = Page(text)
    sources = list(page.values("src"))
    assert len(sources) == 1 + 3 + len(story.words) + SMALL.sheet + 2 * (story.mistake is not None)
    for source in sources:
        head, _, data = source.partition(",")
        assert head == "data:image/jpeg;base64"
        Image.open(io.BytesIO(base64.b64decode(data))).load()
    assert not list(page.values("href"))
    assert "script" not in {tag for tag, _ in page.found}
    assert not re.search(r"https?://|url\(|@import", text)
    assert not re.search(r"\$\{?[a-z_]", text)  # every placeholder is filled
    assert "prefers-color-scheme: dark" in text


def test_wide_things_scroll_in_their_own_boxes(story: Story) -> None:
    text = render_page(story)
    assert text.count("<table") == text.count('<div class="scroll"><table')
    widths = re.findall(r'(<div class="scroll wide">)?<svg viewBox="0 0 ([\d.]+)', text)
    assert len(widths) == 3
    assert all(box or float(width) <= 600 for box, width in widths)
    assert ".scroll { overflow-x: auto }" in text
    assert "lazy" not in text  # a picture inside the page has nothing to wait for


def test_the_page_says_what_was_measured(story: Story) -> None:
    text = render_page(story)
    assert f"{100 * story.evidence.pointing.value:.0f}%" in text
    assert f"{100 * story.paper.acc50.value:.0f}%" in text
    assert "What it cannot do" in text
    for head in story.heads.heads:
        assert str(head) in text
    for each in story.sheet:
        assert f"{each.grounding.phrase}, {each.iou:.2f}" in text


def test_phrases_are_escaped(story: Story) -> None:
    grounding = replace(story.hero.grounding, phrase="<b>&")
    hostile = replace(story, hero=replace(story.hero, grounding=grounding))
    assert "“&lt;b&gt;&amp;”" in render_page(hostile)


def test_without_a_mistake_the_page_does_not_boast(story: Story) -> None:
    text = render_page(replace(story, mistake=None, searched=6))
    assert "In 6 crowded scenes every peak lay on its object" in text
    assert "luck, not proof" in text


def test_the_page_is_written_whole(story: Story, tmp_path: Path) -> None:
    write_page(story, tmp_path / "new" / "index.html")
    written = (tmp_path / "new" / "index.html").read_text("utf-8")
    assert written == render_page(story)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["index.html"]


def test_bars_are_as_long_as_their_values() -> None:
    text = bars([Bar("a & b", 0.5, Interval(0.5, 0.25, 2.0), "ours"), Bar("c", 0.0)], "title")
    assert "a &amp; b" in text
    ours = re.search(r'class="ours" x="(\d+)" y="\d+\.?\d*" width="([\d.]+)"', text)
    track = re.search(r'class="track" x="\d+" y="\d+\.?\d*" width="([\d.]+)"', text)
    assert ours is not None
    assert track is not None
    assert float(ours[2]) == 0.5 * float(track[1])
    whisker = re.search(r'class="whisker" d="M([\d.]+) [\d.]+H([\d.]+)', text)
    assert whisker is not None
    start, width = float(ours[1]), float(track[1])
    assert float(whisker[1]) == start + 0.25 * width
    assert float(whisker[2]) == start + width  # clipped at 100%
    assert "50%" in text


def test_the_elbow_marks_the_heads_that_stay() -> None:
    text = elbow([0.1, 0.2, 0.8, 0.9], 0.8)
    assert text.count('class="ours"') == 2
    assert text.count('class="other"') == 2
    assert "threshold 0.80" in text
    assert elbow([0.5], 0.5).count("<circle") == 1
