"""Which mutants are run, where not all are: those of some files, those that an earlier run left."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.mutation.mutants import Mutant

__all__ = ["Choice"]


@dataclass(frozen=True)
class Choice:
    """What is left out.

    Attributes:
        files: paths from the repository; none: all files.
        keys: keys of mutants; None: all mutants.
    """

    files: frozenset[str] = frozenset()
    keys: frozenset[tuple[str, str, str]] | None = None

    @classmethod
    def given(cls, files: Iterable[str], report: Path | None) -> Choice:
        """Of some files, and of the survivors in a report written by ``--out``.

        Raises:
            SystemExit: the report cannot be read, or is none.
        """
        if report is None:
            return cls(frozenset(files))
        try:
            groups = json.loads(report.read_text("utf-8"))
            rows = [row for group in groups.values() for row in group["survivors"]]
            keys = frozenset((row["file"], row["text"], row["change"]) for row in rows)
        except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
            raise SystemExit(f"{report} is no report of this tool: {error!r}") from error
        return cls(frozenset(files), keys)

    def of(self, every: Iterable[Mutant]) -> list[Mutant]:
        """The mutants that are run, in the same order."""
        return [
            mutant
            for mutant in every
            if (not self.files or mutant.file in self.files)
            and (self.keys is None or mutant.key in self.keys)
        ]
