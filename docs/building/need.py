"""The pictures of docs/need.md, all of one scene of the embedded model's world.

``python docs/building/need.py`` writes them anew into ``docs/images/`` and says the figures that the page
names; about two minutes on one core, and matplotlib.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from block_svg import svg_of
from numpy.typing import NDArray
from PIL import Image

import vlmscope as vs
from vlmscope.analysis.faithfulness import Faithfulness, FaithfulnessOptions
from vlmscope.analysis.knockout import KnockoutOptions
from vlmscope.analysis.tokens.picture import caption_picture
from vlmscope.models import LoadedModel
from vlmscope.report import Series, curves
from vlmscope.results import Grounding
from vlmscope.results.drawing import overlay
from vlmscope.stats import Interval
from vlmscope.tiny import render_scene
from vlmscope.viz.sheet import contact_sheet

__all__ = ["PICTURES", "SEED", "heat_maps", "load", "scene"]

IMAGES = Path(__file__).parents[1] / "images"
SEED = 20_000_023
QUESTION, PHRASE = "what colour is the square", "the square"
ASKED = ("a blue square", "a red cross", "a red square", "a yellow triangle")
"""The first two are there, the others are not."""

EDGES = ("image->query", "image->generated", "system->generated")
CRITERIA = {
    "published": "L2H3,L2H0,L2H4",
    "contrastive": "L2H3,L2H0,L2H4",
    "image mass": "L2H3,L2H4,L3H0",
}
"""Heads that each criterion chooses on tiny-llava (docs/heads.md)."""

_SIDE, _QUALITY = 256, 88


def load() -> LoadedModel:
    """The model of the page."""
    return vs.load("tiny-llava")


def scene() -> NDArray[np.uint8]:
    """Its picture, uint8 (height, width, 3)."""
    return render_scene(SEED).image


@dataclass(frozen=True)
class Drawn:
    """What a picture is and says.

    Attributes:
        picture: an image, or SVG text.
        figures: lines for the page's text.
    """

    picture: Image.Image | str
    figures: tuple[str, ...] = ()


def heat_maps(model: LoadedModel, image: NDArray[np.uint8]) -> Drawn:
    """The picture, and where three heads and all heads look."""
    three = vs.ground(model, image, PHRASE)
    every = vs.ground(model, image, PHRASE, method="mean-attention")
    answer = vs.generate(model, image, QUESTION).text
    named = {f"{QUESTION}? {answer}": _large(image), "three heads": _seen(three)}
    return Drawn(_row({**named, "all heads": _seen(every)}), (f"answer {answer!r}, {three.box}",))


@functools.cache
def faithful(model: LoadedModel) -> Faithfulness:
    """Both forms' curves of the map of three heads."""
    g = vs.ground(model, scene(), PHRASE)
    return vs.faithfulness(model, {"three heads": g}, QUESTION, FaithfulnessOptions(form="both"))


def deletion(model: LoadedModel, image: NDArray[np.uint8]) -> Drawn:
    """Regions are taken away."""
    found = faithful(model)
    gaps = [
        f"{form} {name}: gap {found.score(name, form).gap.value:+.2f}"
        for form in found.forms
        for name in found.maps
    ]
    return Drawn(_curves(found, "deletion", "share of the picture that is removed"), tuple(gaps))


def insertion(model: LoadedModel, image: NDArray[np.uint8]) -> Drawn:
    """Regions are shown alone."""
    found = faithful(model)
    return Drawn(_curves(found, "insertion", "share of the picture that is shown"))


def _curves(found: Faithfulness, way: str, x_label: str) -> str:
    series = []
    for form in found.forms:
        for name in found.maps:
            shares, values = found.curve(name, form, way)
            series.append(_exact(f"{name}, {form}", values[0][::2]))
        other = "insertion" if way == "deletion" else "deletion"
        _, values = found.curve("three heads", form, other)
        series.append(_exact(f"reversed, {form}", values[0][::-2]))
    label = "probability of the answer"
    return svg_of(curves(series, x=shares[::2].tolist(), x_label=x_label, y_label=label))


def knocked(model: LoadedModel, image: NDArray[np.uint8]) -> Drawn:
    """What is lost of the answer, layer by layer."""
    options = KnockoutOptions(edges=";".join(EDGES), last_row="generated")
    sweep = vs.knockout_sweep(model, [(image, QUESTION)], options)
    values = {edges: sweep.curve(edges, "normalised_drop") for edges in EDGES}
    series = [
        Series(edges, [each for each in curve if each is not None])
        for edges, curve in values.items()
    ]
    whole = [f"{edges}: {sweep.everywhere(edges, 'normalised_drop')}" for edges in EDGES]
    listed = [
        f"{name}: {[round(v.value, 2) for v in curve]}"
        for name, curve in values.items()
        if all(curve)
    ]
    return Drawn(
        svg_of(curves(series, x_label="blocked in layer", y_label="probability per token lost")),
        (*whole, *listed),
    )


def yes_to(model: LoadedModel, image: NDArray[np.uint8]) -> Drawn:
    """Where a yes looks that is right, and one that would be wrong."""
    drawn, figures = {}, []
    for phrase in ASKED:
        question = f"is there {phrase}"
        said = vs.generate(model, image, question).text
        answer = vs.token_grounding(model, image, question, "yes")
        (word,) = answer.words
        heat = answer.token_map.to_pixels(word.maps.mean(axis=0))
        drawn[f"{question}? {said}"] = _heated(image, heat)
        figures.append(
            f"{question}: says {said!r}; p(yes) {np.exp(word.log_prob):.3f}, blank "
            f"{np.exp(word.blank_log_prob):.3f}, blocked {np.exp(word.blocked_log_prob):.3f}, share "
            f"{word.share.mean():.3f}, over blank {word.attention_over_blank():+.3f}, gain {word.gain:+.2f}"
        )
    return Drawn(_row(drawn), tuple(figures))


def lightened(model: LoadedModel, image: NDArray[np.uint8]) -> Drawn:
    """Which tokens stay, and what is then answered."""
    clean = vs.generate(model, image, QUESTION).text
    drawn, figures = {f"all: {clean}": _large(image)}, []
    for by in ("attention", "random", "even", "first"):
        with vs.lighten(model, 0, 0.05, by) as light:
            said = vs.generate(model, image, QUESTION).text
        token_map = vs.token_map(model, image, QUESTION)
        stays = np.isin(token_map.image_positions, light.kept).astype(np.float64)
        cover = token_map.to_pixels(stays, "nearest")[..., None]
        drawn[f"{by}: {said}"] = _large(np.where(cover > 0.5, image, image // 4).astype(np.uint8))
        figures.append(f"{by}: {len(light.kept)} stay, {said!r}")
    return Drawn(_row(drawn), tuple(figures))


def caption(model: LoadedModel, image: NDArray[np.uint8]) -> Drawn:
    """A description, its phrases boxed."""
    answer = vs.token_grounding(model, image, "describe the picture")
    figures = [
        f"{word.text}: share {word.share.mean():.2f}, gain {word.gain:+.2f}, lost {word.lost}"
        for word in answer.words
    ]
    return Drawn(caption_picture(answer), (answer.text, *figures))


def criteria(model: LoadedModel, image: NDArray[np.uint8]) -> Drawn:
    """Where the heads of each criterion look."""
    drawn = {
        f"{name}: {heads}": _seen(vs.ground(model, image, PHRASE, heads=heads))
        for name, heads in CRITERIA.items()
    }
    return Drawn(_row(drawn))


PICTURES: Mapping[str, Callable[[LoadedModel, NDArray[np.uint8]], Drawn]] = {
    "need-maps.jpg": heat_maps,
    "need-deletion.svg": deletion,
    "need-insertion.svg": insertion,
    "need-knockout.svg": knocked,
    "need-yes.jpg": yes_to,
    "need-lighten.jpg": lightened,
    "need-words.jpg": caption,
    "need-heads.jpg": criteria,
}
"""File -> what draws it."""


def _exact(name: str, values: NDArray[np.float64]) -> Series:
    """A curve of one picture: it has no interval."""
    return Series(name, [Interval(*[float(value)] * 3) for value in values])


def _large(image: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(image).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)


def _seen(g: Grounding) -> Image.Image:
    return overlay(g, min_side=_SIDE, show=("heatmap", "box"))


def _heated(image: NDArray[np.uint8], heat: NDArray[np.float32]) -> Image.Image:
    from vlmscope.viz.colours import colorize, normalize

    return Image.blend(_large(image), _large(colorize(normalize(heat))), 0.55)


def _row(named: Mapping[str, Image.Image]) -> Image.Image:
    """Pictures side by side with their captions."""
    return contact_sheet(
        list(named.values()), list(named), columns=len(named), cell=_SIDE, caption_lines=1
    )


def write(name: str, drawn: Drawn) -> None:
    """Put one picture into ``docs/images/``."""
    path = IMAGES / name
    if isinstance(drawn.picture, str):
        path.write_text(drawn.picture, encoding="utf-8")
    else:
        drawn.picture.convert("RGB").save(path, quality=_QUALITY, optimize=True)


if __name__ == "__main__":
    model, image = load(), scene()
    for name in sys.argv[1:] or PICTURES:
        drawn = PICTURES[name](model, image)
        write(name, drawn)
        sys.stdout.write(f"{name}\n" + "".join(f"    {line}\n" for line in drawn.figures))
