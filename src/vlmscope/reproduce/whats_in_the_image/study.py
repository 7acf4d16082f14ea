"""The whole of it: what is measured on which images, what that costs, and what it comes to."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from vlmscope.analysis.knockout import ObjectWords
from vlmscope.analysis.prompts import variants_of
from vlmscope.analysis.record import run_record
from vlmscope.data.datasets import Dataset
from vlmscope.data.datasets.mme import MmeSet
from vlmscope.errors import BadOptionError, BadSampleError, UnsupportedError
from vlmscope.models import LoadedModel
from vlmscope.options import CheckedOptions, option
from vlmscope.reproduce.costs import Cost
from vlmscope.reproduce.findings import Finding
from vlmscope.reproduce.image_tokens import tokens_per_image
from vlmscope.reproduce.kept import KeptResults
from vlmscope.reproduce.measurements import Measurement
from vlmscope.reproduce.pace import Pace
from vlmscope.reproduce.reproductions import Reproduction
from vlmscope.reproduce.steps import Step, take_steps
from vlmscope.reproduce.whats_in_the_image import paper
from vlmscope.reproduce.whats_in_the_image.flow import measure_flow
from vlmscope.reproduce.whats_in_the_image.images import Described, set_name, spread
from vlmscope.reproduce.whats_in_the_image.kept_tokens import measure_kept
from vlmscope.reproduce.whats_in_the_image.knockouts import (
    KNOCKOUTS,
    measure_from_half,
    measure_outside,
)
from vlmscope.reproduce.whats_in_the_image.localised import measure_localised
from vlmscope.reproduce.whats_in_the_image.mme import measure_mme, spread_mme
from vlmscope.reproduce.whats_in_the_image.parts import Job, Part, together
from vlmscope.reproduce.whats_in_the_image.prompts import measure_prompts
from vlmscope.tiny import EMBEDDED

__all__ = ["Settings", "Study", "known_as"]

MME_STEP = "mme"

_NOTES = (
    f"The paper describes {paper.IMAGES} COCO images and does not say which; here as many are spread "
    "evenly over the folder.",
    "The paper's judge of descriptions is a language model; here objects are matched by a word list, "
    "which knows neither negation nor senses.",
    "A claim that is stated by relative depth is held against any model; others against their own.",
)


@dataclass(frozen=True)
class Settings(CheckedOptions):
    """How the claims are put to the test."""

    prompt: str | None = option(
        None,
        "what is asked of every image (default: describe the image; of the models that ship "
        "inside: describe the picture)",
        optional=True,
    )
    max_new_tokens: int = option(256, "longest description, in tokens", at_least=1, whole=True)
    seed: int = option(0, "of intervals, and of the shuffled prompt", at_least=0, whole=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prompt is not None and not self.prompt.strip():
            raise BadOptionError("The prompt is empty. Ask for a description, or leave it out.")


class Study:
    """A model, images, and perhaps MME, ready to be measured.

    Args:
        model: that is looked into.
        data: the images, see :func:`open_images`.
        words: by which objects are known, see :func:`object_words`.
        mme: the opened MME; None: its claims stay undecided.
        settings: see :class:`Settings`.
        limit: how many images, and how many of MME's; None: as many as the paper has, all of MME's.
        progress: show bars on stderr.

    Raises:
        BadOptionError: a limit below 1.
    """

    def __init__(
        self,
        model: LoadedModel,
        data: Dataset,
        words: ObjectWords,
        *,
        mme: MmeSet | None = None,
        settings: Settings | None = None,
        limit: int | None = None,
        progress: bool = False,
    ) -> None:
        self.model, self.data, self.words, self.mme = model, data, words, mme
        chosen = settings or Settings()
        prompt = _prompt(model) if chosen.prompt is None else chosen.prompt
        self.settings = replace(chosen, prompt=prompt)
        self.limit = limit
        self.image_ids = spread(data, limit)
        self.mme_ids = () if mme is None else spread_mme(mme, limit)
        self._job = Job(
            model,
            Described(data, self.image_ids, prompt),
            words,
            self.settings.max_new_tokens,
            self.settings.seed,
            progress,
        )

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The parts, with their costs counted."""
        questions = len(list(variants_of(self._job.images.prompt, seed=self.settings.seed)))
        outside, half = KNOCKOUTS["outside"], KNOCKOUTS["from half"]
        kept = len(paper.KEEPS)
        parts: list[tuple[str, str, int, int, Callable[[Job, Path | None], Part]]] = [
            ("flow", "attention flow", 1, 1, measure_flow),
            (
                "outside",
                "knock-outs outside of a window",
                1 + outside,
                1 + outside,
                measure_outside,
            ),
            ("half", "knock-outs from half of the depth", 1 + half, 1 + half, measure_from_half),
            ("kept", "descriptions from some of the tokens", 2 + kept, 1, measure_kept),
            ("words", "words on their objects", 1, 4, measure_localised),
            ("prompts", "prompts without their parts", questions, 2 * questions, measure_prompts),
        ]
        steps = [
            Step(id, title, self._cost(answers, passes), partial(_work, id, measure, self._job))
            for id, title, answers, passes, measure in parts
        ]
        return (*steps, *self._mme_steps())

    def _mme_steps(self) -> list[Step]:
        if self.mme is None:
            return []
        count = len(self.mme_ids)
        first = (self.mme.load(image_id).image.pixels for image_id in self.mme_ids)
        tokens = round(count * tokens_per_image(self.model, first))
        cost = Cost(count * (1 + 2 * len(paper.MME_KEEPS)), count, count, tokens)

        def measure(job: Job, state: Path | None) -> Part:
            assert self.mme is not None
            return measure_mme(job, self.mme, self.mme_ids, state)

        return [Step(MME_STEP, "MME", cost, partial(_work, MME_STEP, measure, self._job))]

    def _cost(self, answers: int, passes: int) -> Cost:
        """Of a part that has so many answers written, and so many passes, for each image."""
        count = len(self.image_ids)
        tokens = round(count * passes * self._tokens)
        return Cost(count * answers, count, count * passes, tokens)

    @cached_property
    def _tokens(self) -> float:
        pixels = (question.image for question in self._job.images)
        return tokens_per_image(self.model, pixels)

    @property
    def costs(self) -> list[tuple[str, Cost]]:
        """Title of each step, and what it costs."""
        return [(step.title, step.cost) for step in self.steps]

    @property
    def header(self) -> dict[str, Any]:
        """What kept results are of."""
        return run_record(
            self.model,
            reproduction="whats-in-the-image",
            images=self.data.digest,
            image_ids=list(self.image_ids),
            mme=None if self.mme is None else self.mme.digest,
            mme_ids=len(self.mme_ids),
            objects=self.words.digest,
            **asdict(self.settings),
        )

    def run(
        self, folder: str | os.PathLike[str] | None, say: Callable[[str], None]
    ) -> Reproduction:
        """Do what is not done yet.

        Args:
            folder: where finished steps and images are kept; None: nowhere.
            say: takes sentences for the person who waits.

        Raises:
            ModelMismatchError: a folder with results of another model, other images or options.
            OutputError: a folder that cannot be read or written.
        """
        kept = KeptResults(folder, self.header)
        take_steps(self.steps, kept, say)
        return self.result(kept)

    def result(self, kept: KeptResults) -> Reproduction:
        """What finished steps come to."""
        parts = {step.id: Part.of(kept[step.id]) for step in self.steps}
        measurements = self._measurements(parts)
        listed = [f"image {each.image_id}: {each.reason}" for each in self.data.skipped]
        return Reproduction(
            paper.PAPER,
            tuple(Finding(claim, measurements[claim.id]) for claim in paper.claims()),
            tuple(table for part in parts.values() for table in part.tables),
            tuple(self.costs),
            self._protocol(parts),
            together(listed, *(part.skipped for part in parts.values())),
            _NOTES,
        )

    def _protocol(self, parts: Mapping[str, Part]) -> dict[str, Any]:
        return {
            **self.header,
            "images": {"kind": self.data.id, "digest": self.data.digest, **self.data.protocol},
            **({} if self.mme is None else {"mme": dict(self.mme.protocol)}),
            "limit": self.limit,
            "runs": {id: dict(part.run) for id, part in parts.items()},
        }

    def _measurements(self, parts: Mapping[str, Part]) -> dict[str, Measurement]:
        """Id of a claim -> what was measured for it."""
        model = known_as(self.model.id)
        coco = set_name(self.data, self.words)
        mme = (
            f"{paper.MME}, rendered" if self.mme and "rendered" in self.mme.protocol else paper.MME
        )
        made: dict[str, Measurement] = {}
        for claim in paper.claims():
            is_mme = claim.dataset == paper.MME
            dataset = mme if is_mme else coco
            part = next((each for each in parts.values() if claim.id in each.scores), None)
            if part is None:
                missing = self._missing(parts, is_mme)
                made[claim.id] = Measurement(None, model, dataset, missing=missing)
                continue
            reservations = (*self._reservations(is_mme), *_left_out(part))
            made[claim.id] = Measurement(part.scores[claim.id], model, dataset, reservations)
        return made

    def _missing(self, parts: Mapping[str, Part], is_mme: bool) -> str:
        """Why a claim has no score."""
        if is_mme and self.mme is None:
            return "MME is not there (--mme)"
        reasons = [part.missing for id, part in parts.items() if (id == MME_STEP) == is_mme]
        return next((reason for reason in reasons if reason), "nothing could be measured")

    def _reservations(self, is_mme: bool) -> tuple[str, ...]:
        """Why nothing is decided that is measured on so few images, or on such weights."""
        return tuple(each for each in (self._few(is_mme), self._quantised()) if each)

    def _few(self, is_mme: bool) -> str:
        if self.limit is not None:
            return f"only {len(self.mme_ids if is_mme else self.image_ids)} images (--limit)"
        if not is_mme and len(self.image_ids) < paper.IMAGES:
            return f"{len(self.image_ids)} images, the paper has {paper.IMAGES}"
        if is_mme and self.mme is not None and "partial" in self.mme.protocol:
            return f"partial: {self.mme.protocol['partial']}"
        return ""

    def _quantised(self) -> str:
        scheme = self.model.card.quantisation
        return "" if scheme is None else f"quantised weights ({scheme})"


def _prompt(model: LoadedModel) -> str:
    """The paper's; embedded models know other words for it."""
    return "describe the picture" if model.id in EMBEDDED else "describe the image"


def known_as(id: str) -> str:
    """The paper's model by one name, under whatever name its weights lie; others by their own."""
    name = id.rpartition("/")[2].casefold()
    return paper.INTERNVL if re.match(r"internvl2-(llama3-)?76b\b", name) else id


def _left_out(part: Part) -> tuple[str, ...]:
    return (f"{len(part.skipped)} images were left out",) if part.skipped else ()


def _work(
    id: str, measure: Callable[[Job, Path | None], Part], job: Job, kept: KeptResults, pace: Pace
) -> dict[str, Any]:
    """A part; where the model or the images do not allow it, the reason in place of scores."""
    try:
        return measure(job, kept.state_file(id)).to_dict()
    except (UnsupportedError, BadSampleError) as error:
        return Part({}, missing=str(error).rstrip(".")).to_dict()
