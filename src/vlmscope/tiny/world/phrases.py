"""Referring expressions: what they say, and which objects of a scene they fit.

A phrase is a small record, not a string; :func:`resolve` is its meaning, ``text`` its wording.
"""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.tiny.world.scenes import Scene, SceneObject

__all__ = ["EXTREMES", "RELATIONS", "Phrase", "lies", "resolve", "where"]

EXTREMES = ("leftmost", "rightmost", "topmost", "bottommost")
RELATIONS = ("left of", "right of", "above", "below")

_EXTREME_GAP = 0.06  # share of the canvas by which the outermost object leads the next
_RELATION_GAP = 0.03  # share of the canvas below which "left of" does not hold at all


@dataclass(frozen=True)
class Phrase:
    """``the leftmost small striped red circle above the star``, any part of it optional.

    Attributes:
        size, texture, colour, shape: words, or None where the phrase does not say. Without a
            shape the noun is ``object``.
        place: a word of ``words.PLACES``, said of the part of the canvas: ``left`` fits the left
            third at any height, ``top left`` one ninth, ``center`` the middle ninth.
        before: whether the place comes before the noun (``the left circle``) or after it.
        extreme: a word of ``EXTREMES``, relative to the objects that fit the rest.
        relation: a word of ``RELATIONS``, with ``anchor``, the object it starts from.
    """

    size: str | None = None
    texture: str | None = None
    colour: str | None = None
    shape: str | None = None
    place: str | None = None
    before: bool = False
    extreme: str | None = None
    relation: str | None = None
    anchor: Phrase | None = None

    def text(self, article: str = "the") -> str:
        """The wording; ``article`` may be empty, and ``a`` becomes ``an`` where it has to."""
        words = [
            self.extreme,
            self.place if self.before else None,
            self.size,
            self.texture,
            self.colour,
            self.shape or "object",
            where(self.place) if self.place and not self.before else None,
            self.relation,
            self.anchor.text() if self.anchor else None,
        ]
        text = " ".join(word for word in words if word)
        if article == "a" and text[0] in "aeiou":
            article = "an"
        return f"{article} {text}" if article else text


def where(place: str) -> str:
    """``left`` -> ``on the left``, ``top left`` -> ``at the top left``."""
    preposition = {"left": "on", "right": "on", "center": "in"}.get(place, "at")
    return f"{preposition} the {place}"


def lies(item: SceneObject, place: str) -> bool:
    """Whether an object lies in the part of the canvas that a place word names."""
    if place == "center":
        return item.position == "center"
    return set(place.split()) <= set(item.position.split())


def resolve(phrase: Phrase, scene: Scene) -> tuple[int, ...]:
    """Indices of the objects the phrase fits: one when it is unambiguous, none when it is absent.

    A relation also fits where it barely holds, so that one index means: this and nothing else.
    """
    fitting = [
        index
        for index, item in enumerate(scene.objects)
        if all(
            getattr(phrase, name) in (None, getattr(item, name))
            for name in ("size", "texture", "colour", "shape")
        )
        and (phrase.place is None or lies(item, phrase.place))
    ]
    if phrase.extreme:
        fitting = _outermost(phrase.extreme, fitting, scene)
    if phrase.relation and phrase.anchor:
        anchors = resolve(phrase.anchor, scene)
        if len(anchors) != 1:
            return ()
        fitting = [
            index
            for index in fitting
            if index != anchors[0] and _holds(phrase, scene, index, anchors[0])
        ]
    return tuple(fitting)


def _outermost(extreme: str, fitting: list[int], scene: Scene) -> list[int]:
    """The outermost object, alone only if it clearly leads; all that contend otherwise."""
    axis, sign = (0 if extreme in ("leftmost", "rightmost") else 1), -1
    if extreme in ("leftmost", "topmost"):
        sign = 1
    extent = scene.size[1] if axis == 0 else scene.size[0]
    ranks = {index: sign * scene.objects[index].center[axis] for index in fitting}
    first = min(ranks.values(), default=0.0)
    return [index for index, rank in ranks.items() if rank - first < _EXTREME_GAP * extent]


def _holds(phrase: Phrase, scene: Scene, index: int, anchor: int) -> bool:
    return relation_margin(phrase.relation or "", scene, index, anchor) > _RELATION_GAP


def relation_margin(relation: str, scene: Scene, index: int, anchor: int) -> float:
    """How far one object lies in the named direction from another, as a share of the canvas."""
    height, width = scene.size
    (x, y), (other_x, other_y) = scene.objects[index].center, scene.objects[anchor].center
    right, down = (x - other_x) / width, (y - other_y) / height
    return {"left of": -right, "right of": right, "above": -down, "below": down}[relation]
