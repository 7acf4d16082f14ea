"""One HTML page that needs nothing else: pictures inside, no script, no request."""

from __future__ import annotations

import html
import io
import os
import string
from collections.abc import Iterable
from dataclasses import replace
from importlib import resources

from PIL import Image

from vlmscope.demo.charts import Bar, bars, elbow, frequency_bars
from vlmscope.demo.story import Judged, Mistake, Story
from vlmscope.io import write_text
from vlmscope.markup import data_uri
from vlmscope.results import Grounding
from vlmscope.stats import Interval
from vlmscope.types import Head
from vlmscope.version import __version__

__all__ = ["render_page", "write_page"]

_COMMANDS = """\
vlmscope ground photo.jpg "the red mug" --model llava-hf/llava-1.5-7b-hf --out overlay.png
vlmscope heads discover llava-hf/llava-1.5-7b-hf --samples my.jsonl --out heads.json
vlmscope heads verify heads.json --samples other.jsonl --out heads.json
vlmscope doctor llava-hf/llava-1.5-7b-hf"""

_HERO = ("heatmap", "mask", "box", "point")  # the words stand beside the picture
_NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}


def write_page(story: Story, path: str | os.PathLike[str]) -> None:
    """Write the page, whole or not at all.

    Raises:
        OutputError: when the place cannot be written.
    """
    write_text(path, render_page(story))


def render_page(story: Story) -> str:
    """The page as HTML."""
    template = resources.files("vlmscope.demo").joinpath("page.html").read_text("utf-8")
    count = len(story.heads.heads)
    number = _NUMBERS.get(count, str(count))
    hero = story.hero
    return string.Template(template).substitute(
        hero_image=_data_uri(hero.grounding.overlay(min_side=720, show=_HERO)),
        hero_phrase=html.escape(hero.grounding.phrase),
        hero_iou=f"{hero.iou:.2f}",
        hero_note=html.escape(_hero_note(story)),
        head_count=number,
        head_count_title=number.capitalize(),
        ago=_ago(story.seconds),
        head_figures=_join(_head_figure(each) for each in story.head_maps),
        elbow=elbow(story.heads.sums, story.heads.tau or 0.0),
        frequency_chart=frequency_bars(story.heads.frequencies, story.heads.heads, 8),
        discovery_samples=story.heads.samples,
        verification_samples=story.evidence.samples,
        trust_chart=_trust_chart(story),
        trust_table=_trust_table(story),
        word_figures=_word_figures(story),
        sheet_count=len(story.sheet),
        sheet_figures=_join(_sheet_figure(each) for each in story.sheet),
        mistake_section=_mistake_section(story),
        commands=html.escape(_COMMANDS),
        footer=html.escape(_footer(story)),
    )


def _ago(seconds: float) -> str:
    return "a moment ago" if seconds < 45 else "a minute ago" if seconds < 90 else "minutes ago"


def _hero_note(story: Story) -> str:
    return f"Chosen for the top from the {len(story.sheet)} below, which are not chosen."


def _data_uri(picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=90, subsampling=0)
    return data_uri(stream.getvalue(), "image/jpeg")


def _figure(picture: Image.Image, caption: str) -> str:
    """A picture with a caption, which is HTML."""
    return (
        f'<figure><img src="{_data_uri(picture)}" alt="">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _join(parts: Iterable[str]) -> str:
    return "\n".join(parts)


def _head_figure(head_map: Grounding) -> str:
    picture = head_map.overlay(min_side=420, show=("heatmap",), alpha=0.85)
    layer, _, head = head_map.phrase.removeprefix("L").partition("H")
    return _figure(picture, f"<b>{html.escape(head_map.phrase)}</b>: layer {layer}, head {head}")


def _word_figures(story: Story) -> str:
    scale = (
        float(min(grounding.score_map.min() for grounding in story.words)),
        float(max(grounding.score_map.max() for grounding in story.words)),
    )
    show = ("heatmap", "box", "point")
    return _join(
        _figure(
            grounding.overlay(min_side=420, scale=scale, show=show), html.escape(grounding.phrase)
        )
        for grounding in story.words
    )


def _sheet_figure(judged: Judged) -> str:
    mark = '<span class="good">✓</span>' if judged.hit else '<span class="bad">✗</span>'
    picture = judged.grounding.overlay(min_side=360, show=("heatmap", "box", "point"))
    return _figure(picture, f"{mark} {html.escape(judged.grounding.phrase)}, {judged.iou:.2f}")


def _trust_chart(story: Story) -> str:
    evidence = story.evidence
    rows = [Bar("these heads together", evidence.pointing.value, evidence.pointing, "ours")]
    for row in evidence.per_head:
        alone = Interval(*row["pointing"])
        rows.append(Bar(f"{Head(*row['head'])} alone", alone.value, alone, "ours"))
    if evidence.random_pointing is not None:
        rows.append(Bar("random heads together", evidence.random_pointing))
    rows.append(Bar("a random place", evidence.chance_pointing))
    return bars(rows, "Pointing accuracy")


def _trust_table(story: Story) -> str:
    evidence, paper = story.evidence, story.paper
    rows = [
        ("Pointing", _percent(evidence.pointing), f"chance {100 * evidence.chance_pointing:.0f}%"),
        (
            "Enrichment: attention on the object, over its share of the area",
            _times(evidence.enrichment),
            "chance 1",
        ),
        (
            "Acc@0.5: boxes that overlap by half or more",
            _percent(evidence.acc50),
            "model's setting",
        ),
        ("the same", _percent(paper.acc50), "the paper's setting, made for 24x24 cells"),
        ("Mean box overlap", _percent(evidence.mean_iou), "model's setting"),
    ]
    cells = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return (
        "<table><thead><tr><th>What</th><th>Value and 95% interval</th><th>Beside</th></tr></thead>"
        f"<tbody>{cells}</tbody></table>"
    )


def _percent(interval: Interval) -> str:
    return f"{100 * interval.value:.0f}%  ({100 * interval.low:.0f} to {100 * interval.high:.0f})"


def _times(interval: Interval) -> str:
    return f"{interval.value:.1f}  ({interval.low:.1f} to {interval.high:.1f})"


def _mistake_section(story: Story) -> str:
    if story.mistake is None:
        return (
            "<h2>No mistake found</h2><p>In "
            f"{story.searched} crowded scenes every peak lay on its object. That is luck, not "
            "proof.</p>"
        )
    mistake = story.mistake
    grounding, sample = mistake.judged.grounding, mistake.judged.sample
    meant = replace(grounding, mask=sample.mask, box=sample.box)
    pictures = _figure(grounding.overlay(min_side=480), "where the heads look") + _figure(
        meant.overlay(min_side=480, show=("mask", "box")), "what was meant"
    )
    title = "A mistake that the map shows" if mistake.answer_is_wrong_too else "A map that misses"
    return (
        f"<h2>{title}</h2><p>Looked for in scenes more crowded than those it was trained on, "
        f"full of look-alikes; found after {story.searched}.</p>"
        f'<div class="pair failure"><div class="row two">{pictures}</div>'
        f"<div>{_mistake_text(mistake)}</div></div>"
    )


def _mistake_text(mistake: Mistake) -> str:
    phrase = html.escape(mistake.judged.grounding.phrase)
    answer, truth = html.escape(mistake.answer or "nothing"), html.escape(mistake.truth)
    where = f"on the {mistake.elsewhere}" if mistake.elsewhere else "on the background"
    if mistake.answer_is_wrong_too:
        lesson = "The model had something else in mind, and the map shows it instead of hiding it."
    else:
        lesson = (
            "Yet its answer is right: a map is evidence of where these heads look, not of all "
            "that the model knows."
        )
    return (
        f"<p>Given “<b>{phrase}</b>”, the model goes on: “<b>{answer}</b>”.</p>"
        f"<p>The truth: “<b>{truth}</b>”.</p>"
        f"<p>The peak lies {html.escape(where)}. {lesson}</p>"
    )


def _footer(story: Story) -> str:
    heads = story.heads
    return (
        f"vlmscope {__version__}. Model {story.model}, {heads.revision}. Heads "
        f"{', '.join(map(str, heads.heads))}, read-out row {heads.rows}, prompt {heads.prompt}. "
        f"Method: Kang et al., CVPR 2025. Everything on this page was computed in "
        f"{story.seconds:.0f} seconds, offline; the scenes are seeded, so another run shows the same."
    )
