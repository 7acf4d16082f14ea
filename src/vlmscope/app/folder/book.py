"""Decisions about the objects of a folder, kept in one file beside its parts.

The file is that of an audit's page, so that ``vlmscope stats --decisions`` reads it; a corrected box is
one more field of its entry.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from vlmscope.app.folder.inside import check_inside
from vlmscope.app.folder.objects import ListedObject, Objects
from vlmscope.app.refusal import Refusal
from vlmscope.io import is_there, write_json
from vlmscope.labels.audit import DECISIONS
from vlmscope.labels.audit.sample import fingerprint_of
from vlmscope.labels.decided import Key, decisions_about
from vlmscope.labels.folder import LabelFolder
from vlmscope.types import Box
from vlmscope.version import __version__

__all__ = ["DECISIONS_FILE", "DecisionBook"]

DECISIONS_FILE = "decisions.json"
"""Its name in the folder of the labels."""


class DecisionBook:
    """What was decided; its methods may be called in any thread.

    Args:
        labels: the folder.
        objects: what can be decided about.

    Raises:
        BadSampleError: decisions that lie there already and cannot be read, or are of another job.
        OutputError: the file is a link to somewhere else.
    """

    def __init__(self, labels: LabelFolder, objects: Objects) -> None:
        self._labels = labels
        self._objects = objects
        self._place = labels.path / DECISIONS_FILE
        self._lock = threading.Lock()
        self._entries: dict[Key, dict[str, Any]] = self._read()

    def of(self, key: Key) -> str | None:
        """What was decided about an object; None: nothing."""
        entry = self._entries.get(key)
        return None if entry is None else str(entry["decision"])

    def box_of(self, key: Key) -> list[float] | None:
        """The box that somebody drew in place of an object's own; None: nobody did."""
        entry = self._entries.get(key)
        return None if entry is None else entry.get("box")

    def decide(self, key: Key, decision: str | None, box: Box | None = None) -> None:
        """Keep a decision, or take one back, and write the file.

        Raises:
            Refusal: there is no such object, or the box is none.
            OutputError: the file cannot be written; nothing has changed then.
        """
        found = self._objects.by_key.get(key)
        if found is None:
            raise Refusal(404, "unknown-object", "The folder holds no such object.")
        if box is not None and (box[0] >= box[2] or box[1] >= box[3]):
            raise Refusal(400, "bad-box", "A box is x0, y0, x1, y1 with x0 < x1 and y0 < y1.")
        with self._lock:
            entries = dict(self._entries)
            if decision is None:
                entries.pop(key, None)
            else:
                entries[key] = _entry(found, decision, box)
            write_json(self._place, self._file(entries))
            self._entries = entries

    def file(self) -> dict[str, Any]:
        """What the file holds: JSON values."""
        return self._file(self._entries)

    def _file(self, entries: dict[Key, dict[str, Any]]) -> dict[str, Any]:
        counts = [0] * len(self._objects.strata)
        for entry in entries.values():
            counts[entry["stratum"]] += 1
        strata = [
            replace(stratum, drawn=count).to_dict()
            for stratum, count in zip(self._objects.strata, counts, strict=True)
        ]
        return {
            "format": DECISIONS,
            "vlmscope": __version__,
            "fingerprint": fingerprint_of(self._labels),
            "seed": 0,
            "least_score": None,
            "sampled": False,  # somebody chose what to look at
            "strata": strata,
            "decisions": list(entries.values()),
        }

    def _read(self) -> dict[Key, dict[str, Any]]:
        if not is_there(self._place):
            return {}
        check_inside([self._place], self._place.parent)
        decisions = decisions_about(self._labels, self._place)
        return {
            each.key: _entry(self._objects.by_key[each.key], each.verdict, each.box)
            for each in decisions.each
            if each.key in self._objects.by_key
        }


def _entry(found: ListedObject, decision: str, box: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": found.id,
        "phrase": found.phrase,
        "instance": found.instance,
        "score": found.score,
        "stratum": found.stratum,
        "decision": decision,
    }
    return entry if box is None else {**entry, "box": [float(side) for side in box]}
