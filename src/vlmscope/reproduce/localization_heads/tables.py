"""Tables beside the claims: side by side, prompts and placements, ablations, heads, overlaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from vlmscope.metrics import Score
from vlmscope.reproduce.localization_heads.claims import PAPER_MODELS, claims_of
from vlmscope.reproduce.localization_heads.outcomes import ModelOutcome
from vlmscope.reproduce.localization_heads.overlap import Overlap
from vlmscope.reproduce.localization_heads.sums import SCORES
from vlmscope.reproduce.localization_heads.variants import ALONE, MAIN
from vlmscope.reproduce.reproductions import Table
from vlmscope.types import HeadSet

__all__ = ["tables_of"]

_RANKS = (3, 10)  # how many first heads are compared between sets
_LISTED = 10


def tables_of(outcomes: Sequence[ModelOutcome], overlaps: Sequence[Overlap]) -> tuple[Table, ...]:
    """All tables, those without a row left out."""
    tables = (
        _models(outcomes),
        _conditions(outcomes),
        _ablations(outcomes),
        _heads(outcomes),
        _evidence(outcomes),
        _ranks(outcomes),
        _sets(outcomes),
        _images(overlaps),
    )
    return tuple(table for table in tables if table.rows)


def _models(outcomes: Sequence[ModelOutcome]) -> Table:
    published = _published()
    rows = [
        (
            outcome.model,
            split.name,
            name,
            published.get((outcome.model, split.name, name), "-"),
            *_numbers(score),
        )
        for split in (outcomes[0].scored if outcomes else ())
        for name in SCORES
        for outcome in outcomes
        if (score := outcome.scores(split, MAIN).get(name)) is not None
    ]
    columns = (
        "model",
        "split",
        "score",
        "published",
        "measured",
        "interval",
        "sentences",
        "images",
    )
    return Table("models", "Models side by side", columns, rows)


def _published() -> dict[tuple[str, str, str], str]:
    """(model, split, score) -> as it was published."""
    names = {"RES oIoU": "RES oIoU", "Acc@0.5": "Acc@0.5"}
    return {
        (model, each.claim.dataset, names[each.metric]): each.claim.published
        for model in PAPER_MODELS.values()
        for each in claims_of([model])
        if each.kind == "score" and each.claim.models == (model,) and each.variant == MAIN
    }


def _conditions(outcomes: Sequence[ModelOutcome]) -> Table:
    rows = [
        (outcome.model, condition.preset, condition.placement, split.name, name, *_numbers(score))
        for outcome in outcomes
        for split in outcome.scored
        for condition in outcome.conditions
        for name, score in outcome.scores(split, MAIN, condition).items()
        if outcome.scoring(split, outcome.conditions[-1]) is not None
    ]
    columns = ("model", "prompt", "placement", "split", "score", *_COLUMNS)
    note = "Heads are discovered anew under each prompt and placement."
    return Table("conditions", "Prompts and placements", columns, rows, note)


def _ablations(outcomes: Sequence[ModelOutcome]) -> Table:
    rows = []
    for outcome in outcomes:
        split = outcome.scored[0]
        result = outcome.scoring(split)
        for variant, title in result["titles"].items():
            if not variant.startswith(ALONE):
                heads = result["heads"][variant]
                shown = ", ".join(heads) if len(heads) <= 5 else f"of {len(heads)}"
                for name, score in outcome.scores(split, variant).items():
                    rows.append((outcome.model, title, shown, name, *_numbers(score)))
    columns = ("model", "setting", "heads", "score", *_COLUMNS)
    where = outcomes[0].scored[0].name if outcomes else ""
    note = f"On {where}, one pass over the images for all; the first row is on every scored image."
    return Table("ablations", "Ablations", columns, rows, note)


def _heads(outcomes: Sequence[ModelOutcome]) -> Table:
    rows = [
        (outcome.model, train.name, condition.id, found.samples, found.tau, _listed(found))
        for outcome in outcomes
        for train in outcome.trains
        for condition in outcome.conditions
        if (found := outcome.discovered(condition, train)) is not None
    ]
    columns = ("model", "discovered on", "prompt, placement", "samples", "tau", "heads, frequency")
    return Table("heads", "Heads", columns, rows)


def _listed(heads: HeadSet) -> str:
    first = [row for row in heads.frequencies if row.frequency.value > 0][:_LISTED]
    return ", ".join(f"{row.head} {row.frequency.value:.2f}" for row in first)


def _evidence(outcomes: Sequence[ModelOutcome]) -> Table:
    rows: list[tuple[object, ...]] = []
    for outcome in outcomes:
        evidence = outcome.heads.evidence
        if evidence is not None:
            pairs = (
                ("pointing", evidence.pointing, evidence.chance_pointing),
                ("enrichment", evidence.enrichment, 1.0),
                ("mean box IoU", evidence.mean_iou, None),
                ("Acc@0.5", evidence.acc50, None),
            )
            rows += [
                (outcome.model, name, each.value, f"{each.low:.3f} to {each.high:.3f}", chance,
                 evidence.samples)
                for name, each, chance in pairs
            ]  # fmt: skip
    columns = ("model", "measured", "value", "interval", "chance", "samples")
    return Table("evidence", "The heads on samples that discovery did not see", columns, rows)


def _ranks(outcomes: Sequence[ModelOutcome]) -> Table:
    rows = []
    for outcome in outcomes:
        split = outcome.scored[0]
        frequencies = enumerate(outcome.heads.frequencies, start=1)
        for rank, row in frequencies:
            scores = outcome.scores(split, f"{ALONE} {row.head}")
            if scores:
                own = scores.get("RES mIoU")
                cells = _numbers(own) if own is not None else ("-",) * 4
                rows.append((outcome.model, rank, str(row.head), row.frequency.value, *cells))
    columns = ("model", "rank", "head", "frequency", *_COLUMNS)
    note = "Measured: mean IoU of the pseudo-mask that the head makes by itself."
    return Table("ranks", "Rank of a head and its own mask", columns, rows, note)


def _sets(outcomes: Sequence[ModelOutcome]) -> Table:
    rows = []
    for outcome in outcomes:
        found = [
            (train.name, heads)
            for train in outcome.trains
            if (heads := outcome.discovered(outcome.conditions[0], train)) is not None
        ]
        for (one, first), (other, second) in combinations(found, 2):
            shared = [_shared(first, second, count) for count in _RANKS]
            rows.append((outcome.model, one, other, *shared))
    columns = ("model", "one", "other", *(f"of the first {count}" for count in _RANKS))
    return Table("sets", "Heads that two sets have in common", columns, rows)


def _shared(one: HeadSet, other: HeadSet, count: int) -> str:
    sets = [
        {row.head for row in each.frequencies[:count] if row.frequency.value > 0}
        for each in (one, other)
    ]
    return f"{len(sets[0] & sets[1])} of {max(map(len, sets))}"


def _images(overlaps: Iterable[Overlap]) -> Table:
    rows = [
        (
            each.train,
            each.scored,
            each.images,
            "cannot be told" if each.shared is None else each.shared,
        )
        for each in overlaps
    ]
    columns = ("discovered on", "scored", "images that are scored", "of these in both")
    note = "Heads are discovered on none of the images in both; told by COCO's number of an image."
    return Table("images", "Images in both", columns, rows, note)


_COLUMNS = ("measured", "interval", "sentences", "images")


def _numbers(score: Score) -> tuple[object, ...]:
    """Cells under :data:`_COLUMNS`."""
    if score.interval is None:
        return ("-",) * 4
    value, low, high = score.interval
    return value, f"{low:.3f} to {high:.3f}", score.n, score.images
