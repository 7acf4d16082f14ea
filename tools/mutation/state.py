"""What is known already: finished mutants are not run again while their file and tests stay the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tools.mutation.mutants import Mutant

__all__ = ["State", "digest"]


def digest(paths: list[Path]) -> str:
    """Of the Python files among ``paths`` and in the folders among them."""
    files = [file for path in paths for file in (sorted(path.rglob("*.py")) or [path])]
    whole = hashlib.sha256()
    for file in files:
        whole.update(file.read_bytes())
    return whole.hexdigest()[:16]


class State:
    """Lines of JSON, one a finished mutant; a line cut short by an interruption is passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, dict[str, Any]] = {}
        if path.exists():
            for line in path.read_text("utf-8").splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                self._known[entry["key"]] = entry

    def get(self, mutant: Mutant, context: str) -> dict[str, Any] | None:
        return self._known.get(_key(mutant, context))

    def add(self, mutant: Mutant, context: str, answer: dict[str, Any]) -> None:
        key = _key(mutant, context)
        entry = {"key": key, **answer}
        self._known[key] = entry
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def _key(mutant: Mutant, context: str) -> str:
    parts = [context, mutant.file, mutant.span, mutant.after]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]
