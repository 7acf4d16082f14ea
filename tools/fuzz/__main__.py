"""Feed hostile input to the program and see that it keeps its promises.

``python -m tools.fuzz [KIND...]``; the kinds are in ``tools/fuzz/kinds/``. An input is made from its
kind and its number alone, so ``--only image:0/1234`` (seed 0, number 1234) tries one again. Inputs that
fail are kept in ``.fuzz/``, each with what was called and what was wrong.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tools.fuzz.kinds import KINDS
from tools.fuzz.rounds import Failure, Tally, run, shares, table

_REPOSITORY = Path(__file__).parents[2]
_SHOWN = 40


def main(arguments: list[str] | None = None) -> int:
    """Run a round; 1 when something failed."""
    given = _parser().parse_args(arguments)
    wanted = _wanted(given)
    began = time.perf_counter()
    tallies: dict[str, Tally] = {}
    for kind, tally in run(wanted, given.keep):
        tallies[kind] = tally
        print(f"{kind}: {tally.inputs} inputs, {len(tally.failures)} failures", file=sys.stderr)
    print(table(tallies))
    print(f"{time.perf_counter() - began:.0f} s")
    failures = [failure for tally in tallies.values() for failure in tally.failures]
    _report(failures, given.keep)
    return 1 if failures else 0


def _wanted(given: argparse.Namespace) -> dict[str, list[str]]:
    """Kind -> numbers of inputs."""
    unknown = [name for name in given.kinds if name not in KINDS]
    if given.only:
        wanted: dict[str, list[str]] = {}
        for name in given.only:
            kind, _, number = name.partition(":")
            unknown += [] if kind in KINDS and number else [name]
            wanted.setdefault(kind, []).append(number)
    else:
        kinds = given.kinds or list(KINDS)
        known = [kind for kind in kinds if kind in KINDS]
        wanted = {
            kind: [f"{given.seed}/{at}" for at in range(count)]
            for kind, count in shares(given.inputs, known).items()
        }
    if unknown:
        raise SystemExit(f"No kind is called {', '.join(unknown)}; there are {', '.join(KINDS)}.")
    return wanted


def _report(failures: list[Failure], keep: Path) -> None:
    for failure in failures[:_SHOWN]:
        print(f"\n{failure.name}  {failure.line[:200]}")
        for fault in failure.faults:
            print(f"  {fault}")
    if failures:
        print(f"\n{len(failures)} failures; the inputs are in {keep}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}; or all")
    parser.add_argument("--inputs", type=int, default=5_000, help="of all kinds together")
    parser.add_argument("--seed", type=int, default=0, help="another one gives other inputs")
    parser.add_argument(
        "--only", action="append", metavar="KIND:NUMBER", help="one input again; repeatable"
    )
    parser.add_argument(
        "--keep", type=Path, default=_REPOSITORY / ".fuzz", help="where failing inputs are kept"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
