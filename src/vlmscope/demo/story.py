"""What the demonstration computes, all of it on scenes that the model was never trained on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vlmscope.attention import HeadMaps, generate, read_heads
from vlmscope.heads import DiscoveryOptions, discover_heads, verify_heads
from vlmscope.methods import ground
from vlmscope.metrics import contains
from vlmscope.models import LoadedModel
from vlmscope.options import CheckedOptions, option
from vlmscope.results import Grounding
from vlmscope.tiny import ReferringSample, Scene, SceneOptions, referring_samples, render_scene
from vlmscope.tiny.world.splits import HELD_OUT, SELECT
from vlmscope.types import HeadEvidence, HeadSet, box_iou

__all__ = ["DemoOptions", "Judged", "Mistake", "Story", "tell"]

_SHOWN = HELD_OUT[1000:]  # far from the scenes that are measured
_SEARCHED = HELD_OUT[2000:]
_CROWD = SceneOptions(counts=(5,), alike=0.95)  # look-alikes, harder than what it was trained on
_GOOD = 0.6  # box IoU that the picture on top of the page should reach
_PATIENCE = 20.0  # seconds to look for a mistake


@dataclass(frozen=True)
class DemoOptions(CheckedOptions):
    """How much the demonstration computes.

    Attributes:
        discovery: scenes on which heads are discovered.
        verification: other scenes on which they are measured.
        sheet: scenes on the contact sheet, taken as they come.
        search: crowded scenes of look-alikes among which a mistake is looked for.

    Raises:
        BadOptionError: a number below 1.
    """

    discovery: int = option(160, "scenes to discover heads on", at_least=1, whole=True)
    verification: int = option(100, "other scenes to measure them on", at_least=1, whole=True)
    sheet: int = option(12, "scenes on the contact sheet", at_least=1, whole=True)
    search: int = option(40, "crowded scenes to look for a mistake in", at_least=1, whole=True)


@dataclass(frozen=True, eq=False)
class Judged:
    """A grounding beside the truth.

    Attributes:
        grounding: what was found.
        sample: image, phrase and the true mask and box.
        scene: what was drawn.
        iou: of the two boxes, 0..1.
        hit: whether the peak lies on the object.
    """

    grounding: Grounding
    sample: ReferringSample
    scene: Scene
    iou: float
    hit: bool


@dataclass(frozen=True, eq=False)
class Mistake:
    """A peak that is not on the object, with what the model answers to the same words.

    Attributes:
        judged: the grounding.
        answer: the model's answer, a place and a description.
        truth: the right answer.
        elsewhere: the description of the object that the peak lies on, or None for background.
    """

    judged: Judged
    answer: str
    truth: str
    elsewhere: str | None

    @property
    def answer_is_wrong_too(self) -> bool:
        """Whether the model was mistaken itself, and the map shows it."""
        return self.answer != self.truth

    @property
    def telling(self) -> int:
        """How much is to be learnt from it: 2 for another object and a wrong answer, down to 0."""
        return int(self.elsewhere is not None) + int(self.answer_is_wrong_too)


@dataclass(frozen=True, eq=False)
class Story:
    """Everything that the page tells.

    Attributes:
        model: id of the model.
        heads: the discovered set with its evidence.
        paper: the evidence under the paper's post-processing.
        hero: a grounding that went well.
        all_heads: of the hero, every head's row.
        words: one scene, a phrase for each of its objects.
        sheet: groundings as they came.
        mistake: one that went wrong, or None when the search found none.
        searched: how many scenes the search went through.
        seconds: for all of it.
    """

    model: str
    heads: HeadSet
    paper: HeadEvidence
    hero: Judged
    all_heads: HeadMaps
    words: tuple[Grounding, ...]
    sheet: tuple[Judged, ...]
    mistake: Mistake | None
    searched: int
    seconds: float

    @property
    def evidence(self) -> HeadEvidence:
        """The evidence under the model's own post-processing."""
        assert self.heads.evidence is not None
        return self.heads.evidence


def tell(
    model: LoadedModel,
    options: DemoOptions | None = None,
    *,
    progress: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> Story:
    """Discover, verify, ground.

    Args:
        model: one that knows the rendered scenes.
        options: how much of it.
        progress: show bars on stderr.
        say: called with one line before each step.

    Raises:
        VlmscopeError: as discovery and verification.
    """
    options = options or DemoOptions()
    start = time.monotonic()
    say(f"1/4  Discovering heads on {options.discovery} rendered scenes, without labels")
    scenes = list(referring_samples(SELECT[: options.discovery]))
    discovered = discover_heads(model, scenes, DiscoveryOptions(), progress=progress)
    say(f"     {', '.join(map(str, discovered.heads))}")
    say(f"2/4  Measuring them on {options.verification} other scenes")
    others = list(referring_samples(HELD_OUT[: options.verification]))
    heads = verify_heads(model, discovered, others, progress=progress)
    paper = verify_heads(model, discovered, others, post="paper", progress=progress).evidence
    assert paper is not None
    say("3/4  Grounding phrases")
    sheet = tuple(judge(model, heads, seed, None) for seed in _SHOWN[: options.sheet])
    hero = _hero(sheet)
    words = _other_words(model, heads, _crowded(sheet))
    say("4/4  Looking for a mistake in crowded scenes")
    mistake, searched = _look_for_mistake(model, heads, options.search)
    return Story(
        model=model.id,
        heads=heads,
        paper=paper,
        hero=hero,
        all_heads=_all_heads(model, heads, hero),
        words=words,
        sheet=sheet,
        mistake=mistake,
        searched=searched,
        seconds=time.monotonic() - start,
    )


def judge(model: LoadedModel, heads: HeadSet, seed: int, kind: SceneOptions | None) -> Judged:
    """Ground the phrase of one scene and compare with the truth."""
    sample = next(referring_samples([seed], kind))
    grounding = ground(model, sample.image, sample.phrase, heads=heads)
    iou = box_iou(grounding.box, sample.box)
    hit = contains(sample.mask, grounding.point)
    return Judged(grounding, sample, render_scene(seed, kind), iou, hit)


def _hero(sheet: Sequence[Judged]) -> Judged:
    """Among those that went well the one with most to tell apart, else the best one."""
    good = [each for each in sheet if each.iou >= _GOOD and each.hit]
    if not good:
        return max(sheet, key=lambda each: (each.hit, each.iou))
    return max(good, key=_interest)


def _interest(judged: Judged) -> tuple[int, float]:
    return len(judged.sample.phrase.split()) + len(judged.scene.objects), judged.iou


def _crowded(sheet: Sequence[Judged]) -> Scene:
    """A scene with about four objects: enough to tell apart, few enough to show."""
    return min((each.scene for each in sheet), key=lambda scene: abs(len(scene.objects) - 4))


def _other_words(model: LoadedModel, heads: HeadSet, scene: Scene) -> tuple[Grounding, ...]:
    phrases = [f"the {item.description()}" for item in scene.objects]
    return tuple(ground(model, scene.image, phrases, heads=heads))


def _all_heads(model: LoadedModel, heads: HeadSet, hero: Judged) -> HeadMaps:
    """Every head's row for the hero's phrase, computed as for its grounding."""
    grounding = hero.grounding
    (maps,) = read_heads(
        model, grounding.image, [grounding.phrase], rows=heads.rows, preset=heads.prompt
    )
    return maps


def _look_for_mistake(
    model: LoadedModel, heads: HeadSet, scenes: int
) -> tuple[Mistake | None, int]:
    """The most telling mistake among the first scenes, and how many were looked at."""
    deadline = time.monotonic() + _PATIENCE
    best: Mistake | None = None
    for searched, seed in enumerate(_SEARCHED[:scenes], start=1):
        judged = judge(model, heads, seed, _CROWD)
        if not judged.hit:
            mistake = _asked(model, heads, judged)
            if best is None or mistake.telling > best.telling:
                best = mistake
        if (best is not None and best.telling == 2) or time.monotonic() > deadline:
            return best, searched
    return best, scenes


def _asked(model: LoadedModel, heads: HeadSet, judged: Judged) -> Mistake:
    """The model's own words on the same phrase, under the same prompt."""
    objects = judged.scene.objects
    target = next(item for item in objects if item.box == judged.sample.box)
    point = judged.grounding.point
    other = next((item for item in objects if contains(item.mask, point)), None)
    answer = generate(
        model, judged.sample.image, judged.sample.phrase, preset=heads.prompt, max_new_tokens=12
    )
    return Mistake(
        judged,
        answer.text,
        f"{target.position} {target.description()}",
        None if other is None else other.description(),
    )
