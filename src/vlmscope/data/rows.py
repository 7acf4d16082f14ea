"""Lists as they are written: a JSON-lines file row by row, or rendered scenes by their name."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmscope.data.text_files import text_lines
from vlmscope.errors import BadSampleError, UnknownNameError
from vlmscope.io import is_folder, parse_json, shown_path, unread

__all__ = ["SCENES", "Row", "list_file", "read_rows", "scene_request", "text_field"]

SCENES = "tiny-scenes"
"""The name of a list that is rendered and not read."""

_FILE_IN_FOLDER = "samples.jsonl"
_LONGEST = 1_000_000  # characters of a text; a tokenizer takes minutes for more
_SHOWN = 60  # characters of a wrong value in a message


@dataclass(frozen=True)
class Row:
    """A line of a list that is not blank.

    Attributes:
        number: of the line in the file, from 1.
        text: the line.
        file: the list; places in the row are relative to its folder.
    """

    number: int
    text: str
    file: Path

    def record(self) -> dict[str, Any]:
        """The row's fields.

        Raises:
            BadSampleError: no strict JSON, or no object.
        """
        try:
            record = parse_json(self.text)
        except ValueError as error:
            raise BadSampleError(f"It is not JSON ({error}).") from error
        if not isinstance(record, dict):
            raise BadSampleError(f"A row is a JSON object, got {type(record).__name__}.")
        return record

    def place(self, written: str) -> Path:
        """Where a file lies that the row names."""
        return self.file.parent / written


def read_rows(source: str | os.PathLike[str], kind: str, example: str) -> list[Row]:
    """The rows of a JSON-lines file, their text unread.

    Lines end with a line feed, with or without a carriage return; the other separators of Unicode
    may stand inside a JSON text. A byte order mark is taken off.

    Args:
        source: the file, or a folder that holds ``samples.jsonl``.
        kind: what the list is called in messages.
        example: a row, for messages.

    Raises:
        BadSampleError: a file that is not there or is no UTF-8 text.
    """
    path = list_file(source)
    try:
        # as bytes: reading as text would also end lines at carriage returns
        content = path.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:  # a path with a zero byte is a ValueError
        reason = unread(error)
        raise BadSampleError(
            f"Cannot read the {kind} {shown_path(path)}: {reason}. Give a JSON-lines file with one {example} "
            f"per line, a folder that holds {_FILE_IN_FOLDER}, or {SCENES}:N."
        ) from error
    lines = enumerate(text_lines(content), start=1)
    return [Row(number, line, path) for number, line in lines if line.strip()]


def list_file(source: str | os.PathLike[str]) -> Path:
    """The file of a list: itself, or ``samples.jsonl`` in a folder."""
    path = Path(source)
    return path / _FILE_IN_FOLDER if is_folder(path) else path


def scene_request(
    source: str | os.PathLike[str], count: int, kinds: Sequence[str] = ()
) -> tuple[int, tuple[str, ...]] | None:
    """How many rendered scenes a source asks for and which kinds; None: it names no scenes.

    Args:
        source: ``tiny-scenes``, ``tiny-scenes:N`` or ``tiny-scenes:N:KIND,KIND``, or another list.
        count: where no number is given.
        kinds: that may be asked for, all of them where none is named.

    Raises:
        BadSampleError: scenes, but in another form.
        UnknownNameError: another kind.
    """
    text = os.fspath(source)
    if text.partition(":")[0] != SCENES:
        return None
    match = re.fullmatch(rf"{SCENES}(?::0*([1-9]\d{{0,5}}))?(?::([a-z,]+))?", text)
    if match is None or (match[2] and not kinds):
        forms = [SCENES, f"{SCENES}:N", *([f"{SCENES}:N:KIND"] if kinds else [])]
        raise BadSampleError(
            f"Rendered scenes are written {', '.join(forms[:-1])} or {forms[-1]} with N from 1 to "
            f"999999, got {text!r}."
        )
    named = tuple(match[2].split(",")) if match[2] else tuple(kinds)
    for kind in named:
        if kind not in kinds:
            raise UnknownNameError("kind of question", kind, kinds)
    return int(match[1] or count), named


def text_field(record: dict[str, Any], *names: str, empty: bool = False) -> str:
    """The text of a field.

    Args:
        record: the row's fields.
        names: of the field, the usual one first; the first that the row has counts.
        empty: allow a text without words.

    Raises:
        BadSampleError: no such field, no text in it, or one longer than any model reads.
    """
    name = next((name for name in names if name in record), names[0])
    value = record.get(name)
    if not isinstance(value, str) or "\0" in value or not (empty or value.strip()):
        state = f"it is {_shown(value)}" if name in record else "it is missing"
        raise BadSampleError(f"The field {name!r} must be a text, {state}.")
    if len(value) > _LONGEST:
        raise BadSampleError(
            f"The field {name!r} has {len(value):,} characters, at most {_LONGEST:,} are read. "
            "Shorten it."
        )
    return value


def _shown(value: Any) -> str:
    """A value as JSON writes it; whatever JSON has no form for as Python does."""
    return json.dumps(value, default=repr, skipkeys=True)[:_SHOWN]
