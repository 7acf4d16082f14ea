"""Runs the tests marked ``long`` and prints a row of docs/check-long.md for each file.

    python tests/long_rows.py [PATH ...]

A row: the file, the first sentence of its docstring, the date, and how long its long tests took. Files
in which a test failed, or none ran, get no row. The exit code is pytest's.
"""

from __future__ import annotations

import ast
import datetime
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


class LongRows:
    """Adds up how long the tests of each file take."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.ran: set[str] = set()
        self.failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file = report.nodeid.split("::")[0]
        self.seconds[file] += report.duration
        if report.when == "call" and report.passed:
            self.ran.add(file)
        if report.failed:
            self.failed.add(file)

    def rows(self, today: datetime.date) -> list[str]:
        """Rows of the table, by file."""
        return [
            f"| `{file}` | {holds(ROOT / file)} | {today.isoformat()} | {taken:.0f} s |"
            for file, taken in sorted(self.seconds.items())
            if file in self.ran - self.failed
        ]


def holds(path: Path) -> str:
    """What a test file holds: the first sentence of its docstring, without the full stop.

    Raises:
        ValueError: a file without a docstring.
    """
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if said is None:
        raise ValueError(f"{path} has no docstring; say in one sentence what it holds.")
    return " ".join(said.split("\n\n")[0].split()).removesuffix(".")


def main(words: list[str]) -> int:
    """Run, then print the rows; pytest's exit code."""
    found = LongRows()
    code = pytest.main(["-m", "long", "-q", "--durations=10", *words], plugins=[found])
    sys.stdout.write("\nRows for docs/check-long.md:\n\n")
    sys.stdout.write("".join(f"{row}\n" for row in found.rows(datetime.date.today())))
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
