"""What a run found: the score, and every mutant that the tests did not notice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tools.mutation.equivalents import Equivalents
from tools.mutation.measure import UNTESTED, Outcome
from tools.mutation.zygote import KILLED, TIMEOUT

__all__ = ["report", "written"]

_KILLS = (KILLED, TIMEOUT)


def report(outcomes: list[Outcome], equivalents: Equivalents, spent: float) -> dict[str, Any]:
    """One group, as JSON would hold it.

    ``score`` is the share of all mutants that is killed; ``score without equivalents`` leaves those
    out that are listed as equivalent. ``wrongly equivalent`` are listed, but killed.
    """
    listed = [outcome for outcome in outcomes if equivalents.of(outcome.mutant) is not None]
    killed = [outcome for outcome in outcomes if outcome.status in _KILLS]
    wrong = [outcome for outcome in listed if outcome.status in _KILLS]
    equivalent = len(listed) - len(wrong)
    missed = [outcome for outcome in outcomes if outcome not in killed and outcome not in listed]
    ran = [outcome for outcome in outcomes if outcome.status != UNTESTED]
    return {
        "mutants": len(outcomes),
        "killed": len(killed),
        "score": _share(len(killed), len(outcomes)),
        "equivalent": equivalent,
        "equivalent share": _share(equivalent, len(outcomes)),
        "score without equivalents": _share(len(killed), len(outcomes) - equivalent),
        "statuses": dict(Counter(outcome.status for outcome in outcomes)),
        "seconds": round(spent, 1),
        "seconds per mutant": _mean([outcome.seconds for outcome in ran]),
        "computed per mutant": _mean([outcome.computed for outcome in ran if outcome.computed]),
        "survivors": [_row(outcome) for outcome in missed],
        "equivalents": [
            _row(outcome) | {"reason": equivalents.of(outcome.mutant)}
            for outcome in listed
            if outcome not in wrong
        ],
        "wrongly equivalent": [_row(outcome) for outcome in wrong],
    }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 1.0


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 2) if values else 0.0


def _row(outcome: Outcome) -> dict[str, Any]:
    mutant = outcome.mutant
    return {
        "file": mutant.file,
        "line": mutant.line,
        "text": mutant.text,
        "change": mutant.change,
        "operator": mutant.operator,
        "status": outcome.status,
    }


def written(groups: dict[str, dict[str, Any]]) -> str:
    """The report as text: survivors by place, then a table of the groups."""
    return "\n".join(_text(groups))


def _text(groups: dict[str, dict[str, Any]]) -> Iterator[str]:
    for found in groups.values():
        for row in found["survivors"]:
            yield f"{row['file']}:{row['line']}: {row['status']}: {row['change']}"
        for row in found["wrongly equivalent"]:
            yield f"{row['file']}:{row['line']}: listed as equivalent, but killed: {row['change']}"
    yield ""
    yield f"{'group':<12}{'mutants':>8}{'killed':>8}{'score':>8}{'equivalent':>12}{'s each':>8}"
    for name, found in groups.items():
        yield (
            f"{name:<12}{found['mutants']:>8}{found['killed']:>8}{found['score']:>8.1%}"
            f"{found['equivalent share']:>12.1%}{found['seconds per mutant']:>8.2f}"
        )
    mutants = sum(found["mutants"] for found in groups.values())
    killed = sum(found["killed"] for found in groups.values())
    equal = sum(found["equivalent"] for found in groups.values())
    yield f"{'all':<12}{mutants:>8}{killed:>8}{_share(killed, mutants):>8.1%}" + (
        f"{_share(equal, mutants):>12.1%}"
    )
