"""Mutants that no test can kill, each with the reason, from a TOML file.

An entry names a file, the text of the line that is changed, the change as the report writes it
(``before -> after``, with `` [2]`` for the second of the same) and the reason.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.mutation.mutants import Mutant

__all__ = ["EQUIVALENT", "Equivalents"]

EQUIVALENT = Path(__file__).with_name("equivalent.toml")

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Equivalents:
    """Key of a mutant -> why it changes nothing that could be seen."""

    reasons: dict[Key, str]

    @classmethod
    def read(cls, path: Path) -> Equivalents:
        """Entries of ``path``.

        Raises:
            SystemExit: an entry without one of its four parts, or one given twice.
        """
        reasons: dict[Key, str] = {}
        for entry in tomllib.loads(path.read_text("utf-8")).get("mutant", []):
            missing = {"file", "line", "change", "reason"} - {name for name in entry if entry[name]}
            if missing:
                raise SystemExit(f"{path}: an entry lacks {', '.join(sorted(missing))}: {entry}")
            key = (entry["file"], entry["line"], entry["change"])
            if key in reasons:
                raise SystemExit(f"{path}: given twice: {' | '.join(key)}")
            reasons[key] = entry["reason"]
        return cls(reasons)

    def of(self, mutant: Mutant) -> str | None:
        """The reason, or None for a mutant that has to be killed."""
        return self.reasons.get(mutant.key)

    def check(self, every: Iterable[Mutant], *, whole: bool) -> None:
        """Hold the entries against all mutants of the files at hand.

        Args:
            every: all mutants of some files.
            whole: those are all files there are, so that an entry for another file is wrong too.

        Raises:
            SystemExit: an entry that matches no mutant.
        """
        known = {mutant.key for mutant in every}
        files = {file for file, _, _ in known}
        idle = [key for key in self.reasons if key not in known and (whole or key[0] in files)]
        if idle:
            listed = "\n".join(f"  {' | '.join(key)}" for key in idle)
            raise SystemExit(f"Listed as equivalent, but no such mutant exists:\n{listed}")
