"""What a person decided about sampled objects, as the page of an audit downloads it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmscope.errors import BadSampleError
from vlmscope.io import parse_json, shown_path, unread
from vlmscope.labels.audit.strata import Stratum
from vlmscope.types import Box

__all__ = ["DECISIONS", "VERDICTS", "Decision", "Decisions"]

DECISIONS = "vlmscope-decisions/1"
"""Of the file."""

VERDICTS = ("accept", "reject", "unsure")
"""What can be decided."""

_SHOWN = 80  # characters of a wrong value in a message


@dataclass(frozen=True)
class Decision:
    """About one object.

    Attributes:
        id: of the image.
        phrase: of the object.
        instance: likewise.
        score: likewise; None: it has none.
        stratum: number of its stratum.
        verdict: one of :data:`VERDICTS`.
        box: that the person drew in place of the label's, xyxy in pixels of the upright image; None: none.
    """

    id: str
    phrase: str
    instance: int
    score: float | None
    stratum: int
    verdict: str
    box: Box | None = None

    @property
    def of_label(self) -> str:
        """The verdict about the label as it is: one whose box had to be drawn anew is not right."""
        return "reject" if self.verdict == "accept" and self.box is not None else self.verdict

    @property
    def key(self) -> tuple[str, str, int]:
        """What is unique of an object within a folder."""
        return self.id, self.phrase, self.instance


@dataclass(frozen=True)
class Decisions:
    """All decisions about a sample.

    Attributes:
        fingerprint: of the job that the sample was drawn from.
        least_score: objects below it were not in it; None: all were.
        strata: what was drawn of which.
        each: the decisions; objects that nobody looked at have none.
    """

    fingerprint: str
    least_score: float | None
    strata: tuple[Stratum, ...]
    each: tuple[Decision, ...]

    @property
    def population(self) -> int:
        """How many objects the sample stands for."""
        return sum(stratum.objects for stratum in self.strata)

    @property
    def drawn(self) -> int:
        """How many were to be looked at."""
        return sum(stratum.drawn for stratum in self.strata)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Decisions:
        """Decisions from a file that the page of an audit downloaded.

        Raises:
            BadSampleError: no such file, or none of decisions; says what is wrong.
        """
        place = Path(path)
        try:
            value = parse_json(place.read_text("utf-8-sig"))
        except (OSError, ValueError) as error:
            raise BadSampleError(
                f"Cannot read the decisions {shown_path(place)}: {unread(error)}."
            ) from error
        if not isinstance(value, dict) or value.get("format") != DECISIONS:
            raise BadSampleError(
                f"{shown_path(place)} holds no decisions. The page that vlmscope audit makes downloads a "
                "file of them."
            )
        return cls.from_dict(value, shown_path(place))

    @classmethod
    def from_dict(cls, value: Mapping[str, Any], name: str = "decisions") -> Decisions:
        """Decisions from JSON values.

        Raises:
            BadSampleError: values of another form, a decision that is none, or two about one object.
        """
        reader = _Reader(name)
        strata = tuple(map(reader.stratum, reader.list_of(value, "strata")))
        each = tuple(
            reader.decision(entry, len(strata)) for entry in reader.list_of(value, "decisions")
        )
        repeated = len(each) - len({decision.key for decision in each})
        if repeated:
            raise BadSampleError(
                f"{name}: {repeated:,} objects have two decisions. Leave one of each in the file."
            )
        fingerprint = reader.field(value, "fingerprint", str)
        return cls(fingerprint, reader.number(value, "least_score"), strata, each)


@dataclass(frozen=True)
class _Reader:
    """Reads fields, and says where one is not what it should be."""

    name: str

    def list_of(self, value: Mapping[str, Any], key: str) -> list[Any]:
        entries: list[Any] = self.field(value, key, list)
        wrong = next((entry for entry in entries if not isinstance(entry, dict)), None)
        if wrong is not None:
            raise self._wrong(key, wrong)
        return entries

    def stratum(self, entry: Mapping[str, Any]) -> Stratum:
        objects, drawn = self.field(entry, "objects", int), self.field(entry, "drawn", int)
        if not 0 <= drawn <= objects:
            raise self._wrong("drawn", drawn)
        low, high = self.number(entry, "low"), self.number(entry, "high")
        number, warned = self.field(entry, "bin", int), self.field(entry, "warned", bool)
        return Stratum(number, low, high, warned, objects, drawn)

    def decision(self, entry: Mapping[str, Any], strata: int) -> Decision:
        verdict = self.field(entry, "decision", str)
        if verdict not in VERDICTS:
            raise BadSampleError(
                f"{self.name}: a decision is {', '.join(VERDICTS[:-1])} or {VERDICTS[-1]}, got "
                f"{verdict[:_SHOWN]!r}."
            )
        stratum = self.field(entry, "stratum", int)
        if not 0 <= stratum < strata:
            raise self._wrong("stratum", stratum)
        return Decision(
            self.field(entry, "id", str),
            self.field(entry, "phrase", str),
            self.field(entry, "instance", int),
            self.number(entry, "score"),
            stratum,
            verdict,
            self.box(entry),
        )

    def box(self, entry: Mapping[str, Any]) -> Box | None:
        sides = entry.get("box")
        if sides is None:
            return None
        if not isinstance(sides, list) or len(sides) != 4:
            raise self._wrong("box", sides)
        x0, y0, x1, y1 = (self.number({"box": side}, "box") for side in sides)
        if None in (x0, y0, x1, y1) or not (x0 < x1 and y0 < y1):  # type: ignore[operator]
            raise self._wrong("box", sides)
        return x0, y0, x1, y1  # type: ignore[return-value]

    def field(self, entry: Mapping[str, Any], key: str, kind: type[Any]) -> Any:
        value = entry.get(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self._wrong(key, value)
        return value

    def number(self, entry: Mapping[str, Any], key: str) -> float | None:
        value = entry.get(key)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._wrong(key, value)
        return float(value)

    def _wrong(self, key: str, value: Any) -> BadSampleError:
        shown = json.dumps(value, ensure_ascii=False)[:_SHOWN]
        return BadSampleError(
            f"{self.name}: {key} is not what the page of an audit writes there, got {shown}. Download the "
            "decisions again."
        )
