"""job.json: what was asked for, so that a job goes on only as what it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlmscope.errors import ModelMismatchError, OutputError
from vlmscope.io import is_there, shown_path, write_json
from vlmscope.labels.folder import LabelFolder
from vlmscope.labels.schema import FORMAT
from vlmscope.version import __version__

__all__ = ["JobFile", "differences"]

_DIGITS = 16
_SHOWN = 120  # characters of a value in a message
_MOST = 3  # differences in a message


@dataclass
class JobFile:
    """The job of a folder, new or begun.

    Attributes:
        folder: of the labels.
        kept: what is certain before a model is loaded: the source, phrases, what is kept.
        asked: what was asked of model and method; what it comes to is ``resolved``.
        found: job.json as it was, or None.
    """

    folder: Path
    kept: dict[str, Any]
    asked: dict[str, Any]
    found: dict[str, Any] | None = field(default=None)

    @classmethod
    def open(cls, folder: Path, kept: dict[str, Any], asked: dict[str, Any]) -> JobFile:
        """Look into a folder.

        Raises:
            ModelMismatchError: it holds another job; says what differs.
            OutputError: it holds something else, or a job.json that cannot be read.
        """
        # through JSON, so that a tuple equals the list that is read back
        job = cls(folder, json.loads(json.dumps(kept)), json.loads(json.dumps(asked)))
        if is_there(folder / "job.json"):
            job.found = LabelFolder.open(folder).job
            job._compare(job.found.get("kept"), job.kept)
        elif is_there(folder) and any(_own(each) for each in folder.glob("*")):
            raise OutputError(
                f"{shown_path(folder)} holds files and no labels. Give a new or empty folder for --out."
            )
        return job

    @property
    def settled(self) -> bool:
        """Whether the very same was asked before, so that a model need not be loaded to know it."""
        return self.found is not None and self.found.get("asked") == self.asked

    def settle(self, resolved: dict[str, Any]) -> None:
        """Compare what a loaded model makes of the request, or write it down.

        Raises:
            ModelMismatchError: the folder was begun with something else; says what differs.
            OutputError: job.json cannot be written.
        """
        resolved = json.loads(json.dumps(resolved))
        if self.found is not None:
            self._compare(self.found.get("resolved"), resolved)
            return
        identity = {"format": FORMAT, "kept": self.kept, "resolved": resolved}
        text = json.dumps(identity, sort_keys=True)
        fingerprint = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
        self.found = {
            "format": FORMAT,
            "fingerprint": fingerprint,
            "version": __version__,
            "kept": self.kept,
            "resolved": resolved,
            "asked": self.asked,
        }
        write_json(self.folder / "job.json", self.found)

    def _compare(self, before: Any, now: Any) -> None:
        lines = [
            f"{name} is {_shown(old)} there and {_shown(new)} here"
            for name, old, new in differences(before, now)
        ]
        if lines:
            more = f" and {len(lines) - _MOST} more" if len(lines) > _MOST else ""
            raise ModelMismatchError(
                f"{shown_path(self.folder)} holds labels of another job: {'; '.join(lines[:_MOST])}"
                f"{more}. Give the same settings, or another folder for --out."
            )


def differences(before: Any, now: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two trees of JSON values differ: (name, before, now)."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*before, *now)):
            inside = f"{name}.{key}" if name else key
            yield from differences(before.get(key), now.get(key), inside)
    elif before != now:
        yield name, before, now


def _own(path: Path) -> bool:
    """Whether a file is not what a job leaves that ended before it wrote job.json."""
    return path.name != "parts" and not path.name.startswith(".")


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
