"""Run the mutants of one group."""

from __future__ import annotations

import random
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.mutation.choice import Choice
from tools.mutation.clean import CleanRun, clean_run
from tools.mutation.groups import Group
from tools.mutation.mutants import Mutant, mutants
from tools.mutation.pool import Zygote, work, zygote
from tools.mutation.state import State, digest
from tools.mutation.zygote import SURVIVED

__all__ = ["UNTESTED", "Outcome", "Runner", "every_mutant", "measure"]

UNTESTED = "untested"
_LIMIT = 5  # times what the tests of a mutant took without it


@dataclass(frozen=True)
class Outcome:
    """How one mutant ended.

    Attributes:
        mutant: the change.
        status: killed, timeout (killed too), survived, or untested (no test executes the line).
        seconds: by the clock.
        computed: seconds of one core.
    """

    mutant: Mutant
    status: str
    seconds: float = 0.0
    computed: float = 0.0


@dataclass(frozen=True)
class Runner:
    """Where and how mutants are run.

    Attributes:
        repository: folder that paths are relative to.
        source: folder of it that holds the package.
        state: what is known already.
        jobs: processes.
        slack: a mutant may compute for this many seconds, and five times what its tests took.
    """

    repository: Path
    source: str
    state: State
    jobs: int = 2
    slack: float = 5.0


def every_mutant(group: Group, repository: Path) -> list[Mutant]:
    """All mutants of a group's files."""
    return [
        mutant
        for file in group.files(repository)
        for mutant in mutants((repository / file).read_bytes(), file)
    ]


def measure(
    name: str,
    group: Group,
    runner: Runner,
    sample: int | None = None,
    seed: int = 0,
    choice: Choice | None = None,
) -> list[Outcome]:
    """Run the mutants of a group that are chosen (all by default), or ``sample`` drawn by ``seed``.

    Raises:
        SystemExit: the tests do not pass on the files as they are.
    """
    chosen = (choice or Choice()).of(every_mutant(group, runner.repository))
    if sample is not None and sample < len(chosen):
        picked = sorted(random.Random(seed).sample(range(len(chosen)), sample))
        chosen = [chosen[place] for place in picked]
    if not chosen:
        return []
    _say(f"{name}: {len(chosen)} mutants; running the tests on the files as they are ...")
    files = group.files(runner.repository)
    clean = clean_run(runner.repository, files, list(group.tests), runner.source)
    with ExitStack() as stack:
        zygotes = [
            stack.enter_context(zygote(runner.repository, clean.modules, runner.source))
            for _ in range(runner.jobs)
        ]
        _check_unchanged(zygotes[0], runner, clean, files)
        return _Measured(name, group, runner, clean, chosen).run(zygotes)


def _check_unchanged(one: Zygote, runner: Runner, clean: CleanRun, files: list[str]) -> None:
    """Without a change the tests pass where mutants are run, so that it is the change that fails."""
    source = (runner.repository / files[0]).read_bytes()
    tests = clean.in_order(list(clean.seconds))
    answer = one.run(_task(runner.repository / files[0], source, tests, clean, runner.slack))
    if answer["status"] == "killed" or answer["status"] == "timeout":
        raise SystemExit("Run as mutants are run, the tests fail on the files as they are.")


def _task(
    path: Path, source: bytes, tests: list[str], clean: CleanRun, slack: float
) -> dict[str, Any]:
    took = sum(clean.seconds[test] for test in tests)
    return {
        "path": str(path),
        "source": source.decode(),
        "tests": tests,
        "files": sorted({test.split("::")[0] for test in tests}),
        "limit": slack + _LIMIT * took,
    }


class _Measured:
    """One group at work."""

    def __init__(
        self, name: str, group: Group, runner: Runner, clean: CleanRun, chosen: list[Mutant]
    ) -> None:
        self._name = name
        self._runner = runner
        self._clean = clean
        self._chosen = chosen
        self._tests = digest([runner.repository / path for path in group.tests])
        self._sources = {
            mutant.file: (runner.repository / mutant.file).read_bytes() for mutant in chosen
        }
        self._found: dict[int, Outcome] = {}
        self._began = time.perf_counter()

    def run(self, zygotes: list[Zygote]) -> list[Outcome]:
        """Outcomes in the order of the mutants."""
        places, tasks = [], []
        for place, mutant in enumerate(self._chosen):
            known = self._runner.state.get(mutant, self._context(mutant))
            tests = self._tests_of(mutant)
            if known is not None:
                self._found[place] = _outcome(mutant, known)
            elif not tests:
                self._keep(place, {"status": UNTESTED})
            else:
                source = mutant.apply(self._sources[mutant.file])
                path = self._runner.repository / mutant.file
                tasks.append(_task(path, source, tests, self._clean, self._runner.slack))
                places.append(place)
        work(zygotes, tasks, lambda at, got: self._done(places[at], got))
        return [self._found[place] for place in sorted(self._found)]

    def _tests_of(self, mutant: Mutant) -> list[str]:
        """The tests that can notice: those that execute the line, or, of one that runs at import,
        those that execute anything in the file and then all others.
        """
        if not mutant.at_import:
            return self._clean.in_order(self._clean.tests_of(mutant.file, mutant.lines))
        lines = tuple(int(line) for line in self._clean.executed.get(mutant.file, {}))
        first = self._clean.in_order(self._clean.tests_of(mutant.file, lines))
        rest = self._clean.in_order(
            [test for test in self._clean.seconds if test not in set(first)]
        )
        return first + rest

    def _context(self, mutant: Mutant) -> str:
        """What an earlier answer depends on: the file and the tests."""
        return f"{digest([self._runner.repository / mutant.file])} {self._tests}"

    def _done(self, place: int, answer: dict[str, Any]) -> None:
        self._keep(place, answer)
        count, mutant = len(self._found), self._chosen[place]
        if answer["status"] == SURVIVED:
            _say(f"{self._name}: survived {mutant.file}:{mutant.line} {mutant.change}")
        if count % 25 == 0 or count == len(self._chosen):
            spent = time.perf_counter() - self._began
            _say(f"{self._name}: {count} of {len(self._chosen)} after {spent:.0f} s")

    def _keep(self, place: int, answer: dict[str, Any]) -> None:
        mutant = self._chosen[place]
        self._found[place] = _outcome(mutant, answer)
        self._runner.state.add(mutant, self._context(mutant), answer)


def _outcome(mutant: Mutant, answer: dict[str, Any]) -> Outcome:
    timed = {name: round(answer.get(name, 0.0), 3) for name in ("seconds", "computed")}
    return Outcome(mutant, answer["status"], **timed)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
