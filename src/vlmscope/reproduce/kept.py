"""Results of finished steps, kept in a folder, so that the same command goes on where it stopped."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from vlmscope.errors import ModelMismatchError, OutputError
from vlmscope.io import is_there, parse_json, unread, write_json

__all__ = ["KeptResults", "slug"]

_FORMAT = "vlmscope-reproduction/1"
_HEADER = "state.json"
_FOLDER = "steps"


class KeptResults:
    """What steps found: JSON values by the id of the step.

    In the folder stand ``state.json``, which says what the results are of, and ``steps/ID.json`` of
    each finished step, written whole or not at all. Beside it a step may keep ``steps/ID.jsonl``, the
    state of its samples (:meth:`state_file`).

    Args:
        folder: None: results stay in memory.
        header: JSON values: models with their revisions, digests of the data sets, options. A folder
            with other ones is refused.

    Raises:
        ModelMismatchError: the folder's results are of something else; says what differs.
        OutputError: a folder that cannot be read or written.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, header: dict[str, Any]) -> None:
        self._folder = None if folder is None else Path(folder)
        self._results: dict[str, Any] = {}
        self._header = json.loads(json.dumps({"format": _FORMAT, **header}))
        if self._folder is not None:
            self._check(self._folder / _HEADER)

    def __contains__(self, step: str) -> bool:
        return step in self._results or (self._path(step) is not None)

    def __getitem__(self, step: str) -> Any:
        """The result of a finished step.

        Raises:
            KeyError: a step that is not finished.
            OutputError: a file that is damaged.
        """
        if step not in self._results:
            path = self._path(step)
            if path is None:
                raise KeyError(step)
            self._results[step] = _read(path)
        return self._results[step]

    def add(self, step: str, result: Any) -> None:
        """Keep the result of a finished step, JSON values."""
        if self._folder is not None:
            write_json(self._folder / _FOLDER / f"{step}.json", result)
        self._results[step] = json.loads(json.dumps(result, allow_nan=False))

    def state_file(self, step: str) -> Path | None:
        """Where a step keeps the state of its samples; None: nowhere."""
        if self._folder is None:
            return None
        folder = self._folder / _FOLDER
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"Cannot write {folder}: {error.strerror or error}.") from error
        return folder / f"{step}.jsonl"

    def _path(self, step: str) -> Path | None:
        if self._folder is None:
            return None
        path = self._folder / _FOLDER / f"{step}.json"
        return path if is_there(path) else None

    def _check(self, path: Path) -> None:
        if not is_there(path):
            write_json(path, self._header)
            return
        kept = _read(path)
        if not isinstance(kept, dict) or kept.get("format") != _FORMAT:
            raise OutputError(
                f"{path} is no state of a reproduction of this version of vlmscope. Give another "
                "folder, or delete it."
            )
        for key in sorted({*kept, *self._header}):
            if kept.get(key) != self._header.get(key):
                raise ModelMismatchError(
                    f"The results in {path.parent} were made with {key} {kept.get(key)!r}, now it is "
                    f"{self._header.get(key)!r}. Use the same models, data and options, or another "
                    "folder."
                )


def slug(name: str) -> str:
    """The name of a model as that of a folder."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "model"


def _read(path: Path) -> Any:
    try:
        return parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OutputError(
            f"Cannot read {path}: {unread(error)}. Delete it, and its step is done again."
        ) from error
