"""Change the central modules line by line and see whether the tests notice.

``python -m tools.mutation [GROUP...]``; the groups are in ``tools/mutation/groups.py``. Survivors are
printed as ``file:line``; what cannot be killed is listed with its reason in ``equivalent.toml``. An
interrupted run goes on where it stopped, unless the file or its tests have changed. After new tests,
``--survivors-of`` the last report runs what they are for and nothing else.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from tools.mutation.choice import Choice
from tools.mutation.equivalents import EQUIVALENT, Equivalents
from tools.mutation.groups import GROUPS, SOURCE
from tools.mutation.measure import Runner, every_mutant, measure
from tools.mutation.report import report, written
from tools.mutation.state import State

_REPOSITORY = Path(__file__).parents[2]


def main(arguments: list[str] | None = None) -> None:
    given = _parser().parse_args(arguments)
    unknown = [name for name in given.groups if name not in GROUPS]
    if unknown:
        raise SystemExit(f"No group is called {', '.join(unknown)}; there are {', '.join(GROUPS)}.")
    names = given.groups or list(GROUPS)
    equivalents = Equivalents.read(EQUIVALENT)
    every = [mutant for name in names for mutant in every_mutant(GROUPS[name], _REPOSITORY)]
    equivalents.check(every, whole=set(names) == set(GROUPS))
    choice = Choice.given(given.file, given.survivors_of)
    if not choice.of(every):
        raise SystemExit("None of these groups has a mutant that --file and --survivors-of leave.")
    if given.fresh:
        given.state.unlink(missing_ok=True)
    runner = Runner(_REPOSITORY, SOURCE, State(given.state), given.jobs)
    found = {}
    for name in names:
        began = time.perf_counter()
        outcomes = measure(name, GROUPS[name], runner, given.sample, given.seed, choice)
        found[name] = report(outcomes, equivalents, time.perf_counter() - began)
        if given.out:
            given.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(written(found))
    if any(each["wrongly equivalent"] for each in found.values()):
        raise SystemExit(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.mutation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; all when none is named")
    parser.add_argument("--sample", type=int, metavar="N", help="N mutants of each group by chance")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument(
        "--file", action="append", default=[], metavar="PATH", help="of this file only; repeatable"
    )
    parser.add_argument(
        "--survivors-of",
        type=Path,
        metavar="REPORT",
        help="only what survived, or no test executed, in a report of --out",
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--out", type=Path, help="write the report as JSON")
    parser.add_argument(
        "--state",
        type=Path,
        default=_REPOSITORY / ".mutation" / "state.jsonl",
        help="what is finished (default: .mutation/state.jsonl)",
    )
    parser.add_argument("--fresh", action="store_true", help="forget what is finished")
    return parser


if __name__ == "__main__":
    main()
