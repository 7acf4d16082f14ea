"""How well a model answers, kind by kind, on scenes that it never saw.

An answer counts when greedy decoding would give it word for word and then stop. That is checked in
one packed pass: it is so exactly when, with the right answer fed in, every next word guessed is
the right one.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from vlmscope.tiny.model.tokenizer import vocabulary
from vlmscope.tiny.training.feed import normalise
from vlmscope.tiny.training.objectives import packed_forward
from vlmscope.tiny.training.packing import pack
from vlmscope.tiny.world.language import KINDS, Exchange, ask, caption
from vlmscope.tiny.world.scenes import Scene, render_scene
from vlmscope.tiny.world.settings import PLAIN, Setting
from vlmscope.tiny.world.splits import HELD_OUT

if TYPE_CHECKING:
    from transformers import LlavaForConditionalGeneration

__all__ = ["Accuracy", "answer_accuracy"]

_TEXT = 255  # tokens of a packed row: offsets and segments are bytes
_BATCH = 16


@dataclass(frozen=True)
class Accuracy:
    """Share of right answers.

    Attributes:
        right, asked: counts.
        accuracy: ``right / asked``.
        low, high: Wilson's 95% interval.
    """

    right: int
    asked: int
    accuracy: float
    low: float
    high: float

    @classmethod
    def of(cls, outcomes: Sequence[bool]) -> Accuracy:
        """Of a list of outcomes."""
        right, asked = sum(outcomes), len(outcomes)
        if asked == 0:
            return cls(0, 0, 0.0, 0.0, 1.0)
        share, z = right / asked, 1.96
        middle = (share + z * z / (2 * asked)) / (1 + z * z / asked)
        spread = z * math.sqrt(share * (1 - share) / asked + z * z / (4 * asked * asked))
        spread /= 1 + z * z / asked
        return cls(right, asked, share, max(0.0, middle - spread), min(1.0, middle + spread))

    def to_dict(self) -> dict[str, float]:
        """JSON-ready, rounded."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def answer_accuracy(
    model: LlavaForConditionalGeneration,
    scenes: int = 384,
    seeds: range = HELD_OUT,
    setting: Setting = PLAIN,
) -> dict[str, Accuracy]:
    """Accuracy for each kind of question, for captions, and for objects that are not there.

    Args:
        model: the model, on any device.
        scenes: how many scenes, one question of each kind (where it can be asked) on each.
        seeds: where scenes come from.
        setting: what they look like and how they are spoken of.

    Returns:
        kind -> accuracy; ``"absent"`` are the expressions without a referent, which count nowhere
        else.
    """
    table = {word: index for index, word in enumerate(vocabulary())}
    outcomes: dict[str, list[bool]] = defaultdict(list)
    for start in range(0, scenes, _BATCH):
        part = seeds[start : min(start + _BATCH, scenes)]
        chunk = [render_scene(seed, setting.scenes) for seed in part]
        per_scene = [list(_questions(scene, setting)) for scene in chunk]
        rows = [pack(questions, table, _TEXT) for questions in per_scene]
        right = _right(model, np.stack([scene.image for scene in chunk]), np.stack(rows))
        for questions, flags in zip(per_scene, right, strict=True):
            for question, flag in zip(questions, flags, strict=False):
                absent = question.answer == "none" and question.phrase is not None
                outcomes["absent" if absent else question.kind].append(flag)
    return {kind: Accuracy.of(flags) for kind, flags in sorted(outcomes.items())}


def _questions(scene: Scene, setting: Setting) -> Iterator[Exchange]:
    """One question of every kind, and the caption; the same for the same scene."""
    rng = random.Random(f"vlmscope-questions:{scene.seed}")
    for kind in KINDS:
        draws = (ask(scene, kind, rng, setting) for _ in range(20))
        question = next((draw for draw in draws if draw is not None), None)
        if question is not None:
            yield question
    yield caption(scene)


@torch.no_grad()
def _right(
    model: LlavaForConditionalGeneration, images: np.ndarray, rows: np.ndarray
) -> list[list[bool]]:
    """For every scene, for every exchange in its row: is the whole answer right?"""
    pixels = normalise(torch.from_numpy(images)).to(model.device)
    text = torch.from_numpy(rows).long().to(model.device)
    guesses = packed_forward(model, pixels, text).logits.argmax(-1)[:, :-1].cpu().numpy()
    result = []
    for row, guess in zip(rows, guesses, strict=True):
        ids, segment, _, weight = row
        wrong = (guess != ids[1:]) & (weight[1:] > 0)
        failed = set(segment[1:][wrong].tolist())
        result.append([number not in failed for number in range(1, int(segment.max()) + 1)])
    return result
