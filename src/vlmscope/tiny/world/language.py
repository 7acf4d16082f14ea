"""Questions, bare expressions and captions about a scene, each with its answer.

Every prompt ends in what it is about, as the published grounding prompt does: the system sentence,
the image, then the expression last. The last text token is then the row worth reading.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vlmscope.tiny.world.expressions import absent, refer
from vlmscope.tiny.world.neighbours import nearest, side
from vlmscope.tiny.world.phrases import Phrase, lies, resolve, where
from vlmscope.tiny.world.scenes import Scene, SceneObject
from vlmscope.tiny.world.settings import PLAIN, Setting
from vlmscope.tiny.world.words import COLOURS, NUMBERS, PLACES, SHAPES, plural

__all__ = ["KINDS", "Exchange", "ask", "caption", "caption_parts", "exchanges"]


KINDS = PLAIN.kinds
"""Kind of exchange -> how often it is asked, relative to the others."""

_ABSENT = 0.06  # share of "where" and bare expressions whose object is not in the scene


@dataclass(frozen=True)
class Exchange:
    """A prompt and its answer.

    Attributes:
        kind: one of ``KINDS`` or ``"caption"``.
        prompt: the user's text, without system sentence and image.
        answer: what the model should say.
        target: index of the object meant, or None where there is no one object.
        phrase: the referring expression in the prompt, if there is one.
    """

    kind: str
    prompt: str
    answer: str
    target: int | None = None
    phrase: Phrase | None = None


def exchanges(scene: Scene, rng: random.Random, setting: Setting = PLAIN) -> Iterator[Exchange]:
    """An endless stream of exchanges about a scene; a caption, if there is one, comes first."""
    if rng.random() < setting.captioned:
        yield caption(scene)
    kinds, weights = list(setting.kinds), list(setting.kinds.values())
    while True:
        exchange = ask(scene, rng.choices(kinds, weights)[0], rng, setting)
        if exchange is not None:
            yield exchange


def ask(scene: Scene, kind: str, rng: random.Random, setting: Setting = PLAIN) -> Exchange | None:
    """One exchange of a kind, or None where the draw allows none; draw again then."""
    if kind in _ABOUT_SCENE:
        return _ABOUT_SCENE[kind](scene, rng)
    if kind in ("where", "expression") and rng.random() < _ABSENT:
        missing = absent(scene, rng)
        if missing is None:
            return None
        return Exchange(kind, _prompt(kind, missing, rng), "none", None, missing)
    target = rng.randrange(len(scene.objects))
    phrase = refer(scene, target, rng, _UNSAID.get(kind, ()), setting.phrases)
    if phrase is None:
        return None
    answer = _answer(kind, scene.objects[target])
    if setting.beside and kind == "expression":
        neighbour = nearest(scene, target)
        if neighbour is None:
            return None
        answer = f"{_beside(scene, target, neighbour)} and {answer}"
    return Exchange(kind, _prompt(kind, phrase, rng), answer, target, phrase)


def caption(scene: Scene) -> Exchange:
    """The whole scene, object by object in reading order."""
    parts = [text for text, _ in caption_parts(scene)]
    return Exchange("caption", "describe the picture", " and ".join(parts))


def caption_parts(scene: Scene) -> list[tuple[str, SceneObject]]:
    """What the caption says of each object, in its order."""
    ordered = sorted(
        scene.objects, key=lambda item: (PLACES.index(item.position), item.center[::-1])
    )
    return [(f"a {item.description()} {where(item.position)}", item) for item in ordered]


_UNSAID = {
    "colour": ("colour",),
    "size": ("size",),
    "texture": ("texture",),
    "shape": ("shape",),
    "where": ("place",),
}


def _prompt(kind: str, phrase: Phrase, rng: random.Random) -> str:
    if kind == "expression":
        article = rng.choices(("the", "", "a"), (60, 25, 15))[0]
        return phrase.text(article)
    if kind == "where":
        return f"where is {phrase.text()}"
    if kind == "describe":
        return f"describe {phrase.text()}"
    word = rng.choice(("color", "colour")) if kind == "colour" else kind
    return f"what {word} is {phrase.text()}"


def _answer(kind: str, item: SceneObject) -> str:
    if kind == "expression":
        # the place comes first because no phrase gives it away whole: the row that predicts it,
        # the last one of the expression, has to look
        return f"{item.position} {item.description()}"
    if kind == "where":
        return item.position
    if kind == "describe":
        return item.description()
    return str(getattr(item, kind))


def _beside(scene: Scene, target: int, neighbour: int) -> str:
    """``blue square above``."""
    item = scene.objects[neighbour]
    return f"{item.colour} {item.shape} {side(scene, target, neighbour)}"


def _refer(scene: Scene, rng: random.Random) -> Exchange | None:
    place = rng.choice(PLACES)
    inside = [i for i, item in enumerate(scene.objects) if lies(item, place)]
    if len(inside) > 1 or (not inside and rng.random() < 0.8):
        return None
    answer = scene.objects[inside[0]].description() if inside else "none"
    return Exchange("refer", f"what is {where(place)}", answer, inside[0] if inside else None)


def _exists(scene: Scene, rng: random.Random) -> Exchange | None:
    if rng.random() < 0.5:
        phrase = absent(scene, rng)
    else:
        item = rng.choice(scene.objects)
        phrase = Phrase(colour=item.colour, shape=item.shape)
    if phrase is None:
        return None
    answer = "yes" if resolve(phrase, scene) else "no"
    return Exchange("exists", f"is there {phrase.text('a')}", answer, None, phrase)


def _count(scene: Scene, rng: random.Random) -> Exchange | None:
    draw = rng.random()
    if draw < 0.2:
        return _number("how many objects", len(scene.objects))
    attribute, words = ("shape", SHAPES) if draw < 0.6 else ("colour", COLOURS)
    present = [getattr(item, attribute) for item in scene.objects]
    word = rng.choice(present if rng.random() < 0.8 else words)
    noun = plural(word) if attribute == "shape" else f"{word} objects"
    return _number(f"how many {noun}", present.count(word))


def _number(prompt: str, count: int) -> Exchange | None:
    """None where no word of the vocabulary counts so far."""
    return Exchange("count", prompt, NUMBERS[count]) if count < len(NUMBERS) else None


def _background(scene: Scene, rng: random.Random) -> Exchange:
    return Exchange("background", "describe the background", f"{scene.pattern} {scene.tone}")


_ABOUT_SCENE: dict[str, Callable[[Scene, random.Random], Exchange | None]] = {
    "refer": _refer,
    "exists": _exists,
    "count": _count,
    "background": _background,
}
