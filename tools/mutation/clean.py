"""The run on the files as they are: the tests pass, and what each executes is written down."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from tools.mutation.executed import Executed
from tools.mutation.session import ARGUMENTS, Quick, environment

__all__ = ["CleanRun", "clean_run"]


@dataclass(frozen=True)
class CleanRun:
    """What a run without a change tells.

    Attributes:
        seconds: test -> how long it took.
        executed: file -> line, as text -> the tests that execute it.
        modules: everything imported that is not of the repository, in order.
    """

    seconds: dict[str, float]
    executed: dict[str, dict[str, list[str]]]
    modules: list[str]

    def tests_of(self, file: str, lines: tuple[int, ...]) -> list[str]:
        """The tests that execute one of the lines, in no order."""
        known = self.executed.get(file, {})
        return sorted({test for line in lines for test in known.get(str(line), [])})

    def in_order(self, tests: list[str]) -> list[str]:
        """File by file, the quickest first: what a file sets up is set up once."""
        quickest: dict[str, float] = {}
        for test in tests:
            home = test.split("::")[0]
            quickest[home] = min(quickest.get(home, self.seconds[test]), self.seconds[test])

        def rank(test: str) -> tuple[float, str, float]:
            home = test.split("::")[0]
            return quickest[home], home, self.seconds[test]

        return sorted(tests, key=rank)


def clean_run(repository: Path, sources: list[str], tests: list[str], source: str) -> CleanRun:
    """Run ``tests`` in a process of its own.

    Args:
        repository: folder that all paths are relative to.
        sources: files to be changed later.
        tests: files or folders of tests.
        source: folder that holds the package.

    Raises:
        SystemExit: a test fails without any change, or none was found.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "clean.json"
        task = json.dumps({"sources": sources, "tests": tests, "out": str(out)})
        done = subprocess.run(
            [sys.executable, "-m", "tools.mutation.clean", task],
            cwd=repository,
            env=environment(repository, source),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            said = (done.stdout + done.stderr)[-4000:]
            raise SystemExit(f"The tests do not pass on the files as they are:\n{said}")
        return CleanRun(**json.loads(out.read_text("utf-8")))


def _main(sources: list[str], tests: list[str], out: str) -> int:
    repository = Path.cwd()
    watched = Executed([repository / path for path in sources], repository)
    code = pytest.main([*ARGUMENTS, *tests], plugins=[watched, Quick()])
    if code or watched.failed or not watched.seconds:
        return int(code) or 1
    executed: dict[str, dict[str, list[str]]] = {}
    for test, lines in watched.lines.items():
        for file, line in lines:
            home = Path(file).relative_to(repository).as_posix()
            executed.setdefault(home, {}).setdefault(str(line), []).append(test)
    found = CleanRun(watched.seconds, executed, _modules(repository))
    Path(out).write_text(json.dumps(asdict(found)), "utf-8")
    return 0


def _modules(repository: Path) -> list[str]:
    """Modules of other projects, which a process can import before the package is there."""
    own = [str(repository / part) for part in ("src", "tests", "tools")]
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    return [
        name
        for name, file in files.items()
        if file and not any(str(Path(file)).startswith(folder) for folder in own)
    ]


if __name__ == "__main__":
    raise SystemExit(_main(**json.loads(sys.argv[1])))
