"""Choosing a referring expression for an object: short, unambiguous, not always the same kind."""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Sequence
from dataclasses import replace

from vlmscope.tiny.world.phrases import EXTREMES, RELATIONS, Phrase, lies, relation_margin, resolve
from vlmscope.tiny.world.scenes import Scene
from vlmscope.tiny.world.settings import PLAIN
from vlmscope.tiny.world.words import ATTRIBUTES

__all__ = ["absent", "refer"]

_KINDS = ("attributes", "place", "extreme", "relation")
_SUBSETS = tuple(
    subset for count in range(5) for subset in itertools.combinations(ATTRIBUTES, count)
)


def refer(
    scene: Scene,
    target: int,
    rng: random.Random,
    unsaid: Collection[str] = (),
    weights: Sequence[int] = PLAIN.phrases,
) -> Phrase | None:
    """An unambiguous phrase for an object, or None where the drawn kind of phrase has none.

    Args:
        scene: the scene.
        target: index of the object.
        rng: draws the kind of phrase and, where several are short enough, which.
        unsaid: attributes (or ``"place"``) that the phrase must not mention, because a question
            asks for them.
        weights: how often each kind of phrase is drawn, see ``settings.Setting``.
    """
    kind = rng.choices(_KINDS, weights)[0]
    everything = frozenset(range(len(scene.objects)))
    if kind == "attributes":
        return _attributes(scene, target, rng, unsaid, everything)
    if kind == "relation":
        return _relation(scene, target, rng, unsaid, everything)
    if "place" in unsaid:
        return _attributes(scene, target, rng, unsaid, everything)
    if kind == "place":
        return _placed(scene, target, rng, unsaid)
    return _extreme(scene, target, rng, unsaid)


def absent(scene: Scene, rng: random.Random) -> Phrase | None:
    """A phrase that fits nothing in the scene, one word away from an object that is there."""
    item = rng.choice(scene.objects)
    chosen = ["colour", "shape"] + [name for name in ("size", "texture") if rng.random() < 0.3]
    wrong = rng.choice(("colour", "shape"))
    values = {name: getattr(item, name) for name in chosen}
    values[wrong] = rng.choice(ATTRIBUTES[wrong])
    phrase = Phrase(**values)
    return phrase if not resolve(phrase, scene) else None


def _attributes(
    scene: Scene,
    target: int,
    rng: random.Random,
    unsaid: Collection[str],
    rivals: frozenset[int],
) -> Phrase | None:
    """A shortest set of attributes that no rival shares; one more word now and then."""
    item = scene.objects[target]
    shared = {
        name: {i for i in rivals if getattr(scene.objects[i], name) == getattr(item, name)}
        for name in ATTRIBUTES
    }
    best: list[tuple[str, ...]] = []
    for subset in _SUBSETS:
        if best and len(subset) > len(best[0]):
            break
        if any(name in unsaid for name in subset):
            continue
        left = rivals.intersection(*(shared[name] for name in subset))
        if left == {target}:
            best.append(subset)
    if not best:
        return None
    chosen = set(rng.choice(best))
    # a noun is what people say: naming the shape is usual even where another word would do
    if "shape" not in chosen and "shape" not in unsaid and rng.random() < 0.75:
        chosen.add("shape")
    if rng.random() < 0.3:
        chosen |= {name for name in (rng.choice(tuple(ATTRIBUTES)),) if name not in unsaid}
    return Phrase(**{name: getattr(item, name) for name in chosen})


def _placed(
    scene: Scene, target: int, rng: random.Random, unsaid: Collection[str]
) -> Phrase | None:
    words = scene.objects[target].position.split()
    place = rng.choice([" ".join(words), rng.choice(words)])
    rivals = frozenset(i for i, item in enumerate(scene.objects) if lies(item, place))
    phrase = _attributes(scene, target, rng, unsaid, rivals)
    return phrase and replace(phrase, place=place, before=rng.random() < 0.5)


def _extreme(
    scene: Scene, target: int, rng: random.Random, unsaid: Collection[str]
) -> Phrase | None:
    item = scene.objects[target]
    chosen = ["shape"] if "shape" not in unsaid and rng.random() < 0.7 else []
    chosen += ["colour"] if "colour" not in unsaid and rng.random() < 0.4 else []
    phrase = Phrase(**{name: getattr(item, name) for name in chosen}, extreme=rng.choice(EXTREMES))
    alone = len(resolve(replace(phrase, extreme=None), scene)) == 1
    # with nothing to compare with, nobody says "leftmost"
    return phrase if not alone and resolve(phrase, scene) == (target,) else None


def _relation(
    scene: Scene,
    target: int,
    rng: random.Random,
    unsaid: Collection[str],
    everything: frozenset[int],
) -> Phrase | None:
    other = rng.choice(sorted(everything - {target}))
    anchor = _attributes(scene, other, rng, (), everything)
    if anchor is None:
        return None
    relation = max(RELATIONS, key=lambda name: relation_margin(name, scene, target, other))
    item = scene.objects[target]
    chosen = ["shape"] if "shape" not in unsaid and rng.random() < 0.7 else []
    chosen += ["colour"] if "colour" not in unsaid and rng.random() < 0.4 else []
    phrase = Phrase(
        **{name: getattr(item, name) for name in chosen}, relation=relation, anchor=anchor
    )
    return phrase if resolve(phrase, scene) == (target,) else None
