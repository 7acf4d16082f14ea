"""The table of long tests names the files that have some, and long tests are left out unless asked for."""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
from pathlib import Path

import pytest

from long_rows import LongRows, holds

ROOT = Path(__file__).parents[2]
ROW = re.compile(
    r"^\| `(tests/[\w/]+\.py)` \| (.+) \| (\d{4}-\d\d-\d\d) \| (\d+) s \|$", re.MULTILINE
)
MARK = "pytest.mark." + "long"


def table() -> dict[str, tuple[str, str, str]]:
    """File -> what it holds, last run, seconds."""
    found = ROW.findall((ROOT / "docs" / "check-long.md").read_text(encoding="utf-8"))
    return {file: (said, date, seconds) for file, said, date, seconds in found}


def marked() -> set[str]:
    """Files with tests that are marked."""
    paths = (ROOT / "tests").rglob("test_*.py")
    return {str(path.relative_to(ROOT)) for path in paths if MARK in path.read_text("utf-8")}


def test_the_table_has_a_row_for_every_file_with_long_tests() -> None:
    assert set(table()) == marked()
    assert marked()


def test_rows_say_what_the_files_say_and_dates_are_dates() -> None:
    for file, (said, date, _) in table().items():
        assert said == holds(ROOT / file)
        assert datetime.date.fromisoformat(date) <= datetime.date.today()


def collected(*words: str) -> str:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
        *words,
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


def test_long_tests_run_only_when_asked_for() -> None:
    file = min(marked())
    assert re.search(r"\d+ deselected", collected(file))
    asked = collected("-m", "long", file)
    assert re.search(rf"^{re.escape(file)}(::|: \d)", asked, re.MULTILINE)


OUTCOMES = (
    ("tests/test_io.py", "passed"),
    ("tests/test_stats.py", "failed"),
    ("tests/test_images.py", "skipped"),
)


def test_rows_leave_out_files_that_failed_or_did_not_run() -> None:
    rows = LongRows()
    for file, outcome in OUTCOMES:
        rows.pytest_runtest_logreport(
            pytest.TestReport(f"{file}::x", (file, 1, "x"), {}, outcome, None, "call", duration=2.4)
        )
    [row] = rows.rows(datetime.date(2030, 1, 2))
    assert row.startswith("| `tests/test_io.py` | ")
    assert row.endswith(" | 2030-01-02 | 2 s |")


def test_a_file_without_a_docstring_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "test_x.py"
    path.write_text("x = 1\n")
    with pytest.raises(ValueError, match="has no docstring"):
        holds(path)
