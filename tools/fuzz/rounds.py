"""A round: so many inputs of each kind, what came of them, and a copy of whatever failed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.fuzz.doors import call, one_load
from tools.fuzz.inputs import Input
from tools.fuzz.judge import faults, verdict
from tools.fuzz.kinds import KINDS, make

__all__ = ["Failure", "Tally", "run", "shares", "table"]


@dataclass(frozen=True)
class Failure:
    """An input that the program did not take as it should.

    Attributes:
        name: ``kind:number``, by which it is made again.
        line: what was called.
        faults: what was wrong, a line each.
    """

    name: str
    line: str
    faults: tuple[str, ...]


@dataclass
class Tally:
    """What came of the inputs of a kind."""

    accepted: int = 0
    refused: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def inputs(self) -> int:
        """How many there were."""
        return self.accepted + self.refused + len(self.failures)


def shares(inputs: int, kinds: Sequence[str]) -> dict[str, int]:
    """How many inputs of each kind, by the kinds' weights; at least one of each."""
    whole = sum(KINDS[kind].weight for kind in kinds)
    return {kind: max(1, round(inputs * KINDS[kind].weight / whole)) for kind in kinds}


def run(
    wanted: Mapping[str, Iterable[str]], keep: Path | None = None
) -> Iterator[tuple[str, Tally]]:
    """Try inputs, kind by kind.

    Args:
        wanted: kind -> the numbers of its inputs, as text.
        keep: where inputs that fail are kept, a folder each; None: nowhere.
    """
    with one_load(), tempfile.TemporaryDirectory(prefix="vlmscope-fuzz-") as place:
        for kind, numbers in wanted.items():
            tally = Tally()
            for number in numbers:
                _try(kind, number, tally, Path(place) / "here", keep)
            yield kind, tally


def _try(kind: str, number: str, tally: Tally, folder: Path, keep: Path | None) -> None:
    case = make(kind, number)
    folder.mkdir()
    try:
        outcome = call(case, folder)
        wrong = faults(case, outcome)
        if wrong:
            tally.failures.append(Failure(f"{kind}:{number}", case.line, tuple(wrong)))
        elif verdict(outcome) == "refused":
            tally.refused += 1
        else:
            tally.accepted += 1
    finally:
        shutil.rmtree(folder)
    if wrong and keep is not None:
        _keep(case, tally.failures[-1], keep / f"{kind}-{number}")


def _keep(case: Input, failure: Failure, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    case.lay_out(folder)
    text = "\n".join((failure.line, *failure.faults))
    (folder / "FAILURE.txt").write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")


def table(tallies: Mapping[str, Tally]) -> str:
    """The counts as text, a line for each kind and one for all."""
    rows = [("kind", "inputs", "accepted", "refused", "failures")]
    rows += [_row(kind, [tally]) for kind, tally in tallies.items()]
    rows.append(_row("all", list(tallies.values())))
    return "\n".join(row[0].ljust(12) + "".join(cell.rjust(10) for cell in row[1:]) for row in rows)


def _row(name: str, tallies: Sequence[Tally]) -> tuple[str, str, str, str, str]:
    counts = (
        sum(tally.inputs for tally in tallies),
        sum(tally.accepted for tally in tallies),
        sum(tally.refused for tally in tallies),
        sum(len(tally.failures) for tally in tallies),
    )
    inputs, accepted, refused, failures = (f"{count:,}" for count in counts)
    return name, inputs, accepted, refused, failures
