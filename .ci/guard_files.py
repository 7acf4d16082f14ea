"""Keeps out of the repository what slips in by accident: run by pre-commit, and by the tests on all files.

    python .ci/guard_files.py FILE...

Exit code 1, with one line for each fault, when a text file does not end in one newline, holds a merge marker
or blanks at the end of a line, or when a file is larger than 256 KiB. What programs write into the package,
the embedded models and the built viewer, is as they write it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

LARGEST = 256 * 1024
"""Bytes."""

WRITTEN_BY_PROGRAMS = re.compile(r"(^|/)src/vlmscope/(tiny/weights|viewer/bundle)/")
_MARKER = re.compile(r"^(<{7} |={7}$|>{7} )")
_BREAKS = {".md"}  # two blanks at the end of a line mean something there


def faults(path: Path) -> Iterator[str]:
    """What is wrong with one file, in words."""
    if WRITTEN_BY_PROGRAMS.search(path.as_posix()):
        return
    content = path.read_bytes()
    if len(content) > LARGEST:
        yield f"{len(content) // 1024} KiB; at most {LARGEST // 1024} are kept in the repository"
    if b"\0" in content[:8192]:
        return
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        yield "does not end in one newline"
    for number, line in enumerate(text.splitlines(), 1):
        if _MARKER.match(line):
            yield f"line {number} is a merge marker"
        if line != line.rstrip() and path.suffix not in _BREAKS:
            yield f"line {number} ends in blanks"


def main(names: list[str]) -> int:
    """Check files by name; the exit code."""
    found = [f"{name}: {fault}" for name in names for fault in faults(Path(name))]
    sys.stderr.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
