"""What several head sets are worth on the same held-out samples, each of which is read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmscope.attention import HeadMaps
from vlmscope.data.resume import SampleLog
from vlmscope.data.samples import Sample, image_id
from vlmscope.data.targets import target_of
from vlmscope.errors import BadSampleError
from vlmscope.heads.judge import Judge
from vlmscope.heads.options import LocalizationHeadsOptions
from vlmscope.heads.survey import survey
from vlmscope.heads.verify import unseen
from vlmscope.metrics.image_sums import SENTENCES, ImageSums
from vlmscope.models import LoadedModel
from vlmscope.post import pointing_hits, smooth, visible_areas
from vlmscope.post.options import with_post
from vlmscope.types import Head, HeadSet

__all__ = ["AVERAGE", "HALVES", "IOU", "POINTING", "RANDOM", "Contender", "Judged", "judge_sets"]

AVERAGE = "average of all heads"
RANDOM = "random heads"
"""Controls; :data:`vlmscope.heads.judge.RANDOM_SETS` of the latter."""

POINTING, IOU, HALVES = "pointing", "box IoU", "halves point"


@dataclass(frozen=True, eq=False)
class Contender:
    """Heads that a criterion chose.

    Attributes:
        whole: on all samples.
        drawn: on each random half.
    """

    whole: HeadSet
    drawn: tuple[tuple[Head, ...], ...]


@dataclass(frozen=True, eq=False)
class Judged:
    """Scores on held-out samples.

    Attributes:
        sums: for each name (a criterion or a control) and metric a column ``(name, metric)`` written
            ``name: metric``, and :data:`SENTENCES`.
        rows: one flat record for each sample and name.
        chance: pointing of a token drawn at random.
        skipped: one sentence for every row that could not be used.
    """

    sums: ImageSums
    rows: tuple[dict[str, Any], ...]
    chance: float
    skipped: tuple[str, ...]


def judge_sets(
    model: LoadedModel,
    contenders: Mapping[str, Contender],
    samples: Iterable[Any],
    *,
    placement: str | None,
    seed: int,
    progress: bool,
) -> Judged:
    """Judge all sets, and the controls, on the same samples.

    Args:
        model: the model.
        contenders: by criterion; the controls are read as the first is.
        samples: as for :func:`verify_heads`; can be gone through again.
        placement: how images are fitted.
        seed: of the random sets.
        progress: show bars on stderr.

    Raises:
        BadSampleError: no sample that all can be judged on.
    """
    used = {digest for each in contenders.values() for digest in each.whole.sample_ids}
    found: dict[str, dict[str, Any]] = {}
    skipped: dict[str, None] = {}
    for names in _read_alike(contenders):
        panel = _Panel.of(model, {name: contenders[name] for name in names}, seed, not found)
        log = SampleLog(None, {})
        surveyed = survey(
            model,
            samples,
            log,
            panel.record,
            reading={**panel.reading, "placement": placement},
            check=unseen(used),
            progress=progress,
            title="judging heads",
        )
        skipped.update(dict.fromkeys(surveyed.skipped))
        records = {digest: log[digest] for digest in surveyed.ids}
        found = _joined(found, records) if found else records
    if not found:
        raise BadSampleError("No held-out sample can be read for every criterion. Give others.")
    chance = float(np.mean([each["chance"] for each in found.values()]))
    return Judged(_sums(found), tuple(_rows(found)), chance, tuple(skipped))


def _read_alike(contenders: Mapping[str, Contender]) -> list[list[str]]:
    """Names whose rows are read under the same prompt; the first one's first."""
    groups: dict[tuple[Any, Any], list[str]] = {}
    for name, each in contenders.items():
        groups.setdefault((each.whole.rows, each.whole.prompt), []).append(name)
    return list(groups.values())


@dataclass(frozen=True, eq=False)
class _Panel:
    """Judges of sets whose rows are read alike; ``controls``: whether they see to these, too."""

    judges: Mapping[str, Judge]
    drawn: Mapping[str, tuple[tuple[int, ...], ...]]
    reading: dict[str, Any]
    controls: bool

    @classmethod
    def of(
        cls, model: LoadedModel, contenders: Mapping[str, Contender], seed: int, controls: bool
    ) -> _Panel:
        options = with_post(LocalizationHeadsOptions(), model.card.grounding, None)
        judges = {
            name: Judge.of(model.row_layers, model.decoder_shape[1], each.whole, options, seed)
            for name, each in contenders.items()
        }
        drawn = {
            name: tuple(tuple(map(judges[name].heads.index, heads)) for heads in each.drawn)
            for name, each in contenders.items()
        }
        first = next(iter(contenders.values())).whole
        return cls(judges, drawn, {"rows": first.rows, "preset": first.prompt}, controls)

    def record(self, sample: Sample, maps: HeadMaps) -> dict[str, Any]:
        """Scores of every set on one sample, as JSON values."""
        token_map, raw = maps.token_map, maps.one_row()
        target = target_of(sample, token_map.image_size)
        hits, visible = target.hits(token_map), visible_areas(token_map) > 0
        first = next(iter(self.judges.values()))
        smoothed = smooth(token_map, raw, first.options)

        def placed(members: Sequence[int]) -> dict[str, float]:
            scores = first.placed(token_map, raw[list(members)], target)
            return {POINTING: scores["pointing"], IOU: scores["iou"]}

        def pointing(sets: Sequence[Sequence[int]]) -> float:
            means = np.stack([smoothed[list(members)].mean(axis=0) for members in sets])
            return float(np.mean(pointing_hits(means, hits, visible)))

        scores: dict[str, dict[str, float]] = {
            name: {**placed(judge.members), HALVES: pointing(self.drawn[name])}
            for name, judge in self.judges.items()
        }
        if self.controls:
            scores[AVERAGE] = placed(first.pool)
            each = [placed(members) for members in first.rivals]
            scores[RANDOM] = {key: float(np.mean([s[key] for s in each])) for key in each[0]}
        return {"scores": scores, "chance": float(hits.sum() / max(1, visible.sum()))}


def _joined(
    one: Mapping[str, dict[str, Any]], other: Mapping[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Records of the samples that both hold."""
    return {
        key: {**one[key], "scores": {**one[key]["scores"], **other[key]["scores"]}}
        for key in one
        if key in other
    }


def _sums(records: Mapping[str, dict[str, Any]]) -> ImageSums:
    rows = [
        {"id": digest, "image": image_id(digest), **record} for digest, record in records.items()
    ]

    def measured(record: Mapping[str, Any]) -> dict[str, float]:
        scores = record["scores"].items()
        named = {f"{name}: {key}": value for name, own in scores for key, value in own.items()}
        return {**named, SENTENCES: 1.0}

    return ImageSums.of(rows, measured)


def _rows(records: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": digest,
            "heads": name,
            "pointing": scores[POINTING],
            "iou": scores[IOU],
            "halves_pointing": scores.get(HALVES),
        }
        for digest, record in records.items()
        for name, scores in record["scores"].items()
    ]
