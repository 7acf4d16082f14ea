"""The story as a view: scenes to look at, heads to try, what they are worth, and a mistake."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import replace

from PIL import Image

from vlmscope.demo.figures import frequency_bars, sums_dots, trust_bars, trust_table
from vlmscope.demo.story import Judged, Mistake, Story
from vlmscope.heads.heads_block import head_rows, heads_block
from vlmscope.io import write_text
from vlmscope.results.comparison_views import on_one_scale
from vlmscope.results.scene import scene_block
from vlmscope.version import __version__
from vlmscope.viewer import Picture, View
from vlmscope.viewer.blocks import Block, PictureItem, code, heading, note, pictures, text

__all__ = ["story_view", "write_page"]

_COMMANDS = """\
vlmscope ground photo.jpg "the red mug" --model llava-hf/llava-1.5-7b-hf --out overlay.png
vlmscope heads discover llava-hf/llava-1.5-7b-hf --samples my.jsonl --out heads.json
vlmscope heads verify heads.json --samples other.jsonl --out heads.json
vlmscope doctor llava-hf/llava-1.5-7b-hf"""

_LIMITS = (
    "The model on this page is tiny-llava. It knows rendered shapes, not photographs; what a large model "
    "does has to be measured on that model: vlmscope heads discover, then vlmscope heads verify.",
    "It does not beat a trained detector at detection. It shows evidence and says what it is worth.",
    "The heat map is stretched to its own range: a phrase for something that is not there lights up "
    "somewhere too. Compare raw scores, not colours.",
    "“Points at” is not “causes”: whether the model needs these heads for its answer is another question.",
    "Boxes come from a coarse grid of image tokens; they are as fine as its cells allow.",
)

_NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}
_TALLEST = 360  # pixels of the shorter side of a picture on the contact sheet


def write_page(story: Story, path: str | os.PathLike[str]) -> None:
    """Write the page, whole or not at all.

    Raises:
        OutputError: when the place cannot be written.
    """
    write_text(path, story_view(story).html())


def story_view(story: Story) -> View:
    """The page as a view."""
    number = _number(story)
    lead = (
        "A frozen vision-language model read a phrase. The box comes from "
        f"{number} of its attention heads, discovered {_ago(story.seconds)}, without one label, by this "
        "very run."
    )
    blocks = [
        *_hero(story),
        *_heads(story),
        *_trust(story),
        *_words(story),
        *_sheet(story),
        *_mistake(story),
        *_closing(story),
    ]
    return View("Where does the model look?", lead, blocks)


def _number(story: Story) -> str:
    count = len(story.heads.heads)
    return _NUMBERS.get(count, str(count))


def _ago(seconds: float) -> str:
    return "a moment ago" if seconds < 45 else "a minute ago" if seconds < 90 else "minutes ago"


def _hero(story: Story) -> Iterator[Block]:
    yield scene_block(story.hero.grounding, name="hero")
    yield text(
        f"Box overlap with the truth: {story.hero.iou:.2f}. Chosen for the top from the "
        f"{len(story.sheet)} below, which are not chosen."
    )


def _heads(story: Story) -> Iterator[Block]:
    heads, maps = story.heads, story.all_heads
    number = _number(story)
    yield heading(f"{number.capitalize()} heads that point")
    yield text(
        "Most attention heads spread over the picture or rest in one corner. A few put nearly everything "
        "on the object that the last word of the phrase means. Here is every head of the model on the "
        "scene above, cell by cell, as it was computed; those that were chosen are marked."
    )
    assert heads.shape is not None
    yield heads_block(
        maps.token_map,
        head_rows(maps, heads.shape),
        chosen=heads.heads,
        head_set=heads,
        rows_name=heads.rows,
        scene="hero",
    )
    yield heading("First: do they look at the image at all?", 3)
    yield sums_dots(heads)
    yield heading("Then: is what they look at in one piece?", 3)
    yield frequency_bars(heads, number)


def _trust(story: Story) -> Iterator[Block]:
    yield heading("How far to trust them")
    yield text(
        f"Measured on {story.evidence.samples} other scenes, which neither training nor discovery has "
        "seen. Pointing: the peak lies on the object."
    )
    yield trust_bars(story.evidence)
    yield trust_table(story.evidence, story.paper)


def _words(story: Story) -> Iterator[Block]:
    yield heading("Same picture, other words")
    yield text("One scene, one pass over the image, a phrase for each object.")
    note = "All share one colour scale, so a weaker answer looks darker."
    yield on_one_scale(story.words, note)


def _sheet(story: Story) -> Iterator[Block]:
    count = len(story.sheet)
    yield heading(f"{count} scenes, as they came")
    yield text(
        f"Not chosen: the next {count} in the list. A check says that the peak lies on the object; the "
        "figure is the overlap of the two boxes."
    )
    yield pictures((_judged(each) for each in story.sheet), "gallery")


def _judged(judged: Judged) -> PictureItem:
    picture = judged.grounding.overlay(min_side=_TALLEST, show=("heatmap", "box", "point"))
    mark = "✓" if judged.hit else "✗"
    return _item(picture, f"{mark} {judged.grounding.phrase}, {judged.iou:.2f}")


def _item(picture: Image.Image, title: str) -> PictureItem:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=90, subsampling=0)
    return PictureItem(Picture(stream.getvalue()), picture.size, title)


def _mistake(story: Story) -> Iterator[Block]:
    mistake = story.mistake
    if mistake is None:
        yield heading("No mistake found")
        yield text(
            f"In {story.searched} crowded scenes every peak lay on its object. That is luck, not proof."
        )
        return
    known = mistake.answer_is_wrong_too
    yield heading("A mistake that the map shows" if known else "A map that misses")
    yield text(
        "Looked for in scenes more crowded than those it was trained on, full of look-alikes; found "
        f"after {story.searched}."
    )
    grounding, sample = mistake.judged.grounding, mistake.judged.sample
    meant = replace(grounding, mask=sample.mask, box=sample.box)
    yield pictures(
        [
            _item(grounding.overlay(min_side=480), "where the heads look"),
            _item(meant.overlay(min_side=480, show=("mask", "box")), "what was meant"),
        ]
    )
    yield from map(text, _account(mistake))


def _account(mistake: Mistake) -> Iterator[str]:
    """What the model answered, what is true, and what is to be learnt from it."""
    where = f"on the {mistake.elsewhere}" if mistake.elsewhere else "on the background"
    if mistake.answer_is_wrong_too:
        lesson = "The model had something else in mind, and the map shows it instead of hiding it."
    else:
        lesson = (
            "Yet its answer is right: a map is evidence of where these heads look, not of all that the "
            "model knows."
        )
    phrase = mistake.judged.grounding.phrase
    yield f"Given “{phrase}”, the model goes on: “{mistake.answer or 'nothing'}”."
    yield f"The truth: “{mistake.truth}”."
    yield f"The peak lies {where}. {lesson}"


def _closing(story: Story) -> Iterator[Block]:
    yield heading("What it cannot do")
    yield from map(note, _LIMITS)
    yield heading("Yours next")
    yield code(_COMMANDS)
    heads = story.heads
    yield text(
        f"vlmscope {__version__}. Model {story.model}, {heads.revision}. Heads "
        f"{', '.join(map(str, heads.heads))}, read-out row {heads.rows}, prompt {heads.prompt}. Method: "
        f"Kang et al., CVPR 2025. Everything on this page was computed in {story.seconds:.0f} seconds, "
        "offline; the scenes are seeded, so another run shows the same."
    )
