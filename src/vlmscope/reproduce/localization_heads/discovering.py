"""The step that discovers heads, and the one that verifies them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

from vlmscope.data.resume import SampleLog
from vlmscope.heads import DiscoveryOptions, discover_heads, verify_heads
from vlmscope.heads.measures import stack
from vlmscope.models import LoadedModel
from vlmscope.reproduce.kept import KeptResults
from vlmscope.reproduce.localization_heads.conditions import Condition
from vlmscope.reproduce.localization_heads.drawing import DrawnSamples
from vlmscope.reproduce.localization_heads.variants import ranked_by_criterion
from vlmscope.reproduce.pace import Pace
from vlmscope.types import Head, HeadSet

__all__ = ["Discovery", "Verification"]


@dataclass(frozen=True, eq=False)
class Discovery:
    """Finds the heads of a model under a condition.

    Attributes:
        id: of the step.
        model, condition: what is run.
        samples: of a train split, none on an image that is scored.
        tokens: image tokens of an image.
        seed: of the trials.
        progress: show a bar.
    """

    id: str
    model: LoadedModel
    condition: Condition
    samples: DrawnSamples
    tokens: int
    seed: int
    progress: bool

    def work(self, kept: KeptResults, pace: Pace) -> dict[str, Any]:
        """The head set, the best heads by other criteria, and what was skipped."""
        options = DiscoveryOptions(
            preset=self.condition.preset, placement=self.condition.placement, seed=self.seed
        )
        file = kept.state_file(self.id)
        _timed(self.samples, kept, self.id, pace, self.tokens)
        heads = discover_heads(
            self.model, self.samples, options, progress=self.progress, resume=file
        )
        credit = str(self.samples.data.protocol["split"])
        heads = replace(heads, options={**heads.options, "data": credit})
        log = SampleLog(file, {"job": "discovery"})
        measures = stack([log[digest] for digest in heads.sample_ids])
        layers = [layer for layer in self.model.row_layers if layer >= options.skip_layers]
        width = self.model.decoder_shape[1]
        places = [Head(*pair) for pair in itertools.product(layers, range(width))]
        ranked = ranked_by_criterion(measures, options, places)
        return {
            "heads": heads.to_dict(),
            "criteria": {name: [list(head) for head in best] for name, best in ranked.items()},
            "skipped": [*self.samples.skipped, *heads.skipped],
        }


@dataclass(frozen=True, eq=False)
class Verification:
    """Measures discovered heads on samples that discovery did not see; attributes as above.

    Attributes:
        heads: id of the step that found them.
    """

    id: str
    heads: str
    model: LoadedModel
    condition: Condition
    samples: DrawnSamples
    tokens: int
    seed: int
    progress: bool

    def work(self, kept: KeptResults, pace: Pace) -> dict[str, Any]:
        """The head set with its evidence, and what was skipped."""
        _timed(self.samples, kept, self.id, pace, self.tokens)
        verified = verify_heads(
            self.model,
            HeadSet.from_dict(kept[self.heads]["heads"]),
            self.samples,
            post="paper",
            placement=self.condition.placement,
            progress=self.progress,
            seed=self.seed,
            resume=kept.state_file(self.id),
        )
        skipped = verified.evidence.skipped if verified.evidence is not None else ()
        return {"heads": verified.to_dict(), "skipped": [*self.samples.skipped, *skipped]}


def _timed(samples: DrawnSamples, kept: KeptResults, step: str, pace: Pace, tokens: int) -> None:
    """Tell the pace of images as they are left behind; those that an earlier run finished are no work."""
    file = kept.state_file(step)
    lines = 0 if file is None or not file.is_file() else file.read_bytes().count(b"\n") - 1
    finished = max(0, lines) // max(1, samples.per_image)

    def turn(index: int) -> None:
        if index > 0:
            (pace.passed_over if index <= finished else pace.computed)(tokens)

    samples.turn = turn
